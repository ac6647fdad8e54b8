//! PHP source as data: tokens, syntax tree, pure operators. Nothing here knows WordPress, and
//! nothing here is executed.

mod ast;
mod expr;
mod heredoc;
mod lexer;
mod number;
mod operators;
mod ops;
mod parser;
mod primary;
mod repeated;
mod statement;
mod strings;

pub(crate) use ast::{Arm, Block, Expr, Function, Magic, Stmt};
pub(crate) use lexer::{Tok, Token, tokens};
pub(crate) use ops::{binary, cast};
pub(crate) use parser::parse;
pub(crate) use strings::Part;
