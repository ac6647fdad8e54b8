//! From the text of `--ssh` to a typed target: what Kickout accepts on top of WP-CLI's grammar,
//! and what it refuses where WP-CLI would connect to something else or run on this machine.

use super::error::TargetError;
use super::field::{Container, Hop, Host, Port, RemotePath, User};
use super::grammar::{Connection, Scheme, match_grammar};
use super::kind::{Contained, Ssh, Target, Vagrant};

impl Target {
    /// Reads a connection string: `[<scheme>:][<user>@]<host|container>[:<port>][<path>]`.
    ///
    /// Beyond WP-CLI: an IPv6 address in brackets (`[::1]:22/path`) and `ssh://user@host:port/path`
    /// parse; a path that begins with `/~` in that URL starts at a home directory. Text that does
    /// not parse is an error, and so are a scheme without a host (`docker:` and `docker:/path`,
    /// where WP-CLI connects to a host named `docker`) and port 0. A piece `0` keeps its meaning.
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        let unparsable = || TargetError::Unparsable {
            text: text.to_owned(),
        };
        if text.contains(['\0', '\n']) {
            return Err(unparsable());
        }
        if let Some(rest) = text.strip_prefix("ssh://") {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let path = if path.starts_with("/~") {
                &path[1..]
            } else {
                path
            };
            return over_ssh(authority, Some(path).filter(|path| path.len() > 1));
        }
        let (scheme, rest) =
            Scheme::strip(text).map_or((None, text), |(scheme, rest)| (Some(scheme), rest));
        if let (None | Some(Scheme::Ssh), Some((authority, path))) = (scheme, bracketed(rest)) {
            return match path {
                "" => over_ssh(authority, None),
                "/" | "~" => Err(unparsable()),
                path => over_ssh(authority, Some(path)),
            };
        }
        if let (None, Some(error)) = (scheme, url(text)) {
            return Err(error);
        }
        let Some(found) = match_grammar(text) else {
            // `user:pw@host`: the message must not repeat the password.
            return Err(match rest.split_once('@') {
                Some((user, _)) if user.contains(':') => TargetError::Password,
                _ => unparsable(),
            });
        };
        match (scheme, found.scheme) {
            (Some(scheme), None) => Err(TargetError::Nowhere {
                scheme: scheme.as_str(),
                text: text.to_owned(),
            }),
            _ => typed(found).unwrap_or_else(|| Err(unparsable())),
        }
    }
}

/// The error for text that begins like a URL: WP-CLI would take its scheme for a host.
fn url(text: &str) -> Option<TargetError> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split('/').next().unwrap_or(rest);
    if !scheme
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-'))
    {
        None
    } else if authority.contains('@') {
        Some(TargetError::Password)
    } else {
        Some(TargetError::Url {
            text: text.to_owned(),
        })
    }
}

/// Splits `[user@][address][:port]` from the path behind it, if the host is in brackets.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let open = text.find('[')?;
    let before = &text[..open];
    if !(before.is_empty() || before.ends_with('@')) || before.contains([':', '/', '~']) {
        return None;
    }
    let close = open + text[open..].find(']')?;
    let end = text[close..]
        .find(['/', '~'])
        .map_or(text.len(), |at| close + at);
    Some(text.split_at(end))
}

/// An ssh target from OpenSSH's own form of a destination.
fn over_ssh(authority: &str, path: Option<&str>) -> Result<Target, TargetError> {
    if authority
        .rsplit_once('@')
        .is_some_and(|(user, _)| user.contains(':'))
    {
        return Err(TargetError::Password);
    }
    let Hop { host, user, port } = Hop::parse(authority)?;
    Ok(ssh(
        host,
        user,
        port,
        path.map(RemotePath::new).transpose()?,
    ))
}

/// The pieces of the grammar, each checked. `None` when there is no host at all.
fn typed(found: Connection<'_>) -> Option<Result<Target, TargetError>> {
    let name = found.host?;
    let build = || {
        let user = found.user.map(User::new).transpose()?;
        let path = found.path.map(RemotePath::new).transpose()?;
        let inside = |name: &str| Container::new(name);
        Ok(match found.scheme {
            None | Some(Scheme::Ssh) => {
                let port = found.port.map(Port::new).transpose()?;
                ssh(Host::new(name)?, user, port, path)
            }
            Some(Scheme::Docker) => Target::Docker(Contained {
                name: inside(name)?,
                user,
                path,
            }),
            Some(Scheme::DockerCompose) => Target::DockerCompose(Contained {
                name: inside(name)?,
                user,
                path,
            }),
            Some(Scheme::DockerComposeRun) => Target::DockerComposeRun(Contained {
                name: inside(name)?,
                user,
                path,
            }),
            Some(Scheme::Vagrant) => {
                let machine = (!name.is_empty()).then(|| inside(name)).transpose()?;
                Target::Vagrant(Vagrant {
                    machine,
                    user,
                    path,
                })
            }
        })
    };
    Some(build())
}

