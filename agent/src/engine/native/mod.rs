//! The native engine: WordPress's own tables, read and written directly, no site code run.

mod dial;
mod mysql;
mod mysql_error;
pub mod serialize;
pub mod splice;
mod sql;
mod sqlite;
mod store;
mod stored;
pub mod tokens;

pub use mysql::MySql;
pub(crate) use sql::quoted;
pub use sql::{Arg, Columns, Sql};
pub use sqlite::Sqlite;
pub use store::Native;
pub(crate) use stored::array_keys;
pub use stored::{Options, Tables};
