//! The edits of one function as a grammar: every answer that it spells is an edit that can be read
//! and names lines and words which the function has.
use super::EDIT;
use super::numbered::{COMES, GOES, NTH, TO};
use std::fmt::Write as _;

/// The grammar of [`super::LineEdit`]s of these lines, in llguidance's dialect of Lark.
pub fn edits(function: &[&str]) -> String {
    let mut rules = String::new();
    let mut rule = |name: &str, body: &str| {
        writeln!(rules, "{name}: {body}").expect("writing to a string does not fail");
    };
    let lines = 1..=function.len();
    let worded = |line: &usize| !function[line - 1].trim().is_empty();
    let any = |of: &mut dyn Iterator<Item = String>| of.collect::<Vec<_>>().join(" | ");
    rule("start", &format!("{} ( words | insert | replace )", quoted(EDIT)));

    rule("words", &any(&mut lines.clone().filter(worded).map(|line| format!("words{line}"))));
    for line in lines.clone().filter(worded) {
        let gone = quoted(&format!("\n{GOES} "));
        rule(&format!("words{line}"), &format!("\"{line}\" NTH? {gone} OLD{line} come*"));
        let text = quoted(function[line - 1]);
        rule(&format!("LINE{line}"), &format!("%regex {{ \"substring_chars\": {text} }}"));
        rule(&format!("OLD{line}"), &format!("LINE{line} & /.*[^ \\t].*/"));
    }
    rule("NTH", &format!("/{NTH}[2-9]/"));

    let after = any(&mut (0..=function.len()).map(|line| format!("\"{line}\"")));
    rule("insert", &format!("( {after} ) come+"));

    // From a line to itself or a later one.
    rule("replace", &any(&mut lines.clone().map(|line| format!("\"{line}{TO}\" to{line} come*"))));
    for line in lines {
        let later =
            if line < function.len() { format!(" | to{}", line + 1) } else { String::new() };
        rule(&format!("to{line}"), &format!("\"{line}\"{later}"));
    }
    rule("come", &format!("{} REST?", quoted(&format!("\n{COMES}"))));
    rule("REST", "/ [^\\n]+/");
    rules
}

/// A string as Lark and JSON spell it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::LineEdit;
    use super::*;
    use llguidance::api::TopLevelGrammar;
    use llguidance::toktrie::ApproximateTokEnv;
    use llguidance::{Matcher, ParserFactory};

    const FUNCTION: [&str; 4] = ["def f(x):", "    # \"é\\n\"", "", "    return x + x"];

    /// Whether the grammar of `function` spells `answer`, to its end.
    fn spells(function: &[&str], answer: &str) -> bool {
        let mut factory = ParserFactory::new_simple(&ApproximateTokEnv::single_byte_env()).unwrap();
        factory.quiet();
        let parser = factory.create_parser(TopLevelGrammar::from_lark(edits(function))).unwrap();
        let mut matcher = Matcher::new(Ok(parser));
        let tokens: Vec<u32> = answer.bytes().map(u32::from).collect();
        matcher.try_consume_tokens(&tokens).unwrap() == tokens.len()
            && matcher.is_accepting().unwrap()
    }

    fn check(answer: &str, expect: bool) {
        assert_eq!(spells(&FUNCTION, answer), expect, "{answer:?}");
        assert!(!expect || LineEdit::read(answer).is_some(), "{answer:?} cannot be read");
    }

    #[test]
    fn edits_of_the_function_are_spelled() {
        for answer in [
            "edit: 4\n- x\n+ y",
            "edit: 4:2\n- x\n+ y",
            "edit: 1\n- f(x):\n+ f(x, y):\n+     pass",
            "edit: 2\n- \"é\\n\"",
            "edit: 0\n+ import a",
            "edit: 4\n+\n+     pass",
            "edit: 1-4\n+ x",
            "edit: 2-2",
        ] {
            check(answer, true);
        }
    }

    #[test]
    fn nothing_else_is() {
        for answer in [
            "",
            "open: a.py::f",
            "edit: 4\n- z\n+ y",
            "edit: 1\n- return",
            "edit: 5\n- x\n+ y",
            "edit: 5\n+ x",
            "edit: 3\n- \n+ x",
            "edit: 4\n-  ",
            "edit: 3-2\n+ x",
            "edit: 4",
            "edit: 4\n- x\n+ y\ndone",
        ] {
            check(answer, false);
        }
    }

    #[test]
    fn what_a_real_edit_writes_is_spelled() {
        let edits = [
            LineEdit::Words { line: 4, nth: 2, old: "x".to_owned(), new: "y".to_owned() },
            LineEdit::Insert { after: 4, new: vec![String::new(), "    pass".to_owned()] },
            LineEdit::Replace { lines: (1, 2), new: vec!["def g(x):".to_owned()] },
        ];
        for edit in edits {
            check(&edit.write(), true);
        }
    }

    #[test]
    fn long_functions_have_a_grammar() {
        let line = |i: usize| format!("    value_{i} = compute(first_{i}, second, \"{}\")", i * 7);
        let lines: Vec<String> = (0..200).map(line).collect();
        let function: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert!(spells(&function, "edit: 150\n- first_149\n+ first"));
    }
}
