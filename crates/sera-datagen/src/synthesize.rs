//! Synthesis: a seed becomes tasks, each with a text that says what is wrong and not how to mend it.
//!
//! A function gets a fault by one operator; the inverse of the fault is the reference. A commit is
//! its own reference. Either way the task must be *determined* (a solver can see everything the fix
//! inserts) and its text must not *leak* the fix. Nothing here is random but by `rng_seed`.
use crate::caps::{Caps, Share};
use crate::change::{Change, Names, Seen};
use crate::families::{Site, families_of};
use crate::judge::patch_id;
use crate::parallel::all_in_parallel;
use crate::texts::{self, Facts};
use crate::{Bases, DropReason, Policy, commits};
use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use sera_agent::Views;
use sera_core::task::{Base, TASK_SCHEMA};
use sera_core::{
    Digest, Family, FilePatch, FunctionSeed, Language, LineKind, Origin, Patch, Register, Seed,
    SeedId, Task, TaskId, TreePath,
};
use sera_syntax::{Function, Mutation, Parsed, mutations, parse};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Candidates made of a function for every task it may have: the caps choose among them.
const CANDIDATES_PER_TASK: usize = 2;

/// Mutations tried for every candidate wanted.
const TRIES_PER_CANDIDATE: usize = 5;

/// What came of some seeds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Synthesized {
    /// The tasks; of many seeds, first tasks of every function come before second ones.
    pub tasks: Vec<Task>,
    /// What did not become a task and why: the seed, and once per candidate.
    pub dropped: Vec<(SeedId, DropReason)>,
}

/// What every task of one batch shares.
#[derive(Clone, Copy)]
pub(crate) struct Batch<'a> {
    pub(crate) bases: &'a Bases,
    pub(crate) policy: &'a Policy,
    pub(crate) rng_seed: u64,
    pub(crate) now_ms: u64,
}

/// Tasks of one seed, as many as the policy allows a function. Shares are not capped here: see
/// [`synthesize_all`]. Deterministic in `rng_seed`; `now_ms` (Unix milliseconds) orders the ids.
pub fn synthesize(
    seed: &Seed,
    bases: &Bases,
    policy: &Policy,
    rng_seed: u64,
    now_ms: u64,
) -> Synthesized {
    let batch = Batch { bases, policy, rng_seed, now_ms };
    let mut made = of_file(&[seed], &batch, policy.tasks_per_function);
    Synthesized { tasks: made.tasks.drain(..).flatten().collect(), dropped: made.dropped }
}

/// Tasks of many seeds under the caps of the policy, duplicates removed; held-out tasks and those
/// to train on are capped apart.
pub fn synthesize_all(
    seeds: &[Seed],
    bases: &Bases,
    policy: &Policy,
    rng_seed: u64,
    now_ms: u64,
) -> Synthesized {
    let batch = Batch { bases, policy, rng_seed, now_ms };
    let mut by_file = BTreeMap::<String, Vec<&Seed>>::new();
    for seed in seeds {
        let key = match seed {
            Seed::Function(function) => function.key.path.to_string(),
            Seed::Commit(commit) => format!("\u{1}{}", commit.commit),
        };
        by_file.entry(key).or_default().push(seed);
    }
    let files: Vec<Vec<&Seed>> = by_file.into_values().collect();
    let wanted = policy.tasks_per_function * CANDIDATES_PER_TASK;
    let made = all_in_parallel(&files, policy.threads, |file| of_file(file, &batch, wanted));
    let (mut candidates, mut dropped) = (Vec::new(), Vec::new());
    for made in made {
        candidates.extend(made.tasks);
        dropped.extend(made.dropped);
    }
    let mut out = Synthesized { tasks: Vec::new(), dropped };
    let (held_out, training) = rounds(candidates).into_iter().partition(|t: &Task| t.held_out);
    for tasks in [training, held_out] {
        capped(tasks, policy, &mut out);
    }
    out
}

