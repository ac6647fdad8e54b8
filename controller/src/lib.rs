//! Kickout's controller: WP-CLI's words in, an agent on the site's host, lines out.
//!
//! ```text
//! argv ─cli─▶ task ─inventory─▶ targets ─transport─▶ exchange ══ agent … events ─render─▶ text + exit code
//! ```
//!
//! Only `render` writes to the terminal; only `main` exits. `cli`, `inventory`, `target` and
//! `render` are pure.

#![deny(unsafe_code)]

pub mod app;
pub mod cli;
pub mod connection;
pub mod deliver;
pub mod error;
pub mod exchange;
pub mod exit;
mod here;
mod http1;
pub mod inventory;
pub mod render;
pub mod report;
pub mod settings;
pub mod signal;
mod similar;
mod sweep;
pub mod target;
mod tls;
pub mod transport;
pub mod web;
