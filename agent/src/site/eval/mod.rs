//! Evaluates a configuration soundly: a name is resolved or unresolved, never guessed.
//! Reads files the code includes; runs nothing.

mod bedrock;
mod calls;
mod dotenv;
mod function;
mod include;
mod run;
mod state;
mod value;

pub(crate) use state::{Evaluator, Flow};
