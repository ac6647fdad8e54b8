//! A run's way out: numbers its events, keeps to its credit, and hears when it is cancelled.
//!
//! Nothing here knows what a run does; nothing else in the agent writes frames.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use kickout_shared::event::{Event, Level, Line, Outcome, Verdict};
use kickout_shared::frame;
use kickout_shared::message::{CREDIT, FromAgent, MAX_LINES, RunId};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// How often a run that waits looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);

/// A frame on its way to the writer, and who wants to know that it has been flushed.
pub(crate) struct Outgoing {
    /// The line, newline included.
    pub(crate) line: Vec<u8>,
    /// Told when the line has left the process.
    pub(crate) flushed: Option<oneshot::Sender<()>>,
}

/// The controller is gone, or has cancelled the run: stop between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run was cancelled")]
pub struct Cancelled;

/// What serve and a run share: the reader fills it, the run asks it.
#[derive(Debug)]
pub(crate) struct Control {
    credit: Semaphore,
    acked: Cell<u64>,
    cancelled: Cell<bool>,
    gone: Cell<bool>,
}

impl Control {
    pub(crate) fn new() -> Self {
        Self {
            credit: Semaphore::new(CREDIT as usize),
            acked: Cell::new(0),
            cancelled: Cell::new(false),
            gone: Cell::new(false),
        }
    }

    /// Everything up to `seq` has been taken. An acknowledgement of something never sent, or of
    /// something acknowledged before, gives no credit.
    pub(crate) fn ack(&self, seq: u64, sent: u64) {
        let fresh = seq.min(sent).saturating_sub(self.acked.get());
        self.acked.set(self.acked.get() + fresh);
        self.credit.add_permits(fresh as usize);
    }

    /// Stops the run between two steps, also one that waits for credit.
    pub(crate) fn cancel(&self) {
        self.cancelled.set(true);
        self.credit.close();
    }

    /// Stops the run in the same way, and expects nobody to hear of what it has done.
    pub(crate) fn abandon(&self) {
        self.gone.set(true);
        self.cancel();
    }
}

/// Where a run's events go.
pub struct Out {
    id: RunId,
    control: Rc<Control>,
    frames: mpsc::Sender<Outgoing>,
    sent: Rc<Cell<u64>>,
    lines: u64,
    /// Words of success that something has still to confirm.
    held: Option<Vec<String>>,
}

impl Out {
    pub(crate) fn new(
        id: RunId,
        control: Rc<Control>,
        sent: Rc<Cell<u64>>,
        frames: mpsc::Sender<Outgoing>,
    ) -> Self {
        Self {
            id,
            control,
            frames,
            sent,
            lines: 0,
            held: None,
        }
    }

    /// Keeps every `Success:` back until [`Out::release`].
    pub(crate) fn hold(&mut self) {
        self.held = Some(Vec::new());
    }

    /// Says what was kept back, or forgets it where it was not so.
    pub(crate) async fn release(&mut self, so: bool) -> Result<(), Cancelled> {
        for text in self.held.take().into_iter().flatten().filter(|_| so) {
            self.success(text).await?;
        }
        Ok(())
    }

