//! Logins in flight against a real WordPress: what it writes back is ended again, what is new stays.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use kickout_tests::{
    Cookie, Kickout, MariaDb, Need, Output, Scratch, Site, WordPress, needs, until,
};
use serde_json::json;

use crate::connect::waiting;
use crate::destroy::destroy;
use crate::held::Held;

/// A login that has read what is stored waits before it writes, until nobody holds the lock `go`.
const PAUSED: &str = "
    [$name, $read] = $args;
    add_filter('update_user_metadata', static function ($null, $id, $key) use ($read) {
        if ($key === 'session_tokens') {
            touch($read);
            $GLOBALS['wpdb']->query(\"SELECT GET_LOCK('go', 60)\");
        }
        return $null;
    }, 10, 3);
    $user = get_user_by('login', $name);
    $until = time() + DAY_IN_SECONDS;
    $token = WP_Session_Tokens::get_instance($user->ID)->create($until);
    return [wp_generate_auth_cookie($user->ID, $until, 'logged_in', $token), $token,
        hash('sha256', $token)];";

const SECONDS: Duration = Duration::from_secs(30);

/// Waits until the clock, which WordPress reads in whole seconds, shows another one.
fn next_second() {
    let second = || {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap().as_secs()
    };
    let begun = second();
    until("the next second", SECONDS, || {
        (second() > begun).then_some(())
    });
}

/// A file that is there at the latest when the value goes, so that nobody waits for it for ever.
struct Mark(PathBuf);

impl Mark {
    fn set(&self) {
        std::fs::write(&self.0, "").unwrap();
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let _ = std::fs::write(&self.0, "");
    }
}

/// What is left after a run that met a login in flight: the run, and whether the old session, the
/// one in flight and one that was made meanwhile still count.
struct Met {
    run: Output,
    old: bool,
    in_flight: bool,
    later: bool,
}

/// The race of one user, deterministic: the run has begun; a login reads; the row goes; the login
/// writes its old copy back, and another one is made.
fn race(args: &[&str]) -> Met {
    // A server of its own, whose locks are ours alone.
    let site = WordPress::new().install_on(&MariaDb::start());
    let anna = site.add_user("anna", "editor").id;
    site.add_user("bob", "editor");
    let [old, _] = site
        .logins(&[("anna", "A", "::1"), ("bob", "B", "::1")])
        .try_into()
        .unwrap();
    let token = |arg: &&str| match *arg {
        "<token>" => old.verifier.clone(),
        arg => arg.to_owned(),
    };
    let args: Vec<String> = args.iter().map(token).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let notes = Scratch::new("notes");
    site.owner().give(notes.path());
    let read = notes.join("read");
    let paused = Held::on_server(site.database(), "SELECT GET_LOCK('go', 0);");
    let lock = format!(
        "BEGIN; SELECT umeta_id FROM wp_usermeta WHERE user_id = {anna} AND meta_key = \
         'session_tokens' FOR UPDATE;"
    );
    let mut held = Held::on_server(site.database(), &lock);
    let holds_old = || {
        let value = site.raw_rows(anna).pop().and_then(|row| row.value);
        value.is_some_and(|value| String::from_utf8_lossy(&value).contains(&old.verifier))
    };
    std::thread::scope(|scope| {
        let (site, args) = (&site, &args);
        let run = scope.spawn(move || destroy(site, args));
        waiting(site);
        // The cutoff is behind us, and its second too.
        next_second();
        let given = json!(["anna", read]);
        let login = scope.spawn(move || site.php_with(PAUSED, &given));
        until("the login has read", SECONDS, || {
            read.exists().then_some(())
        });
        held.say("ROLLBACK;");
        until("the old session is gone", SECONDS, || {
            (!holds_old()).then_some(())
        });
        drop(paused);
        let made: [String; 3] = serde_json::from_value(login.join().unwrap()).unwrap();
        let later = site.login("anna", "C", "::1");
        let [value, token, verifier] = made;
        let in_flight = Cookie {
            value,
            token,
            verifier,
        };
        let run = run.join().unwrap();
        let valid = site.valid_cookies(&[old.clone(), in_flight, later]);
        Met {
            run,
            old: valid[0],
            in_flight: valid[1],
            later: valid[2],
        }
    })
}

#[test]
fn a_login_that_writes_its_old_copy_back() {
    needs!(WordPress);
    let came_back = "Warning: What was destroyed came back (a login in flight wrote its old copy)";
    let rows: [(&[&str], bool); 5] = [
        // One user is not waited for: the row was gone when it was read back, and the login was not
        // over. This is what the wait is for.
        (&["anna", "--all"], true),
        (&["anna", "--all", "--settle=3"], false),
        (&["anna", "<token>", "--settle=3"], false),
        (&["anna", "bob", "--all"], false),
        (&["--all-users", "--yes"], false),
    ];
    let met = std::thread::scope(|scope| {
        // Side by side: most of their time is waited for.
        let races = rows.map(|(args, _)| scope.spawn(move || race(args)));
        races.map(|race| race.join().unwrap())
    });
    for (met, (_, revived)) in met.into_iter().zip(rows) {
        let run = met.run.code(0).stdout_has("Success: Destroyed ");
        let run = if revived {
            run.stderr("")
        } else {
            run.stderr_has(came_back)
        };
        let valid = (met.old, met.in_flight, met.later);
        run.check(valid == (revived, true, true), &format!("not {valid:?}"));
    }
}

#[test]
fn how_long_is_waited_is_bounded() {
    let rows = ["601", "-1", "", "soon", "NaN", "1e9", "2s"];
    for value in rows {
        let run = Kickout::new().args(["user", "session", "destroy", "admin"]);
        let run = run.arg(format!("--settle={value}")).run();
        run.code(2).stdout("").stderr_has("--settle");
    }
    let bare = Kickout::new().args(["user", "session", "destroy", "admin", "--settle"]);
    bare.run().code(2).stdout("").stderr_has("settle");
}

/// Something that logs people in with the old list again and again is no login in flight.
#[test]
fn what_comes_back_for_ever() {
    needs!(WordPress);
    let site = WordPress::new().install_on(&MariaDb::start());
    let cookie = site.login("admin", "A", "::1");
    site.sql(
        "CREATE TABLE kept AS SELECT * FROM wp_usermeta WHERE meta_key = 'session_tokens';
         DELIMITER //
         CREATE EVENT revive ON SCHEDULE AT CURRENT_TIMESTAMP DO WHILE @@event_scheduler = 'ON' DO
             INSERT IGNORE INTO wp_usermeta SELECT * FROM kept;
             DO SLEEP(0.1);
         END WHILE//
         DELIMITER ;
         SET GLOBAL event_scheduler = ON;",
    );
    let rows: [&[&str]; 3] = [
        &["admin", "--all", "--settle=0.4"],
        &["admin", &cookie.verifier, "--settle=0.4"],
        &["--all-users", "--yes", "--settle=0.4"],
    ];
    for args in rows {
        let run = destroy(&site, args).code(5).stdout("");
        run.stderr_has("come back as soon as they are destroyed.")
            .stderr_has("Rotate the salts");
    }
    site.sql("SET GLOBAL event_scheduler = OFF;");
}

/// Logins of many users at random moments, each between its read and its write for a while, all in
/// one process: a fiber is what a request would be.
const CROWD: &str = "
    [$seed, $begun, $enough, $names] = $args;
    mt_srand($seed);
    // Between hooks: those know no fibers.
    class Slow extends WP_User_Meta_Session_Tokens {
        public static $made = [];
        protected function update_sessions($sessions) {
            if (Fiber::getCurrent()) {
                $new = array_key_last($sessions);
                self::$made[] = [$this->user_id, $new, $sessions[$new]['login']];
                Fiber::suspend();
            }
            parent::update_sessions($sessions);
        }
        public function has($verifier) {
            return isset($this->get_sessions()[$verifier]);
        }
    }
    add_filter('session_token_manager', static fn () => 'Slow');
    $ids = array_map(static fn ($name) => get_user_by('login', $name)->ID, $names);
    $login = static function ($id) {
        wp_cache_flush();
        return WP_Session_Tokens::get_instance($id)->create(time() + DAY_IN_SECONDS);
    };
    $old = array_map(static fn ($id) => [$id, hash('sha256', $login($id))], $ids);
    $soon = static fn ($most) => microtime(true) + mt_rand(0, $most) / 1e6;
    $starts = array_fill_keys($ids, 0);
    foreach ($ids as $id) {
        $starts[$id] = $soon(3000000);
    }
    // Others have something to do meanwhile.
    $pause = static fn () => $GLOBALS['wpdb']->query('DO SLEEP(0.0005)');
    $in_flight = [];
    for (touch($begun); $in_flight || !file_exists($enough); clearstatcache(), $pause()) {
        foreach ($in_flight as $id => [$until, $fiber]) {
            if (microtime(true) >= $until) {
                unset($in_flight[$id]);
                $fiber->resume();
                $starts[$id] = $soon(3000000);
            }
        }
        foreach ($starts as $id => $start) {
            if (microtime(true) >= $start && !file_exists($enough)) {
                unset($starts[$id]);
                $fiber = new Fiber($login);
                $fiber->start($id);
                $in_flight[$id] = [$soon(200000), $fiber];
            }
        }
    }
    wp_cache_flush();
    $is_there = static fn ($it) => WP_Session_Tokens::get_instance($it[0])->has($it[1]);
    return [array_map($is_there, $old),
        array_map(static fn ($it) => [$it[2], $is_there($it)], Slow::$made)];";

/// Logins that are made while the test looks.
fn interleaved(site: &Site, seed: u64, names: &[String], args: &[&str]) -> usize {
    let notes = Scratch::new("notes");
    site.owner().give(notes.path());
    let [begun, enough] = ["begun", "enough"].map(|name| notes.join(name));
    let (run, left) = std::thread::scope(|scope| {
        let given = json!([seed, begun, enough, names]);
        let enough = Mark(enough);
        let making = scope.spawn(move || site.php_with(CROWD, &given));
        until("people log in", SECONDS, || begun.exists().then_some(()));
        next_second();
        let run = destroy(site, args);
        enough.set();
        (run, making.join().unwrap())
    });
    let (old, made): (Vec<bool>, Vec<(i64, bool)>) = serde_json::from_value(left).unwrap();
    let run = run.code(0).stdout_has("Success: Destroyed ");
    let alive = old.iter().filter(|alive| **alive).count();
    let run = run.check(
        alive == 0,
        &format!("seed {seed}: {alive} old sessions live"),
    );
    let of = |kept: bool| made.iter().filter(move |it| it.1 == kept).map(|it| it.0);
    // Nothing that was made after the cutoff is gone, and nothing made before it is there.
    let (last_gone, first_kept) = (of(false).max(), of(true).min());
    run.check(
        last_gone.is_some() && last_gone < first_kept,
        &format!("seed {seed}: gone at {last_gone:?}, kept at {first_kept:?}: {made:?}"),
    );
    made.len()
}

#[test]
fn random_interleavings() {
    needs!(WordPress);
    let wanted = match Need::SlowAndFar.missing() {
        Some(_) => 250,
        None => 1_000,
    };
    let given = std::env::var("KICKOUT_TESTS_SEED").ok();
    let first: u64 = given.map_or(1, |seed| seed.parse().unwrap());
    let site = WordPress::new().install_on(&MariaDb::start());
    let names: Vec<String> = (0..120).map(|number| format!("user{number}")).collect();
    let rows: Vec<String> = names.iter().map(|name| format!("('{name}')")).collect();
    site.sql(format!(
        "INSERT INTO wp_users (user_login) VALUES {};",
        rows.join(", ")
    ));
    let mut named: Vec<&str> = names.iter().map(String::as_str).collect();
    named.push("--all");
    let mut made = 0;
    for (seed, args) in (first..).zip([&["--all-users", "--yes"][..], &named].iter().cycle()) {
        made += interleaved(&site, seed, &names, args);
        if made >= wanted {
            break;
        }
    }
}
