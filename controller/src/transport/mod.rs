//! The ways to an agent. Transports carry bytes; none knows what a user or a session is.

pub mod local;
