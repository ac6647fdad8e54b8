//! Which blog of a network is addressed: its tables, and the plugins the whole network runs.

use super::Refusal;
use crate::engine::EngineError;
use crate::engine::native::{Arg, Columns, Sql, array_keys, quoted};
use crate::site::{Config, Setting, Tables};

/// The addressed blog.
pub(super) struct Blog {
    /// `wp_` for the main one, `wp_2_`, …
    pub(super) prefix: String,
}

/// The blog that `--url` names. Sessions do not depend on it; roles and options do.
pub(super) async fn addressed<S: Sql>(
    sql: &mut S,
    config: &Config<'_>,
    tables: &Tables,
    url: Option<&str>,
) -> Result<Blog, Refusal> {
    let main = Blog {
        prefix: tables.prefix.clone(),
    };
    let (true, Some(url)) = (tables.multisite, url) else {
        return Ok(main);
    };
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let first = path.split(['/', '?', '#']).next().unwrap_or_default();
    let blogs = quoted(&format!("{}blogs", tables.prefix));
    let sql_text = format!("SELECT blog_id, path FROM {blogs} WHERE domain = ?");
    let host = host.to_ascii_lowercase();
    let read = |columns: &dyn Columns| {
        (
            columns.int(0).unwrap_or(0),
            columns.bytes(1).unwrap_or_default(),
        )
    };
    let found = sql
        .fetch(&sql_text, &[Arg::Text(host.clone())], read)
        .await?;
    if found.is_empty() {
        return Err(Refusal::NoSuchSite(host));
    }
    let wanted = format!("/{first}/");
    // An unknown subdirectory is the main site's page, as in core.
    let exact = found
        .iter()
        .find(|(_, path)| path.eq_ignore_ascii_case(wanted.as_bytes()));
    let blog = exact.or_else(|| found.iter().find(|(_, path)| path == b"/"));
    let main_id = match config.get("BLOG_ID_CURRENT_SITE") {
        Setting::Value { value, .. } => value.to_int().unwrap_or(1),
        Setting::Unset | Setting::Unresolved { .. } => 1,
    };
    Ok(match blog {
        Some((id, _)) if i64::try_from(*id) != Ok(main_id) => Blog {
            prefix: format!("{}{id}_", tables.prefix),
        },
        Some(_) | None => main,
    })
}

/// The plugins that are active on the whole network (`active_sitewide_plugins`).
pub(super) async fn network_plugins<S: Sql>(
    sql: &mut S,
    tables: &Tables,
) -> Result<Vec<String>, EngineError> {
    if !tables.multisite {
        return Ok(Vec::new());
    }
    let meta = quoted(&format!("{}sitemeta", tables.prefix));
    let text = format!("SELECT meta_value FROM {meta} WHERE meta_key = 'active_sitewide_plugins'");
    let value = |columns: &dyn Columns| columns.bytes(0).unwrap_or_default();
    let values = sql.fetch(&text, &[], value).await?;
    let names = values
        .iter()
        .filter_map(|value| array_keys(value))
        .flatten();
    Ok(names
        .map(|name| String::from_utf8_lossy(&name).into_owned())
        .collect())
}
