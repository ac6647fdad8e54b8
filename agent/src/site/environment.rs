//! Environment variables as the site's PHP sees them, the host it is asked as, and whether we know
//! them at all. The caller decides whose they are; nothing is read here.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;

/// The environment of the process that serves the site.
#[derive(Clone, Default)]
pub struct Environment {
    variables: HashMap<Vec<u8>, Vec<u8>>,
    of_web: bool,
    host: Option<Vec<u8>>,
}

impl Environment {
    /// Nothing is known of the web process: whatever depends on a variable is unresolved.
    pub fn unknown() -> Self {
        Self::default()
    }

    /// The complete environment of the web server's PHP process (a container's own, an FPM worker's
    /// `environ`). A variable that is absent here counts as not set.
    pub fn of_process(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into_vec(), value.into_vec()));
        Self {
            variables: variables.collect(),
            of_web: true,
            host: None,
        }
    }

    /// The same for requests to a URL, with or without a scheme (`--url`).
    pub fn asked_at(mut self, url: Option<&str>) -> Self {
        self.host = url.and_then(host);
        self
    }

    /// `HTTP_HOST` of such requests.
    pub(crate) fn host(&self) -> Option<&[u8]> {
        self.host.as_deref()
    }

    /// Whether these are the web process's variables.
    pub fn is_of_web(&self) -> bool {
        self.of_web
    }

    /// Every variable that is known.
    pub fn variables(&self) -> Vec<(OsString, OsString)> {
        let pair = |(name, value): (&Vec<u8>, &Vec<u8>)| {
            let text = |bytes: &Vec<u8>| OsString::from_vec(bytes.clone());
            (text(name), text(value))
        };
        self.variables.iter().map(pair).collect()
    }

    /// `Some(Some(value))` set, `Some(None)` certainly not set, `None` unknown.
    pub(crate) fn get(&self, name: &[u8]) -> Option<Option<&[u8]>> {
        self.of_web
            .then(|| self.variables.get(name).map(Vec::as_slice))
    }
}

/// The host and port of a URL, as a browser sends them.
fn host(url: &str) -> Option<Vec<u8>> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = place.rsplit('@').next().unwrap_or_default();
    (!host.is_empty()).then(|| host.as_bytes().to_vec())
}

/// Names only: values are secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Environment({} variables, of_web {})",
            self.variables.len(),
            self.of_web
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_is_not_unknown() {
        let known = Environment::of_process([("A".into(), "secret".into())]);
        assert_eq!(known.get(b"A"), Some(Some(&b"secret"[..])));
        assert_eq!(known.get(b"B"), Some(None));
        assert_eq!(Environment::unknown().get(b"A"), None);
        assert!(!format!("{known:?}").contains("secret"));
    }

    #[test]
    fn the_host_of_a_url() {
        let rows = [
            ("a.test", Some("a.test")),
            ("http://a.test:81/x?y", Some("a.test:81")),
            ("https://u:p@a.test?x", Some("a.test")),
            ("//", None),
            ("", None),
        ];
        for (url, expected) in rows {
            let seen = Environment::unknown().asked_at(Some(url));
            assert_eq!(seen.host(), expected.map(str::as_bytes), "{url}");
        }
        assert_eq!(Environment::unknown().host(), None);
    }
}
