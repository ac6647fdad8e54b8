//! The contract between controller and agent: types and bytes, nothing that acts.
//!
//! # What you may change
//!
//! Controller and agent normally ship together, but one may be older (a cached agent, a bridge
//! that was installed last year). Therefore:
//!
//! - Adding a field: allowed when it has `#[serde(default)]`. Unknown fields are ignored.
//! - Adding a variant (request, event, verdict): raise [`version::PROTOCOL`]. An unknown variant
//!   is a version error that names both versions, never a guess.
//! - Renaming or removing anything: raise [`version::PROTOCOL`], and keep the old golden file.
//! - Never `flatten`, never `untagged`: their errors name nothing.
//!
//! Every released version leaves golden files in `shared/data/v*/` that must keep decoding.
//!
//! # Invariants
//!
//! - No frame names a path, a command or an address that the controller would act on.
//! - Every run ends in exactly one [`message::FromAgent::Done`]. No `done` is itself the error.
//! - This crate does no I/O, reads no clock, and knows nothing of async.
#![forbid(unsafe_code)]

pub mod age;
pub mod bridge;
pub mod bytes;
pub mod canary;
pub mod container;
pub mod event;
pub mod frame;
pub mod install;
pub mod message;
pub mod request;
pub mod session;
pub mod site;
pub mod token;
pub mod user;
pub mod value;
pub mod version;