/// An ssh target as a connection string gives it; an alias may add to it.
fn ssh(host: Host, user: Option<User>, port: Option<Port>, path: Option<RemotePath>) -> Target {
    Target::Ssh(Ssh {
        host,
        user,
        port,
        path,
        jump: None,
        key: None,
        config: None,
        sudo: None,
    })
}

#[cfg(test)]
mod tests {
    use crate::target::{Target, TargetError};

    /// Text, and its canonical form.
    #[test]
    fn connection_strings_have_one_canonical_form() {
        for (text, canonical) in [
            ("foo.com", "ssh:foo.com"),
            ("ssh:bar@foo.com:~/path", "ssh:bar@foo.com:~/path"),
            ("u@h:2222/a b:c", "ssh:u@h:2222/a b:c"),
            ("[::1]:22/path", "ssh:[::1]:22/path"),
            ("ssh:u@[2001:db8::1]:~/w", "ssh:u@[2001:db8::1]:~/w"),
            ("ssh://u@h:22/path", "ssh:u@h:22/path"),
            ("ssh://h", "ssh:h"),
            ("ssh://h/", "ssh:h"),
            ("ssh://h:22/~u/x", "ssh:h:22~u/x"),
            ("ssh://a@b@[::1]:7/x", "ssh:a@b@[::1]:7/x"),
            ("docker:0@wordpress", "docker:0@wordpress"),
            ("docker:u@c:8080/x", "docker:u@c:/x"),
            (
                "docker-compose:bar@wordpress:~/p",
                "docker-compose:bar@wordpress:~/p",
            ),
            ("docker-compose-run:w", "docker-compose-run:w"),
            ("vagrant", "vagrant:"),
            ("vagrant:", "vagrant:"),
            ("vagrant~/x", "vagrant:~/x"),
            ("vagrant:/var/www/html", "vagrant:/var/www/html"),
            ("vagrant:default", "vagrant:default"),
            ("docker", "ssh:docker"),
            ("h:/p@x", "ssh:h:/p@x"),
            ("u@h/p@x", "ssh:u@h:/p@x"),
            ("h:/p://x", "ssh:h:/p://x"),
            ("foo.com://x", "ssh:foo.com://x"),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!(target.to_string(), canonical, "{text}");
            if !text.starts_with("ssh://a@b@") {
                assert_eq!(Target::parse(canonical).unwrap(), target, "{text}");
            }
        }
    }

    #[test]
    fn what_does_not_parse_is_an_error_that_shows_the_form() {
        for text in [
            "", "0/", "~/p", "foo:bar", "foo.com/", "h:22:/x", "::1", "[::1]/", "h\n", "[::1]x/y",
        ] {
            let error = Target::parse(text).unwrap_err();
            assert!(
                matches!(error, TargetError::Unparsable { .. }),
                "{text:?}: {error:?}"
            );
            assert!(
                error.fix().contains("[<scheme>:][<user>@]<host|container>"),
                "{text}"
            );
        }
        for text in [
            "docker:",
            "docker:/var/www",
            "ssh:",
            "docker-compose:~/x",
            "docker://c/p",
        ] {
            assert!(
                matches!(Target::parse(text), Err(TargetError::Nowhere { .. })),
                "{text}"
            );
        }
        assert!(matches!(
            Target::parse("https://x/y"),
            Err(TargetError::Url { .. })
        ));
        for text in [
            "u:hunter2@h/p",
            "ssh://u:hunter2@h",
            "ssh:u:hunter2@h",
            "ftp://u:hunter2@h",
            "u:hunter2@[::1]",
        ] {
            let error = Target::parse(text).unwrap_err();
            assert!(
                !format!("{error:?}{error}{}", error.fix()).contains("hunter2"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_parses_is_still_checked() {
        for (text, message) in [
            (
                "-oProxyCommand=id",
                "Invalid SSH host: value cannot start with a hyphen.",
            ),
            (
                "user@-oProxyCommand=id",
                "Invalid SSH host: value cannot start with a hyphen.",
            ),
            (
                "-user@foo.com",
                "Invalid SSH user: value cannot start with a hyphen.",
            ),
            (
                "foo:0/x",
                "Invalid SSH port: value must be a number from 1 to 65535.",
            ),
            (
                "foo:65536",
                "Invalid SSH port: value must be a number from 1 to 65535.",
            ),
            (
                "hö.example/p",
                "Invalid SSH host: value must be written in ASCII.",
            ),
            (
                "docker:-it",
                "Invalid SSH container: value cannot start with a hyphen.",
            ),
            (
                "[fe80::1%eth0]",
                "Invalid SSH host: value may only contain letters, digits and . _ - :.",
            ),
        ] {
            assert_eq!(
                Target::parse(text).unwrap_err().to_string(),
                message,
                "{text}"
            );
        }
    }
}
