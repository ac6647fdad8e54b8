//! A web server of a site: PHP's own, on a loopback port, with a script in front when one is wanted.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use crate::mariadb::free_port;
use crate::scratch::text;
use crate::{Cookie, Guarded, Scratch, Site, Space, until};

/// Serves the site.
const SITE: &str = "
    chdir($_SERVER['DOCUMENT_ROOT'] . dirname($_SERVER['SCRIPT_NAME']));
    require $_SERVER['DOCUMENT_ROOT'] . $_SERVER['SCRIPT_NAME'];";

/// Says the name of the cookie, and whom WordPress takes the visitor for.
const WHO: &str = "<?php
    require __DIR__ . '/wp-load.php';
    echo LOGGED_IN_COOKIE, ' ', get_current_user_id();";

/// What a web server on this port of loopback answers, with one more line of the request's head.
pub fn web_says(port: u16, path: &str, line: &str) -> String {
    let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = format!("GET {path} HTTP/1.0\r\nHost: s1.test\r\n{line}\r\n\r\n");
    server.write_all(request.as_bytes()).unwrap();
    let mut said = String::new();
    server.read_to_string(&mut said).unwrap();
    said
}

/// Whether a web server of the site on this port of loopback takes each of these cookies.
pub fn web_takes(port: u16, site: &Site, cookies: &[Cookie]) -> Vec<bool> {
    if !site.root().join("who.php").exists() {
        site.write("who.php", WHO);
    }
    let ask = |cookie: &str| -> (String, String) {
        let said = web_says(port, "/who.php", &format!("Cookie: {cookie}"));
        let body = said.rsplit("\r\n\r\n").next().unwrap_or_default();
        let (name, user) = body
            .trim()
            .rsplit_once(' ')
            .unwrap_or_else(|| panic!("{said}"));
        (name.to_owned(), user.to_owned())
    };
    let (name, nobody) = ask("none=");
    assert_eq!(nobody, "0", "somebody without a cookie");
    let taken = |cookie: &Cookie| ask(&format!("{name}={}", cookie.value)).1 != "0";
    cookies.iter().map(taken).collect()
}

/// A running web server.
#[derive(Debug)]
pub struct Web {
    process: Guarded,
    port: u16,
}

impl Web {
    /// One head of the site.
    pub fn of(site: &Site) -> Self {
        Self::behind(site, "")
    }

    /// One that answers so many requests, and none after.
    pub fn silent_after(site: &Site, answers: usize) -> Self {
        let before = format!(
            "if (count(file(__DIR__ . '/requests')) > {answers}) {{
                posix_mkfifo(__DIR__ . '/pipe', 0600);
                fopen(__DIR__ . '/pipe', 'r');
            }}"
        );
        Self::behind(site, &before)
    }

    /// The one request that waits is answered after all.
    pub fn release(&self) {
        let pipe = self.process.dir().join("pipe");
        until("a request waits", Duration::from_secs(30), || {
            pipe.exists().then_some(())
        });
        std::fs::File::options().write(true).open(pipe).unwrap();
    }

    /// One that runs this PHP before the site's.
    pub fn behind(site: &Site, before: &str) -> Self {
        Self::start(site, before, None)
    }

    /// One head on the loopback of another network.
    pub fn within(site: &Site, space: &Space) -> Self {
        Self::start(site, "", Some(space))
    }

    fn start(site: &Site, before: &str, space: Option<&Space>) -> Self {
        let (scratch, port) = (Scratch::new("web"), free_port());
        // A line for each request, with its cookies: `requests` reads them.
        let log = "file_put_contents(__DIR__ . '/requests', json_encode([$_SERVER['HTTP_HOST'],
            $_SERVER['REQUEST_URI'], $_SERVER['HTTP_COOKIE'] ?? '']) . \"\\n\", FILE_APPEND);";
        let router = scratch.write("router.php", format!("<?php\n{log}\n{before}\n{SITE}"));
        let owner = site.owner();
        owner.give(scratch.path());
        let mut server = owner.command("php");
        if let Some(space) = space {
            let mut there = space.command(server.get_program());
            there.args(server.get_args());
            server = there;
        }
        server
            .args(["-d", "display_errors=0", "-S", &format!("127.0.0.1:{port}")])
            .arg("-t")
            .arg(site.root())
            .arg(router)
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(scratch.join("log")).unwrap());
        let mut process = Guarded::spawn(server, scratch);
        process.until("php -S answers", Duration::from_secs(30), "log", |dir| {
            let log = std::fs::read_to_string(dir.join("log")).unwrap();
            log.contains(" started")
        });
        Self { process, port }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:<port>`
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its address as browsers know it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Every request so far: host, path and cookies.
    pub fn requests(&self) -> Vec<[String; 3]> {
        let file = self.process.dir().join("requests");
        let lines = std::fs::read_to_string(&file).unwrap_or_default();
        let read = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", text(&file)));
        lines.lines().map(read).collect()
    }

    /// Ends it.
    pub fn stop(&mut self) {
        self.process.stop();
    }
}
