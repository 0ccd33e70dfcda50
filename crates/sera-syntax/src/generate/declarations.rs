//! What is declared around a function and in it: constants, marks, bases, types, names of options.
use super::atoms::is_name;
use super::literals::neighbours_of;
use super::names::closest;
use crate::Operator;
use crate::facts::{is_constant, plain_key};
use crate::functions::own_decorators;
use crate::node::Id;
use crate::scene::{Risk, Scene};
use crate::table::{Concept, Role};
use sera_core::Language;

/// How many other names of options are tried in place of one.
const KEYS: (usize, usize) = (3, 8);
/// Types, each with one that a value may not fit into.
const WIDTHS: &[(&str, &str)] = &[
    ("long", "int"),
    ("size_t", "int"),
    ("int64_t", "int32_t"),
    ("uint64_t", "uint32_t"),
    ("double", "float"),
    ("unsigned char", "char"),
    ("unsigned int", "int"),
    ("unsigned long", "long"),
];

pub(super) fn generate(scene: &mut Scene<'_>) {
    for concept in [Concept::Keyword, Concept::Pair] {
        for id in scene.of(concept) {
            change_key(scene, id);
        }
    }
    change_widths(scene);
    if scene.fixing() {
        return;
    }
    drift_constants(scene);
    for id in scene.of(Concept::Cast) {
        drop_cast(scene, id);
    }
    remove_decorators(scene);
    remove_base(scene);
}

/// An option or entry is given under the name of another of this file.
fn change_key(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let Some(key) = plain_key(ast, id) else { return };
    let name = scene.text(key);
    let many = if scene.fixing() { KEYS.1 } else { KEYS.0 };
    let taken: Vec<&str> = ast
        .parent(id)
        .into_iter()
        .flat_map(|list| ast.parts(list))
        .filter_map(|other| ast.parts(other).next())
        .map(|other| scene.text(other))
        .collect();
    // Where types are checked, a field of another type would not compile.
    let fields = &scene.facts.fields;
    let checked = !scene.fixing() && ast.row().typed;
    let fits = |other: &String| {
        let same = fields.get(name).is_some_and(|of| fields.get(other) == Some(of));
        !taken.contains(&other.as_str()) && (!checked || same)
    };
    let told = scene.words().iter().filter(|word| is_name(scene, word)).cloned();
    let seen = closest(Some(&scene.facts.keys), name, many).into_iter().filter(fits);
    for other in seen.chain(told).collect::<Vec<_>>() {
        scene.push(Operator::KeyChange, ast.span(key), other, name, Risk::Syntax);
    }
}

/// C's types of values: one is exchanged for a narrower one, and when fixing for a wider one.
fn change_widths(scene: &mut Scene<'_>) {
    let ast = scene.ast;
    if !has_widths(scene) {
        return;
    }
    let types = ast.subtree(scene.body).filter(|&id| ast.field(id) == "type");
    for id in types.collect::<Vec<_>>() {
        let text = scene.text(id);
        let narrower = WIDTHS.iter().filter(|(wide, _)| *wide == text).map(|(_, other)| *other);
        let wider = WIDTHS.iter().filter(|(_, narrow)| *narrow == text).map(|(other, _)| *other);
        let wider = wider.filter(|_| scene.fixing());
        for other in narrower.chain(wider).collect::<Vec<_>>() {
            scene.push(Operator::CastChanged, ast.span(id), other, text, Risk::None);
        }
    }
}

fn has_widths(scene: &Scene<'_>) -> bool {
    matches!(scene.ast.row().language, Language::C | Language::Cpp)
}

/// `(long)x` becomes `x`.
fn drop_cast(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    if let Some(value) = ast.role(id, Role::Right).filter(|_| has_widths(scene)) {
        let of = ast.children(id).find(|&child| ast.field(child) == "type");
        let subject = of.map_or("cast", |of| scene.text(of));
        scene.push(Operator::CastChanged, ast.span(id), scene.text(value), subject, Risk::Syntax);
    }
}

