//! What a whole file says about its names: which members a receiver has, what can be called,
//! which arguments and links are usual. Computed once per parsed file.
use crate::functions::{callee, own_decorators, scope};
use crate::node::{Ast, Id};
use crate::table::{Concept, Role};
use std::collections::{HashMap, HashSet};

/// Names by order of first appearance, each with how often it occurs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    names: Vec<(String, usize)>,
    places: HashMap<String, usize>,
}

impl Tally {
    pub(crate) fn add(&mut self, name: &str) {
        if let Some(&at) = self.places.get(name) {
            self.names[at].1 += 1;
        } else {
            self.places.insert(name.to_owned(), self.names.len());
            self.names.push((name.to_owned(), 1));
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| name.as_str())
    }

    /// The `limit` most frequent, ties by first appearance.
    pub(crate) fn frequent(&self, limit: usize) -> Vec<&str> {
        let mut order: Vec<&(String, usize)> = self.names.iter().collect();
        order.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        order.into_iter().take(limit).map(|(name, _)| name.as_str()).collect()
    }
}

/// The names of a file.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Members read, by receiver as written.
    pub(crate) attributes: HashMap<String, Tally>,
    /// Methods called, by receiver as written.
    pub(crate) methods: HashMap<String, Tally>,
    /// Methods called on anything, and defined here.
    pub(crate) all_methods: Tally,
    /// Plain functions called or defined here.
    pub(crate) functions: Tally,
    /// Plain functions called with exactly one argument.
    pub(crate) wrappers: Tally,
    /// `.method(short)` as written.
    pub(crate) links: Tally,
    /// Names in capitals.
    pub(crate) constants: Tally,
    /// Variables of the object, where a sign tells them.
    pub(crate) state: Tally,
    /// Names in capitals that the file defines by a literal, each with it; none where it does so
    /// twice.
    pub(crate) defined: HashMap<String, Option<Id>>,
    /// Functions defined here whose body is one returned expression, each with it; none where
    /// several have the name.
    pub(crate) helpers: HashMap<String, Option<Id>>,
    /// Names that options and entries are given under.
    pub(crate) keys: Tally,
    /// Short strings, quotes included.
    pub(crate) strings: Tally,
    /// Names given to arguments, by callee.
    pub(crate) keywords: HashMap<String, Tally>,
    /// Types a function defined here takes and returns, as written.
    pub(crate) signatures: HashMap<String, String>,
    /// Functions defined here that return the type of their only parameter.
    pub(crate) preserving: HashSet<String>,
    /// Types of the fields declared here, as written.
    pub(crate) fields: HashMap<String, String>,
    /// What is passed last where more than one argument is, as written, by callee.
    pub(crate) passed_last: HashMap<String, Tally>,
    /// Names brought in from elsewhere.
    pub(crate) imported: Tally,
    /// Names of the functions defined here as members.
    pub(crate) members: HashSet<String>,
    /// Functions defined here that take more than they name.
    pub(crate) open_ended: HashSet<String>,
    /// How many parameters of a function defined here have a default.
    pub(crate) optional: HashMap<String, usize>,
    /// Parameters of the functions defined here.
    pub(crate) parameters: HashMap<String, Vec<String>>,
}

impl Facts {
    pub(crate) fn new(ast: &Ast) -> Self {
        let mut facts = Self::default();
        let mut imported = 0;
        for id in ast.all() {
            facts.define(ast, id);
            if let Some(key) = plain_key(ast, id) {
                facts.keys.add(ast.text(key));
            }
            if ast.is(id, Concept::Import) {
                imported = imported.max(ast.end(id));
                facts.import(ast, id);
            } else if ast.start(id) < imported {
                continue;
            } else if ast.kind(id) == "field_declaration" {
                facts.field(ast, id);
            } else if ast.is(id, Concept::Call) {
                facts.call(ast, id);
            } else if ast.is(id, Concept::Member) {
                facts.member(ast, id);
            } else if ast.is(id, Concept::Function) {
                facts.definition(ast, id);
            } else if ast.is(id, Concept::Identifier)
                && is_constant(ast.text(id))
                && !ast.parent(id).is_some_and(|parent| {
                    ast.is(parent, Concept::Member) && ast.fills(id, Role::Property)
                })
            {
                facts.constants.add(ast.text(id));
            } else if ast.kind(id) == "instance_variable" {
                facts.state.add(ast.text(id));
            } else if ast.is(id, Concept::String)
                && ast.text(id).len() <= 24
                && !ast.text(id).contains('\n')
            {
                facts.strings.add(ast.text(id));
            }
        }
        facts
    }

