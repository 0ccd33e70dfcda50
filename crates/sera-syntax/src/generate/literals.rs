//! Literals: numbers, booleans, strings, and the defaults of parameters.
use super::atoms::is_literal;
use super::operands::is_compared;
use crate::Operator;
use crate::node::Id;
use crate::scene::{Risk, Scene};
use crate::table::{Concept, Role, SEPARATORS};

/// How many other strings of the file are tried in place of one.
const STRINGS: (usize, usize) = (3, 10);

pub(super) fn generate(scene: &mut Scene<'_>) {
    for id in scene.of(Concept::Number) {
        number(scene, Operator::NumberChange, id);
    }
    for id in scene.of(Concept::Boolean) {
        boolean(scene, Operator::BooleanFlip, id);
    }
    for id in scene.of(Concept::String) {
        string(scene, id);
    }
    defaults(scene);
}

fn number(scene: &mut Scene<'_>, operator: Operator, id: Id) {
    let ast = scene.ast;
    let text = scene.text(id);
    if ast.parent(id).is_some_and(|parent| ast.kind(parent) == "field_expression") {
        return;
    }
    let mut others: Vec<String> = Vec::new();
    let suffix = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let suffixed = !suffix.is_empty() && suffix.chars().all(|c| "uUlLmM".contains(c));
    let plain = if suffixed { &text[..text.len() - suffix.len()] } else { text };
    if let Ok(value) = plain.parse::<u64>() {
        let suffix = if suffixed { suffix } else { "" };
        others.extend(whole_numbers(value).map(|other| other + suffix));
        let signed = ast.parent(id).is_some_and(|parent| {
            ast.is(parent, Concept::Unary)
                || (ast.is(parent, Concept::Binary) && !(scene.fixing() && is_compared(scene, id)))
        });
        if !signed && value > 0 && !ast.row().typed {
            others.push(format!("-{value}"));
        }
    } else if let Some((whole, rest)) = text.split_once('.').filter(|_| text.parse::<f64>().is_ok())
    {
        if let Ok(value) = whole.parse::<u64>() {
            others.extend(whole_numbers(value).map(|other| format!("{other}.{rest}")));
        }
        if let Some(shorter) = rest.strip_prefix('0').filter(|shorter| !shorter.is_empty()) {
            others.push(format!("{whole}.{shorter}"));
        } else {
            others.push(format!("{whole}.0{rest}"));
        }
    }
    if scene.fixing() {
        others.extend(
            scene.words().iter().filter(|w| is_literal(w) && !w.starts_with(['\'', '"'])).cloned(),
        );
    }
    for other in others {
        let risk = if other.starts_with('-') { Risk::Syntax } else { Risk::None };
        scene.swap(operator, id, &other, risk);
    }
    drop_sign(scene, operator, id);
}

/// Whole numbers near the one that `text` writes, if it writes one.
pub(super) fn neighbours_of(text: &str) -> Vec<String> {
    text.parse::<u64>().map_or_else(|_| Vec::new(), |value| whole_numbers(value).collect())
}

/// The neighbours of `value`, and ten times more and less.
fn whole_numbers(value: u64) -> impl Iterator<Item = String> {
    let less = value.checked_sub(1);
    let tenth = (value > 0 && value.is_multiple_of(10)).then_some(value / 10);
    let tenfold = (value > 1).then(|| value.checked_mul(10)).flatten();
    less.into_iter().chain(value.checked_add(1)).chain(tenfold).chain(tenth).map(|n| n.to_string())
}

/// `-1` becomes `1`.
fn drop_sign(scene: &mut Scene<'_>, operator: Operator, id: Id) {
    let ast = scene.ast;
    let Some(parent) = ast
        .parent(id)
        .filter(|&parent| ast.is(parent, Concept::Unary) || ast.kind(parent) == "negative_literal")
    else {
        return;
    };
    if scene.text(parent).starts_with('-') && scene.text(parent).len() == scene.text(id).len() + 1 {
        scene.push(operator, ast.span(parent), scene.text(id), scene.text(parent), Risk::Syntax);
    }
}

fn boolean(scene: &mut Scene<'_>, operator: Operator, id: Id) {
    let (yes, no, _) = scene.ast.row().literals;
    let other = if scene.text(id) == yes { no } else { yes };
    scene.swap(operator, id, other, Risk::None);
}

