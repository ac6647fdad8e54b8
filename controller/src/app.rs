//! One run of the program, from arguments to exit code.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal as _;

use kickout_shared::site::{Load, Skip};

use crate::cli::{self, Answers, Globals, Meaning, Parsed, Task, UsageError, Words};
use crate::error::Error;
use crate::exit::Exit;
use crate::here;
use crate::inventory::{Inventory, Overrides, Resolved, Selection, Setting, Surroundings};
use crate::render::{self, ColorChoice, DebugLines, Lines, Screen, Terminal};
use crate::report::with_fix;
use crate::settings;
use crate::sweep::{self, Order, Swept};
use crate::target::Target;
use crate::transport::Around;

/// Runs with these arguments (the program's name is not among them) and says how to exit.
pub fn run(arguments: impl Iterator<Item = OsString>) -> Exit {
    let vars: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    let look = Look::new(&vars);
    // Until the words are understood, errors look as the terminal alone decides.
    let terminal = look.terminal(ColorChoice::Auto);
    let mut screen = Screen::new(Lines {
        color: terminal.color,
        ..Lines::default()
    });
    let mut command = Vec::new();
    let ended = start(arguments, vars, &look, &mut screen, &mut command);
    let exit = match ended {
        // Whatever came of it: somebody wanted it to stop.
        Ok(_) if Screen::was_interrupted() => Exit::Interrupted,
        Ok(exit) => exit,
        Err(error) => {
            let fix = Some(error.fix()).filter(|fix| !fix.is_empty());
            // WP-CLI's own wordings stay alone on their line, with the usage beneath.
            let text = match &error {
                Error::Usage(_) => error.to_string(),
                _ => with_fix(error.to_string(), fix),
            };
            screen.line(Some(screen.lines.error(text)));
            if matches!(error, Error::Usage(_)) {
                screen.line(Some(render::Line {
                    stream: render::Stream::Stderr,
                    text: format!("{}{}\n", cli::usage(&command), error.fix()),
                }));
            }
            error.exit()
        }
    };
    match screen.finish() {
        Ok(()) => exit,
        Err(error) => {
            let why = Error::Stream {
                what: "write to standard output",
                why: error,
            };
            screen.line(Some(
                screen
                    .lines
                    .error(with_fix(why.to_string(), Some(why.fix()))),
            ));
            if exit == Exit::Done {
                Exit::Failed
            } else {
                exit
            }
        }
    }
}