    /// `LIMIT = 80`, in whichever way the language says it.
    fn define(&mut self, ast: &Ast, id: Id) {
        if !ast.any(id, &[Concept::Identifier, Concept::Property]) || !is_constant(ast.text(id)) {
            return;
        }
        let literal = |value: Id| {
            let number = ast.kind(value) == "preproc_arg" && ast.text(value).parse::<u64>().is_ok();
            let plain = ast.any(value, &[Concept::Number, Concept::String]);
            number || (plain && !ast.text(value).contains('\n'))
        };
        let Some(parent) = ast.parent(id).filter(|&parent| {
            ast.any(parent, &[Concept::Assign, Concept::Declare])
                || matches!(ast.kind(parent), "const_item" | "const_element" | "preproc_def")
        }) else {
            return;
        };
        let value = ast.value(parent).map(|value| {
            let mut inner = ast.parts(value);
            match (ast.kind(value), inner.next(), inner.next()) {
                ("expression_list", Some(only), None) => only,
                (..) => value,
            }
        });
        if let Some(value) = value.filter(|&value| literal(value)) {
            let only = |known: &mut Option<Id>| *known = None;
            let name = ast.text(id).to_owned();
            self.defined.entry(name).and_modify(only).or_insert(Some(value));
        }
    }

    fn call(&mut self, ast: &Ast, id: Id) {
        let Some(callee) = callee(ast, id) else { return };
        let arguments = ast.role(id, Role::Arguments);
        let given: Vec<Id> = arguments.map_or_else(Vec::new, |list| ast.given(list));
        let name = ast.text(callee.name);
        if let Some(object) = callee.object {
            self.all_methods.add(name);
            if !ast.role(id, Role::Callee).is_some_and(|node| ast.is(node, Concept::Member)) {
                self.methods.entry(ast.text(object).to_owned()).or_default().add(name);
            }
            self.link(ast, ast.end(object)..ast.end(id), &given);
        } else if callee.plain {
            self.functions.add(name);
        }
        let alone = given.len() == 1 && !ast.is(given[0], Concept::Keyword);
        if alone && callee.text.len() <= 24 && !callee.text.contains(['(', '\n']) {
            self.wrappers.add(callee.text);
        }
        if let [_, .., last] = given[..]
            && !ast.is(last, Concept::Keyword)
            && ast.text(last).len() <= 24
            && !ast.text(last).contains('\n')
        {
            self.passed_last.entry(name.to_owned()).or_default().add(ast.text(last));
        }
        for keyword in given.into_iter().filter(|&argument| ast.is(argument, Concept::Keyword)) {
            if let Some(key) = ast.role(keyword, Role::Name) {
                self.keywords.entry(name.to_owned()).or_default().add(ast.text(key));
            }
        }
    }

    /// `.method(short)` at `span`.
    fn link(&mut self, ast: &Ast, span: std::ops::Range<usize>, given: &[Id]) {
        let brief = |&argument: &Id| ast.leaf(argument) || ast.text(argument).len() <= 8;
        let link = &ast.source()[span];
        if given.len() <= 1 && given.iter().all(brief) && link.len() <= 24 && !link.contains('\n') {
            self.links.add(link);
        }
    }

    fn import(&mut self, ast: &Ast, id: Id) {
        let names = ast.subtree(id).filter(|&node| ast.is(node, Concept::Identifier));
        for name in names {
            self.imported.add(ast.text(name));
        }
    }

    fn member(&mut self, ast: &Ast, id: Id) {
        let (Some(object), Some(property)) =
            (ast.role(id, Role::Object), ast.role(id, Role::Property))
        else {
            return;
        };
        let receiver = ast.text(object).to_owned();
        let called = ast.fills(id, Role::Callee)
            && ast.parent(id).is_some_and(|call| ast.is(call, Concept::Call));
        let of = if called { &mut self.methods } else { &mut self.attributes };
        of.entry(receiver).or_default().add(ast.text(property));
    }

    fn field(&mut self, ast: &Ast, id: Id) {
        let Some(of) = ast.children(id).find(|&child| ast.field(child) == "type") else { return };
        for child in ast.children(id).filter(|&c| matches!(ast.field(c), "name" | "declarator")) {
            let mut names = ast.subtree(child);
            let name = names.find(|&n| ast.any(n, &[Concept::Identifier, Concept::Property]));
            if let Some(name) = name {
                // What stands around the name belongs to its type: `*`, `[]`.
                let around = ast.start(name) - ast.start(child);
                let of = [ast.text(of), &ast.text(child)[..around]].concat();
                self.fields.insert(ast.text(name).to_owned(), of);
            }
        }
    }

    fn signature(&mut self, ast: &Ast, id: Id, list: Id, name: &str) {
        let typed = |node: Id| {
            let of = ast.children(node).find(|&child| ast.field(child) == "type")?;
            Some([ast.text(of), &marks(ast, node)].concat())
        };
        let taken: Vec<String> = ast.parts(list).filter_map(typed).collect();
        let returned = ast.children(id).find(|&child| {
            matches!(ast.field(child), "return_type" | "result" | "returns" | "type")
        });
        let returned = returned.map_or("", |node| ast.text(node));
        if taken.len() == 1 && taken[0] == returned {
            self.preserving.insert(name.to_owned());
        }
        self.signatures.insert(name.to_owned(), format!("{} -> {returned}", taken.join(", ")));
    }

