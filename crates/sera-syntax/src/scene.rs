//! One function while edits of it are generated: its tree, names, silent places, and the edits.
use crate::check::Checker;
use crate::facts::Facts;
use crate::functions::callee;
use crate::node::{Ast, Id};
use crate::scope::Scope;
use crate::table::{Concept, REPORTING, Role, SPOKEN};
use crate::{Function, Mutation, Operator, Parsed};
use sera_core::Language;
use std::collections::HashSet;
use std::ops::Range;

/// Which way edits go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Direction<'a> {
    /// Towards a fault.
    Fault,
    /// Towards a repair, with the words of the task.
    Fix(&'a [String]),
}

/// Whether an edit could break the syntax and must be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Risk {
    /// One token of a class for another of the same class.
    None,
    /// Anything else.
    Syntax,
}

/// The function at work.
pub(crate) struct Scene<'a> {
    pub(crate) ast: &'a Ast,
    pub(crate) facts: &'a Facts,
    pub(crate) scope: Scope,
    pub(crate) direction: Direction<'a>,
    pub(crate) root: Id,
    pub(crate) body: Id,
    pub(crate) documentation: Option<Range<usize>>,
    /// The nodes whose text may be edited, in order.
    open: Vec<Id>,
    checker: Checker,
    made: HashSet<(usize, usize, String)>,
    edits: Vec<Mutation>,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(
        parsed: &'a Parsed,
        function: &Function,
        direction: Direction<'a>,
    ) -> Option<Self> {
        let ast = parsed.ast();
        let root = ast.definition_at(&function.span)?;
        let body = ast.role(root, Role::Body)?;
        let mut frames = ast.row().frames.iter();
        let frame = frames.find(|(kind, _)| *kind == ast.kind(root));
        let frame = frame.map_or(("", ""), |(_, frame)| *frame);
        let mut scene = Self {
            ast,
            facts: parsed.facts(),
            scope: Scope::new(ast, root),
            direction,
            root,
            body,
            documentation: function.docstring.clone(),
            open: Vec::new(),
            checker: Checker::new(ast.row(), ast.source(), &function.span, frame),
            made: HashSet::new(),
            edits: Vec::new(),
        };
        scene.open_below(body);
        Some(scene)
    }

    fn open_below(&mut self, id: Id) {
        if self.silent(id) {
            return;
        }
        self.open.push(id);
        let ast = self.ast;
        for child in ast.children(id) {
            self.open_below(child);
        }
    }

    /// Places where a change is no fault: comments, documentation, reports, messages, types.
    fn silent(&self, id: Id) -> bool {
        use Concept::{Assert, Call, Comment, Decorator, Import, Macro, Raise, Type};
        let ast = self.ast;
        if ast.any(id, &[Comment, Decorator, Import, Macro, Type]) || ast.broken(id) {
            return true;
        }
        if self.documentation.as_ref() == Some(&ast.span(id)) {
            return true;
        }
        let Some(parent) = ast.parent(id) else { return false };
        let message =
            ast.is(parent, Assert) && ast.parts(parent).next() != Some(id) && ast.named(id);
        let raised = ast.is(parent, Call)
            && ast.is(id, Concept::Arguments)
            && ast.parent(parent).is_some_and(|outer| ast.is(outer, Raise));
        message || raised || (ast.is(id, Call) && self.reports(id)) || self.is_streamed(id)
    }

    /// C++'s reports: `std::cerr << x`.
    fn is_streamed(&self, id: Id) -> bool {
        let text = self.ast.text(id);
        let sinks = ["std::cout", "std::cerr", "std::clog", "cout", "cerr", "LOG(", "VLOG("];
        let binary = self.ast.is(id, Concept::Binary);
        binary && text.contains("<<") && sinks.iter().any(|sink| text.starts_with(sink))
    }

    fn reports(&self, call: Id) -> bool {
        let ast = self.ast;
        let Some(callee) = callee(ast, call) else { return false };
        let mut names = callee.text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$');
        let first = names.next().unwrap_or("");
        let own = ast.row().receivers.contains(&first);
        let receiver = own.then(|| names.find(|n| !n.is_empty())).flatten().unwrap_or(first);
        let name = ast.text(callee.name);
        if callee.object.is_some() {
            // `x.error(..)` may be anything; `log.error(..)` is not.
            let printed = ["System.out", "System.err"].iter().any(|o| callee.text.starts_with(o));
            return REPORTING.contains(&receiver) || printed || formats(name);
        }
        let spoken = ast.row().language != Language::Python && SPOKEN.contains(&first);
        REPORTING.contains(&first) || spoken || ast.row().leaving.contains(&name)
    }

    /// The nodes that may be edited.
    pub(crate) fn nodes(&self) -> Vec<Id> {
        self.open.clone()
    }

    pub(crate) fn of(&self, concept: Concept) -> Vec<Id> {
        self.open.iter().copied().filter(|&id| self.ast.is(id, concept)).collect()
    }

    pub(crate) fn is_open(&self, id: Id) -> bool {
        self.open.binary_search(&id).is_ok()
    }

    pub(crate) fn fixing(&self) -> bool {
        matches!(self.direction, Direction::Fix(_))
    }

    /// Words of the task, when fixing.
    pub(crate) fn words(&self) -> &'a [String] {
        match self.direction {
            Direction::Fault => &[],
            Direction::Fix(words) => words,
        }
    }

    /// What the function calls the object it belongs to, if it is handed it by name.
    pub(crate) fn receivers(&self) -> Vec<&'a str> {
        let Some(list) = self.ast.head(self.root, Role::Parameters) else { return Vec::new() };
        let names = self.ast.parts(list).map(|parameter| self.ast.text(parameter));
        names.filter(|name| self.ast.row().receivers.contains(name)).collect()
    }

    pub(crate) fn text(&self, id: Id) -> &'a str {
        self.ast.text(id)
    }

    /// Adds an edit if it is new, changes code and leaves what parses.
    pub(crate) fn push(
        &mut self,
        operator: Operator,
        span: Range<usize>,
        replacement: impl Into<String>,
        subject: &str,
        risk: Risk,
    ) {
        let replacement = replacement.into();
        let removed = &self.ast.source()[span.clone()];
        if removed == replacement
            || (removed.trim() == replacement.trim() && !self.ast.row().indented)
        {
            return;
        }
        let key = (span.start, span.end, replacement.clone());
        if self.made.contains(&key)
            || (risk == Risk::Syntax && !self.checker.accepts(&span, &replacement))
        {
            return;
        }
        self.made.insert(key);
        let (removed, subject) = (removed.to_owned(), subject.to_owned());
        self.edits.push(Mutation { operator, span, replacement, removed, subject });
    }

    /// Replaces one node.
    pub(crate) fn swap(&mut self, operator: Operator, id: Id, replacement: &str, risk: Risk) {
        self.push(operator, self.ast.span(id), replacement, self.text(id), risk);
    }

    /// Deletes a whole statement with its line, unless it is the only one of its block.
    pub(crate) fn delete(&mut self, operator: Operator, statement: Id, subject: &str) {
        if !self.has_siblings(statement) {
            return;
        }
        if let Some(span) = self.lines_of(statement) {
            self.push(operator, span, "", subject, Risk::Syntax);
        }
    }

    pub(crate) fn has_siblings(&self, statement: Id) -> bool {
        let ast = self.ast;
        let parent = ast.parent(statement).filter(|&parent| ast.is(parent, Concept::Statements));
        parent.is_some_and(|parent| {
            let own = |part: &Id| self.documentation.as_ref() != Some(&ast.span(*part));
            ast.parts(parent).filter(|part| own(part)).count() > 1
        })
    }

    /// The lines a statement takes up, ends included, if nothing else is on them.
    pub(crate) fn lines_of(&self, id: Id) -> Option<Range<usize>> {
        let (text, mut span) = (self.ast.source(), self.ast.span(id));
        // Some grammars count the line end to what stands before it.
        span.end = span.start + self.text(id).trim_end().len();
        let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at + 1);
        let alone = text[start..span.start].trim().is_empty()
            && text[span.end..end].trim_matches([';', ' ', '\t', '\r', '\n']).is_empty();
        alone.then_some(start..end)
    }

    /// White space before the first character of the node's line.
    pub(crate) fn indent_of(&self, id: Id) -> &'a str {
        let text = self.ast.source();
        let line = &text[text[..self.ast.start(id)].rfind('\n').map_or(0, |at| at + 1)..];
        &line[..line.len() - line.trim_start().len()]
    }

    pub(crate) fn finish(self) -> Vec<Mutation> {
        self.edits
    }
}

/// Go's family of formatters, which live in packages.
fn formats(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase()) && REPORTING.contains(&name)
}
