//! What can be wrong with configuration and aliases, and how to mend it. All of it ends the run
//! before anything is contacted.

use std::path::PathBuf;

use super::setting::Origin;
use crate::target::{TargetError, shown};

/// A configuration that cannot be used, or a name that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InventoryError {
    /// A file is there, or was named, and cannot be read.
    #[error("Cannot read {}: {why}.", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: String,
    },
    /// A file is larger than any inventory.
    #[error("{} is larger than {limit} bytes.", file.display())]
    Large {
        /// The file.
        file: PathBuf,
        /// The most that is read.
        limit: u64,
    },
    /// A file is not UTF-8.
    #[error("{at}: not UTF-8 text.")]
    Encoding {
        /// The first bad line.
        at: Origin,
    },
    /// YAML that does not parse, or a duplicate key.
    #[error("{at}: {message}.")]
    Yaml {
        /// Where.
        at: Origin,
        /// What the parser says.
        message: String,
    },
    /// A file that is a list or a text.
    #[error("{at}: a configuration file must be a map of settings.")]
    NoMap {
        /// Where.
        at: Origin,
    },
    /// A key with a value of the wrong kind.
    #[error("{at}: '{}' must be {expected}.", shown(key))]
    Shape {
        /// Where.
        at: Origin,
        /// The key.
        key: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A key that nothing knows, and that is no command either.
    #[error("{at}: unknown setting '{}'.{}", shown(key), did_you_mean(near.as_deref()))]
    UnknownKey {
        /// Where.
        at: Origin,
        /// The key.
        key: String,
        /// The nearest known name.
        near: Option<String>,
    },
    /// An alias name outside the alphabet.
    #[error("{at}: '{}' is not a valid alias name.", shown(name))]
    AliasName {
        /// Where.
        at: Origin,
        /// The name.
        name: String,
    },
    /// The same alias as `@name` and under `aliases:` in one file.
    #[error("{at}: alias '@{name}' is there twice.")]
    AliasTwice {
        /// The second place.
        at: Origin,
        /// The name.
        name: String,
    },
    /// A key inside an alias that nothing knows.
    #[error("{at}: alias '@{alias}' has an unknown key '{}'.{}", shown(key), did_you_mean(near.as_deref()))]
    AliasKey {
        /// Where.
        at: Origin,
        /// The alias.
        alias: String,
        /// The key.
        key: String,
        /// The nearest known name.
        near: Option<String>,
    },
    /// An alias without any key, or a group without any member.
    #[error("{at}: alias '@{alias}' is empty.")]
    AliasEmpty {
        /// Where.
        at: Origin,
        /// The alias.
        alias: String,
    },
    /// `${env.NAME}` of a variable that is not set.
    #[error("{at}: the environment variable {variable} is not set.")]
    Unset {
        /// Where.
        at: Origin,
        /// The variable.
        variable: String,
    },
    /// A part of a target in a file is not allowed. WP-CLI's wording comes first.
    #[error("{flaw} ({at})")]
    Target {
        /// Where.
        at: Origin,
        /// What is wrong with it.
        flaw: TargetError,
    },
    /// A part of a target on the command line is not allowed.
    #[error(transparent)]
    CommandLine(#[from] TargetError),
    /// Two ways to reach one site.
    #[error("{} names both ssh and http.", place.as_ref().map_or_else(|| "The command line".to_owned(), ToString::to_string))]
    TwoConnections {
        /// Where the first of them stands, if in a file.
        place: Option<Origin>,
    },
    /// A key that only ssh understands, in an alias with another connection.
    #[error("{at}: '{key}' of alias '@{alias}' has no effect on {target}.")]
    NotSsh {
        /// Where.
        at: Origin,
        /// The alias.
        alias: String,
        /// The key.
        key: &'static str,
        /// The target in its canonical form.
        target: String,
    },
    /// A key that leads to a container, in an alias with another connection.
    #[error(
        "{at}: 'via' of alias '@{alias}' has no effect on {target}: it leads to running containers."
    )]
    NotContainer {
        /// Where.
        at: Origin,
        /// The alias.
        alias: String,
        /// The target in its canonical form.
        target: String,
    },
    /// A way to a container that is no ssh host.
    #[error("{at}: via goes over ssh, and {target} does not.")]
    Via {
        /// Where.
        at: Origin,
        /// The target in its canonical form.
        target: String,
    },
    /// `--sudo`, with another connection.
    #[error("--sudo has no effect on {target}: it needs an ssh connection.")]
    SudoNotSsh {
        /// The target in its canonical form.
        target: String,
    },
    /// `--ssh-args`, where nothing takes any.
    #[error("--ssh-args has no effect on {target}.")]
    ArgsNotHeard {
        /// The target in its canonical form.
        target: String,
    },
    /// An empty path. WP-CLI's wording.
    #[error("The --path parameter cannot be empty when provided.")]
    EmptyPath {
        /// The place in a file, if it is not the command line's.
        at: Option<Origin>,
    },
    /// A name that no file defines. WP-CLI's wording.
    #[error("Alias '{}' not found.{}", shown(name), near.as_deref().map_or_else(String::new, |near| format!("\nDid you mean '{near}'?")))]
    NotFound {
        /// The name.
        name: String,
        /// The nearest alias.
        near: Option<String>,
    },
    /// `@all` without any site. WP-CLI's wording.
    #[error("Cannot use 'all' when no aliases are registered.")]
    NoAliases,
    /// A group with members that no file defines. WP-CLI's wording.
    #[error("Group '@{group}' contains one or more invalid aliases: {}", members.join(", "))]
    Members {
        /// The group.
        group: String,
        /// The members, with `@`.
        members: Vec<String>,
        /// Where the group is defined.
        at: Origin,
    },
    /// A group that contains itself.
    #[error("{at}: group '@{group}' contains itself.")]
    Loop {
        /// Where.
        at: Origin,
        /// The group.
        group: String,
    },
}

