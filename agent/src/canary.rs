//! The run that makes a canary: a session to ask the web side for. Whoever asked for it removes it;
//! when nobody hears of it, it goes at once.

use kickout_shared::event::{Event, Level, Line, Outcome, Verdict};
use kickout_shared::request::CanaryFor;

use crate::engine::php::Php;
use crate::out::Out;

/// Why WordPress is loaded for it.
pub(crate) const WHY: &str = "--verify=web asks the web side with a cookie";

/// Makes it, and hands it over.
pub(crate) async fn make(
    php: &mut Php,
    wanted: CanaryFor,
    now: i64,
    out: &mut Out,
) -> Result<Outcome, Line> {
    let cancelled = Ok(Outcome::of(Verdict::Cancelled));
    if out.begun(now).await.is_err() {
        return cancelled;
    }
    let canary = match php.canary(wanted.user.as_ref()).await {
        Ok(Some(canary)) => canary,
        Ok(None) => return Err(nobody(wanted)),
        Err(error) => {
            // It may have been made before this failed.
            let _ = php.no_canary().await;
            return Err(error.line());
        }
    };
    // Also to whoever has just cancelled: he knows then what to remove.
    let handed_over = out.evidence(Event::Canary(canary)).await;
    if handed_over.is_err() || out.cancelled().is_err() {
        php.no_canary().await.map_err(|error| error.line())?;
        return cancelled;
    }
    Ok(Outcome::of(Verdict::Answered))
}

fn nobody(wanted: CanaryFor) -> Line {
    let (text, fix) = match wanted.user {
        Some(user) => (
            format!("Invalid user ID, email or login: '{}'", user.text),
            None,
        ),
        None => (
            "no account of this site has a role that may open its own profile".to_owned(),
            Some("Name one that may: --verify-user=<user>.".to_owned()),
        ),
    };
    let level = Level::Error;
    Line { level, text, fix }
}
