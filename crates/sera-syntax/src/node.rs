//! The syntax tree as the engine sees it: a flat list of nodes in order of appearance, each with
//! its concepts, so that walking it neither allocates nor climbs from the root.
use crate::table::{Concept, Role, Row, row};
use sera_core::Language;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// The place of a node in [`Ast::nodes`].
pub(crate) type Id = usize;

/// A set of concepts.
type Concepts = u64;

const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Node {
    kind: &'static str,
    field: &'static str,
    concepts: Concepts,
    start: u32,
    end: u32,
    parent: u32,
    /// The first node after this one's subtree.
    after: u32,
    named: bool,
    extra: bool,
    broken: bool,
}

/// A file's nodes.
#[derive(Debug)]
pub(crate) struct Ast {
    text: Arc<str>,
    row: &'static Row,
    nodes: Vec<Node>,
}

/// What is looked up about a grammar once: kinds and fields by the grammar's numbers.
struct Grammar {
    kinds: Vec<(String, Concepts)>,
    fields: Vec<String>,
}

fn grammar_of(language: Language) -> &'static Grammar {
    static GRAMMARS: OnceLock<HashMap<Language, Grammar>> = OnceLock::new();
    let grammars = GRAMMARS.get_or_init(|| {
        Language::ALL.into_iter().map(|language| (language, Grammar::new(row(language)))).collect()
    });
    &grammars[&language]
}

impl Grammar {
    fn new(row: &Row) -> Self {
        let grammar = (row.grammar)();
        let kinds = u16::try_from(grammar.node_kind_count()).unwrap_or(u16::MAX);
        let fields = u16::try_from(grammar.field_count()).unwrap_or(u16::MAX);
        let name = |id| grammar.field_name_for_id(id).unwrap_or("").to_owned();
        Self {
            kinds: (0..kinds)
                .map(|id| {
                    let kind = grammar.node_kind_for_id(id).unwrap_or("").to_owned();
                    (kind, concepts_of(row, &grammar, id))
                })
                .collect(),
            fields: (0..=fields).map(name).collect(),
        }
    }
}

fn concepts_of(row: &Row, grammar: &tree_sitter::Language, id: u16) -> Concepts {
    let named = grammar.node_kind_is_named(id);
    let Some(kind) = grammar.node_kind_for_id(id).filter(|_| named) else { return 0 };
    let of = row.kinds.iter().filter(|(_, kinds)| kinds.contains(&kind));
    of.fold(0, |set, (concept, _)| set | bit(*concept))
}

fn bit(concept: Concept) -> Concepts {
    1 << (concept as u8)
}

impl Ast {
    pub(crate) fn new(language: Language, text: Arc<str>, tree: &tree_sitter::Tree) -> Self {
        let grammar = grammar_of(language);
        let mut nodes: Vec<Node> = Vec::with_capacity(text.len() / 3);
        let mut cursor = tree.walk();
        let mut parent = NONE;
        loop {
            let node = cursor.node();
            let known = grammar.kinds.get(usize::from(node.kind_id()));
            let id = u32::try_from(nodes.len()).unwrap_or(NONE);
            nodes.push(Node {
                kind: known.map_or("ERROR", |(kind, _)| kind),
                field: cursor
                    .field_id()
                    .map_or("", |field| &grammar.fields[usize::from(field.get())]),
                concepts: known.map_or(0, |(_, concepts)| *concepts),
                start: u32::try_from(node.start_byte()).unwrap_or(NONE),
                end: u32::try_from(node.end_byte()).unwrap_or(NONE),
                parent,
                after: id + 1,
                named: node.is_named(),
                extra: node.is_extra(),
                broken: node.is_error() || node.is_missing(),
            });
            if cursor.goto_first_child() {
                parent = id;
                continue;
            }
            loop {
                if cursor.goto_next_sibling() {
                    break;
                }
                if !cursor.goto_parent() {
                    return Self { text, row: row(language), nodes };
                }
                let after = u32::try_from(nodes.len()).unwrap_or(NONE);
                nodes[parent as usize].after = after;
                parent = nodes[parent as usize].parent;
            }
        }
    }

