//! A run in flight, from both sides: the driver's record of what the agent may say next, and the
//! handle that hands its events to whoever shows them.

use std::cell::Cell;
use std::rc::Rc;

use kickout_shared::event::{Event, Outcome};
use kickout_shared::message::{CREDIT, RunId};
use kickout_shared::request::Request;
use kickout_shared::site::Site;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{Ended, LinkError};
use crate::connection::Tunnel;

/// Events taken between two acknowledgements: well below the credit, so that the agent never waits
/// for one that is on its way.
const ACK_EVERY: u64 = 64;

/// Runs in flight on one connection, unless more are wanted at once.
const IN_FLIGHT: usize = 64;

/// Bytes of events not yet taken, above which no further run is started on a connection.
const ENOUGH: usize = 4 * 1024 * 1024;

/// Bytes of events not yet taken that no honest agent reaches: the credit bounds their number.
const TOO_MUCH: usize = 128 * 1024 * 1024;

/// What the driver is told.
pub(super) enum Ask {
    Start {
        open: Box<Open>,
        site: Box<Site>,
        request: Box<Request>,
    },
    Ack {
        id: RunId,
        seq: u64,
    },
    Cancel(RunId),
    CancelAll,
    /// Nobody will start a run any more.
    Leave,
}

/// What driver, asker and runs of one connection share.
#[derive(Default)]
pub(super) struct Shared {
    /// Runs that have not ended.
    open: Cell<usize>,
    /// Bytes of events that nobody has taken.
    waiting: Cell<usize>,
    changed: Notify,
}

impl Shared {
    fn add(&self, bytes: usize) {
        self.waiting.set(self.waiting.get() + bytes);
    }

    fn taken(&self, bytes: usize) {
        self.waiting.set(self.waiting.get().saturating_sub(bytes));
        self.changed.notify_waiters();
    }
}

/// Something a run says.
#[derive(Debug)]
pub enum Said {
    /// An event.
    Event(Event),
    /// The last word.
    Ended(Ended),
}

struct Queued {
    said: Said,
    bytes: usize,
}

/// Starts runs on a connection. When it is dropped the connection ends with its last run.
pub struct Asker {
    asks: UnboundedSender<Ask>,
    shared: Rc<Shared>,
    tunnel: Option<Rc<dyn Tunnel>>,
    runs: Cell<u64>,
}

impl Asker {
    pub(super) fn new(
        asks: UnboundedSender<Ask>,
        shared: Rc<Shared>,
        tunnel: Option<Rc<dyn Tunnel>>,
    ) -> Self {
        Self {
            asks,
            shared,
            tunnel,
            runs: Cell::new(0),
        }
    }

    /// Asks for one thing on one site.
    pub fn start(&self, site: Site, request: Request) -> Run {
        let id = RunId(self.runs.get() + 1);
        self.runs.set(id.0);
        self.shared.open.set(self.shared.open.get() + 1);
        let (said, queue) = unbounded_channel();
        let begun = Rc::new(Cell::new(None));
        let open = Open {
            id,
            said,
            shared: self.shared.clone(),
            begun: begun.clone(),
            seq: 0,
            acked: 0,
            cancelled: false,
        };
        // A driver that is gone drops the record, and the run reads that.
        let _ = self.asks.send(Ask::Start {
            open: Box::new(open),
            site: Box::new(site),
            request: Box::new(request),
        });
        Run {
            id,
            asks: self.asks.clone(),
            queue,
            shared: self.shared.clone(),
            begun,
            taken: 0,
            acked: 0,
            ended: false,
        }
    }

    /// A way to the ports of the agent's host, over the same connection.
    pub fn tunnel(&self) -> Option<&dyn Tunnel> {
        self.tunnel.as_deref()
    }

    /// Stops every run between two steps.
    pub fn cancel_all(&self) {
        let _ = self.asks.send(Ask::CancelAll);
    }

    /// Waits until another run may be started without too much being in flight, or unread.
    pub async fn room(&self) {
        self.until(|shared| shared.open.get() < IN_FLIGHT && shared.waiting.get() < ENOUGH)
            .await;
    }

    /// Waits until every run has ended, read or not.
    pub async fn idle(&self) {
        self.until(|shared| shared.open.get() == 0).await;
    }

