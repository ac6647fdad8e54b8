//! The harness: real servers, a real WordPress and the real binaries as values that die with the
//! test. It knows how to start, ask and stop them; what is expected of them is said in `it/`.

mod cache;
mod config;
mod guard;
mod kickout;
mod mariadb;
mod mysql;
mod need;
mod output;
mod php;
mod scratch;
mod site;
mod sqlite_site;
mod suite;
mod tls;
mod tty;
mod wait;
mod wordpress;

pub use cache::{cached, debian_package, npm_package, target_dir, workspace_root};
pub use config::Config;
pub use guard::Guarded;
pub use kickout::{Binaries, Kickout, Profile, quoted};
pub use mariadb::{Database, MariaDb};
pub use mysql::MySql;
pub use need::{Need, all as needs_met};
pub use output::Output;
pub use php::{PhpFailure, php, php_as};
pub use scratch::{Owner, Scratch};
pub use site::{Cookie, Row, Site, Store, User};
pub use suite::debian_package_of;
pub use tls::Certificate;
pub use tty::Tty;
pub use wait::{until, wait_for_exit};
pub use wordpress::{Core, WordPress};
