//! Environment variables as the site's PHP sees them, and whether we know them at all.
//! The caller decides whose they are; nothing is read here.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;

/// The environment of the process that serves the site.
#[derive(Clone, Default)]
pub struct Environment {
    variables: HashMap<Vec<u8>, Vec<u8>>,
    of_web: bool,
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
        }
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
}
