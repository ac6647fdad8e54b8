//! What still lets somebody in after what an operator does: each cell of the table in
//! `docs/engines-and-verdicts.md` is what a real web server answered, before and after.

use std::fmt::Write as _;
use std::time::Duration;

use kickout_tests::DropIn::RedisObjectCache;
use kickout_tests::{Redis, Site, Web, WordPress, needs, until, web_says, workspace_root};
use serde_json::{Value, json};

use crate::destroy::destroy;
use crate::managers::{TABLE, manager};

const DOCS: &str = "docs/engines-and-verdicts.md";
const BEGIN: &str = "<!-- made by `tests/run what_survives` -->\n";
const END: &str = "<!-- until here -->\n";

/// What an operator does about users, and its head in the table.
#[derive(Clone, Copy)]
enum Action {
    Sql,
    DestroyAll,
    Kickout,
    SetPassword,
    Profile,
    Salts,
}

const ACTIONS: [(Action, &str); 6] = [
    (Action::Sql, "rows deleted by SQL"),
    (Action::DestroyAll, "`destroy_all()`"),
    (Action::Kickout, "`kickout … --all`"),
    (Action::SetPassword, "`wp_set_password()`"),
    (Action::Profile, "new password in the profile"),
    (Action::Salts, "new salts"),
];

impl Action {
    fn act(self, site: &Site, users: &[&str], webs: &[&Web]) {
        let code = match self {
            Self::Sql => {
                site.sql("DELETE FROM wp_usermeta WHERE meta_key = 'session_tokens'");
                return;
            }
            Self::Kickout => {
                destroy(site, &[users, &["--all", "--settle=0"]].concat()).code(0);
                return;
            }
            Self::Salts => {
                let config = std::fs::read_to_string(site.root().join("wp-config.php")).unwrap();
                site.write(
                    "wp-config.php",
                    config.replace("of the tests:", "made anew:"),
                );
                // The web servers' OPcache looks at the file every two seconds.
                for web in webs {
                    let way = log_in(site, &["admin"], web).remove(0).remove(0);
                    until("the salts are in force", Duration::from_secs(30), || {
                        way.is_open().then_some(())
                    });
                }
                return;
            }
            Self::DestroyAll => "WP_Session_Tokens::get_instance($user->ID)->destroy_all();",
            Self::SetPassword => "wp_set_password('another', $user->ID);",
            // What the page of a profile calls, for an administrator.
            Self::Profile => {
                "require_once ABSPATH . 'wp-admin/includes/user.php';
                 add_filter('send_password_change_email', '__return_false');
                 wp_set_current_user(1);
                 $_POST = ['email' => $user->user_email, 'nickname' => $user->nickname,
                     'pass1' => 'another', 'pass2' => 'another'];
                 $done = edit_user($user->ID);
                 if (is_wp_error($done)) { throw new Exception($done->get_error_message()); }"
            }
        };
        let script = format!(
            "foreach ($args as $name) {{ $user = get_user_by('login', $name); {code} }}
             return true;"
        );
        site.php_with(&script, &json!(users));
    }
}

/// Somebody's way in: what a browser or a program sends, and to which web server.
struct Way<'a> {
    web: &'a Web,
    path: &'static str,
    header: String,
}

impl Way<'_> {
    /// Only who is let in gets the page itself.
    fn is_open(&self) -> bool {
        let Self { path, header, .. } = self;
        let answer = web_says(self.web.port(), path, header);
        let status = answer
            .split(' ')
            .nth(1)
            .unwrap_or_else(|| panic!("{answer:?}"));
        // The way to the login page, or REST's refusal.
        assert!(matches!(status, "200" | "302" | "401"), "{path}: {answer}");
        status == "200"
    }
}

/// Logs in, makes an application password and asks for a new password, for each user.
const LOGIN: &str = "return array_map(static function ($name) {
    $user = get_user_by('login', $name);
    $until = time() + DAY_IN_SECONDS;
    $token = WP_Session_Tokens::get_instance($user->ID)->create($until);
    $cookies = [];
    foreach ([AUTH_COOKIE => 'auth', LOGGED_IN_COOKIE => 'logged_in'] as $cookie => $scheme) {
        $value = wp_generate_auth_cookie($user->ID, $until, $scheme, $token);
        $cookies[] = $cookie . '=' . rawurlencode($value);
    }
    $application = WP_Application_Passwords::create_new_application_password($user->ID,
        ['name' => wp_generate_uuid4()]);
    $key = get_password_reset_key($user);
    return [
        'Cookie: ' . implode('; ', $cookies),
        'Authorization: Basic ' . base64_encode($name . ':' . $application[0]),
        'Cookie: wp-resetpass-' . COOKIEHASH . '=' . rawurlencode($name . ':' . $key),
    ];
}, $args);";

const PAGES: [&str; 3] = [
    "/wp-admin/profile.php",
    "/index.php?rest_route=/wp/v2/users/me",
    "/wp-login.php?action=rp",
];

/// The ways of each user, in the order of `PAGES`.
fn log_in<'a>(site: &Site, users: &[&str], web: &'a Web) -> Vec<Vec<Way<'a>>> {
    let made = site.php_with(LOGIN, &json!(users));
    let ways = |headers: &Value| {
        let headers = headers.as_array().unwrap().iter();
        let ways = headers.zip(PAGES).map(|(header, path)| Way {
            web,
            path,
            header: header.as_str().unwrap().to_owned(),
        });
        ways.collect()
    };
    made.as_array().unwrap().iter().map(ways).collect()
}

