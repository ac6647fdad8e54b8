//! Which sites there are: the layers of `wp-cli.yml`, the aliases in them, and what one run of the
//! program addresses.
//!
//! Border: `load` is the only file that reads the file system, and the environment is a value
//! given by the caller; everything else is a function from text to values.

mod alias;
mod bare_at;
mod error;
mod groups;
mod load;
mod resolve;
mod setting;
mod settings;
mod sites;
mod yaml;

pub use alias::{Alias, Members};
pub use error::InventoryError;
pub use load::{Layer, Surroundings, load_layers};
pub use setting::{Origin, Setting};
pub use settings::{Globals, Place, Settings};
pub use sites::{Inventory, Overrides, Resolved, Selection};
