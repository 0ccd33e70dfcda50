//! The cut, the held-out rules, the reasons, and what mining again costs.
use crate::world::{mined, open};
use sera_core::split::{held_out_commits, held_out_function};
use sera_core::{CommitSeed, FunctionSeed, Seed};
use sera_datagen::{DropReason, Known, Mined, Policy};
use sera_testkit::{AUTHOR, History, Repo, mixed_project, python_project};
use std::collections::BTreeSet;

fn functions(mined: &Mined) -> Vec<&FunctionSeed> {
    mined
        .seeds
        .iter()
        .filter_map(|s| if let Seed::Function(f) = s { Some(f) } else { None })
        .collect()
}

fn commits(mined: &Mined) -> Vec<&CommitSeed> {
    mined
        .seeds
        .iter()
        .filter_map(|s| if let Seed::Commit(c) = s { Some(c) } else { None })
        .collect()
}

fn first(repo: &Repo) -> Mined {
    mined(repo, &Policy::default(), &mut Known::default())
}

#[test]
fn a_python_history_splits_at_the_cut() {
    let repo = python_project();
    let mined = first(&repo);
    let (functions, commits) = (functions(&mined), commits(&mined));
    let held: Vec<_> = commits.iter().filter(|c| c.held_out).collect();
    let eligible = commits.len()
        + mined
            .explained
            .iter()
            .filter(|(_, r)| matches!(r, DropReason::TouchesHeldOut))
            .filter(|(w, _)| !w.contains("::"))
            .count()
        + mined.dropped.get(&DropReason::BesideCut).copied().unwrap_or(0);
    assert!(functions.len() >= 30, "{} functions: {:?}", functions.len(), mined.dropped);
    assert!(eligible >= 12, "{eligible} commits: {:?}", mined.dropped);
    assert_eq!(held.len(), held_out_commits(eligible));
    assert_eq!(
        mined.cut.held_out_commits,
        held.iter().map(|c| c.commit.clone()).collect::<Vec<_>>()
    );
    assert!(!mined.cut.functions_only);
    for function in functions {
        assert_eq!(function.held_out, held_out_function(&function.key));
    }
    for commit in commits.iter().filter(|c| !c.held_out) {
        assert!(!commit.touched.iter().any(held_out_function), "{} trains", commit.subject);
        assert!(held.iter().all(|h| h.time > commit.time));
    }
    let newer = open(&repo).commits(&mined.cut.commit, 1_000).unwrap();
    assert!(
        newer.iter().all(|c| !mined.cut.held_out_commits.contains(&c.id)),
        "the cut holds nothing held out"
    );
}

#[test]
fn every_kind_of_noise_has_its_reason() {
    let mined = first(&python_project());
    let reason = |what: &str| {
        let found = mined.explained.iter().find(|(label, _)| label.contains(what));
        found.map(|(_, reason)| *reason)
    };
    for (what, expect) in [
        ("Bump requests", DropReason::Bot),
        ("Update the lock file", DropReason::LockfileOnly),
        ("Merge branch", DropReason::Merge),
        ("Count a return as a sale", DropReason::Reverted),
        ("Know pounds", DropReason::AiAttributed),
        ("Explain the divisor", DropReason::CommentOnly),
        ("Reformat", DropReason::SubjectClass),
        ("Describe the shelves", DropReason::NoSource),
        ("tests/test_money.py", DropReason::Test),
    ] {
        assert_eq!(reason(what), Some(expect), "{what}");
    }
}

#[test]
fn few_commits_hold_out_functions_only() {
    let mut history = History::new();
    let text: String = (0..40)
        .map(|i| format!("def f{i}(a):\n    b = a + {i}\n    c = b * 2\n    return c\n\n\n"))
        .collect();
    history.commit(AUTHOR, "Add numbers", &[("a.py", &text)]);
    history.edit("Add more to seven", "a.py", "a + 7\n", "a + 77\n");
    let repo = history.build();
    let mined = first(&repo);
    assert!(mined.cut.functions_only);
    assert!(mined.cut.held_out_commits.is_empty());
    assert_eq!(mined.cut.commit, open(&repo).head().unwrap());
    assert!(functions(&mined).iter().any(|f| f.held_out));
}

