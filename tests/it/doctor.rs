//! `doctor` on real sites: what it finds, in lines, with the fix; never a secret.

use kickout_tests::{Kickout, Output, Scratch, Site, WordPress, needs};

fn doctor(site: &Site) -> Output {
    Kickout::at(site).arg("doctor").run()
}

#[test]
fn a_site_in_order() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let run = doctor(&site)
        .code(0)
        .stderr("")
        .never_says(&site.database().password);
    let database = site.database();
    let said = [
        &format!("{} (WordPress ", site.root().display()),
        &database.name,
        "(set, not shown)",
        "DB_HOST",
        "$table_prefix",
        "native: MariaDB",
        "wp-config.php",
        "nothing that replaces sessions",
    ];
    let run = said.iter().fold(run, |run, said| run.stdout_has(said));
    assert!(!run.stdout.contains("FAIL"), "{}", run.to_snapshot());
}

#[test]
fn a_site_on_sqlite() {
    needs!(WordPress, WordPressSqlite);
    let site = WordPress::new().install_sqlite();
    doctor(&site)
        .code(0)
        .stdout_has("native: SQLite")
        .stdout_has("SQLite integration");
}

#[test]
fn a_site_that_is_not() {
    needs!(WordPress);
    let site = WordPress::new().install();
    site.write(
        "wp-content/object-cache.php",
        "<?php // Plugin Name: Memcached",
    );
    doctor(&site)
        .code(0)
        .stdout_has("warn")
        .stdout_has("(Memcached) answers before the database");
    let native = Kickout::at(&site).args(["doctor", "--engine=native"]);
    native
        .run()
        .code(1)
        .stdout_has("FAIL")
        .stdout_has("Memcached");
    std::fs::remove_file(site.root().join("wp-content/object-cache.php")).unwrap();
    let mut config = site.config().clone();
    config.password = Some("wr0ng".to_owned());
    site.write_config(&config);
    let run = doctor(&site).code(1).stdout_has("FAIL").never_says("wr0ng");
    run.stdout_has("refused the user")
        .stdout_has("DB_PASSWORD in wp-config.php");
    let nowhere = Scratch::new("nowhere");
    let run = Kickout::new()
        .cwd(nowhere.path())
        .arg("doctor")
        .run()
        .code(1);
    run.stdout_has("FAIL")
        .stdout_has("This does not seem to be a WordPress installation.");
}

/// Code that replaces how cookies are checked: it works, says so, and is no proof.
#[test]
fn code_that_may_change_the_result() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let plugin = "<?php\nif (!function_exists('wp_validate_auth_cookie')) {\n\
                  function wp_validate_auth_cookie($cookie = '', $scheme = '') { return 1; }\n}\n";
    site.login("admin", "A", "::1");
    site.write("wp-content/mu-plugins/auth.php", plugin);
    doctor(&site)
        .code(0)
        .stdout_has("warn")
        .stdout_has("auth.php:3");
    let destroy = Kickout::at(&site).args(["user", "session", "destroy", "admin"]);
    let run = destroy
        .run()
        .code(5)
        .stderr_has("auth.php:3 replaces how login cookies are checked");
    run.stdout("Success: Destroyed session. 0 sessions remaining.\n");
    assert_eq!(site.raw_rows(1), []);
}
