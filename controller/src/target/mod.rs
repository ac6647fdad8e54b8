//! Where a request goes: connection strings, and the typed, validated target they become.
//!
//! Border: text in, values out. Nothing here opens a connection, reads a file or looks at the
//! environment; a transport that receives one of these values needs no checks of its own.

mod connection;
mod error;
mod field;
mod grammar;
mod http;
mod kind;

pub(crate) use error::shown;
pub use error::{Field, Flaw, TargetError};
pub use field::{Container, Hop, Host, Jump, KeyPath, Port, RemotePath, User};
pub use grammar::{Connection, Scheme, parse_connection};
pub use http::{HttpUrl, Pin};
pub use kind::{Contained, Ssh, Target, Vagrant};
