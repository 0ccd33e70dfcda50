//! Functions: what tasks are made of, where they stand and what they look like.
use std::ops::Range;

/// One function or method with a body, as written in the file. Spans are byte ranges of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Qualified inside the file: `Outer.inner`.
    pub name: String,
    /// The whole definition, decorators and attributes left out.
    pub span: Range<usize>,
    /// The body.
    pub body: Range<usize>,
    /// Line on which `span` starts, from 1.
    pub first_line: usize,
    /// Line on which `span` ends, from 1, inclusive.
    pub last_line: usize,
    /// Body statements at every depth, docstring not counted.
    pub statements: usize,
    /// Cyclomatic complexity: 1 + branches + handlers + short-circuit operators.
    pub complexity: usize,
    /// The documentation: a docstring, or the comment block directly above.
    pub docstring: Option<Range<usize>>,
    /// Test code by its own markers (not by its path).
    pub test: bool,
    /// A getter, setter, pure delegation, `__dunder__`, trait boilerplate or `main`.
    pub accessor: bool,
    /// Names called, last segment only, in order of first appearance.
    pub calls: Vec<String>,
}
