//! What is known of a site's code: a second run reads none of it, and any change is seen.

use std::path::Path;
use std::time::Duration;

use kickout_tests::{Binaries, Kickout, Output, Scratch, Site, WordPress, needs, quoted, until};

/// Kickout where `/var/tmp` is ours alone, behind other words; as this machine's tests and operators
/// share it.
fn inside(site: &Site, var_tmp: &Path, before: &str, words: &[&str]) -> Output {
    let script = format!(
        "mount --bind {} /var/tmp && exec {before} \"$@\"",
        quoted(var_tmp.to_str().unwrap())
    );
    let unshare = Kickout::program(Path::new("/usr/bin/unshare")).cwd(site.root());
    let unshare = unshare.args(["--mount", "/bin/sh", "-c", &script, "sh"]);
    unshare.arg(&Binaries::dev().kickout).args(words).run()
}

#[test]
fn a_second_run_reads_no_code() {
    needs!(Root, WordPress);
    let site = WordPress::new().install();
    site.login("admin", "A", "::1");
    let library = "wp-content/mu-plugins/library";
    for file in 0..600 {
        site.write(&format!("{library}/{}/{file}.php", file / 50), "<?php\n");
    }
    let scratch = Scratch::new("known");
    let (var_tmp, trace) = (scratch.join("var"), scratch.join("trace"));
    std::fs::create_dir(&var_tmp).unwrap();
    let count = ["user", "session", "list", "admin", "--format=count"];
    let read = || {
        let strace = format!(
            "strace -f -qq -e trace=open,openat -o {}",
            quoted(trace.to_str().unwrap())
        );
        inside(&site, &var_tmp, &strace, &count)
            .code(0)
            .stdout("1\n");
        let calls = std::fs::read_to_string(&trace).unwrap();
        calls
            .lines()
            .filter(|line| line.contains(".php\"") && line.contains(library))
            .count()
    };
    assert_eq!(read(), 600);
    // What was written within the last seconds may change again unseen: it is not kept.
    let folder = var_tmp.join(".kickout-0");
    assert!(!folder.exists());
    until("what was found is kept", Duration::from_secs(20), || {
        inside(&site, &var_tmp, "", &count).code(0).stdout("1\n");
        folder.exists().then_some(())
    });
    assert_eq!(read(), 0);

    // In place, as an upload does it: no folder changes.
    let doctor = || inside(&site, &var_tmp, "", &["doctor"]);
    doctor().code(0);
    let changed = site.root().join(library).join("3/155.php");
    std::fs::write(changed, "<?php add_filter('session_token_manager', 'f');").unwrap();
    doctor().stdout_has("library/3/155.php:1");
}
