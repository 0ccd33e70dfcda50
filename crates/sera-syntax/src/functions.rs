//! Functions: what tasks are made of, where they stand and what they look like.
use crate::node::{Ast, Id};
use crate::parsed::LineStarts;
use crate::table::{Concept, Role};
use sera_core::Language;
use std::collections::HashMap;
use std::ops::Range;

/// One function or method with a body, as written in the file. Spans are byte ranges of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Qualified inside the file: `Outer.inner`; a second one of that name is `Outer.inner#2`.
    pub name: String,
    /// The whole definition, decorators and attributes left out.
    pub span: Range<usize>,
    /// Where decorators and attributes above it begin; `span`'s start where there are none.
    pub marked: usize,
    /// The body, braces included.
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

/// Every function of the file in order of appearance.
pub(crate) fn functions(ast: &Ast) -> Vec<Function> {
    let lines = LineStarts::new(ast.source());
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut found = Vec::new();
    for id in ast.all() {
        let Some(mut function) = describe(ast, id, &lines) else { continue };
        let count = seen.entry(function.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            function.name = format!("{}#{count}", function.name);
        }
        found.push(function);
    }
    found
}

fn describe(ast: &Ast, id: Id, lines: &LineStarts) -> Option<Function> {
    let own = own_name(ast, id)?;
    let body = ast.role(id, Role::Body)?;
    let span = ast.span(id);
    let documentation = docstring(ast, id);
    Some(Function {
        name: qualified(ast, id, own),
        first_line: lines.line(span.start),
        last_line: lines.line(span.end.saturating_sub(1).max(span.start)),
        marked: marked(ast, id),
        span,
        body: ast.span(body),
        statements: statements(ast, body, documentation.as_ref()),
        complexity: complexity(ast, id),
        test: is_test(ast, id, own),
        accessor: is_accessor(ast, id, own, body, documentation.as_ref()),
        calls: calls(ast, body),
        docstring: documentation,
    })
}

/// Where the first of the decorators that stand above a definition begins.
fn marked(ast: &Ast, id: Id) -> usize {
    let before = ast.parent(id).into_iter().flat_map(|parent| ast.children(parent));
    let before: Vec<Id> = before.take_while(|&child| child != id).collect();
    let above = before
        .into_iter()
        .rev()
        .take_while(|&child| ast.any(child, &[Concept::Decorator, Concept::Comment]));
    let marks = above.filter(|&child| ast.is(child, Concept::Decorator));
    marks.last().map_or(ast.start(id), |mark| ast.start(mark))
}

/// The name a definition is known by: its own, or that of what a closure is bound to.
fn own_name(ast: &Ast, id: Id) -> Option<&str> {
    if ast.is(id, Concept::Function) {
        return ast.head(id, Role::Name).map(|name| ast.text(name));
    }
    if !ast.is(id, Concept::Closure) {
        return None;
    }
    let body = ast.role(id, Role::Body)?;
    let parent = ast.parent(id)?;
    // Only closures with a block are worth a task, and only where the name is plainly theirs.
    let bound = ast.subtree(body).next().is_some_and(|body| ast.is(body, Concept::Statements))
        && (ast.is(parent, Concept::Declare) || ast.kind(parent).ends_with("field_definition"));
    let name = bound.then(|| {
        ast.role(parent, Role::Left)
            .or_else(|| ast.children(parent).find(|&child| ast.field(child) == "property"))
    })??;
    ast.any(name, &[Concept::Identifier, Concept::Property]).then(|| ast.text(name))
}

fn qualified(ast: &Ast, id: Id, own: &str) -> String {
    let mut segments = vec![own];
    if let Some(receiver) = ast.children(id).find(|&child| ast.field(child) == "receiver") {
        let mut types = ast.subtree(receiver).filter(|&node| ast.kind(node) == "type_identifier");
        segments.extend(types.next().map(|node| ast.text(node)));
    }
    if let Some(scope) = scope(ast, id) {
        segments.push(scope);
    }
    for outer in ast.ancestors(id) {
        if ast.is(outer, Concept::Container) {
            segments.extend(container_name(ast, outer));
        } else if let Some(name) = own_name(ast, outer) {
            segments.push(name);
        }
    }
    segments.reverse();
    segments.join(".")
}

