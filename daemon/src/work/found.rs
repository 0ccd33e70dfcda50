//! What mining handed over last, by name, on disk: what is there already is not handed over again.
//!
//! Seeds are named by content, so a name and the side of the cut say everything. The daemon knows
//! this list by its digest; any other one is as good as none, and then all seeds are handed over.
use crate::order::Found;
use anyhow::{Context as _, Result};
use sera_core::{Digest, Seed, SeedId};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// What is written behind the name of a seed that is held out.
const HELD_OUT: &str = " held-out";

/// Seeds by name, and whether they are held out.
type Names = BTreeMap<SeedId, bool>;

/// What the daemon is to store and delete.
pub(super) struct Changes {
    /// Seeds that were not there, or not so; all of them where it is not known which were.
    pub(super) seeds: Vec<Seed>,
    /// Names that stand for nothing any more; none where all seeds are there.
    pub(super) gone: Option<Vec<SeedId>>,
    /// The list that says so from now on.
    pub(super) name: Option<Digest>,
}

/// Compares `seeds`, found under `rules`, with what was handed over last, and notes them instead.
pub(super) fn changes(found: Option<&Found>, rules: &str, seeds: Vec<Seed>) -> Result<Changes> {
    let Some(found) = found else { return Ok(Changes { seeds, gone: None, name: None }) };
    let before = found.name.as_ref().and_then(|name| read(&found.path, name, rules));
    let now: Names = seeds.iter().map(|seed| (seed.id().clone(), seed.held_out())).collect();
    let name = Some(write(&found.path, rules, &now)?);
    let Some(before) = before else { return Ok(Changes { seeds, gone: None, name }) };
    let gone = before.keys().filter(|id| !now.contains_key(*id)).cloned().collect();
    let differs = |seed: &Seed| before.get(seed.id()) != Some(&seed.held_out());
    let seeds = seeds.into_iter().filter(differs).collect();
    Ok(Changes { seeds, gone: Some(gone), name })
}

/// The list, if it is the one of this digest and of these rules.
fn read(path: &Path, name: &Digest, rules: &str) -> Option<Names> {
    let text = std::fs::read_to_string(path).ok()?;
    let (first, lines) = text.split_once('\n')?;
    if Digest::of(text.as_bytes()) != *name || first != rules {
        return None;
    }
    let entry = |line: &str| match line.strip_suffix(HELD_OUT) {
        Some(id) => (SeedId::from_hex(id), true),
        None => (SeedId::from_hex(line), false),
    };
    Some(lines.lines().map(entry).collect())
}

fn write(path: &Path, rules: &str, names: &Names) -> Result<Digest> {
    let mut text = format!("{rules}\n");
    for (id, held_out) in names {
        let mark = if *held_out { HELD_OUT } else { "" };
        writeln!(text, "{id}{mark}").context("a string takes every write")?;
    }
    // One that cannot be written is another list than the daemon asks for, and no more.
    if let Err(error) = std::fs::write(path, &text) {
        tracing::warn!(%error, "what mining found is not noted");
    }
    Ok(Digest::of(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_core::{BlobId, FunctionKey, FunctionSeed, Language, TreePath};

    fn seed(name: &str, held_out: bool) -> Seed {
        Seed::Function(FunctionSeed {
            id: SeedId::of(&[name]),
            key: FunctionKey { path: TreePath::new("a.py").unwrap(), name: name.to_owned() },
            language: Language::Python,
            blob: BlobId::from_hex("00"),
            span: 0..1,
            statements: 2,
            complexity: 1,
            held_out,
        })
    }

    /// What is handed over and what is gone; `*` is held out.
    fn handed(found: &mut Found, rules: &str, names: &[&str]) -> (Vec<String>, Option<usize>) {
        let seeds = names.iter().map(|n| seed(n.trim_end_matches('*'), n.ends_with('*')));
        let changes = changes(Some(found), rules, seeds.collect()).unwrap();
        found.name = changes.name;
        let name = |seed: &Seed| match seed {
            Seed::Function(function) => function.key.name.clone(),
            Seed::Commit(_) => unreachable!("there is none"),
        };
        (changes.seeds.iter().map(name).collect(), changes.gone.map(|gone| gone.len()))
    }

    #[test]
    fn only_what_changed_is_handed_over_while_both_sides_know_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let mut found = Found { path: folder.path().join("found"), name: None };
        let mut check = |spoil: fn(&mut Found), rules, names: &[&str], expect: &[&str], gone| {
            spoil(&mut found);
            let (handed, left) = handed(&mut found, rules, names);
            assert_eq!((handed, left), (expect.iter().map(|n| (*n).to_owned()).collect(), gone));
        };
        check(|_| (), "1", &["a", "b", "c*"], &["a", "b", "c"], None);
        check(|_| (), "1", &["a", "b", "c*"], &[], Some(0));
        check(|_| (), "1", &["a", "b*", "d"], &["b", "d"], Some(1));
        check(|_| (), "2", &["a", "b*", "d"], &["a", "b", "d"], None);
        check(|found| found.name = None, "2", &["a"], &["a"], None);
        check(|found| std::fs::write(&found.path, "2\n").unwrap(), "2", &["a"], &["a"], None);
        check(|found| std::fs::remove_file(&found.path).unwrap(), "2", &["a"], &["a"], None);
    }
}
