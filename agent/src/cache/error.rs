//! Why an object cache could not be cleared, or not be believed: each with its noun and its fix.

/// What the server says is quoted up to here, in characters.
const MAX_QUOTE: usize = 160;

/// What a server says of a login, and what is said of it here.
const LOGIN: [(&str, &str); 4] = [
    ("WRONGPASS", "wrong account or password"),
    ("invalid password", "wrong password"),
    ("no password", "it wants none"),
    ("without any password", "it wants none"),
];

/// Why nothing certain is known of the cache.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// No server there.
    #[error("the object cache at {at} cannot be reached: {why}")]
    Connect {
        /// Host and port, or socket path.
        at: String,
        /// What the system said.
        why: String,
    },
    /// Wrong credentials, or none.
    #[error("the object cache at {at} refused the login: {why}")]
    Login {
        /// Host and port, or socket path.
        at: String,
        /// What the server said.
        why: String,
    },
    /// The server does not do what it was asked.
    #[error("the object cache at {at} refused {command}: {why}")]
    Refused {
        /// Host and port, or socket path.
        at: String,
        /// The command's name.
        command: String,
        /// What the server said.
        why: String,
    },
    /// No answer in time.
    #[error("the object cache at {at} did not answer within {seconds} seconds")]
    Timeout {
        /// Host and port, or socket path.
        at: String,
        /// The limit.
        seconds: u64,
    },
    /// The link broke, or what came was no answer of Redis.
    #[error("the connection to the object cache at {at} broke: {why}")]
    Lost {
        /// Host and port, or socket path.
        at: String,
        /// What was wrong.
        why: String,
    },
    /// The server copies another one, and what is deleted here is not deleted there.
    #[error("the object cache at {at} is a replica of another server")]
    Replica {
        /// Host and port, or socket path.
        at: String,
    },
    /// One server of several, each with a part of the keys.
    #[error("the object cache at {at} is one server of a cluster")]
    Cluster {
        /// Host and port, or socket path.
        at: String,
    },
    /// Nothing of WordPress is in it.
    #[error("the object cache at {at} holds nothing of WordPress: the site may use another one")]
    Cold {
        /// Host, port and database.
        at: String,
    },
    /// Values in a form that is not read here.
    #[error("the object cache at {at} keeps {users} user(s) in a form Kickout does not read")]
    Unreadable {
        /// Host, port and database.
        at: String,
        /// How many.
        users: u64,
    },
    /// The cache lives inside the web server's own processes.
    #[error("the web server's memory cache ({name}) cannot be cleared from here")]
    InProcess {
        /// The product.
        name: &'static str,
    },
    /// Only WordPress itself knows how it is kept.
    #[error("the object cache ({name}) is none that can be cleared natively")]
    NotNatively {
        /// The product.
        name: &'static str,
    },
    /// What one process writes another does not read.
    #[error(
        "the object cache ({name}) is not connected here: what one process puts into it a second \
         one does not find"
    )]
    Disconnected {
        /// The product.
        name: &'static str,
    },
    /// WordPress does not answer for it.
    #[error("the object cache ({name}) cannot be asked: {why}")]
    WordPress {
        /// The product.
        name: &'static str,
        /// What went wrong.
        why: String,
    },
}

impl CacheError {
    /// A refusal in the server's own words, shortened.
    pub(super) fn refused(at: &str, command: &str, why: &str) -> Self {
        let at = at.to_owned();
        // A server may repeat what it was given, and that was a password.
        if command == "AUTH" {
            let why = LOGIN.iter().find(|(said, _)| why.contains(said));
            let why = why
                .map_or("it does not take AUTH", |(_, why)| why)
                .to_owned();
            return Self::Login { at, why };
        }
        let why = quote(why);
        match why.split(' ').next() {
            Some("NOAUTH") => Self::Login { at, why },
            _ => Self::Refused {
                at,
                command: command.to_owned(),
                why,
            },
        }
    }

    /// The command or setting that mends it.
    pub fn fix(&self) -> String {
        let otherwise = "or rotate the salts (wp config shuffle-salts)";
        match self {
            Self::Connect { .. } | Self::Timeout { .. } | Self::Lost { .. } => format!(
                "Check the cache's settings in wp-config.php and that the server runs, then run \
                 the command again; {otherwise}."
            ),
            Self::Login { .. } => format!(
                "Check WP_REDIS_PASSWORD (WP Redis: $redis_server['auth']) in wp-config.php, then \
                 run the command again; {otherwise}."
            ),
            Self::Refused { why, .. } if why.starts_with("NOPERM") => format!(
                "Allow the account SCAN, UNLINK or DEL, GETRANGE, HDEL, HGET and HSCAN on the \
                 site's keys (ACL SETUSER), then run the command again; {otherwise}."
            ),
            Self::Refused { .. } => format!(
                "Mend what the server says, then run the command again; or flush the cache (wp \
                 cache flush), {otherwise}."
            ),
            Self::Replica { .. } => format!(
                "Point the cache's settings at the primary server, then run the command again; \
                 {otherwise}."
            ),
            Self::Cluster { .. } => format!("Flush the cache (wp cache flush), {otherwise}."),
            Self::Cold { .. } => format!(
                "Open the site once and run the command again; if it stays so, the web server's \
                 settings differ from wp-config.php's: flush the cache from the site, {otherwise}."
            ),
            Self::Unreadable { .. } => format!(
                "Flush the cache (wp cache flush), {otherwise}, and list the sessions afterwards."
            ),
            Self::NotNatively { .. } => {
                format!("Leave --engine=native out, {otherwise}.")
            }
            Self::Disconnected { .. } => format!(
                "Give the command line's PHP what the web server's has (extensions, environment), \
                 then run the command again; {otherwise}."
            ),
            Self::WordPress { .. } => {
                format!("Mend what is named (--debug says more), {otherwise}.")
            }
            Self::InProcess { .. } => {
                format!("Reload PHP-FPM (systemctl reload php-fpm), {otherwise}.")
            }
        }
    }
}

/// Words of a server, on one line and not for ever.
pub(super) fn quote(words: &str) -> String {
    let line = words.lines().next().unwrap_or_default();
    line.chars().take(MAX_QUOTE).collect()
}
