//! One run on one site: find it, choose the engine, carry out the request.

use std::time::{SystemTime, UNIX_EPOCH};

use kickout_shared::event::{Level, Line, Outcome, Verdict};
use kickout_shared::request::Request;

use crate::engine::choose::{self, Chosen, Opened, Refusal};
use crate::ops::{self, Desk};
use crate::out::Out;
use crate::serve::Runner;
use crate::site::{self, Config, ConfigError, Environment};
use crate::{doctor, owner};

/// Runs requests on the sites of this host.
pub struct Site;

impl Runner for Site {
    async fn run(
        &self,
        site: kickout_shared::site::Site,
        request: Request,
        out: &mut Out,
    ) -> Result<Outcome, Line> {
        let environment = site::web_environment();
        let config = config(&site, &environment);
        if let Some(owner) = config.as_ref().ok().and_then(owner::of) {
            // Its home is another: what was found is what is meant.
            let site = match (&site.start, &config) {
                (Some(_), Ok(config)) => kickout_shared::site::Site {
                    path: Some(config.root.display().to_string()),
                    start: None,
                    ..site
                },
                _ => site,
            };
            return owner::run_as(owner, site, request, out).await;
        }
        if request == Request::Doctor {
            return doctor::run(&site, out).await;
        }
        let config = match config {
            Ok(config) => config,
            Err(error) => return refuse(out, error.into()).await,
        };
        let chosen = match choose::open(&config, site.url.as_deref()).await {
            Ok(chosen) => chosen,
            Err(refusal) => return refuse(out, refusal).await,
        };
        let Chosen {
            engine,
            unchecked,
            multisite,
            remarks: _,
        } = chosen;
        let root = format!(
            "root {}, configuration {}",
            config.root.display(),
            config.file.display()
        );
        let engine_text = format!(
            "{} (default session store, nothing in front of it)",
            engine.describe()
        );
        for (group, text) in [("site", root), ("engine", engine_text)] {
            if out.debug(group, text).await.is_err() {
                return Ok(Outcome::of(Verdict::Cancelled));
            }
        }
        let destroys = matches!(&request, Request::SessionDestroy(destroy) if !destroy.dry_run);
        let mut notes = Vec::new();
        if destroys && multisite {
            let text = "This is a network: sessions are network-wide, and users are logged out of \
                        every site of it.";
            notes.push(text.to_owned());
        }
        let caveat = engine.caveat().filter(|_| destroys);
        notes.extend(
            unchecked
                .iter()
                .filter(|_| destroys)
                .map(|what| format!("{what}.")),
        );
        for note in notes {
            if out.warning(note).await.is_err() {
                return Ok(Outcome::of(Verdict::Cancelled));
            }
        }
        let clock = clock;
        let outcome = match engine {
            Opened::MySql(mut native) => {
                let desk = Desk {
                    engine: &mut native,
                    out,
                    clock,
                };
                let outcome = ops::run(desk, &site, request).await;
                native.into_sql().close().await;
                outcome?
            }
            Opened::Sqlite(mut native) => {
                ops::run(
                    Desk {
                        engine: &mut native,
                        out,
                        clock,
                    },
                    &site,
                    request,
                )
                .await?
            }
        };
        // Worth saying only of something that was done.
        if let Some(caveat) = caveat.filter(|_| outcome.sessions > 0) {
            let _ = out.warning(format!("Destroyed, but {caveat}.")).await;
        }
        let unproved = !unchecked.is_empty() && outcome.verdict == Verdict::Gone;
        Ok(if unproved {
            Outcome {
                verdict: Verdict::Unconfirmed,
                ..outcome
            }
        } else {
            outcome
        })
    }
}

/// The configuration of the addressed site.
pub(crate) fn config<'e>(
    site: &kickout_shared::site::Site,
    environment: &'e Environment,
) -> Result<Config<'e>, ConfigError> {
    Config::read(&root(site)?, environment)
}

/// The root that was named, or the one found upward from where the search begins.
pub(crate) fn root(site: &kickout_shared::site::Site) -> Result<site::Root, ConfigError> {
    let homes = site::Homes::here();
    Ok(match (&site.path, &site.start) {
        (Some(path), None) => site::at(&homes.expand(path)?)?,
        (Some(path), start) => {
            let start = site::start_directory(start.as_deref(), &homes)?;
            site::at(&start.join(homes.expand(path)?))?
        }
        (None, start) => site::upward(&site::start_directory(start.as_deref(), &homes)?)?,
    })
}

/// Ends a run with a refusal, and says what another place may have.
async fn refuse(out: &mut Out, refusal: Refusal) -> Result<Outcome, Line> {
    // As with every last line: who has cancelled reads none.
    let _ = out.line(refused(&refusal)).await;
    Ok(Outcome {
        missing: refusal.missing(),
        ..Outcome::of(Verdict::Failed)
    })
}

/// A refusal as the last line of the run. WP-CLI's own wordings stay alone.
fn refused(refusal: &Refusal) -> Line {
    let text = refusal.to_string();
    let wp_cli = matches!(
        refusal,
        Refusal::NoSuchSite(_)
            | Refusal::Config(ConfigError::Locate(site::LocateError::NotWordPress { .. }))
    );
    Line {
        level: Level::Error,
        text,
        fix: (!wp_cli)
            .then(|| refusal.fix())
            .filter(|fix| !fix.is_empty()),
    }
}

/// The site's clock: this host's.
fn clock() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
