//! A real MariaDB server in a directory of its own, and databases in it. Asked through the
//! `mariadb` client, which shares no code with what is being tested.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::cache::{cached, copy_tree, debian_package};
use crate::scratch::{run, shell, text};
use crate::{Guarded, Owner, Scratch, until, wordpress};

/// The password of every account the harness makes: awkward to quote, and never to be printed.
pub(crate) const SECRET: &str = r#"s3cr'et "$x\n%"#;

/// Small, forgetful and quick: nothing here outlives the test.
const OPTIONS: [&str; 14] = [
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--max-allowed-packet=64M",
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=8M",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-doublewrite=0",
    "--innodb-flush-method=nosync",
    "--innodb-buffer-pool-load-at-startup=0",
    "--innodb-buffer-pool-dump-at-shutdown=0",
    "--sync-frm=0",
    "--aria-pagecache-buffer-size=1M",
    "--aria-log-file-size=8M",
];

/// A running server; the last handle to it ends it. A MySQL is asked the same way (`MySql`).
#[derive(Debug, Clone)]
pub struct MariaDb(Arc<Server>);

#[derive(Debug)]
struct Server {
    process: Guarded,
    port: u16,
}

impl MariaDb {
    /// The one server of this test process, for everything that needs no options of its own.
    pub fn shared() -> Self {
        static SHARED: OnceLock<MariaDb> = OnceLock::new();
        SHARED.get_or_init(Self::start).clone()
    }

    /// A server of its own.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A server of its own with further options, such as `--read-only=1`.
    pub fn with(options: &[&str]) -> Self {
        let scratch = Scratch::new("mariadb");
        copy_tree(&template(), &scratch.join("data"));
        Self::serve(scratch, options)
    }

    /// A server of its own that knows accounts `VIA ed25519 USING PASSWORD('…')`.
    pub fn with_ed25519() -> Self {
        let plugin = "usr/lib/mysql/plugin/auth_ed25519.so";
        let installed = Path::new("/").join(plugin);
        // The core package of the server leaves it out.
        let packaged = || debian_package("mariadb-server").0.join(plugin);
        let library = if installed.exists() {
            installed
        } else {
            packaged()
        };
        // Where the server's account may read it, whoever owns the target directory.
        let plugins = Scratch::new("plugins");
        fs::copy(library, plugins.join("auth_ed25519.so")).unwrap();
        let dir = format!("--plugin-dir={}", text(plugins.path()));
        Self::with(&[&dir, "--plugin-load-add=auth_ed25519"])
    }

