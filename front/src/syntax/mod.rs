//! The syntax of documents: a strict lexer and a strict grammar, before the compiler's forgiving ones.

pub(crate) mod grammar;
pub(crate) mod lexer;
