//! The open loop: what ends it, what is masked, and that training reads what serving said.
use crate::shop::{DESCRIPTION, environment, fix};
use sera_agent::{Limits, Thresholds, dialect, roll_out, verify};
use sera_core::trajectory::Limit;
use sera_core::{Action, Cancel, Outcome, Prompt, Rejection, Trajectory, TrajectoryId};
use sera_testkit::ScriptedModel;

const EDIT: &str = "edit: shop/price.py\n<<<<<<<\n        total -= item.price * item.count\n\
                    =======\n        total += item.price * item.count\n>>>>>>>";

fn play(replies: &[&str], limits: &Limits, cancel: &Cancel) -> (Trajectory, Vec<Prompt>) {
    let mut model = ScriptedModel::new(replies.iter().map(|r| (*r).to_owned()).collect());
    let id = TrajectoryId::new(1, b"trajectory");
    let trajectory = roll_out(&fix(), id, &mut model, environment(), limits, cancel, "script");
    (trajectory, model.prompts)
}

fn quietly(replies: &[&str]) -> Trajectory {
    play(replies, &Limits::default(), &Cancel::default()).0
}

#[test]
fn a_scripted_fix_is_recorded_and_accepted() {
    let replies =
        ["search: net_total items", "open: shop/price.py::net_total", EDIT, "diff", "submit"];
    let trajectory = quietly(&replies);
    assert_eq!(trajectory.steps.len(), 5);
    assert!(trajectory.steps.iter().all(|s| s.observation.ok && !s.masked));
    assert_eq!(trajectory.candidate(), Some(&fix().reference));
    let base = crate::shop::tree();
    let verdict = verify(&fix(), &trajectory, &base, &Thresholds::default());
    assert!(verdict.accepted(), "{verdict:?}");
    let again: Trajectory =
        serde_json::from_str(&serde_json::to_string(&trajectory).unwrap()).unwrap();
    assert_eq!(again, trajectory, "a trajectory survives being stored");
}

#[test]
fn training_reads_byte_for_byte_what_serving_said() {
    let replies = [" search:items\n", "open: nowhere.py", "gibberish", EDIT, "submit"];
    let (trajectory, prompts) = play(&replies, &Limits::default(), &Cancel::default());
    let whole = dialect::render(&trajectory.description, &trajectory.steps);
    assert_eq!(prompts.len(), trajectory.steps.len());
    for (i, prompt) in prompts.iter().enumerate() {
        assert_eq!(prompt.messages, whole[..2 + 2 * i], "prompt {i}");
    }
    assert_eq!(whole.len(), 2 + 2 * prompts.len() - 1);
    assert_eq!(whole.last().map(|m| m.content.as_str()), Some("submit"));
}

#[test]
fn failed_and_looping_steps_carry_no_loss() {
    let replies = ["open: nowhere.py", "what?", "diff", "diff", "diff", "submit"];
    let masked: Vec<bool> = quietly(&replies).steps.iter().map(|s| s.masked).collect();
    assert_eq!(masked, [true, true, false, true, true, false]);
    let trajectory = quietly(&replies);
    assert_eq!(
        trajectory.steps[1].action,
        Action::Unreadable { text: "what?".to_owned() },
        "what cannot be read is data"
    );
    let verdict = verify(&fix(), &trajectory, &crate::shop::tree(), &Thresholds::default());
    assert_eq!(verdict.rejected, Some(Rejection::Empty));
}

#[test]
fn every_end_is_an_outcome() {
    let reached = |limit| Outcome::LimitReached { limit };
    let check = |limits: &Limits, cancel: &Cancel, replies: &[&str], expect: Outcome| {
        assert_eq!(play(replies, limits, cancel).0.outcome, expect, "{replies:?}");
    };
    let limits = Limits::default();
    let cancelled = Cancel::default();
    cancelled.cancel();
    check(&limits, &cancelled, &["submit"], reached(Limit::Cancelled));
    check(&Limits { steps: 2, ..limits }, &Cancel::default(), &["diff"; 3], reached(Limit::Steps));
    check(&Limits { tokens: 5, ..limits }, &Cancel::default(), &["diff"], reached(Limit::Tokens));
    let failed = Outcome::Failed {
        code: "model-failed".to_owned(),
        message: "the model failed: the script has no further reply".to_owned(),
    };
    check(&limits, &Cancel::default(), &["diff"], failed);
    let nothing = quietly(&["submit"]);
    assert_eq!(nothing.candidate().map(sera_core::Patch::is_empty), Some(true));
    assert_eq!(nothing.description, DESCRIPTION);
    assert_eq!(nothing.prompts, dialect::digest());
}