impl InventoryError {
    /// What the operator can do about it.
    #[must_use]
    pub fn fix(&self) -> String {
        match self {
            Self::Read { .. } => "Make the file readable, or correct the path.".to_owned(),
            Self::Large { .. } => "Split the inventory into smaller files.".to_owned(),
            Self::Encoding { at } => format!("Save {} as UTF-8.", at.file.display()),
            Self::Yaml { at, .. } => format!("Correct the YAML near line {}.", at.line),
            Self::NoMap { .. } => "Write settings as `name: value`, one a line.".to_owned(),
            Self::Shape { key, expected, .. } if key == "ssh-args" => {
                format!("Make it {expected}, one argument a line:\n  ssh-args:\n    - -C")
            }
            Self::Shape { key, expected, .. } => {
                format!("Write {expected} after `{}:`.", shown(key))
            }
            Self::UnknownKey { near: Some(near), .. } => format!("Write `{near}:` instead."),
            Self::UnknownKey { near: None, .. } => {
                "Remove it; defaults of a command are a map below the command's name, settings of \
                 Kickout a map below `kickout:`."
                    .to_owned()
            }
            Self::AliasName { .. } => {
                "Use an @ followed by letters, digits, dots, dashes and underscores.".to_owned()
            }
            Self::AliasTwice { .. } => "Remove one of the two definitions.".to_owned(),
            Self::AliasKey { near: Some(near), .. } => format!("Write `{near}:` instead."),
            Self::AliasKey { near: None, .. } => {
                format!("Use one of {}.", super::alias::KEYS.join(", "))
            }
            Self::AliasEmpty { alias, .. } => {
                format!("Give @{alias} at least a path or an ssh connection, or remove it.")
            }
            Self::Unset { variable, .. } => format!("Set {variable}, or write the value itself."),
            Self::Target { flaw, .. } => flaw.fix(),
            Self::CommandLine(flaw) => flaw.fix(),
            Self::TwoConnections { .. } => "Keep one of them.".to_owned(),
            Self::NotSsh { key, .. } => {
                format!("Remove `{key}:`, or give the alias a connection that it is meant for.")
            }
            Self::SudoNotSsh { target } if target == "local" => {
                "Run kickout itself with sudo here, or name a host with --ssh.".to_owned()
            }
            Self::SudoNotSsh { .. } => {
                "Name the account in the connection, as in --ssh=docker:root@<container>.".to_owned()
            }
            Self::NotContainer { .. } => {
                "Remove `via:`, or give the alias a container: `ssh: docker:<container>`.".to_owned()
            }
            Self::Via { .. } => "Write via: [<user>@]<host>[:<port>].".to_owned(),
            Self::ArgsNotHeard { .. } => {
                "Leave --ssh-args out, or name an ssh host or a compose service with --ssh.".to_owned()
            }
            Self::EmptyPath { .. } => "Name the WordPress directory, or leave path out.".to_owned(),
            Self::NotFound { name, .. } => {
                let name = shown(name.trim_start_matches('@'));
                format!("Define `@{name}:` in wp-cli.yml, or use the name of a defined alias.")
            }
            Self::NoAliases => {
                "Define sites in wp-cli.yml, for example:\n  @site:\n    ssh: deploy@example.com\n    \
                 path: /var/www"
                    .to_owned()
            }
            Self::Members { members, at, .. } => {
                format!("Define {} or remove them from the group at {at}.", members.join(", "))
            }
            Self::Loop { group, .. } => format!("Remove a member that leads back to @{group}."),
        }
    }
}

/// The end of a one-line message.
fn did_you_mean(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!(" Did you mean '{near}'?"))
}
