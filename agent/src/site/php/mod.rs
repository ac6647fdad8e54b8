//! PHP source as data: tokens, syntax tree, pure operators. Nothing here knows WordPress, and
//! nothing here is executed.

mod ast;
mod expr;
mod heredoc;
mod lexer;
mod number;
mod ops;
mod parser;
mod strings;

pub(crate) use ast::{Expr, Function, Magic, Stmt};
pub(crate) use lexer::tokens;
pub(crate) use ops::{binary, cast};
pub(crate) use parser::parse;
pub(crate) use strings::Part;
