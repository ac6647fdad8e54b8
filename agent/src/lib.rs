//! The agent: works on one host against WordPress's own data, and says what it did.
//!
//! ```text
//! frames ─serve─▶ run ─site─▶ engine::choose ─▶ ops ─out─▶ frames
//! ```
//!
//! `ops` holds the meaning of every verb and names no engine's inside; `site` reads files and
//! executes nothing; `engine` answers small questions about stored data, and
//! `cache` is what stands in front of it.

#![forbid(unsafe_code)]

pub mod cache;
mod canary;
mod doctor;
pub mod engine;
mod evaluate;
mod load;
pub mod ops;
pub mod orphans;
pub mod out;
mod owner;
pub mod run;
pub mod serve;
pub mod site;
pub mod stdio;
