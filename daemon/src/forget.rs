//! Forgetting: what the user names goes, with all that was made of it, and does not come back.
use crate::cycle::Cycle;
use crate::engine::Engine;
use crate::failure;
use crate::order::Evaluated;
use crate::records::{Adapter, Promotion, Records, decisions_key};
use crate::reports;
use anyhow::{Context as _, Result};
use sera_core::audit::Event;
use sera_core::scorecard::{Capability, FixScore, Scorecard};
use sera_core::{
    AdapterId, CommitId, Digest, FilePatch, FunctionKey, Hole, Language, Lesson, Origin, Seed,
    TaskId, TrajectoryId, Tree as _, TreePath,
};
use sera_datagen::{Attempt, Forget, Forgotten, Source, Traces};
use sera_protocol::report::ForgetReport;
use sera_store::Kind;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

const FORGOTTEN: &str = "forgotten";
/// Characters of a trajectory's end that name it here.
const ID_END: usize = 8;
const RETRAINING: &str = "retraining";
/// What is being forgotten, until all of it is.
const PENDING: &str = "forgetting";

/// What the user names, and what that is: `path::function`, how a trajectory's id ends, a path, a
/// revision. A trajectory stands for what it was made from.
pub(crate) fn target(cycle: &Cycle<'_>, what: &str) -> Result<(String, Forget)> {
    let refuse = |error: &dyn std::fmt::Display| failure::invalid_params(error);
    let path = |text: &str| TreePath::new(text.trim_start_matches("./").trim_end_matches('/'));
    if let Some((file, name)) = what.split_once("::") {
        let key = FunctionKey {
            path: path(file).map_err(|error| refuse(&error))?,
            name: name.to_owned(),
        };
        return Ok((what.to_owned(), Forget::Function(key)));
    }
    // Fewer letters than a list shows may be anything.
    let told = if what.len() >= ID_END { cycle.records.told()? } else { Vec::new() };
    if let Some(attempt) = reports::named(&told, what)?.cloned() {
        return Ok(match attempt.task.origin {
            Origin::Mutation { function, .. } | Origin::Generated { function, .. } => {
                (format!("{}::{}", function.path, function.name), Forget::Function(function))
            }
            Origin::Commit { commit } => {
                (format!("commit {}", commit.short()), Forget::Commit(commit))
            }
            Origin::Imported { name } => (format!("imported {name}"), Forget::Imported(name)),
        });
    }
    let head = cycle.asked_in.tree(&cycle.asked_in.head()?)?;
    if let Ok(path) = path(what)
        && head.list()?.iter().any(|entry| entry.path.is_within(&path))
    {
        return Ok((path.to_string(), Forget::Path(path)));
    }
    if let Some(commit) = cycle.asked_in.resolve(what)? {
        return Ok((format!("commit {}", commit.short()), Forget::Commit(commit)));
    }
    let path = path(what).map_err(|error| refuse(&error))?;
    Ok((path.to_string(), Forget::Path(path)))
}

/// What bears traces of something that is to be forgotten.
#[derive(Default)]
struct Found {
    seeds: Vec<String>,
    tasks: Vec<String>,
    trajectories: Vec<String>,
    generations: Vec<String>,
    /// Trajectories in those.
    generated: usize,
    /// What is left of the holes, and how many go.
    holes: (Vec<Hole>, usize),
    /// The same of the lessons.
    lessons: (Vec<Lesson>, usize),
    adapters: Vec<Adapter>,
    /// What is left of scorecards that name it, by their keys.
    scorecards: Vec<(String, Evaluated)>,
}

impl Found {
    fn is_empty(&self) -> bool {
        let Self { seeds, tasks, trajectories, generations, .. } = self;
        let lists = [seeds, tasks, trajectories, generations];
        let examples = self.holes.1 + self.lessons.1;
        let none = examples == 0 && self.adapters.is_empty() && self.scorecards.is_empty();
        none && lists.iter().all(|list| list.is_empty())
    }
}

