//! The worker's *mine* stage: history in, seeds out.
use super::Desk;
use crate::order::{Mine, MineDone};
use anyhow::Result;
use sera_datagen::Policy;
use std::time::Instant;

pub(super) fn mine(order: &Mine, desk: &Desk) -> Result<MineDone> {
    let started = Instant::now();
    desk.progress("mine", 0, None, "commits", String::new());
    let repository = sera_git::Repository::discover(&order.source.path)?;
    let forgotten = &order.source.forgotten;
    let mut mined = sera_datagen::mine(&repository, &order.tip, &Policy::default(), &order.known)?;
    mined.forget(forgotten);
    let explain =
        |(what, reason): (String, sera_datagen::DropReason)| (what, reason.code().to_owned());
    let seeds = mined.seeds.len() as u64;
    desk.progress("mine", seeds, Some(seeds), "seeds", String::new());
    Ok(MineDone {
        cut: mined.cut,
        seeds: mined.seeds,
        dropped: mined.dropped,
        explained: mined.explained.into_iter().map(explain).collect(),
        blobs_read: mined.blobs_read,
        known: mined.known,
        seconds: started.elapsed().as_secs_f64(),
    })
}
