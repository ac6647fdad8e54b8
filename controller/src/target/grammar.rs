//! WP-CLI's grammar of connection strings, letter for letter; nothing is judged here.
//!
//! Border: this is `parse_ssh_url` of wp-cli/wp-cli:php/utils.php as a function. What Kickout
//! accepts, refuses and adds is decided in `connection`.

/// The prefix of a connection string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `docker:`, a running container.
    Docker,
    /// `docker-compose:`, a running service.
    DockerCompose,
    /// `docker-compose-run:`, a new container of a service.
    DockerComposeRun,
    /// `ssh:`, the same as no scheme.
    Ssh,
    /// `vagrant:`, a vagrant machine.
    Vagrant,
}

impl Scheme {
    /// Every scheme. No one is a prefix of another once the colon is there.
    pub const ALL: [Self; 5] = [
        Self::Docker,
        Self::DockerCompose,
        Self::DockerComposeRun,
        Self::Ssh,
        Self::Vagrant,
    ];

    /// The word before the colon.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::DockerCompose => "docker-compose",
            Self::DockerComposeRun => "docker-compose-run",
            Self::Ssh => "ssh",
            Self::Vagrant => "vagrant",
        }
    }

    /// Takes a scheme and its colon off the front.
    pub(crate) fn strip(text: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|scheme| {
            let rest = text.strip_prefix(scheme.as_str())?.strip_prefix(':')?;
            Some((scheme, rest))
        })
    }
}

/// The pieces of a connection string, unchecked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Connection<'a> {
    /// The scheme, when one was written.
    pub scheme: Option<Scheme>,
    /// What is before the first `@`.
    pub user: Option<&'a str>,
    /// The host or container; empty only for vagrant.
    pub host: Option<&'a str>,
    /// The digits after the host's colon.
    pub port: Option<&'a str>,
    /// From the first `/` or `~` after the host.
    pub path: Option<&'a str>,
}

/// Reads a connection string as WP-CLI does, including its surprises: what does not match gives
/// nothing at all, and pieces that PHP finds empty (`""` and `"0"`) are dropped.
#[must_use]
pub fn parse_connection(text: &str) -> Connection<'_> {
    let mut found = match_grammar(text).unwrap_or_default();
    for piece in [&mut found.user, &mut found.port, &mut found.path] {
        *piece = piece.filter(|text| *text != "0");
    }
    // The empty host of vagrant is set after the empty pieces were dropped, so it stays.
    found.host = found.host.filter(|host| *host != "0");
    found
}

/// The same match with nothing but unwritten pieces left out; `None` when there is no match.
pub(crate) fn match_grammar(text: &str) -> Option<Connection<'_>> {
    // The regular expression tries the optional scheme and the optional user greedily and comes
    // back without them: `docker-compose:` is a host with an empty port, `user@` is a host.
    let with_scheme = Scheme::strip(text).and_then(|(scheme, rest)| {
        match_user(rest).map(|c| Connection {
            scheme: Some(scheme),
            ..c
        })
    });
    let mut found = with_scheme.or_else(|| match_user(text))?;
    if text.starts_with("vagrant") && found.scheme.is_none() && found.host == Some("vagrant") {
        found.scheme = Some(Scheme::Vagrant);
        found.host = Some("");
    }
    Some(found)
}

/// `(([^@:]+)@)?` and what follows.
fn match_user(text: &str) -> Option<Connection<'_>> {
    let with_user = text.split_once('@').and_then(|(user, rest)| {
        let plausible = !user.is_empty() && !user.contains(':');
        let found = match_host(rest).filter(|_| plausible)?;
        Some(Connection {
            user: Some(user),
            ..found
        })
    });
    with_user.or_else(|| match_host(text))
}

/// `([^:/~]+)(:([\d]*))?((/|~)(.+))?$`. Each piece ends where the next can begin, so that no
/// backtracking is needed.
fn match_host(text: &str) -> Option<Connection<'_>> {
    let (host, rest) = text.split_at(text.find([':', '/', '~']).unwrap_or(text.len()));
    if host.is_empty() {
        return None;
    }
    let (port, path) = match rest.strip_prefix(':') {
        Some(rest) => {
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            rest.split_at(end)
        }
        None => ("", rest),
    };
    // `$` also matches before one last line break, and `.` matches everything but a line break.
    let path = path.strip_suffix('\n').unwrap_or(path);
    let good =
        path.is_empty() || (path.starts_with(['/', '~']) && path.len() > 1 && !path.contains('\n'));
    good.then(|| Connection {
        scheme: None,
        user: None,
        host: Some(host),
        port: (!port.is_empty()).then_some(port),
        path: (!path.is_empty()).then_some(path),
    })
}

#[cfg(test)]
mod tests {
    use super::{Connection, Scheme, parse_connection};

    #[test]
    fn pieces_come_out_as_wp_cli_sees_them() {
        let full = Connection {
            scheme: Some(Scheme::DockerComposeRun),
            user: Some("bar"),
            host: Some("wordpress"),
            port: Some("8080"),
            path: Some("~/a b:c"),
        };
        assert_eq!(
            parse_connection("docker-compose-run:bar@wordpress:8080~/a b:c"),
            full
        );
        let host = |host| Connection {
            host: Some(host),
            ..Connection::default()
        };
        for (text, expect) in [
            ("docker-compose:", host("docker-compose")),
            ("user@", host("user@")),
            ("@host", host("@host")),
            ("h\n", host("h\n")),
            (
                "u@/x",
                Connection {
                    path: Some("/x"),
                    ..host("u@")
                },
            ),
            (
                "h/p\n",
                Connection {
                    path: Some("/p"),
                    ..host("h")
                },
            ),
            (
                "h:0/p",
                Connection {
                    path: Some("/p"),
                    ..host("h")
                },
            ),
            ("0@h", host("h")),
            ("0", Connection::default()),
            ("h/p\nq", Connection::default()),
            ("[::1]:22/p", Connection::default()),
            (
                "vagrant:",
                Connection {
                    scheme: Some(Scheme::Vagrant),
                    ..host("")
                },
            ),
        ] {
            assert_eq!(parse_connection(text), expect, "{text:?}");
        }
    }
}
