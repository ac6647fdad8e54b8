//! From events to the screen: what a person, or a script, sees of a run.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kickout_shared::event::{Event, Finding, Level, Line, Outcome, Progress, State, Verdict};

use crate::cli::Shape;
use crate::render::{
    Format, Listing, OfSite, Record, SITE_FIELD, Screen, Terminal, fields_or_default, split_fields,
};

/// A run longer than this shows how far it is.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is shown of events.
pub struct Report<'s> {
    screen: &'s mut Screen,
    listing: Option<&'s mut Listing>,
    /// The site's name, when it is one of several.
    site: Option<&'s str>,
    started: Instant,
    bar: Option<ProgressBar>,
    /// Sessions whose end was reported, each with its evidence.
    ended: u64,
    /// Whether the site said Error.
    erred: bool,
    /// The worst finding of doctor.
    worst: State,
    /// The last `Success:` line, until something follows: alone it is not believed.
    held: Option<String>,
}

impl<'s> Report<'s> {
    /// Shows lines; rows too when a listing is given. One of several sites has its name in rows
    /// and on standard error.
    pub fn new(
        screen: &'s mut Screen,
        listing: Option<&'s mut Listing>,
        site: Option<&'s str>,
    ) -> Self {
        let started = Instant::now();
        Self {
            screen,
            listing,
            site,
            started,
            bar: None,
            ended: 0,
            erred: false,
            worst: State::Ok,
            held: None,
        }
    }

    /// Shows one event.
    pub fn event(&mut self, event: Event) {
        self.release();
        match event {
            Event::Session(session) => self.row(&session),
            Event::User(user) => self.row(&user),
            Event::Line(line) => self.line(line),
            Event::Finding(finding) => self.finding(&finding),
            Event::Progress(progress) => self.progress(progress),
            Event::Ended(ended) => {
                self.ended += 1;
                let who = ended.session.user_login.lossy().into_owned();
                let text = format!("{} of {who}, row {}", ended.session.token, ended.row);
                self.debug("ended", &text);
            }
            Event::EndedRow(row) => {
                let text = format!("row {} of user {}: {}", row.row, row.user_id, row.reason);
                self.debug("ended", &text);
            }
            // Evidence for the journal; nobody reads it on a terminal.
            Event::Part(_) => {}
            // Nobody asked for one here, and its cookies are nobody's to see.
            Event::Canary(_) => {}
        }
    }

    /// Whether standard output takes nothing more.
    pub fn is_broken(&self) -> bool {
        self.screen.is_broken()
    }

    /// Whether the run itself shows how far it is.
    pub fn is_drawing(&self) -> bool {
        self.bar.is_some()
    }

    /// Whether the site said Error.
    pub fn has_erred(&self) -> bool {
        self.erred
    }

    /// Ends, and checks that the outcome is what its events say.
    pub fn finish(mut self, outcome: Option<&Outcome>) -> Result<State, String> {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let lie = outcome.filter(|outcome| {
            // A host that claims more than it shows is not believed.
            matches!(outcome.verdict, Verdict::Gone | Verdict::Proved)
                && outcome.sessions > self.ended
        });
        // Where nobody knows what was done, nothing is called a success.
        let known = outcome.is_some_and(|outcome| outcome.verdict != Verdict::Unknown);
        if known && lie.is_none() {
            self.release();
        }
        self.screen.flush();
        match lie {
            Some(outcome) => Err(format!(
                "it claims {} destroyed sessions and named {}",
                outcome.sessions, self.ended
            )),
            None => Ok(self.worst),
        }
    }

    /// Shows the line that was held: what it says was followed by something.
    fn release(&mut self) {
        if let Some(text) = self.held.take() {
            let line = self.screen.lines.success(text);
            self.screen.line(line);
        }
    }

    fn row(&mut self, record: &impl Record) {
        if let Some(listing) = &mut self.listing {
            let site = self.site;
            self.screen.data(|out| match site {
                Some(site) => listing.row(&OfSite::new(site, record), out),
                None => listing.row(record, out),
            });
        }
    }

