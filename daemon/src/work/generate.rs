//! The worker's *generate* stage: functions in, what a teacher makes of each out, part by part.
use super::sandbox::Containers;
use super::{Desk, synthesize};
use crate::order::{Generate, Generated, Yield};
use crate::teacher::Teacher;
use anyhow::{Context as _, Result};
use sera_agent::Limits;
use sera_agent::dialect::Reader;
use sera_chat::{Fleet, Ledger, Paid, Patience, Purse};
use sera_core::redact::Redactor;
use sera_core::{FunctionSeed, ModelError, SeedId};
use sera_datagen::generate::{Generation, Generator, Wanted, differs, generate_all, plan};
use sera_datagen::{Bases, CallGraph, DropReason, Drops, Policy};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Steps of a rollout in which no command can be run.
pub(super) const STEPS: usize = 40;
/// Tokens of one reply, thinking included.
pub(super) const REPLY: usize = 4_096;
/// Where the key of the teacher's servers stands, if not with git.
const KEY: &str = "GIT_SERA_TEACHER_KEY";

pub(super) fn generate(order: &Generate, desk: &Desk) -> Result<Generated> {
    let started = Instant::now();
    let now = synthesize::bases(&order.source, &order.cut)?;
    let wanted = planned(order, &now);
    let teacher = &order.teacher;
    let limits = Limits {
        steps: STEPS,
        tokens: teacher.context,
        reply_tokens: REPLY,
        temperature: teacher.temperature,
        reader: Reader::Teacher(teacher.dialect),
        ..Limits::default()
    };
    let (max_lines, now_ms) = (Policy::default().max_task_lines, order.now_ms);
    let plain = AtomicBool::new(false);
    let (settings, plain) = (&teacher.settings(), &plain);
    let containers = containers(order, wanted.len(), desk)?;
    let over_cut = Generator {
        bases: &now,
        teacher: &teacher.model,
        settings,
        limits,
        max_lines,
        now_ms,
        earlier: false,
        plain,
        shells: containers.as_ref().map(|containers| &containers.pool),
        demanded: containers.is_some() && order.sandbox.as_ref().is_some_and(|s| s.demanded),
    };
    let fleet = fleet(teacher, &order.ledger, order.dry_run, desk)?;
    if order.dry_run {
        let commands = order.sandbox.as_ref().is_some_and(|sandbox| sandbox.image.is_some());
        let first = wanted.first().context("no function is left to ask about")?;
        let request = Some(fleet.request(&over_cut.first_prompt(first, commands)));
        return Ok(Generated { request, ..Generated::default() });
    }
    let stored = |of: &str| order.done.iter().any(|(seed, family)| of == name(seed, family));
    let paid = Paid::open(&order.paid, &stored)?;
    fleet.remember_toolless(&order.toolless)?;
    fleet.count_redactions(Redactor::new(order.source.key));
    desk.step(forecast(&order.past, wanted.len()));
    let tally = Tally::new(desk, &fleet, wanted.len());
    tally.tell(0);
    let model = |wanted: &Wanted<'_>| {
        let of = name(&wanted.seed.id, wanted.family);
        paid.remembering(&teacher.model, of, fleet.server())
    };
    let keep = |generation| tally.keep(&generation);
    let cancel = desk.gate.as_cancel();
    let run = by_base(order, &now, wanted, &mut |bases: &Bases, wanted: &[Wanted<'_>]| {
        let earlier = *bases.cut() != order.cut;
        let generator = Generator { bases, earlier, ..over_cut };
        generate_all(wanted, &generator, teacher.parallel, &model, cancel, &keep)
    })?;
    tally.check()?;
    let ended = match run {
        Ok(()) => None,
        Err(ModelError::Exhausted) => Some("the budget is spent".to_owned()),
        Err(ModelError::Cancelled) => Some("cancelled".to_owned()),
        Err(error) => {
            return Err(error).with_context(|| match fleet.given_up() {
                Some(why) => format!("the teacher answers nothing; {}", why.hint()),
                None => "the teacher answers nothing".to_owned(),
            });
        }
    };
    let failed = tally.failed();
    let seconds = started.elapsed().as_secs_f64();
    let unused = paid.unused();
    Ok(Generated { request: None, spent: fleet.spent(), failed, unused, ended, seconds })
}

/// Where commands run, with as many containers as are used at a time.
fn containers(order: &Generate, wanted: usize, desk: &Desk) -> Result<Option<Containers>> {
    match order.dry_run {
        true => Ok(None),
        false => Containers::open(order.sandbox.as_ref(), order.teacher.parallel.min(wanted), desk),
    }
}

/// The functions to ask about, those that many call more often.
fn planned<'a>(order: &'a Generate, now: &Bases) -> Vec<Wanted<'a>> {
    let functions: Vec<&FunctionSeed> = order.functions.iter().collect();
    let done = |seed: &_, family: &str| order.done.iter().any(|(s, f)| s == seed && f == family);
    let graph = CallGraph::of(now.index());
    let weight = |function: &_| graph.weight(function);
    plan(&functions, &order.demonstrations, &weight, order.limit, order.rng_seed, &done)
}

/// Works on some functions over one tree.
type Work<'a> = dyn FnMut(&Bases, &[Wanted<'_>]) -> Result<(), ModelError> + 'a;