/// The class that a C++ definition outside of it belongs to: `A` of `n::A::f`.
pub(crate) fn scope(ast: &Ast, id: Id) -> Option<&str> {
    let name = ast.head(id, Role::Name)?;
    let qualified = ast.parent(name).filter(|&node| ast.kind(node) == "qualified_identifier")?;
    let scope = ast.children(qualified).find(|&child| ast.field(child) == "scope")?;
    ast.text(scope).split('<').next()
}

fn container_name(ast: &Ast, id: Id) -> Option<&str> {
    let name = ast.children(id).find(|&child| matches!(ast.field(child), "name" | "type"))?;
    let bare =
        ast.subtree(name).find(|&node| ast.leaf(node) && ast.kind(node).ends_with("identifier"));
    Some(ast.text(bare.unwrap_or(name)))
}

/// The docstring inside, or the block of comment lines directly above the definition.
pub(crate) fn docstring(ast: &Ast, id: Id) -> Option<Range<usize>> {
    let body = ast.role(id, Role::Body)?;
    if ast.row().indented {
        let first = ast.parts(body).next()?;
        let inner = ast.parts(first).next()?;
        let plain = ast.is(first, Concept::ExpressionStatement) && ast.is(inner, Concept::String);
        return plain.then(|| ast.span(first));
    }
    let mut top = id;
    while let Some(parent) = ast.parent(top) {
        let wrapper = ast.any(parent, &[Concept::Declare])
            || ast.kind(parent).ends_with("_declaration")
            || ast.kind(parent) == "export_statement"
            || ast.kind(parent).ends_with("field_definition");
        // Ruby's bodies begin with their first statement, behind the comment above it.
        let first = ast.is(parent, Concept::Statements) && ast.start(parent) == ast.start(top);
        if !(wrapper || first) || ast.is(parent, Concept::Container) {
            break;
        }
        top = parent;
    }
    let parent = ast.parent(top)?;
    let mut before: Vec<Id> = ast.children(parent).take_while(|&child| child != top).collect();
    let mut edge = ast.start(top);
    let mut span: Option<Range<usize>> = None;
    while let Some(previous) = before.pop() {
        let between = ast.source().get(ast.end(previous)..edge).unwrap_or("x");
        let touching = between.trim().is_empty() && between.matches('\n').count() <= 1;
        if ast.is(previous, Concept::Decorator) && touching {
            edge = ast.start(previous);
            continue;
        }
        if !ast.is(previous, Concept::Comment) || !touching || !owns_line(ast, previous) {
            break;
        }
        edge = ast.start(previous);
        let end = span
            .as_ref()
            .map_or(ast.start(previous) + ast.text(previous).trim_end().len(), |s| s.end);
        span = Some(edge..end);
    }
    span
}

fn owns_line(ast: &Ast, id: Id) -> bool {
    let before = &ast.source()[..ast.start(id)];
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    before[line..].trim().is_empty()
}

/// Whether a child of a statement list is a statement of its own.
fn is_statement(ast: &Ast, id: Id) -> bool {
    let listed = ast.parent(id).is_some_and(|parent| ast.is(parent, Concept::Statements));
    let braceless = matches!(ast.field(id), "consequence" | "body")
        || ast.parent(id).is_some_and(|p| ast.is(p, Concept::Else));
    ast.named(id)
        && !ast.extra(id)
        && !ast.is(id, Concept::Comment)
        && ((listed && !is_label(ast, id)) || (braceless && ast.kind(id).ends_with("_statement")))
}

/// Whether a child of a statement list only says when the others run, or is for the preprocessor.
fn is_label(ast: &Ast, id: Id) -> bool {
    let kind = ast.kind(id);
    // C#'s sections hold their patterns without a field.
    let section = ast.parent(id).is_some_and(|parent| ast.kind(parent) == "switch_section");
    let pattern = section && !kind.ends_with("_statement") && kind != "block";
    ast.field(id) == "value"
        || pattern
        || kind.starts_with("preproc")
        || matches!(kind, "label" | "switch_label" | "rescue" | "ensure")
}

fn statements(ast: &Ast, body: Id, documentation: Option<&Range<usize>>) -> usize {
    ast.subtree(body)
        .skip(1)
        .filter(|&id| is_statement(ast, id) && !ast.is(id, Concept::Statements))
        .filter(|&id| documentation != Some(&ast.span(id)))
        .count()
}

