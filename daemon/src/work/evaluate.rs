//! The worker's *evaluate* stage: adapters and held-out work in, scorecards out.
use super::{Desk, fix, synthesize};
use crate::order::{Evaluate, Evaluated};
use crate::prepare;
use anyhow::Result;
use sera_core::scorecard::{Arm, Scorecard};
use sera_model::{Base, Lora};
use sera_train::evaluate::{
    Aid, Budget, Contestant, Desk as EvaluationDesk, FixItem, HoleItem, Scope, evaluate as measure,
};
use sera_train::promote::Rule;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Likelihoods are measured on at least so many tasks, however long it takes, and on as many holes
/// as decide something.
const LEAST: usize = 24;
/// Seconds from which on that holds; who grants less gets less.
const ENOUGH: f64 = 150.0;
/// Items that no budget here will ever reach are not even prepared.
const MOST: usize = 64;
/// Longest sequence, in tokens: an example and two demonstrations.
const LENGTH: usize = 2048;
/// Edits ranked in one rollout: fewer than serving ranks, so that eight rollouts fit the time.
const EDITS: usize = 32;
/// Share of the time for what two siblings measure: no rollouts, and few items.
const SIBLING_SHARE: f64 = 0.22;
const SIBLING_ITEMS: usize = LEAST / 2;
/// The same where all other time was needed before they are measured.
const LATE_SIBLING_ITEMS: usize = LEAST / 3;

pub(super) fn evaluate(order: &Evaluate, desk: &Desk) -> Result<Evaluated> {
    let started = Instant::now();
    desk.progress("evaluate", 0, None, "items", "preparing".to_owned());
    let base = fix::load_on(&order.base, order.device, desk)?;
    let bases = synthesize::bases(&order.source, &order.cut)?;
    let tasks = prepare::fix_items(&order.tasks, &order.solved, &bases, MOST);
    let holes = prepare::hole_items(&order.holes, &order.training_holes, MOST);
    let load = |folder: &Path| fix::adapter(&base, folder, desk);
    let adapter = load(&order.adapter)?;
    let served = |folder: &Option<PathBuf>| folder.as_deref().map(load).transpose();
    let [complete, fix] = &order.served;
    let served = [(served(complete)?, Scope::Holes), (served(fix)?, Scope::Tasks)];
    let part = |of: usize| (of as f64 * (order.seconds / ENOUGH).min(1.0)).ceil() as usize;
    let siblings = if order.siblings.is_empty() { 0.0 } else { SIBLING_SHARE };
    let mut budget = Budget {
        seconds: order.seconds * (1.0 - siblings),
        tasks: part(LEAST),
        holes: part(Rule::default().items),
        located: part(LEAST),
        rollouts: part(order.rollouts),
        edits: EDITS,
        length: LENGTH,
    };
    let contestants = contestants(&adapter, served);
    let bench = Bench { base: &base, desk, started };
    let card = bench.measure(&contestants, &tasks, &holes, &budget)?;
    let (fixes, completes) = (measured(&card.fix), measured(&card.complete));
    // The siblings tell how much a seed matters, on the first items of the real comparison.
    let late = started.elapsed().as_secs_f64() > budget.seconds;
    budget = Budget { seconds: f64::INFINITY, rollouts: 0, ..budget };
    let most = if late { LATE_SIBLING_ITEMS } else { SIBLING_ITEMS };
    let mut siblings = Vec::new();
    for folder in &order.siblings {
        let own = [contestant(Arm::Adapter, Some(load(folder)?), Aid::Neighbours)];
        let (tasks, holes) = (&tasks[..fixes.min(most)], &holes[..completes.min(most)]);
        siblings.push(bench.measure(&own, tasks, holes, &budget)?);
    }
    let seconds = started.elapsed().as_secs_f64();
    let notes = vec![sized(order, fixes, completes, &card, seconds)];
    Ok(Evaluated { card, siblings, notes, seconds })
}

/// What every measurement of one order shares.
struct Bench<'a> {
    base: &'a Arc<Base>,
    desk: &'a Desk,
    started: Instant,
}

impl Bench<'_> {
    fn measure(
        &self,
        contestants: &[Contestant],
        tasks: &[FixItem],
        holes: &[HoleItem],
        budget: &Budget,
    ) -> Result<Scorecard> {
        let mut watch = |stage: &str, done: usize, total: usize| {
            let (done, total) = (done as u64, Some(total as u64));
            self.desk.progress("evaluate", done, total, "items", stage.to_owned());
        };
        let mut desk = EvaluationDesk {
            elapsed: &|| self.started.elapsed().as_secs_f64(),
            pause: &|| self.desk.gate.pass(),
            watch: &mut watch,
        };
        Ok(measure(self.base, contestants, tasks, holes, budget, &mut desk)?)
    }
}

fn measured<T>(arms: &BTreeMap<Arm, Vec<T>>) -> usize {
    arms.get(&Arm::Base).map_or(0, Vec::len)
}

fn sized(
    order: &Evaluate,
    fixes: usize,
    completes: usize,
    card: &Scorecard,
    seconds: f64,
) -> String {
    let acted = card
        .fix
        .get(&Arm::Base)
        .map_or(0, |scores| scores.iter().filter(|score| score.candidates.is_some()).count());
    format!(
        "{seconds:.0} s ({:.0} s granted) measured {fixes} of {} held-out tasks, {completes} of {} \
         held-out holes, and {acted} rollouts an arm",
        order.seconds,
        order.tasks.len(),
        order.holes.len()
    )
}

fn contestant(arm: Arm, lora: Option<Arc<Lora>>, aid: Aid) -> Contestant {
    Contestant { arm, lora, aid, scope: Scope::All }
}

/// Every arm as it would be served. Neighbours help whoever completes; demonstrations help the base
/// to fix, but an adapter was trained without them and then copies them (8 valid edits of 23
/// without, 4 with them).
fn contestants(adapter: &Arc<Lora>, served: [(Option<Arc<Lora>>, Scope); 2]) -> Vec<Contestant> {
    let adapter = || Some(Arc::clone(adapter));
    let mut all = vec![
        contestant(Arm::Base, None, Aid::Alone),
        contestant(Arm::Retrieval, None, Aid::Retrieval),
        contestant(Arm::Adapter, adapter(), Aid::Neighbours),
        contestant(Arm::Shuffled, adapter(), Aid::OtherText),
    ];
    let served = served.into_iter().filter(|(lora, _)| lora.is_some());
    all.extend(served.map(|(lora, scope)| Contestant {
        scope,
        ..contestant(Arm::Served, lora, Aid::Neighbours)
    }));
    all
}
