//! Orders, written from what is stored.
use crate::consent::{self, Consents};
use crate::cycle::Cycle;
use crate::order::{
    self, BuildImage, Diagnose, Evaluate, Evaluated, Examine, Export, Fix, Generate, Import, Mine,
    RollOut, Select, Source, Synthesize, Train, TrainBudget, Weights,
};
use crate::records::{self, AdapterFile};
use crate::sandbox::Sandbox;
use crate::teacher::Teacher;
use crate::work::import::patch_of;
use crate::{base, failure, prepare};
use anyhow::{Context as _, Result};
use sera_core::audit::Event;
use sera_core::redact::Redactor;
use sera_core::scorecard::{Arm, Capability};
use sera_core::{AdapterId, CommitId, Digest, Hole, Lesson, Origin, Seed, Task, TaskId, TreePath};
use sera_datagen::rewrites::Made;
use sera_datagen::{Attempt, Cut, Generation, Policy, SelectError, Selection, Source as Kept};
use sera_git::Settings;
use sera_git::{Spool, Taken};
use sera_model::{Choice, DeviceError, KeyValues, UnknownKeyValues};
use sera_protocol::job::ImageSource;
use sera_protocol::report::ExportFormat;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Training tasks made when nobody says how many.
const TASKS: usize = 1_000;
/// Held-out tasks made: more than any evaluation's budget reaches.
const HELD_OUT_TASKS: usize = 120;
/// Tasks the student tries itself.
const STUDENT_TASKS: usize = 20;
/// Tasks it makes several attempts at.
const DISTILLED: usize = 50;
/// Functions a teacher works on.
const FUNCTIONS: usize = 100;
/// Seconds of training and of evaluation when nobody says how long.
const TRAIN_SECONDS: f64 = 240.0;
const EVALUATE_SECONDS: f64 = 150.0;
/// Greedy rollouts per arm.
const ROLLOUTS: usize = 8;
/// Solved tasks and training holes that retrieval may choose from.
const RETRIEVABLE: usize = 2_000;

fn source(cycle: &Cycle<'_>) -> Result<Source> {
    let path = cycle.engine.repository.work_dir().to_owned();
    Ok(Source { path, key: cycle.engine.key, forgotten: cycle.records.forgotten()? })
}

/// Mine everything reachable from HEAD, and what hooks said of it since the last time.
pub(crate) fn mine(cycle: &Cycle<'_>, explain: bool) -> Result<(CommitId, Mine, Taken)> {
    let repository = &cycle.engine.repository;
    let (tip, commits) = (repository.head()?, window(cycle)?);
    let (known, found) = (cycle.engine.known(), Some(cycle.engine.found()));
    let said = Spool::below(repository.common_dir()).take();
    let said = said.context("failed to read what hooks said")?;
    // Where history only grew nothing that was mined is rewritten, and generations are many.
    let grew = match cycle.engine.mined() {
        Some(last) => repository.is_ancestor(&last, &tip)?,
        None => true,
    };
    let generations = if grew { Vec::new() } else { cycle.records.generations()? };
    let of = |one: Generation| Made { seed: one.seed, function: one.function, base: one.base };
    let made = generations.into_iter().map(of).collect();
    let told = said.rewritten.iter().map(|pair| (pair.old.clone(), pair.new.clone())).collect();
    let source = source(cycle)?;
    Ok((tip.clone(), Mine { source, tip, commits, explain, known, found, made, told }, said))
}

/// `sera.mine.commits`.
fn window(cycle: &Cycle<'_>) -> Result<usize> {
    let settings = cycle.engine.repository.settings()?;
    let commits =
        settings.integer("sera.mine.commits").map_err(|error| failure::invalid_params(&error))?;
    Ok(match commits {
        None => Policy::default().max_commits,
        Some(0) => usize::MAX,
        Some(commits) => usize::try_from(commits).unwrap_or(1),
    })
}

