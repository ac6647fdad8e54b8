//! Kickout's HTTPS front: it authenticates, authorizes, audits and starts the agent. It knows no
//! WordPress: what a command means, and what it did, is the agent's to say.
#![forbid(unsafe_code)]

mod addressed;
pub mod agent;
pub mod audit;
pub mod authority;
pub mod border;
pub mod cert;
pub mod config;
mod container;
pub mod front;
pub mod install;
pub mod keeper;
pub mod limits;
pub mod operations;
pub mod owner;
pub mod private;
pub mod serve;
pub mod tls;
pub mod token;

/// What is worth a word while it runs.
#[derive(Debug)]
pub enum News {
    /// It answers there.
    Listening(std::net::SocketAddr),
    /// Something is not as it should be; it goes on.
    Warning(String),
}

/// The bridge's clock: Unix seconds.
pub fn now() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
