//! The worker's *serve* stage: a description in, ranked proposals out. Students stay loaded between
//! orders, and their caches with them; orders that come together have one each, of one base.
use super::Desk;
use crate::order::{Fix, Fixed, Proposed, Weights};
use crate::worker::WorkError;
use anyhow::{Context as _, Result, ensure};
use sera_agent::Environment;
use sera_agent::dialect::Shot;
use sera_agent::guided::{self, Event, Guided, Source};
use sera_core::redact::Redactor;
use sera_core::{FunctionKey, Outcome, Patch, Tree, TreePath};
use sera_model::{Base, Choice, Lora, Student};
use sera_sandbox::Overlay;
use sera_syntax::Index;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

/// Students of one base, shared by all orders.
#[derive(Default)]
pub(crate) struct Students(Mutex<Loaded>);

/// What is in memory.
#[derive(Default)]
struct Loaded {
    /// Those that wait for their next order, the one used last at the end.
    idle: Vec<(Weights, Student)>,
    bases: Vec<(PathBuf, Weak<Base>)>,
    /// By the base's file and the adapter's folder.
    adapters: Vec<((PathBuf, PathBuf), Weak<Lora>)>,
}

/// Idle students that are kept, each with what it read last.
const KEPT: usize = 4;

impl Students {
    /// One who answers with these weights and is asked by nobody else. Others keep theirs to the
    /// end of their orders, whatever is promoted meanwhile; weights are loaded once.
    fn take(&self, weights: &Weights, desk: &Desk) -> Result<Student> {
        let mut loaded = self.lock();
        loaded.idle.retain(|(idle, _)| idle.base == weights.base);
        match loaded.idle.iter().rposition(|(idle, _)| idle == weights) {
            Some(at) => Ok(loaded.idle.remove(at).1),
            None => loaded.student(weights, desk),
        }
    }

    fn give_back(&self, weights: &Weights, student: Student) {
        let idle = &mut self.lock().idle;
        idle.push((weights.clone(), student));
        let more = idle.len().saturating_sub(KEPT);
        idle.drain(..more);
    }

    fn lock(&self) -> MutexGuard<'_, Loaded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loaded {
    fn student(&mut self, weights: &Weights, desk: &Desk) -> Result<Student> {
        let base = once(&mut self.bases, &weights.base, || load(&weights.base, desk))?;
        let lora = match &weights.adapter {
            None => None,
            Some(folder) => {
                let key = (weights.base.clone(), folder.clone());
                Some(once(&mut self.adapters, &key, || adapter(&base, folder, desk))?)
            }
        };
        Ok(Student::new(base, lora).keeping(weights.cache))
    }
}

/// What `key` names, loaded unless somebody still holds it.
fn once<K: Clone + PartialEq, V>(
    known: &mut Vec<(K, Weak<V>)>,
    key: &K,
    load: impl FnOnce() -> Result<Arc<V>>,
) -> Result<Arc<V>> {
    known.retain(|(_, held)| held.strong_count() > 0);
    if let Some(held) = known.iter().find(|(known, _)| known == key).and_then(|(_, v)| v.upgrade())
    {
        return Ok(held);
    }
    let loaded = load()?;
    known.push((key.clone(), Arc::downgrade(&loaded)));
    Ok(loaded)
}

/// Loads a base and what is trained on it.
pub(super) fn student(weights: &Weights, desk: &Desk) -> Result<Student> {
    Loaded::default().student(weights, desk)
}

pub(super) fn load(path: &Path, desk: &Desk) -> Result<Arc<Base>> {
    desk.loading(path)?;
    Base::load(path).with_context(|| format!("failed to load the base {}", path.display()))
}

/// [`load`], with training and likelihoods on a device that is tried first.
pub(super) fn load_on(path: &Path, choice: Choice, desk: &Desk) -> Result<Arc<Base>> {
    desk.loading(path)?;
    let device = choice.device().context("sera.device cannot be used")?;
    Base::load_on(path, device)
        .with_context(|| format!("failed to load the base {}", path.display()))
}

pub(super) fn adapter(base: &Base, folder: &Path, desk: &Desk) -> Result<Arc<Lora>> {
    desk.loading(folder)?;
    let lora = sera_model::adapter::load_peft(folder, base)
        .with_context(|| format!("failed to load the adapter {}", folder.display()))?;
    Ok(Arc::new(lora))
}

