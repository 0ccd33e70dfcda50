//! What one repository's store holds, in this product's words; the only writer of it.
//!
//! Seeds are named by content, so a new mining writes only what changed. Tasks, trajectories,
//! lessons and holes belong to one *cycle*: a training cycle fixes the cut, and a moved cut starts the next.
mod promotions;

pub(crate) use promotions::{Promotion, decisions_key};

use crate::order::{
    Counts, Evaluated, MineDone, RolledOut, Synthesized, TrainNumbers, Trained, Yield,
};
use anyhow::{Context as _, Result};
use sera_core::scorecard::{Capability, Scorecard};
use sera_core::{
    AdapterId, CommitId, Digest, Hole, Lesson, Origin, Seed, SeedId, Task, TaskId, Trajectory,
    TrajectoryId,
};
use sera_core::{Verdict, stats};
use sera_datagen::rewrites::Made;
use sera_datagen::{Attempt, Cut, DropReason, Drops, Generation, Selection, Source, Traces};
use sera_store::{Batch, Head, Kind, Store};
use sera_train::promote;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What mining found last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MinedAt {
    /// The tip that was mined.
    pub(crate) tip: CommitId,
    /// Where training may end.
    pub(crate) cut: Cut,
    /// What was left out.
    pub(crate) dropped: Drops,
}

/// One training cycle's fixed ground.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cycle {
    /// The cut everything of this cycle is made at.
    pub(crate) cut: Cut,
    /// Why seeds gave no task.
    pub(crate) dropped: Drops,
}

/// What became of the rollouts so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Rollouts {
    /// Tasks that gave no trajectory, and why.
    pub(crate) dropped: BTreeMap<TaskId, String>,
    /// Attempts the student made on its own, by outcome.
    pub(crate) student: BTreeMap<String, u64>,
    /// Attempts per second, last time.
    pub(crate) per_second: f64,
}

/// What became of one function under a teacher.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// Why there is no accepted second rollout.
    pub(crate) dropped: Option<DropReason>,
    /// Recall of the second rollout.
    pub(crate) recall: Option<f64>,
}

impl Outcome {
    fn of(generation: &Generation) -> Self {
        let second = generation.attempts.get(1);
        let recall = second.map(|attempt| attempt.verdict.overlap.recall);
        Self { dropped: generation.dropped, recall }
    }
}

/// A file of an adapter, kept as an object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AdapterFile {
    /// Its name in the PEFT folder.
    pub(crate) name: String,
    /// Its content.
    pub(crate) digest: Digest,
}

/// A trained adapter and what made it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Adapter {
    /// Its name.
    pub(crate) id: AdapterId,
    /// The base it belongs to.
    pub(crate) base: String,
    /// The cut it was trained at.
    pub(crate) cut: CommitId,
    /// The cut of the adapter before: commits since then are new to this one.
    #[serde(default)]
    pub(crate) since: Option<CommitId>,
    /// Seed of its initial weights and of the order of examples.
    #[serde(default)]
    pub(crate) seed: Option<u64>,
    /// Digest of the dataset and settings that made it.
    pub(crate) made_from: Digest,
    /// Its PEFT folder.
    pub(crate) files: Vec<AdapterFile>,
    /// Folders of half-budget trainings with other seeds.
    pub(crate) siblings: Vec<Vec<AdapterFile>>,
    /// Its numbers.
    pub(crate) numbers: TrainNumbers,
    /// Decisions on the way.
    pub(crate) notes: Vec<String>,
    /// Trajectories left out of its dataset.
    pub(crate) dropped: Drops,
    /// The object that says what it learnt from.
    #[serde(default)]
    pub(crate) traces: Option<Digest>,
    /// The trajectories that it learnt from, counted; none where it is older than that is kept.
    #[serde(default)]
    pub(crate) learnt: Option<Learnt>,
}