    /// Whether the run should stop between two steps.
    pub fn cancelled(&self) -> Result<(), Cancelled> {
        if self.control.cancelled.get() {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }

    /// What a future gives, unless the run is cancelled before: then the future is dropped.
    pub(crate) async fn unless_cancelled<T>(
        &self,
        future: impl Future<Output = T>,
    ) -> Result<T, Cancelled> {
        let mut future = std::pin::pin!(future);
        let mut look = tokio::time::interval(LOOK);
        loop {
            tokio::select! {
                value = &mut future => return Ok(value),
                _ = look.tick() => self.cancelled()?,
            }
        }
    }

    /// Says that writing may begin. Returns when the frame has left the process: whoever reads
    /// nothing after this line must take the result as unknown.
    pub async fn begun(&mut self, cutoff: i64) -> Result<(), Cancelled> {
        self.cancelled()?;
        let (flushed, done) = oneshot::channel();
        let frame = FromAgent::Begun {
            id: self.id,
            cutoff,
        };
        self.send(&frame, Some(flushed)).await?;
        done.await.map_err(|_| Cancelled)
    }

    /// Sends an event, waiting while the controller has not taken the last ones.
    pub async fn event(&mut self, event: Event) -> Result<(), Cancelled> {
        self.control
            .credit
            .acquire()
            .await
            .map_err(|_| Cancelled)?
            .forget();
        self.numbered(event).await
    }

    async fn numbered(&mut self, event: Event) -> Result<(), Cancelled> {
        let seq = self.sent.get() + 1;
        let frame = FromAgent::Event {
            id: self.id,
            seq,
            event,
        };
        self.send(&frame, None).await?;
        self.sent.set(seq);
        Ok(())
    }

    /// Sends what is known of a session that is gone. A cancelled run still owes this of the step it
    /// was in: it goes out without credit, as long as there is a controller to take it.
    pub async fn evidence(&mut self, event: Event) -> Result<(), Cancelled> {
        match self.control.credit.acquire().await {
            Ok(permit) => permit.forget(),
            Err(_) if self.control.gone.get() => return Err(Cancelled),
            Err(_) => {}
        }
        self.numbered(event).await
    }

    /// Sends a line, unless the run has said enough already.
    pub async fn line(&mut self, line: Line) -> Result<(), Cancelled> {
        self.lines += 1;
        match self.lines.cmp(&MAX_LINES) {
            std::cmp::Ordering::Less => self.event(Event::Line(line)).await,
            std::cmp::Ordering::Equal => {
                let text = format!("more than {MAX_LINES} lines: the rest is left out");
                self.event(Event::Line(Line {
                    level: Level::Warning,
                    text,
                    fix: None,
                }))
                .await
            }
            std::cmp::Ordering::Greater => Ok(()),
        }
    }

    /// `Success: …`
    pub async fn success(&mut self, text: impl Into<String>) -> Result<(), Cancelled> {
        if let Some(held) = &mut self.held {
            if (held.len() as u64) < MAX_LINES {
                held.push(text.into());
            }
            return Ok(());
        }
        self.line(Line {
            level: Level::Success,
            text: text.into(),
            fix: None,
        })
        .await
    }

    /// `Warning: …`
    pub async fn warning(&mut self, text: impl Into<String>) -> Result<(), Cancelled> {
        self.line(Line {
            level: Level::Warning,
            text: text.into(),
            fix: None,
        })
        .await
    }

    /// `Debug (group): …`; the controller drops it unless asked.
    pub async fn debug(&mut self, group: &str, text: String) -> Result<(), Cancelled> {
        self.line(Line {
            level: Level::Debug(group.to_owned()),
            text,
            fix: None,
        })
        .await
    }

    /// Ends the run. An `Error` line without credit left is still sent: the last word counts.
    pub(crate) async fn done(mut self, ended: Result<Outcome, Line>) {
        let outcome = match ended {
            Ok(outcome) => outcome,
            Err(line) => {
                // A cancelled run has no reader for its error; the outcome says what matters.
                let _ = self.event(Event::Line(line)).await;
                Outcome::of(Verdict::Failed)
            }
        };
        let frame = FromAgent::Done {
            id: self.id,
            seq: self.sent.get(),
            outcome,
        };
        let _ = self.send(&frame, None).await;
    }

    async fn send(
        &self,
        frame: &FromAgent,
        flushed: Option<oneshot::Sender<()>>,
    ) -> Result<(), Cancelled> {
        // Senders keep their events below the cap (`ops::evidence`); one that does not is a bug
        // and ends the run rather than travelling half.
        let line = frame::encode(frame).map_err(|_| Cancelled)?;
        self.frames
            .send(Outgoing { line, flushed })
            .await
            .map_err(|_| Cancelled)
    }
}
