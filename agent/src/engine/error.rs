//! Why an engine could not answer: each error carries its noun and its fix, never a secret.

use kickout_shared::event::{Level, Line};

/// Why stored data could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// No server there.
    #[error("cannot reach the database at {at}: {why}")]
    Connect {
        /// Host and port, or socket path.
        at: String,
        /// What the system said.
        why: String,
    },
    /// The host name means nothing here.
    #[error("cannot resolve the database host '{host}': {why}")]
    Resolve {
        /// `DB_HOST`
        host: String,
        /// What the resolver said.
        why: String,
    },
    /// Wrong credentials.
    #[error("the database at {at} refused the user '{user}'")]
    Login {
        /// Host and port, or socket path.
        at: String,
        /// `DB_USER`
        user: String,
        /// The server may only not have seen the password yet, and cannot be shown it here.
        unseen: bool,
    },
    /// The account uses a way to log in that this agent does not speak.
    #[error("the database account '{user}' logs in with {plugin}, which Kickout does not speak")]
    AuthPlugin {
        /// `DB_USER`
        user: String,
        /// The server's name for it.
        plugin: String,
    },
    /// The server wants to hand out its public key over a connection anybody could sit on.
    #[error(
        "the database at {at} asks for an unencrypted password exchange (caching_sha2_password \
         without TLS)"
    )]
    KeyExchange {
        /// Host and port.
        at: String,
    },
    /// No such database.
    #[error("the database '{name}' does not exist, or '{user}' may not use it")]
    NoDatabase {
        /// `DB_NAME`
        name: String,
        /// `DB_USER`
        user: String,
    },
    /// No tables under the configured names.
    #[error("the table {table} does not exist{}", found_prefixes(.found))]
    NoTable {
        /// The table that was looked for.
        table: String,
        /// Prefixes under which a usermeta table was found; `None` when nobody looked.
        found: Option<Vec<String>>,
    },
    /// The SQLite file is not there, or not readable.
    #[error("cannot open the SQLite database {path}: {why}")]
    File {
        /// Where.
        path: String,
        /// What SQLite said.
        why: String,
    },
    /// The server takes no writes.
    #[error("the database is read-only: {why}")]
    ReadOnly {
        /// What the server said.
        why: String,
        /// What mends it, where more is known than that.
        fix: Option<&'static str>,
    },
    /// Somebody holds the rows.
    #[error("the rows are locked by somebody else: {why}")]
    Locked {
        /// What the server said.
        why: String,
    },
    /// The account may not do it.
    #[error("the database user may not do this: {why}")]
    Denied {
        /// What the server said.
        why: String,
    },
    /// Nobody answered in time.
    #[error("the database did not answer {what} within {seconds} seconds")]
    Timeout {
        /// What was asked.
        what: &'static str,
        /// The limit.
        seconds: u64,
        /// Whether it may have written.
        wrote: bool,
    },
    /// The link broke inside a statement.
    #[error("the connection to the database broke: {why}")]
    Lost {
        /// What the system said.
        why: String,
        /// Whether it may have written.
        wrote: bool,
    },
    /// A row kept changing under us.
    #[error("the sessions of {who} kept changing while they were being destroyed")]
    Contended {
        /// Whose: `user 7`, or `some users`.
        who: String,
    },
    /// The value cannot be edited byte-exactly.
    #[error("the session data of user {user} cannot be edited byte-exactly: {why}")]
    Uneditable {
        /// Whose.
        user: u64,
        /// What stands in the way.
        why: String,
    },
    /// The site's PHP could not be started.
    #[error("cannot start PHP: {0}")]
    NoWorker(String),
    /// WordPress gave no hello.
    #[error("WordPress did not load: {0}")]
    NotLoaded(String),
    /// `--require` names no file.
    #[error("Required file '{0}' doesn't exist.")]
    NoRequired(String),
    /// The site's PHP gave no answer, or none of ours.
    #[error("the site's PHP gave no answer: {why}")]
    Php {
        /// What it said instead.
        why: String,
        /// Whether it may have written.
        wrote: bool,
    },
    /// The site's code failed while it was asked.
    #[error("the site's code failed: {0}")]
    SiteCode(String),
    /// Something answers for sessions that were said to be destroyed.
    #[error("{who} still answers for {left} destroyed session(s) of user {user}")]
    Remain {
        /// Whose.
        user: u64,
        /// How many.
        left: u64,
        /// Who.
        who: String,
    },
    /// Something answers for sessions that are in no row.
    #[error("{who} answers for {beside} session(s) of user {user} that no row holds")]
    Beside {
        /// Whose.
        user: u64,
        /// How many.
        beside: u64,
        /// Who.
        who: String,
    },
    /// More was ended than a fresh process was asked for.
    #[error("whether {rows} rows of sessions are gone was not asked a second time")]
    Unasked {
        /// How many.
        rows: u64,
    },
    /// Anything else the server said.
    #[error("the database said: {0}")]
    Other(String),
}

