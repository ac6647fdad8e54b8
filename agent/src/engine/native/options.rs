//! What the addressed blog's options say: which code is active, and which names are roles.

use super::sql::{Columns, Sql, quoted};
use super::store::Native;
use super::stored::{Options, array_keys, array_strings};
use crate::engine::EngineError;

impl<S: Sql> Native<S> {
    /// Reads what the blog's options say: which code is active, and which names are roles.
    pub async fn read_options(&mut self) -> Result<Options, EngineError> {
        let roles = format!("{}user_roles", self.tables.blog_prefix);
        // The prefix was checked to be letters, digits and underscores where it was read.
        let sql = format!(
            "SELECT option_name, option_value FROM {} WHERE option_name IN ('active_plugins', \
             'template', 'stylesheet', '{roles}')",
            quoted(&self.tables.options)
        );
        let read = |columns: &dyn Columns| {
            (
                columns.bytes(0).unwrap_or_default(),
                columns.bytes(1).unwrap_or_default(),
            )
        };
        let rows = match self.sql.fetch(&sql, &[], read).await {
            Ok(rows) => rows,
            // Sites that share user tables may keep no options under this prefix.
            Err(EngineError::NoTable { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut options = Options::default();
        for (name, value) in rows {
            let text = || String::from_utf8_lossy(&value).into_owned();
            match name.as_slice() {
                b"active_plugins" => options.plugins = array_strings(&value).unwrap_or_default(),
                b"template" | b"stylesheet" => options.themes.push(text()),
                name if name == roles.as_bytes() => self.roles = array_keys(&value),
                _ => {}
            }
        }
        Ok(options)
    }
}
