//! Lessons: conversations made from the code at the cut, or from the commits before it, alone.
//!
//! Where a task asks for a change, a lesson asks for one skill: to [`locate`] a function from what
//! its documentation says, to find its [`dependencies`], to make the [`next_edit`] of a change that
//! was begun. Every call is executed and its observation stored as it came. All of it happens in
//! trees that held-out functions are [`withheld`] from, so that nothing can show them.
mod dependencies;
mod locate;
mod next_edit;
mod withheld;

use crate::parallel::all_in_parallel;
use crate::synthesize::rng_seed_of;
use crate::{Bases, Policy, source_files};
use dependencies::Definitions;
use locate::Said;
use sera_agent::Environment;
use sera_core::lesson::LESSON_SCHEMA;
use sera_core::{
    Action, CommitId, FunctionKey, Language, Lesson, Seed, SeedId, Step, Subject, TreeError,
    TreePath,
};
use sera_sandbox::Overlay;
use sera_syntax::{Function, Index, parse};
use std::collections::HashMap;
use std::sync::Arc;
use withheld::Withheld;

/// Lessons of a kind, at most. A training of the tiny tier reads some dozens of them; this is what
/// an hour of it reads, made in seconds.
const MOST: usize = 500;

/// Seeds tried at a time, until there are enough.
const TRIED: usize = 64;

/// Lessons of all kinds from the seeds that may be trained on, in an order that no folder and no
/// date comes first in. Deterministic in `rng_seed`.
pub fn lessons(
    seeds: &[Seed],
    bases: &Bases,
    policy: &Policy,
    rng_seed: u64,
) -> Result<Vec<Lesson>, TreeError> {
    let grounds = Grounds::of(bases, policy.threads)?;
    let (definitions, said) = (Definitions::of(bases.index()), Said::of(&grounds));
    let (mut functions, mut commits) = (Vec::new(), Vec::new());
    for seed in seeds.iter().filter(|seed| !seed.held_out()) {
        match seed {
            Seed::Function(function) => functions.push((&function.id, function)),
            Seed::Commit(commit) => commits.push((&commit.id, commit)),
        }
    }
    let one = |lesson: Option<Lesson>| Vec::from_iter(lesson);
    let threads = policy.threads;
    let locate = enough(&functions, "locate", rng_seed, threads, |function| {
        one(locate::lesson(&function.key, &said, &grounds))
    });
    let dependencies = enough(&functions, "dependencies", rng_seed, threads, |function| {
        one(dependencies::lesson(&function.key, &definitions, &grounds))
    });
    let next = enough(&commits, "next-edit", rng_seed, threads, |commit| {
        next_edit::lessons(commit, rng_seed_of(rng_seed, &commit.id), &grounds)
    });
    Ok([locate, dependencies, next].concat())
}

/// What seeds give, in an order of the kind's own, until that is enough.
fn enough<S: Sync>(
    seeds: &[(&SeedId, S)],
    kind: &str,
    rng_seed: u64,
    threads: usize,
    make: impl Fn(&S) -> Vec<Lesson> + Sync,
) -> Vec<Lesson> {
    let mut order: Vec<&(&SeedId, S)> = seeds.iter().collect();
    order.sort_by_cached_key(|(id, _)| rng_seed_of(rng_seed, &SeedId::of(&[kind, id.as_str()])));
    let mut lessons = Vec::new();
    for part in order.chunks(TRIED) {
        lessons.extend(all_in_parallel(part, threads, |(_, seed)| make(seed)).concat());
        if lessons.len() >= MOST {
            break;
        }
    }
    lessons.truncate(MOST);
    lessons
}

/// The trees that lessons happen in: those of the repository, held-out functions withheld.
pub struct Grounds<'a> {
    bases: &'a Bases,
    cut: Overlay,
    index: Arc<Index>,
    files: HashMap<TreePath, File>,
    /// What there is to search where no lesson searches.
    nothing: Arc<Index>,
}