fn find(records: &Records, forgotten: &Forgotten) -> Result<Found> {
    let mut found = Found::default();
    let mut messages = BTreeSet::new();
    for seed in records.seeds()? {
        if forgotten.meets_seed(&seed) {
            if let Seed::Commit(commit) = &seed {
                messages.extend(sera_datagen::demonstration(commit));
            }
            found.seeds.push(seed.id().to_string());
        }
    }
    let meets = |traces: &Traces| forgotten.meets(traces);
    let mut tasks = BTreeSet::new();
    for task in records.tasks()? {
        if meets(&Traces::of_task(&task)) {
            tasks.insert(task.id);
            found.tasks.push(task.id.to_string());
        }
    }
    for attempt in records.played()? {
        if tasks.contains(&attempt.task.id) || meets(&Traces::of_attempt(&attempt)) {
            found.trajectories.push(attempt.trajectory.id.to_string());
        }
    }
    for made in records.generations()? {
        let told = made.demonstration.as_ref().is_some_and(|text| messages.contains(text));
        if told || meets(&Traces::of_generation(&made)) {
            found.generated += made.attempts.len();
            found.generations.push(Records::generation_key(&made));
        }
    }
    found.holes = left(records.holes()?, |hole| meets(&Traces::of_hole(hole)));
    found.lessons = left(records.lessons()?, |lesson| meets(&Traces::of_lesson(lesson)));
    for adapter in records.adapters()? {
        // One that does not say what it learnt from may have learnt from anything.
        if records.traces(&adapter)?.is_none_or(|traces| meets(&traces)) {
            found.adapters.push(adapter);
        }
    }
    for (key, mut scored) in records.scorecards()? {
        let cards = std::iter::once(&mut scored.card).chain(&mut scored.siblings);
        // Every card is gone through.
        if cards.map(|card| clear(card, &tasks, &meets)).fold(false, |any, one| any | one) {
            found.scorecards.push((key, scored));
        }
    }
    if !found.adapters.is_empty() {
        // What a student did on its own it did by what it had learnt.
        let own = records.played()?.into_iter().filter(|one| Source::of(one) == Source::Student);
        let known: BTreeSet<String> = found.trajectories.iter().cloned().collect();
        let more = own.map(|one| one.trajectory.id.to_string()).filter(|id| !known.contains(id));
        found.trajectories.extend(more);
    }
    Ok(found)
}

/// What stays, and how many go.
fn left<T>(all: Vec<T>, goes: impl Fn(&T) -> bool) -> (Vec<T>, usize) {
    let before = all.len();
    let left: Vec<T> = all.into_iter().filter(|one| !goes(one)).collect();
    let gone = before - left.len();
    (left, gone)
}

/// Takes out of a scorecard what bears traces; whether anything did.
fn clear(card: &mut Scorecard, tasks: &BTreeSet<TaskId>, meets: &impl Fn(&Traces) -> bool) -> bool {
    let mut cleared = false;
    for scores in card.complete.values_mut() {
        let all = scores.len();
        scores.retain(|score| !meets(&of_cluster(&score.cluster, false)));
        cleared |= scores.len() < all;
    }
    for scores in card.fix.values_mut() {
        let all = scores.len();
        let of = |score: &FixScore| of_cluster(&score.cluster, score.commit);
        scores.retain(|score| !tasks.contains(&score.task) && !meets(&of(score)));
        cleared |= scores.len() < all;
        // A rollout may have changed another file than its task is of.
        for score in scores.iter_mut() {
            let files = score.candidate.iter().flat_map(|patch| &patch.files);
            if files.map(FilePatch::path).any(|path| meets(&of_cluster(path.as_str(), false))) {
                score.candidate = None;
                cleared = true;
            }
        }
    }
    cleared
}