/// The opening quote, prefix included, what is quoted, and the closing quote.
fn quoted(text: &str) -> Option<(&str, &str, &str)> {
    let open = text.find(['\'', '"', '`'])? + 1;
    let quote = &text[open - 1..open];
    let plain = !text[open..].is_empty()
        && text.ends_with(quote)
        && !text[open..].starts_with(&quote.repeat(2));
    plain.then(|| (&text[..open], &text[open..text.len() - 1], &text[text.len() - 1..]))
}

fn string(scene: &mut Scene<'_>, id: Id) {
    let ast = scene.ast;
    let text = scene.text(id);
    let short = text.len() <= 40
        && !text.contains(['\n', '\\', '{', '}', '%'])
        && ast.kind(id) != "concatenated_string";
    let Some((open, inner, close)) = quoted(text).filter(|_| short) else { return };
    if ast.subtree(id).skip(1).any(|node| ast.is(node, Concept::Interpolation))
        || is_sentence(inner)
    {
        return;
    }
    let mut others: Vec<String> = Vec::new();
    let wrap = |inner: &str| [open, inner, close].concat();
    if let Some(at) = SEPARATORS.iter().position(|separator| *separator == inner) {
        let near = [at.checked_sub(1), Some(at + 1)]
            .into_iter()
            .flatten()
            .filter_map(|at| SEPARATORS.get(at));
        others.extend(
            near.filter(|separator| !separator.contains('\\')).map(|separator| wrap(separator)),
        );
        if inner.trim() != inner {
            others.push(wrap(inner.trim()));
        } else {
            others.push(wrap(&format!("{inner} ")));
        }
    } else if inner.is_ascii() && !inner.is_empty() {
        for other in [inner.to_lowercase(), inner.to_uppercase(), capitalised(inner)] {
            others.push(wrap(&other));
        }
        others.truncate(if scene.fixing() { 3 } else { 2 });
    }
    others.extend(other_strings(scene, text, open));
    for word in scene.words() {
        let bare = quoted(word).map_or(word.as_str(), |(_, inner, _)| inner);
        if !bare.contains(['\'', '"', '`', '\\', '\n']) {
            others.push(wrap(bare));
        }
    }
    for other in others {
        scene.swap(Operator::StringChange, id, &other, Risk::None);
    }
}

/// Other strings with the same quotes: of the function, and when fixing of the file.
fn other_strings(scene: &Scene<'_>, text: &str, open: &str) -> Vec<String> {
    if text.len() <= 3 && !scene.fixing() {
        return Vec::new();
    }
    let fits = |other: &&str| {
        let inner =
            quoted(other).filter(|(quote, ..)| *quote == open).map_or("", |(_, inner, _)| inner);
        let alike = *other != text && other.len() <= 24 && !inner.is_empty();
        alike && !is_sentence(inner) && !inner.contains('\n')
    };
    let own = scene.of(Concept::String).into_iter().map(|id| scene.text(id)).filter(fits);
    let file = scene.facts.strings.names().filter(|_| scene.fixing()).filter(fits);
    let mut names: Vec<&str> = Vec::new();
    for name in own.chain(file) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let many = if scene.fixing() { STRINGS.1 } else { STRINGS.0 };
    names.into_iter().take(many).map(str::to_owned).collect()
}

/// Text for people: nothing depends on it.
fn is_sentence(inner: &str) -> bool {
    inner.split_whitespace().count() >= 3
}

fn capitalised(inner: &str) -> String {
    let mut chars = inner.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

fn defaults(scene: &mut Scene<'_>) {
    let ast = scene.ast;
    let Some(list) = ast.head(scene.root, Role::Parameters) else { return };
    for parameter in ast.parts(list).filter(|&id| ast.is(id, Concept::DefaultParameter)) {
        let Some(value) = ast.value(parameter) else { continue };
        if ast.is(value, Concept::Number) {
            number(scene, Operator::DefaultChanged, value);
        } else if ast.is(value, Concept::Boolean) {
            boolean(scene, Operator::DefaultChanged, value);
        } else if ast.is(value, Concept::Null) && ast.row().indented {
            scene.swap(Operator::DefaultChanged, value, ast.row().literals.1, Risk::None);
        }
        if scene.fixing() && ast.is(value, Concept::Boolean) && ast.row().indented {
            scene.swap(Operator::DefaultChanged, value, "None", Risk::None);
        }
    }
}
