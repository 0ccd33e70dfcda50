//! What Sera knows about source code: functions, single edits and a search index.
//!
//! One engine works over one [`table`] row per language. [`parse`] gives a [`Parsed`]; its
//! [`Parsed::functions`] are what tasks are made of; [`mutations`] plants single faults in one,
//! [`edits`] enumerates what a fixer would try; [`Index`] finds functions by words.
mod check;
mod facts;
pub mod families;
mod functions;
mod generate;
mod index;
mod ngrams;
mod node;
mod operator;
mod parsed;
mod scene;
mod scope;
pub mod table;
mod words;

pub use functions::Function;
pub use generate::{edits, mutations};
pub use index::{Hit, Index, Indexed};
pub use ngrams::{Ngrams, Piece, Run, pieces};
pub use operator::{Mutation, Operator};
pub use parsed::{Parsed, Token, TokenKind, parse, parsing_once, same_code};
pub use words::words;
