//! What a logout does not cut, made by a real WordPress and said in one line.

use kickout_tests::{Kickout, MariaDb, Site, WordPress, needs};
use serde_json::json;

use crate::destroy::destroy;

const DONE: &str = "Success: Destroyed all sessions.\n";

/// Two application passwords of anna, one of them used; a reset that bob waits for, and one of carl
/// that is over.
fn prepare(site: &Site) {
    for (login, role) in [
        ("anna", "editor"),
        ("bob", "editor"),
        ("carl", "subscriber"),
    ] {
        site.add_user(login, role);
    }
    site.php_with(
        "global $wpdb;
         [$anna, $bob, $carl] = array_map(static fn ($name) => get_user_by('login', $name), $args);
         foreach (['phone', 'backup'] as $name) {
             $made = WP_Application_Passwords::create_new_application_password($anna->ID,
                 ['name' => $name]);
         }
         WP_Application_Passwords::record_application_password_usage($anna->ID, $made[1]['uuid']);
         get_password_reset_key($bob);
         $key = explode(':', get_user_by('id', $carl->ID)->user_activation_key
             ?: time() . ':' . get_password_reset_key($carl), 2)[1];
         $wpdb->update($wpdb->users,
             ['user_activation_key' => time() - 2 * DAY_IN_SECONDS . ':' . $key],
             ['ID' => $carl->ID]);
         return true;",
        &json!(["anna", "bob", "carl"]),
    );
}

fn said(site: &Site) {
    prepare(site);
    let anna = "2 application passwords of anna (last used ";
    let bob = "1 pending password reset of bob.";
    let rows: [(&[&str], &[&str]); 10] = [
        (&["anna", "--all"], &[anna]),
        (&["anna"], &[anna]),
        (&["bob", "--all"], &[bob]),
        (&["carl", "--all"], &[]),
        (&["carl", "bob", "anna", "--all"], &[anna, "nor ", bob]),
        (&["--all-users", "--yes"], &[anna, "nor ", bob]),
        (&["--role=subscriber"], &[]),
        (&["--role=editor", "--except=anna"], &[bob]),
        (&["anna", "bob", "--all", "--dry-run"], &[]),
        (&["anna", "bob", "--all", "--quiet"], &[]),
    ];
    for (args, parts) in rows {
        site.logins(&[
            ("anna", "A", "::1"),
            ("bob", "B", "::1"),
            ("carl", "C", "::1"),
        ]);
        let mut run = destroy(site, &[args, &["--settle=0"]].concat()).code(0);
        if parts.is_empty() {
            run = run.stderr("");
        }
        for part in parts {
            run = run.stderr_has(part);
        }
        let lines = run.stderr.matches("A logout does not cut").count();
        run.check(lines == usize::from(!parts.is_empty()), "one line or none");
    }
    let run = destroy(site, &["anna", "--all"]).stdout(DONE);
    run.stderr_has("Warning: A logout does not cut 2 application passwords of anna")
        .stderr_has("wp user application-password delete <user> --all");
    let list = Kickout::at(site).args(["user", "session", "list", "anna", "--format=count"]);
    list.run().success();

    // The words are followed, and the line ends.
    site.php_with(
        "[$anna, $bob] = array_map(static fn ($name) => get_user_by('login', $name), $args);
         WP_Application_Passwords::delete_all_application_passwords($anna->ID);
         wp_set_password('another', $bob->ID);
         return true;",
        &json!(["anna", "bob"]),
    );
    destroy(site, &["--all-users", "--yes"]).code(0).stderr("");
}

#[test]
fn passwords_and_resets_on_mariadb() {
    needs!(WordPress);
    said(&WordPress::new().install());
}

#[test]
fn passwords_and_resets_on_sqlite() {
    needs!(WordPress, WordPressSqlite);
    said(&WordPress::new().install_sqlite());
}

/// One question, whoever is meant and however many there are; and many are counted up to a bound.
#[test]
fn one_question_for_everybody() {
    needs!(WordPress);
    let server = MariaDb::start();
    let site = WordPress::new().install_on(&server);
    site.sql(
        "INSERT INTO wp_users (user_login, user_activation_key)
             SELECT CONCAT('user', seq), CONCAT(UNIX_TIMESTAMP(), ':x') FROM seq_1_to_1500;
         INSERT INTO wp_usermeta (user_id, meta_key, meta_value)
             SELECT ID, '_application_passwords', 'a:1:{i:0;a:0:{}}' FROM wp_users LIMIT 700;
         SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON;",
    );
    let names: Vec<String> = (1..=1_200).map(|number| format!("user{number}")).collect();
    let named = |count: usize| -> Vec<&str> {
        let names = names.iter().take(count).map(String::as_str);
        names.chain(["--all", "--settle=0"]).collect()
    };
    let rows = [
        (named(1), "1 pending password reset of user1."),
        (
            named(40),
            "40 pending password resets of user1, user2, user3 and 37 others.",
        ),
        (named(1_200), "at least "),
        (
            vec!["--all-users", "--yes", "--settle=0"],
            "at least 1000 pending password resets of ",
        ),
    ];
    for (args, said) in rows {
        server.sql("TRUNCATE mysql.general_log");
        destroy(&site, &args).code(0).stderr_has(said);
        let asked = server.sql(
            "SELECT COUNT(*) FROM mysql.general_log WHERE command_type IN ('Query', 'Execute') \
             AND argument LIKE 'SELECT%application\\_passwords%'",
        );
        assert_eq!(asked, [["1"]], "{said}");
    }
}

/// Data that WordPress would not have written: nothing breaks, and the sessions are gone.
#[test]
fn odd_lists_and_keys() {
    needs!(WordPress);
    let site = WordPress::new().install();
    let anna = site.add_user("anna", "editor").id;
    let large = format!("s:{}:\"{}\";", 20_000, "x".repeat(20_000));
    let rows = [
        ("", "", None),
        ("no list", "", None),
        ("a:0:{}", "", None),
        (&large, "", Some("at least 1 application password of anna")),
        ("a:1:{i:0;i:7;}", "", Some("1 application password of anna")),
        ("", "oldkey", Some("1 pending password reset of anna")),
        ("", "0:x", None),
        (
            "",
            "99999999999:x",
            Some("1 pending password reset of anna"),
        ),
    ];
    for (list, key, said) in rows {
        site.sql(format!(
            "DELETE FROM wp_usermeta WHERE meta_key = '_application_passwords';
             INSERT INTO wp_usermeta (user_id, meta_key, meta_value)
                 VALUES ({anna}, '_application_passwords', '{list}');
             UPDATE wp_users SET user_activation_key = '{key}' WHERE ID = {anna};"
        ));
        let cookie = site.login("anna", "A", "::1");
        let run = destroy(&site, &["anna", "--all"]).code(0).stdout(DONE);
        match said {
            Some(said) => run.stderr_has(said),
            None => run.stderr(""),
        };
        assert!(!site.cookie_is_valid(&cookie), "{list:.20} {key}");
    }
}