impl<'a> Grounds<'a> {
    /// Reads and indexes what is left of the tree at the cut.
    pub fn of(bases: &'a Bases, threads: usize) -> Result<Self, TreeError> {
        let cut = Self::withheld(bases, bases.source().clone());
        let files = source_files(&cut)?;
        let index = Arc::new(Index::build(files.iter().cloned()));
        let files = all_in_parallel(&files, threads, |(path, text)| {
            let language = Language::of(path)?;
            let functions = parse(language, text.clone()).functions();
            Some((path.clone(), File { text: text.clone(), functions }))
        });
        let files = files.into_iter().flatten().collect();
        Ok(Self { bases, cut, index, files, nothing: Arc::new(Index::build([])) })
    }

    /// A function at the cut and the text of its file. `None` where that is not indexed.
    fn function(&self, key: &FunctionKey) -> Option<(&Arc<str>, &Function)> {
        let file = self.files.get(&key.path)?;
        let function = file.functions.iter().find(|function| function.name == key.name)?;
        Some((&file.text, function))
    }

    fn withheld(bases: &Bases, tree: Overlay) -> Overlay {
        Overlay::new(Arc::new(Withheld::of(tree)), bases.redactor().clone())
    }

    /// What is left of the tree of a commit.
    fn at(&self, commit: &CommitId) -> Result<Overlay, TreeError> {
        match commit == self.bases.cut() {
            true => Ok(self.cut.clone()),
            false => Ok(Self::withheld(self.bases, self.bases.at(commit)?)),
        }
    }

    /// Where a lesson begins. `None` where its base is not there or not as it was.
    pub fn environment(&self, lesson: &Lesson) -> Option<Environment> {
        let index = match lesson.subject {
            Subject::Locate { .. } | Subject::Dependencies { .. } => &self.index,
            Subject::NextEdit { .. } => &self.nothing,
        };
        let mut environment = Environment::new(self.at(&lesson.base).ok()?, index.clone());
        let prepared = lesson.prepared.iter().all(|edit| environment.execute(edit).ok);
        prepared.then_some(environment)
    }

    /// A lesson at the cut in which nothing is done yet, and where it begins.
    fn begin(
        &self,
        subject: Subject,
        prepared: Vec<Action>,
        description: String,
    ) -> Option<(Lesson, Environment)> {
        let base = self.bases.cut().clone();
        let lesson = begun(subject, base, prepared, description);
        let environment = self.environment(&lesson)?;
        Some((lesson, environment))
    }
}

/// A file at the cut.
struct File {
    text: Arc<str>,
    functions: Vec<Function>,
}

/// A lesson in which nothing is done yet.
fn begun(subject: Subject, base: CommitId, prepared: Vec<Action>, description: String) -> Lesson {
    let (schema, steps) = (LESSON_SCHEMA.to_owned(), Vec::new());
    Lesson { schema, subject, base, prepared, description, steps }
}

/// Executes one more step of a lesson; a harness's own is no loss. `None` where it fails: nothing
/// is taught that does not work.
fn take(
    lesson: &mut Lesson,
    environment: &mut Environment,
    action: Action,
    own: bool,
) -> Option<()> {
    let observation = environment.execute(&action);
    let done = observation.ok;
    lesson.steps.push(Step { thought: None, action, observation, masked: !own });
    done.then_some(())
}

/// Searches as the guided harness does. `None` where that does not print `place`: what is opened
/// next must have been found.
fn find(
    lesson: &mut Lesson,
    environment: &mut Environment,
    words: &[String],
    place: &FunctionKey,
) -> Option<()> {
    if words.is_empty() {
        return None;
    }
    take(lesson, environment, Action::Search { query: words.join(" ") }, false)?;
    let hits = &lesson.steps.last()?.observation.text;
    let printed = format!("{}::{}  ", place.path, place.name);
    hits.lines().any(|line| line.starts_with(&printed)).then_some(())
}

fn open(path: &TreePath, name: &str) -> Action {
    Action::Open { path: path.clone(), name: Some(name.to_owned()) }
}
