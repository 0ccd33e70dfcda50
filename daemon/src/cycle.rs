//! What a job has at hand: one repository's records, workers, and someone to report to.
use crate::engine::Engine;
use crate::order::{Assignment, BuiltImage, Order, Trained, Weights};
use crate::records::{Adapter, Outcome, Records};
use crate::sandbox::{Built, Images};
use crate::serving::Serving;
use crate::turn::Turn;
use crate::worker::{WorkError, Worker, checked};
use crate::worker_wire::Say;
use crate::{adapters, forget, orders, work};
use anyhow::{Context as _, Result, bail};
use sera_core::audit::Event;
use sera_core::scorecard::{Capability, Scorecard};
use sera_core::{AdapterId, Digest};
use sera_git::Repository;
use sera_protocol::job::ImageSource;
use sera_train::promote::{Decision, Rule, Standing, promote};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio_util::sync::CancellationToken;

/// Tells whoever asked for the job what happens.
pub(crate) type Report<'a> = dyn FnMut(Say) + Send + 'a;

/// One job's surroundings.
pub(crate) struct Cycle<'a> {
    /// The repository.
    pub(crate) engine: &'a Engine,
    /// The same, seen from the work tree in which whoever asked is: a linked one has its own HEAD.
    pub(crate) asked_in: Repository,
    /// What is stored about it.
    pub(crate) records: &'a Records,
    /// The user's folder of bases.
    pub(crate) bases: &'a Path,
    /// The folder of what the user agreed to and spent.
    pub(crate) state: &'a Path,
    /// Set when someone asks for an early end.
    pub(crate) cancel: CancellationToken,
    /// What holds it still.
    pub(crate) turn: Turn,
    /// The worker that serves.
    pub(crate) serving: &'a Serving,
    /// Who is told.
    pub(crate) report: &'a mut Report<'a>,
    /// How many tasks the student tries, where the caller said so.
    pub(crate) student_tasks: Option<u64>,
    preferred: Option<String>,
    folders: Vec<PathBuf>,
}

impl<'a> Cycle<'a> {
    /// The surroundings of one job.
    pub(crate) fn new(
        (engine, asked_in): (&'a Engine, Repository),
        (bases, state): (&'a Path, &'a Path),
        serving: &'a Serving,
        (cancel, turn): (CancellationToken, Turn),
        report: &'a mut Report<'a>,
    ) -> Self {
        let (student_tasks, preferred, folders) = (None, None, Vec::new());
        let records = &engine.records;
        Self {
            engine,
            asked_in,
            records,
            bases,
            state,
            cancel,
            turn,
            serving,
            report,
            student_tasks,
            preferred,
            folders,
        }
    }

    /// Take the base from here instead of from the configured place.
    pub(crate) fn prefer_base(&mut self, source: Option<String>) {
        self.preferred = source.or(self.preferred.take());
    }

    /// The base that was asked for is this repository's from now on.
    pub(crate) fn keep_base(&self) -> Result<()> {
        let Some(source) = &self.preferred else { return Ok(()) };
        if self.records.base()?.as_ref() != Some(source) {
            let (key, value) = ("base of this repository".to_owned(), Some(source.clone()));
            self.engine.record(&Event::Configured { key, value })?;
        }
        self.records.keep_base(source)
    }

    /// Tells the audit log of the user's settings that are not as they were.
    pub(crate) fn note_settings(&self) -> Result<()> {
        let now = self.engine.repository.settings()?.own().into_iter();
        let now: BTreeMap<_, _> = now.map(|(key, value)| (key, without_password(value))).collect();
        let before = self.records.configured()?;
        let keys: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        let mut changed =
            keys.into_iter().filter(|key| before.get(*key) != now.get(*key)).peekable();
        if changed.peek().is_none() {
            return Ok(());
        }
        for key in changed {
            let (key, value) = (key.clone(), now.get(key).cloned());
            self.engine.record(&Event::Configured { key, value })?;
        }
        self.records.keep_configured(&now)
    }

    /// Where the base comes from: asked for, configured by the user, asked for earlier, or (`None`)
    /// the preset's own place.
    pub(crate) fn base_source(&self) -> Result<Option<String>> {
        let configured = || self.engine.repository.config("sera.base");
        match self.preferred.clone().or_else(configured) {
            Some(source) => Ok(Some(source)),
            None => self.records.base(),
        }
    }

    /// Unix time in milliseconds.
    pub(crate) fn now_ms(&self) -> u64 {
        now_ms()
    }

    /// A fresh folder for one order; it is gone when the job is.
    pub(crate) fn folder(&mut self, kind: &str) -> Result<PathBuf> {
        let folder = self.engine.incoming().join(format!("{kind}-{:016x}", rand::random::<u64>()));
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("failed to make {}", folder.display()))?;
        self.folders.push(folder.clone());
        Ok(folder)
    }

    /// Has a worker of its own carry the order out; it is gone when the result is here.
    pub(crate) async fn work<T: DeserializeOwned>(&mut self, order: &Order) -> Result<T> {
        let folder = self.write(order)?;
        let worker = Worker::start(order.kind())?;
        let hear = &mut *self.report;
        let path = worker.work(order.kind(), &folder, &self.cancel, &mut self.turn, hear).await?;
        drop(worker);
        read(&path)
    }

