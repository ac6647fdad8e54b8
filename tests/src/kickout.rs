//! The real programs: built once by cargo, then run in a clean environment under a deadline.

use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use crate::{Output, Scratch, Site, Space, Tty, target_dir, wait_for_exit, workspace_root};

/// How the programs are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// `target/debug`, for tests.
    Dev,
    /// `target/release`, for measuring.
    Release,
}

/// Where the programs are that cargo has just built.
#[derive(Debug)]
pub struct Binaries {
    /// The controller.
    pub kickout: PathBuf,
    /// The agent as a program of its own: a copy of what the released controller carries, or as
    /// good as that in the controller for tests.
    pub agent: PathBuf,
    /// The bridge.
    pub bridge: PathBuf,
}

impl Binaries {
    /// For tests.
    pub fn dev() -> &'static Self {
        static BUILT: OnceLock<Binaries> = OnceLock::new();
        BUILT.get_or_init(|| Self::build(Profile::Dev))
    }

    /// For measuring.
    pub fn release() -> &'static Self {
        static BUILT: OnceLock<Binaries> = OnceLock::new();
        BUILT.get_or_init(|| Self::build(Profile::Release))
    }

    /// Asks cargo, which also says where the programs are: one that merely happens to lie in
    /// `target` may be of last week.
    fn build(profile: Profile) -> Self {
        let target = target_dir();
        let carried = || {
            let folder = format!("agent-build/{}-unknown-linux-gnu", std::env::consts::ARCH);
            target.join(folder).join("agent/kickout-agent")
        };
        if std::env::var_os("KICKOUT_TESTS_BUILT").is_some() {
            // `tests/run` has just done it, and with nextest every test is a process.
            let (dir, agent) = match profile {
                Profile::Dev => (target.join("debug"), target.join("debug/kickout-agent")),
                Profile::Release => (target.join("release"), carried()),
            };
            return Self {
                kickout: dir.join("kickout"),
                agent,
                bridge: dir.join("kickout-bridge"),
            };
        }
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .args(["build", "--bins", "--locked", "--target-dir"])
            .arg(&target)
            .arg("--message-format=json-render-diagnostics")
            .current_dir(workspace_root())
            .stdin(Stdio::null());
        match profile {
            // The whole workspace and its tests, so that features are the same as in their own
            // build and nothing is compiled twice.
            Profile::Dev => cargo.args(["--workspace", "--tests"]),
            // As `tests/bench` builds them.
            Profile::Release => cargo.args([
                "--release",
                "--package",
                "kickout",
                "--package",
                "kickout-bridge",
                "--package",
                "kickout-tests",
            ]),
        };
        let output = cargo.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "cargo could not build the programs:\n{said}"
        );
        let messages = String::from_utf8_lossy(&output.stdout);
        let built = |name: &str| {
            messages
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                .filter(|message| message["target"]["kind"][0] == "bin")
                .filter(|message| message["target"]["name"] == name)
                .filter(|message| message["profile"]["test"] == false)
                .find_map(|message| message["executable"].as_str().map(PathBuf::from))
                .unwrap_or_else(|| panic!("cargo built no program `{name}`"))
        };
        let agent = match profile {
            Profile::Dev => built("kickout-agent"),
            Profile::Release => carried(),
        };
        Self {
            kickout: built("kickout"),
            agent,
            bridge: built("kickout-bridge"),
        }
    }
}

/// A run of `kickout` to be: `Kickout::at(&site).args(["user", "session", "list", "admin"]).run()`.
#[derive(Debug)]
#[must_use]
pub struct Kickout {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    stdin: Option<Vec<u8>>,
    closed_stdout: bool,
    cwd: Option<PathBuf>,
    deadline: Duration,
    home: Scratch,
}

impl Kickout {
    /// In an empty directory, which is also the home.
    #[expect(clippy::new_without_default)]
    pub fn new() -> Self {
        Self::program(&Binaries::dev().kickout)
    }

    /// In a site's root, as an operator who went there.
    pub fn at(site: &Site) -> Self {
        Self::new().cwd(site.root())
    }

    /// Another program in the same clean environment.
    pub fn program(program: &Path) -> Self {
        Self {
            program: program.to_path_buf(),
            args: Vec::new(),
            env: Vec::new(),
            stdin: None,
            closed_stdout: false,
            cwd: None,
            deadline: Duration::from_secs(60),
            home: Scratch::new("home"),
        }
    }