/// Trajectories, counted by what they are of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Learnt {
    /// By who solved what kind of task.
    pub(crate) sources: BTreeMap<String, u64>,
    /// By family of change.
    pub(crate) families: BTreeMap<String, u64>,
    /// By operator, for those that one made.
    pub(crate) operators: BTreeMap<String, u64>,
}

impl Learnt {
    fn add(&mut self, attempt: &Attempt) {
        let task = &attempt.task;
        let one = |counts: &mut BTreeMap<String, u64>, word: String| {
            *counts.entry(word).or_default() += 1;
        };
        one(&mut self.sources, Source::of(attempt).to_string());
        one(&mut self.families, task.family.0.clone());
        if let Origin::Mutation { operator, .. } = &task.origin {
            one(&mut self.operators, operator.clone());
        }
    }
}

/// Where a cancelled training can go on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Interrupted {
    /// Digest of the dataset and settings; another order cannot use the checkpoint.
    pub(crate) made_from: Digest,
    /// The checkpoint's content.
    pub(crate) checkpoint: Digest,
}

/// What is new to the last adapter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fresh {
    /// Functions and commits that may be trained on and are new or changed.
    pub(crate) seeds: u64,
    /// They were enough for another one.
    pub(crate) due: bool,
}

const FRESH: &str = "fresh";

/// The key of what there is only one of.
pub(crate) const CURRENT: &str = "current";

/// One repository's store.
pub(crate) struct Records {
    store: Store,
    /// Held while it is decided what serves: that is read, changed and written.
    promoting: Mutex<()>,
}

