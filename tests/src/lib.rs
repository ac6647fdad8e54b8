//! The harness: real servers, a real WordPress and the real binaries as values that die with the
//! test. It knows how to start, ask and stop them; what is expected of them is said in `it/`.

mod account;
mod cache;
mod chaos;
mod client;
mod config;
mod docker;
mod guard;
mod hostile_ssh;
mod kickout;
mod mariadb;
mod mysql;
mod need;
mod output;
mod php;
mod scratch;
mod site;
mod sqlite_site;
mod sshd;
mod suite;
mod tls;
mod tty;
mod wait;
mod wordpress;

pub use account::{Account, mode_and_mtime};
pub use cache::{cached, debian_package, npm_package, target_dir, workspace_root};
pub use chaos::{Chaos, Proxy, Way};
pub use client::Client;
pub use config::Config;
pub use docker::{Container, Image, docker_host};
pub use guard::Guarded;
pub use hostile_ssh::{HostileSsh, Pretends};
pub use kickout::{Binaries, Kickout, Profile, quoted};
pub use mariadb::{Database, MariaDb};
pub use mysql::MySql;
pub use need::{Need, all as needs_met};
pub use output::Output;
pub use php::{PhpFailure, php, php_as};
pub use scratch::{Owner, Scratch};
pub use site::{Cookie, Row, Site, Store, User};
pub use sshd::{Authority, Sshd, SshdBuilder, listens};
pub use suite::debian_package_of;
pub use tls::Certificate;
pub use tty::Tty;
pub use wait::{until, wait_for_exit};
pub use wordpress::{Core, WordPress};
