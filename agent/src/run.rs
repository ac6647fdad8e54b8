//! One run on one site: find it, choose the engine, carry out the request.

use std::time::{SystemTime, UNIX_EPOCH};

use kickout_shared::event::{Level, Line, Outcome, Verdict};
use kickout_shared::request::{Doomed, Request, Who};

use crate::cache::ObjectCache;
use crate::engine::choose::{self, Decision, Refusal, Way};
use crate::engine::{Engine, EngineError};
use crate::ops::{self, Desk};
use crate::out::{Cancelled, Out};
use crate::serve::Runner;
use crate::site::{self, Config, ConfigError, Environment};
use crate::{canary, doctor, evaluate, load, owner};

/// Runs requests on the sites of this host.
pub struct Site;

impl Runner for Site {
    async fn run(
        &self,
        site: kickout_shared::site::Site,
        request: Request,
        out: &mut Out,
    ) -> Result<Outcome, Line> {
        let environment = site::web_environment().asked_at(site.url.as_deref());
        let site = anchored(site);
        let config = config(&site, &environment);
        if let Ok(config) = &config
            && let Some(owner) = owner::of(config)
        {
            return owner::run_as(owner, settled(site, config), request, out).await;
        }
        let unsettled = match &config {
            Ok(config) => evaluate::wanted(config, &site),
            Err(_) => Ok(None),
        };
        if let (Ok(config), Ok(Some(_))) = (&config, &unsettled) {
            match evaluate::owner(config, &site) {
                Ok(Some(owner)) => {
                    return owner::run_as(owner, settled(site, config), request, out).await;
                }
                Err(error) if request != Request::Doctor => return refuse(out, error.into()).await,
                Ok(None) | Err(_) => {}
            }
        }
        if request == Request::Doctor {
            return doctor::run(&site, out).await;
        }
        let mut config = match config {
            Ok(config) => config,
            Err(error) => return refuse(out, error.into()).await,
        };
        let mut notes = Vec::new();
        let evaluated = match unsettled {
            Ok(None) => Ok(()),
            Ok(Some(unsettled)) => {
                let settled =
                    evaluate::settle(&mut config, &site, &environment, unsettled, &mut notes);
                match out.unless_cancelled(settled).await {
                    Ok(settled) => settled,
                    Err(Cancelled) => return Ok(Outcome::of(Verdict::Cancelled)),
                }
            }
            Err(refusal) => Err(refusal),
        };
        if load::say(notes, out).await.is_err() {
            return Ok(Outcome::of(Verdict::Cancelled));
        }
        if let Err(error) = evaluated {
            return refuse(out, error.into()).await;
        }
        let decision = match choose::decide(&config, &site).await {
            Ok(decision) if matches!(request, Request::Canary(_)) => decision.with_php(canary::WHY),
            decision => decision,
        };
        let decision = match decision {
            Ok(decision) => decision,
            Err(refusal) => return refuse(out, refusal).await,
        };
        if matches!(decision.way, Way::Php { .. }) && rustix::process::geteuid().is_root() {
            let owner = owner::for_php(&config, &site.load)?;
            drop(decision);
            return owner::run_as(owner, settled(site, &config), request, out).await;
        }
        let root = format!(
            "root {}, configuration {}",
            config.root.display(),
            config.file.display()
        );
        let remarks = decision.remarks.iter().filter_map(choose::remark);
        let remarks = remarks.map(|remark| ("engine", remark));
        let evaluated = config.evaluated().map(evaluate::remark);
        let evaluated = evaluated.map(|remark| ("site", remark));
        let said = [("site", root), ("engine", decision.describe())];
        for (group, text) in said.into_iter().chain(evaluated).chain(remarks) {
            if out.debug(group, text).await.is_err() {
                return Ok(Outcome::of(Verdict::Cancelled));
            }
        }
        carry_out(decision, &site, request, &config, &environment, out).await
    }
}