/// First candidates of every seed, then second ones, …, in each round in the order of the ids'
/// digests, so that no folder comes first.
fn rounds(candidates: Vec<Vec<Task>>) -> Vec<Task> {
    let mut ordered: Vec<(usize, Digest, Task)> = Vec::new();
    for tasks in candidates {
        for (round, task) in tasks.into_iter().enumerate() {
            let key = Digest::of(format!("{}{}", task.rng_seed, task.seed).as_bytes());
            ordered.push((round, key, task));
        }
    }
    ordered.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    ordered.into_iter().map(|(_, _, task)| task).collect()
}

fn capped(tasks: Vec<Task>, policy: &Policy, out: &mut Synthesized) {
    let mut seen = HashSet::new();
    let (tasks, twice): (Vec<Task>, Vec<Task>) =
        tasks.into_iter().partition(|task| seen.insert(patch_id(&task.reference)));
    out.dropped.extend(twice.into_iter().map(|task| (task.seed, DropReason::Duplicate)));
    let shares: Vec<Share<'_>> = tasks.iter().map(Share::of).collect();
    let fates = Caps::of(policy).choose(&shares, policy.max_tasks);
    for (task, fate) in tasks.into_iter().zip(fates) {
        match fate {
            None => out.tasks.push(task),
            Some(reason) => out.dropped.push((task.seed, reason)),
        }
    }
}

/// Candidates by seed, and what did not become one.
#[derive(Default)]
struct Made {
    tasks: Vec<Vec<Task>>,
    dropped: Vec<(SeedId, DropReason)>,
}

/// Candidates of seeds of one file, which is read and parsed once.
fn of_file(seeds: &[&Seed], batch: &Batch<'_>, wanted: usize) -> Made {
    let mut made = Made::default();
    let mut file = None;
    for seed in seeds {
        match seed {
            Seed::Commit(commit) => match commits::task(commit, batch) {
                Ok(task) => made.tasks.push(vec![task]),
                Err(reason) => made.dropped.push((commit.id.clone(), reason)),
            },
            Seed::Function(function) => {
                let file = file.get_or_insert_with(|| File::read(function, batch.bases));
                match file {
                    Ok(file) => of_function(function, file, batch, wanted, &mut made),
                    Err(reason) => made.dropped.push((function.id.clone(), *reason)),
                }
            }
        }
    }
    made
}

/// A file at the cut, parsed.
struct File {
    path: TreePath,
    text: Arc<str>,
    parsed: Parsed,
    functions: Vec<Function>,
    names: Names,
}

impl File {
    fn read(seed: &FunctionSeed, bases: &Bases) -> Result<Self, DropReason> {
        use sera_core::Tree as _;
        let path = seed.key.path.clone();
        bases.source().read(&path).map_err(|_| DropReason::NoBase)?;
        let text = bases.source().read_text(&path).map_err(|_| DropReason::NoBase)?;
        let language = Language::of(&path).ok_or(DropReason::NoBase)?;
        let parsed = parse(language, text.clone());
        let names = Names::of(text.clone(), Some(&parsed));
        Ok(Self { path, text, functions: parsed.functions(), parsed, names })
    }
}

fn of_function(
    seed: &FunctionSeed,
    file: &File,
    batch: &Batch<'_>,
    wanted: usize,
    made: &mut Made,
) {
    let named = |f: &&Function| f.name == seed.key.name && f.span == seed.span;
    let Some(function) = file.functions.iter().find(named) else {
        made.dropped.push((seed.id.clone(), DropReason::NoBase));
        return;
    };
    let rng_seed = rng_seed_of(batch.rng_seed, &seed.id);
    let mut rng = ChaCha8Rng::seed_from_u64(rng_seed);
    let mut open = Draw::new(mutations(&file.parsed, function));
    if open.is_empty() {
        made.dropped.push((seed.id.clone(), DropReason::NoMutation));
        return;
    }
    let mut tasks: Vec<Task> = Vec::new();
    for _ in 0..wanted * TRIES_PER_CANDIDATE {
        if tasks.len() >= wanted {
            break;
        }
        let refactorings = tasks.iter().filter(|t| refactoring(t)).count();
        let lacking = (refactorings as f64) < batch.policy.refactoring_share * tasks.len() as f64;
        let Some(mutation) = open.draw(lacking, &mut rng) else { break };
        let plant = Plant { seed, file, function, mutation: &mutation };
        match plant.task(batch, rng_seed, tasks.len(), &mut rng) {
            Ok(task) => {
                open.made(&mutation);
                tasks.push(task);
            }
            Err(reason) => made.dropped.push((seed.id.clone(), reason)),
        }
    }
    made.tasks.push(tasks);
}

