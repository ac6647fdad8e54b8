//! `user session destroy` where the data is unusual: other tables, other charsets, much of it.

use kickout_tests::{Kickout, MariaDb, Site, WordPress, needs};

use crate::destroy::destroy;
use crate::stored::{many, session, string, value, verifier};

#[test]
fn other_tables_networks_and_engines() {
    needs!(WordPress);
    let custom = WordPress::new().config(|config| {
        config.prefix = "x_".to_owned();
        config.user_tables = Some(("people".to_owned(), "people_meta".to_owned()));
    });
    let network = WordPress::new().config(|config| config.multisite = true);
    let network_wide = "Warning: This is a network: sessions are network-wide";
    let rows = [
        ("custom tables", custom, ""),
        ("a network", network, network_wide),
        ("MyISAM", WordPress::new(), ""),
    ];
    for (what, wordpress, said) in rows {
        let site = wordpress.install();
        if what == "MyISAM" {
            let (users, meta) = (site.users_table(), site.usermeta_table());
            site.sql(format!(
                "ALTER TABLE {users} ENGINE=MyISAM; ALTER TABLE {meta} ENGINE=MyISAM;"
            ));
        }
        let logins = [
            ("admin", "A", "::1"),
            ("admin", "B", "::1"),
            ("admin", "C", "::1"),
        ];
        let cookies = site.logins(&logins);
        let run = destroy(&site, &["admin", &cookies[1].verifier]).code(0);
        run.stdout("Success: Destroyed session. 2 sessions remaining.\n")
            .stderr_has(said);
        assert_eq!(site.valid_cookies(&cookies), [true, false, true], "{what}");
        destroy(&site, &["admin", "--all"]).code(0).stderr_has(said);
        assert_eq!(site.valid_cookies(&cookies), [false; 3], "{what}");
        assert_eq!(site.raw_rows(1), [], "{what}");
    }
}

/// Bytes that no UTF-8 text holds: a latin1 column keeps them, and they are no reason to touch
/// anything beside the session that goes.
#[test]
fn bytes_that_are_not_text() {
    needs!(WordPress);
    let site = WordPress::new()
        .config(|config| config.charset = "latin1".to_owned())
        .install();
    let (one, two) = (verifier(1), verifier(2));
    let odd = session(b"caf\xe9 \xff\x00\x81\x1b[31m");
    let kept = value(&[(one.clone(), odd.clone())]);
    site.set_raw(1, &value(&[(one, odd), (two.clone(), session(b"\x80"))]));
    let list = Kickout::at(&site).args(["user", "session", "list", "admin", "--format=json"]);
    list.run().code(0).stdout_has("caf").never_says("\x1b");
    let said = "Success: Destroyed session. 1 session remaining.\n";
    destroy(&site, &["admin"]).success().stdout(said);
    assert_eq!(site.raw_rows(1)[0].value.as_deref(), Some(&kept[..]));
    let live = site.php("return count(WP_Session_Tokens::get_instance(1)->get_all());");
    assert_eq!(live, 1);
    destroy(&site, &["admin"])
        .success()
        .stdout("Success: Destroyed session. 0 sessions remaining.\n");
    assert_eq!(site.raw_rows(1), []);
}

fn count(site: &Site) -> u64 {
    let all = site.php("return count(WP_Session_Tokens::get_instance(1)->get_all());");
    all.as_u64().unwrap()
}

/// 40,000 sessions in one value, about 10 MB; then the same behind a server that sends less at
/// once than that.
#[test]
fn ten_megabytes_of_sessions() {
    needs!(WordPress);
    let server = MariaDb::start();
    let site = WordPress::new().install_on(&server);
    let stored = many(40_000);
    assert!(stored.len() > 7_000_000);
    site.set_raw(1, &stored);
    let list = |format: &str| {
        Kickout::at(&site)
            .args([
                "user",
                "session",
                "list",
                "admin",
                &format!("--format={format}"),
            ])
            .run()
    };
    list("count").success().stdout("40000\n");
    destroy(&site, &["admin"])
        .success()
        .stdout("Success: Destroyed session. 39999 sessions remaining.\n");
    let token = verifier(777);
    destroy(&site, &["admin", &token])
        .success()
        .stdout("Success: Destroyed session. 39998 sessions remaining.\n");
    assert_eq!(count(&site), 39_998);
    destroy(&site, &["admin", "--all"]).success();
    assert_eq!(count(&site), 0);

    site.set_raw(1, &stored);
    server.sql("SET GLOBAL max_allowed_packet = 1048576");
    let warned = list("ids").code(0).stdout("");
    warned.stderr_has("more than the server sends at once");
    let one = destroy(&site, &["admin"]).code(1).stdout("");
    one.stderr_has("--all");
    assert_eq!(
        site.sql("SELECT COUNT(*) FROM wp_usermeta WHERE meta_key = 'session_tokens'"),
        [["1"]]
    );
    let all = destroy(&site, &["admin", "--all"]).success();
    all.stdout("Success: Destroyed all sessions.\n");
    assert_eq!(count(&site), 0);
}

/// One field of a megabyte: listed as its size, evidence in parts, and gone like any other.
#[test]
fn a_field_of_a_megabyte() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let mut large = session("A");
    large.pop();
    large.extend(string("note"));
    large.extend(string("x".repeat(1_500_000)));
    large.push(b'}');
    let large = [b"a:5".as_slice(), &large[3..]].concat();
    site.set_raw(
        1,
        &value(&[(verifier(1), session("B")), (verifier(2), large)]),
    );
    let list = Kickout::at(&site).args(["user", "session", "list", "admin", "--fields=ua,note"]);
    list.run()
        .code(0)
        .stderr_has("the field 'note' is too large to show");
    destroy(&site, &["admin"])
        .success()
        .stdout("Success: Destroyed session. 1 session remaining.\n");
    assert_eq!(count(&site), 1);
}

/// Other sites in the same database, and everything else of this one, stay as they are.
#[test]
fn nothing_beside_the_sessions_is_touched() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let cookies = site.logins(&[("admin", "A", "::1"), ("admin", "B", "::1")]);
    let tables = |like: &str| -> Vec<String> {
        let rows = site.sql(format!("SHOW TABLES LIKE '{like}'"));
        rows.into_iter().map(|row| row[0].clone()).collect()
    };
    for table in tables("wp\\_%") {
        let two = table.replacen("wp_", "two_", 1);
        site.sql(format!(
            "CREATE TABLE {two} LIKE {table}; INSERT INTO {two} SELECT * FROM {table};"
        ));
    }
    let others: Vec<_> = tables("%")
        .into_iter()
        .filter(|name| name != "wp_usermeta")
        .collect();
    assert!(others.iter().any(|name| name == "two_usermeta"));
    let facts = || {
        (
            site.sql(format!("CHECKSUM TABLE {}", others.join(", "))),
            site.sql("SELECT * FROM wp_usermeta WHERE meta_key <> 'session_tokens' ORDER BY 1"),
        )
    };
    let before = facts();
    destroy(&site, &["admin"]).success();
    destroy(&site, &["admin", "--all"]).success();
    destroy(&site, &["--all-users", "--yes"]).success();
    assert_eq!(facts(), before);
    assert_eq!(site.valid_cookies(&cookies), [false, false]);
}
