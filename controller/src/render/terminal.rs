//! What stdout is, and what that means for colour and boxes. Decides from values; asks no system.

/// `--color`, `--no-color`, or neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorChoice {
    /// Colour when stdout is a terminal.
    #[default]
    Auto,
    /// `--color`
    Always,
    /// `--no-color`
    Never,
}

/// What the process found around itself: stdout and the variables that matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surroundings<'a> {
    /// Whether stdout really is a terminal.
    pub stdout_is_tty: bool,
    /// Its width, or that of `COLUMNS`, when known.
    pub columns: Option<usize>,
    /// `SHELL_PIPE`
    pub shell_pipe: Option<&'a str>,
    /// `NO_COLOR`
    pub no_color: Option<&'a str>,
    /// `TERM`
    pub term: Option<&'a str>,
}

/// How to draw on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Stdout really is a terminal: nothing raw may reach it, whatever the format.
    pub tty: bool,
    /// Tables are boxes; otherwise they are tab-separated.
    pub boxed: bool,
    /// The columns that a box may take.
    pub width: usize,
    /// Labels are coloured. Stderr follows stdout, as in WP-CLI.
    pub color: bool,
}

/// The width of a terminal that does not tell.
const DEFAULT_WIDTH: usize = 80;

impl Terminal {
    /// The decision.
    ///
    /// `SHELL_PIPE` says "take stdout for a pipe" (1) or "for a terminal" (0) and beats `NO_COLOR`
    /// and `TERM`, being the more specific wish; the flags beat everything. It never changes
    /// [`Terminal::tty`]: a real terminal must be protected however the table is drawn.
    pub fn decide(choice: ColorChoice, around: &Surroundings<'_>) -> Self {
        let pipe = around
            .shell_pipe
            .filter(|value| !value.is_empty())
            .map(is_true);
        let boxed = pipe.map_or(around.stdout_is_tty, |pipe| !pipe);
        let plain =
            around.no_color.is_some_and(|value| !value.is_empty()) || around.term == Some("dumb");
        let color = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => boxed && (pipe.is_some() || !plain),
        };
        let width = around
            .columns
            .filter(|&columns| columns > 0)
            .unwrap_or(DEFAULT_WIDTH);
        Self {
            tty: around.stdout_is_tty,
            boxed,
            width,
            color,
        }
    }
}

/// PHP's `FILTER_VALIDATE_BOOLEAN`.
fn is_true(value: &str) -> bool {
    ["1", "true", "on", "yes"]
        .iter()
        .any(|word| value.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Choice, whether stdout is a terminal, variables; then the expected boxes and colour.
    fn check(choice: ColorChoice, tty: bool, variables: &[&str], boxed: bool, color: bool) {
        let value = |name: &str| variables.iter().find_map(|pair| pair.strip_prefix(name));
        let around = Surroundings {
            stdout_is_tty: tty,
            columns: None,
            shell_pipe: value("SHELL_PIPE="),
            no_color: value("NO_COLOR="),
            term: value("TERM="),
        };
        let expected = Terminal {
            tty,
            boxed,
            width: 80,
            color,
        };
        assert_eq!(
            Terminal::decide(choice, &around),
            expected,
            "{choice:?} {around:?}"
        );
    }

    #[test]
    fn colour_and_boxes() {
        use ColorChoice::{Always, Auto, Never};
        check(Auto, false, &[], false, false);
        check(Always, false, &[], false, true);
        check(Auto, true, &[], true, true);
        check(Never, true, &[], true, false);
        check(Auto, true, &["NO_COLOR=1"], true, false);
        check(Auto, true, &["NO_COLOR="], true, true);
        check(Always, true, &["NO_COLOR=1"], true, true);
        check(Auto, true, &["TERM=dumb"], true, false);
        check(Auto, true, &["TERM=xterm"], true, true);
        check(Auto, false, &["SHELL_PIPE=0"], true, true);
        check(Auto, false, &["SHELL_PIPE=0", "TERM=dumb"], true, true);
        check(Never, false, &["SHELL_PIPE=0"], true, false);
        check(Auto, true, &["SHELL_PIPE=1"], false, false);
        check(Always, true, &["SHELL_PIPE=1"], false, true);
        check(Auto, true, &["SHELL_PIPE="], true, true);
    }

    #[test]
    fn the_width_is_never_zero() {
        let width = |columns| {
            Terminal::decide(
                ColorChoice::Auto,
                &Surroundings {
                    columns,
                    ..Default::default()
                },
            )
            .width
        };
        assert_eq!(
            (width(Some(132)), width(Some(0)), width(None)),
            (132, 80, 80)
        );
    }
}