/// Make the tasks of a new cycle, at the cut that mining found last.
pub(crate) fn synthesize(cycle: &Cycle<'_>, limit: Option<u64>) -> Result<(Cut, Synthesize)> {
    let mined = cycle.records.mined()?.context("nothing is mined yet")?;
    let seeds = cycle.records.seeds()?;
    if seeds.iter().all(Seed::held_out) {
        return Err(failure::no_eligible(&seeds, &mined.dropped));
    }
    let order = Synthesize {
        source: source(cycle)?,
        cut: mined.cut.commit.clone(),
        seeds,
        limit: limit.map_or(TASKS, |n| n as usize),
        held_out_limit: HELD_OUT_TASKS,
        rng_seed: seed_of(&mined.cut.commit),
        now_ms: cycle.now_ms(),
    };
    Ok((mined.cut, order))
}

/// The same history gives the same choices.
fn seed_of(commit: &CommitId) -> u64 {
    u64::from_str_radix(&commit.as_str()[..16], 16).unwrap_or(0)
}

fn cut(cycle: &Cycle<'_>) -> Result<CommitId> {
    Ok(cycle.records.cycle()?.context("no tasks are made yet")?.cut.commit)
}

/// Let the procedural teacher solve what nobody has attempted, held-out tasks included: only a
/// task with an executed solution is fair to be asked.
pub(crate) fn roll_out(cycle: &Cycle<'_>, limit: Option<u64>) -> Result<RollOut> {
    let mut tasks = cycle.records.open_tasks()?;
    tasks.truncate(limit.map_or(usize::MAX, |n| n as usize));
    let teacher = order::Teacher::Procedural;
    Ok(RollOut { source: source(cycle)?, cut: cut(cycle)?, tasks, teacher, now_ms: cycle.now_ms() })
}

/// Let the student try training tasks that have a solution.
pub(crate) async fn student(cycle: &mut Cycle<'_>) -> Result<RollOut> {
    let mut tasks: Vec<Task> = Vec::new();
    let wanted = cycle.student_tasks.map_or(STUDENT_TASKS, |n| n as usize);
    let mut known = BTreeSet::new();
    for attempt in trained_on(cycle)? {
        let single = matches!(attempt.task.origin, Origin::Mutation { .. });
        if single && tasks.len() < wanted && known.insert(attempt.task.id) {
            tasks.push(attempt.task);
        }
    }
    let weights = cycle.weights().await?;
    let teacher = order::Teacher::Student(weights);
    Ok(RollOut { source: source(cycle)?, cut: cut(cycle)?, tasks, teacher, now_ms: cycle.now_ms() })
}

/// Let the student make several attempts at training tasks that others have solved and it has not,
/// in an order that is another each time: what is too hard for it must not stand before the rest.
pub(crate) async fn distill(
    cycle: &mut Cycle<'_>,
    limit: Option<u64>,
    attempts: u64,
) -> Result<RollOut> {
    let (mut own, mut tasks) = (BTreeSet::new(), BTreeMap::<TaskId, Task>::new());
    for attempt in trained_on(cycle)? {
        if Kept::of(&attempt) == Kept::Student {
            own.insert(attempt.task.id);
        }
        if matches!(attempt.task.origin, Origin::Mutation { .. }) {
            tasks.entry(attempt.task.id).or_insert(attempt.task);
        }
    }
    let mut tasks: Vec<Task> = tasks.into_values().filter(|task| !own.contains(&task.id)).collect();
    let now = cycle.now_ms();
    tasks.sort_by_cached_key(|task| Digest::of(format!("{}/{now}", task.id).as_bytes()));
    tasks.truncate(limit.map_or(DISTILLED, |n| n as usize));
    let weights = cycle.weights().await?;
    let (attempts, seed) = (attempts as usize, now);
    let teacher = order::Teacher::Sampled { weights, attempts, seed };
    Ok(RollOut { source: source(cycle)?, cut: cut(cycle)?, tasks, teacher, now_ms: cycle.now_ms() })
}

