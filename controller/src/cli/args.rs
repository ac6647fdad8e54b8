//! The words each command knows, as clap definitions: one source for parsing, help, completions
//! and prompts. These structs never leave `cli`; what is meant is built from them.

use clap::{Args, Parser, Subcommand};

pub(super) use bridge::{Bridge, BridgeBare, BridgeInstall, BridgeRemove};

mod bridge;

/// Stands for a value option that was typed without `=`.
pub(super) const BARE: &str = "\u{0}";

/// The value name that marks a flag: an option that is true, or false, and needs no `=`.
pub(super) const FLAG: &str = "flag";

/// The heading of the options that every command knows.
pub(super) const GLOBAL_HEADING: &str = "GLOBAL PARAMETERS";

/// Log everybody out of WordPress, on one site or ten thousand, and prove it.
#[derive(Debug, Parser)]
#[command(
    name = "kickout",
    version,
    disable_help_flag = true,
    disable_version_flag = true,
    disable_help_subcommand = true,
    args_override_self = true
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Lists users, and lists or destroys their sessions.
    #[command(subcommand)]
    User(User),
    /// Says what Kickout finds: root, configuration, database, drop-ins, engine and why.
    Doctor(Bare),
    /// Shows and removes the agents that lie on other hosts.
    #[command(subcommand)]
    Agent(Agent),
    /// Installs the bridge on a host, for operators without a shell there.
    #[command(subcommand)]
    Bridge(Bridge),
    /// Shows the settings of Kickout's own.
    #[command(subcommand)]
    Config(Config),
    /// Prints a completion script for a shell.
    Completions(Completions),
    /// Shows the manual of a command.
    Help(Help),
}

#[derive(Debug, Subcommand)]
pub(super) enum User {
    /// Lists users.
    List(UserList),
    /// Lists or destroys sessions.
    #[command(subcommand)]
    Session(Session),
}

#[derive(Debug, Subcommand)]
pub(super) enum Session {
    /// Destroys a session, or all of them, for users.
    Destroy(SessionDestroy),
    /// Lists the sessions of users.
    List(SessionList),
}

#[derive(Debug, Subcommand)]
pub(super) enum Agent {
    /// Shows where agents lie.
    Where(Bare),
    /// Removes them. The next command brings one again.
    Remove(Bare),
}

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Shows every setting, and with --origin where its value came from.
    Show(ConfigShow),
}

#[derive(Debug, Args)]
pub(super) struct SessionDestroy {
    /// User ID, user email, or user login. With --all, several.
    #[arg(value_name = "user")]
    pub(super) users: Vec<String>,
    /// Destroy all of the user's sessions.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(super) all: Option<String>,
    /// Destroy every session of every user. Asks first.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(super) all_users: Option<String>,
    #[command(flatten)]
    pub(super) select: Select,
    /// Count exactly what would be destroyed; change nothing.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(super) dry_run: Option<String>,
    /// Look again after so many seconds, for logins that were in flight: 2 for several users, 0 for
    /// one, unless given.
    #[arg(long, value_name = "seconds", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) settle: Option<String>,
    /// Answer yes to the question asked before many users are logged out.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(super) yes: Option<String>,
    #[command(flatten)]
    pub(super) globals: Globals,
}

#[derive(Debug, Args)]
pub(super) struct SessionList {
    /// User ID, user email, or user login. May be repeated.
    #[arg(value_name = "user")]
    pub(super) users: Vec<String>,
    /// List the sessions of every user.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(super) all_users: Option<String>,
    #[command(flatten)]
    pub(super) select: Select,
    #[command(flatten)]
    pub(super) shape: Shape,
    #[command(flatten)]
    pub(super) globals: Globals,
}

#[derive(Debug, Args)]
pub(super) struct UserList {
    /// Only users with this role. May be repeated.
    #[arg(long, value_name = "role", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE, action = clap::ArgAction::Append)]
    pub(super) role: Vec<String>,
    #[command(flatten)]
    pub(super) shape: Shape,
    #[command(flatten)]
    pub(super) globals: Globals,
}

