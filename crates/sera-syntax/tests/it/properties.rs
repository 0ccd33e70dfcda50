//! What holds for every edit of every function, also with other line ends and letters.
use crate::inverses::corpus;
use proptest::prelude::*;
use sera_core::Language;
use sera_syntax::{Mutation, Operator, edits, mutations, parse, same_code};

/// How many files the corpus has.
const FILES: usize = 11;

/// The corpus file as it is, with CRLF ends, with letters of several bytes, with tabs.
fn variant(text: &str, kind: usize) -> String {
    match kind {
        0 => text.to_owned(),
        1 => text.replace('\n', "\r\n"),
        2 => {
            let letters = text.replace("name", "näme").replace("total", "合計");
            letters.replace("nämespace", "namespace")
        }
        _ => text.replace("    ", "\t"),
    }
}

/// One of `every` edits, which ones by `at`.
fn some(
    edits: &[Mutation],
    every: usize,
    at: prop::sample::Index,
) -> impl Iterator<Item = &Mutation> {
    edits.iter().skip(at.index(every)).step_by(every)
}

fn undone(mutation: &Mutation) -> Mutation {
    let span = mutation.span.start..mutation.span.start + mutation.replacement.len();
    Mutation {
        span,
        replacement: mutation.removed.clone(),
        removed: mutation.replacement.clone(),
        ..mutation.clone()
    }
}

fn holds(language: Language, text: &str, edit: &Mutation) -> Result<(), TestCaseError> {
    prop_assert!(text.is_char_boundary(edit.span.start) && text.is_char_boundary(edit.span.end));
    prop_assert_eq!(&text[edit.span.clone()], &edit.removed);
    let edited = edit.apply(text);
    prop_assert!(!parse(language, edited.as_str()).has_errors(), "{:?}", edit);
    let same = same_code(language, text, &edited);
    let documentation = edit.operator == Operator::DocstringRemoved;
    prop_assert!(!same || documentation, "{:?}", edit);
    prop_assert_eq!(undone(edit).apply(&edited), text);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_edit_parses_changes_code_and_can_be_undone(
        file in 0..FILES, kind in 0..4usize, function in any::<prop::sample::Index>(), at in any::<prop::sample::Index>()
    ) {
        let (language, text) = corpus().swap_remove(file);
        let text = variant(&text, kind);
        let parsed = parse(language, text.as_str());
        prop_assert!(!parsed.has_errors());
        let functions = parsed.functions();
        let function = &functions[function.index(functions.len())];
        let words = ["naïve".to_owned(), "7".to_owned(), "'x'".to_owned()];
        let made = mutations(&parsed, function);
        let tried = edits(&parsed, function, &words);
        prop_assert_eq!(&made, &mutations(&parsed, function));
        for edit in some(&made, 8, at).chain(some(&tried, 48, at)) {
            holds(language, &text, edit)?;
        }
    }

    #[test]
    fn nothing_panics_on_torn_files(file in 0..FILES, from in any::<prop::sample::Index>(), length in 0..40usize) {
        let (language, mut text) = corpus().swap_remove(file);
        let start = from.index(text.len());
        let end = (start + length).min(text.len());
        text.replace_range(start..end, "");
        let parsed = parse(language, text.as_str());
        for function in parsed.functions().iter().take(3) {
            for mutation in mutations(&parsed, function) {
                prop_assert_eq!(&text[mutation.span.clone()], &mutation.removed);
            }
        }
        prop_assert!(parsed.tokens().iter().all(|token| token.text == &text[token.span.clone()]));
    }
}
