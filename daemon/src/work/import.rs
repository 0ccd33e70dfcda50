//! The worker's *import* stage: a file of rows in, what holds out, part by part.
use super::{Desk, synthesize};
use crate::order::{Import, Imported};
use anyhow::{Context as _, Result};
use sera_core::{CommitId, Digest};
use sera_datagen::{Bases, DropReason, Drops, Generation, Policy, Row, Traces, import};
use sera_git::Repository;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::time::Instant;

/// Bytes of a row at most: a long trajectory of SERA's has about one million.
const LONGEST: u64 = 32 << 20;

pub(super) fn import_rows(order: &Import, desk: &Desk) -> Result<Imported> {
    let started = Instant::now();
    let repository = Repository::discover(&order.source.path)?;
    let bases = synthesize::bases(&order.source, &order.cut)?;
    let file = File::open(&order.file)
        .with_context(|| format!("failed to read {}", order.file.display()))?;
    let mut rows = Rows { file: BufReader::new(file), whole: is_whole(order) };
    let mut known: BTreeSet<Digest> = order.known.iter().cloned().collect();
    let (mut read, mut dropped) = (0, Drops::new());
    while let Some(text) = rows.next()? {
        if !desk.gate.pass() {
            break;
        }
        read += 1;
        let taken = text.and_then(|text| take(order, &text, &repository, &bases));
        let forgotten =
            |made: &Generation| order.source.forgotten.meets(&Traces::of_generation(made));
        let taken = taken.and_then(|made| match forgotten(&made) {
            true => Err(DropReason::Forgotten),
            false => Ok(made),
        });
        let taken = taken.and_then(|made| match known.insert(patch_of(&made)) {
            true => Ok(made),
            false => Err(DropReason::Duplicate),
        });
        match taken {
            Ok(made) => desk.part(&format!("part-{read}.json"), &made)?,
            Err(reason) => *dropped.entry(reason).or_default() += 1,
        }
        desk.progress("import", read, None, "rows", String::new());
    }
    Ok(Imported { read, dropped, seconds: started.elapsed().as_secs_f64() })
}

fn take(
    order: &Import,
    text: &str,
    repository: &Repository,
    bases: &Bases,
) -> Result<Generation, DropReason> {
    let row = Row::read(text)?;
    let base = base(order, &row, repository)?;
    import(&row, &base, bases, &Policy::default(), order.now_ms)
}

/// The commit that was worked on: the user's word, the row's, the cut. It holds nothing held out
/// where it is the cut or comes before it.
fn base(order: &Import, row: &Row, repository: &Repository) -> Result<CommitId, DropReason> {
    let base = match (&order.base, row.revision()) {
        (Some(base), _) => base.clone(),
        (None, None) => order.cut.clone(),
        (None, Some(revision)) => {
            repository.resolve(revision).ok().flatten().ok_or(DropReason::NoBase)?
        }
    };
    match repository.is_ancestor(&base, &order.cut) {
        Ok(true) => Ok(base),
        Ok(false) => Err(DropReason::BesideCut),
        Err(_) => Err(DropReason::NoBase),
    }
}

/// What tells imported work apart: what was asked, and what was done.
pub(crate) fn patch_of(made: &Generation) -> Digest {
    let attempts = made.attempts.iter().map(|one| {
        let patch = one.trajectory.candidate().map(ToString::to_string).unwrap_or_default();
        format!("{}\0{patch}", one.task.description)
    });
    Digest::of(attempts.collect::<Vec<_>>().join("\0").as_bytes())
}

/// SWE-agent keeps a trajectory in a file of its own, on many lines.
fn is_whole(order: &Import) -> bool {
    order.file.extension().is_some_and(|end| end == "traj" || end == "json")
}

/// Rows of a file: its lines, or all of it.
struct Rows {
    file: BufReader<File>,
    whole: bool,
}

impl Rows {
    fn next(&mut self) -> Result<Option<Result<String, DropReason>>> {
        loop {
            let mut bytes = Vec::new();
            let mut file = self.file.by_ref().take(LONGEST);
            let read = match self.whole {
                true => file.read_to_end(&mut bytes),
                false => file.read_until(b'\n', &mut bytes),
            };
            if read.context("failed to read a row")? == 0 {
                return Ok(None);
            }
            if bytes.len() as u64 == LONGEST && bytes.last() != Some(&b'\n') {
                self.skip_line()?;
                return Ok(Some(Err(DropReason::TooLargeFile)));
            }
            let text = String::from_utf8(bytes).map_err(|_| DropReason::Unreadable);
            if text.as_ref().is_ok_and(|text| text.trim().is_empty()) {
                continue;
            }
            return Ok(Some(text));
        }
    }

    fn skip_line(&mut self) -> Result<()> {
        loop {
            let buffer = self.file.fill_buf().context("failed to read a row")?;
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let (used, done) = (end.map_or(buffer.len(), |at| at + 1), buffer.is_empty());
            self.file.consume(used);
            if done || end.is_some() {
                return Ok(());
            }
        }
    }
}