/// A command without parameters of its own.
#[derive(Debug, Args)]
pub(super) struct Bare {
    #[command(flatten)]
    pub(super) globals: Globals,
}

#[derive(Debug, Args)]
pub(super) struct ConfigShow {
    /// Say where each value came from.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(super) origin: Option<String>,
    #[command(flatten)]
    pub(super) globals: Globals,
}

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// bash, zsh or fish.
    #[arg(value_name = "shell")]
    pub(super) shell: Vec<String>,
    #[command(flatten)]
    pub(super) globals: Globals,
}

#[derive(Debug, Args)]
pub(super) struct Help {
    /// The command's words.
    #[arg(value_name = "command")]
    pub(super) words: Vec<String>,
    #[command(flatten)]
    pub(super) globals: Globals,
}

/// Which users, when not by name.
#[derive(Debug, Args)]
pub(super) struct Select {
    /// Only users with this role on the addressed site. May be repeated.
    #[arg(long, value_name = "role", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE, action = clap::ArgAction::Append)]
    pub(super) role: Vec<String>,
    /// All but this user. May be repeated.
    #[arg(long, value_name = "user", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE, action = clap::ArgAction::Append)]
    pub(super) except: Vec<String>,
}

/// How a listing looks.
#[derive(Debug, Args)]
pub(super) struct Shape {
    /// Print the value of a single field for each row.
    #[arg(long, value_name = "field", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) field: Option<String>,
    /// Limit the output to specific fields.
    #[arg(long, value_name = "fields", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) fields: Option<String>,
    /// Render output in a particular format: table, csv, json, yaml, count, ids or jsonl.
    #[arg(long, value_name = "format", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) format: Option<String>,
    /// The same as --format=json.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true",
        hide = true)]
    pub(super) json: Option<String>,
}

/// How far a destroy is to be proved.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = GLOBAL_HEADING)]
pub(super) struct Verify {
    /// What a destroy is to end with: none (unconfirmed is good enough), store (rows and caches read
    /// again) or web (a cookie that the site's web server took before is refused after). Defaults to
    /// store.
    #[arg(long, value_name = "none|store|web", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) verify: Option<String>,
    /// The account whose cookie --verify=web asks with. Defaults to the least privileged one that
    /// can open its profile page.
    #[arg(long, value_name = "user", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) verify_user: Option<String>,
    /// Where --verify=web reaches the site, when that is not --url.
    #[arg(long, value_name = "url", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) verify_url: Option<String>,
    /// The address of a web server that --verify=web asks, whatever the site's name leads to. May be
    /// repeated.
    #[arg(long, value_name = "ip[:port]", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE, action = clap::ArgAction::Append)]
    pub(super) head: Vec<String>,
}