fn start(
    arguments: impl Iterator<Item = OsString>,
    vars: BTreeMap<OsString, OsString>,
    look: &Look,
    screen: &mut Screen,
    command: &mut Vec<String>,
) -> Result<Exit, Error> {
    let mut words = cli::split(text(arguments)?);
    *command = cli::command_words(&words);
    let meaning = Meaning {
        force_login: vars.contains_key(&OsString::from(FORCE_LOGIN)),
    };
    let cwd = || {
        std::env::current_dir().map_err(|why| Error::Stream {
            what: "find the working directory",
            why,
        })
    };
    if words == Words::default() {
        let cwd = cwd()?;
        if let Some(exit) = here::greet(
            &Around {
                cwd,
                vars: vars.clone(),
            },
            screen,
        )? {
            return Ok(exit);
        }
    }
    // Help needs no configuration, least of all a broken one.
    if Answers::wanted(&words).is_none()
        && let Ok(Parsed {
            task: Task::Print(text),
            ..
        }) = cli::parse(&words, &[], meaning)
    {
        screen.data(|out| out.write_all(text.as_bytes()));
        return Ok(Exit::Done);
    }
    let cwd = cwd()?;
    let around = Around {
        cwd: cwd.clone(),
        vars: vars.clone(),
    };
    let inventory = Inventory::load(Surroundings {
        cwd,
        vars: vars.clone(),
    })?;
    let command = command.join(" ");
    if inventory.disabled(&command).is_some() {
        return Err(Error::Disabled(command));
    }
    if let Some(answers) = Answers::wanted(&words) {
        words = prompt(answers, &words, screen)?;
    }
    let defaults: Vec<(String, Option<String>)> = inventory
        .command_defaults(&command)
        .into_iter()
        .flatten()
        .map(|(name, setting)| (name.clone(), Some(setting.text.clone())))
        .collect();
    let Parsed {
        task,
        mut globals,
        alias,
    } = cli::parse(&words, &defaults, meaning)?;
    let terminal = dress(screen, look, &globals, &inventory)?;
    for warning in std::mem::take(&mut globals.warnings) {
        screen.line(screen.lines.warning(warning));
    }
    match task {
        Task::Print(text) => {
            screen.data(|out| out.write_all(text.as_bytes()));
            Ok(Exit::Done)
        }
        Task::ShowSettings { origin } => {
            let text = settings::show(&inventory, &vars, origin)?;
            screen.data(|out| out.write_all(text.as_bytes()));
            Ok(Exit::Done)
        }
        Task::Tidy { remove } => {
            let targets = targets(&inventory, &globals, selection(&globals, alias.as_deref()))?;
            let ways = ways(&globals, &inventory, &vars, around)?;
            sweep::tidy(targets, ways, remove, screen)
        }
        Task::Bridge(bridge) => {
            let targets = targets(&inventory, &globals, selection(&globals, alias.as_deref()))?;
            let ways = ways(&globals, &inventory, &vars, around)?;
            sweep::bridge(targets, ways, bridge, screen)
        }
        Task::Ask(request, answer) => {
            let selection = selection(&globals, alias.as_deref());
            let targets = targets(&inventory, &globals, selection)?;
            let act_as = |target: Resolved| {
                let user = target.user.as_deref().map(|user| cli::user(user, meaning));
                (target, user)
            };
            // What an alias names is where it says; nobody is sent elsewhere.
            let alone = match targets.as_slice() {
                [only] => only.target == Target::Local && selection == Selection::None,
                _ => false,
            };
            let beside = around.clone();
            let order = Order {
                targets: targets.into_iter().map(act_as).collect(),
                several: inventory.is_group(selection),
                request,
                answer,
                ways: ways(&globals, &inventory, &vars, around)?,
                load: load(&globals, &inventory),
                verify: globals.verify.clone(),
            };
            let Swept { exit, missing } = sweep::run(order, &terminal, screen)?;
            if let Some(missing) = missing.filter(|_| alone) {
                here::send_on(&beside, &missing, &words, screen)?;
            }
            Ok(exit)
        }
    }
}

/// WP-CLI's switch that makes every plain `<user>` a login.
const FORCE_LOGIN: &str = "WP_CLI_FORCE_USER_LOGIN";

fn text(arguments: impl Iterator<Item = OsString>) -> Result<Vec<String>, UsageError> {
    let not_text = |word: OsString| UsageError::NotText(word.to_string_lossy().into_owned());
    arguments
        .map(|word| word.into_string().map_err(not_text))
        .collect()
}

/// Asks what `--prompt` asks for, and shows the command line that the answers make.
fn prompt(mut answers: Answers, words: &Words, screen: &mut Screen) -> Result<Words, Error> {
    let quiet = words.options.iter().any(|option| option.name == "quiet");
    for question in answers.questions() {
        let typed = screen.ask(&question.text);
        let typed = typed.map_err(|why| Error::Stream {
            what: "read an answer",
            why,
        })?;
        answers.answer(&question, &typed.ok_or(Error::PromptEnded)?);
    }
    if !quiet {
        let line = answers.rerun();
        screen.data(|out| writeln!(out, "{}", render::escape::escaped(line.as_bytes())));
    }
    Ok(answers.into_words())
}

/// What stands around the program, as far as looks go.
struct Look {
    vars: BTreeMap<&'static str, String>,
}