    /// One more argument; any bytes.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// In a network of the test's own; said before any argument.
    pub fn within(mut self, space: &Space) -> Self {
        self.args = space.words().map(OsString::from).to_vec();
        self.args.push(self.program.into_os_string());
        self.program = "nsenter".into();
        self
    }

    /// More arguments.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// An environment variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// What it can read; nothing otherwise.
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = Some(bytes.as_ref().to_vec());
        self
    }

    /// Its stdout is a pipe whose other end has gone.
    pub fn closed_stdout(mut self) -> Self {
        self.closed_stdout = true;
        self
    }

    /// Where it starts.
    pub fn cwd(mut self, dir: impl AsRef<Path>) -> Self {
        self.cwd = Some(dir.as_ref().to_path_buf());
        self
    }

    /// A file in its home directory, such as `.wp-cli/config.yml`.
    pub fn home_file(self, name: &str, content: &str) -> Self {
        self.home.write(name, content);
        self
    }

    /// The same, with a mode.
    pub fn home_secret(self, name: &str, content: &str, mode: u32) -> Self {
        let path = self.home.write(name, content);
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        self
    }

    /// How long it may take; a minute otherwise.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Runs it to its end.
    #[must_use]
    pub fn run(self) -> Output {
        let mut command = self.command(Command::new(&self.program));
        let mut child = command
            .stdin(if self.stdin.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(if self.closed_stdout {
                // Closed before it starts: it could write something else in between.
                let (_, writer) = std::io::pipe().unwrap();
                Stdio::from(writer)
            } else {
                Stdio::piped()
            })
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("failed to start {command:?}: {error}"));
        let (input, stdout) = (child.stdin.take(), child.stdout.take());
        let mut stderr = child.stderr.take().unwrap();
        let (status, stdout, stderr) = std::thread::scope(|scope| {
            if let (Some(mut pipe), Some(bytes)) = (input, &self.stdin) {
                // It need not read all of it: a broken pipe is its own affair.
                scope.spawn(move || pipe.write_all(bytes));
            }
            let stdout = scope.spawn(|| stdout.map_or(Vec::new(), drained));
            let stderr = scope.spawn(|| {
                let mut bytes = Vec::new();
                stderr.read_to_end(&mut bytes).unwrap();
                bytes
            });
            let status = wait_for_exit(&mut child, self.deadline);
            (status, stdout.join().unwrap(), stderr.join().unwrap())
        });
        Output {
            command: self.described(),
            cwd: self.directory(),
            code: status.and_then(|status| status.code()),
            ended: status.map_or("killed at the deadline".to_owned(), |it| it.to_string()),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            stdout_bytes: stdout,
        }
    }

    /// Runs it on a terminal of so many columns, with all three streams on it.
    pub fn tty(self, columns: u16) -> Tty {
        // `setsid --ctty` makes the terminal on stdin the controlling one.
        let mut setsid = Command::new("setsid");
        setsid.args(["--ctty", "--wait", "--"]).arg(&self.program);
        let command = self.command(setsid);
        Tty::spawn(
            command,
            columns,
            self.deadline,
            self.described(),
            self.directory(),
            self.home,
        )
    }

    fn command(&self, mut command: Command) -> Command {
        command
            .args(&self.args)
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("HOME", self.home.path())
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.directory());
        command
    }

    fn directory(&self) -> PathBuf {
        self.cwd
            .clone()
            .unwrap_or_else(|| self.home.path().to_path_buf())
    }

    /// The command as one would type it.
    fn described(&self) -> String {
        let env = self.env.iter().map(|(name, value)| {
            format!(
                "{}={} ",
                name.to_string_lossy(),
                quoted(&value.to_string_lossy())
            )
        });
        let args = self
            .args
            .iter()
            .map(|arg| format!(" {}", quoted(&arg.to_string_lossy())));
        let program = self
            .program
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        format!(
            "{}{program}{}",
            env.collect::<String>(),
            args.collect::<String>()
        )
    }
}

/// Quotes a word for a POSIX shell, when it needs that.
pub fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "-_=./:,@%+".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn drained(mut pipe: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).unwrap();
    bytes
}
