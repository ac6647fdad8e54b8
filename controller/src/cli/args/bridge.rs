//! The words of `bridge install`, `status`, `upgrade` and `remove`, as clap definitions.

use clap::{Args, Subcommand};

use super::{BARE, FLAG, Globals};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Bridge {
    /// Places the bridge, its configuration and its unit; prints a token, once.
    Install(BridgeInstall),
    /// Shows what is installed, whether it runs, its sites and its tokens.
    Status(BridgeBare),
    /// Replaces the programs by those of this release. Configuration and tokens stay.
    Upgrade(BridgeBare),
    /// Stops the bridge and removes it. Configuration, tokens and audit stay. Asks first.
    Remove(BridgeRemove),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct BridgeInstall {
    /// The folder of a site on that host, with its address when --url is not given. May be repeated.
    #[arg(long, value_name = "path[=url]", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE, action = clap::ArgAction::Append)]
    pub(in crate::cli) site: Vec<String>,
    /// What tokens call the site. Defaults to the host of its address.
    #[arg(long, value_name = "name", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(in crate::cli) name: Option<String>,
    /// The account that agents run as. Defaults to the owner of the site's folder.
    #[arg(long, value_name = "account", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(in crate::cli) owner: Option<String>,
    /// What the token may do, instead of everything but agent.admin. May be repeated.
    #[arg(long, value_name = "scope", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE, action = clap::ArgAction::Append)]
    pub(in crate::cli) scope: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) bare: BridgeBare,
}

/// What each of them knows.
#[derive(Debug, Args)]
pub(in crate::cli) struct BridgeBare {
    /// Use this bridge file instead of the one kickout carries.
    #[arg(long, value_name = "file", num_args = 0..=1, require_equals = true,
        default_missing_value = BARE)]
    pub(in crate::cli) bridge: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) globals: Globals,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct BridgeRemove {
    /// Remove configuration, tokens, audit and account, too.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(in crate::cli) purge: Option<String>,
    /// Answer yes to the question asked before.
    #[arg(long, value_name = FLAG, num_args = 0..=1, require_equals = true,
        default_missing_value = "true")]
    pub(in crate::cli) yes: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) bare: BridgeBare,
}