    fn definition(&mut self, ast: &Ast, id: Id) {
        let Some(name) = ast.head(id, Role::Name).map(|name| ast.text(name)) else { return };
        let member = scope(ast, id).is_some()
            || ast.ancestors(id).any(|outer| ast.is(outer, Concept::Container))
            || ast.children(id).any(|child| ast.field(child) == "receiver");
        if member {
            self.all_methods.add(name);
            self.members.insert(name.to_owned());
        } else {
            self.functions.add(name);
        }
        let Some(list) = ast.head(id, Role::Parameters) else { return };
        self.signature(ast, id, list, name);
        let optional = ast.parts(list).filter(|&parameter| {
            ast.is(parameter, Concept::DefaultParameter) && ast.value(parameter).is_some()
        });
        let most = self.optional.entry(name.to_owned()).or_default();
        *most = (*most).max(optional.count());
        let open_ended = |parameter: Id| {
            let marks = ["splat", "variadic", "rest_pattern", "spread"];
            ast.subtree(parameter).any(|node| marks.iter().any(|m| ast.kind(node).contains(m)))
        };
        if ast.parts(list).any(open_ended) {
            self.open_ended.insert(name.to_owned());
        }
        let marked = ast.text(id).starts_with("async") || own_decorators(ast, id).next().is_some();
        let called_plainly = !marked && (!member || ast.row().implicit_receiver);
        let value = returned(ast, id).filter(|_| called_plainly && all_plain(ast, list));
        let only = |known: &mut Option<Id>| *known = None;
        self.helpers.entry(name.to_owned()).and_modify(only).or_insert(value);
        let names = ast.parts(list).filter_map(|parameter| {
            ast.subtree(parameter)
                .find(|&node| ast.is(node, Concept::Identifier))
                .map(|node| ast.text(node))
        });
        let names = names.filter(|name| !ast.row().receivers.contains(name)).map(str::to_owned);
        self.parameters.insert(name.to_owned(), names.collect());
    }
}

/// The name that an option or entry is given under, if it is one and no value or expression.
pub(crate) fn plain_key(ast: &Ast, entry: Id) -> Option<Id> {
    // The keys of Python's and PHP's tables are expressions.
    let option = ast.is(entry, Concept::Keyword);
    if !option && (ast.row().hinted || !ast.is(entry, Concept::Pair)) {
        return None;
    }
    let key = ast.role(entry, Role::Name).or_else(|| {
        let is = |&child: &Id| matches!(ast.field(child), "key" | "field" | "designator");
        ast.children(entry).find(is)
    })?;
    let word = ast.text(key).chars().all(|c| c.is_alphanumeric() || c == '_');
    let named = word && ast.text(key).starts_with(|c: char| c.is_alphabetic() || c == '_');
    (named && ast.leaf(key)).then_some(key)
}

/// What a function returns whose body says nothing else.
fn returned(ast: &Ast, function: Id) -> Option<Id> {
    let body = ast.role(function, Role::Body)?;
    let list = ast.block(body)?;
    let mut statements = ast.parts(list);
    let only = statements.next().filter(|_| statements.next().is_none())?;
    let value = ast.is(only, Concept::Return).then(|| ast.parts(only).next())??;
    let text = ast.text(value);
    let whole = ast.end(value) <= ast.end(only) && !text.contains(['\n', ';']);
    let held = ast.subtree(value).any(|node| ast.is(node, Concept::Closure));
    (whole && !held).then_some(value)
}

/// Whether every parameter is one plain name that must be given.
fn all_plain(ast: &Ast, list: Id) -> bool {
    ast.parts(list).all(|parameter| {
        let marks = ["splat", "variadic", "rest", "spread", "self"];
        let default =
            ast.is(parameter, Concept::DefaultParameter) && ast.value(parameter).is_some();
        !default && !marks.iter().any(|mark| ast.kind(parameter).contains(mark))
    })
}

/// What a declarator writes around a name that belongs to its type: `*` once for each pointer.
pub(crate) fn marks(ast: &Ast, declaration: Id) -> String {
    let mark = |node: Id| match ast.kind(node) {
        "pointer_declarator" | "abstract_pointer_declarator" => "*",
        "array_declarator" | "abstract_array_declarator" => "[]",
        "reference_declarator" | "abstract_reference_declarator" => "&",
        _ => "",
    };
    ast.subtree(declaration).map(mark).collect()
}

pub(crate) fn is_constant(name: &str) -> bool {
    name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}
