//! `doctor`: what the site is, where each value comes from, and which engine follows from it.
//! Secrets are named, never shown.

use kickout_shared::event::{Event, Finding, Line, Missing, Outcome, State, Verdict};
use kickout_shared::site::Site;

use crate::engine::Engine as _;
use crate::engine::choose::{self, Decision, Refusal, Way, object_cache_name};
use crate::out::{Cancelled, Out};
use crate::site::{self, Config, ConfigError, DbDropIn, Environment, Setting};
use crate::{evaluate, run};

/// The names that decide where sessions are; the last ones are shown only when they are set.
const NAMES: [(&str, bool); 14] = [
    ("DB_NAME", true),
    ("DB_USER", true),
    ("DB_PASSWORD", true),
    ("DB_HOST", true),
    ("DB_CHARSET", true),
    ("MYSQL_CLIENT_FLAGS", false),
    ("CUSTOM_USER_TABLE", false),
    ("CUSTOM_USER_META_TABLE", false),
    ("MULTISITE", false),
    ("WP_CONTENT_DIR", false),
    ("WP_PLUGIN_DIR", false),
    ("DB_ENGINE", false),
    ("FQDB", false),
    ("DB_FILE", false),
];

/// Examines the site. What is wrong with it is a finding, never an error of the run.
pub(crate) async fn run(site: &Site, out: &mut Out) -> Result<Outcome, Line> {
    match examine(site, out).await {
        Ok(missing) => Ok(Outcome {
            missing,
            ..Outcome::of(Verdict::Answered)
        }),
        Err(Cancelled) => Ok(Outcome::of(Verdict::Cancelled)),
    }
}

/// Gives what another place may have, when it is wanting here.
async fn examine(site: &Site, out: &mut Out) -> Result<Option<Missing>, Cancelled> {
    let root = match run::root(site) {
        Ok(root) => root,
        Err(error) => {
            // WP-CLI's sentence names the fix on its last line; a finding has a place for it.
            let text = error.to_string();
            let text: Vec<&str> = text.lines().take(2).collect();
            fail(out, "root", &text.join(" "), error.fix()).await?;
            return Ok(error.missing());
        }
    };
    let version = root.version.as_deref().unwrap_or("of unknown version");
    ok(
        out,
        "root",
        format!("{} (WordPress {version})", root.path.display()),
    )
    .await?;
    let environment = site::web_environment().asked_at(site.url.as_deref());
    let mut config = match Config::read(&root, &environment) {
        Ok(config) => config,
        Err(error) => {
            fail(out, "configuration", &error.to_string(), error.fix()).await?;
            return Ok(error.missing());
        }
    };
    ok(out, "configuration", config.file.display().to_string()).await?;
    if let Err(error) = evaluated(&mut config, site, &environment).await {
        values(&config, out).await?;
        fail(out, "configuration", &error.to_string(), error.fix()).await?;
        return Ok(error.missing());
    }
    if let Some(evaluated) = config.evaluated() {
        ok(out, "configuration", evaluate::remark(evaluated)).await?;
    }
    values(&config, out).await?;
    let folders = match site::folders(&config) {
        Ok(folders) => folders,
        Err(error) => {
            fail(out, "content", &error.to_string(), error.fix()).await?;
            return Ok(error.missing());
        }
    };
    drop_ins(&config, &folders, out).await?;
    match choose::decide(&config, site).await {
        Ok(mut decision) => decided(&mut decision, out).await?,
        Err(refusal) => {
            refused(&refusal, out).await?;
            return Ok(refusal.missing());
        }
    }
    Ok(None)
}

/// Asks PHP for what text does not settle, as a run would.
async fn evaluated(
    config: &mut Config<'_>,
    site: &Site,
    environment: &Environment,
) -> Result<(), ConfigError> {
    let Some(unsettled) = evaluate::wanted(config, site)? else {
        return Ok(());
    };
    // Root has made a child of the owner's for it already, unless nobody knows whose PHP it is.
    evaluate::owner(config, site)?;
    let mut notes = Vec::new();
    evaluate::settle(config, site, environment, unsettled, &mut notes).await
}

async fn values(config: &Config<'_>, out: &mut Out) -> Result<(), Cancelled> {
    for (name, always) in NAMES {
        value(name, config.get(name), always, out).await?;
    }
    value("$table_prefix", config.table_prefix(), true, out).await
}

