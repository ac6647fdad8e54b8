//! Sites whose cache is the memory of the web server's processes: no engine reaches it, a reload of
//! PHP-FPM empties it, and what the web server takes is asked of the web server.

use std::time::Duration;

use kickout_tests::{Cookie, DropIn, Fpm, Kickout, Site, needs, until, web_takes};

use crate::destroy::destroy;
use crate::object_cache::cached;
use crate::verify::{Proved as _, no_canary, proving};

const BEYOND: &str = "the web server's memory cache (APCu) cannot be cleared from here";

fn site() -> Site {
    let site = cached(DropIn::Apcu, |_| {});
    site.add_user("sue", "subscriber");
    site
}

/// Two logins that the web server takes, and remembers from now on.
pub(crate) fn logins(site: &Site, web: &Fpm) -> Vec<Cookie> {
    // It would not hear of logins that it did not make itself.
    web.reload();
    let cookies = site.logins(&[("admin", "A", "::1"), ("admin", "B", "::1")]);
    assert_eq!(web_takes(web.port(), site, &cookies), [true, true]);
    cookies
}

#[test]
fn until_php_fpm_is_reloaded() {
    needs!(WordPress, Apcu, Fpm);
    let site = site();
    let web = Fpm::of(&site);
    let taken = |cookies: &[Cookie]| web_takes(web.port(), &site, cookies);
    for words in [&["admin", "--all"][..], &["--all-users", "--yes"]] {
        let cookies = logins(&site, &web);
        destroy(&site, words)
            .code(5)
            .stdout_has("Success: Destroyed ")
            .stderr_has(BEYOND)
            .stderr_has("Reload PHP-FPM (systemctl reload php-fpm), or rotate the salts");
        assert_eq!(site.raw_rows(1), []);
        // As if nothing had happened.
        assert_eq!(taken(&cookies), [true, true], "{words:?}");
        // It remembers the first canary, and whose it was.
        for said in [
            "still answered for by",
            "Not proved: before it was destroyed",
        ] {
            let run = proving(&site, words, &web.url()).code(5);
            run.stderr_has(said).stderr_has(BEYOND);
        }
        no_canary(&site);
        // As the line says.
        web.reload();
        assert_eq!(taken(&cookies), [false, false], "{words:?}");
    }
    let doctor = Kickout::at(&site).arg("doctor").run().code(0);
    doctor.stdout_has("warn").stdout_has("APCu");
}

/// A canary is remembered like everybody: it proves something when the reload comes after it.
#[test]
fn proved_by_a_reload_during_the_wait() {
    needs!(WordPress, Apcu, Fpm);
    let site = site();
    let web = Fpm::of(&site);
    let cookies = logins(&site, &web);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            until("the rows are gone", Duration::from_secs(60), || {
                site.raw_rows(1).is_empty().then_some(())
            });
            web.reload();
        });
        let words = ["admin", "--all", "--settle=8"];
        proving(&site, &words, &web.url()).proved();
    });
    assert_eq!(web_takes(web.port(), &site, &cookies), [false, false]);
    no_canary(&site);
}
