//! The table itself: every rule finds what its own expression writes, and finds it again once its
//! letters and digits are exchanged, as those of a pseudonym are.
use super::{Place, Rule, rules};
use crate::redact::{Find, secrets};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::string::string_regex;
use proptest::test_runner::TestRunner;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// Texts that the rule is about, of which those that look random enough count.
fn samples(rule: &Rule, runner: &mut TestRunner) -> Vec<String> {
    let written = |expression: &str| string_regex(&printable(expression)).unwrap();
    let (before, strategy, after) = match rule.place {
        Place::At | Place::Before(_) => (String::new(), written(rule.expression), ""),
        Place::After => {
            let (opening, value) = rule.expression.split_once('}').unwrap();
            let (before, after) = match opening {
                "{=q" => (" = \"", ""),
                "{=n" => ("=", "\n"),
                _ => (": '", "'"),
            };
            (rule.needles[0].to_owned() + before, written(value), after)
        }
    };
    let mut draw =
        || format!("x {before}{}{after} y", strategy.new_tree(runner).unwrap().current());
    (0..12).map(|_| draw()).collect()
}

/// An expression that writes nothing but printable ASCII.
fn printable(expression: &str) -> String {
    let mut expression = expression
        .replace("(?i)", "")
        .replace(r"\s", " ")
        .replace("s.{", "s[ -~]{")
        .replace("t.{", "t[ -~]{");
    let mut from = 0;
    while let Some(at) = expression[from..].find("[^") {
        let end = from + at + expression[from + at..].find(']').unwrap();
        let class = format!("[{}&&[ -~]]", &expression[from + at..=end]);
        expression.replace_range(from + at..=end, &class);
        from += at + class.len();
    }
    expression
}

/// The first find of the rule, whatever other rules find there.
fn found(rule: &Rule, text: &str) -> Option<Find> {
    super::super::scan::by(rule, text).into_iter().next()
}

/// `value` with other letters and digits of the same classes, as pseudonyms have.
fn exchanged(value: &str, rng: &mut ChaCha8Rng) -> String {
    let letters = value.bytes().filter(u8::is_ascii_alphabetic);
    let letters = if letters.clone().all(|b| b.is_ascii_hexdigit()) { 6 } else { 26 };
    let mut draw = |first: u8, of: u8| char::from(first + rng.random_range(0..of));
    let mut last = ' ';
    let mut exchange = |c: char| {
        let kept = std::mem::replace(&mut last, c) == '\\';
        match c {
            _ if kept => c,
            '0'..='9' => draw(b'0', 10),
            'a'..='z' => draw(b'a', letters),
            'A'..='Z' => draw(b'A', letters),
            _ => c,
        }
    };
    value.chars().map(&mut exchange).collect()
}

#[test]
fn there_are_many_rules_and_each_has_a_name() {
    let ids: BTreeSet<&str> = rules().iter().map(|rule| rule.id).collect();
    assert!(ids.len() == rules().len() && ids.len() >= 200, "{}", ids.len());
    for rule in rules() {
        assert_eq!(rule.regex().captures_len(), 2, "{} has one group", rule.id);
        let needles = || rule.needles.iter();
        assert!(needles().all(|needle| needle.len() >= 2 && needle.is_ascii()), "{}", rule.id);
    }
}

#[test]
fn each_rule_finds_what_it_is_about() {
    let mut runner = TestRunner::deterministic();
    for rule in rules() {
        let samples = samples(rule, &mut runner);
        let found = samples.iter().filter(|text| found(rule, text).is_some()).count();
        // What an expression writes may be no random text, one of few characters most often.
        let least = if rule.random.is_some() { 3 } else { samples.len() };
        assert!(found >= least, "{} finds {found} of {samples:#?}", rule.id);
        assert!(samples.iter().any(|text| !secrets(text).is_empty()), "{}", rule.id);
    }
}

#[test]
fn each_rule_finds_a_pseudonym_where_the_secret_was() {
    let (mut runner, mut rng) = (TestRunner::deterministic(), ChaCha8Rng::seed_from_u64(5));
    for rule in rules() {
        for text in samples(rule, &mut runner) {
            let Some(find) = found(rule, &text) else { continue };
            for _ in 0..4 {
                let value = exchanged(&text[find.span.clone()], &mut rng);
                let other = [&text[..find.span.start], &value, &text[find.span.end..]].concat();
                if rule.random.is_none_or(|random| random.holds(&value)) {
                    assert_eq!(found(rule, &other).as_ref(), Some(&find), "{text:?} {other:?}");
                }
            }
        }
    }
}