async fn carry_out(
    mut decision: Decision,
    site: &kickout_shared::site::Site,
    request: Request,
    config: &Config<'_>,
    environment: &Environment,
    out: &mut Out,
) -> Result<Outcome, Line> {
    let destroys = destroys(&request);
    let cancelled = Ok(Outcome::of(Verdict::Cancelled));
    match decision.way {
        Way::Native(mut native) => {
            let shared = Shared {
                multisite: decision.multisite,
                table: decision.shared.as_deref(),
            };
            if destroys && warn(&decision.unchecked, shared, out).await.is_err() {
                return cancelled;
            }
            let outcome = run(&mut native, decision.cache, out, site, request).await;
            native.close().await;
            Ok(proved(outcome?, &decision.unchecked))
        }
        Way::Php { program, eyes } => {
            let started = load::start(
                site,
                decision.url.clone(),
                program,
                eyes,
                config,
                environment,
            );
            // A site may take its time; nothing is written before it has answered.
            let Ok(started) = out.unless_cancelled(started).await else {
                return cancelled;
            };
            let (mut php, facts) = match started {
                Ok((php, facts, notes)) => {
                    if load::say(notes, out).await.is_err() {
                        return cancelled;
                    }
                    (php, facts)
                }
                Err((error, notes)) => {
                    let _ = load::say(notes, out).await;
                    return Err(refused(&error.into()));
                }
            };
            if let Request::Canary(wanted) = request {
                return canary::make(&mut php, wanted, clock(), out).await;
            }
            // What another store caches, and where, only its own code knows.
            let cache = match decision.cache.filter(|_| facts.default) {
                None if facts.cache && facts.default => {
                    let name = decision.cache_name.unwrap_or("unknown drop-in");
                    Some(ObjectCache::through_wordpress(name, php.sight()))
                }
                cache => cache,
            };
            let known = cache.as_ref().is_some_and(ObjectCache::is_web_servers);
            let replaced = decision.replaced.as_deref().filter(|_| facts.default);
            let answers = decision.answers.as_deref();
            let answers = answers.filter(|_| facts.default && php.answers().is_none());
            load::doubts(
                &facts,
                [replaced, answers],
                known,
                &site.load,
                &mut decision.unchecked,
            );
            if let (Some(answers), true) = (php.answers(), rows_only(&request)) {
                decision.unchecked.push(format!(
                    "{answers} answers for user meta: users without a row were not asked"
                ));
            }
            if load::debug(&facts, &php, out).await.is_err() {
                return cancelled;
            }
            let shared = Shared {
                multisite: decision.multisite || facts.tables.multisite,
                table: decision.shared.as_deref(),
            };
            if destroys && warn(&decision.unchecked, shared, out).await.is_err() {
                return cancelled;
            }
            // What the site's code says of its own doing is a claim until it is confirmed.
            out.hold();
            let outcome = run(&mut *php, cache, out, site, request).await;
            let _ = load::say(php.take_notes(), out).await;
            let mut outcome = proved(outcome?, &decision.unchecked);
            let confirmed = match outcome.verdict {
                Verdict::Gone | Verdict::Unconfirmed => php.confirm().await,
                _ => Ok(()),
            };
            let _ = out.release(confirmed.is_ok()).await;
            if let Err(error) = confirmed {
                outcome.verdict = unconfirmed(&error);
                let _ = out.line(error.line()).await;
            }
            Ok(outcome)
        }
    }
}

/// Whether sessions are ended, and not only counted.
fn destroys(request: &Request) -> bool {
    matches!(request, Request::SessionDestroy(destroy) if !destroy.dry_run)
}

/// Whether rows are looked through rather than users.
fn rows_only(request: &Request) -> bool {
    matches!(
        request,
        Request::SessionDestroy(destroy) if matches!(destroy.what, Doomed::All(Who::Selected(_)))
    )
}

/// What a second look that failed means: sessions that are still there, or nobody knows.
fn unconfirmed(error: &EngineError) -> Verdict {
    match error.alive() {
        true => Verdict::Alive,
        false => Verdict::Unconfirmed,
    }
}

async fn run<E: Engine>(
    engine: &mut E,
    cache: Option<ObjectCache>,
    out: &mut Out,
    site: &kickout_shared::site::Site,
    request: Request,
) -> Result<Outcome, Line> {
    let destroys = destroys(&request);
    let caveat = engine.caveat().filter(|_| destroys);
    let (clock, to) = (clock, &mut *out);
    let desk = Desk {
        engine,
        cache,
        out: to,
        clock,
        bounds: site.bounds,
    };
    let outcome = ops::run(desk, site, request).await?;
    // Worth saying only of something that was done.
    if let Some(caveat) = caveat.filter(|_| outcome.sessions > 0) {
        let _ = out.warning(format!("Destroyed, but {caveat}.")).await;
    }
    Ok(outcome)
}

/// Whose sessions they are beside this site's.
struct Shared<'a> {
    multisite: bool,
    table: Option<&'a str>,
}

/// Says, before anything is destroyed, whom else it is about, and what may stand in its way.
async fn warn(unchecked: &[String], shared: Shared<'_>, out: &mut Out) -> Result<(), Cancelled> {
    if let Some(table) = shared.table {
        let text = format!(
            "Users are kept in the table {table} (CUSTOM_USER_TABLE): they are logged out of every \
             site that has it."
        );
        out.warning(text).await?;
    }
    if shared.multisite {
        let text = "This is a network: sessions are network-wide, and users are logged out of \
                    every site of it.";
        out.warning(text).await?;
    }
    for what in unchecked {
        out.warning(format!("{what}.")).await?;
    }
    Ok(())
}

/// Where something was not checked, what is gone is not proved; nor that there was nothing.
fn proved(outcome: Outcome, unchecked: &[String]) -> Outcome {
    let doubted = matches!(outcome.verdict, Verdict::Gone | Verdict::Skipped);
    match doubted && !unchecked.is_empty() {
        true => Outcome {
            verdict: Verdict::Unconfirmed,
            ..outcome
        },
        false => outcome,
    }
}

/// Files to load are relative to where the search begins, as if one had gone there.
fn anchored(mut site: kickout_shared::site::Site) -> kickout_shared::site::Site {
    let homes = site::Homes::here();
    // A place that is not there is said where the root is looked for.
    let start = site::start_directory(site.start.as_deref(), &homes).unwrap_or_default();
    for file in &mut site.load.require {
        if let Ok(expanded) = homes.expand(file) {
            *file = start.join(expanded).display().to_string();
        }
    }
    site
}

/// The same site for a child whose home and directory are others: what was found is what is meant.
fn settled(site: kickout_shared::site::Site, config: &Config<'_>) -> kickout_shared::site::Site {
    kickout_shared::site::Site {
        path: Some(config.root.display().to_string()),
        start: None,
        ..site
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
    let wp_cli = matches!(
        refusal,
        Refusal::NoSuchSite(_)
            | Refusal::Config(ConfigError::Locate(site::LocateError::NotWordPress { .. }))
    );
    Line {
        level: Level::Error,
        text: refusal.to_string(),
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
