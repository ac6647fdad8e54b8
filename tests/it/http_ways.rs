//! The way to a bridge: through web servers and proxies that are real, and past others that lie.

use kickout_tests::{Bridge, Certificate, InFront, Kickout, Says, TinyProxy, needs};

use crate::bridge::site;

const LIST: [&str; 5] = ["user", "session", "list", "admin", "--format=count"];

/// The site's own web server passes one path on, and the site says which.
#[test]
fn through_a_web_server() {
    needs!(WordPress, Root);
    for start in [InFront::nginx, InFront::apache] {
        let site = site();
        let mut bridge = Bridge::of(&[("shop", &site)]);
        let front = start(&bridge);
        let name = format!("127.0.0.1:{}", front.port());
        bridge.answers_to(&name);
        let token = bridge.token(&["--scope=sessions.destroy.user", "--site=shop"]);
        let cookie = site.login("admin", "A", "::1");
        Kickout::new()
            .env("KICKOUT_TOKEN", &token)
            .arg(format!("--http=http://{name}"))
            .args(["user", "session", "destroy", "admin", "--all"])
            .run()
            .success()
            .stdout("Success: Destroyed all sessions.\n");
        assert!(!site.cookie_is_valid(&cookie), "{}", front.log());
    }
}

/// A proxy that was named is used, another is not; it sees nothing but a name and a port.
#[test]
fn through_a_proxy() {
    needs!(WordPress, Root);
    let site = site();
    let own = Certificate::for_names(&["DNS:bridge.test"]);
    let mut bridge = Bridge::over_tls(&[("shop", &site)], &own, &own);
    let name = format!("bridge.test:{}", bridge.port());
    bridge.answers_to(&name);
    let token = bridge.token(&["--scope=sessions.list", "--site=shop"]);
    let proxy = TinyProxy::knows("bridge.test", bridge.port());
    let closed = TinyProxy::knows("bridge.test", 1);
    let list = |more: &[String]| {
        Kickout::new()
            .env("KICKOUT_TOKEN", &token)
            .arg(format!("--http=https://{name}"))
            .arg(format!("--http-ca={}", own.authority().display()))
            .args(more)
            .args(LIST)
            .run()
    };
    let by = |address: String| format!("--http-proxy={address}");
    list(&[by(proxy.address())]).success().stdout("0\n");
    list(&[by(closed.address())])
        .code(4)
        .stderr_has(&format!("the proxy {}", closed.address()));
    list(&[by("127.0.0.1:1".to_owned())])
        .code(4)
        .stderr_has("the proxy 127.0.0.1:1");
    list(&[by("a b".to_owned())]).code(2);
    // What the environment names is not told to us.
    let other = |name: &str| {
        Kickout::new()
            .env("KICKOUT_TOKEN", &token)
            .env(name, format!("http://{}", proxy.address()))
            .arg(format!("--http=https://bridge.test:{}", bridge.port()))
            .args(LIST)
            .run()
            .code(4)
            .stderr_has("the name bridge.test leads nowhere");
    };
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        other(name);
    }
}

fn answer(status: &str, head: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{head}\r\n{body}"
    )
    .into_bytes()
}

/// Who answers in a bridge's place gets no token that is not his, and is believed nothing.
#[test]
fn others_that_lie() {
    let elsewhere = Says::start(|_| answer("200 OK", "", "{}"));
    let to = format!("Location: http://{}/x\r\n", elsewhere.address());
    let known = r#"{"path":"/.well-known/kickout"}"#;
    let health = format!(r#"{{"protocol":{}}}"#, kickout_shared::version::PROTOCOL);
    let begun = r#"{"type":"begun","id":1,"cutoff":1}"#;
    let success = r#"{"type":"event","id":1,"seq":1,"event":{"line":{"level":"success","text":"Destroyed all sessions."}}}"#;
    let gone =
        r#"{"type":"done","id":1,"seq":1,"outcome":{"verdict":"gone","users":1,"sessions":1}}"#;
    let bridge = |run: Vec<u8>| {
        let health = health.clone();
        move |path: &str| match path.rsplit('/').next() {
            Some("kickout") => answer("200 OK", "", known),
            Some("health") => answer("200 OK", "", &health),
            _ => run.clone(),
        }
    };
    type Lie = Box<dyn Fn(&str) -> Vec<u8> + Send + Sync>;
    let at_first = |bytes: Vec<u8>| -> Lie { Box::new(move |_| bytes.clone()) };
    let as_run = |bytes: Vec<u8>| -> Lie { Box::new(bridge(bytes)) };
    let path = |path: &str| {
        let body = serde_json::json!({"path": path}).to_string();
        at_first(answer("200 OK", "", &body))
    };
    let lines = |lines: &[&str]| as_run(answer("200 OK", "", &(lines.join("\n") + "\n")));
    let rows: Vec<(Lie, i32, &str)> = vec![
        (
            at_first(answer("302 Found", &to, "")),
            4,
            "a token is never taken along",
        ),
        (
            at_first(answer("200 OK", "", "<html>")),
            4,
            "is something else",
        ),
        (at_first(b"SSH-2.0-OpenSSH\r\n".to_vec()), 4, "is no bridge"),
        (
            at_first(answer("200 OK", "", &"x".repeat(1_000_000))),
            4,
            "it says too much",
        ),
        (path("https://evil.test/"), 4, "as its path"),
        (path("//evil.test/x"), 4, "as its path"),
        (path("/a/../b"), 4, "as its path"),
        (path("/a\u{1b}[31m"), 4, "as its path"),
        (
            as_run(answer("302 Found", &to, "")),
            4,
            "a token is never taken along",
        ),
        (
            as_run(answer("403 Forbidden", "", r#"{"error":"no\u001b[2J"}"#)),
            1,
            "Error: no",
        ),
        (as_run(answer("404 Not Found", "", "")), 4, "status 404"),
        // It claims more than it names.
        (
            lines(&[begun, success, gone]),
            5,
            "it claims 1 destroyed sessions and named 0",
        ),
        // What nothing follows is no success; the same name is asked for until nobody can say.
        (
            lines(&[begun, success]),
            5,
            "Whether sessions were destroyed is not known",
        ),
        (as_run(Vec::new()), 5, "not known"),
        (
            as_run(answer("502 Bad Gateway", "", "<html>")),
            5,
            "not known",
        ),
    ];
    std::thread::scope(|scope| {
        for (lie, code, said) in rows {
            let elsewhere = &elsewhere;
            scope.spawn(move || {
                let liar = Says::start(lie);
                let output = Kickout::new()
                    .env("KICKOUT_TOKEN", "kob_000000000000_x")
                    .arg(format!("--http=http://{}", liar.address()))
                    .args(["user", "session", "destroy", "admin", "--all"])
                    .run()
                    .code(code)
                    .stdout("")
                    .stderr_has(said);
                assert!(!output.stderr.contains('\u{1b}'), "{}", output.stderr);
                let heads = liar.heard();
                // Whoever is not known yet, or sends on, is told nothing.
                let told = heads.iter().filter(|head| head.contains("kob_"));
                let asked = heads.iter().filter(|head| head.starts_with("POST "));
                assert_eq!(told.count(), asked.count());
                assert!(elsewhere.heard().is_empty());
            });
        }
    });
}