async fn value(name: &str, setting: Setting, always: bool, out: &mut Out) -> Result<(), Cancelled> {
    match setting {
        Setting::Value { value, source } => {
            let shown = match value.to_bytes() {
                _ if name == "DB_PASSWORD" => "(set, not shown)".to_owned(),
                Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                None => "(an array)".to_owned(),
            };
            ok(out, name, format!("{shown}  ({source})")).await
        }
        Setting::Unset if always => ok(out, name, "not defined".to_owned()).await,
        Setting::Unset => Ok(()),
        Setting::Unresolved { source, reason } => {
            let text = format!("{reason} ({source})");
            say(out, State::Warn, name, text, None).await
        }
    }
}

async fn drop_ins(
    config: &Config<'_>,
    folders: &site::Folders,
    out: &mut Out,
) -> Result<(), Cancelled> {
    let found = site::drop_ins(&folders.content, config);
    let mut names = Vec::new();
    if let Some(cache) = found.object_cache {
        let off = if cache.disabled { ", switched off" } else { "" };
        names.push(format!(
            "object-cache.php ({}{off})",
            object_cache_name(cache.kind)
        ));
    }
    if let Some(db) = found.db {
        let name = match db {
            DbDropIn::Sqlite => "SQLite integration",
            DbDropIn::QueryMonitor => "Query Monitor",
            DbDropIn::W3TotalCache => "W3 Total Cache",
            DbDropIn::HyperDb => "HyperDB",
            DbDropIn::LudicrousDb => "LudicrousDB",
            DbDropIn::Unknown => "unknown",
        };
        names.push(format!("db.php ({name})"));
    }
    names.extend(found.sunrise.then(|| "sunrise.php".to_owned()));
    names.extend(
        found
            .advanced_cache
            .then(|| "advanced-cache.php".to_owned()),
    );
    let text = if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    };
    ok(out, "drop-ins", text).await
}

async fn decided(chosen: &mut Decision, out: &mut Out) -> Result<(), Cancelled> {
    for what in &chosen.unchecked {
        let fix = "Sessions destroyed here end as `unconfirmed`, exit code 5.".to_owned();
        say(out, State::Warn, "active code", what.clone(), Some(fix)).await?;
    }
    for remark in chosen.remarks.iter().filter_map(choose::remark) {
        ok(out, "active code", remark).await?;
    }
    if let Some(replaced) = &chosen.replaced {
        ok(out, "active code", replaced.clone()).await?;
    } else if chosen.unchecked.is_empty() && chosen.remarks.is_empty() {
        ok(
            out,
            "active code",
            "nothing that replaces sessions".to_owned(),
        )
        .await?;
    }
    if chosen.multisite {
        ok(out, "network", "sessions are network-wide".to_owned()).await?;
    }
    if let Some(table) = &chosen.shared {
        let text = format!("users of every site that has the table {table}");
        ok(out, "network", text).await?;
    }
    if let Way::Native(direct)
    | Way::Php {
        eyes: Some(direct), ..
    } = &mut chosen.way
    {
        if let Err(error) = direct.writable().await {
            fail(out, "database", &error.to_string(), error.fix()).await?;
        }
        if let Some(caveat) = direct.caveat() {
            say(out, State::Warn, "durability", caveat, None).await?;
        }
    }
    if let Some(cache) = &chosen.cache {
        match cache.trouble() {
            None => ok(out, "cache", format!("{}, reachable", cache.describe())).await?,
            Some(error) => {
                let (text, fix) = (error.to_string(), Some(error.fix()));
                say(out, State::Warn, "cache", text, fix).await?;
            }
        }
    }
    ok(out, "engine", chosen.describe()).await
}

async fn refused(refusal: &Refusal, out: &mut Out) -> Result<(), Cancelled> {
    let subject = match refusal {
        Refusal::ObjectCache(_)
        | Refusal::Routed(_)
        | Refusal::SessionManager(_)
        | Refusal::NoPhp(_)
        | Refusal::RequireNatively => "engine",
        Refusal::Config(_) => "configuration",
        Refusal::Engine(_) => "database",
        Refusal::NoSuchSite(_) => "network",
    };
    fail(out, subject, &refusal.to_string(), refusal.fix()).await
}

async fn ok(out: &mut Out, subject: &str, text: String) -> Result<(), Cancelled> {
    say(out, State::Ok, subject, text, None).await
}

async fn fail(out: &mut Out, subject: &str, text: &str, fix: String) -> Result<(), Cancelled> {
    let fix = Some(fix).filter(|fix| !fix.is_empty());
    say(out, State::Fail, subject, text.to_owned(), fix).await
}

async fn say(
    out: &mut Out,
    state: State,
    subject: &str,
    text: String,
    fix: Option<String>,
) -> Result<(), Cancelled> {
    out.event(Event::Finding(Finding {
        state,
        subject: subject.to_owned(),
        text,
        fix,
    }))
    .await
}
