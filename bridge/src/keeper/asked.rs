//! What is asked for: an operation and a run, confined to what the configuration and the token say.

use kickout_shared::bridge::Operation;
use kickout_shared::frame::{self, Lines};
use kickout_shared::message::ToAgent;
use kickout_shared::request::Request;
use kickout_shared::site::Bounds;

use crate::config::Site;

/// A request on a site.
pub(super) struct Run {
    pub(super) site: kickout_shared::site::Site,
    pub(super) request: Request,
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
    let strange = |error: frame::FrameError| error.to_string();
    let operation = frame::decode(&first).map_err(strange)?;
    match frame::decode(&second).map_err(strange)? {
        ToAgent::Run { site, request, .. } => Ok((
            operation,
            Run {
                site: *site,
                request: *request,
            },
        )),
        ToAgent::Cancel { .. } | ToAgent::Ack { .. } | ToAgent::Ping => {
            Err("the second line is no run".to_owned())
        }
    }
}

/// The site as the configuration has it, whatever path and bounds were asked for.
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