/// What may be trained on, and is accepted as the user chose.
fn trained_on(cycle: &Cycle<'_>) -> Result<Vec<Attempt>> {
    let selection = cycle.records.selection()?;
    let mut attempts = eligible(cycle)?;
    attempts.retain(|attempt| selection.accepts(attempt));
    Ok(attempts)
}

/// What may be trained on, accepted or not.
fn eligible(cycle: &Cycle<'_>) -> Result<Vec<Attempt>> {
    let mut attempts = cycle.records.attempts()?;
    attempts.retain(|attempt| !attempt.task.held_out);
    // What teachers made outlives cycles, and a cut may move back: what then lies beyond it may
    // hold what is held out. A fix is asked for before any cycle, too.
    let generated = |attempt: &Attempt| {
        matches!(attempt.task.origin, Origin::Generated { .. } | Origin::Imported { .. })
    };
    let of = |attempt: &Attempt| attempt.task.base.commit.clone();
    let mut within: BTreeSet<CommitId> =
        attempts.iter().filter(|attempt| generated(attempt)).map(of).collect();
    match cycle.records.cycle()? {
        None => within.clear(),
        Some(now) => {
            for base in within.clone() {
                if !cycle.engine.repository.is_ancestor(&base, &now.cut.commit)? {
                    within.remove(&base);
                }
            }
        }
    }
    attempts.retain(|attempt| !generated(attempt) || within.contains(&attempt.task.base.commit));
    Ok(attempts)
}

/// Holes of the cycle, on one side of the split.
pub(crate) fn holes(cycle: &Cycle<'_>, held_out: bool) -> Result<Vec<Hole>> {
    let mut holes = cycle.records.holes()?;
    holes.retain(|hole| hole.held_out == held_out);
    Ok(holes)
}