pub(super) fn fix(order: &Fix, desk: &Desk, students: &Students) -> Result<Fixed> {
    let started = Instant::now();
    desk.step("reading the tree".to_owned());
    let (overlay, originals) = tree(order)?;
    let index = Arc::new(Index::build(sera_datagen::source_files(&overlay)?));
    let environment = Environment::new(overlay.clone(), index);
    desk.step("loading the student".to_owned());
    let mut student = students.take(&order.weights, desk)?;
    let shot = |(description, answer): &(String, String)| Shot {
        description: description.clone(),
        answer: answer.clone(),
    };
    let options = Guided {
        shots: order.shots.iter().map(shot).collect(),
        paths: order.paths.iter().map(ToString::to_string).collect(),
        ..Guided::default()
    };
    let mut steps = Vec::new();
    let mut watch = |event: Event| {
        let line = tell(&event);
        desk.step(line.clone());
        steps.push(line);
    };
    let cancel = desk.gate.as_cancel();
    let solved =
        guided::solve(&order.description, &mut student, environment, &options, &mut watch, cancel);
    students.give_back(&order.weights, student);
    // What was found until then is not what was asked for.
    ensure!(!cancel.is_cancelled(), WorkError::Cancelled);
    if let Outcome::Failed { code, message } = &solved.outcome {
        ensure!(guided::found_nothing(code), "the student failed: {message}");
    }
    let redactor = Redactor::new(order.source.key);
    // Nothing that a model wrote may decide over a secret: such a proposal is left out.
    let own = |patch: Patch| match order.work_tree {
        true => redactor.restore(&patch, &|path| originals.read(path)),
        false => Some(patch),
    };
    let keep = |p: guided::Proposal| {
        let (patch, source) = (own(p.patch)?, source(&p.source));
        Some(Proposed { patch, name: p.name, score: p.score, source })
    };
    let proposals = solved.ranked.into_iter().filter_map(keep).take(order.proposals).collect();
    Ok(Fixed { proposals, steps, seconds: started.elapsed().as_secs_f64() })
}

/// The texts as they were when the tree was read, secrets included: what a patch must fit.
struct Originals {
    tree: Arc<dyn Tree>,
    laid: BTreeMap<TreePath, Option<Vec<u8>>>,
}

impl Originals {
    fn read(&self, path: &TreePath) -> Option<String> {
        let bytes = match self.laid.get(path) {
            Some(laid) => laid.clone()?,
            None => self.tree.read(path).ok()?.to_vec(),
        };
        String::from_utf8(bytes).ok()
    }
}

/// The commit's tree, the planted fault or the work tree's changes, and unsaved buffers over it.
fn tree(order: &Fix) -> Result<(Overlay, Originals)> {
    let repository = sera_git::Repository::discover(&order.source.path)?;
    let tree: Arc<dyn Tree> = repository.tree(&order.base_commit)?;
    let mut overlay = Overlay::new(Arc::clone(&tree), Redactor::new(order.source.key));
    if let Some(bug) = &order.bug {
        overlay.apply(bug).context("failed to plant the task's fault")?;
    }
    let mut laid = BTreeMap::new();
    if order.work_tree {
        laid.extend(repository.work_tree_changes()?);
    }
    let buffer = |(path, text): &(TreePath, String)| (path.clone(), Some(text.clone().into()));
    laid.extend(order.buffers.iter().map(buffer));
    for (path, content) in &laid {
        lay(&mut overlay, path.clone(), content.clone());
    }
    overlay.mark();
    Ok((overlay, Originals { tree, laid }))
}

/// Lays one changed file over the tree. What an overlay refuses (binary, denied, too large) is
/// nothing a student could edit either.
fn lay(overlay: &mut Overlay, path: TreePath, content: Option<Vec<u8>>) {
    let laid = match content.map(String::from_utf8) {
        None => overlay.remove(path),
        Some(Ok(text)) => overlay.write(path, text),
        Some(Err(_)) => Ok(()),
    };
    if let Err(error) = laid {
        tracing::debug!(%error, "left out of the tree");
    }
}

fn source(source: &Source) -> String {
    match source {
        Source::Enumerated(operator) => format!("enumerated:{}", operator.name()),
        Source::Written => "written".to_owned(),
    }
}

fn tell(event: &Event) -> String {
    let names = |keys: &[FunctionKey]| {
        let shown: Vec<_> =
            keys.iter().take(3).map(|k| format!("{}::{}", k.path, k.name)).collect();
        shown.join(", ")
    };
    match event {
        Event::Searching { query } => format!("searching: {query}"),
        Event::Hits(hits) => format!("found {} functions", hits.len()),
        Event::Located(order) => format!("most likely: {}", names(order)),
        Event::Opened(key) => format!("opened {}::{}", key.path, key.name),
        Event::Ranked { edits } => format!("ranked {edits} edits"),
        Event::Proposals(count) => format!("{count} proposals"),
    }
}
