//! Versions: of this release, and of the protocol.

/// The release, as in Cargo.toml.
pub const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// Raised by every change that an older peer could misread (see the crate documentation).
pub const PROTOCOL: u32 = 1;
