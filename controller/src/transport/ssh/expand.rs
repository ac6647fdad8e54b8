//! `~`, `${VARIABLE}` and `%` tokens in paths and commands of a configuration. Pure; every value
//! that goes in was checked before, so that what comes out is safe where the template is.

use std::path::PathBuf;

use super::settings::Around;

/// The values of the tokens.
pub(super) struct Tokens<'a> {
    pub(super) host: &'a str,
    pub(super) original: &'a str,
    pub(super) alias: &'a str,
    pub(super) port: u16,
    pub(super) user: &'a str,
    pub(super) jump: &'a str,
    pub(super) around: &'a Around,
}

/// What has no value here, as it stands in the template.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoValue(pub(super) String);

impl Tokens<'_> {
    /// The tokens of a command or of a path.
    pub(super) fn text(&self, template: &str) -> Result<String, NoValue> {
        let mut text = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('%') {
            text += before;
            let mut chars = after.chars();
            let token = chars.next();
            text += &self.value(token)?;
            rest = chars.as_str();
        }
        text += rest;
        Ok(text)
    }

    fn value(&self, token: Option<char>) -> Result<String, NoValue> {
        let around = self.around;
        let home = || around.home.to_str().map(str::to_owned);
        let short = |name: &String| name.split('.').next().unwrap_or_default().to_owned();
        let value = match token {
            Some('%') => Some("%".to_owned()),
            Some('h') => Some(self.host.to_owned()),
            Some('n') => Some(self.original.to_owned()),
            Some('k') => Some(self.alias.to_owned()),
            Some('p') => Some(self.port.to_string()),
            Some('r') => Some(self.user.to_owned()),
            Some('j') => Some(self.jump.to_owned()),
            Some('d') => home(),
            Some('u') => around.user.clone(),
            Some('i') => Some(around.uid.to_string()),
            Some('l') => around.local_host.clone(),
            Some('L') => around.local_host.as_ref().map(short),
            _ => None,
        };
        let token = token.map(String::from).unwrap_or_default();
        value.ok_or_else(|| NoValue(format!("%{token}")))
    }

    /// A path: a home directory in front, then variables, then tokens.
    pub(super) fn path(&self, template: &str) -> Result<PathBuf, NoValue> {
        let (home, rest) = match template.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                (Some(&self.around.home), rest.trim_start_matches('/'))
            }
            Some(rest) => {
                let name = rest.split('/').next().unwrap_or_default();
                return Err(NoValue(format!("~{name}")));
            }
            None => (None, template),
        };
        let rest = self.text(&self.variables(rest)?)?;
        Ok(match home {
            Some(home) if rest.is_empty() => home.clone(),
            Some(home) => home.join(rest),
            None => PathBuf::from(rest),
        })
    }

    /// `${NAME}`; a percent sign in the value is no token.
    fn variables(&self, template: &str) -> Result<String, NoValue> {
        let mut text = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${") {
            text += before;
            let name = after.split_once('}');
            let value = name.and_then(|(name, _)| (self.around.var)(name));
            let (Some((_, after)), Some(value)) = (name, value) else {
                return Err(NoValue(format!("${{{after}")));
            };
            text += &value.replace('%', "%%");
            rest = after;
        }
        text += rest;
        Ok(text)
    }
}