    /// Another server on the data of this one, which is stopped in good order; the handles to it
    /// lead nowhere from then on.
    pub fn again(&self, options: &[&str]) -> Self {
        self.sql("SHUTDOWN");
        let stat = format!("/proc/{}/stat", self.pid());
        let ended = || fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") Z "));
        until("the server stops", Duration::from_secs(60), || {
            ended().then_some(())
        });
        let scratch = Scratch::new("mariadb");
        copy_tree(&self.0.process.dir().join("data"), &scratch.join("data"));
        Self::serve(scratch, options)
    }

    /// Serves the data directory that lies prepared in `scratch`.
    fn serve(scratch: Scratch, options: &[&str]) -> Self {
        let owner = Owner::database();
        owner.give(scratch.path());
        owner.give_tree(&scratch.join("data"));
        let port = free_port();
        let mut server = owner.command(program("mariadbd"));
        server
            .arg("--no-defaults")
            .arg(format!("--datadir={}", text(&scratch.join("data"))))
            .arg(format!("--socket={}", text(&scratch.join("socket"))))
            .arg(format!("--pid-file={}", text(&scratch.join("pid"))))
            .arg(format!("--log-error={}", text(&scratch.join("error.log"))))
            .arg(format!("--tmpdir={}", text(scratch.path())))
            .arg(format!("--port={port}"))
            .args(OPTIONS)
            .args(options)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self::greeted(Guarded::spawn(server, scratch), port)
    }

    /// Waits until a server speaks, whose directory holds its `socket` and its `error.log`.
    pub(crate) fn greeted(mut process: Guarded, port: u16) -> Self {
        let minute = Duration::from_secs(60);
        process.until(
            "the server greets on its socket",
            minute,
            "error.log",
            |dir| greets(&dir.join("socket")),
        );
        Self(Arc::new(Server { process, port }))
    }

    /// Its unix socket.
    pub fn socket(&self) -> PathBuf {
        self.0.process.dir().join("socket")
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.process.pid()
    }

    /// Runs statements as root; gives the rows of all of them. Panics on an error.
    pub fn sql(&self, sql: impl AsRef<[u8]>) -> Vec<Vec<String>> {
        self.try_sql(sql).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same, giving the client's message on an error. `NULL` comes back as that word: ask for
    /// bytes with `HEX()`.
    pub fn try_sql(&self, sql: impl AsRef<[u8]>) -> Result<Vec<Vec<String>>, String> {
        let sql = sql.as_ref();
        let mut client = Command::new(program("mariadb"))
            .arg("--no-defaults")
            .arg(format!("--socket={}", text(&self.socket())))
            .args([
                "--user=root",
                "--batch",
                "--skip-column-names",
                "--binary-mode",
            ])
            .args(["--default-character-set=utf8mb4", "--max-allowed-packet=1G"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = client.stdin.take().unwrap();
        let output = std::thread::scope(|scope| {
            // The client may answer before it has read everything.
            scope.spawn(move || input.write_all(sql));
            client.wait_with_output().unwrap()
        });
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let rows = String::from_utf8(output.stdout).unwrap();
        Ok(rows
            .lines()
            .map(|row| row.split('\t').map(unescaped).collect())
            .collect())
    }

    /// A new, empty database with an account of its own (the server's usual kind of password, from
    /// anywhere).
    pub fn database(&self) -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("site_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let secret = SECRET.replace('\\', r"\\").replace('\'', "''");
        self.sql(format!(
            "CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
             CREATE USER {name}@'%' IDENTIFIED BY '{secret}';
             GRANT ALL ON {name}.* TO {name}@'%';"
        ));
        Database {
            user: name.clone(),
            name,
            password: SECRET.to_owned(),
            server: self.clone(),
        }
    }

    /// Stops the server in good order and copies what it leaves behind.
    pub(crate) fn stop_into(self, dir: &Path) {
        let mut server = Arc::into_inner(self.0).expect("the last handle");
        server.process.stop();
        for entry in fs::read_dir(server.process.dir().join("data")).unwrap() {
            copy_tree(&entry.unwrap().path(), dir);
        }
    }
}

/// One database and the account that may use it.
#[derive(Debug, Clone)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// The account; it may do everything in this database and nothing elsewhere.
    pub user: String,
    /// The account's password.
    pub password: String,
    /// Where it lies.
    pub server: MariaDb,
}

impl Database {
    /// Runs statements in this database, as root.
    pub fn sql(&self, sql: impl AsRef<str>) -> Vec<Vec<String>> {
        self.server
            .sql(format!("USE {};\n{}", self.name, sql.as_ref()))
    }

    /// Gives the account another way to prove itself, such as `VIA unix_socket`.
    pub fn identified(&self, how: &str) {
        self.server
            .sql(format!("ALTER USER {}@'%' IDENTIFIED {how}", self.user));
    }

    /// The `DB_HOST` that reaches it through the socket.
    pub fn by_socket(&self) -> String {
        format!("localhost:{}", text(&self.server.socket()))
    }

    /// The `DB_HOST` that reaches it over TCP.
    pub fn by_port(&self) -> String {
        format!("127.0.0.1:{}", self.server.port())
    }
}

/// A data directory that holds a freshly installed WordPress in the database `template`.
pub(crate) fn template() -> PathBuf {
    static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
    TEMPLATE
        .get_or_init(|| {
            let version = shell(&text(&program("mariadbd")), &["--version"]);
            let version = version.split_whitespace().nth(2).unwrap().to_owned();
            cached(
                &format!("template-{version}-{}", wordpress::template_name()),
                make_template,
            )
        })
        .clone()
}

fn make_template(dir: &Path) {
    let scratch = Scratch::new("template");
    let owner = Owner::database();
    owner.give(scratch.path());
    let mut install = owner.command(program("mariadb-install-db"));
    install
        .arg("--no-defaults")
        .arg(format!("--datadir={}", text(&scratch.join("data"))))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
        .args(
            OPTIONS
                .iter()
                .filter(|option| option.contains("innodb-") || option.contains("aria")),
        );
    run(&mut install);
    let server = MariaDb::serve(scratch, &[]);
    // Anonymous accounts would win over the harness's own for connections through the socket.
    server.sql("DELETE FROM mysql.global_priv WHERE User = ''; FLUSH PRIVILEGES;");
    wordpress::install_template(&server);
    server.stop_into(dir);
}

/// Whether a server sends its greeting: then it answers statements too.
fn greets(socket: &Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket) else {
        return false;
    };
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    stream.read_exact(&mut [0; 5]).is_ok()
}

/// A port that was free a moment ago. Nobody else on loopback takes it before the server does,
/// unless by bad luck: the kernel hands out ephemeral ports round robin.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Where a program of MariaDB lies; `/usr/sbin` is not on everybody's path.
fn program(name: &str) -> PathBuf {
    let sbin = Path::new("/usr/sbin").join(name);
    if sbin.exists() {
        sbin
    } else {
        PathBuf::from(name)
    }
}

/// Undoes the client's batch escapes.
fn unescaped(cell: &str) -> String {
    let mut plain = String::with_capacity(cell.len());
    let mut chars = cell.chars();
    while let Some(char) = chars.next() {
        if char != '\\' {
            plain.push(char);
            continue;
        }
        plain.push(match chars.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('0') => '\0',
            Some(other) => other,
            None => '\\',
        });
    }
    plain
}
