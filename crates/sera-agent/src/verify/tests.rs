//! Verdicts in tables, and bounds for any candidate.
use super::*;
use proptest::prelude::*;
use sera_core::trajectory::{Limit, TRAJECTORY_SCHEMA};
use sera_core::{
    Base, CommitId, Family, Origin, Outcome, Register, SeedId, TaskId, TrajectoryId, Usage,
};
use sera_testkit::MemoryTree;

const BEFORE: &str = "def add(a, b):\n    total = a - b\n    return total\n\n\ndef twice(a):\n    return add(a, a)\n";

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

fn change(file: &str, old: &str, new: &str) -> Patch {
    Patch { files: FilePatch::between(&path(file), Some(old), Some(new)).into_iter().collect() }
}

fn task(reference: Patch, description: &str) -> Task {
    Task {
        schema: sera_core::task::TASK_SCHEMA.to_owned(),
        id: TaskId::new(1, b"task"),
        seed: SeedId::of(&["seed"]),
        origin: Origin::Commit { commit: CommitId::from_hex("c") },
        base: Base { commit: CommitId::from_hex("b"), bug: None },
        description: description.to_owned(),
        register: Register::Symptom,
        family: Family("wrong-operator".to_owned()),
        reference,
        held_out: false,
        rng_seed: 0,
    }
}

fn trajectory(description: &str, outcome: Outcome) -> Trajectory {
    Trajectory {
        schema: TRAJECTORY_SCHEMA.to_owned(),
        id: TrajectoryId::new(1, b"trajectory"),
        task: TaskId::new(1, b"task"),
        description: description.to_owned(),
        teacher: "test".to_owned(),
        prompts: String::new(),
        rng_seed: 0,
        steps: Vec::new(),
        outcome,
        usage: Usage::default(),
        cost_microdollars: 0,
    }
}

fn judge(description: &str, wanted: &str, found: &str) -> Verdict {
    let base = MemoryTree::new([("a.py", BEFORE)]);
    let task = task(change("a.py", BEFORE, wanted), description);
    let outcome = Outcome::Submitted { patch: change("a.py", BEFORE, found) };
    verify(&task, &trajectory(description, outcome), &base, &Thresholds::default())
}

fn fixed() -> String {
    BEFORE.replace("a - b", "a + b")
}

#[test]
fn candidates_are_judged() {
    let check = |name: &str, description: &str, found: &str, expect: Option<Rejection>| {
        assert_eq!(judge(description, &fixed(), found).rejected, expect, "{name}");
    };
    check("the reference itself", "sums are wrong", &fixed(), None);
    check("nothing", "sums are wrong", BEFORE, Some(Rejection::Empty));
    let other = BEFORE.replace("add(a, a)", "add(a, 0)");
    check("another place", "sums are wrong", &other, Some(Rejection::LowRecall));
    let broken = BEFORE.replace("a - b", "a + ) b");
    check("broken", "sums are wrong", &broken, Some(Rejection::ParseError));
    let spaced = BEFORE.replace("a - b", "a  +  b");
    check("the same code, spaced otherwise", "sums are wrong", &spaced, None);
    let rewritten = fixed().replace("\n\n\n", "\n\n\nx1 = 1\nx2 = 2\nx3 = 3\nx4 = 4\nx5 = 5\n");
    check("far more than asked", "sums are wrong", &rewritten, Some(Rejection::TooLarge));
}

#[test]
fn a_quoted_line_is_a_leak() {
    let wanted = BEFORE.replace("a - b", "combine(a, b, start=0)");
    let check = |description: &str, expect| {
        assert_eq!(judge(description, &wanted, &wanted).rejected, expect, "{description}");
    };
    check("use combine for a and b", None);
    check("write `total = combine(a, b, start=0)` there", Some(Rejection::Leak));
    check("write total=combine( a,b , start there", Some(Rejection::Leak));
    check("write combine(a, b, there", None);
}

#[test]
fn what_was_not_submitted_is_refused() {
    let base = MemoryTree::new([("a.py", BEFORE)]);
    let task = task(change("a.py", BEFORE, &fixed()), "sums are wrong");
    let outcome = Outcome::LimitReached { limit: Limit::Steps };
    let verdict = verify(&task, &trajectory("", outcome), &base, &Thresholds::default());
    assert_eq!(verdict.rejected, Some(Rejection::NotSubmitted));
}

