//! What is installed on this host: programs, service, sites, tokens. Looks only.

use std::fs;
use std::path::Path;

use kickout_shared::event::{Finding, State};
use kickout_shared::token::sha256_hex;
use kickout_shared::version;

use super::host;
use super::places::{AGENT, BRIDGE};
use crate::config::{Config, PLACE};
use crate::token::{Store, Stored};
use crate::{now, owner};

/// A token that ends within so many days is worth a warning.
const SOON: i64 = 7;

fn finding(state: State, subject: &str, text: impl Into<String>, fix: Option<&str>) -> Finding {
    Finding {
        state,
        subject: subject.to_owned(),
        text: text.into(),
        fix: fix.map(str::to_owned),
    }
}

/// All there is to say; `agent` is the hash of the agent that this release has.
pub(super) fn findings(agent: &str) -> Vec<Finding> {
    if !Path::new(BRIDGE).exists() && !Path::new(PLACE).exists() {
        let fix = "Install it: kickout bridge install --site=<path> --url=<address>";
        let text = "none is installed";
        return vec![finding(State::Fail, "bridge", text, Some(fix))];
    }
    let own = fs::read("/proc/self/exe").map(|bytes| sha256_hex(&bytes));
    let mut found = vec![
        program("bridge", BRIDGE, own.as_deref().unwrap_or_default()),
        program("agent", AGENT, agent),
        service(),
    ];
    let config = match Config::read(Path::new(PLACE)) {
        Ok(config) => config,
        Err(error) => {
            let (text, fix) = (error.to_string(), error.fix());
            found.push(finding(State::Fail, "configuration", text, Some(&fix)));
            return found;
        }
    };
    found.push(listens(&config));
    for site in &config.sites {
        let text = format!(
            "{}: {} in {}, as {}",
            site.name,
            site.url,
            site.path.display(),
            site.owner
        );
        found.push(match (site.path.is_dir(), owner::of(&site.owner)) {
            (true, Ok(_)) => finding(State::Ok, "site", text, None),
            (false, _) => {
                let fix = format!("Bring it back, or take it out of {PLACE}.");
                finding(
                    State::Fail,
                    "site",
                    format!("{text}: no such folder"),
                    Some(&fix),
                )
            }
            (true, Err(error)) => {
                let text = format!("{text}: {error}");
                finding(State::Fail, "site", text, Some(&error.fix()))
            }
        });
    }
    match Store::of(&config.state).read() {
        Ok(tokens) => found.extend(tokens.iter().map(token)),
        Err(error) => {
            let (text, fix) = (error.to_string(), error.fix());
            found.push(finding(State::Fail, "tokens", text, Some(&fix)));
        }
    }
    found
}

/// Whether this very program lies there; releases in the making have one number.
fn program(subject: &str, place: &str, hash: &str) -> Finding {
    let text = match fs::read(place) {
        Ok(bytes) if sha256_hex(&bytes) == hash => {
            let text = format!("{place}, release {}, as this kickout's", version::RELEASE);
            return finding(State::Ok, subject, text, None);
        }
        Ok(_) if host::is_packaged() => {
            let text = format!("{place}, of the package kickout-bridge");
            return finding(State::Ok, subject, text, None);
        }
        Ok(_) => format!(
            "{place} is another than this kickout's ({})",
            version::RELEASE
        ),
        Err(why) => format!("{place}: {why}"),
    };
    let fix = "Bring this release: kickout bridge upgrade";
    finding(State::Warn, subject, text, Some(fix))
}

fn service() -> Finding {
    if !host::has_systemd() {
        return match host::running().as_slice() {
            [] => {
                let fix = format!("Start it: {BRIDGE} serve");
                finding(
                    State::Fail,
                    "service",
                    "it does not run, and no systemd does",
                    Some(&fix),
                )
            }
            pids => {
                let text = format!("it runs without systemd (process {})", pids.join(", "));
                finding(State::Ok, "service", text, None)
            }
        };
    }
    let (active, enabled) = (host::unit_is("is-active"), host::unit_is("is-enabled"));
    match (active.as_str(), enabled.as_str()) {
        ("active", "enabled") => finding(
            State::Ok,
            "service",
            "it runs, and starts with the host",
            None,
        ),
        ("active", _) => finding(
            State::Warn,
            "service",
            format!("it runs, and does not start with the host ({enabled})"),
            Some("systemctl enable kickout-bridge"),
        ),
        _ => finding(
            State::Fail,
            "service",
            format!("it does not run ({active}, {enabled})"),
            Some(
                "See why: journalctl -u kickout-bridge; then systemctl enable --now kickout-bridge",
            ),
        ),
    }
}

fn listens(config: &Config) -> Finding {
    let how = if config.tls.is_some() {
        "TLS"
    } else {
        "plain HTTP"
    };
    let text = format!("{}, {how}", config.listen);
    match host::asked(config) {
        Ok(()) => finding(State::Ok, "listens", text, None),
        Err(why) => {
            let text = format!("nobody answers on {text}: {why}");
            finding(
                State::Fail,
                "listens",
                text,
                Some("See the line `service`."),
            )
        }
    }
}

fn token(token: &Stored) -> Finding {
    let left = token.days_left(now());
    let (id, label) = (&token.id, token.label.escape_debug());
    let sites = token.grant.sites.join(", ");
    let text = |state: &str| format!("{id} {label} for {sites}: {state}");
    let fix = "Make another on the host: /usr/lib/kickout/kickout-bridge token add";
    match token.revoked {
        Some(_) => finding(State::Ok, "token", text("revoked"), None),
        None if token.expires <= now() => finding(State::Warn, "token", text("expired"), Some(fix)),
        None => {
            let state = if left < SOON { State::Warn } else { State::Ok };
            let fix = (left < SOON).then_some(fix);
            finding(state, "token", text(&format!("{left} days left")), fix)
        }
    }
}