/// Have the configured teacher work on functions at the cut that mining found last.
pub(crate) fn generate(
    cycle: &Cycle<'_>,
    limit: Option<u64>,
    consent: bool,
    (dry_run, retry): (bool, bool),
) -> Result<Generate> {
    let settings = cycle.engine.repository.settings()?;
    let teacher = Teacher::of(&settings)?;
    let sandbox = sandbox(cycle, &settings)?;
    if !dry_run {
        let engine = sandbox.as_ref().filter(|sandbox| sandbox.image.is_some());
        let engine = engine.and_then(Sandbox::remote);
        agree(cycle, teacher.remote().into_iter().chain(engine), consent)?;
    }
    let mined = cycle.records.mined()?.context("nothing is mined yet")?;
    let (mut functions, mut demonstrations, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for seed in cycle.records.seeds()?.into_iter().filter(|seed| !seed.held_out()) {
        match seed {
            Seed::Function(function) => functions.push(function),
            Seed::Commit(commit) => {
                demonstrations.extend(sera_datagen::demonstration(&commit));
                times.push((commit.time, commit.commit));
            }
        }
    }
    let settings = teacher.settings();
    let mut made = cycle.records.generations()?;
    made.retain(|made| !(made.is_stale(&settings) || retry && made.is_refused()));
    let done = made.into_iter().map(|made| (made.seed, made.family.0));
    if retry && !dry_run {
        drop(std::fs::remove_file(cycle.engine.toolless()));
    }
    Ok(Generate {
        source: source(cycle)?,
        rng_seed: seed_of(&mined.cut.commit),
        earlier: earlier(cycle, &times, &mined.cut.commit, teacher.bases)?,
        past: cycle.records.past()?,
        cut: mined.cut.commit,
        functions,
        demonstrations,
        done: done.collect(),
        limit: limit.map_or(FUNCTIONS, |n| n as usize),
        now_ms: cycle.now_ms(),
        ledger: cycle.state.join("spent.jsonl"),
        paid: cycle.engine.paid(),
        toolless: cycle.engine.toolless(),
        teacher,
        sandbox,
        dry_run,
    })
}

/// Take in what was made elsewhere.
pub(crate) fn import(cycle: &Cycle<'_>, file: &str, base: Option<&str>) -> Result<Import> {
    let mined = cycle.records.mined()?.context("nothing is mined yet")?;
    let base = base.map(|revision| {
        let found = cycle.asked_in.resolve(revision)?;
        found.ok_or_else(|| failure::invalid_params(&format!("{revision:?} names no commit")))
    });
    let held_out = |seed: Seed| match seed {
        Seed::Commit(commit) if commit.held_out => Some(commit.patch),
        Seed::Commit(_) | Seed::Function(_) => None,
    };
    Ok(Import {
        source: source(cycle)?,
        cut: mined.cut.commit,
        file: PathBuf::from(file),
        base: base.transpose()?,
        known: cycle.records.told()?.iter().map(patch_of).collect(),
        held_out: cycle.records.seeds()?.into_iter().filter_map(held_out).collect(),
        now_ms: cycle.now_ms(),
    })
}

/// Commits before the cut, spaced by time. One that is not within it could show what is held out.
fn earlier(
    cycle: &Cycle<'_>,
    times: &[(i64, CommitId)],
    cut: &CommitId,
    bases: usize,
) -> Result<Vec<CommitId>> {
    let times: Vec<_> = times.iter().map(|(time, commit)| (*time, commit)).collect();
    let mut within = Vec::new();
    for commit in sera_datagen::generate::spaced(&times, bases.saturating_sub(1)) {
        if commit != cut && cycle.engine.repository.is_ancestor(commit, cut)? {
            within.push(commit.clone());
        }
    }
    Ok(within)
}

/// Where commands run.
fn sandbox(cycle: &Cycle<'_>, settings: &Settings) -> Result<Option<Sandbox>> {
    Sandbox::of(settings, cycle.state, cycle.engine.repository.common_dir())
}

/// Look at what is enforced here.
pub(crate) fn diagnose(cycle: &Cycle<'_>) -> Result<Diagnose> {
    let sandbox = sandbox(cycle, &cycle.engine.repository.settings()?)?;
    Ok(Diagnose { sandbox })
}

/// Build an image by a recipe that the user agreed to.
pub(crate) fn build_image(
    cycle: &Cycle<'_>,
    from: ImageSource,
    agreed: Option<&str>,
    consent: bool,
) -> Result<BuildImage> {
    let settings = cycle.engine.repository.settings()?;
    let sandbox = sandbox(cycle, &settings)?.ok_or_else(failure::no_containers)?;
    if let Some(recipe) = agreed.filter(|_| from == ImageSource::Repository) {
        // The tree is what is sent.
        agree(cycle, sandbox.remote().into_iter(), consent)?;
        let to = consent::to_recipe(recipe);
        cycle.engine.record(&Event::Consent { given: true, to })?;
    }
    let path = cycle.asked_in.work_dir().to_owned();
    let source = Source { path, ..source(cycle)? };
    let name = Digest::of(cycle.engine.repository.common_dir().as_os_str().as_encoded_bytes());
    Ok(BuildImage {
        from,
        source,
        commit: cycle.asked_in.head()?,
        addresses: sandbox.addresses,
        name: format!("sera-sandbox:{}", &name.as_str()[..12]),
        instance: sandbox.instance,
        agreed: agreed.map(Digest::from_hex),
    })
}

/// Whether the user knows and agrees that code goes to these servers.
fn agree<'a>(
    cycle: &Cycle<'_>,
    remote: impl Iterator<Item = &'a str>,
    consent: bool,
) -> Result<()> {
    let mut consents = Consents::open(cycle.state)?;
    let repository = cycle.engine.repository.common_dir();
    let open: Vec<&str> = remote.filter(|url| !consents.has(repository, url)).collect();
    if !open.is_empty() && !consent {
        return Err(failure::consent_needed(&open.join(", ")));
    }
    open.into_iter().try_for_each(|url| {
        cycle.engine.record(&Event::Consent { given: true, to: consent::to_send(url) })?;
        consents.give(repository, url)
    })
}