fn refactoring(task: &Task) -> bool {
    matches!(task.origin, Origin::Mutation { refactoring: true, .. })
}

/// A seed's own stream of choices.
pub(crate) fn rng_seed_of(batch: u64, seed: &SeedId) -> u64 {
    let digest = Digest::of(format!("{batch}/{seed}").as_bytes());
    u64::from_str_radix(&digest.as_str()[..16], 16).expect("digests are hexadecimal")
}

/// The mutations of a function, drawn without replacement: an operator by its weight, then one of
/// its mutations.
struct Draw {
    by_operator: Vec<(f64, Vec<Mutation>)>,
}

impl Draw {
    fn new(all: Vec<Mutation>) -> Self {
        let mut by_operator = Vec::<(f64, Vec<Mutation>)>::new();
        for mutation in all {
            let same = |(_, group): &&mut (f64, Vec<Mutation>)| {
                group.first().is_some_and(|first| first.operator == mutation.operator)
            };
            match by_operator.iter_mut().find(same) {
                Some((_, group)) => group.push(mutation),
                None => by_operator.push((mutation.operator.weight(), vec![mutation])),
            }
        }
        Self { by_operator }
    }

    fn is_empty(&self) -> bool {
        self.by_operator.iter().all(|(_, group)| group.is_empty())
    }

    /// The next mutation; a refactoring where there is one and `refactoring` asks for it.
    fn draw(&mut self, refactoring: bool, rng: &mut ChaCha8Rng) -> Option<Mutation> {
        let open: Vec<usize> =
            (0..self.by_operator.len()).filter(|at| !self.by_operator[*at].1.is_empty()).collect();
        let improving: Vec<usize> = open
            .iter()
            .copied()
            .filter(|at| self.by_operator[*at].1[0].operator.refactoring())
            .collect();
        let among = if refactoring && !improving.is_empty() { &improving } else { &open };
        let at = *among.choose_weighted(rng, |at| self.by_operator[*at].0.max(1e-6)).ok()?;
        let group = &mut self.by_operator[at].1;
        Some(group.swap_remove(rng.random_range(0..group.len())))
    }

    /// A task was made: its operator is less wanted for the next one.
    fn made(&mut self, mutation: &Mutation) {
        for (weight, group) in &mut self.by_operator {
            if group.first().is_some_and(|m| m.operator == mutation.operator) {
                *weight /= 3.0;
            }
        }
    }
}

/// A fault about to be planted.
struct Plant<'a> {
    seed: &'a FunctionSeed,
    file: &'a File,
    function: &'a Function,
    mutation: &'a Mutation,
}

/// Whether opening a function shows byte `at` of it. Long ones are clipped to head and tail, two
/// lines to one; this is on the safe side of that, and the rollout finds out for certain.
fn visible(function: &str, at: usize) -> bool {
    let views = Views::default();
    let whole = function.len() <= views.open_bytes && function.lines().count() <= views.lines;
    whole || at < views.open_bytes / 2 || at > function.len().saturating_sub(views.open_bytes / 4)
}

/// The first line that the fix writes, or removes where it writes none.
fn first_line(reference: &Patch) -> &str {
    let lines = || reference.files.iter().flat_map(|f| &f.hunks).flat_map(|h| &h.lines);
    let of = |kind| lines().find(|l| l.kind == kind && !l.text.trim().is_empty());
    of(LineKind::Added).or_else(|| of(LineKind::Removed)).map_or("", |l| l.text.as_str())
}

