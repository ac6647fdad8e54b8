//! The site on disk, read without running any of its code: where it is, what its configuration
//! says, and what stands between WordPress and its sessions.

mod db_host;
mod drop_ins;
mod environment;
mod eval;
mod evaluated;
mod literal;
mod locate;
mod outside;
mod php;
mod php_ini;
mod read;
mod server_names;
mod session_managers;
mod settings;
mod start;
mod web_environment;
mod wp_config;

pub use db_host::{DbHost, parse as parse_db_host};
pub use drop_ins::{DbDropIn, DropIns, ObjectCache, ObjectCacheKind, in_content as drop_ins};
pub use environment::Environment;
pub use evaluated::{CONSTANTS, Evaluated, VARIABLES};
pub use literal::{Literal, Setting, Source};
pub use locate::{LocateError, Root, at, config_file, upward};
pub use outside::Outside;
pub(crate) use outside::look as look_outside;
pub use php_ini::php_default_socket;
pub use read::ReadError;
pub use session_managers::{
    Finding, FindingKind, Known, active_roots, recall as known_code, search as session_managers,
};
pub use settings::{
    Database, Folders, MySql, Secret, Tables, database, folders, tables, unsettled,
};
pub use start::{Homes, directory as start_directory};
pub use web_environment::{web_account, web_environment};
pub use wp_config::{Config, ConfigError};