fn complexity(ast: &Ast, id: Id) -> usize {
    use Concept::{Arm, Catch, Elif, If, Loop, Propagate, Ternary};
    let [and, or, _] = ast.row().logic;
    1 + ast
        .subtree(id)
        .filter(|&node| {
            ast.any(node, &[If, Elif, Ternary, Loop, Catch, Arm, Propagate])
                || (ast.is(node, Concept::Binary)
                    && ast.operator(node).is_some_and(|o| [and, or, "??"].contains(&ast.text(o))))
        })
        .count()
}

/// What a call calls.
pub(crate) struct Callee<'a> {
    /// The last segment: `c` of `a.b.c(..)`.
    pub(crate) name: Id,
    /// What it is a member of.
    pub(crate) object: Option<Id>,
    /// All of it as written: `a.b.c`.
    pub(crate) text: &'a str,
    /// Whether it is one plain name.
    pub(crate) plain: bool,
}

/// What `call` calls. Some grammars write the object into the call itself, some into a member.
pub(crate) fn callee(ast: &Ast, call: Id) -> Option<Callee<'_>> {
    let node = ast.role(call, Role::Callee)?;
    if let Some(object) = ast.role(call, Role::Object) {
        let text = &ast.source()[ast.start(object)..ast.end(node)];
        return Some(Callee { name: node, object: Some(object), text, plain: false });
    }
    let text = ast.text(node);
    if ast.is(node, Concept::Member) {
        let (object, name) = (ast.role(node, Role::Object), ast.role(node, Role::Property)?);
        return Some(Callee { name, object, text, plain: false });
    }
    let mut names = ast.subtree(node).filter(|&part| {
        ast.any(part, &[Concept::Identifier, Concept::Property])
            || (ast.leaf(part) && ast.kind(part) == "type_identifier")
    });
    let plain = ast.any(node, &[Concept::Identifier, Concept::Property]);
    let name = if plain || ast.leaf(node) { node } else { names.next_back()? };
    Some(Callee { name, object: None, text, plain })
}

/// The last segment of what is called: `c` of `a.b.c(..)`.
pub(crate) fn callee_name(ast: &Ast, call: Id) -> Option<Id> {
    callee(ast, call).map(|callee| callee.name)
}