    /// The same for an order whose result comes in parts, which are stored as they come: a worker
    /// or daemon that is killed loses only what was not whole.
    pub(crate) async fn work_in_parts<T: DeserializeOwned>(
        &mut self,
        order: &Order,
    ) -> Result<(T, Vec<Outcome>)> {
        let folder = self.write(order)?;
        let worker = Worker::start(order.kind())?;
        let (records, mut kept) = (self.records, Vec::new());
        let (mut failed, report) = (None, &mut *self.report);
        let cancel = self.cancel.child_token();
        let mut hear = |say: Say| match say {
            Say::Part { file, digest } => {
                let path = checked(&folder, &file, &digest);
                match path.and_then(|path| records.keep_generation(&path)) {
                    Ok(outcome) => kept.push(outcome),
                    Err(error) => {
                        failed.get_or_insert(error);
                        cancel.cancel();
                    }
                }
            }
            say => report(say),
        };
        let work = worker.work(order.kind(), &folder, &cancel, &mut self.turn, &mut hear);
        let path = work.await;
        match failed {
            Some(error) => Err(error),
            None => Ok((read(&path?)?, kept)),
        }
    }

    /// Has the serving worker carry the order out, beside others; it stays, with its weights loaded.
    pub(crate) async fn serve<T: DeserializeOwned>(&mut self, order: &Order) -> Result<T> {
        let seat = tokio::select! {
            seat = self.serving.seat(order.kind()) => seat?,
            () = self.cancel.cancelled() => bail!(WorkError::Cancelled),
        };
        // Once somebody is there to read it: an order may hold what an editor has not saved.
        let folder = self.write(order)?;
        let mut turn = Turn::always();
        let hear = &mut *self.report;
        let work = seat.worker.work(order.kind(), &folder, &self.cancel, &mut turn, hear);
        let path = work.await?;
        read(&path)
    }

    fn write(&mut self, order: &Order) -> Result<PathBuf> {
        let folder = self.folder(order.kind())?;
        let path = folder.join(work::ORDER);
        let order = Assignment { order, audit: self.engine.audit_place()? };
        let text = serde_json::to_vec(&order).context("failed to write the order")?;
        std::fs::write(&path, text)
            .with_context(|| format!("failed to write {}", path.display()))?;
        Ok(folder)
    }

    /// Ends the job here if someone asked for that: what a stage left is a part, already stored.
    pub(crate) fn go_on(&self) -> Result<()> {
        anyhow::ensure!(!self.cancel.is_cancelled(), WorkError::Cancelled);
        Ok(())
    }

    /// Stores a finished training, or what a cancelled one can go on from.
    pub(crate) fn keep_trained(
        &mut self,
        (made_from, seed): (Digest, u64),
        done: &Trained,
    ) -> Result<Adapter> {
        let folder = self.folders.last().context("a training without a folder")?.clone();
        if let Some(checkpoint) = &done.checkpoint {
            self.records.keep_interrupted(made_from, &folder.join(checkpoint))?;
            bail!(WorkError::Cancelled);
        }
        let id = AdapterId::new(self.now_ms(), made_from.as_str().as_bytes());
        let base = self.base_source()?.unwrap_or_else(|| crate::base::PRESET.to_owned());
        let chosen: BTreeSet<_> = done.chosen.iter().copied().collect();
        let traces = forget::learnt(self.records, &chosen, &orders::holes(self, false)?)?;
        self.records.keep_adapter((id, made_from, seed), &base, &folder, done, &traces)
    }

    /// Remembers an image that was built.
    pub(crate) fn keep_image(&self, from: ImageSource, done: &BuiltImage) -> Result<()> {
        let Some(id) = done.id.clone() else { return Ok(()) };
        let repository = match from {
            ImageSource::Default => None,
            ImageSource::Repository => Some(self.engine.repository.common_dir()),
        };
        let built = Built { id, recipe: done.recipe.clone() };
        Images::open(self.state)?.keep(repository, built)
    }

    /// Decides about the newest adapter, or the one that is named.
    pub(crate) fn decide(
        &self,
        named: Option<&str>,
    ) -> Result<(Adapter, BTreeMap<Capability, Decision>)> {
        let adapter = adapters::chosen(self.records, named)?;
        let scored = self.records.scorecard(adapter.id)?.context("the adapter has no scorecard")?;
        let decisions = self.judge(&adapter, &scored.card)?;
        Ok((adapter, decisions))
    }

    /// What the rule says of an adapter now.
    pub(crate) fn judge(
        &self,
        adapter: &Adapter,
        card: &Scorecard,
    ) -> Result<BTreeMap<Capability, Decision>> {
        let standing = Standing {
            deviation: self.records.deviation()?,
            promotions_so_far: self.records.promotions_at(&adapter.cut, adapter.id)?,
        };
        Ok(promote(card, &standing, &Rule::default()))
    }

    /// The adapter that serves fixes; `None` is the base with retrieval.
    pub(crate) fn served(&self) -> Result<Option<Adapter>> {
        self.records.served(Capability::Fix)
    }

    /// The weights that serve fixes.
    pub(crate) async fn weights(&mut self) -> Result<Weights> {
        let base = crate::base::obtain(self).await?;
        let cache = orders::cache(self)?;
        let chosen = self.served()?.map(|adapter| self.engine.lay_out(adapter.id));
        Ok(Weights { base, adapter: chosen.transpose()?.flatten(), cache })
    }
}

/// A setting as the audit log may hold it: some people write passwords into addresses.
fn without_password(value: String) -> String {
    let holds = value.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    if holds { "an address with a password".to_owned() } else { value }
}

/// Unix time in milliseconds: the one place where the pipeline looks at a clock.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Drop for Cycle<'_> {
    fn drop(&mut self) {
        for folder in &self.folders {
            drop(std::fs::remove_dir_all(folder));
        }
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes =
        std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("failed to read {}", path.display()))
}
