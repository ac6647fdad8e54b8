//! One question a host, none to a site: so many hosts at once, shown in the order of the group.

use futures_util::StreamExt as _;

use super::members::Host;
use super::runtime;
use crate::error::Error;
use crate::exit::Exit;
use crate::render::Screen;
use crate::transport::WARNING;

/// Asks every host, and shows what came of it.
pub(super) fn each<'h, T, F: Future<Output = T>>(
    hosts: &'h [Host],
    parallel: usize,
    visit: impl Fn(&'h Host) -> F,
    mut show: impl FnMut(&'h Host, T) -> Exit,
) -> Result<Exit, Error> {
    let runtime = runtime()?;
    let mut exits = Vec::with_capacity(hosts.len());
    runtime.block_on(async {
        let visits = futures_util::stream::iter(hosts)
            .map(&visit)
            .buffered(parallel);
        let mut visits = std::pin::pin!(visits);
        for host in hosts {
            let Some(found) = visits.next().await else {
                break;
            };
            exits.push(show(host, found));
        }
    });
    runtime.shutdown_background();
    Ok(Exit::fold(&exits))
}

/// Says what is to be heard of the way to a host.
pub(super) fn warn(screen: &mut Screen, host: &Host) {
    let name = &host.target;
    for (stage, text) in host.way.take() {
        if stage == WARNING {
            screen.line(screen.lines.warning(format!("{name}: {text}")));
        }
    }
}
