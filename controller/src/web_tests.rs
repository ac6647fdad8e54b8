//! Addresses and answers, without a network.

use super::*;

#[test]
fn pages() {
    let rows = [
        (
            "http://s1.test",
            Some("http://s1.test"),
            "/wp-admin/profile.php",
        ),
        (
            "https://s1.test:8443/blog/",
            Some("https://s1.test:8443/blog"),
            "/blog/wp-admin/profile.php",
        ),
        (
            "http://[::1]:8080/",
            Some("http://[::1]:8080"),
            "/wp-admin/profile.php",
        ),
        ("s1.test", None, ""),
        ("ftp://s1.test", None, ""),
        ("http://user:pw@s1.test/", None, ""),
        ("http://s1.test/?x=1", None, ""),
        ("http://s1.test/#x", None, ""),
        ("http://s1.test:99999/", None, ""),
        ("http:///x", None, ""),
        ("http://s1.test/ x", None, ""),
        ("http://s1.test/\r\nX: y", None, ""),
    ];
    for (url, site, path) in rows {
        let page = Page::below(url);
        assert_eq!(page.as_ref().map(Page::site).as_deref(), site, "{url}");
        assert_eq!(page.map_or(String::new(), |page| page.path), path, "{url}");
    }
    assert!(Page::profile("http://s1.test/reboot").is_none());
    let page = Page::profile("http://S1.test:81/wp-admin/profile.php").unwrap();
    for (url, is) in [
        ("http://s1.test:81/two/", true),
        ("https://s1.TEST:81", true),
        ("s1.test:81", true),
        ("s1.test", false),
        ("s1.test:81@evil.test", false),
        ("evil.test/s1.test:81", false),
    ] {
        assert_eq!(page.is_at(url), is, "{url}");
    }
    for (url, is) in [
        ("http://localhost:81", true),
        ("http://127.9.0.1", true),
        ("http://[::1]", true),
        ("http://127.0.0.1.test", false),
        ("http://10.0.0.1", false),
    ] {
        assert_eq!(Page::below(url).unwrap().is_loopback(), is, "{url}");
    }
}

#[test]
fn heads() {
    for (text, shown) in [
        ("10.0.0.1", Some("10.0.0.1")),
        ("10.0.0.1:8080", Some("10.0.0.1:8080")),
        ("::1", Some("::1")),
        ("[::1]", Some("::1")),
        ("[::1]:80", Some("[::1]:80")),
        ("10.0.0.1:0", None),
        ("10.0.0.1:", None),
        ("web1", None),
        ("http://10.0.0.1", None),
        ("", None),
    ] {
        let read = Head::read(text).map(|head| head.to_string());
        assert_eq!(read.as_deref(), shown, "{text}");
    }
}

#[test]
fn answers() {
    let other = |text: &str| Seen::Other(text.to_owned());
    let rows = [
        (200, "", Seen::Open),
        (200, "/wp-login.php", Seen::Open),
        (302, "/wp-login.php?redirect_to=x", Seen::Login),
        (302, "https://s1.test/wp-login.php", Seen::Login),
        (
            302,
            "/?next=/wp-login.php",
            other("status 302 to /?next=/wp-login.php"),
        ),
        (
            302,
            "/wp-login.php/x",
            other("status 302 to /wp-login.php/x"),
        ),
        (302, "", other("status 302")),
        (403, "/wp-login.php", other("status 403")),
        (503, "", other("status 503")),
    ];
    for (status, location, expected) in rows {
        let mut response = Response::builder().status(status);
        if !location.is_empty() {
            response = response.header(header::LOCATION, location);
        }
        assert_eq!(
            seen(&response.body(()).unwrap()),
            expected,
            "{status} {location}"
        );
    }
}
