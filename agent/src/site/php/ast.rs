//! The shape of PHP code that a configuration can have. What has no shape here is `Opaque`: it
//! may do anything.

use std::rc::Rc;

use super::strings::Part;
use crate::site::literal::Literal;

/// A function without types and references: its parameters with their defaults, and its code.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) parameters: Vec<(Vec<u8>, Option<Expr>)>,
    pub(crate) body: Block,
}

/// Statements, each with its line.
pub(crate) type Block = Vec<(u32, Stmt)>;

/// Line, condition and code of `if` or `elseif`.
pub(crate) type Arm = (u32, Expr, Block);

/// One statement.
#[derive(Debug)]
pub(crate) enum Stmt {
    Expr(Expr),
    Echo(Vec<Expr>),
    /// Condition and body of `if` and each `elseif`, then the body of `else`.
    If(Vec<Arm>, Block),
    Block(Block),
    /// Loops, `switch`, `try`: `heads` are evaluated, `targets` assigned, and the bodies run any
    /// number of times in any selection.
    Perhaps {
        what: &'static str,
        heads: Vec<Expr>,
        targets: Vec<Expr>,
        bodies: Vec<Block>,
    },
    /// A function declaration; None when its code has a shape that is not evaluated.
    Function(Vec<u8>, Option<Rc<Function>>),
    /// `global $a, $b;`
    Global,
    Const(Vec<(Vec<u8>, Expr)>),
    Return(Option<Expr>),
    Unset(Vec<Expr>),
    Namespace(Vec<u8>),
    /// `use A\B as C`: alias and full name, both in lower case.
    Use(&'static str, Vec<(Vec<u8>, Vec<u8>)>),
    /// Declarations without effect on their own.
    Nothing,
    /// Anything else; the reason.
    Opaque(&'static str),
}

/// Values computed from the place of the code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Magic {
    File,
    Dir,
    Line,
}

#[derive(Debug)]
pub(crate) enum Expr {
    Lit(Literal),
    Template(Vec<Part>),
    Magic(Magic, u32),
    Var(Vec<u8>),
    Const(Vec<u8>),
    Index(Box<Self>, Option<Box<Self>>),
    Prop(Box<Self>, Vec<u8>),
    /// Function name as written, arguments, line.
    Call(Vec<u8>, Vec<Self>, u32),
    /// Class, method, arguments.
    Static(Vec<u8>, Vec<u8>, Vec<Self>),
    /// Object, method, arguments.
    Method(Box<Self>, Vec<u8>, Vec<Self>),
    Not(Box<Self>),
    Negate(Box<Self>),
    Silence(Box<Self>),
    Cast(&'static str, Box<Self>),
    /// Left-associative operators of one level: a list, so that a long chain is not a deep tree.
    Chain(Box<Self>, Vec<(&'static str, Self)>),
    /// Target, operator (`=`, `.=`, `??=`…), value.
    Assign(Box<Self>, &'static str, Box<Self>),
    Ternary(Box<Self>, Option<Box<Self>>, Box<Self>),
    Coalesce(Box<Self>, Box<Self>),
    Array(Vec<(Option<Self>, Self)>),
    Isset(Vec<Self>),
    Empty(Box<Self>),
    /// `require` or not, `_once` or not, path.
    Include(bool, bool, Box<Self>),
    Eval(Box<Self>),
    Exit(Option<Box<Self>>),
    /// A closure: nothing happens until somebody calls it.
    Closure,
    /// `Class::CONSTANT` or `Class::$property`.
    ClassMember(Vec<u8>, Vec<u8>),
    /// Evaluates its parts and then does what we do not know; the reason.
    Opaque(&'static str, Vec<Self>),
}
