//! The mutation operators by name, weight and the families of faults they make.
use crate::{Function, Parsed};
use std::ops::Range;

/// A kind of single edit. `name`, weight and families are data in this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// A variable replaced by another of the same scope and kind.
    IdentifierSwap,
}

impl Operator {
    /// Every operator.
    pub const ALL: &'static [Self] = &[Self::IdentifierSwap];

    /// Kebab-case name, as in records: `identifier-swap`.
    pub fn name(self) -> &'static str {
        todo!()
    }

    /// Relative sampling weight, after the frequency of the repair in real fixes.
    pub fn weight(self) -> f64 {
        todo!()
    }

    /// Whether its inverse improves code instead of repairing a fault.
    pub fn refactoring(self) -> bool {
        todo!()
    }

    /// The families a fault made by it may belong to, likeliest first.
    pub fn families(self) -> &'static [&'static str] {
        todo!()
    }
}

/// One single edit of a function: replace the bytes at `span` of the file by `replacement`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutation {
    /// What made it.
    pub operator: Operator,
    /// Bytes of the file it replaces.
    pub span: Range<usize>,
    /// What stands there afterwards.
    pub replacement: String,
    /// What stood there before.
    pub removed: String,
    /// A word for descriptions: the identifier or construct concerned.
    pub subject: String,
}

impl Mutation {
    /// `text` with the edit made.
    pub fn apply(&self, text: &str) -> String {
        let mut edited = String::with_capacity(text.len() + self.replacement.len());
        edited.push_str(&text[..self.span.start]);
        edited.push_str(&self.replacement);
        edited.push_str(&text[self.span.end..]);
        edited
    }
}

/// Every viable single change of `function` in the faulty direction, in a fixed order.
pub fn mutations(_parsed: &Parsed, _function: &Function) -> Vec<Mutation> {
    todo!()
}

/// The single edits a fixer would try on `function`, likeliest operator first, in a fixed order.
/// `words` are identifiers and literals of the task which may be inserted.
pub fn edits(_parsed: &Parsed, _function: &Function, _words: &[String]) -> Vec<Mutation> {
    todo!()
}