/// Choose again among what is stored.
pub(crate) async fn select(
    cycle: &mut Cycle<'_>,
    (min_recall, max_patch, mix): (Option<f64>, Option<u64>, Option<&BTreeMap<String, f64>>),
    reset: bool,
) -> Result<(Selection, Select)> {
    let mut selection = if reset { Selection::default() } else { cycle.records.selection()? };
    let refuse = |error: SelectError| failure::invalid_params(&format!("cannot {error}"));
    selection.min_recall = min_recall.unwrap_or(selection.min_recall);
    selection.max_patch = max_patch.map_or(selection.max_patch, |lines| lines as usize);
    if let Some(mix) = mix {
        let share = |(name, share): (&String, &f64)| Ok((name.parse().map_err(refuse)?, *share));
        selection.mix = mix.iter().map(share).collect::<Result<_>>()?;
    }
    selection.check().map_err(refuse)?;
    let order = Select { selection: selection.clone(), ..chosen(cycle, None).await? };
    Ok((selection, order))
}

/// Write what is trained on out for other trainers, to the folder that is returned.
pub(crate) async fn export(
    cycle: &mut Cycle<'_>,
    format: ExportFormat,
) -> Result<(PathBuf, Select)> {
    let folder = cycle.engine.export_folder()?;
    let told = cycle.records.told()?;
    let export = Export { format, folder: folder.clone(), told };
    Ok((folder, chosen(cycle, Some(export)).await?))
}

/// What is trained on as the user chose last.
pub(crate) async fn chosen(cycle: &mut Cycle<'_>, export: Option<Export>) -> Result<Select> {
    let base = base::obtain(cycle).await?;
    let (attempts, selection) = (eligible(cycle)?, cycle.records.selection()?);
    Ok(Select { base, attempts, selection, export })
}

/// Train on everything accepted, from the base: adapters are never stacked.
pub(crate) async fn train(
    cycle: &mut Cycle<'_>,
    seconds: Option<u64>,
    tokens: Option<u64>,
    seed: u64,
) -> Result<(Digest, Train)> {
    let base = base::obtain(cycle).await?;
    let attempts = trained_on(cycle)?;
    let (lessons, holes) = (cycle.records.lessons()?, holes(cycle, false)?);
    let budget = match tokens {
        Some(tokens) => TrainBudget::Tokens { tokens: tokens as usize },
        None => TrainBudget::Seconds { seconds: seconds.map_or(TRAIN_SECONDS, |s| s as f64) },
    };
    let siblings = cycle.records.deviation()?.is_empty();
    let selection = cycle.records.selection()?;
    let made_from = made_from(&attempts, &selection, (&lessons, &holes), &budget, seed, siblings)?;
    let path = cycle.folder("checkpoint")?.join("checkpoint");
    let checkpoint = cycle.records.resume(&made_from, &path)?.then_some(path);
    let settings = cycle.engine.repository.settings()?;
    let memory =
        settings.integer("sera.memory").map_err(|error| failure::invalid_params(&error))?;
    let memory = memory.map(|bytes| u64::try_from(bytes).unwrap_or(0));
    let device = device(cycle)?;
    let order = Train {
        base,
        attempts,
        selection,
        holes,
        lessons,
        budget,
        seed,
        siblings,
        checkpoint,
        memory,
        device,
    };
    Ok((made_from, order))
}

/// `sera.device`. A word in a repository's config chooses hardware, nothing more.
fn device(cycle: &Cycle<'_>) -> Result<Choice> {
    let chosen = cycle.engine.repository.settings()?.value("sera.device");
    let parsed = chosen.map_or(Ok(Choice::Auto), |text| text.parse());
    parsed.map_err(|error: DeviceError| failure::invalid_params(&format!("sera.device: {error}")))
}