/// WP-CLI's global parameters, and few of our own.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = GLOBAL_HEADING)]
pub(super) struct Globals {
    /// Path to the WordPress files.
    #[arg(long, value_name = "path", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) path: Option<String>,
    /// Pretend request came from given URL. In multisite, this argument is how the target site is
    /// specified.
    #[arg(long, value_name = "url", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) url: Option<String>,
    /// The old name of --url.
    #[arg(long, value_name = "url", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE, hide = true)]
    pub(super) blog: Option<String>,
    /// Perform operation against a remote server over SSH, or a container using scheme of "docker",
    /// "docker-compose", "docker-compose-run", "vagrant".
    #[arg(long, value_name = "[scheme:][user@]host|container[:port][path]", num_args = 0..=1,
        require_equals = true, default_missing_value = BARE)]
    pub(super) ssh: Option<String>,
    /// Passes additional arguments to the connection. May be repeated.
    #[arg(long, value_name = "arguments", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE, action = clap::ArgAction::Append)]
    pub(super) ssh_args: Vec<String>,
    /// Become this user on the host of an ssh connection; without a name, root.
    #[arg(long, value_name = "user", num_args = 0..=1, require_equals = true,
        default_missing_value = "root")]
    pub(super) sudo: Option<String>,
    /// Reach containers through this host: a connection string for SSH.
    #[arg(long, value_name = "[user@]host[:port]", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) via: Option<String>,
    /// Remember the key of an SSH host that is met for the first time. A changed key is refused.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(super) accept_new_host_keys: Option<String>,
    /// How many hosts of a group are worked on at once, from 1 to 1024. Defaults to 32.
    #[arg(long, value_name = "n", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) parallel: Option<String>,
    /// Perform operation against a remote WordPress over HTTPS.
    #[arg(long, value_name = "http", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) http: Option<String>,
    /// A file with the token for the bridge, mode 0600. Without it: KICKOUT_TOKEN, then the file of
    /// the bridge's host in ~/.config/kickout/tokens, then a question.
    #[arg(long, value_name = "file", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) http_token_file: Option<String>,
    /// Know the bridge by its public key instead of its authority. May be repeated.
    #[arg(long, value_name = "sha256:hash", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE, action = clap::ArgAction::Append)]
    pub(super) http_pin: Vec<String>,
    /// Trust the authorities in this file, instead of those of the system.
    #[arg(long, value_name = "file", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) http_ca: Option<String>,
    /// Show this certificate to a bridge that asks for one; the file holds its key, too, mode 0600.
    #[arg(long, value_name = "file", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) http_cert: Option<String>,
    /// Reach bridges through this proxy. Those that the environment names are not used.
    #[arg(long, value_name = "host[:port]", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) http_proxy: Option<String>,
    /// Use a named alias of wp-cli.yml.
    #[arg(long, value_name = "name", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) alias: Option<String>,
    /// Act as this WordPress user. Never whose sessions are meant.
    #[arg(long, value_name = "id|login|email", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) user: Option<String>,
    /// Skip loading all plugins, or a comma-separated list of plugins.
    #[arg(long, value_name = "plugins", num_args = 0..=1, require_equals = true,
        default_missing_value = "")]
    pub(super) skip_plugins: Option<String>,
    /// Skip loading all themes, or a comma-separated list of themes.
    #[arg(long, value_name = "themes", num_args = 0..=1, require_equals = true,
        default_missing_value = "")]
    pub(super) skip_themes: Option<String>,
    /// Skip loading all installed packages.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(super) skip_packages: Option<String>,
    /// Load a PHP file on the WordPress host before running the command. May be repeated.
    #[arg(long, value_name = "path", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE, action = clap::ArgAction::Append)]
    pub(super) require: Vec<String>,
    /// Which engine works on the site: auto, native (the database alone; none of the site's code
    /// runs) or php (WordPress itself). Defaults to auto.
    #[arg(long, value_name = "engine", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) engine: Option<String>,
    /// Run the site's PHP as this account of its host, where root cannot tell which.
    #[arg(long, value_name = "account", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) php_user: Option<String>,
    /// Take `unconfirmed` for done: exit 0, and --engine=native goes on where it cannot be certain.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(super) unconfirmed_ok: Option<String>,
    #[command(flatten)]
    pub(super) verify: Verify,
    /// Whether to colorize the output.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(super) color: Option<String>,
    /// Show debugging information; with a group, only that group's.
    #[arg(long, value_name = "group", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) debug: Option<String>,
    /// Ask for all command parameters, or only for the named ones.
    #[arg(long, value_name = "parameters", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) prompt: Option<String>,
    /// Suppress informational messages.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(super) quiet: Option<String>,
    /// Use this agent file instead of the one kickout carries.
    #[arg(long, value_name = "file", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(super) agent: Option<String>,
    /// Accepted for scripts written for WP-CLI: Kickout runs none of the site's code as root.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true",
        hide = true)]
    pub(super) allow_root: Option<String>,
    /// Show the manual of the command.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true",
        hide = true)]
    pub(super) help: Option<String>,
    /// Show the version.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true",
        hide = true)]
    pub(super) version: Option<String>,
}