/// Has `work` done over each tree in turn, so that no more than two are held at a time: first the
/// earlier ones, with the functions that read otherwise then, then the one at the cut with all
/// others.
fn by_base(
    order: &Generate,
    now: &Bases,
    wanted: Vec<Wanted<'_>>,
    work: &mut Work<'_>,
) -> Result<Result<(), ModelError>> {
    let bases = order.earlier.len() + 1;
    let (mut rest, mut groups) = (Vec::new(), vec![Vec::new(); order.earlier.len()]);
    for wanted in wanted {
        match groups.get_mut(wanted.base(bases)) {
            Some(group) => group.push(wanted),
            None => rest.push(wanted),
        }
    }
    for (commit, group) in order.earlier.iter().zip(groups) {
        let then = synthesize::bases(&order.source, commit)?;
        let (there, not): (Vec<_>, Vec<_>) =
            group.into_iter().partition(|wanted| differs(&wanted.seed.key, now, &then));
        rest.extend(not);
        if let Err(error) = work(&then, &there) {
            return Ok(Err(error));
        }
    }
    Ok(work(now, &rest))
}

/// What so many functions may come to, by what earlier ones came to.
fn forecast(past: &Yield, functions: usize) -> String {
    if past.functions == 0 {
        return format!("{functions} functions; what they come to and cost is not known yet");
    }
    let of = |whole: u64| whole as f64 / past.functions as f64 * functions as f64;
    let dollars = match past.microdollars {
        0 => String::new(),
        microdollars => format!(", ${:.2}", of(microdollars) / 1e6),
    };
    format!(
        "{functions} functions; by the {} so far about {:.0} accepted for {:.0} tokens{dollars}",
        past.functions,
        of(past.accepted),
        of(past.tokens),
    )
}

/// What a generation is called in the file of replies.
fn name(seed: &SeedId, family: &str) -> String {
    format!("{seed}-{family}")
}

/// The teacher's servers, with what may be spent.
pub(super) fn fleet(
    teacher: &Teacher,
    ledger: &Path,
    dry_run: bool,
    desk: &Desk,
) -> Result<Arc<Fleet>> {
    let ledger = Ledger::open(ledger, teacher.daily, crate::cycle::now_ms)?;
    let purse = Purse::new(teacher.prices, teacher.budget, Some(ledger));
    let patience = Patience { call: Duration::from_secs(teacher.timeout), ..Patience::default() };
    let given = std::env::var(KEY).ok().filter(|key| !key.is_empty());
    let of_git = |url: &str| {
        let asked = !dry_run && !sera_chat::server::is_local(url);
        asked.then(|| sera_git::credential(url)).flatten()
    };
    let key = |url: &str| given.clone().or_else(|| of_git(url)).map(Into::into);
    let (model, audit) = (teacher.model.clone(), desk.audit.clone());
    Ok(Fleet::new(&teacher.urls, model, &key, patience, purse, audit)?)
}

/// What came so far, told and handed over as it comes.
struct Tally<'a> {
    desk: &'a Desk,
    fleet: &'a Fleet,
    total: usize,
    done: AtomicUsize,
    accepted: AtomicUsize,
    dropped: Mutex<Drops>,
    started: Instant,
    /// Why something could not be handed over.
    error: Mutex<Option<anyhow::Error>>,
}

impl<'a> Tally<'a> {
    fn new(desk: &'a Desk, fleet: &'a Fleet, total: usize) -> Self {
        let (done, accepted, dropped, error) = Default::default();
        Self { desk, fleet, total, done, accepted, dropped, started: Instant::now(), error }
    }

    /// Hands a generation over. One at which the teacher or the engine failed is begun again another
    /// time, and what was paid for it is not paid twice.
    fn keep(&self, generation: &Generation) {
        let at = self.done.fetch_add(1, Ordering::Relaxed);
        if !generation.dropped.is_some_and(passes)
            && let Err(error) = self.desk.part(&format!("part-{at}.json"), generation)
        {
            locked(&self.error).get_or_insert(error);
        }
        match generation.dropped {
            Some(reason) => *locked(&self.dropped).entry(reason).or_default() += 1,
            None => drop(self.accepted.fetch_add(1, Ordering::Relaxed)),
        }
        self.tell(at + 1);
    }

    /// Functions at which the teacher or the engine failed.
    fn failed(&self) -> usize {
        locked(&self.dropped).iter().filter(|(reason, _)| passes(**reason)).map(|(_, n)| *n).sum()
    }

    fn tell(&self, done: usize) {
        let accepted = self.accepted.load(Ordering::Relaxed);
        let spent = self.fleet.spent();
        let dollars = spent.microdollars as f64 / 1e6;
        let mut words =
            vec![format!("{accepted} accepted, {} tokens, ${dollars:.2}", spent.tokens)];
        let (toolless, servers) = self.fleet.toolless();
        if (1..servers).contains(&toolless) {
            words.push(format!("{toolless} of {servers} servers call no tools and are not asked"));
        }
        let dropped = locked(&self.dropped).clone();
        words.extend(dropped.iter().map(|(reason, n)| format!("{n} {}", reason.code())));
        if done > 0 {
            let each = self.started.elapsed().as_secs_f64() / done as f64;
            let left = each * (self.total - done.min(self.total)) as f64;
            words.push(format!("about {:.0} min left", (left / 60.0).ceil()));
        }
        let message = words.join(", ");
        let total = Some(self.total as u64);
        self.desk.progress("generate", done as u64, total, "functions", message);
    }

    fn check(&self) -> Result<()> {
        locked(&self.error).take().map_or(Ok(()), Err)
    }
}

/// Whether what went wrong says nothing of the function, and may be well another time.
fn passes(reason: DropReason) -> bool {
    matches!(reason, DropReason::TeacherFailed | DropReason::EnvironmentLost)
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
