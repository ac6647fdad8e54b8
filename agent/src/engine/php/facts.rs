//! What the site's own code says of itself once it is loaded: claims of the site, read and bounded.

use kickout_shared::value::Value;

use super::wire;
use crate::engine::native::Tables;

/// Lines of one kind that are kept.
const MOST: usize = 100;

/// The hello of a loaded WordPress.
#[derive(Clone, Debug)]
pub struct Facts {
    /// PHP's version.
    pub php: String,
    /// WordPress's version.
    pub wordpress: String,
    /// The class that keeps sessions.
    pub manager: String,
    /// Where it is defined.
    pub manager_file: String,
    /// Whether it is core's own.
    pub default: bool,
    /// Whether a shared object cache is in use.
    pub cache: bool,
    /// Pluggable functions that are not core's: `name() in file:line`.
    pub pluggables: Vec<String>,
    /// What hooks into user meta: `hook by function in file:line`.
    pub filters: Vec<String>,
    /// The tables and keys.
    pub tables: Tables,
    /// Whether it is the SQLite integration.
    pub sqlite: bool,
}

/// Reads a hello; `None` when it is none.
pub(super) fn read(hello: &Value) -> Option<Facts> {
    let text = |name| wire::shown(wire::get(hello, name));
    let flag = |name| wire::get(hello, name) == Some(&Value::Bool(true));
    let lines = |name| {
        let lines = wire::get(hello, name).map(wire::items);
        let lines = lines.into_iter().flatten().take(MOST);
        lines.map(|line| wire::shown(Some(line))).collect()
    };
    // What is pasted into SQL must be a name and nothing else.
    let name = |name| {
        let name = text(name);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        (!name.is_empty() && name.bytes().all(plain)).then_some(name)
    };
    Some(Facts {
        php: text("php"),
        wordpress: text("wordpress"),
        manager: text("manager"),
        manager_file: text("manager_file"),
        default: flag("default"),
        cache: flag("cache"),
        pluggables: lines("pluggables"),
        filters: lines("filters"),
        tables: Tables {
            users: name("users")?,
            usermeta: name("usermeta")?,
            options: name("options")?,
            blog_prefix: name("blog_prefix")?,
            multisite: flag("multisite"),
        },
        sqlite: flag("sqlite"),
    })
}
