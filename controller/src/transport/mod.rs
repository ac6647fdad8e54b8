//! The ways to an agent. Transports carry bytes; none knows what a user or a session is.

use zeroize::Zeroizing;

use crate::deliver::Agents;

pub mod local;

/// What a transport is given beside the place itself.
#[derive(Clone, Copy)]
pub struct Start<'a> {
    /// The agents there are.
    pub agents: &'a Agents,
    /// What the agent's first line must carry.
    pub nonce: &'a str,
    /// Asks the operator for a secret, without echo. `None` when nobody is there: then nothing is
    /// ever asked.
    pub ask: Option<&'a Ask>,
}

/// Asks for a secret; `None` is an answer that was not given.
pub type Ask = dyn Fn(&str) -> Option<Zeroizing<String>>;