/// Of a group of items: a commit, or a file of which they may show any function.
fn of_cluster(cluster: &str, commit: bool) -> Traces {
    if commit {
        let commits = BTreeSet::from([CommitId::from_hex(cluster)]);
        return Traces { commits, ..Traces::default() };
    }
    let path: BTreeSet<TreePath> = TreePath::new(cluster).into_iter().collect();
    Traces { viewed: path.clone(), paths: path, ..Traces::default() }
}

/// Does it. What stays is what would be there if it had never been; a dry run only counts.
pub(crate) fn forget(cycle: &Cycle<'_>, what: &str, dry_run: bool) -> Result<ForgetReport> {
    let started = Instant::now();
    let (about, target) = target(cycle, what)?;
    let (records, store) = (cycle.records, cycle.records.store());
    let only = Forgotten::only(target.clone());
    let found = find(records, &only)?;
    anyhow::ensure!(
        is_known(cycle, &target, &found)?,
        failure::invalid_params(&format!("nothing is known of {what:?}"))
    );
    let mut report = ForgetReport {
        about,
        seeds: found.seeds.len() as u64,
        tasks: found.tasks.len() as u64,
        trajectories: (found.trajectories.len() + found.generated) as u64,
        holes: found.holes.1 as u64,
        lessons: Some(found.lessons.1 as u64),
        adapters: found.adapters.iter().map(|adapter| adapter.id.to_string()).collect(),
        served: BTreeMap::new(),
        retraining: !found.adapters.is_empty(),
        seconds: 0.0,
    };
    if !dry_run {
        // First that it must not come back, and what is under way.
        let mut forgotten = records.forgotten()?;
        forgotten.forget(target);
        store.put(Kind::Setting, FORGOTTEN, &forgotten)?;
        store.put(Kind::Setting, PENDING, &only)?;
        report.served = carry_out(cycle.engine, &found)?;
    }
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// Goes on with a forgetting that a killed daemon left unfinished.
pub(crate) fn finish(engine: &Engine) -> Result<()> {
    match engine.records.store().get::<Forgotten>(Kind::Setting, PENDING)? {
        Some(pending) => carry_out(engine, &find(&engine.records, &pending)?).map(drop),
        None => Ok(()),
    }
}

/// Removes what was found; what serves where that changed. Killed anywhere, [`finish`] finds the
/// rest: adapters say by their traces that they are to go until they are gone, and seeds, whose
/// messages other things are told by, go last.
fn carry_out(engine: &Engine, found: &Found) -> Result<BTreeMap<Capability, String>> {
    let (records, store) = (&engine.records, engine.records.store());
    if !found.adapters.is_empty() {
        engine.set_retraining()?;
    }
    // First of all: what they name is found by tasks.
    for (key, left) in &found.scorecards {
        store.put(Kind::Scorecard, key, left)?;
    }
    let adapters: Vec<AdapterId> = found.adapters.iter().map(|adapter| adapter.id).collect();
    tell(engine, found, &adapters)?;
    remove(records, found)?;
    let served = {
        let _alone = records.promoting();
        records.withdraw(&adapters)?
    };
    engine.forget_found();
    store.delete_all(Kind::Seed, &found.seeds)?;
    engine.remove_copies()?;
    store.shred(records.objects()?)?;
    store.delete(Kind::Setting, PENDING)?;
    Ok(served)
}

/// Tells the audit log what goes, but not what it was: that is to be forgotten.
fn tell(engine: &Engine, found: &Found, adapters: &[AdapterId]) -> Result<()> {
    let trajectories = (found.trajectories.len() + found.generated) as u64;
    engine.record(&Event::Forgot { trajectories, adapters: adapters.len() as u64 })?;
    for (capability, adapter, serves) in engine.records.replaced(adapters)? {
        let (capability, adapter) = (capability.name().to_owned(), adapter.to_string());
        let why = "it had learnt what is forgotten".to_owned();
        engine.record(&Event::RolledBack { capability, adapter, serves, why })?;
    }
    Ok(())
}

/// Whether there is, or was, such a thing: a mistyped name is not forgotten in silence. What shows
/// a function's file proves nothing of the function.
fn is_known(cycle: &Cycle<'_>, target: &Forget, found: &Found) -> Result<bool> {
    if cycle.records.forgotten()?.is(target) || known_place(cycle, target)? {
        return Ok(true);
    }
    match target {
        Forget::Function(_) => {
            let only = Forgotten::only(target.clone());
            let mined = cycle.records.seeds()?;
            Ok(mined.iter().any(|s| matches!(s, Seed::Function(_)) && only.meets_seed(s)))
        }
        Forget::Commit(_) | Forget::Path(_) | Forget::Imported(_) => Ok(!found.is_empty()),
    }
}

/// Whether it may be forgotten though nothing was made of it yet.
fn known_place(cycle: &Cycle<'_>, target: &Forget) -> Result<bool> {
    let head = cycle.asked_in.tree(&cycle.asked_in.head()?)?;
    let path = match target {
        Forget::Commit(_) => return Ok(true),
        Forget::Imported(_) => return Ok(false),
        Forget::Path(path) => path,
        Forget::Function(function) => &function.path,
    };
    let there = head.list()?.iter().any(|entry| entry.path.is_within(path));
    let Forget::Function(function) = target else { return Ok(there) };
    let text = head.read(path).ok().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    let (Some(text), Some(language)) = (text, Language::of(path)) else { return Ok(false) };
    let key = |name: String| FunctionKey { path: path.clone(), name };
    let functions = sera_syntax::parse(language, text).functions();
    Ok(functions.into_iter().any(|found| function.covers(&key(found.name))))
}

fn remove(records: &Records, found: &Found) -> Result<()> {
    let store = records.store();
    let lists = [
        // Tasks last: a trajectory is found by its task.
        (Kind::Generation, &found.generations),
        (Kind::Trajectory, &found.trajectories),
        (Kind::Verdict, &found.trajectories),
        (Kind::Task, &found.tasks),
    ];
    for (kind, keys) in lists {
        store.delete_all(kind, keys)?;
    }
    records.replace_holes(&found.holes.0)?;
    records.replace_lessons(&found.lessons.0)?;
    // Earlier versions kept commits whole here; a training that was interrupted learnt from all.
    store.delete(Kind::Known, crate::records::CURRENT)?;
    store.delete(Kind::Job, "interrupted")?;
    Ok(())
}

impl Records {
    /// What nothing may be made of any more.
    pub(crate) fn forgotten(&self) -> Result<Forgotten> {
        Ok(self.store().get(Kind::Setting, FORGOTTEN)?.unwrap_or_default())
    }

    /// Whether an adapter was withdrawn and none is trained in its place yet.
    pub(crate) fn retraining(&self) -> Result<bool> {
        Ok(self.store().get(Kind::Setting, RETRAINING)?.unwrap_or_default())
    }

    /// Remembers that one is to be, or is.
    pub(crate) fn keep_retraining(&self, due: bool) -> Result<()> {
        match due {
            true => self.store().put(Kind::Setting, RETRAINING, &due)?,
            false => drop(self.store().delete(Kind::Setting, RETRAINING)?),
        }
        Ok(())
    }

    /// What an adapter learnt from; none where it is older than that is kept.
    pub(crate) fn traces(&self, adapter: &Adapter) -> Result<Option<Traces>> {
        let Some(digest) = &adapter.traces else { return Ok(None) };
        let bytes = self.store().object(digest)?;
        serde_json::from_slice(&bytes).context("failed to read what an adapter learnt from")
    }

    /// Promotions of what is left.
    fn left(&self, capability: Capability, gone: &[AdapterId]) -> Result<Vec<Promotion>> {
        let mut promotions = self.promotions(capability)?;
        promotions.retain(|promotion| !gone.contains(&promotion.adapter));
        Ok(promotions)
    }

    /// What these adapters serve, and what will serve it when they are gone: the newest that is
    /// left and was promoted for it, or the base.
    fn replaced(&self, gone: &[AdapterId]) -> Result<Vec<(Capability, AdapterId, String)>> {
        let mut replaced = Vec::new();
        for capability in Capability::ALL {
            let Some(served) = self.served(capability)?.filter(|served| gone.contains(&served.id))
            else {
                continue;
            };
            let left = self.left(capability, gone)?;
            let now = left.last().map_or("base".to_owned(), |p| p.adapter.to_string());
            replaced.push((capability, served.id, now));
        }
        Ok(replaced)
    }

    /// Takes adapters away; whoever calls may change what serves. What serves where that changed.
    pub(crate) fn withdraw(&self, gone: &[AdapterId]) -> Result<BTreeMap<Capability, String>> {
        let replaced = self.replaced(gone)?.into_iter();
        let served = replaced.map(|(capability, _, now)| (capability, now)).collect();
        let left = Capability::ALL.map(|capability| Ok((capability, self.left(capability, gone)?)));
        let left = left.into_iter().collect::<Result<Vec<_>>>()?;
        self.keep_promotions(left.iter().map(|(capability, all)| (*capability, all.as_slice())))?;
        for adapter in gone {
            self.store().delete(Kind::Adapter, &adapter.to_string())?;
            self.store().delete(Kind::Scorecard, &adapter.to_string())?;
            self.store().delete(Kind::Setting, &decisions_key(*adapter))?;
        }
        Ok(served)
    }

    /// Objects that facts name in their values.
    fn objects(&self) -> Result<Vec<Digest>> {
        let mut objects = Vec::new();
        for adapter in self.adapters()? {
            let siblings = adapter.siblings.into_iter().flatten();
            objects.extend(adapter.files.into_iter().chain(siblings).map(|file| file.digest));
            objects.extend(adapter.traces);
        }
        Ok(objects)
    }
}

/// What an adapter learns from: `chosen` trajectories, all that teachers did on the way to them, the
/// messages that descriptions were to be like, the lessons and the holes.
pub(crate) fn learnt(
    records: &Records,
    chosen: &BTreeSet<TrajectoryId>,
    holes: &[Hole],
) -> Result<Traces> {
    let mut traces = Traces::default();
    holes.iter().for_each(|hole| traces.add(Traces::of_hole(hole)));
    records.lessons()?.iter().for_each(|lesson| traces.add(Traces::of_lesson(lesson)));
    let is_chosen = |attempt: &Attempt| chosen.contains(&attempt.trajectory.id);
    let played = records.played()?;
    played.iter().filter(|one| is_chosen(one)).for_each(|one| traces.add(Traces::of_attempt(one)));
    let mut messages = BTreeSet::new();
    for made in records.generations()? {
        if made.attempts.iter().any(is_chosen) {
            traces.add(Traces::of_generation(&made));
            messages.extend(made.demonstration);
        }
    }
    for seed in records.seeds()? {
        let Seed::Commit(commit) = seed else { continue };
        if sera_datagen::demonstration(&commit).is_some_and(|text| messages.contains(&text)) {
            traces.commits.insert(commit.commit);
        }
    }
    Ok(traces)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Wish;
    use crate::order;
    use sera_core::{BlobId, FunctionSeed, SeedId};
    use sera_git::Repository;
    use sera_testkit::{Repo, python_project};
    use sera_train::promote::{Decision, Refusal};

    fn seed(path: &str) -> Seed {
        let key = FunctionKey {
            path: TreePath::new(path).expect("a path inside the tree"),
            name: "f".to_owned(),
        };
        Seed::Function(FunctionSeed {
            id: SeedId::of(&[path]),
            key,
            language: Language::Python,
            blob: BlobId::from_hex("b"),
            span: 0..1,
            statements: 2,
            complexity: 1,
            held_out: false,
        })
    }

    fn engine_of(repo: &Repo) -> Engine {
        let repository = Repository::discover(repo.path()).expect("a repository");
        Engine::open(repository, repo.root()).expect("a store")
    }

    #[test]
    fn a_store_from_before_lessons_has_none() {
        let repo = python_project();
        let engine = engine_of(&repo);
        let none: Option<Vec<Lesson>> =
            engine.records.store().get(Kind::Lesson, crate::records::CURRENT).expect("it is read");
        assert_eq!(none, None);
        assert_eq!(engine.records.lessons().expect("they are read"), []);
        let forgotten = Forgotten::only(Forget::Path(TreePath::new("a.py").expect("a path")));
        let found = find(&engine.records, &forgotten).expect("it is looked for");
        assert!(found.is_empty());
    }

    fn adapter(id: AdapterId) -> Adapter {
        let digest = Digest::of(b"made from");
        let value = serde_json::json!({
            "id": id, "base": "any", "cut": "c0", "made_from": digest, "files": [],
            "siblings": [], "numbers": order::TrainNumbers::default(), "notes": [], "dropped": {},
        });
        serde_json::from_value(value).expect("an adapter")
    }

    /// What serves, and serves no more, stands in the audit log; what was forgotten does not.
    #[test]
    fn promotions_and_withdrawals_are_written_down() {
        let repo = python_project();
        let engine = engine_of(&repo);
        let store = engine.records.store();
        let decided = |refusal| Decision { gap: None, items: 20, refusal };
        for name in ["first", "second"] {
            let id = AdapterId::new(1, name.as_bytes());
            store.put(Kind::Adapter, &id.to_string(), &adapter(id)).expect("it is stored");
            let refused = decided(Some(Refusal::NoiseUnknown));
            let decisions =
                BTreeMap::from([(Capability::Fix, decided(None)), (Capability::Complete, refused)]);
            engine.promote(&adapter(id), &decisions).expect("it serves");
            assert_eq!(engine.records.decisions(id).expect("they are read"), decisions);
        }
        let found =
            Found { adapters: vec![adapter(AdapterId::new(1, b"second"))], ..Found::default() };
        carry_out(&engine, &found).expect("it is forgotten");
        let gone = engine.records.decisions(AdapterId::new(1, b"second"));
        assert_eq!(gone.expect("they are read"), BTreeMap::new());
        let wish = Wish { limit: None, kinds: &[], restart: false };
        let report = engine.audited(&wish).expect("the log is read");
        assert_eq!(report.broken, None);
        let told: Vec<String> = report.entries.into_iter().rev().map(|entry| entry.text).collect();
        let [first, second] = [b"first".as_slice(), b"second"].map(|name| AdapterId::new(1, name));
        let expect = [
            format!("{first} serves fix"),
            format!("{second} serves fix"),
            "0 trajectories, 1 adapters".to_owned(),
            format!("{first} serves fix instead of {second}: it had learnt what is forgotten"),
        ];
        assert_eq!(told, expect);
    }

    /// Whoever waits for a fix is answered beside a forgetting, by what was served as they asked.
    #[test]
    fn what_was_withdrawn_meanwhile_is_not_laid_out() {
        let repo = python_project();
        let engine = engine_of(&repo);
        let id = AdapterId::new(1, b"served");
        let store = engine.records.store();
        store.put(Kind::Adapter, &id.to_string(), &adapter(id)).expect("it is stored");
        let folder = engine.lay_out(id).expect("it is laid out").expect("there is one");
        assert!(folder.is_dir());
        engine.records.withdraw(&[id]).expect("it is withdrawn");
        engine.remove_copies().expect("it is removed");
        assert_eq!(engine.lay_out(id).expect("the store is read"), None);
        assert!(!folder.exists());
    }

    /// Adapters that learnt nothing from a file may have been measured on it.
    #[test]
    fn scorecards_name_nothing_that_is_forgotten() {
        let hole = |path: &str| {
            serde_json::json!({"item": format!("{path}::f#d"), "cluster": path, "nll": 1.0,
                "tokens": 2, "exact": null})
        };
        // What was done for a commit's task was done to another file.
        let fix = |cluster: &str, commit: bool, candidate: bool| {
            let task = TaskId::new(1, cluster.as_bytes());
            let mut score = serde_json::json!({"task": task, "cluster": cluster, "commit": commit,
                "nll": 1.0, "tokens": 2});
            if commit && candidate {
                let patch = "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-1\n+2\n";
                score["candidate"] = serde_json::json!(patch);
            }
            score
        };
        let card = |holes: &[&str], fixes: &[(&str, bool)], done: bool| {
            let holes: Vec<_> = holes.iter().map(|path| hole(path)).collect();
            let fixes: Vec<_> =
                fixes.iter().map(|(cluster, commit)| fix(cluster, *commit, done)).collect();
            serde_json::json!({"schema": "sera-scorecard/1", "complete": {"base": holes},
                "fix": {"adapter": fixes}, "general": {}})
        };
        let scored = |card: serde_json::Value, sibling: serde_json::Value| -> Evaluated {
            let value = serde_json::json!({"card": card, "siblings": [sibling], "notes": [],
                "seconds": 1.0});
            serde_json::from_value(value).expect("a scorecard")
        };
        let check = |target: Forget, holes: &[&str], fixes: &[(&str, bool)], other: &[&str]| {
            let repo = python_project();
            let engine = engine_of(&repo);
            let all = [("a.py", false), ("b.py", false), ("c1", true), ("c2", true)];
            let before =
                scored(card(&["a.py", "b.py"], &all, true), card(&["b.py", "a.py"], &[], true));
            let store = engine.records.store();
            store.put(Kind::Scorecard, "stays", &before).expect("it is stored");
            let found = find(&engine.records, &Forgotten::only(target)).expect("it is looked for");
            assert!(!found.is_empty());
            carry_out(&engine, &found).expect("it is forgotten");
            let left = engine.records.scorecards().expect("they are read");
            // Candidates stay where nothing of the file is forgotten.
            let done = holes.contains(&"a.py");
            let expect = scored(card(holes, fixes, done), card(other, &[], done));
            let [(_, left)] = &left[..] else { unreachable!("one scorecard") };
            assert_eq!((&left.card, &left.siblings), (&expect.card, &expect.siblings));
        };
        let rest = [("b.py", false), ("c1", true), ("c2", true)];
        let path = TreePath::new("a.py").expect("a path inside the tree");
        check(Forget::Path(path.clone()), &["b.py"], &rest, &["b.py"]);
        let function = FunctionKey { path, name: "f".to_owned() };
        check(Forget::Function(function), &["b.py"], &rest, &["b.py"]);
        let commit = Forget::Commit(CommitId::from_hex("c1"));
        let rest = [("a.py", false), ("b.py", false), ("c2", true)];
        check(commit, &["a.py", "b.py"], &rest, &["b.py", "a.py"]);
    }

    /// A daemon that was killed while it forgot goes on when it is started again.
    #[test]
    fn what_was_begun_is_finished() {
        let repo = python_project();
        let engine = engine_of(&repo);
        let store = engine.records.store();
        for path in ["a.py", "b.py"] {
            let seed = seed(path);
            store.put(Kind::Seed, seed.id().as_str(), &seed).expect("it is stored");
        }
        let withdrawn = engine.adapter_folder(AdapterId::new(1, b"gone"));
        std::fs::create_dir_all(&withdrawn).expect("a folder");
        let path = TreePath::new("a.py").expect("a path inside the tree");
        let pending = Forgotten::only(Forget::Path(path));
        store.put(Kind::Setting, PENDING, &pending).expect("it is stored");
        drop(engine);
        let engine = engine_of(&repo);
        let left = engine.records.seeds().expect("seeds");
        assert_eq!(left, [seed("b.py")]);
        assert!(!withdrawn.exists(), "what no record names is not left to be served");
        let pending = engine.records.store().get::<Forgotten>(Kind::Setting, PENDING);
        assert_eq!(pending.expect("it is read"), None);
    }
}
