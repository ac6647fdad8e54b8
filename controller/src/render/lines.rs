//! The `Success:` / `Warning:` / `Error:` / `Debug:` lines: which are shown, where, and how they
//! look. Writes nothing.

use std::time::Duration;

use super::escape::escaped_lines;

/// Where a line belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Data, success and information.
    Stdout,
    /// Warnings, errors and debug lines.
    Stderr,
}

/// A line to be written: escaped, with its newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it belongs.
    pub stream: Stream,
    /// The bytes to write.
    pub text: String,
}

/// `--debug[=<group>]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum DebugLines {
    /// None.
    #[default]
    Off,
    /// Every group; the label names it.
    All,
    /// Exactly one group; the label is bare.
    Group(String),
}

/// The settings that all lines of a run share.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// Labels are coloured.
    pub color: bool,
    /// `--quiet`: no success, no warning, no information. Errors and debug lines stay.
    pub quiet: bool,
    /// Which debug lines are shown.
    pub debug: DebugLines,
}

/// What WP-CLI puts after `ESC [` for each label.
const RED: &str = "31;1";
const GREEN: &str = "32;1";
const BLUE: &str = "34;1";
const CYAN: &str = "36;1";

impl Lines {
    /// `Success: text`, unless quiet.
    pub fn success(&self, text: impl AsRef<[u8]>) -> Option<Line> {
        (!self.quiet).then(|| self.labelled(Stream::Stdout, "Success:", GREEN, text.as_ref()))
    }

    /// `Warning: text`, unless quiet.
    pub fn warning(&self, text: impl AsRef<[u8]>) -> Option<Line> {
        (!self.quiet).then(|| self.labelled(Stream::Stderr, "Warning:", CYAN, text.as_ref()))
    }

    /// `Error: text`, always.
    pub fn error(&self, text: impl AsRef<[u8]>) -> Line {
        self.labelled(Stream::Stderr, "Error:", RED, text.as_ref())
    }

    /// `text` without a label: what belongs to the error above it, always.
    pub fn beneath(&self, text: impl AsRef<[u8]>) -> Line {
        Line {
            stream: Stream::Stderr,
            text: format!("{}\n", body(text.as_ref())),
        }
    }

    /// `text` without a label, unless quiet.
    pub fn info(&self, text: impl AsRef<[u8]>) -> Option<Line> {
        (!self.quiet).then(|| Line {
            stream: Stream::Stdout,
            text: format!("{}\n", body(text.as_ref())),
        })
    }

    /// `text` without a label on standard error, unless quiet: what is no data.
    pub fn note(&self, text: impl AsRef<[u8]>) -> Option<Line> {
        self.info(text).map(|line| Line {
            stream: Stream::Stderr,
            ..line
        })
    }

    /// `Debug (group): text (0.029s)`, when that group is asked for. `group` may be empty.
    pub fn debug(&self, group: &str, text: impl AsRef<[u8]>, elapsed: Duration) -> Option<Line> {
        let label = match &self.debug {
            DebugLines::All if !group.is_empty() => format!("Debug ({group}):"),
            DebugLines::All => "Debug:".to_owned(),
            DebugLines::Group(wanted) if wanted == group => "Debug:".to_owned(),
            DebugLines::Off | DebugLines::Group(_) => return None,
        };
        let mut line = self.labelled(Stream::Stderr, &label, BLUE, text.as_ref());
        line.text.pop();
        line.text
            .push_str(&format!(" ({:.3}s)\n", elapsed.as_secs_f64()));
        Some(line)
    }

    fn labelled(&self, stream: Stream, label: &str, color: &str, text: &[u8]) -> Line {
        let text = body(text);
        let text = if self.color {
            format!("\x1b[{color}m{label}\x1b[0m {text}\n")
        } else {
            format!("{label} {text}\n")
        };
        Line { stream, text }
    }
}

