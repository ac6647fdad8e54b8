//! What is asked for: an operation and a run, confined to what the configuration and the token say.
//! Read strictly: what this bridge does not know may be what narrows the request, and is no request.

use kickout_shared::bridge::Operation;
use kickout_shared::frame::Lines;
use kickout_shared::message::RunId;
use kickout_shared::request::Request;
use kickout_shared::site::Bounds;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::config::Site;

/// How deep objects and lists may lie in each other.
const MAX_DEPTH: usize = 32;

/// What is said of a request that is none repeats this much of it at most, in characters.
const MAX_SAID: usize = 300;

/// A request on a site.
pub(super) struct Run {
    pub(super) site: kickout_shared::site::Site,
    pub(super) request: Request,
}

/// [`kickout_shared::message::ToAgent::Run`] by itself: an enum that is tagged inside would be read
/// from a copy, in which fields that nobody knows are no longer seen.
#[derive(Deserialize)]
struct RunLine {
    #[serde(rename = "type")]
    _kind: Kind,
    #[serde(rename = "id")]
    _id: RunId,
    site: kickout_shared::site::Site,
    request: Request,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Run,
}

/// Two lines, and nothing else.
pub(super) fn parse(body: &[u8]) -> Result<(Operation, Run), String> {
    let mut lines = Lines::default();
    lines.push(body);
    let mut next = || lines.next_line().map(|line| line.map(<[u8]>::to_vec));
    let (first, second) = (next(), next());
    let (Ok(Some(first)), Ok(Some(second))) = (first, second) else {
        return Err("the body has two lines: an operation, and a run".to_owned());
    };
    if lines.unread() > 0 {
        return Err("the body has more than two lines".to_owned());
    }
    let operation = strict("the operation", &first)?;
    let RunLine { site, request, .. } = strict("the run", &second)?;
    let own = [
        ("path", site.path.is_some()),
        ("start", site.start.is_some()),
        ("url", site.url.is_some()),
        ("bounds", !site.bounds.is_none()),
    ];
    match own.into_iter().find(|(_, given)| *given) {
        Some((field, _)) => Err(format!("the run: `site.{field}` is the bridge's to say")),
        None => Ok((operation, Run { site, request })),
    }
}

/// Reads a line in which every field is known. Types say themselves that none comes twice.
fn strict<T: DeserializeOwned>(what: &str, line: &[u8]) -> Result<T, String> {
    if depth(line) > MAX_DEPTH {
        return Err(format!("{what} is nested deeper than {MAX_DEPTH}"));
    }
    let mut unknown = None;
    let mut json = serde_json::Deserializer::from_slice(line);
    let read = serde_ignored::deserialize(&mut json, |path| {
        unknown.get_or_insert_with(|| path.to_string().replace("?.", ""));
    });
    let read = read.and_then(|read| json.end().map(|()| read));
    let wrong = match (unknown, read) {
        (None, Ok(read)) => return Ok(read),
        (Some(field), _) => format!("{what}: this bridge knows no field `{field}`"),
        (None, Err(error)) => format!("{what}: {error}"),
    };
    Err(wrong.chars().take(MAX_SAID).collect())
}

/// How deep the brackets of a JSON text lie in each other, those in strings aside.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The site as the configuration has it, within the bounds of the token.
pub(super) fn confined(
    site: &Site,
    asked: kickout_shared::site::Site,
    bounds: Bounds,
) -> kickout_shared::site::Site {
    kickout_shared::site::Site {
        path: Some(site.path.display().to_string()),
        start: None,
        url: Some(site.url.clone()),
        bounds,
        ..asked
    }
}

/// Whether anything may be changed.
pub(super) fn acts(request: &Request) -> bool {
    match request {
        Request::SessionDestroy(destroy) => !destroy.dry_run,
        Request::Canary(_) => true,
        Request::SessionList(_) | Request::UserList(_) | Request::Doctor => false,
    }
}

#[cfg(test)]
#[path = "asked_tests.rs"]
mod tests;
