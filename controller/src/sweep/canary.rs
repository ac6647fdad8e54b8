//! Proof by request: a session of ours is made, asked for, ended in the same way as the others, and
//! asked for again. Ordinary runs on the site's own connection; says nothing itself.
//!
//! Whatever happens in between, the session is removed, and it expires soon anyway.

mod runs;

use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use kickout_shared::canary::{self, CANARY_SECONDS};
use kickout_shared::event::{Level, Line, Verdict};
use kickout_shared::request::{Request, SessionDestroy};
use kickout_shared::site::Site;

use super::members::Member;
use super::print::{Settled, Why};
use super::wheel::{Stop, Wheel};
use crate::cli::Web;
use crate::exchange::Asker;
use crate::web::{Answer, Door, Page, Seen, WebError};
use runs::{abandoned, make, remove, settled};

/// An older canary is made anew before it proves anything: it must not expire meanwhile.
const FRESH: Duration = Duration::from_secs(30);

/// How long what it proves holds; a clock may be a little wrong.
const TRUSTED: Duration = Duration::from_secs(CANARY_SECONDS - 30);

/// What a head's clock may lack of the expiry, in seconds, to count as having passed it.
const MARGIN: i64 = 10;

type Looks = Vec<Result<Answer, WebError>>;

/// A session of ours, and what the web side said of it.
pub(super) struct Canary {
    asker: Rc<Asker>,
    site: Site,
    web: Rc<Web>,
    page: Page,
    made: canary::Canary,
    born: Instant,
    before: Looks,
}

/// What the web side has shown.
#[derive(Debug)]
pub(super) enum Proof {
    /// A cookie it took before is refused now.
    Proved,
    /// It still answers.
    Alive,
    /// Neither.
    Not,
}

/// What came of it, in words.
#[derive(Debug)]
pub(super) struct Conclusion {
    pub(super) proof: Proof,
    pub(super) text: String,
    /// What mends it; empty when nothing is to be.
    pub(super) fix: String,
}

impl Canary {
    /// Makes one and asks for it. The error is the end of this site: nothing is destroyed there.
    pub(super) async fn prepare(
        asker: &Rc<Asker>,
        member: &Member,
        web: &Rc<Web>,
        wheel: &Wheel,
    ) -> Result<Self, Settled> {
        let (made, born) = make(asker, &member.site, web, wheel).await?;
        let mut canary = Self {
            asker: asker.clone(),
            site: member.site.clone(),
            web: web.clone(),
            page: match page(web, member, &made.url) {
                Ok(page) => page,
                Err(line) => {
                    let left = remove(asker, &member.site, &made, wheel).await.err();
                    let lines = [Some(line), left.map(abandoned)];
                    return Err(Settled {
                        lines: lines.into_iter().flatten().collect(),
                        ..settled(Verdict::Failed)
                    });
                }
            },
            made,
            born,
            before: Vec::new(),
        };
        canary.before = canary.look(wheel).await;
        let (verdict, said) = match canary.forbidden() {
            _ if wheel.how() > Stop::No => (Verdict::Cancelled, None),
            None => return Ok(canary),
            said => (Verdict::Failed, said),
        };
        let left = canary.remove(wheel).await.err();
        Err(Settled {
            lines: said.into_iter().chain(left).collect(),
            ..settled(verdict)
        })
    }

    /// The same request, which is to pass it over in silence.
    pub(super) fn beside(&self, request: &Request) -> Request {
        match request {
            Request::SessionDestroy(destroy) => Request::SessionDestroy(SessionDestroy {
                canary: Some(self.made.token.clone()),
                ..destroy.clone()
            }),
            other => other.clone(),
        }
    }

    /// Removes it. The error says that it is left to its expiry.
    pub(super) async fn remove(&self, wheel: &Wheel) -> Result<(), Line> {
        let removed = remove(&self.asker, &self.site, &self.made, wheel).await;
        removed.map_err(abandoned)
    }

    /// Ends it as the others were ended, and asks again.
    pub(super) async fn conclude(mut self, wheel: &Wheel) -> Conclusion {
        if self.born.elapsed() > FRESH
            && let Err(why) = self.renew(wheel).await
        {
            return not(why, String::new());
        }
        if let Err(line) = self.remove(wheel).await {
            return not(line.text, line.fix.unwrap_or_default());
        }
        let after = self.look(wheel).await;
        if wheel.how() > Stop::No {
            return not("interrupted".to_owned(), String::new());
        }
        if self.born.elapsed() > TRUSTED {
            let why = "it took so long that the session may have expired by itself";
            return not(why.to_owned(), "Run the command again.".to_owned());
        }
        self.judge(&after)
    }

    async fn renew(&mut self, wheel: &Wheel) -> Result<(), String> {
        self.remove(wheel).await.map_err(|line| line.text)?;
        let made = make(&self.asker, &self.site, &self.web, wheel).await;
        (self.made, self.born) = made.map_err(|settled| match settled.why {
            Why::Lost(error) => error.to_string(),
            Why::Said | Why::Trouble(_) => {
                let line = settled.lines.into_iter().next();
                line.map_or_else(|| "interrupted".to_owned(), |line| line.text)
            }
        })?;
        self.before = self.look(wheel).await;
        Ok(())
    }