fn calls(ast: &Ast, body: Id) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for id in ast.subtree(body) {
        if !ast.any(id, &[Concept::Call, Concept::Macro]) {
            continue;
        }
        if let Some(name) = callee_name(ast, id).map(|name| ast.text(name))
            && !names.iter().any(|known| known == name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

fn is_test(ast: &Ast, id: Id, own: &str) -> bool {
    let by_name = match ast.row().language {
        Language::Python => own.starts_with("test_") || own == "test" || in_test_class(ast, id),
        Language::Go => {
            ["Test", "Benchmark", "Fuzz", "Example"].iter().any(|prefix| {
                own.strip_prefix(prefix).is_some_and(|rest| !rest.starts_with(char::is_lowercase))
            }) && !ast.children(id).any(|child| ast.field(child) == "receiver")
        }
        Language::Ruby => own.starts_with("test_"),
        Language::Php => own.starts_with("test") && in_test_class(ast, id),
        Language::C | Language::Cpp => {
            own == "TEST" || own.starts_with("TEST_") || own.starts_with("test_")
        }
        Language::Java
        | Language::CSharp
        | Language::Rust
        | Language::JavaScript
        | Language::TypeScript
        | Language::Tsx => false,
    };
    by_name || std::iter::once(id).chain(ast.ancestors(id)).any(|node| marked_test(ast, node))
}

fn in_test_class(ast: &Ast, id: Id) -> bool {
    ast.ancestors(id).filter(|&node| ast.is(node, Concept::Container)).any(|class| {
        let heritage = ast
            .children(class)
            .find(|&child| ast.field(child) == "superclasses" || ast.kind(child) == "base_clause");
        container_name(ast, class)
            .is_some_and(|name| name.starts_with("Test") || name.ends_with("Test"))
            || heritage.is_some_and(|node| ast.text(node).contains("TestCase"))
    })
}

/// `#[test]`, `#[cfg(test)]`, `@pytest.fixture`, or a call of `describe`, `it`, `test` around.
fn marked_test(ast: &Ast, node: Id) -> bool {
    if ast.is(node, Concept::Call) {
        let first = callee(ast, node).map_or("", |c| c.text).split('.').next().unwrap_or("");
        let blocks = [
            "describe",
            "it",
            "test",
            "beforeEach",
            "afterEach",
            "beforeAll",
            "afterAll",
            "suite",
            "context",
            "specify",
            "RSpec",
        ];
        // Where blocks are handed to calls by their last argument or behind it.
        let spoken = matches!(
            ast.row().language,
            Language::JavaScript | Language::TypeScript | Language::Tsx | Language::Ruby
        );
        return spoken && blocks.contains(&first);
    }
    let Some(parent) = ast.parent(node) else { return false };
    if !ast.any(node, &[Concept::Function, Concept::Container]) {
        return false;
    }
    if own_decorators(ast, node).any(|mark| is_test_marker(ast.text(mark))) {
        return true;
    }
    let before: Vec<Id> = ast.children(parent).take_while(|&child| child != node).collect();
    before
        .iter()
        .rev()
        .take_while(|&&child| ast.any(child, &[Concept::Decorator, Concept::Comment]))
        .filter(|&&child| ast.is(child, Concept::Decorator))
        .any(|&child| is_test_marker(ast.text(child)))
}

/// Annotations and attributes that the grammar puts into the definition.
pub(crate) fn own_decorators(ast: &Ast, definition: Id) -> impl Iterator<Item = Id> + '_ {
    let inside = |node: Id| {
        let modifiers = ast.kind(node) == "modifiers";
        let listed = ast.children(node).filter(move |_| modifiers);
        listed.chain(std::iter::once(node)).filter(|&mark| ast.is(mark, Concept::Decorator))
    };
    ast.children(definition).flat_map(inside)
}

fn is_test_marker(text: &str) -> bool {
    let words: Vec<&str> =
        text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
    match words.first() {
        Some(&"cfg") => words.contains(&"test") && !words.contains(&"not"),
        Some(&"cfg_attr") => false,
        Some(&"pytest") => true,
        Some(&("Fact" | "Theory" | "Test" | "TestMethod" | "TestCase" | "ParameterizedTest")) => {
            true
        }
        Some(&("Before" | "After" | "BeforeEach" | "AfterEach" | "SetUp" | "TearDown")) => true,
        Some(_) => words.iter().take(2).any(|word| word.ends_with("test") || *word == "rstest"),
        None => false,
    }
}

/// Bodies that carry no decision: read a field, write one, pass everything on.
fn is_accessor(
    ast: &Ast,
    id: Id,
    own: &str,
    body: Id,
    documentation: Option<&Range<usize>>,
) -> bool {
    let dunder =
        own.starts_with("__") && own.ends_with("__") && own != "__init__" && own != "__call__";
    if own == "main" || dunder || boilerplate_trait(ast, id) {
        return true;
    }
    let list = ast.subtree(body).find(|&node| ast.is(node, Concept::Statements)).unwrap_or(body);
    let mut parts = ast.parts(list).filter(|&part| documentation != Some(&ast.span(part)));
    let Some(only) = parts.next() else { return true };
    parts.next().is_none() && is_plain(ast, only)
}

fn boilerplate_trait(ast: &Ast, id: Id) -> bool {
    const DERIVABLE: [&str; 9] =
        ["Debug", "Clone", "Default", "PartialEq", "Eq", "Hash", "PartialOrd", "Ord", "Drop"];
    ast.ancestors(id).filter(|&node| ast.is(node, Concept::Container)).any(|node| {
        let of = ast.children(node).find(|&child| ast.field(child) == "trait");
        of.is_some_and(|of| DERIVABLE.contains(&ast.text(of).rsplit("::").next().unwrap_or("")))
    })
}

/// A statement of names, members, one call that passes names on, at most one assignment.
fn is_plain(ast: &Ast, statement: Id) -> bool {
    use Concept::{Arm, Binary, If, Index, Loop, Raise, Ternary, Try};
    let decides = ast
        .subtree(statement)
        .any(|node| ast.any(node, &[Arm, Binary, If, Index, Loop, Raise, Ternary, Try]));
    let calls = ast.subtree(statement).filter(|&node| ast.is(node, Concept::Call)).count();
    !decides && calls <= 1
}
