//! Why something is trained on, or why it is not: every stage's own answer, in their order.
use crate::cycle::Cycle;
use crate::forget::target;
use crate::order::{Chosen, MineDone, Order};
use crate::{orders, reports};
use anyhow::Result;
use sera_core::{Seed, TrajectoryId};
use sera_datagen::{Attempt, DropReason, Forget, Forgotten, Traces};
use sera_protocol::report::{Because, WhyReport};
use std::collections::BTreeMap;

/// Why a lesson is trained on.
const LESSON: &str = "it shows or tells of it";

/// Lines that one answer holds.
const MOST: usize = 500;

/// What is known of what the user names. Mines and selects again, which costs moments, since
/// reasons are not stored; nothing is changed.
pub(crate) async fn why(cycle: &mut Cycle<'_>, what: &str) -> Result<WhyReport> {
    let (about, target) = target(cycle, what)?;
    let mut known = Vec::new();
    if cycle.records.forgotten()?.is(&target) {
        known.push(because(&about, false, "you had it forgotten"));
    }
    let (_, mut order, _) = orders::mine(cycle, true)?;
    // All of it is asked about.
    order.found = None;
    let mined: MineDone = cycle.work(&Order::Mine(order)).await?;
    known.extend(seeds(&mined, &target));
    let only = Forgotten::only(target);
    // Nothing is left to be chosen among before the first rollout.
    if cycle.records.cycle()?.is_some() {
        known.extend(attempts(cycle, &only).await?);
        known.extend(holes(cycle, &only)?);
        let lessons = cycle.records.lessons()?;
        let met = lessons.iter().filter(|lesson| only.meets(&Traces::of_lesson(lesson)));
        known.extend(met.map(|one| because(&format!("lesson {}", one.subject), true, LESSON)));
    }
    for adapter in cycle.records.adapters()? {
        let learnt = cycle.records.traces(&adapter)?.is_some_and(|traces| only.meets(&traces));
        if learnt {
            known.push(because(&format!("adapter {}", adapter.id), true, "it learnt from it"));
        }
    }
    let unsaid = known.len().saturating_sub(MOST) as u64;
    known.truncate(MOST);
    Ok(WhyReport { about, known, unsaid })
}

fn because(what: &str, trained_on: bool, because: &str) -> Because {
    Because { what: what.to_owned(), trained_on, because: because.to_owned() }
}

/// What mining says: what it left out, and what it found.
fn seeds(mined: &MineDone, target: &Forget) -> Vec<Because> {
    let left_out = mined.explained.iter().filter(|(what, _)| names(what, target));
    let mut known: Vec<Because> =
        left_out.map(|(what, reason)| because(what, false, &meaning(reason))).collect();
    let only = Forgotten::only(target.clone());
    for seed in mined.seeds.iter().filter(|seed| only.meets_seed(seed)) {
        let what = match seed {
            Seed::Function(function) => format!("{}::{}", function.key.path, function.key.name),
            Seed::Commit(commit) => format!("{} {}", commit.commit.short(), commit.subject),
        };
        known.push(match seed.held_out() {
            true => because(&what, false, DropReason::HeldOut.meaning().trim()),
            false => because(&what, true, "tasks may be made from it"),
        });
    }
    known
}

/// Whether what mining left out is what is asked about: `path`, `path::function`, `id subject`.
fn names(what: &str, target: &Forget) -> bool {
    match target {
        Forget::Commit(commit) => {
            what.split(' ').next().is_some_and(|id| id == commit.short() || id == commit.as_str())
        }
        Forget::Function(key) => what == format!("{}::{}", key.path, key.name),
        Forget::Path(path) => {
            let file = what.split("::").next().unwrap_or(what);
            sera_core::TreePath::new(file).is_ok_and(|file| file.is_within(path))
        }
        Forget::Imported(_) => false,
    }
}

fn meaning(code: &str) -> String {
    let reason = DropReason::ALL.iter().find(|reason| reason.code() == code);
    reason.map_or_else(|| code.to_owned(), |reason| reason.meaning().trim().to_owned())
}

/// Tasks without any attempt, and attempts: which are chosen, and why the others are not.
async fn attempts(cycle: &mut Cycle<'_>, only: &Forgotten) -> Result<Vec<Because>> {
    let dropped = cycle.records.rollouts()?.dropped;
    let mut known = Vec::new();
    for task in cycle.records.tasks()? {
        if let Some(reason) = dropped.get(&task.id).filter(|_| only.meets(&Traces::of_task(&task)))
        {
            known.push(because(&reports::made_of(&task), false, &meaning(reason)));
        }
    }
    let met = |one: &Attempt| only.meets(&Traces::of_attempt(one));
    let attempts: Vec<Attempt> = cycle.records.attempts()?.into_iter().filter(met).collect();
    if attempts.is_empty() {
        return Ok(known);
    }
    let order = orders::chosen(cycle, None).await?;
    let chosen: Chosen = cycle.work(&Order::Select(order)).await?;
    let left: BTreeMap<TrajectoryId, DropReason> = chosen.selected.left.into_iter().collect();
    for one in &attempts {
        let id = one.trajectory.id;
        let what = format!("trajectory {id}, {}", reports::made_of(&one.task));
        known.push(match left.get(&id) {
            _ if one.task.held_out => because(&what, false, DropReason::HeldOut.meaning().trim()),
            Some(reason) => because(&what, false, reason.meaning().trim()),
            None if chosen.selected.chosen.contains(&id) => because(&what, true, "it is chosen"),
            None => because(&what, false, "its base is not in the history of the cut"),
        });
    }
    Ok(known)
}

fn holes(cycle: &Cycle<'_>, only: &Forgotten) -> Result<Vec<Because>> {
    let mut counts = BTreeMap::<(String, bool), usize>::new();
    for hole in cycle.records.holes()? {
        if only.meets(&Traces::of_hole(&hole)) {
            let function = format!("{}::{}", hole.function.path, hole.function.name);
            *counts.entry((function, hole.held_out)).or_default() += 1;
        }
    }
    let told = |((function, held_out), n): ((String, bool), usize)| {
        let what = format!("{n} completion examples of {function}");
        match held_out {
            true => because(&what, false, DropReason::HeldOut.meaning().trim()),
            false => because(&what, true, "its own code"),
        }
    };
    Ok(counts.into_iter().map(told).collect())
}