impl Look {
    fn new(vars: &BTreeMap<OsString, OsString>) -> Self {
        let names = ["SHELL_PIPE", "NO_COLOR", "TERM", "COLUMNS"];
        let get = |name: &'static str| {
            Some((name, vars.get(&OsString::from(name))?.to_str()?.to_owned()))
        };
        Self {
            vars: names.into_iter().filter_map(get).collect(),
        }
    }

    fn terminal(&self, color: ColorChoice) -> Terminal {
        let get = |name| self.vars.get(name).map(String::as_str);
        let stdout = std::io::stdout();
        let sized = || {
            rustix::termios::tcgetwinsize(&stdout)
                .ok()
                .map(|s| usize::from(s.ws_col))
        };
        let columns = get("COLUMNS").and_then(|c| c.parse().ok()).or_else(sized);
        Terminal::decide(
            color,
            &render::Surroundings {
                stdout_is_tty: stdout.is_terminal(),
                columns: columns.filter(|columns| *columns > 0),
                shell_pipe: get("SHELL_PIPE"),
                no_color: get("NO_COLOR"),
                term: get("TERM"),
            },
        )
    }
}

/// Gives the screen the looks that flags and files ask for; flags win.
fn dress(
    screen: &mut Screen,
    look: &Look,
    globals: &Globals,
    inventory: &Inventory,
) -> Result<Terminal, Error> {
    let files = inventory.globals();
    let color = match settings::flag("color", files.color.as_ref().filter(|c| c.text != "auto"))? {
        Some(true) => ColorChoice::Always,
        Some(false) => ColorChoice::Never,
        None => ColorChoice::Auto,
    };
    let quiet = match globals.quiet {
        Some(quiet) => quiet,
        None => settings::flag("quiet", files.quiet.as_ref())?.unwrap_or(false),
    };
    let debug = match (&globals.debug, &files.debug) {
        (DebugLines::Off, Some(setting)) => match setting.as_flag() {
            Some(true) => DebugLines::All,
            Some(false) => DebugLines::Off,
            None => DebugLines::Group(setting.text.clone()),
        },
        (typed, _) => typed.clone(),
    };
    let terminal = look.terminal(globals.color.unwrap_or(color));
    screen.lines = Lines {
        color: terminal.color,
        quiet,
        debug,
    };
    Ok(terminal)
}

/// What was named: an alias, or nothing.
fn selection<'a>(globals: &'a Globals, at: Option<&'a str>) -> Selection<'a> {
    match (&globals.alias, at) {
        (Some(name), _) => Selection::Flag(name),
        (None, Some(name)) => Selection::At(name),
        (None, None) => Selection::None,
    }
}

/// How hosts are reached.
fn ways(
    globals: &Globals,
    inventory: &Inventory,
    vars: &BTreeMap<OsString, OsString>,
    around: Around,
) -> Result<sweep::Ways, Error> {
    let own = settings::read(inventory, vars)?;
    Ok(sweep::Ways {
        bridges: own.bridges(globals.bridges.clone()),
        agent: globals.agent.clone().or(own.agent),
        parallel: globals.parallel.unwrap_or(own.parallel),
        accept_new_host_keys: globals.accept_new_host_keys,
        around,
    })
}

/// The sites that are addressed.
fn targets(
    inventory: &Inventory,
    globals: &Globals,
    selection: Selection<'_>,
) -> Result<Vec<Resolved>, Error> {
    let overrides = Overrides {
        path: globals.path.clone(),
        url: globals.url.clone(),
        ssh: globals.ssh.clone(),
        http: globals.http.clone(),
        user: globals.user.clone(),
        ssh_args: globals.ssh_args.clone(),
        sudo: globals.sudo.clone(),
        via: globals.via.clone(),
    };
    Ok(inventory.resolve(selection, &overrides)?)
}

/// How the sites' code is to be loaded: the words, else the files; required files of both.
fn load(globals: &Globals, inventory: &Inventory) -> Load {
    let files = inventory.globals();
    let text = |setting: &Option<Setting>| setting.as_ref().map(|it| it.text.clone());
    let skip = |typed: &Skip, setting| match typed {
        Skip::Nothing => cli::skip(text(setting).as_deref()),
        typed => typed.clone(),
    };
    let typed = globals.load.clone();
    let required = files.require.iter().map(|file| file.text.clone());
    Load {
        skip_plugins: skip(&typed.skip_plugins, &files.skip_plugins),
        skip_themes: skip(&typed.skip_themes, &files.skip_themes),
        require: required.chain(typed.require).collect(),
        ..typed
    }
}
