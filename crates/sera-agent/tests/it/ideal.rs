//! The conversation that evaluation scores, and which words of it.
use crate::shop::{PRICE, change, environment, fix, fixed, task};
use sera_agent::dialect::Conversation;
use sera_agent::{Ideal, reference_spans};
use sera_core::{Action, Role};
use std::ops::Range;

fn scored(ideal: &Ideal) -> Vec<&str> {
    let Conversation { messages, changed, .. } = &ideal.conversation;
    let text = |(m, range): &(usize, Range<usize>)| {
        messages[*m].content.get(range.clone()).unwrap_or("END")
    };
    changed.iter().map(text).collect()
}

#[test]
fn only_changed_words_are_scored() {
    let ideal = reference_spans(&fix(), environment()).unwrap();
    assert_eq!(scored(&ideal), ["+"]);
    let actions: Vec<&Action> = ideal.steps.iter().map(|s| &s.action).collect();
    assert!(
        matches!(actions[..], [Action::Search { .. }, Action::Open { .. }, Action::Edit { .. }]),
        "{actions:?}"
    );
    assert!(ideal.steps[0].masked, "the harness searched");
    assert_eq!(ideal.conversation.messages.last().map(|m| m.role), Some(Role::Assistant));
    assert_eq!(
        ideal.conversation.messages.len(),
        2 + 2 + 1,
        "the student does not read the search"
    );
}

#[test]
fn references_of_every_shape() {
    let check = |wanted: &str, expect: &[&str], steps: usize| {
        let ideal = reference_spans(&task(change("shop/price.py", PRICE, wanted)), environment());
        let ideal = ideal.unwrap();
        assert_eq!(scored(&ideal), expect, "{wanted}");
        assert_eq!(ideal.steps.len(), steps, "{wanted}");
    };
    check(
        &PRICE.replace(
            "    net = net_total(items)\n",
            "    net = net_total(items)\n    check(net)\n",
        ),
        &["+     check(net)"],
        3,
    );
    check(&PRICE.replace("    total = 0\n", ""), &["2-2"], 3);
    check(&fixed().replace("* 100) / 100", "* 1000) / 1000"), &["+", "1000", "1000"], 5);
    check(&format!("{PRICE}\n\nLIMIT = 3\n"), &["\n\nLIMIT = 3\n"], 3);
    let created = sera_core::Patch {
        files: sera_core::FilePatch::between(&crate::shop::path("new.py"), None, Some("x = 1\n"))
            .into_iter()
            .collect(),
    };
    let ideal = reference_spans(&task(created), environment()).unwrap();
    assert_eq!(scored(&ideal), ["x = 1\n"]);
}

#[test]
fn what_does_not_apply_has_no_ideal() {
    let stale = change("shop/price.py", "a = 1\n", "a = 2\n");
    assert_eq!(reference_spans(&task(stale), environment()), None);
    let deleted = sera_core::Patch {
        files: sera_core::FilePatch::between(
            &crate::shop::path("shop/price.py"),
            Some(PRICE),
            None,
        )
        .into_iter()
        .collect(),
    };
    assert_eq!(reference_spans(&task(deleted), environment()), None);
}