#[test]
fn files_and_symbols_are_compared() {
    let base = MemoryTree::new([("a.py", BEFORE), ("b.py", BEFORE)]);
    let task = task(change("a.py", BEFORE, &fixed()), "sums are wrong");
    let judge = |patch: Patch| {
        let trajectory = trajectory("sums are wrong", Outcome::Submitted { patch });
        verify(&task, &trajectory, &base, &Thresholds::default())
    };
    let elsewhere = judge(change("b.py", BEFORE, &fixed()));
    assert_eq!(elsewhere.rejected, Some(Rejection::WrongFile));
    assert_eq!(elsewhere.symbols, 0.0);
    let both = BEFORE.replace("a - b", "a + b").replace("add(a, a)", "add(a, 0)");
    let both = judge(change("a.py", BEFORE, &both));
    assert_eq!((both.symbols, both.tree_equal, both.rejected), (0.5, false, None));
    let same = judge(change("a.py", BEFORE, &fixed()));
    assert_eq!((same.symbols, same.tree_equal, same.parse_ok), (1.0, true, true));
    let stale = judge(change("a.py", "def other():\n    pass\n", "def other():\n    return\n"));
    assert_eq!(stale.rejected, Some(Rejection::ParseError), "a patch that does not apply");
}

#[test]
fn a_file_that_never_parsed_may_stay_so() {
    let base_text = "def f(:\n    pass\n\n\ndef g():\n    return 1\n";
    let wanted = base_text.replace("return 1", "return 2");
    let base = MemoryTree::new([("a.py", base_text)]);
    let task = task(change("a.py", base_text, &wanted), "g is wrong");
    let outcome = Outcome::Submitted { patch: change("a.py", base_text, &wanted) };
    let verdict = verify(&task, &trajectory("", outcome), &base, &Thresholds::default());
    assert_eq!(verdict.rejected, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn numbers_stay_in_bounds(lines in prop::collection::vec("[a-d =+()\n]{0,12}", 0..6)) {
        let verdict = judge("sums are wrong", &fixed(), &lines.join("\n"));
        for share in [verdict.overlap.recall, verdict.overlap.weighted_recall, verdict.symbols,
            verdict.overlap.precision, verdict.overlap.f1, verdict.overlap.files] {
            prop_assert!((0.0..=1.0).contains(&share), "{verdict:?}");
        }
        prop_assert!(verdict.overlap.size_ratio >= 0.0);
        if verdict.accepted() {
            prop_assert!(verdict.parse_ok);
            prop_assert!(verdict.overlap.weighted_recall >= 0.5 || verdict.tree_equal);
            prop_assert!(verdict.overlap.size_ratio <= 3.0);
        }
    }

    #[test]
    fn the_reference_is_always_its_own_best_candidate(text in "([a-c]{1,3} = [a-c]\n){1,6}") {
        prop_assume!(text != BEFORE);
        let verdict = judge("sums are wrong", &text, &text);
        prop_assert!(verdict.accepted(), "{:?}", verdict);
        prop_assert_eq!(verdict.overlap.recall, 1.0);
        prop_assert_eq!((verdict.symbols, verdict.tree_equal), (1.0, true));
    }
}

/// What a stored verdict says at another recall, without any tree.
#[test]
fn decisions_are_made_again_from_numbers() {
    let wanted =
        BEFORE.replace("a - b", "combine(a, b, start=0)").replace("add(a, a)", "add(a, 2)");
    let half = BEFORE.replace("a - b", "combine(a, b, start=0)");
    let outcome = |found: &str| Outcome::Submitted { patch: change("a.py", BEFORE, found) };
    let base = MemoryTree::new([("a.py", BEFORE)]);
    let check = |description: &str, outcome: Outcome, recall: f64, expect: Option<Rejection>| {
        let task = task(change("a.py", BEFORE, &wanted), description);
        let trajectory = trajectory(description, outcome);
        let usual = Thresholds::default();
        let verdict = verify(&task, &trajectory, &base, &usual);
        assert_eq!(judge_again(&task, &trajectory, &verdict, &usual), verdict.rejected);
        let other = Thresholds { weighted_recall: recall, ..usual };
        let again = judge_again(&task, &trajectory, &verdict, &other);
        assert_eq!(again, expect, "{description} at {recall}");
        assert_eq!(again, verify(&task, &trajectory, &base, &other).rejected);
    };
    check("sums are wrong", outcome(&half), 0.4, None);
    check("sums are wrong", outcome(&half), 0.9, Some(Rejection::LowRecall));
    let other = BEFORE.replace("return total", "return 0");
    check("sums are wrong", outcome(&other), 0.0, None);
    check("sums are wrong", outcome(&other), 0.1, Some(Rejection::LowRecall));
    check("sums are wrong", outcome(&wanted.replace("start=0", "start = 0")), 0.9, None);
    check("nothing", outcome(BEFORE), 0.0, Some(Rejection::Empty));
    check("sums", outcome(&BEFORE.replace("a - b", "a + )")), 0.0, Some(Rejection::ParseError));
    let limit = Outcome::LimitReached { limit: Limit::Steps };
    check("sums", limit, 0.0, Some(Rejection::NotSubmitted));
    let quoted = "write `total = combine(a, b, start=0)` there";
    check(quoted, outcome(&wanted), 0.0, Some(Rejection::Leak));
}
