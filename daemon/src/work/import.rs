//! The worker's *import* stage: a file of rows in, what holds out, part by part.
use super::{Desk, synthesize};
use crate::order::{Import, Imported};
use anyhow::{Context as _, Result};
use sera_core::{CommitId, Digest};
use sera_datagen::{Attempt, DropReason, Drops, Generation, Importer, Policy, Row, Traces, import};
use sera_git::Repository;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Instant;

/// Bytes of a row at most: a long trajectory of SERA's has about one million.
const LONGEST: usize = 32 << 20;

/// Rows of one tree are mostly about the same files.
pub(super) fn import_rows(order: &Import, desk: &Desk) -> Result<Imported> {
    sera_syntax::parsing_once(|| import_each(order, desk))
}

fn import_each(order: &Import, desk: &Desk) -> Result<Imported> {
    let started = Instant::now();
    let repository = Repository::discover(&order.source.path)?;
    let bases = synthesize::bases(&order.source, &order.cut)?;
    let importer = Importer {
        bases: &bases,
        held_out: &order.held_out,
        policy: &Policy::default(),
        now_ms: order.now_ms,
    };
    let mut known: BTreeSet<Digest> = order.known.iter().cloned().collect();
    let (mut read, mut dropped) = (0, Drops::new());
    for text in rows(&order.file)? {
        let text = text?;
        if !desk.gate.pass() {
            break;
        }
        read += 1;
        let taken = text.and_then(|text| take(order, &text, &repository, &importer));
        let forgotten =
            |made: &Generation| order.source.forgotten.meets(&Traces::of_generation(made));
        let taken = taken.and_then(|made| match forgotten(&made) {
            true => Err(DropReason::Forgotten),
            false => Ok(made),
        });
        let taken = taken.and_then(|made| match known.insert(patch_of(&made.attempts[0])) {
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
    importer: &Importer<'_>,
) -> Result<Generation, DropReason> {
    let row = Row::read(text)?;
    let base = base(order, &row, repository)?;
    import(&row, &base, importer)
}

/// The commit that was worked on: the user's word, the row's, the cut. It holds nothing held out
/// where it is the cut or comes before it.
fn base(order: &Import, row: &Row, repository: &Repository) -> Result<CommitId, DropReason> {
    let base = match (&order.base, row.revision()) {
        (Some(base), _) => base.clone(),
        (None, None) => order.cut.clone(),
        // A row is not trusted: other revisions can make git search the whole history.
        (None, Some(id)) if id.len() < 5 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            return Err(DropReason::NoBase);
        }
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

/// What tells work apart: what was asked, and what was done.
pub(crate) fn patch_of(attempt: &Attempt) -> Digest {
    let patch = attempt.trajectory.candidate().map(ToString::to_string).unwrap_or_default();
    Digest::of(format!("{}\0{patch}", attempt.task.description).as_bytes())
}

type Text = Result<String, DropReason>;

/// The rows of a file: its lines, one at a time; the elements of an array; or all of it.
fn rows(path: &Path) -> Result<Box<dyn Iterator<Item = Result<Text>>>> {
    let failed = || format!("failed to read {}", path.display());
    anyhow::ensure!(path.is_file(), "{} is no file", path.display());
    if path.extension().is_some_and(|end| end == "traj" || end == "json") {
        let text = std::fs::read_to_string(path).with_context(failed)?;
        match serde_json::from_str::<Value>(&text) {
            Ok(Value::Array(rows)) => {
                return Ok(Box::new(rows.into_iter().map(|row| Ok(Ok(row.to_string())))));
            }
            Ok(_) => return Ok(Box::new(std::iter::once(Ok(Ok(text))))),
            // One that holds lines.
            Err(_) => {}
        }
    }
    let lines = BufReader::new(File::open(path).with_context(failed)?).split(b'\n');
    let row = |line: std::io::Result<Vec<u8>>| {
        let line = line.context("failed to read a row")?;
        Ok(match String::from_utf8(line) {
            Ok(text) if text.len() > LONGEST => Err(DropReason::TooLargeFile),
            text => text.map_err(|_| DropReason::Unreadable),
        })
    };
    let blank = |row: &Result<Text>| matches!(row, Ok(Ok(text)) if text.trim().is_empty());
    Ok(Box::new(lines.map(row).filter(move |row| !blank(row))))
}