impl Plant<'_> {
    fn task(
        &self,
        batch: &Batch<'_>,
        rng_seed: u64,
        number: usize,
        rng: &mut ChaCha8Rng,
    ) -> Result<Task, DropReason> {
        let buggy = self.mutation.apply(&self.file.text);
        let between = |old: &str, new: &str| {
            let file = FilePatch::between(&self.file.path, Some(old), Some(new));
            file.map(|file| Patch { files: vec![file] })
        };
        let reference = between(&buggy, &self.file.text).ok_or(DropReason::NoMutation)?;
        if reference.changed_lines() > batch.policy.max_task_lines {
            return Err(DropReason::TooLarge);
        }
        if batch.bases.redactor().touches_secret(&reference) {
            return Err(DropReason::Secret);
        }
        let change = Change::to(&reference, &self.file.names);
        let (start, shown) = self.shown(&buggy);
        let fault = self.mutation.span.start.saturating_sub(start);
        if !visible(shown, fault) {
            return Err(DropReason::NotShown);
        }
        if !change.determined_by(&Seen::of([shown])) {
            return Err(DropReason::Underdetermined);
        }
        let line = first_line(&reference);
        let (family, register, description) = self.describe(line, &change, rng)?;
        let operator = self.mutation.operator;
        let name = format!("{}/{rng_seed}/{number}/{reference}", self.seed.id);
        Ok(Task {
            schema: TASK_SCHEMA.to_owned(),
            id: TaskId::new(batch.now_ms, name.as_bytes()),
            seed: self.seed.id.clone(),
            origin: Origin::Mutation {
                operator: operator.name().to_owned(),
                function: self.seed.key.clone(),
                refactoring: operator.refactoring(),
            },
            base: Base { commit: batch.bases.cut().clone(), bug: Some(reference.inverse()) },
            description,
            register,
            family: Family(family),
            reference,
            held_out: self.seed.held_out,
            rng_seed: rng_seed.wrapping_add(number as u64),
        })
    }

    /// The function's whole lines once the fault is in, and where they begin.
    fn shown<'t>(&self, buggy: &'t str) -> (usize, &'t str) {
        let grown = buggy.len() as isize - self.file.text.len() as isize;
        let end = self.function.span.end.saturating_add_signed(grown);
        // Documentation stands before the function in some languages, and may be what is lost.
        let first = self.function.span.start.min(self.mutation.span.start);
        let start = buggy[..first].rfind('\n').map_or(0, |at| at + 1);
        (start, &buggy[start..end.min(buggy.len())])
    }

    fn describe(
        &self,
        line: &str,
        change: &Change,
        rng: &mut ChaCha8Rng,
    ) -> Result<(String, Register, String), DropReason> {
        // How a refactoring shows is not where its first line stands.
        let refactoring = self.mutation.operator.refactoring();
        let site = if refactoring { Site::Other } else { Site::of(line) };
        let families = families_of(self.mutation, line);
        let (wordings, family) = families.choose(rng).expect("there is always a family");
        let facts = Facts {
            family: wordings,
            function: &self.seed.key,
            site,
            suspect: self.suspect(),
            documentation: self.documentation(),
        };
        texts::registers(refactoring, rng)
            .into_iter()
            .find_map(|register| {
                let text = texts::describe(&facts, register, change, rng)?;
                Some((family.clone(), register, text))
            })
            .ok_or(DropReason::Leak)
    }

    /// A name that the fault put there, or the one that its subject names.
    fn suspect(&self) -> Option<&str> {
        let name = |text: &str| {
            !text.is_empty()
                && text.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.')
        };
        [self.mutation.replacement.as_str(), self.mutation.subject.as_str()]
            .into_iter()
            .find(|text| name(text) && *text != "pass")
    }

    /// The first sentence of the documentation, if it is one line of prose.
    fn documentation(&self) -> Option<&str> {
        let text = &self.file.text[self.function.docstring.clone()?];
        let marks: &[char] = &['"', '\'', '/', '*', '#', '!', ' ', '\t', '\n', '\r'];
        let prose = text.trim_start_matches(['r', 'u', 'b']).trim_matches(marks);
        let line = prose.lines().next()?.trim();
        let sentence = line.split_once(". ").map_or(line, |(first, _)| first).trim_end_matches('.');
        let fits = (12..=100).contains(&sentence.len()) && !sentence.contains(['`', '"', ':', '@']);
        fits.then_some(sentence)
    }
}
