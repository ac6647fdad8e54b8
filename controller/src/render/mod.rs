//! From records and messages to text. Pure: bytes go to the writer that is passed in; no transport,
//! no clock and no environment is seen here.
//!
//! - [`Lines`]: the `Success:` / `Warning:` / `Error:` / `Debug:` lines
//! - [`Listing`]: rows of [`Record`]s in one of the [`Format`]s, streamed
//! - [`Terminal`]: what stdout is, and whether it gets colour and boxes
//! - [`escape`]: the only way that foreign text reaches a terminal

mod boxed;
mod browser;
mod csv;
pub mod escape;
mod fields;
mod format;
mod json;
mod lines;
mod listing;
mod proxy;
mod screen;
mod table;
mod terminal;
mod text;
mod yaml;
mod yaml_string;

pub use fields::{OfSite, Record, SITE_FIELD, fields_or_default, split_fields};
pub use format::{Format, InvalidFormat};
pub use lines::{DebugLines, Line, Lines, Stream};
pub use listing::Listing;
pub use proxy::proxy_lines;
pub use screen::{Screen, read_line};
pub use terminal::{ColorChoice, Surroundings, Terminal};