/// The text, harmless. Messages may have several lines, but a value inside one must not be able to
/// forge the next: a line that would start with a label stays on the line before it.
fn body(text: &[u8]) -> String {
    let text = escaped_lines(text);
    let mut lines = text.split('\n');
    let mut body = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        let forged = ["Success:", "Warning:", "Error:", "Debug:", "Debug ("]
            .iter()
            .any(|label| line.trim_start().starts_with(label));
        body.push_str(if forged { "\\n" } else { "\n" });
        body.push_str(line);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_streams_and_quiet() {
        use Stream::{Stderr, Stdout};
        let line = |stream, text: &str| Line {
            stream,
            text: text.to_owned(),
        };
        let plain = Lines::default();
        assert_eq!(
            plain.success("Done."),
            Some(line(Stdout, "Success: Done.\n"))
        );
        assert_eq!(plain.warning("Hm."), Some(line(Stderr, "Warning: Hm.\n")));
        assert_eq!(plain.error("No."), line(Stderr, "Error: No.\n"));
        assert_eq!(plain.info("@s1"), Some(line(Stdout, "@s1\n")));

        let color = Lines {
            color: true,
            ..Lines::default()
        };
        let success = "\x1b[32;1mSuccess:\x1b[0m Destroyed all sessions.\n";
        assert_eq!(
            color.success("Destroyed all sessions."),
            Some(line(Stdout, success))
        );
        let error = "\x1b[31;1mError:\x1b[0m Invalid user ID, email or login: 'nobody'\n";
        assert_eq!(
            color
                .error("Invalid user ID, email or login: 'nobody'")
                .text,
            error
        );
        assert_eq!(
            color.warning("x").unwrap().text,
            "\x1b[36;1mWarning:\x1b[0m x\n"
        );

        let quiet = Lines {
            quiet: true,
            debug: DebugLines::All,
            ..Lines::default()
        };
        assert_eq!(
            (quiet.success("x"), quiet.warning("x"), quiet.info("x")),
            (None, None, None)
        );
        assert_eq!(quiet.error("x").text, "Error: x\n");
        assert!(quiet.debug("ssh", "x", Duration::ZERO).is_some());
    }

    #[test]
    fn debug_groups() {
        let after = Duration::from_micros(29_400);
        let text = |debug: DebugLines, color, group| {
            let lines = Lines {
                debug,
                color,
                ..Lines::default()
            };
            lines.debug(group, "hello", after).map(|line| line.text)
        };
        let group = |name: &str| DebugLines::Group(name.to_owned());
        assert_eq!(text(DebugLines::Off, false, "ssh"), None);
        let shown = Some("Debug (ssh): hello (0.029s)\n".to_owned());
        assert_eq!(text(DebugLines::All, false, "ssh"), shown);
        assert_eq!(
            text(DebugLines::All, false, ""),
            Some("Debug: hello (0.029s)\n".to_owned())
        );
        assert_eq!(
            text(group("ssh"), false, "ssh"),
            Some("Debug: hello (0.029s)\n".to_owned())
        );
        assert_eq!(text(group("ssh"), false, "db"), None);
        let shown = Some("\x1b[34;1mDebug (ssh):\x1b[0m hello (0.029s)\n".to_owned());
        assert_eq!(text(DebugLines::All, true, "ssh"), shown);
    }

    #[test]
    fn foreign_text_is_harmless_and_cannot_forge_a_line() {
        let error = |text: &str| Lines::default().error(text).text;
        assert_eq!(
            error("Parameter errors:\n unknown"),
            "Error: Parameter errors:\n unknown\n"
        );
        assert_eq!(error("a\x1b[2Jb\u{202e}"), "Error: a\\x1b[2Jb\\u{202e}\n");
        assert_eq!(
            error("no 'x\nSuccess: all gone"),
            "Error: no 'x\\nSuccess: all gone\n"
        );
        assert_eq!(Lines::default().error(b"\xff").text, "Error: \\xff\n");
    }
}
