//! `user list` on a real WordPress: the users, roles and order that WordPress itself gives.

use kickout_tests::{Kickout, Output, Site, WordPress, needs};
use serde_json::json;

use crate::stored::crowd;

fn users(site: &Site, args: &[&str]) -> Output {
    Kickout::at(site).args(["user", "list"]).args(args).run()
}

#[test]
fn the_users_of_a_site() {
    needs!(WordPress);
    let site = WordPress::new().install();
    for (login, role) in [("zoe", "editor"), ("Anna", "author"), ("bob", "editor")] {
        site.add_user(login, role);
    }
    site.php("get_user_by('login', 'bob')->add_role('author');");
    let wordpress = site.php(
        "return array_map(static fn ($user) => [$user->ID, $user->user_login,
            implode(',', $user->roles)], get_users(['orderby' => 'login']));",
    );
    let shown = users(&site, &["--fields=ID,user_login,roles", "--format=json"]).success();
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
    let shown = shown.as_array().unwrap().iter();
    let shown: Vec<_> = shown
        .map(|it| json!([it["ID"], it["user_login"], it["roles"]]))
        .collect();
    assert_eq!(json!(shown), wordpress);
    let rows: [(&[&str], &str); 5] = [
        (&["--field=user_login"], "admin\nAnna\nbob\nzoe\n"),
        (&["--role=editor", "--field=user_login"], "bob\nzoe\n"),
        (
            &["--role=author", "--role=administrator", "--format=count"],
            "3\n",
        ),
        (&["--role=nonsense", "--format=ids"], ""),
        (&["--format=ids"], "1 3 4 2\n"),
    ];
    for (args, said) in rows {
        users(&site, args).success().stdout(said);
    }
    users(&site, &["--format=table"])
        .success()
        .stdout_has("user_registered");
    crowd(&site, 10_001, 3_000, "subscriber");
    users(&site, &["--format=count"]).success().stdout("3004\n");
    let listed = users(&site, &["--role=subscriber", "--field=ID"])
        .success()
        .stdout;
    assert_eq!(listed.lines().count(), 3_000);
}

/// On a network, only those with a role on the addressed site are its users.
#[test]
fn the_users_of_one_site_of_a_network() {
    needs!(WordPress);
    let site = WordPress::new()
        .config(|config| config.multisite = true)
        .install();
    site.add_user("anna", "editor");
    site.php(
        "$id = wp_insert_user(['user_login' => 'second', 'user_pass' => 'x']);
         remove_user_from_blog($id, 1);
         add_user_to_blog(2, $id, 'author');",
    );
    let of = |url: &str| users(&site, &[url, "--field=user_login"]).success().stdout;
    assert_eq!(of("--url=http://s1.test/"), "admin\nanna\n");
    assert_eq!(of("--url=http://s1.test/two/"), "admin\nsecond\n");
    let nowhere = users(&site, &["--url=http://elsewhere.test/"])
        .code(1)
        .stdout("");
    nowhere.stderr_has("Site 'elsewhere.test' not found.");
}
