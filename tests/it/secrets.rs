//! Passwords and tokens stand in no output, no command line and no environment.

use kickout_tests::{Kickout, MariaDb, WordPress, needs};

use crate::connect::waiting;
use crate::destroy::destroy;
use crate::held::Held;
use crate::running::Running;

#[test]
fn nothing_secret_is_shown() {
    needs!(WordPress);
    let site = WordPress::new().install_on(&MariaDb::start());
    let database = site.database().clone();
    let cookies = site.logins(&[("admin", "A", "::1"), ("admin", "B", "::1")]);
    let lock =
        "BEGIN; SELECT umeta_id FROM wp_usermeta WHERE meta_key = 'session_tokens' FOR UPDATE;";
    let mut held = Held::on_server(&database, lock);
    let args = ["user", "session", "destroy", "admin", "-", "--debug"];
    let running = Running::start(&site, &args, &format!("{}\n", cookies[0].token));
    waiting(&site);
    let secrets = [&database.password, &cookies[0].token, &cookies[1].token];
    for pid in [running.pid(), running.agent()] {
        for file in ["cmdline", "environ"] {
            let text = std::fs::read(format!("/proc/{pid}/{file}")).unwrap();
            let text = String::from_utf8_lossy(&text);
            assert!(
                secrets.iter().all(|secret| !text.contains(*secret)),
                "{file} of {pid}"
            );
        }
    }
    // The statements the server has seen carry hashes and verifiers at most.
    held.say("ROLLBACK;");
    let end = running.end();
    assert_eq!(end.code, Some(0), "{}", end.stderr);
    let said = end.stdout + &end.stderr;
    assert!(
        secrets.iter().all(|secret| !said.contains(*secret)),
        "{said}"
    );
    assert_eq!(site.valid_cookies(&cookies), [false, true]);

    let rows: [&[&str]; 5] = [
        &["user", "session", "list", "admin", "--format=json"],
        &["user", "list", "--format=yaml"],
        &["doctor"],
        &["config", "show", "--origin"],
        &["user", "session", "destroy", "admin", "--dry-run"],
    ];
    for args in rows {
        let run = Kickout::at(&site).args(args).arg("--debug").run();
        secrets
            .iter()
            .fold(run, |run, secret| run.never_says(secret));
    }
    let run = destroy(&site, &["admin", &cookies[1].token, "--debug"]).code(0);
    secrets
        .iter()
        .fold(run, |run, secret| run.never_says(secret));
}
