//! The harness keeps its own promises: what it starts dies, what it says is WordPress's own word.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use kickout_tests::{
    Certificate, Core, Guarded, Kickout, MariaDb, Scratch, Site, WordPress, needs, php, until,
};
use serde_json::json;

fn alive(pid: u32) -> bool {
    // A zombie is dead: in a container nobody may ever reap it.
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').unwrap().1.starts_with(" Z"))
}

/// A stand-in for a server: it names its directory, as every guarded program must.
fn lasting() -> Guarded {
    let scratch = Scratch::new("guarded");
    let mut tail = Command::new("tail");
    tail.arg("-f")
        .arg(scratch.write("log", ""))
        .stdout(Stdio::null());
    Guarded::spawn(tail, scratch)
}

#[test]
fn a_guard_kills_and_removes_when_dropped() {
    let guarded = lasting();
    let (pid, dir) = (guarded.pid(), guarded.dir().to_path_buf());
    assert!(alive(pid) && dir.exists());
    drop(guarded);
    assert!(!alive(pid) && !dir.exists());
}

#[test]
fn a_guard_kills_and_removes_when_its_test_is_killed() {
    let scratch = Scratch::new("killed");
    let note = scratch.join("note");
    let mut test = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "harness::child_that_waits_to_be_killed",
            "--ignored",
            "--nocapture",
        ])
        .env("KICKOUT_TESTS_NOTE", &note)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (pid, dir) = until(
        "the other test starts its server",
        Duration::from_secs(30),
        || {
            let note = std::fs::read_to_string(&note).ok()?;
            let (pid, dir) = note.strip_suffix('\n')?.split_once(' ')?;
            Some((pid.parse::<u32>().unwrap(), PathBuf::from(dir)))
        },
    );
    assert!(alive(pid) && dir.exists());
    test.kill().unwrap();
    test.wait().unwrap();
    until(
        "the watchdog ends the server",
        Duration::from_secs(30),
        || (!alive(pid)).then_some(()),
    );
    until("and its directory", Duration::from_secs(30), || {
        (!dir.exists()).then_some(())
    });
}