/// `sera.cache`: how a student keeps what it reads.
pub(crate) fn cache(cycle: &Cycle<'_>) -> Result<KeyValues> {
    let chosen = cycle.engine.repository.settings()?.value("sera.cache");
    let parsed = chosen.map_or(Ok(KeyValues::default()), |text| text.parse());
    parsed
        .map_err(|error: UnknownKeyValues| failure::invalid_params(&format!("sera.cache: {error}")))
}

/// Names a training by everything that decides its result.
fn made_from(
    attempts: &[Attempt],
    selection: &Selection,
    code: (&[Lesson], &[Hole]),
    budget: &TrainBudget,
    seed: u64,
    siblings: bool,
) -> Result<Digest> {
    let ids: Vec<_> = attempts.iter().map(|attempt| attempt.trajectory.id).collect();
    let parts = (ids, selection, code, budget, seed, siblings);
    Ok(Digest::of(&serde_json::to_vec(&parts).context("failed to name the dataset")?))
}

/// Leaves out tasks of commits that were rewritten or thrown away.
fn retain_reachable(cycle: &Cycle<'_>, tasks: &mut Vec<Task>) -> Result<()> {
    let mut lost = BTreeSet::new();
    for task in &*tasks {
        if let Origin::Commit { commit } = &task.origin
            && !cycle.engine.repository.is_reachable(commit)?
        {
            lost.insert(commit.clone());
        }
    }
    tasks.retain(|task| match &task.origin {
        Origin::Commit { commit } => !lost.contains(commit),
        Origin::Mutation { .. } | Origin::Generated { .. } | Origin::Imported { .. } => true,
    });
    Ok(())
}

/// The cycle, unless its cut was rewritten or thrown away: then what is trained on is of a history
/// that is no more, and is made anew.
pub(crate) fn live_cycle(cycle: &Cycle<'_>) -> Result<Option<records::Cycle>> {
    let Some(now) = cycle.records.cycle()? else { return Ok(None) };
    Ok(cycle.engine.repository.is_reachable(&now.cut.commit)?.then_some(now))
}

/// Score the newest adapter on the held-out side of its own cycle.
pub(crate) async fn evaluate(
    cycle: &mut Cycle<'_>,
    seconds: Option<u64>,
) -> Result<(AdapterId, Evaluate)> {
    let base = base::obtain(cycle).await?;
    let newest = cycle.records.adapters()?.pop().context("there is no adapter to evaluate")?;
    let mut lay = |files: &[AdapterFile], name: &str| -> Result<PathBuf> {
        let folder = cycle.folder(name)?;
        cycle.records.lay_out(files, &folder)?;
        Ok(folder)
    };
    let adapter = lay(&newest.files, "adapter")?;
    let siblings =
        newest.siblings.iter().map(|files| lay(files, "sibling")).collect::<Result<_>>()?;
    let mut served = |capability| -> Result<Option<PathBuf>> {
        let served = cycle.records.served(capability)?.filter(|served| served.id != newest.id);
        served.map(|served| lay_served(cycle, &served.files)).transpose()
    };
    let served = [served(Capability::Complete)?, served(Capability::Fix)?];
    let accepted = cycle.records.attempts()?.into_iter().filter(|a| a.verdict.accepted());
    let mut tasks: Vec<Task> = accepted.map(|a| a.task).filter(|task| task.held_out).collect();
    retain_reachable(cycle, &mut tasks)?;
    let mut solved = trained_on(cycle)?;
    solved.truncate(RETRIEVABLE);
    let mut training_holes = holes(cycle, false)?;
    training_holes.truncate(RETRIEVABLE);
    let order = Evaluate {
        source: source(cycle)?,
        cut: cut(cycle)?,
        tasks,
        holes: holes(cycle, true)?,
        solved,
        training_holes,
        base,
        device: device(cycle)?,
        adapter,
        served,
        siblings,
        seconds: seconds.map_or(EVALUATE_SECONDS, |s| s as f64),
        rollouts: ROLLOUTS,
    };
    Ok((newest.id, order))
}

