//! Evaluates a configuration soundly: a name is resolved or unresolved, never guessed.
//! Reads files the code includes; runs nothing.

mod bedrock;
mod bedrock_env;
mod calls;
mod dotenv;
mod function;
mod include;
mod names;
mod places;
mod pure;
mod run;
mod state;
mod value;

pub(crate) use state::{Evaluator, Flow};
