//! The worker's *mine* stage: history in, seeds out.
use super::known::Cache;
use super::{Desk, found};
use crate::order::{Mine, MineDone};
use crate::worker::WorkError;
use anyhow::Result;
use sera_datagen::{MineError, Policy, Turn};
use std::ops::ControlFlow;
use std::time::Instant;

pub(super) fn mine(order: &Mine, desk: &Desk) -> Result<MineDone> {
    let started = Instant::now();
    desk.progress("mine", 0, None, "commits", String::new());
    let repository = sera_git::Repository::discover(&order.source.path)?;
    let policy = Policy { max_commits: order.commits, ..Policy::default() };
    let forgotten = &order.source.forgotten;
    let (mut cache, mut known) = Cache::open(&order.known, &policy);
    let mut hear = |turn: &Turn<'_>| {
        cache.append(turn.learnt, forgotten);
        desk.progress("mine", turn.done as u64, Some(turn.total as u64), turn.unit, String::new());
        if desk.gate.pass() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let mined =
        sera_datagen::mine_in_turns(&repository, &order.tip, &policy, &mut known, &mut hear);
    let mut mined = match mined {
        Err(MineError::Stopped) => anyhow::bail!(WorkError::Cancelled),
        mined => mined?,
    };
    let (made, told) = (&order.made, &order.told);
    let followed = sera_datagen::rewrites::follow(&repository, made, told, &known, &mined)?;
    cache.tidy(&mut known, &mined.used, forgotten);
    mined.forget(forgotten);
    let explain =
        |(what, reason): (String, sera_datagen::DropReason)| (what, reason.code().to_owned());
    let explained = if order.explain { mined.explained } else { Vec::new() };
    let counts = mined.seeds.iter().collect();
    let seeds = mined.seeds.len() as u64;
    let changes = found::changes(order.found.as_ref(), &known.rules(), mined.seeds)?;
    desk.progress("mine", seeds, Some(seeds), "seeds", String::new());
    Ok(MineDone {
        cut: mined.cut,
        seeds: changes.seeds,
        gone: changes.gone,
        found: changes.name,
        counts,
        dropped: mined.dropped,
        explained: explained.into_iter().map(explain).collect(),
        followed,
        blobs_read: mined.blobs_read,
        seconds: started.elapsed().as_secs_f64(),
    })
}