#[test]
fn functions_of_every_language_are_found() {
    let mined = first(&mixed_project());
    let languages: BTreeSet<_> = functions(&mined).iter().map(|f| f.language.name()).collect();
    let all: BTreeSet<_> = sera_core::Language::ALL.iter().map(|l| l.name()).collect();
    assert_eq!(languages, all, "{:?}", mined.explained);
}

#[test]
fn mining_again_reads_only_what_changed() {
    let repo = python_project();
    let policy = Policy::default();
    let mut known = Known::default();
    let before = mined(&repo, &policy, &mut known);
    assert!(before.blobs_read > 10);
    assert_eq!(before.used.count(), known.count());
    let again = mined(&repo, &policy, &mut known);
    assert_eq!(again.blobs_read, 0, "nothing changed");
    assert_eq!(again.seeds, before.seeds);
    let text = std::fs::read_to_string(repo.path().join("stockroom/stats.py")).unwrap();
    let text = text.replacen("return", "return 0 or", 1);
    repo.commit("Treat nothing as zero", &[("stockroom/stats.py", &text)]);
    let after = mined(&repo, &policy, &mut known);
    // Both sides of the commit, and what the moved cut sees anew.
    assert!((1..=4).contains(&after.blobs_read), "{} blobs", after.blobs_read);
    let mut nothing = Known::default();
    let fresh = mined(&repo, &policy, &mut nothing);
    assert_eq!(after.seeds, fresh.seeds);
    assert_eq!(after.dropped, fresh.dropped);
    assert_eq!(after.used, fresh.used);
    known.retain(&after.used);
    assert_eq!(known, nothing);
}

#[test]
fn what_is_missing_is_asked_for_again() {
    let function = |name: &str| format!("def {name}(x):\n    y = x + 1\n    return y * x\n");
    let repo = Repo::new();
    repo.commit("Say what this is", &[("README.md", "# Numbers\n")]);
    repo.commit("Count one way", &[("a.py", &function("one"))]);
    repo.commit("Count another way", &[("b.py", &function("two"))]);
    let blob = repo.git(&["rev-parse", "HEAD:a.py"]);
    let file = repo.path().join(".git/objects").join(&blob[..2]).join(&blob[2..]);
    let aside = repo.root().join("aside");
    std::fs::rename(&file, &aside).unwrap();
    let mut known = Known::default();
    let without = mined(&repo, &Policy::default(), &mut known);
    assert_eq!(without.dropped[&DropReason::Missing], 2, "the file, and the commit that adds it");
    std::fs::rename(&aside, &file).unwrap();
    let again = mined(&repo, &Policy::default(), &mut known);
    assert_eq!(again.seeds, first(&repo).seeds);
    assert!(again.seeds.len() > without.seeds.len());
    assert!(!again.dropped.contains_key(&DropReason::Missing));
}

#[test]
fn another_policy_forgets() {
    let repo = python_project();
    let mut known = Known::default();
    let before = mined(&repo, &Policy::default(), &mut known);
    let policy = Policy { min_statements: 3, ..Policy::default() };
    let other = mined(&repo, &policy, &mut known);
    assert!(other.blobs_read > 10);
    assert!(functions(&other).len() < functions(&before).len());
}

#[test]
fn known_survives_serialising() {
    let mut known = Known::default();
    mined(&mixed_project(), &Policy::default(), &mut known);
    let text = serde_json::to_string(&known).unwrap();
    assert_eq!(serde_json::from_str::<Known>(&text).unwrap(), known);
    let mut learnt = Known::under(&Policy::default());
    known.facts().for_each(|fact| learnt.learn(fact));
    assert_eq!(learnt, known, "it is no more than its facts");
}

#[test]
fn the_same_change_twice_is_one_seed() {
    let mut history = History::new();
    let body = |name: &str, value: &str| {
        format!("def {name}(a):\n    b = a + {value}\n    c = b * 2\n    return c\n")
    };
    history.commit(AUTHOR, "Add numbers", &[("a.py", &body("f", "1"))]);
    history.edit("Count from two", "a.py", "a + 1", "a + 2");
    history.edit("Count from one again", "a.py", "a + 2", "a + 1");
    history.edit("Count from two, once more", "a.py", "a + 1", "a + 2");
    let mined = first(&history.build());
    assert_eq!(mined.dropped.get(&DropReason::CherryPick), Some(&1));
    assert!(
        mined
            .explained
            .iter()
            .any(|(l, r)| l.ends_with("Count from two") && *r == DropReason::CherryPick)
    );
}