    async fn until(&self, met: impl Fn(&Shared) -> bool) {
        loop {
            let changed = self.shared.changed.notified();
            if met(&self.shared) {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        let _ = self.asks.send(Ask::Leave);
    }
}

/// A run, to be read. What is not read waits, here up to the credit and then in the agent; other
/// runs of the connection go on. A run that is dropped before its end is cancelled.
pub struct Run {
    id: RunId,
    asks: UnboundedSender<Ask>,
    queue: UnboundedReceiver<Queued>,
    shared: Rc<Shared>,
    begun: Rc<Cell<Option<i64>>>,
    taken: u64,
    acked: u64,
    ended: bool,
}

impl Run {
    /// The next thing it says. May be dropped and called again; nothing comes after the end.
    pub async fn next(&mut self) -> Said {
        let Some(Queued { said, bytes }) = self.queue.recv().await else {
            self.ended = true;
            return Said::Ended(Ended::Lost {
                error: LinkError::Lost("the connection was given up".to_owned()),
                begun: self.begun.get(),
            });
        };
        match &said {
            Said::Event(_) => {
                self.shared.taken(bytes);
                self.taken += 1;
                if self.taken - self.acked >= ACK_EVERY {
                    self.acked = self.taken;
                    let seq = self.taken;
                    let _ = self.asks.send(Ask::Ack { id: self.id, seq });
                }
            }
            Said::Ended(_) => self.ended = true,
        }
        said
    }

    /// Stops it between two steps; it then says how far it came.
    pub fn cancel(&self) {
        let _ = self.asks.send(Ask::Cancel(self.id));
    }

    /// The cutoff, when writing may have begun.
    pub fn begun(&self) -> Option<i64> {
        self.begun.get()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.ended {
            self.cancel();
        }
        self.queue.close();
        while let Ok(queued) = self.queue.try_recv() {
            self.shared.taken(queued.bytes);
        }
    }
}

/// The driver's record of a run: what its agent may say next.
pub(super) struct Open {
    pub(super) id: RunId,
    said: UnboundedSender<Queued>,
    shared: Rc<Shared>,
    begun: Rc<Cell<Option<i64>>>,
    seq: u64,
    acked: u64,
    pub(super) cancelled: bool,
}

impl Open {
    /// Writing may have begun, once.
    pub(super) fn begin(&self, cutoff: i64) -> Result<(), LinkError> {
        match self.begun.replace(Some(cutoff)) {
            None => Ok(()),
            Some(_) => Err(LinkError::Protocol("it began twice".to_owned())),
        }
    }

    /// Passes an event on. A gap, or more than the credit allows, is no answer.
    pub(super) fn event(&mut self, seq: u64, event: Event, bytes: usize) -> Result<(), LinkError> {
        if seq != self.seq + 1 {
            let gap = format!("event {seq} after event {}", self.seq);
            return Err(LinkError::Protocol(gap));
        }
        self.seq = seq;
        // What a cancelled run owes of its last step goes beyond the credit.
        let greedy = !self.cancelled && self.seq - self.acked > CREDIT;
        if greedy || self.shared.waiting.get() + bytes > TOO_MUCH {
            return Err(LinkError::Protocol("more than it may send".to_owned()));
        }
        let said = Said::Event(event);
        if self.said.send(Queued { said, bytes }).is_ok() {
            self.shared.add(bytes);
        }
        Ok(())
    }

    /// The last word of an agent whose count is right.
    pub(super) fn counted(&self, seq: u64) -> Result<(), LinkError> {
        if seq == self.seq {
            return Ok(());
        }
        let counts = format!("it counts {seq} events, {} arrived", self.seq);
        Err(LinkError::Protocol(counts))
    }

    /// The agent may send more.
    pub(super) fn ack(&mut self, seq: u64) {
        self.acked = seq;
    }

    /// The agent said how it ended.
    pub(super) fn done(self, outcome: Outcome) {
        self.end(Ended::Done(outcome));
    }

    /// Nobody will say how it ended.
    pub(super) fn lost(self, error: LinkError) {
        let begun = self.begun.get();
        self.end(Ended::Lost { error, begun });
    }

    fn end(&self, ended: Ended) {
        let (said, bytes) = (Said::Ended(ended), 0);
        // A reader that has gone away has cancelled it.
        let _ = self.said.send(Queued { said, bytes });
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.open.set(self.shared.open.get() - 1);
        self.shared.changed.notify_waiters();
    }
}
