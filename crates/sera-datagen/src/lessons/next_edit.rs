//! Going on with a change: the edits of a commit so far, and the next one.
//!
//! This is what an editor can ask at any moment: what was edited, the numbered lines of a place,
//! and an edit of those comes back.
use super::withheld::left;
use super::{Grounds, begun, open, take};
use crate::change::{Change, Seen};
use crate::teacher::stops;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use sera_agent::Environment;
use sera_agent::dialect::{self, Made, View};
use sera_core::split::held_out_function;
use sera_core::{Action, CommitSeed, FilePatch, FunctionKey, Lesson, Patch, Subject, TreePath};
use sera_sandbox::Overlay;
use std::sync::Arc;

/// Lessons of one commit, at most: its edits are alike.
const OF_A_COMMIT: usize = 3;

/// Places of a commit that are tried.
const TRIED: usize = 2 * OF_A_COMMIT;

/// Share of the words that come which may be new: prose that nobody could guess is not taught.
const UNSEEN: f64 = 0.34;

/// Some of the edits of a commit after its first, each with those before it. A lesson is dropped
/// where its place does not show all that goes, or neither that nor the edits so far show the
/// names that come.
pub(super) fn lessons(seed: &CommitSeed, rng_seed: u64, grounds: &Grounds<'_>) -> Vec<Lesson> {
    let Some(change) = Replayed::of(seed, grounds) else { return Vec::new() };
    let mut places: Vec<usize> = (1..change.edits.len()).collect();
    places.shuffle(&mut ChaCha8Rng::seed_from_u64(rng_seed));
    places.truncate(TRIED);
    let mut environment = Environment::new(change.base.clone(), grounds.nothing.clone());
    let mut lessons = Vec::new();
    for (at, (_, edit)) in change.edits.iter().enumerate() {
        if places.contains(&at) {
            lessons.extend(change.lesson(at, seed, environment.clone()));
        }
        // What comes after an edit that is not made would begin elsewhere.
        if lessons.len() >= OF_A_COMMIT || !environment.execute(edit).ok {
            break;
        }
    }
    lessons
}

/// A commit as edits, in the order that the procedural teacher makes them in.
struct Replayed {
    /// Each with the function that it is made in.
    edits: Vec<(Option<String>, Action)>,
    change: Change,
    /// What they are made in.
    base: Overlay,
}

impl Replayed {
    /// `None` where the commit does more than change files, has one hunk only or does not apply to
    /// what is left of its parent's tree.
    fn of(seed: &CommitSeed, grounds: &Grounds<'_>) -> Option<Self> {
        let files = &seed.patch.files;
        let one = files.iter().map(|file| file.hunks.len()).sum::<usize>() < 2;
        if one || files.iter().any(|f| f.binary || f.old.is_none() || f.new != f.old) {
            return None;
        }
        let patch = withheld(&seed.patch, &grounds.bases.at(&seed.parent).ok()?)?;
        if grounds.bases.redactor().touches_secret(&patch) {
            return None;
        }
        let base = grounds.at(&seed.parent).ok()?;
        let edits: Vec<(Option<String>, Action)> =
            stops(&patch, None, &|path| base.read_text(path).ok())
                .ok()?
                .into_iter()
                .flat_map(|stop| {
                    let name = stop.name;
                    stop.edits.into_iter().map(move |edit| (name.clone(), edit))
                })
                .collect();
        let read = |path: &TreePath| base.read_text(path).ok().map(|text| text.to_string());
        let change = Change::of(&patch, &read)?;
        (edits.len() > 1).then_some(Self { edits, change, base })
    }

    /// The lesson of one edit; in `environment` those before it are made.
    fn lesson(&self, at: usize, seed: &CommitSeed, mut environment: Environment) -> Option<Lesson> {
        let (name, edit) = &self.edits[at];
        let (Some(name), Action::Edit { path, old, new }) = (name, edit) else { return None };
        if held_out_function(&FunctionKey { path: path.clone(), name: name.clone() }) {
            return None;
        }
        let made: Vec<Made> = self.edits[..at].iter().filter_map(made).collect();
        let description = dialect::next_edit(&made)?;
        let before = self.edits[..at].iter().map(|(_, edit)| edit.clone()).collect();
        let subject = Subject::NextEdit { commit: seed.commit.clone() };
        let mut lesson = begun(subject, seed.parent.clone(), before, description);
        take(&mut lesson, &mut environment, open(path, name), false)?;
        let shown = lesson.steps.last()?.observation.text.clone();
        View::new(&shown).edit(old, new)?;
        let seen = Seen::of([lesson.description.as_str(), &shown]);
        let come = new.lines().filter(|line| !old.lines().any(|known| known == *line));
        let come = come.collect::<Vec<_>>().join("\n");
        if !self.change.part_determined_by(new, &seen) || seen.share_unseen(&come) > UNSEEN {
            return None;
        }
        take(&mut lesson, &mut environment, edit.clone(), true)?;
        Some(lesson)
    }
}

fn made((name, edit): &(Option<String>, Action)) -> Option<Made> {
    let Action::Edit { path, old, new } = edit else { return None };
    Some(Made { path: path.clone(), name: name.clone(), old: old.clone(), new: new.clone() })
}

/// The same change between what is left of the files on both sides. `None` where nothing is left
/// on one of them: that would teach to delete a file.
fn withheld(patch: &Patch, base: &Overlay) -> Option<Patch> {
    let redacted = |path: &TreePath| base.read_text(path).ok().map(|text| text.to_string());
    let files = patch.apply(&redacted, 0).ok()?.into_iter().map(|(path, after)| {
        let before = left(&path, &base.read_text(&path).ok()?);
        let after = left(&path, &Arc::from(after?));
        (before.is_empty() == after.is_empty()).then_some(())?;
        Some(FilePatch::between(&path, Some(&before), Some(&after)))
    });
    let files = files.collect::<Option<Vec<_>>>()?.into_iter().flatten().collect();
    Some(Patch { files })
}
