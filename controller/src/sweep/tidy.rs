//! The agents that lie on hosts, named or removed: one question a host, none to a site.

use super::each::{each, warn};
use super::hosts::nonce;
use super::members::{self, Host};
use super::{Transports, Ways};
use crate::error::Error;
use crate::exit::Exit;
use crate::inventory::Resolved;
use crate::render::Screen;
use crate::report::with_fix;
use crate::transport::{self, OpenError, Placed};

/// Shows the agents on the hosts of these sites; removes them when asked to.
pub(crate) fn tidy(
    targets: Vec<Resolved>,
    ways: Ways,
    remove: bool,
    screen: &mut Screen,
) -> Result<Exit, Error> {
    let parallel = ways.parallel;
    let targets = targets.into_iter().map(|target| (target, None));
    let (_, hosts) = members::gather(targets.collect());
    let transports = Transports::new(ways, &[])?;
    each(
        &hosts,
        parallel,
        |host| visit(&transports, host, remove),
        |host, found| show(screen, host, found, remove),
    )
}

async fn visit(
    transports: &Transports,
    host: &Host,
    remove: bool,
) -> Result<Vec<Placed>, OpenError> {
    let nonce = nonce();
    let tell = |stage, found| host.way.hear(stage, found);
    let start = transports.start(host, &nonce, &tell);
    transport::tidy(&host.target, &host.ssh_args, &start, remove).await
}

fn show(
    screen: &mut Screen,
    host: &Host,
    found: Result<Vec<Placed>, OpenError>,
    remove: bool,
) -> Exit {
    let name = &host.target;
    warn(screen, host);
    let placed = match found {
        Ok(placed) => placed,
        Err(error) => {
            let text = with_fix(format!("{name}: {error}"), Some(error.fix()));
            screen.line(Some(screen.lines.error(text)));
            return error.exit();
        }
    };
    if placed.is_empty() {
        screen.line(screen.lines.info(format!("{name}: no agent")));
    }
    for Placed { path, size } in placed {
        let text = format!("{name}: {path} ({:.1} MB)", size as f64 / 1e6);
        screen.line(match remove {
            true => screen.lines.success(format!("Removed from {text}")),
            false => screen.lines.info(text),
        });
    }
    Exit::Done
}