    fn line(&mut self, line: Line) {
        let Line { level, text, fix } = line;
        self.erred |= level == Level::Error;
        let lines = &self.screen.lines;
        let shown = match level {
            // The last word, mostly: the bar has done its work.
            Level::Success => {
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
                self.held = Some(text);
                return;
            }
            Level::Warning => lines.warning(named(self.site, with_fix(text, fix))),
            Level::Error => Some(lines.error(named(self.site, with_fix(text, fix)))),
            Level::Info => lines.info(text),
            Level::Debug(group) => {
                lines.debug(&group, named(self.site, text), self.started.elapsed())
            }
        };
        match &self.bar {
            Some(bar) => bar.suspend(|| self.screen.line(shown)),
            None => self.screen.line(shown),
        }
    }

    fn debug(&mut self, group: &str, text: &str) {
        let text = named(self.site, text.to_owned());
        let line = self.screen.lines.debug(group, text, self.started.elapsed());
        self.screen.line(line);
    }

    fn finding(&mut self, finding: &Finding) {
        self.worst = self.worst.max(finding.state);
        let line = self.screen.lines.info(self::finding(finding));
        self.screen.line(line);
    }

    fn progress(&mut self, progress: Progress) {
        if self.started.elapsed() < PATIENCE || progress.done >= progress.total {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(
                Some(progress.total),
                // Draws nothing when standard error is no terminal.
                ProgressDrawTarget::stderr(),
            );
            let look = "{bar:30} {percent:>3}%  {msg}";
            if let Ok(style) = ProgressStyle::with_template(look) {
                bar.set_style(style);
            }
            bar
        });
        bar.set_message(format!("{} sessions", progress.sessions));
        bar.set_position(progress.done);
    }
}

/// A finding as one line, with what mends it below.
pub fn finding(finding: &Finding) -> String {
    let state = match finding.state {
        State::Ok => "ok  ",
        State::Warn => "warn",
        State::Fail => "FAIL",
    };
    let mut text = format!("{state}  {:<14} {}", finding.subject, finding.text);
    if let Some(fix) = &finding.fix {
        text.push_str(&format!("\n      {:<14} {fix}", ""));
    }
    text
}

/// A text, and on the next line what mends it.
pub fn with_fix(text: String, fix: Option<String>) -> String {
    match fix {
        Some(fix) => format!("{text}\n{fix}"),
        None => text,
    }
}

/// A text for standard error that says which of several sites it is about.
pub fn named(site: Option<&str>, text: String) -> String {
    match site {
        Some(site) => format!("@{site}: {text}"),
        None => text,
    }
}

/// The listing that a command's options ask for. One of several sites begins with their names,
/// unless fields were named.
pub fn listing<R: Record>(shape: &Shape, terminal: &Terminal, now: i64, sites: bool) -> Listing {
    let mut fields = fields_or_default::<R>(shape.fields.as_deref(), shape.several_users);
    if sites && shape.fields.is_none() {
        fields.insert(0, SITE_FIELD.to_owned());
    }
    let single = shape
        .field
        .as_deref()
        .map(|field| split_fields(field).concat());
    Listing::new(shape.format, fields, single, terminal, now)
}

/// Whether rows of several sites make one listing. What has no place for a site's name is a
/// listing of its own for each, below a header.
pub fn is_one_listing(shape: &Shape) -> bool {
    match shape.format {
        Format::Count | Format::Ids => false,
        Format::Table | Format::Csv => shape.field.is_none(),
        Format::Json | Format::JsonLines | Format::Yaml => true,
    }
}

/// Ends a listing, with the warnings that belong after it.
pub fn end(listing: Listing, screen: &mut Screen) {
    let mut warnings = Vec::new();
    screen.data(|out| {
        warnings = listing.finish(out)?;
        Ok(())
    });
    for warning in warnings {
        screen.line(screen.lines.warning(warning));
    }
    screen.flush();
}

/// Says on a terminal what is being waited for, until it is dropped.
pub struct Spinner {
    bar: ProgressBar,
    text: String,
}

impl Spinner {
    /// How long nothing is said.
    pub const PATIENCE: Duration = PATIENCE;

    /// How often it turns.
    pub const TURN: Duration = Duration::from_millis(200);

    /// Begins to turn.
    pub fn new(text: String) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        Self { bar, text }
    }

    /// Turns, and says how far it is.
    pub fn turn(&self, doing: &str) {
        let between = if doing.is_empty() { "" } else { ": " };
        let text = format!("{}{between}{doing}", self.text);
        let shown = crate::render::escape::escaped(text.as_bytes());
        self.bar.set_message(shown.to_string());
        self.bar.tick();
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
