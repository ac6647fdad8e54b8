//! A web server of a site as it usually is: nginx before PHP-FPM, whose processes share a memory that
//! outlives a request. Both of Debian's packages, unpacked, never installed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::cache::{copy_tree, debian_package};
use crate::mariadb::free_port;
use crate::scratch::text;
use crate::{Guarded, Owner, Scratch, Site, php, until};

/// A running web server; it ends with the value.
#[derive(Debug)]
pub struct Fpm {
    fpm: Guarded,
    _nginx: Guarded,
    port: u16,
}

impl Fpm {
    /// One head of the site, with two processes of its owner.
    pub fn of(site: &Site) -> Self {
        Self::with(site, "")
    }

    /// One whose nginx keeps what it once answered to these cookies, whatever the page says of it.
    pub fn with_page_cache(site: &Site) -> Self {
        Self::with(
            site,
            "fastcgi_cache pages; fastcgi_cache_valid 200 1h;
             fastcgi_cache_key $http_host$request_uri$http_cookie;
             fastcgi_ignore_headers Cache-Control Expires Set-Cookie Vary;",
        )
    }

    fn with(site: &Site, caching: &str) -> Self {
        let (fpm, socket) = start_fpm(site);
        let port = free_port();
        let nginx = start_nginx(site, &socket, port, caching);
        Self {
            fpm,
            _nginx: nginx,
            port,
        }
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

    /// As `systemctl reload php-fpm`; comes back when the new processes are there.
    pub fn reload(&self) {
        let before = ready(self.fpm.dir());
        self.fpm.signal(Signal::USR2);
        until("PHP-FPM has reloaded", Duration::from_secs(30), || {
            (ready(self.fpm.dir()) > before).then_some(())
        });
    }
}

impl Drop for Fpm {
    fn drop(&mut self) {
        // It waits for its children, which nobody else might do.
        if !self.fpm.has_ended() {
            self.fpm.stop();
        }
    }
}

/// How often it has said that it is ready.
fn ready(dir: &Path) -> usize {
    let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
    log.matches("ready to handle connections").count()
}

/// PHP-FPM of the version that the command line has, with the same extensions; and its socket.
fn start_fpm(site: &Site) -> (Guarded, String) {
    let facts = php(
        "return [PHP_MAJOR_VERSION . '.' . PHP_MINOR_VERSION, PHP_CONFIG_FILE_SCAN_DIR];",
        &json!([]),
    );
    let [version, extensions] = [0, 1].map(|index| facts[index].as_str().map(str::to_owned));
    let version = version.unwrap();
    let scratch = Scratch::new("fpm");
    let (package, _) = debian_package(&format!("php{version}-fpm"));
    // Where the site's account may read it, whoever owns the target directory.
    let program = scratch.join("php-fpm");
    copy_tree(
        &package.join(format!("usr/sbin/php-fpm{version}")),
        &program,
    );
    let socket = text(&scratch.join("socket"));
    let log = text(&scratch.join("log"));
    let config = scratch.write(
        "fpm.conf",
        format!(
            "[global]\nerror_log = {log}\ndaemonize = no\n\
             [site]\nlisten = {socket}\npm = static\npm.max_children = 2\n"
        ),
    );
    site.owner().give(scratch.path());
    let mut server = site.owner().command(&program);
    server
        .env("PHP_INI_SCAN_DIR", extensions.unwrap())
        .arg("-F")
        .arg("-y")
        .arg(config);
    let mut fpm = started(server, scratch);
    fpm.until("PHP-FPM is ready", Duration::from_secs(30), "log", |dir| {
        ready(dir) > 0
    });
    (fpm, socket)
}

fn start_nginx(site: &Site, socket: &str, port: u16, caching: &str) -> Guarded {
    let passed = [
        ("SCRIPT_FILENAME", "$document_root$fastcgi_script_name"),
        ("SCRIPT_NAME", "$fastcgi_script_name"),
        ("QUERY_STRING", "$query_string"),
        ("REQUEST_METHOD", "$request_method"),
        ("REQUEST_URI", "$request_uri"),
        ("SERVER_PROTOCOL", "$server_protocol"),
        ("HTTP_HOST", "$http_host"),
        ("REMOTE_ADDR", "$remote_addr"),
    ];
    let passed = passed.map(|(name, value)| format!("fastcgi_param {name} {value};"));
    let server = format!(
        "root {}; location / {{ fastcgi_pass unix:{socket}; {} {caching} }}",
        text(site.root()),
        passed.join(" "),
    );
    nginx(site.owner(), port, &server)
}

/// nginx with one server on this port, which has this in it.
pub(crate) fn nginx(owner: Owner, port: u16, server: &str) -> Guarded {
    let scratch = Scratch::new("nginx");
    let (package, _) = debian_package("nginx");
    let program = scratch.join("nginx");
    copy_tree(&package.join("usr/sbin/nginx"), &program);
    let dir = text(scratch.path());
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let folders = folders.map(|it| format!("{it}_temp_path {dir}/{it};"));
    let config = scratch.write(
        "nginx.conf",
        format!(
            "daemon off; master_process off; pid {dir}/pid; error_log {dir}/log;
             events {{ worker_connections 64; }}
             http {{ access_log off; {} fastcgi_cache_path {dir}/pages keys_zone=pages:1m;
                 server {{ listen 127.0.0.1:{port}; {server} }} }}",
            folders.join(" "),
        ),
    );
    owner.give(scratch.path());
    let mut server = owner.command(&program);
    server.args(["-e", &format!("{dir}/log"), "-c"]).arg(config);
    let mut nginx = started(server, scratch);
    nginx.until("nginx answers", Duration::from_secs(30), "log", |_| {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    nginx
}

pub(crate) fn started(mut server: Command, scratch: Scratch) -> Guarded {
    server.stdout(Stdio::null()).stderr(Stdio::null());
    Guarded::spawn(server, scratch)
}
