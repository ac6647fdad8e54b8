//! Another client of the database that holds locks until the test says otherwise, and a look at
//! who has a file open.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use kickout_tests::{Database, Site};

/// A client with a transaction open; the locks go with the value.
pub(crate) struct Held {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Held {
    /// A client of a server, as root, in this database.
    pub(crate) fn on_server(database: &Database, sql: &str) -> Self {
        let mut client = Command::new("mariadb");
        client
            .args([
                "--no-defaults",
                "--user=root",
                "--batch",
                "--skip-column-names",
                "--unbuffered",
            ])
            .arg(format!("--socket={}", database.server.socket().display()))
            .arg(&database.name);
        Self::start(client, sql)
    }

    /// A client of a SQLite file, with the owner's rights.
    pub(crate) fn on_file(site: &Site, file: &Path, sql: &str) -> Self {
        let mut client = site.owner().command("sqlite3");
        client.args(["-batch", "-bail"]).arg(file);
        Self::start(client, sql)
    }

    fn start(mut client: Command, sql: &str) -> Self {
        let mut child = client
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let output = BufReader::new(output);
        let mut held = Self {
            child,
            input,
            output,
        };
        held.say(sql);
        held
    }

    /// Runs statements and waits until they are through.
    pub(crate) fn say(&mut self, sql: &str) {
        self.input
            .write_all(format!("{sql}\nSELECT 'through';\n").as_bytes())
            .unwrap();
        let mut line = String::new();
        while line.trim_end() != "through" {
            line.clear();
            let read = self.output.read_line(&mut line).unwrap();
            assert_ne!(read, 0, "the client ended in: {sql}");
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The processes that have a file open: id, user and first words.
pub(crate) fn users_of(file: &Path) -> Vec<(u32, u32, String)> {
    let wanted = std::fs::metadata(file).unwrap();
    let mut users = Vec::new();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = process.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let Ok(open) = std::fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        let is_it = |path: &Path| {
            std::fs::metadata(path)
                .is_ok_and(|it| (it.dev(), it.ino()) == (wanted.dev(), wanted.ino()))
        };
        if open.flatten().any(|entry| is_it(&entry.path())) {
            let words = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&words).replace('\0', " ");
            let uid = std::fs::metadata(process.path()).map_or(0, |facts| facts.uid());
            users.push((pid, uid, words));
        }
    }
    users
}