fn found_prefixes(found: &Option<Vec<String>>) -> String {
    match found.as_deref() {
        None => String::new(),
        Some([]) => "; this database holds no WordPress tables".to_owned(),
        Some([one]) => format!("; found tables with the prefix {one}"),
        Some(many) => format!("; found tables with the prefixes {}", many.join(", ")),
    }
}

impl EngineError {
    /// Whether something may have been written although no answer came.
    pub fn unknown(&self) -> bool {
        matches!(
            self,
            Self::Timeout { wrote: true, .. }
                | Self::Lost { wrote: true, .. }
                | Self::Php { wrote: true, .. }
        )
    }

    /// Whether sessions are known to live on that were to be destroyed.
    pub fn alive(&self) -> bool {
        matches!(self, Self::Remain { .. } | Self::Beside { .. })
    }

    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        match self {
            Self::Connect { .. } => {
                "Check DB_HOST in wp-config.php and that the server runs. If the site lives in a \
                 container, run kickout inside it."
                    .to_owned()
            }
            Self::Resolve { host, .. } => format!(
                "Only the site's own host or container may know '{host}': run Kickout there, for \
                 example inside the web container."
            ),
            Self::Login { unseen, .. } => {
                let check = "Check DB_USER and DB_PASSWORD in wp-config.php; the password is never \
                             shown here.";
                let unseen_too = " If they are right: this server offers no TLS and has not seen \
                                  the password since it started. Turn on TLS, or open the site \
                                  once and run the command again.";
                format!("{check}{}", if *unseen { unseen_too } else { "" })
            }
            Self::AuthPlugin { .. } => {
                "Give the account mysql_native_password, caching_sha2_password or unix_socket."
                    .to_owned()
            }
            Self::KeyExchange { .. } => {
                "Turn on TLS on the database server, or open the site once and run the command \
                 again: a server that has seen the password needs no exchange."
                    .to_owned()
            }
            Self::NoDatabase { .. } => "Check DB_NAME in wp-config.php.".to_owned(),
            // A stack that has just been started has none.
            Self::NoTable {
                found: Some(found), ..
            } if found.is_empty() => {
                "Install WordPress there first (open the site in a browser), or check DB_NAME in \
                 wp-config.php."
                    .to_owned()
            }
            Self::NoTable { .. } => {
                "Check $table_prefix and CUSTOM_USER_META_TABLE in wp-config.php.".to_owned()
            }
            Self::File { path, .. } => {
                format!("Check that {path} exists and that this user may read and write it.")
            }
            Self::ReadOnly { fix, .. } => fix
                .unwrap_or("Point DB_HOST at the primary server.")
                .to_owned(),
            Self::Locked { .. } => {
                "Run the command again; if it stays so, look for a long transaction (SHOW \
                 PROCESSLIST)."
                    .to_owned()
            }
            Self::Denied { .. } => {
                "Grant the user SELECT, UPDATE and DELETE on WordPress's tables.".to_owned()
            }
            Self::Timeout { .. } => "Look at the database server's load and log.".to_owned(),
            Self::Lost { .. } => {
                "Run the command again: it only ends what existed when this run began.".to_owned()
            }
            Self::Contended { .. } => {
                "Something writes sessions for this user all the time; find it, then run the \
                 command again."
                    .to_owned()
            }
            Self::Uneditable { .. } => {
                "Destroy all of the user's sessions instead (--all): that needs no editing."
                    .to_owned()
            }
            Self::NoWorker(_) => {
                "Install PHP's command line program for this site (php-cli), or use \
                 --engine=native."
                    .to_owned()
            }
            Self::NotLoaded(_) => {
                "Open the site in a browser and mend what it shows; --debug prints what PHP said."
                    .to_owned()
            }
            Self::NoRequired(_) => {
                "--require names a file on the WordPress host; give its whole path.".to_owned()
            }
            Self::Php { .. } => {
                "List the sessions before you trust anything of this site; --debug prints what PHP \
                 said."
                    .to_owned()
            }
            Self::SiteCode(_) => {
                "Mend the code that is named, or leave it out (--skip-plugins=<name>).".to_owned()
            }
            Self::Remain { .. } | Self::Beside { .. } => {
                "Rotate the salts to log everybody out (wp config shuffle-salts), and ask who made \
                 that code."
                    .to_owned()
            }
            Self::Unasked { .. } => "Run the command again: it ends what is left.".to_owned(),
            Self::Other(_) => "Look the message up in the server's manual.".to_owned(),
        }
    }

    /// The error as the last line of a run.
    pub fn line(&self) -> Line {
        Line {
            level: Level::Error,
            text: self.to_string(),
            fix: Some(self.fix()),
        }
    }
}
