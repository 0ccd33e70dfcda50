//! Held-out items side by side: where the adapter gained most on retrieval, and where it lost most.
use crate::records::Records;
use crate::reports;
use anyhow::Result;
use sera_core::scorecard::{Arm, Capability, FixScore, Scorecard};
use sera_core::{Hole, Patch, Task, TaskId};
use sera_protocol::report::Compared;
use sera_train::evaluate::hole_name;
use std::collections::BTreeMap;

/// Items shown of each side of each capability.
const SHOWN: usize = 5;
/// Bytes of a text: all of them fit one message of the protocol.
const BYTES: usize = 2_400;
/// Lines before a hole.
const LINES: usize = 8;

/// The items of every capability with the largest gains, then those with the largest losses.
pub(super) fn compared(
    records: &Records,
    card: &Scorecard,
    redact: &dyn Fn(&str) -> String,
) -> Result<Vec<Compared>> {
    let tasks: BTreeMap<TaskId, Task> =
        records.tasks()?.into_iter().map(|task| (task.id, task)).collect();
    let holes: BTreeMap<String, Hole> = records
        .holes()?
        .into_iter()
        .filter(|hole| hole.held_out)
        .map(|hole| (hole_name(&hole), hole))
        .collect();
    let text = |text: &str| reports::clipped(&redact(text), BYTES);
    let mut all = extremes(completions(card));
    for capability in [Capability::Locate, Capability::Fix] {
        all.extend(extremes(fixes(card, capability)));
    }
    for (one, task) in &mut all {
        match task {
            None => of_hole(one, &holes, &text),
            Some(task) => of_task(one, card, *task, tasks.get(task), &text),
        }
    }
    Ok(all.into_iter().map(|(one, _)| one).collect())
}

/// An item, and its task where it is of one.
type Item = (Compared, Option<TaskId>);

fn item(capability: Capability, item: String, adapter: f64, retrieval: f64) -> Compared {
    let (told, wanted, proposed, instead) = Default::default();
    Compared { capability, item, adapter, retrieval, told, wanted, proposed, instead }
}

/// The most won, best first, then the most lost, worst first. What is equal is neither.
fn extremes(mut items: Vec<Item>) -> Vec<Item> {
    let gap = |one: &Item| one.0.adapter - one.0.retrieval;
    items.retain(|one| gap(one).is_finite() && gap(one) != 0.0);
    items.sort_by(|a, b| gap(a).total_cmp(&gap(b)).then_with(|| a.0.item.cmp(&b.0.item)));
    let won = items.partition_point(|one| gap(one) < 0.0);
    let mut lost = items.split_off(won);
    items.truncate(SHOWN);
    lost.reverse();
    lost.truncate(SHOWN);
    items.extend(lost);
    items
}

fn completions(card: &Scorecard) -> Vec<Item> {
    let scores = |arm| card.complete.get(&arm).map_or(&[][..], Vec::as_slice);
    let per_token = |nll: f64, tokens: usize| nll / tokens as f64;
    let control: BTreeMap<&str, f64> = scores(Arm::Retrieval)
        .iter()
        .map(|score| (score.item.as_str(), per_token(score.nll, score.tokens)))
        .collect();
    let one = |score: &sera_core::scorecard::HoleScore| {
        let retrieval = *control.get(score.item.as_str())?;
        let adapter = per_token(score.nll, score.tokens);
        Some((item(Capability::Complete, score.item.clone(), adapter, retrieval), None))
    };
    scores(Arm::Adapter).iter().filter_map(one).collect()
}

fn fixes(card: &Scorecard, capability: Capability) -> Vec<Item> {
    let scores = |arm| card.fix.get(&arm).map_or(&[][..], Vec::as_slice);
    let value = |score: &FixScore| match capability {
        Capability::Locate => score.located.map(|rank| 1.0 - 1.0 / rank as f64),
        Capability::Complete | Capability::Fix => {
            (score.tokens > 0).then(|| score.nll / score.tokens as f64)
        }
    };
    let control: BTreeMap<TaskId, f64> = scores(Arm::Retrieval)
        .iter()
        .filter_map(|score| Some((score.task, value(score)?)))
        .collect();
    let one = |score: &FixScore| {
        let retrieval = *control.get(&score.task)?;
        let name = score.cluster.clone();
        Some((item(capability, name, value(score)?, retrieval), Some(score.task)))
    };
    scores(Arm::Adapter).iter().filter_map(one).collect()
}

fn of_hole(one: &mut Compared, holes: &BTreeMap<String, Hole>, text: &dyn Fn(&str) -> String) {
    let hole = holes.get(&one.item);
    one.told = hole.map(|hole| text(last_lines(&hole.before)));
    one.wanted = hole.map(|hole| text(&hole.middle));
    // Their digests tell holes of one function apart, and nobody anything.
    if let Some((name, _)) = one.item.rsplit_once('#') {
        one.item = text(name);
    }
}

fn last_lines(code: &str) -> &str {
    let ends = code.rmatch_indices('\n').map(|(at, _)| at + 1);
    let start = ends.filter(|start| *start < code.len()).nth(LINES - 1);
    &code[start.unwrap_or(0)..]
}

fn of_task(
    one: &mut Compared,
    card: &Scorecard,
    id: TaskId,
    task: Option<&Task>,
    text: &dyn Fn(&str) -> String,
) {
    one.item = text(&task.map_or_else(|| one.item.clone(), reports::made_of));
    one.told = task.map(|task| text(&task.description));
    if one.capability == Capability::Fix {
        let show = |patch: &Patch| text(&patch.to_string());
        let candidate = |arm: Arm| {
            let score = card.fix.get(&arm)?.iter().find(|score| score.task == id)?;
            score.candidate.as_ref().map(show)
        };
        one.wanted = task.map(|task| show(&task.reference));
        one.proposed = candidate(Arm::Adapter);
        one.instead = candidate(Arm::Retrieval);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_won_and_lost_most_is_shown_and_what_is_equal_is_not() {
        let check = |gaps: &[f64], expect: &[f64]| {
            let of = |gap: &f64| (item(Capability::Fix, String::new(), *gap, 0.0), None);
            let shown = extremes(gaps.iter().map(of).collect());
            let shown: Vec<f64> = shown.iter().map(|one| one.0.adapter).collect();
            assert_eq!(shown, expect);
        };
        check(&[], &[]);
        check(&[0.0, f64::NAN], &[]);
        check(&[1.0, -1.0, 2.0, -3.0, 0.0], &[-3.0, -1.0, 2.0, 1.0]);
        let many: Vec<f64> = (-9..=9).map(f64::from).collect();
        check(&many, &[-9.0, -8.0, -7.0, -6.0, -5.0, 9.0, 8.0, 7.0, 6.0, 5.0]);
    }

    #[test]
    fn of_what_stands_before_a_hole_the_last_lines_are_shown() {
        let check = |code: &str, expect: &str| assert_eq!(last_lines(code), expect);
        check("", "");
        check("a\nb", "a\nb");
        check("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n", "2\n3\n4\n5\n6\n7\n8\n9\n");
        check("0\n1\n2\n3\n4\n5\n6\n7\n8\n9", "2\n3\n4\n5\n6\n7\n8\n9");
    }
}
