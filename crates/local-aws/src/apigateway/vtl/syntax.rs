//! The tree of a parsed template.

use std::rc::Rc;
use std::sync::Arc;

pub(super) type Block = Vec<Node>;

#[derive(Debug)]
pub(super) enum Node {
    Text(String),
    Reference {
        /// Backslashes before the `$`.
        escapes: usize,
        reference: Reference,
    },
    Set(Reference, Expression),
    /// Conditions with their blocks, then the block of `#else`.
    If(Vec<(Expression, Block)>, Block),
    Foreach {
        variable: String,
        over: Expression,
        block: Block,
    },
    Break,
    Stop,
    Define(String, Arc<Block>),
    Macro(String, Arc<Macro>),
    /// A directive of this name with these arguments: a macro's call if the macro is there, text otherwise.
    Call {
        name: String,
        arguments: Vec<Expression>,
        source: String,
    },
}

#[derive(Debug)]
pub(super) struct Macro {
    pub(super) parameters: Vec<String>,
    pub(super) block: Block,
}

#[derive(Debug)]
pub(super) struct Reference {
    /// As it is written, for the output of one that is not defined.
    pub(super) source: String,
    /// True for `$!name`.
    pub(super) is_quiet: bool,
    pub(super) root: String,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug)]
pub(super) enum Step {
    Property(String),
    Method(String, Vec<Expression>),
    Index(Expression),
}

#[derive(Debug)]
pub(super) enum Expression {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Arc<str>),
    /// A text in double quotes with references or directives in it.
    Interpolated(Block),
    List(Vec<Expression>),
    Range(Box<Expression>, Box<Expression>),
    Map(Vec<(Expression, Expression)>),
    Reference(Reference),
    Not(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// A text that values share.
pub(super) type Shared = Rc<str>;