/// Not a test: the other half of the one above.
#[test]
#[ignore = "started by a_guard_kills_and_removes_when_its_test_is_killed"]
fn child_that_waits_to_be_killed() {
    let Some(note) = std::env::var_os("KICKOUT_TESTS_NOTE") else {
        return;
    };
    let guarded = lasting();
    std::fs::write(
        note,
        format!("{} {}\n", guarded.pid(), guarded.dir().display()),
    )
    .unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn a_server_takes_options_and_accounts() {
    needs!(WordPress);
    let certificate = Certificate::for_names(&["DNS:db.test", "IP:127.0.0.1"]);
    let [cert, key] = certificate.options();
    let server = MariaDb::with(&[&cert, &key, "--character-set-server=latin1"]);
    assert_eq!(
        server.sql("SELECT @@character_set_server, 'a\tb\\nc', @@have_ssl"),
        [["latin1", "a\tb\nc", "YES"]]
    );
    let database = server.database();
    database.sql("CREATE TABLE t (b BLOB); INSERT INTO t VALUES (X'00ff0a')");
    assert_eq!(database.sql("SELECT HEX(b) FROM t"), [["00FF0A"]]);
    let verified = Command::new("mariadb")
        .args([
            "--no-defaults",
            "--protocol=tcp",
            "--host=127.0.0.1",
            "-NB",
            "--ssl-verify-server-cert",
        ])
        .arg(format!("--port={}", server.port()))
        .arg(format!("--user={}", database.user))
        .arg(format!("--password={}", database.password))
        .arg(format!("--ssl-ca={}", certificate.authority().display()))
        .args(["-e", "SHOW STATUS LIKE 'Ssl_version'"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(said.starts_with("Ssl_version\tTLS"), "{verified:?}");
    let server = MariaDb::with_ed25519();
    server
        .database()
        .identified("VIA ed25519 USING PASSWORD('secret')");
    let error = server.try_sql("SELECT 1; SELECT nonsense").unwrap_err();
    assert!(error.contains("Unknown column 'nonsense'"), "{error}");
}

fn wordpress_answers(site: &Site) {
    let anna = site.add_user("anna", "editor");
    let [old, new] = site
        .logins(&[
            ("anna", "Firefox \"1\" \\ 日本", "203.0.113.7"),
            ("anna", "curl", "::1"),
        ])
        .try_into()
        .unwrap();
    assert_eq!(
        site.valid_cookies(&[old.clone(), new.clone()]),
        [true, true]
    );
    let sessions = site.sessions("anna");
    assert_eq!(
        sessions
            .iter()
            .map(|(verifier, _)| verifier)
            .collect::<Vec<_>>(),
        [&old.verifier, &new.verifier]
    );
    assert_eq!(sessions[1].1["ip"], "::1");

    // Behind WordPress's back: keep only the second session.
    let value = site.raw_rows(anna.id)[0].value.clone().unwrap();
    let kept = php(
        "$all = unserialize(hex2bin($args[0])); unset($all[$args[1]]);
         return bin2hex(serialize($all));",
        &json!([hex(&value), old.verifier]),
    );
    site.set_raw(anna.id, &unhex(kept.as_str().unwrap()));
    assert_eq!(site.valid_cookies(&[old, new.clone()]), [false, true]);
    site.clear_raw(anna.id);
    assert!(!site.cookie_is_valid(&new));
    assert_eq!(site.raw_rows(anna.id), []);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn wordpress_on_mariadb_is_asked() {
    needs!(WordPress);
    wordpress_answers(&WordPress::new().install());
}

#[test]
fn wordpress_on_sqlite_is_asked() {
    needs!(WordPress, WordPressSqlite);
    wordpress_answers(&WordPress::new().install_sqlite());
}

#[test]
fn newer_wordpress_on_mariadb_is_asked() {
    needs!(WordPress, Root, SlowAndFar);
    for suite in ["trixie", "sid"] {
        wordpress_answers(&WordPress::new().core(Core::Suite(suite)).install());
    }
}

#[test]
fn wordpress_takes_other_tables_and_networks() {
    needs!(WordPress);
    let site = WordPress::new()
        .config(|config| {
            config.prefix = "x'_1_".replace('\'', "");
            config.user_tables = Some(("people".to_owned(), "people_meta".to_owned()));
            config.charset = "latin1".to_owned();
            config.multisite = true;
        })
        .install();
    let cookie = site.login("admin", "UA", "192.0.2.1");
    assert!(site.cookie_is_valid(&cookie));
    assert_eq!(site.raw_rows(1).len(), 1);
    assert_eq!(
        site.php("global $wpdb; return [is_multisite(), is_super_admin(1), $wpdb->usermeta];"),
        json!([true, true, "people_meta"])
    );
    // Bytes a utf8mb4 column would refuse stay as they are in a latin1 one.
    site.set_raw(1, b"\xff\x00\n\t\\");
    assert_eq!(
        site.raw_rows(1)[0].value.as_deref(),
        Some(&b"\xff\x00\n\t\\"[..])
    );
}

#[test]
fn a_run_is_clean_and_bounded() {
    let run = Kickout::program(Path::new("/bin/sh"))
        .args([
            "-c",
            "env | cut -d= -f1 | sort | tr '\\n' ' '; pwd >&2; cat; exit 3",
        ])
        .env("X", "1")
        .stdin("typed")
        .run();
    let run = run.code(3).stdout_has("HOME LANG ").stdout_has("X typed");
    assert_eq!(run.stderr.trim_end(), run.cwd.to_str().unwrap());
    let endless = Kickout::program(Path::new("/bin/sh"))
        .args(["-c", "exec tail -f /dev/null"])
        .deadline(Duration::from_millis(100))
        .run();
    assert_eq!(endless.code, None);
    Kickout::program(Path::new("/bin/sh"))
        .args(["-c", "trap '' PIPE; echo x 2>/dev/null || exit 9"])
        .closed_stdout()
        .run()
        .code(9)
        .stdout("");
}

#[test]
fn a_terminal_has_a_width_and_a_keyboard() {
    let mut terminal = Kickout::program(Path::new("/bin/sh"))
        .args([
            "-c",
            "test -t 0 && test -t 1 && test -t 2 && stty size < /dev/tty; read a; exit $a",
        ])
        .tty(123);
    terminal.expect("50 123").send("7\n");
    terminal.finish().code(7).stdout("50 123\r\n7\r\n");
}
