//! The only writer to the terminal: standard output for data and success, standard error for the
//! rest, and the questions in between.

use std::io::{self, BufRead as _, BufWriter, IsTerminal as _, Write};
use std::sync::{Mutex, PoisonError, TryLockError};

use zeroize::Zeroizing;

use super::escape::escaped_lines;
use super::{Line, Lines, Stream};

/// Standard output and error, and what became of them.
pub struct Screen {
    /// How labelled lines look.
    pub lines: Lines,
    out: BufWriter<io::Stdout>,
    broken: Option<io::Error>,
}

impl Screen {
    /// The program's own streams.
    pub fn new(lines: Lines) -> Self {
        Self {
            lines,
            out: BufWriter::new(io::stdout()),
            broken: None,
        }
    }

    /// Writes a line where it belongs; a hidden one is `None`.
    pub fn line(&mut self, line: Option<Line>) {
        let Some(line) = line else { return };
        match line.stream {
            Stream::Stdout => {
                self.data(|out| out.write_all(line.text.as_bytes()));
                self.flush();
            }
            Stream::Stderr => {
                // Data first, so that the two streams read in the order of events on a terminal.
                self.flush();
                // Nobody is left to be told that standard error is closed.
                let _ = io::stderr().write_all(line.text.as_bytes());
            }
        }
    }

    /// Writes data to standard output. Once that has failed, nothing more is written.
    pub fn data(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.broken.is_none()
            && let Err(error) = write(&mut self.out)
        {
            self.broken = Some(error);
        }
    }

    /// Brings what was written to its reader.
    pub fn flush(&mut self) {
        self.data(|out| out.flush());
    }

    /// Whether standard output takes nothing more.
    pub fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Ends writing. A reader that has gone away (`| head`) is no error; a full disk is.
    pub fn finish(&mut self) -> io::Result<()> {
        self.flush();
        match self.broken.take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            Some(_) | None => Ok(()),
        }
    }

    /// Asks on standard error, when somebody sits there to read it, and reads a line. `None` at
    /// end of input.
    pub fn ask(&mut self, question: &str) -> io::Result<Option<String>> {
        self.question(question)?;
        read_line()
    }

    /// Asks on standard error, when somebody sits there to read it. The answer is the next line.
    pub fn question(&mut self, question: &str) -> io::Result<()> {
        self.flush();
        if io::stdin().is_terminal() {
            let mut error = io::stderr();
            error.write_all(escaped_lines(question.as_bytes()).as_bytes())?;
            error.flush()?;
        }
        Ok(())
    }

    /// Asks for a secret on the terminal, without echo; one question at a time. `None` when none was
    /// given. Ctrl-C is the answer to all that follow.
    pub fn secret(question: &str) -> Option<Zeroizing<String>> {
        let mut stopped = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
        if *stopped {
            return None;
        }
        let question = escaped_lines(question.as_bytes());
        let plain = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        // What is waited for may have drawn on this line.
        let begin = if plain { "" } else { "\r\x1b[K" };
        match rpassword::prompt_password(format!("{begin}{question}")) {
            Ok(secret) => Some(Zeroizing::new(secret)),
            Err(error) => {
                *stopped = error.kind() == io::ErrorKind::Interrupted;
                None
            }
        }
    }

    /// Whether somebody is being asked: nothing else should be drawn.
    pub fn is_asking() -> bool {
        matches!(ASKING.try_lock(), Err(TryLockError::WouldBlock))
    }

    /// Whether Ctrl-C was the answer to a question.
    pub fn was_interrupted() -> bool {
        ASKING.try_lock().is_ok_and(|stopped| *stopped)
    }

    /// Whether somebody can be asked.
    pub fn can_ask() -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }
}

/// Held while a secret is asked for; whether Ctrl-C was the answer.
static ASKING: Mutex<bool> = Mutex::new(false);

/// The longest line taken from standard input, in bytes.
const LONGEST: u64 = 64 * 1024;

/// A line of standard input without its end; `None` at end of input.
pub fn read_line() -> io::Result<Option<String>> {
    let mut line = String::new();
    let count = io::Read::take(io::stdin().lock(), LONGEST).read_line(&mut line)?;
    if count == 0 {
        return Ok(None);
    }
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(Some(line))
}
