//! The grammar of `DB_HOST`: core's `parse_db_host` followed by what mysqlnd makes of the parts.
//! Pure; connects to nothing.

use std::path::PathBuf;

/// MySQL's own port.
const DEFAULT_PORT: u16 = 3306;

/// Where the database listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DbHost {
    /// A unix socket; None is PHP's default one (`mysqli.default_socket`).
    Socket(Option<PathBuf>),
    /// A host name or address without brackets.
    Tcp {
        /// Name or address.
        host: String,
        /// Port, 3306 when none is given.
        port: u16,
    },
}

/// None when the port is no port (above 65535): PHP cannot connect there either.
pub fn parse(text: &str) -> Option<DbHost> {
    // The first `:/` begins the socket, whatever stands before it.
    let (place, socket) = match text.find(":/") {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let (host, port) = split(place).unwrap_or((text, ""));
    // mysqlnd takes `localhost` and nothing as the socket and ignores the port, and any other
    // host as TCP and ignores the socket.
    if host.is_empty() || host.eq_ignore_ascii_case("localhost") {
        return Some(DbHost::Socket(socket.map(PathBuf::from)));
    }
    let port = match port.trim_start_matches('0') {
        "" => DEFAULT_PORT,
        digits => digits.parse().ok()?,
    };
    Some(DbHost::Tcp {
        host: host.to_owned(),
        port,
    })
}

/// Core's two patterns: host and digits of the port. None when core falls back to the whole text.
fn split(place: &str) -> Option<(&str, &str)> {
    if place.matches(':').count() > 1 {
        let inner = place.strip_prefix('[').unwrap_or(place);
        let end = inner
            .find(|c: char| !c.is_ascii_hexdigit() && c != ':')
            .unwrap_or(inner.len());
        if end == 0 {
            return None;
        }
        let port = inner[end..].strip_prefix("]:").map_or("", digits);
        return Some((&inner[..end], port));
    }
    let end = place.find([':', '/']).unwrap_or(place.len());
    let port = place[end..].strip_prefix(':').map_or("", digits);
    Some((&place[..end], port))
}

fn digits(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_core_s_grammar() {
        let socket = |path: &str| DbHost::Socket(Some(path.into()));
        let default = DbHost::Socket(None);
        let tcp = |host: &str, port| DbHost::Tcp {
            host: host.into(),
            port,
        };
        let rows = [
            ("localhost", default.clone()),
            ("localhost:3307", default.clone()),
            ("LOCALHOST", default.clone()),
            ("LocalHost:3307", default.clone()),
            ("", default.clone()),
            (":3307", default.clone()),
            ("127.0.0.1:3307", tcp("127.0.0.1", 3307)),
            ("127.0.0.1", tcp("127.0.0.1", 3306)),
            ("localhost:/run/my.sock", socket("/run/my.sock")),
            (":/run/my.sock", socket("/run/my.sock")),
            ("localhost:/a:/b", socket("/a:/b")),
            ("localhost:3306:/run/my.sock", socket("/run/my.sock")),
            ("db:/run/my.sock", tcp("db", 3306)),
            ("/run/my.sock", default),
            ("::1", tcp("::1", 3306)),
            ("[::1]", tcp("::1", 3306)),
            ("[::1]:3307", tcp("::1", 3307)),
            ("2001:db8::1", tcp("2001:db8::1", 3306)),
            ("::1:3307", tcp("::1:3307", 3306)),
            ("db.example.com:", tcp("db.example.com", 3306)),
            ("db.example.com:3310", tcp("db.example.com", 3310)),
            ("db:abc", tcp("db", 3306)),
            ("db:12abc", tcp("db", 12)),
            ("db:0", tcp("db", 3306)),
            ("p:localhost", tcp("p", 3306)),
            ("x:y:z", tcp("x:y:z", 3306)),
            ("db/x:1", tcp("db", 3306)),
        ];
        for (text, want) in rows {
            assert_eq!(parse(text), Some(want), "{text}");
        }
        assert_eq!(parse("db:65536"), None);
    }
}