    pub(crate) fn row(&self) -> &'static Row {
        self.row
    }

    pub(crate) fn source(&self) -> &str {
        &self.text
    }

    pub(crate) fn all(&self) -> Range<Id> {
        0..self.nodes.len()
    }

    /// The node and everything below it, in order of appearance.
    pub(crate) fn subtree(&self, id: Id) -> Range<Id> {
        id..self.nodes[id].after as usize
    }

    pub(crate) fn is(&self, id: Id, concept: Concept) -> bool {
        self.nodes[id].concepts & bit(concept) != 0
    }

    pub(crate) fn any(&self, id: Id, concepts: &[Concept]) -> bool {
        concepts.iter().any(|&concept| self.is(id, concept))
    }

    pub(crate) fn kind(&self, id: Id) -> &'static str {
        self.nodes[id].kind
    }

    pub(crate) fn field(&self, id: Id) -> &'static str {
        self.nodes[id].field
    }

    pub(crate) fn named(&self, id: Id) -> bool {
        self.nodes[id].named
    }

    pub(crate) fn extra(&self, id: Id) -> bool {
        self.nodes[id].extra
    }

    pub(crate) fn broken(&self, id: Id) -> bool {
        self.nodes[id].broken
    }

    pub(crate) fn leaf(&self, id: Id) -> bool {
        self.nodes[id].after as usize == id + 1
    }

    pub(crate) fn span(&self, id: Id) -> Range<usize> {
        self.nodes[id].start as usize..self.nodes[id].end as usize
    }

    pub(crate) fn start(&self, id: Id) -> usize {
        self.nodes[id].start as usize
    }

    pub(crate) fn end(&self, id: Id) -> usize {
        self.nodes[id].end as usize
    }

    pub(crate) fn text(&self, id: Id) -> &str {
        &self.text[self.span(id)]
    }

    pub(crate) fn parent(&self, id: Id) -> Option<Id> {
        let parent = self.nodes[id].parent;
        (parent != NONE).then_some(parent as usize)
    }

    pub(crate) fn ancestors(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        std::iter::successors(self.parent(id), move |&id| self.parent(id))
    }

    pub(crate) fn children(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        let end = self.nodes[id].after as usize;
        let first = (id + 1 < end).then_some(id + 1);
        std::iter::successors(first, move |&child| {
            let next = self.nodes[child].after as usize;
            (next < end).then_some(next)
        })
    }

    /// Children that are syntax: named, and neither comments nor the like.
    pub(crate) fn parts(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        self.children(id).filter(|&child| self.named(child) && !self.extra(child))
    }

    /// The first child in `role`.
    pub(crate) fn role(&self, id: Id, role: Role) -> Option<Id> {
        let fields = self.row.roles.iter().find(|(r, _)| *r == role).map(|(_, fields)| *fields)?;
        self.children(id).find(|&child| fields.contains(&self.field(child)))
    }

    /// The name or the parameters of a definition, which C writes around each other.
    pub(crate) fn head(&self, id: Id, role: Role) -> Option<Id> {
        let declared = || {
            let is = |&child: &Id| {
                self.field(child) == "declarator" || self.kind(child).ends_with("_declarator")
            };
            self.children(id).find(is)
        };
        let inner = || match declared() {
            Some(name) if role == Role::Name && self.is_name(name) => Some(name),
            Some(declarator) => self.head(declarator, role),
            None => None,
        };
        // Of `a::b`, which may be several deep, the last is the definition's own.
        let found = self.role(id, role).or_else(inner)?;
        let qualified = role == Role::Name && self.kind(found) == "qualified_identifier";
        if qualified { self.head(found, role) } else { Some(found) }
    }

    fn is_name(&self, id: Id) -> bool {
        let whole = ["destructor_name", "operator_name"].contains(&self.kind(id));
        whole || self.any(id, &[Concept::Identifier, Concept::Property])
    }

    /// The value that a declaration, parameter or assignment gives.
    pub(crate) fn value(&self, id: Id) -> Option<Id> {
        self.role(id, Role::Right).or_else(|| {
            let mut rest = self.children(id).skip_while(|&child| self.text(child) != "=");
            rest.find(|&child| self.named(child))
        })
    }

    /// What is given to a call or put into brackets, without what the grammar wraps each in.
    pub(crate) fn given(&self, list: Id) -> Vec<Id> {
        self.parts(list).map(|argument| self.bare(argument)).collect()
    }

    /// What an argument holds, unless it is given by name.
    fn bare(&self, argument: Id) -> Id {
        let mut parts = self.parts(argument);
        match (parts.next(), parts.next()) {
            (Some(only), None) if self.is(argument, Concept::Argument) => only,
            (..) => argument,
        }
    }

    /// The parent, past what the grammar wraps arguments in.
    pub(crate) fn holder(&self, id: Id) -> Option<Id> {
        self.ancestors(id).find(|&node| !self.is(node, Concept::Argument))
    }

    /// The first list of statements in a node, which may be the node itself.
    pub(crate) fn block(&self, id: Id) -> Option<Id> {
        self.subtree(id).find(|&node| self.is(node, Concept::Statements))
    }

    /// What a statement is in itself: the expression, where it is nothing else.
    pub(crate) fn inner(&self, statement: Id) -> Id {
        let wraps = self.is(statement, Concept::ExpressionStatement);
        self.parts(statement).next().filter(|_| wraps).unwrap_or(statement)
    }

    /// The child in `role` if the node is a `concept`.
    pub(crate) fn role_of(&self, id: Id, concept: Concept, role: Role) -> Option<Id> {
        if self.is(id, concept) { self.role(id, role) } else { None }
    }

    /// Whether `id` fills `role` in its parent.
    pub(crate) fn fills(&self, id: Id, role: Role) -> bool {
        let fields = self.row.roles.iter().find(|(r, _)| *r == role).map_or(&[][..], |(_, f)| *f);
        fields.contains(&self.field(id))
    }

    /// The text of the operator of a binary, unary or assignment-like node.
    pub(crate) fn operator(&self, id: Id) -> Option<Id> {
        self.role(id, Role::Operator)
            .or_else(|| self.children(id).find(|&child| !self.named(child)))
    }

    /// The smallest node that spans exactly `span` and is a function or closure, else none.
    pub(crate) fn definition_at(&self, span: &Range<usize>) -> Option<Id> {
        let from = self.nodes.partition_point(|node| (node.start as usize) < span.start);
        (from..self.nodes.len()).take_while(|&id| self.start(id) == span.start).find(|&id| {
            self.end(id) == span.end && self.any(id, &[Concept::Function, Concept::Closure])
        })
    }
}