impl Records {
    /// Opens the store in `folder`, rebuilding its index where that is damaged.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let started = std::time::Instant::now();
        let store = Store::open(folder, &is_sound)
            .with_context(|| format!("failed to open the store in {}", folder.display()))?;
        let (index, seconds) = (&store.opened().index, started.elapsed().as_secs_f64());
        tracing::info!(folder = %folder.display(), ?index, seconds, "the store is open");
        Ok(Self { store, promoting: Mutex::default() })
    }

    /// Reads everything, rebuilds the index where it differs; with the seconds it took.
    pub(crate) fn check(&self) -> Result<(sera_store::Report, f64)> {
        let started = std::time::Instant::now();
        let report = self.store.fsck(&is_sound)?;
        Ok((report, started.elapsed().as_secs_f64()))
    }

    /// The right to change what serves.
    pub(crate) fn promoting(&self) -> MutexGuard<'_, ()> {
        self.promoting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store itself, for resting.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// What mining found last.
    pub(crate) fn mined(&self) -> Result<Option<MinedAt>> {
        Ok(self.store.get(Kind::Cut, CURRENT)?)
    }

    /// Stores what a mining found, writing only seeds that changed, and counts them: an adapter is due
    /// once `enough` are new to the last one.
    pub(crate) fn keep_mined(&self, tip: &CommitId, done: &MineDone, enough: u64) -> Result<Fresh> {
        let (new, gone) = match &done.gone {
            Some(gone) => (done.seeds.iter().collect(), gone.clone()),
            None => self.changes(&done.seeds)?,
        };
        let mut batch = Batch::default();
        let mut fresh = self.fresh()?;
        if !self.adapters()?.is_empty() {
            fresh.seeds += new.iter().filter(|seed| !seed.held_out()).count() as u64;
            fresh.due |= fresh.seeds >= enough;
        }
        batch.put(Kind::Setting, FRESH, &fresh)?;
        for seed in new {
            batch.put(Kind::Seed, seed.id().as_str(), seed)?;
        }
        gone.iter().try_for_each(|id| batch.delete(Kind::Seed, id.as_str()))?;
        self.follow(&mut batch, &done.followed)?;
        // Earlier versions kept here what is a file of its own now.
        if self.store.contains(Kind::Known, CURRENT)? {
            batch.delete(Kind::Known, CURRENT)?;
        }
        let at = MinedAt { tip: tip.clone(), cut: done.cut.clone(), dropped: done.dropped.clone() };
        batch.put(Kind::Cut, CURRENT, &at)?;
        self.store.commit(batch)?;
        Ok(fresh)
    }

    /// What is new to the last adapter.
    pub(crate) fn fresh(&self) -> Result<Fresh> {
        Ok(self.store.get(Kind::Setting, FRESH)?.unwrap_or_default())
    }

    /// Keeps it.
    pub(crate) fn keep_fresh(&self, fresh: Fresh) -> Result<()> {
        Ok(self.store.put(Kind::Setting, FRESH, &fresh)?)
    }

    /// Of all that mining found what is not stored so, and what is stored and was not found.
    fn changes<'a>(&self, seeds: &'a [Seed]) -> Result<(Vec<&'a Seed>, Vec<SeedId>)> {
        let mut new: BTreeMap<&SeedId, &Seed> =
            seeds.iter().map(|seed| (seed.id(), seed)).collect();
        let names: BTreeSet<&SeedId> = new.keys().copied().collect();
        let mut gone = Vec::new();
        // One at a time: all of them twice would be most of what the daemon ever holds.
        for entry in self.store.scan::<Seed>(Kind::Seed)? {
            let stored = entry?.1;
            if !names.contains(stored.id()) {
                gone.push(stored.id().clone());
            } else if new.get(stored.id()) == Some(&&stored) {
                new.remove(stored.id());
            }
        }
        Ok((new.into_values().collect(), gone))
    }

    /// How many seeds there are.
    pub(crate) fn counts(&self) -> Result<Counts> {
        let mut counts = Counts::default();
        for entry in self.store.scan::<Seed>(Kind::Seed)? {
            counts.add(&entry?.1);
        }
        Ok(counts)
    }

    /// Everything mined.
    pub(crate) fn seeds(&self) -> Result<Vec<Seed>> {
        self.all(Kind::Seed)
    }

    /// The cycle that tasks were made for.
    pub(crate) fn cycle(&self) -> Result<Option<Cycle>> {
        Ok(self.store.get(Kind::Dataset, CURRENT)?)
    }

    /// Starts a cycle: the tasks and trajectories of the last one are of another tree. At once:
    /// killed before, the daemon finds the last cycle as it was.
    pub(crate) fn keep_synthesized(&self, cut: &Cut, made: &Synthesized) -> Result<()> {
        let mut batch = Batch::default();
        for kind in [Kind::Task, Kind::Trajectory, Kind::Verdict] {
            self.store.keys(kind)?.iter().try_for_each(|key| batch.delete(kind, key))?;
        }
        let forgotten = self.forgotten()?;
        for task in made.tasks.iter().filter(|task| !forgotten.meets(&Traces::of_task(task))) {
            batch.put(Kind::Task, &task.id.to_string(), task)?;
        }
        let holes = made.holes.iter().filter(|hole| !forgotten.meets(&Traces::of_hole(hole)));
        batch.put(Kind::Hole, CURRENT, &holes.collect::<Vec<_>>())?;
        let lessons = made.lessons.iter().filter(|one| !forgotten.meets(&Traces::of_lesson(one)));
        batch.put(Kind::Lesson, CURRENT, &lessons.collect::<Vec<_>>())?;
        batch.put(Kind::Setting, "rollouts", &Rollouts::default())?;
        let cycle = Cycle { cut: cut.clone(), dropped: made.dropped.clone() };
        batch.put(Kind::Dataset, CURRENT, &cycle)?;
        Ok(self.store.commit(batch)?)
    }

    /// Training and held-out tasks of the cycle.
    pub(crate) fn tasks(&self) -> Result<Vec<Task>> {
        self.all(Kind::Task)
    }

    /// Training and held-out holes of the cycle.
    pub(crate) fn holes(&self) -> Result<Vec<Hole>> {
        Ok(self.store.get(Kind::Hole, CURRENT)?.unwrap_or_default())
    }

    /// The holes that are left.
    pub(crate) fn replace_holes(&self, holes: &[Hole]) -> Result<()> {
        Ok(self.store.put(Kind::Hole, CURRENT, &holes)?)
    }

    /// Lessons of the cycle; none where it is older than there are any.
    pub(crate) fn lessons(&self) -> Result<Vec<Lesson>> {
        Ok(self.store.get(Kind::Lesson, CURRENT)?.unwrap_or_default())
    }

    /// The lessons that are left.
    pub(crate) fn replace_lessons(&self, lessons: &[Lesson]) -> Result<()> {
        Ok(self.store.put(Kind::Lesson, CURRENT, &lessons)?)
    }

    /// Tasks nobody has attempted yet.
    pub(crate) fn open_tasks(&self) -> Result<Vec<Task>> {
        let dropped = self.rollouts()?.dropped;
        let done: std::collections::BTreeSet<TaskId> =
            self.attempts()?.iter().map(|attempt| attempt.task.id).collect();
        let open = |task: &Task| !done.contains(&task.id) && !dropped.contains_key(&task.id);
        Ok(self.tasks()?.into_iter().filter(open).collect())
    }

    /// Stores judged trajectories, each with its verdict, and what gave none.
    pub(crate) fn keep_rolled_out(&self, done: &RolledOut) -> Result<()> {
        let mut batch = Batch::default();
        let met = self.put_attempts(&mut batch, &done.attempts)?;
        let mut rollouts = self.rollouts()?;
        let reason = || DropReason::Forgotten.code().to_owned();
        rollouts.dropped.extend(met.into_iter().map(|task| (task, reason())));
        // What was only interrupted is still to be done.
        let judged = |(_, reason): &&(TaskId, String)| reason != DropReason::Cancelled.code();
        rollouts.dropped.extend(done.dropped.iter().filter(judged).cloned());
        let all = done.attempts.len() + done.dropped.len();
        rollouts.per_second = all as f64 / done.seconds.max(1e-9);
        batch.put(Kind::Setting, "rollouts", &rollouts)?;
        Ok(self.store.commit(batch)?)
    }

    /// Stores attempts with their verdicts; the tasks of those that are to be forgotten, which are
    /// not stored.
    fn put_attempts<'a>(
        &self,
        batch: &mut Batch,
        attempts: impl IntoIterator<Item = &'a Attempt>,
    ) -> Result<Vec<TaskId>> {
        let (forgotten, mut met) = (self.forgotten()?, Vec::new());
        for attempt in attempts {
            if forgotten.meets(&Traces::of_attempt(attempt)) {
                met.push(attempt.task.id);
                continue;
            }
            let key = attempt.trajectory.id.to_string();
            batch.put(Kind::Verdict, &key, &attempt.verdict)?;
            batch.put(Kind::Trajectory, &key, &attempt.trajectory)?;
        }
        Ok(met)
    }

    /// Stores attempts of the student that are accepted. What it could not do says nothing about
    /// the tasks: others have solved them.
    pub(crate) fn keep_distilled(&self, done: &RolledOut) -> Result<()> {
        let mut batch = Batch::default();
        let accepted = |attempt: &&Attempt| attempt.verdict.accepted();
        self.put_attempts(&mut batch, done.attempts.iter().filter(accepted))?;
        Ok(self.store.commit(batch)?)
    }

    /// Counts what the student's own rollouts were worth; accepted ones are kept as trajectories.
    pub(crate) fn keep_student(&self, done: &RolledOut) -> Result<()> {
        let mut rollouts = self.rollouts()?;
        for attempt in &done.attempts {
            let word = match attempt.verdict.rejected {
                None => "accepted".to_owned(),
                Some(reason) => word(&reason),
            };
            *rollouts.student.entry(word).or_default() += 1;
        }
        Ok(self.store.put(Kind::Setting, "rollouts", &rollouts)?)
    }

    /// What the user chose to be trained on.
    pub(crate) fn selection(&self) -> Result<Selection> {
        Ok(self.store.get(Kind::Setting, "selection")?.unwrap_or_default())
    }

    /// Keeps the user's choice for trainings to come.
    pub(crate) fn keep_selection(&self, selection: &Selection) -> Result<()> {
        Ok(self.store.put(Kind::Setting, "selection", selection)?)
    }

    /// What became of the rollouts so far.
    pub(crate) fn rollouts(&self) -> Result<Rollouts> {
        Ok(self.store.get(Kind::Setting, "rollouts")?.unwrap_or_default())
    }

    /// Every judged trajectory of the cycle with its task, and all that teachers generated, as
    /// guided students do it: that was paid for, is not of one cycle, and goes on being trained on.
    pub(crate) fn attempts(&self) -> Result<Vec<Attempt>> {
        let mut attempts = self.played()?;
        attempts.extend(self.generations()?.into_iter().flat_map(Generation::for_guided));
        Ok(attempts)
    }

    /// Every judged trajectory as it was, newest first.
    pub(crate) fn told(&self) -> Result<Vec<Attempt>> {
        let mut attempts = self.played()?;
        attempts.extend(self.generations()?.into_iter().flat_map(|made| made.attempts));
        attempts.sort_by_key(|attempt| std::cmp::Reverse(attempt.trajectory.id));
        Ok(attempts)
    }

    /// Every judged trajectory of the cycle with its task.
    pub(crate) fn played(&self) -> Result<Vec<Attempt>> {
        let tasks: BTreeMap<TaskId, Task> =
            self.tasks()?.into_iter().map(|task| (task.id, task)).collect();
        let mut attempts = Vec::new();
        for trajectory in self.all::<Trajectory>(Kind::Trajectory)? {
            let key = trajectory.id.to_string();
            let verdict: Option<Verdict> = self.store.get(Kind::Verdict, &key)?;
            if let (Some(task), Some(verdict)) = (tasks.get(&trajectory.task), verdict) {
                attempts.push(Attempt { task: task.clone(), trajectory, verdict });
            }
        }
        Ok(attempts)
    }

    /// Takes what a teacher made of a function over from a worker's file.
    pub(crate) fn keep_generation(&self, part: &Path) -> Result<Outcome> {
        let bytes =
            std::fs::read(part).with_context(|| format!("failed to read {}", part.display()))?;
        let generation: Generation = serde_json::from_slice(&bytes)
            .with_context(|| format!("failed to read {}", part.display()))?;
        let outcome = Outcome::of(&generation);
        if !self.forgotten()?.meets(&Traces::of_generation(&generation)) {
            self.store.put(Kind::Generation, &Self::generation_key(&generation), &generation)?;
        }
        Ok(outcome)
    }

    /// What a generation is stored by.
    pub(crate) fn generation_key(generation: &Generation) -> String {
        format!("{}-{}", generation.seed, generation.family.0)
    }

    /// Everything that teachers made.
    pub(crate) fn generations(&self) -> Result<Vec<Generation>> {
        self.all(Kind::Generation)
    }

    /// Has what was made of commits that were rewritten belong to what they are now.
    fn follow(&self, batch: &mut Batch, followed: &[(Made, CommitId)]) -> Result<()> {
        if followed.is_empty() {
            return Ok(());
        }
        for mut generation in self.generations()? {
            let is_it = |(made, _): &&(Made, CommitId)| {
                made.seed == generation.seed && made.base == generation.base
            };
            let Some((_, to)) = followed.iter().find(is_it) else { continue };
            generation.base = to.clone();
            for attempt in &mut generation.attempts {
                attempt.task.base.commit = to.clone();
            }
            batch.put(Kind::Generation, &Self::generation_key(&generation), &generation)?;
        }
        Ok(())
    }

    /// What teachers' work came to.
    pub(crate) fn past(&self) -> Result<Yield> {
        let mut past = Yield::default();
        let paid = |made: &Generation| !made.first.is_empty();
        for made in self.generations()?.into_iter().filter(paid) {
            past.functions += 1;
            past.accepted += u64::from(made.dropped.is_none());
            past.tokens += made.usage.prompt_tokens + made.usage.completion_tokens;
            past.microdollars += made.microdollars;
        }
        Ok(past)
    }

    /// Takes a trained adapter over from a worker's folder.
    pub(crate) fn keep_adapter(
        &self,
        (id, made_from, seed): (AdapterId, Digest, u64),
        base: &str,
        folder: &Path,
        done: &Trained,
        traces: &Traces,
    ) -> Result<Adapter> {
        let take = |name: &String| self.adopt_folder(&folder.join(name));
        let traces = serde_json::to_vec(traces).context("failed to write what was learnt from")?;
        let adapter = Adapter {
            id,
            base: base.to_owned(),
            cut: self.cycle()?.context("an adapter without a cycle")?.cut.commit,
            since: self.adapters()?.pop().map(|before| before.cut),
            seed: Some(seed),
            made_from,
            files: take(&done.adapter)?,
            siblings: done.siblings.iter().map(take).collect::<Result<_>>()?,
            numbers: done.report.clone(),
            notes: done.notes.clone(),
            dropped: done.dropped.clone(),
            traces: Some(self.store.put_object(&traces)?),
            learnt: Some(self.learnt(&done.chosen)?),
        };
        let mut batch = Batch::default();
        batch.put(Kind::Adapter, &id.to_string(), &adapter)?;
        batch.delete(Kind::Job, "interrupted")?;
        self.store.commit(batch)?;
        Ok(adapter)
    }

    /// Counts of what is trained on.
    fn learnt(&self, chosen: &[TrajectoryId]) -> Result<Learnt> {
        let chosen: BTreeSet<&TrajectoryId> = chosen.iter().collect();
        let mut learnt = Learnt::default();
        for attempt in self.attempts()?.iter().filter(|one| chosen.contains(&one.trajectory.id)) {
            learnt.add(attempt);
        }
        Ok(learnt)
    }

    fn adopt_folder(&self, folder: &Path) -> Result<Vec<AdapterFile>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).context("failed to list an adapter's folder")? {
            let path = entry.context("failed to list an adapter's folder")?.path();
            let bytes = std::fs::read(&path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
            let name = name.context("a file without a name")?;
            files.push(AdapterFile { name, digest: self.store.put_object(&bytes)? });
        }
        Ok(files)
    }

    /// Lays a PEFT folder out for a worker.
    pub(crate) fn lay_out(&self, files: &[AdapterFile], folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("failed to make {}", folder.display()))?;
        for file in files {
            let path = folder.join(&file.name);
            std::fs::write(&path, self.store.object(&file.digest)?)
                .with_context(|| format!("failed to write {}", path.display()))?;
        }
        Ok(())
    }

    /// All adapters, oldest first: their ids are ordered by time.
    pub(crate) fn adapters(&self) -> Result<Vec<Adapter>> {
        self.all(Kind::Adapter)
    }

    /// One adapter, if it is there (still).
    pub(crate) fn adapter(&self, id: AdapterId) -> Result<Option<Adapter>> {
        Ok(self.store.get(Kind::Adapter, &id.to_string())?)
    }

    /// Remembers where a cancelled training can go on.
    pub(crate) fn keep_interrupted(&self, made_from: Digest, checkpoint: &Path) -> Result<()> {
        let bytes = std::fs::read(checkpoint)
            .with_context(|| format!("failed to read {}", checkpoint.display()))?;
        let interrupted = Interrupted { made_from, checkpoint: self.store.put_object(&bytes)? };
        Ok(self.store.put(Kind::Job, "interrupted", &interrupted)?)
    }

    /// The checkpoint of an interrupted training of the same order, written to `path`.
    pub(crate) fn resume(&self, made_from: &Digest, path: &Path) -> Result<bool> {
        let found: Option<Interrupted> = self.store.get(Kind::Job, "interrupted")?;
        let Some(found) = found.filter(|found| found.made_from == *made_from) else {
            return Ok(false);
        };
        std::fs::write(path, self.store.object(&found.checkpoint)?)
            .with_context(|| format!("failed to write {}", path.display()))?;
        Ok(true)
    }

    /// Every scorecard, with the adapter that it is of.
    pub(crate) fn scorecards(&self) -> Result<Vec<(String, Evaluated)>> {
        self.store.scan(Kind::Scorecard)?.map(|entry| Ok(entry?)).collect()
    }

    /// Stores a scorecard and what its siblings say about the noise between seeds.
    pub(crate) fn keep_scorecard(&self, adapter: AdapterId, done: &Evaluated) -> Result<()> {
        let mut batch = Batch::default();
        batch.put(Kind::Scorecard, &adapter.to_string(), done)?;
        let deviations = deviations(&done.siblings);
        if !deviations.is_empty() {
            batch.put(Kind::Setting, "deviation", &deviations)?;
        }
        Ok(self.store.commit(batch)?)
    }

    /// The scorecard of an adapter.
    pub(crate) fn scorecard(&self, adapter: AdapterId) -> Result<Option<Evaluated>> {
        Ok(self.store.get(Kind::Scorecard, &adapter.to_string())?)
    }

    /// Run-to-run deviation of each primary metric, once it was measured.
    pub(crate) fn deviation(&self) -> Result<BTreeMap<Capability, f64>> {
        Ok(self.store.get(Kind::Setting, "deviation")?.unwrap_or_default())
    }

    /// How far the audit log had come when it was last written by the daemon.
    pub(crate) fn audited(&self) -> Result<Option<Head>> {
        Ok(self.store.get(Kind::Setting, "audit")?)
    }

    /// Keeps how far the audit log has come.
    pub(crate) fn keep_audited(&self, head: &Head) -> Result<()> {
        Ok(self.store.put(Kind::Setting, "audit", head)?)
    }

    /// The user's settings as the audit log knows them.
    pub(crate) fn configured(&self) -> Result<BTreeMap<String, String>> {
        Ok(self.store.get(Kind::Setting, "configured")?.unwrap_or_default())
    }

    /// Keeps the user's settings as the audit log knows them.
    pub(crate) fn keep_configured(&self, settings: &BTreeMap<String, String>) -> Result<()> {
        Ok(self.store.put(Kind::Setting, "configured", settings)?)
    }

    /// Remembers where this repository's base comes from.
    pub(crate) fn keep_base(&self, source: &str) -> Result<()> {
        Ok(self.store.put(Kind::Setting, "base", &source)?)
    }

    /// Where this repository's base comes from, if it is not the user's default.
    pub(crate) fn base(&self) -> Result<Option<String>> {
        Ok(self.store.get(Kind::Setting, "base")?)
    }

    fn all<T: serde::de::DeserializeOwned>(&self, kind: Kind) -> Result<Vec<T>> {
        let mut values = Vec::new();
        for entry in self.store.scan::<T>(kind)? {
            values.push(entry?.1);
        }
        Ok(values)
    }
}

/// Sample standard deviation of each primary metric over trainings that differ in their seed.
fn deviations(siblings: &[Scorecard]) -> BTreeMap<Capability, f64> {
    let arm = sera_core::scorecard::Arm::Adapter;
    let of = |capability| {
        let levels: Vec<f64> =
            siblings.iter().filter_map(|card| promote::level(capability, card, arm)).collect();
        Some((capability, stats::deviation(&levels)?))
    };
    Capability::ALL.into_iter().filter_map(of).collect()
}

/// A closed enum's word, as serde writes it.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    let json = serde_json::to_value(value).expect("plain words serialise");
    json.as_str().unwrap_or("other").to_owned()
}

/// Opens and scans the index in a child with a deadline: damaged bytes can make sled spin.
fn is_sound(index: &Path) -> bool {
    let Ok(program) = std::env::current_exe() else { return false };
    let mut command = std::process::Command::new(program);
    command.arg("check-index").arg(index);
    sera_store::validate_in_child(&mut command, Duration::from_secs(60))
}