/// Constants of this file that the function reads, each with the literal that defines it.
pub(super) fn constants(scene: &Scene<'_>) -> Vec<(Id, Id)> {
    let ast = scene.ast;
    let mut found: Vec<(Id, Id)> = Vec::new();
    for read in scene.of(Concept::Identifier).into_iter().chain(scene.of(Concept::Property)) {
        let name = scene.text(read);
        if !is_constant(name) || scene.scope.is_binding(read) {
            continue;
        }
        let defined = scene.facts.defined.get(name).copied().flatten();
        found.extend(defined.filter(|&at| is_own(scene, read, at)).map(|value| (read, value)));
    }
    let inside = |id: Id| ast.span(scene.root).contains(&ast.start(id));
    found.retain(|&(_, value)| !inside(value));
    found
}

/// Whether what is read is what is defined: by its plain name, of the object, or of its class.
fn is_own(scene: &Scene<'_>, read: Id, defined: Id) -> bool {
    let ast = scene.ast;
    let Some(parent) = ast.parent(read) else { return false };
    let access = ast.kind(parent) == "class_constant_access_expression";
    if !ast.is(parent, Concept::Member) && !access {
        return true;
    }
    let object = ast.role(parent, Role::Object).or_else(|| ast.parts(parent).next());
    let object = object.map_or("", |object| scene.text(object));
    let class = ast.ancestors(defined).find(|&node| ast.is(node, Concept::Container));
    let class = class.and_then(|class| ast.role(class, Role::Name)).map(|name| scene.text(name));
    let own = ast.row().receivers.contains(&object) || ["self", "static"].contains(&object);
    own || class == Some(object)
}

/// The number that a constant of the file stands for is another one.
fn drift_constants(scene: &mut Scene<'_>) {
    let ast = scene.ast;
    let mut seen = Vec::new();
    for (read, value) in constants(scene) {
        if seen.contains(&value) || ast.is(value, Concept::String) {
            continue;
        }
        seen.push(value);
        for other in neighbours_of(scene.text(value)) {
            let span = ast.span(value);
            scene.push(Operator::ConstantDrift, span, other, scene.text(read), Risk::None);
        }
    }
}

/// Marks that say nothing about what the function does.
const HARMLESS: [&str; 7] =
    ["Override", "Deprecated", "Suppress", "override", "deprecated", "Nullable", "overload"];

fn remove_decorators(scene: &mut Scene<'_>) {
    let ast = scene.ast;
    let above = ast
        .parent(scene.root)
        .into_iter()
        .flat_map(|parent| ast.children(parent).take_while(|&child| child != scene.root));
    let touching = |id: &Id| {
        let between = &ast.source()[ast.end(*id)..ast.start(scene.root)];
        between.lines().all(|line| line.trim().is_empty() || line.trim().starts_with(['@', '#']))
    };
    let above: Vec<Id> =
        above.filter(|&id| ast.is(id, Concept::Decorator)).filter(touching).collect();
    let rust = ast.row().language == Language::Rust;
    for id in above.into_iter().chain(own_decorators(ast, scene.root)).collect::<Vec<_>>() {
        let text = scene.text(id);
        if HARMLESS.iter().any(|mark| text.contains(mark)) || rust {
            continue;
        }
        if let Some(lines) = scene.lines_of(id) {
            scene.push(Operator::DecoratorRemoved, lines, "", text, Risk::None);
        }
    }
}

/// A class whose constructor this is no longer derives from anything.
fn remove_base(scene: &mut Scene<'_>) {
    let ast = scene.ast;
    let name = ast.head(scene.root, Role::Name).map_or("", |name| scene.text(name));
    let class = ast.ancestors(scene.root).find(|&node| ast.is(node, Concept::Container));
    let Some(class) = class.filter(|_| matches!(name, "__init__" | "initialize")) else { return };
    let bases = ast
        .children(class)
        .find(|&child| matches!(ast.field(child), "superclasses" | "superclass"));
    let Some(bases) = bases else { return };
    let before = ast.source()[..ast.start(bases)].trim_end().len();
    let subject = scene.text(bases).trim_matches(['(', ')', '<', ' ']);
    scene.push(Operator::BaseRemoved, before..ast.end(bases), "", subject, Risk::None);
}