/// A row of the table: what it is called, and a cell for each action.
type Row = (&'static str, Vec<String>);

fn rows(names: &[&'static str]) -> Vec<Row> {
    names.iter().map(|name| (*name, Vec::new())).collect()
}

/// What became of a way; `stored` counts what is still kept of a session.
fn cell(way: &Way<'_>, stored: impl FnOnce() -> String) -> String {
    match way.is_open() {
        true => "**in**".to_owned(),
        false if stored() != "0" => "out, still stored".to_owned(),
        false => "out".to_owned(),
    }
}

fn kept(site: &Site, user: &str) -> String {
    let rows = site.sql(format!(
        "SELECT COUNT(*) FROM wp_usermeta JOIN wp_users ON user_id = ID
         WHERE meta_key = 'session_tokens' AND user_login = '{user}'"
    ));
    rows[0][0].clone()
}

fn installed(extra: &str, users: &[&str]) -> Site {
    let site = WordPress::new()
        .config(|config| {
            // Application passwords without TLS.
            config.extra = format!("define( 'WP_ENVIRONMENT_TYPE', 'local' );\n{extra}");
        })
        .install();
    for user in users {
        site.add_user(user, "editor");
    }
    site
}

fn open(what: &str, way: &Way<'_>) {
    let Way { path, header, .. } = way;
    assert!(way.is_open(), "{what}: not let in before: {path} {header}");
}

/// The default store, and what is no session at all.
fn plain() -> Vec<Row> {
    let site = installed("", &["anna"]);
    let web = Web::of(&site);
    let mut rows = rows(&[
        "a login cookie",
        "an application password",
        "a link to reset the password",
    ]);
    for (action, what) in ACTIONS {
        let ways = log_in(&site, &["anna"], &web).remove(0);
        ways.iter().for_each(|way| open(what, way));
        action.act(&site, &["anna"], &[&web]);
        for (index, (way, (_, cells))) in ways.iter().zip(&mut rows).enumerate() {
            cells.push(cell(way, || match index {
                0 => kept(&site, "anna"),
                _ => "0".to_owned(),
            }));
        }
    }
    rows
}

/// A Redis drop-in; the session of `bob` is in the cache alone, that of `carl` also in the cache of
/// another web server, which neither PHP's command line nor the first one knows.
fn cached() -> Vec<Row> {
    const USERS: [&str; 3] = ["anna", "bob", "carl"];
    let (redis, other) = (Redis::start(), Redis::start());
    let site = installed(&redis.settings(RedisObjectCache), &USERS);
    RedisObjectCache.into(&site);
    let web = Web::of(&site);
    let elsewhere = format!("define('WP_REDIS_PORT', {});", other.port());
    let head = Web::behind(&site, &elsewhere);
    let mut rows = rows(&[
        "a login cookie, with a Redis object cache",
        "a login cookie whose rows are gone, and Redis remembers",
        "a login cookie, on a second web server with its own Redis",
    ]);
    let bob = site.php("return get_user_by('login', 'bob')->ID;");
    for (action, what) in ACTIONS {
        other.ask(&["FLUSHALL"]);
        let ways = log_in(&site, &USERS, &web);
        let mut ways: Vec<_> = ways.into_iter().map(|mut ways| ways.remove(0)).collect();
        ways[2].web = &head;
        ways.iter().for_each(|way| open(what, way));
        site.clear_raw(bob.as_u64().unwrap());
        action.act(&site, &USERS, &[&web, &head]);
        for ((way, user), (_, cells)) in ways.iter().zip(USERS).zip(&mut rows) {
            cells.push(cell(way, || kept(&site, user)));
        }
    }
    rows
}

/// A session store of the site's own.
fn own_store() -> Vec<Row> {
    let site = installed("", &["anna"]);
    let (read, write) = TABLE;
    let code = manager(read, write, "$this->put([]);");
    site.write("wp-content/mu-plugins/own.php", code);
    let web = Web::of(&site);
    let mut rows = rows(&["a login cookie of a store of the site's own"]);
    for (action, what) in ACTIONS {
        let way = log_in(&site, &["anna"], &web).remove(0).remove(0);
        open(what, &way);
        action.act(&site, &["anna"], &[&web]);
        let stored = || site.sql("SELECT COUNT(*) FROM wp_own")[0][0].clone();
        rows[0].1.push(cell(&way, stored));
        site.sql("DELETE FROM wp_own");
    }
    rows
}

#[test]
fn what_survives_what() {
    needs!(WordPress, Redis);
    let (plain, cached, own) = std::thread::scope(|scope| {
        let (plain, own) = (scope.spawn(plain), scope.spawn(own_store));
        (plain.join().unwrap(), cached(), own.join().unwrap())
    });
    let (session, others) = plain.split_at(1);
    let rows = session.iter().chain(&cached).chain(&own).chain(others);
    let heads = ACTIONS.map(|(_, head)| head).join(" | ");
    let mut table = format!("\n| what keeps somebody in | {heads} |\n");
    table += &format!("|{}\n", "---|".repeat(ACTIONS.len() + 1));
    for (what, cells) in rows {
        writeln!(table, "| {what} | {} |", cells.join(" | ")).unwrap();
    }
    table.push('\n');
    println!("{table}");
    let docs = std::fs::read_to_string(workspace_root().join(DOCS)).unwrap();
    let said = docs
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END));
    let said = said
        .unwrap_or_else(|| panic!("{DOCS} has no table between its marks"))
        .0;
    assert!(
        said == table,
        "{DOCS} says\n{said}\nand this is so:\n{table}"
    );
}
