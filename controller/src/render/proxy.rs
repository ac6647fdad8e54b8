//! What to paste into a web server, so that it passes on to a bridge, and what to try then.

use kickout_shared::bridge::WELL_KNOWN;

/// The lines for nginx and Apache, and a first command for each site. A bridge that speaks TLS itself
/// needs no web server.
#[must_use]
pub fn proxy_lines(listen: &str, tls: bool, urls: &[String]) -> String {
    let mut text = String::new();
    if tls {
        text.push_str(&format!("It speaks TLS itself, on {listen}.\n"));
    } else {
        text.push_str(&format!(
            "
For nginx, in the server block that speaks TLS for the site:

    location {WELL_KNOWN} {{
        proxy_pass http://{listen};
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_buffering off;
        gzip off;
    }}

For Apache, with mod_proxy_http, in its virtual host:

    ProxyPass {WELL_KNOWN} http://{listen}{WELL_KNOWN} flushpackets=on
    <Location {WELL_KNOWN}>
        ProxyPreserveHost On
        SetEnv no-gzip 1
    </Location>

"
        ));
    }
    text.push_str("Then, from anywhere, with the token in KICKOUT_TOKEN:\n\n");
    for url in urls {
        text.push_str(&format!("    kickout --http={url} doctor\n"));
    }
    text
}