    /// Asks every head at once; nothing is seen by who has to stop.
    async fn look(&self, wheel: &Wheel) -> Looks {
        let cookies = self.made.cookies.iter();
        let cookies: Vec<_> = cookies
            .map(|it| format!("{}={}", it.name, it.value.0))
            .collect();
        let cookies = &cookies.join("; ");
        let looks = self
            .doors()
            .map(|door| async move { door.look(cookies).await });
        tokio::select! {
            looks = join_all(looks) => looks,
            () = wheel.stopped() => Vec::new(),
        }
    }

    /// Why nothing could be proved whatever became of the session: nobody is let through to ask.
    fn forbidden(&self) -> Option<Line> {
        let errors = self.before.iter().filter_map(|look| look.as_ref().err());
        let mut errors = errors.filter(|error| matches!(error, WebError::Forbidden(..)));
        errors.next().map(|error| Line {
            level: Level::Error,
            text: error.to_string(),
            fix: Some(error.fix()),
        })
    }

    /// Whom to ask.
    fn doors(&self) -> impl Iterator<Item = Door<'_>> {
        let heads = self.web.heads.iter().copied().map(Some);
        let named = self.web.heads.is_empty().then_some(None);
        let tunnel = self.asker.tunnel();
        heads
            .chain(named)
            .map(move |head| Door::new(&self.page, head, tunnel))
    }

    fn judge(&self, after: &Looks) -> Conclusion {
        let names: Vec<String> = self.doors().map(|door| door.name()).collect();
        let open = |look: &Result<Answer, WebError>| matches!(seen(look), Ok(Seen::Open));
        let alive = names.iter().zip(after).filter(|(_, look)| open(look));
        let alive: Vec<&str> = alive.map(|(name, _)| name.as_str()).collect();
        if !alive.is_empty() {
            return Conclusion {
                proof: Proof::Alive,
                text: format!(
                    "A destroyed session is still answered for by {}",
                    alive.join(", ")
                ),
                fix: "Something there keeps sessions of its own: clear its object cache and its \
                      page cache, or rotate the salts; then run the command again."
                    .to_owned(),
            };
        }
        if self.before.len() != names.len() || after.len() != names.len() {
            return not("not everybody was asked".to_owned(), String::new());
        }
        for (name, (before, after)) in names.iter().zip(self.before.iter().zip(after)) {
            if let Ok(Answer {
                clock: Some(clock), ..
            }) = after
                && clock + MARGIN >= self.made.expires
            {
                let text = format!(
                    "by the clock of {name}, which is ahead of the site's host, the session has \
                     expired by itself"
                );
                return not(
                    text,
                    "Set the clocks, and run the command again.".to_owned(),
                );
            }
            let (when, look) = match (seen(before), seen(after)) {
                (Ok(Seen::Open), Ok(Seen::Login)) => continue,
                (Ok(Seen::Open), after) => ("after it was destroyed", after),
                (before, _) => ("before it was destroyed", before),
            };
            let (what, fix) = match look {
                Err(error) => (error.to_string(), error.fix()),
                Ok(seen) => (format!("{name} answered with {seen}"), mended(seen)),
            };
            return not(
                format!("{when}, for a session that was just made, {what}"),
                fix,
            );
        }
        Conclusion {
            proof: Proof::Proved,
            text: format!(
                "Proved on {}: a cookie that was taken before is refused now.",
                names.join(", ")
            ),
            fix: String::new(),
        }
    }
}

fn seen(look: &Result<Answer, WebError>) -> Result<&Seen, &WebError> {
    look.as_ref().map(|answer| &answer.seen)
}

/// What to do about an answer that proves nothing.
fn mended(seen: &Seen) -> String {
    match seen {
        Seen::Login => {
            "The web server may have another object cache, database or salts than PHP here, or be \
             another site's: see docs/engines-and-verdicts.md."
        }
        Seen::Open | Seen::Other(_) => {
            "Name an account that can open its profile page there (--verify-user=<user>), or where \
             the site is reached (--verify-url=<url>, --head=<address>)."
        }
    }
    .to_owned()
}

fn not(text: String, fix: String) -> Conclusion {
    Conclusion {
        proof: Proof::Not,
        text: format!("Not proved: {text}"),
        fix,
    }
}

/// Where the profile page is asked for. A host that the operator did not name is not asked: its
/// name comes from the site.
fn page(web: &Web, member: &Member, claimed: &str) -> Result<Page, Line> {
    if let Some(page) = &web.page {
        return Ok(page.clone());
    }
    let no = |text: String, url: &str| Line {
        level: Level::Error,
        text,
        fix: Some(format!(
            "If that is where it is reached from here, add --verify-url={url}; or name its web \
             server with --head=<address>."
        )),
    };
    let Some(page) = Page::profile(claimed) else {
        let text = "the site's own address of its profile page cannot be asked".to_owned();
        return Err(no(text, "<url>"));
    };
    if !web.heads.is_empty() {
        return Ok(page);
    }
    let own = page.site();
    match &member.site.url {
        Some(url) if page.is_at(url) => Ok(page),
        Some(url) => Err(no(format!("the site calls itself {own}, not {url}"), &own)),
        None => {
            let text =
                format!("--verify=web asks only where it is told to; the site calls itself {own}");
            Err(no(text, &own))
        }
    }
}
