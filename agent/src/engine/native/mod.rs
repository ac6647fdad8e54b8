//! The native engine: WordPress's own tables, read and written directly, no site code run.

mod dial;
pub mod dialect;
mod direct;
mod mysql;
mod mysql_error;
mod mysql_facts;
mod options;
pub mod serialize;
pub mod splice;
mod sql;
mod sqlite;
mod store;
mod stored;
mod survivors;
pub mod tokens;

pub(crate) use dial::tcp as dial_tcp;
pub use direct::Direct;
pub use mysql::MySql;
pub(in crate::engine) use mysql_error::numbered as mysql_numbered;
pub(crate) use sql::quoted;
pub use sql::{Arg, Columns, Sql};
pub(in crate::engine) use sql::{TRIES, pause};
pub use sqlite::Sqlite;
pub(in crate::engine) use sqlite::numbered as sqlite_numbered;
pub use store::Native;
pub(crate) use stored::array_keys;
pub(in crate::engine) use stored::highest;
pub use stored::{Options, Tables};
