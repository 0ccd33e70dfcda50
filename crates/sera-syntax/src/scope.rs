//! Which variables a function has, where each may be named, and where each is.
use crate::node::{Ast, Id};
use crate::table::{Concept, Role};
use std::ops::Range;

/// A parameter or local.
#[derive(Clone, Debug)]
pub(crate) struct Variable {
    pub(crate) name: String,
    /// Bytes of the file in which the name means it.
    pub(crate) visible: Range<usize>,
    pub(crate) parameter: bool,
    /// Its type, if it is stated.
    pub(crate) stated: Option<String>,
}

/// The variables of one function.
#[derive(Debug)]
pub(crate) struct Scope {
    variables: Vec<Variable>,
    bindings: Vec<Id>,
}

impl Scope {
    pub(crate) fn new(ast: &Ast, function: Id) -> Self {
        let mut scope = Self { variables: Vec::new(), bindings: Vec::new() };
        for id in ast.subtree(function) {
            if ast.is(id, Concept::Identifier) && binds(ast, id, function) {
                scope.bind(ast, id, function);
            }
        }
        scope
    }

    fn bind(&mut self, ast: &Ast, id: Id, function: Id) {
        self.bindings.push(id);
        let name = ast.text(id);
        if name == "_" || ast.row().receivers.contains(&name) {
            return;
        }
        let parameter = ast
            .ancestors(id)
            .take_while(|&node| node != function)
            .any(|node| ast.is(node, Concept::Parameters));
        let holder = holder(ast, id, function);
        let visible = first_use(ast, id)..ast.end(holder);
        let known = self.variables.iter().any(|variable| {
            variable.name == name
                && variable.visible.start <= visible.start
                && visible.end <= variable.visible.end
        });
        if !known {
            let stated = stated(ast, id);
            self.variables.push(Variable { name: name.to_owned(), visible, parameter, stated });
        }
    }

    pub(crate) fn is_binding(&self, id: Id) -> bool {
        self.bindings.binary_search(&id).is_ok()
    }

    /// The variables that may be named at `at`, the latest bound first, each name once.
    pub(crate) fn visible_at(&self, at: usize) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for variable in self.variables.iter().rev().filter(|v| v.visible.contains(&at)) {
            if !names.contains(&variable.name.as_str()) {
                names.push(&variable.name);
            }
        }
        names
    }

    pub(crate) fn variable(&self, name: &str, at: usize) -> Option<&Variable> {
        self.variables.iter().rev().find(|v| v.name == name && v.visible.contains(&at))
    }

    pub(crate) fn variables(&self) -> &[Variable] {
        &self.variables
    }
}

/// From where the name bound at `id` can be read: not in the value that it is first given.
fn first_use(ast: &Ast, id: Id) -> usize {
    let binding = ast.ancestors(id).take(4).find(|&node| {
        ast.any(node, &[Concept::Assign, Concept::Declare]) && ast.value(node).is_some()
    });
    let apart = binding
        .filter(|&node| ast.value(node).is_some_and(|value| ast.start(value) > ast.start(id)));
    apart.map_or(ast.start(id), |node| ast.end(node))
}

/// The type that is stated for the name bound at `id`, with what C writes around the name.
fn stated(ast: &Ast, id: Id) -> Option<String> {
    let (mut marks, mut child) = (String::new(), id);
    for node in ast.ancestors(id).take(5) {
        if ast.any(node, &[Concept::Statements, Concept::Parameters]) {
            return None;
        }
        if let Some(of) = ast.children(node).find(|&other| ast.field(other) == "type") {
            return Some([ast.text(of), &marks].concat());
        }
        marks.push_str(match ast.kind(node) {
            "pointer_declarator" => "*",
            "array_declarator" => "[]",
            "reference_declarator" => "&",
            _ if ast.is(child, Concept::Pattern) => "?",
            _ => "",
        });
        child = node;
    }
    None
}

/// Whether the identifier stands where a name is bound.
fn binds(ast: &Ast, id: Id, function: Id) -> bool {
    if matches!(ast.field(id), "type" | "value" | "right" | "attribute" | "property")
        && !ast.is(id, Concept::Pattern)
    {
        return false;
    }
    // In the patterns of Rust, capitals are constants and variants.
    let capital = ast.text(id).starts_with(char::is_uppercase);
    let mut child = id;
    for node in ast.ancestors(id) {
        if ast.any(
            node,
            &[Concept::Type, Concept::Call, Concept::Member, Concept::Index, Concept::Statements],
        ) {
            return false;
        }
        if ast.is(node, Concept::Parameters) {
            return true;
        }
        let field = ast.field(child);
        if matches!(field, "type" | "value" | "right" | "key" | "default_value" | "size" | "update")
            && !matches!(ast.kind(node), "pair_pattern")
        {
            return false;
        }
        // Where names are declared, an assignment is to something that exists.
        let assigned = ast.is(node, Concept::Assign) && !ast.row().block_scoped;
        let target = (assigned || ast.any(node, &[Concept::Declare, Concept::Loop]))
            && ast.fills(child, Role::Left);
        // What follows `=` without a field of its own is C#'s value.
        let given = field.is_empty() && ast.value(node) == Some(child);
        if given && ast.any(node, &[Concept::Declare, Concept::DefaultParameter]) {
            return false;
        }
        let single = ast.is(node, Concept::Closure) && matches!(field, "parameter" | "parameters");
        let each = ast.kind(node) == "foreach_statement"
            && field.is_empty()
            && ast.parts(node).next() != Some(child);
        let handler = ast.is(node, Concept::Catch)
            && matches!(field, "parameter" | "alias" | "name" | "variable");
        let alias = ast.kind(child) == "as_pattern_target";
        if target || single || handler || alias || each || (field == "pattern" && !capital) {
            return true;
        }
        if node == function {
            return false;
        }
        child = node;
    }
    false
}

/// The node in which a name bound at `id` holds.
fn holder(ast: &Ast, id: Id, function: Id) -> Id {
    use Concept::{Arm, Catch, Closure, Function, If, Loop, Statements};
    for node in ast.ancestors(id) {
        if node == function || ast.any(node, &[Function, Closure]) {
            return node;
        }
        if !ast.row().block_scoped {
            if ast.is(node, Loop) && ast.kind(node).ends_with("_clause") {
                return ast.parent(node).unwrap_or(function);
            }
        } else if ast.any(node, &[Statements, Loop, If, Arm, Catch]) {
            return node;
        }
    }
    function
}