/// Ask the teacher, too, to attempt what the student did; not where none is configured or the user
/// did not agree: an evaluation asks nobody.
pub(crate) fn examine(cycle: &Cycle<'_>, done: &Evaluated) -> Result<Option<Examine>> {
    let settings = cycle.engine.repository.settings()?;
    if settings.values("sera.teacher.url").is_empty() {
        return Ok(None);
    }
    let teacher = Teacher::of(&settings)?;
    let consents = Consents::open(cycle.state)?;
    let repository = cycle.engine.repository.common_dir();
    if teacher.remote().into_iter().any(|url| !consents.has(repository, url)) {
        return Ok(None);
    }
    let attempted: BTreeSet<TaskId> = done
        .card
        .fix
        .get(&Arm::Adapter)
        .into_iter()
        .flatten()
        .filter(|score| score.recall.is_some())
        .map(|score| score.task)
        .collect();
    let tasks = cycle.records.tasks()?.into_iter().filter(|task| attempted.contains(&task.id));
    let tasks: Vec<Task> = tasks.collect();
    Ok((!tasks.is_empty()).then_some(Examine {
        source: source(cycle)?,
        cut: cut(cycle)?,
        tasks,
        teacher,
        ledger: cycle.state.join("spent.jsonl"),
        now_ms: cycle.now_ms(),
    }))
}

fn lay_served(cycle: &mut Cycle<'_>, files: &[AdapterFile]) -> Result<PathBuf> {
    let folder = cycle.folder("served")?;
    cycle.records.lay_out(files, &folder)?;
    Ok(folder)
}

/// Fix the work tree as it is now.
pub(crate) async fn fix(
    cycle: &mut Cycle<'_>,
    description: &str,
    paths: &[String],
    buffers: Option<&BTreeMap<String, String>>,
    proposals: u64,
) -> Result<Fix> {
    let weights = cycle.weights().await?;
    let tree_path = |path: &String| {
        TreePath::new(path.clone()).map_err(|error| failure::invalid_params(&error))
    };
    let buffer = |(path, text): (&String, &String)| Ok((tree_path(path)?, text.clone()));
    let path = cycle.asked_in.work_dir().to_owned();
    let source = Source { path, ..source(cycle)? };
    // The order is a file until it is carried out.
    let description = Redactor::new(source.key).redact(description).0;
    let shots = shots(cycle, &weights, &description, None)?;
    Ok(Fix {
        source,
        description,
        paths: paths.iter().map(tree_path).collect::<Result<_>>()?,
        base_commit: cycle.asked_in.head()?,
        bug: None,
        work_tree: true,
        buffers: buffers.into_iter().flatten().map(buffer).collect::<Result<_>>()?,
        weights,
        shots,
        proposals: proposals as usize,
    })
}

/// What retrieval adds to a base that serves alone: the most similar solved tasks.
fn shots(
    cycle: &Cycle<'_>,
    weights: &Weights,
    description: &str,
    but: Option<&Task>,
) -> Result<Vec<(String, String)>> {
    if weights.adapter.is_some() {
        return Ok(Vec::new());
    }
    let mut solved = trained_on(cycle)?;
    solved.truncate(RETRIEVABLE);
    let shots = prepare::Shots::new(&solved).of(description, but);
    Ok(shots.into_iter().map(|shot| (shot.description, shot.answer)).collect())
}

/// Fix one held-out task: what quickstart shows at its end.
pub(crate) async fn fix_task(cycle: &mut Cycle<'_>, task: &Task) -> Result<Fix> {
    let weights: Weights = cycle.weights().await?;
    let shots = shots(cycle, &weights, &task.description, Some(task))?;
    Ok(Fix {
        source: source(cycle)?,
        description: task.description.clone(),
        paths: Vec::new(),
        base_commit: task.base.commit.clone(),
        bug: task.base.bug.clone(),
        work_tree: false,
        buffers: Vec::new(),
        weights,
        shots,
        proposals: 5,
    })
}
