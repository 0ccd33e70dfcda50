//! The worker's *generate* stage: functions in, what a teacher makes of each out, part by part.
use super::{Desk, synthesize};
use crate::order::{Generate, Generated};
use anyhow::{Context as _, Result};
use sera_agent::Limits;
use sera_chat::{Fleet, Ledger, Paid, Patience, Purse};
use sera_core::{FunctionSeed, ModelError, SeedId};
use sera_datagen::generate::{Generation, Generator, Wanted, generate_all, plan};
use sera_datagen::{DropReason, Policy};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Steps of a rollout (SERA §1.4: 115 with a shell; none of ours runs anything).
const STEPS: usize = 40;
/// Tokens of one reply, thinking included.
const REPLY: usize = 4_096;
/// Where the key of the teacher's servers stands, if not with git.
const KEY: &str = "GIT_SERA_TEACHER_KEY";

pub(super) fn generate(order: &Generate, desk: &Desk) -> Result<Generated> {
    let started = Instant::now();
    let bases = synthesize::bases(&order.source, &order.cut)?;
    let functions: Vec<&FunctionSeed> = order.functions.iter().collect();
    let done = |seed: &_, family: &str| order.done.iter().any(|(s, f)| s == seed && f == family);
    let wanted = plan(&functions, &order.demonstrations, order.limit, order.rng_seed, &done);
    let teacher = &order.teacher;
    let limits = Limits {
        steps: STEPS,
        tokens: teacher.context,
        reply_tokens: REPLY,
        temperature: teacher.temperature,
        ..Limits::default()
    };
    let (max_lines, now_ms) = (Policy::default().max_task_lines, order.now_ms);
    let generator = Generator { bases: &bases, teacher: &teacher.model, limits, max_lines, now_ms };
    let fleet = fleet(order)?;
    let request = wanted.first().map(|first| fleet.request(&generator.first_prompt(first)));
    if order.dry_run {
        let request = Some(request.context("no function is left to ask about")?);
        return Ok(Generated { request, ..Generated::default() });
    }
    let stored = |of: &str| order.done.iter().any(|(seed, family)| of == name(seed, family));
    let paid = Paid::open(&order.paid, &stored)?;
    let tally = Tally::new(desk, &fleet, wanted.len());
    tally.tell(0);
    let model = |wanted: &Wanted<'_>| {
        let of = name(&wanted.seed.id, wanted.family);
        paid.remembering(&teacher.model, of, fleet.server())
    };
    let keep = |generation| tally.keep(&generation);
    let cancel = desk.gate.as_cancel();
    let run = generate_all(&wanted, &generator, teacher.parallel, &model, cancel, &keep);
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
    let failed = tally.failed.into_inner();
    let seconds = started.elapsed().as_secs_f64();
    let unused = paid.unused();
    Ok(Generated { request: None, spent: fleet.spent(), failed, unused, ended, seconds })
}

/// What a generation is called in the file of replies.
fn name(seed: &SeedId, family: &str) -> String {
    format!("{seed}-{family}")
}

fn fleet(order: &Generate) -> Result<Arc<Fleet>> {
    let teacher = &order.teacher;
    let ledger = Ledger::open(&order.ledger, order.now_ms)?;
    let budget = teacher.budget.within(teacher.daily.after(ledger.today()));
    let purse = Purse::new(teacher.prices, budget, Some(ledger));
    let patience = Patience { call: Duration::from_secs(teacher.timeout), ..Patience::default() };
    let given = std::env::var(KEY).ok().filter(|key| !key.is_empty());
    let of_git = |url: &str| {
        let asked = !order.dry_run && !sera_chat::server::is_local(url);
        asked.then(|| sera_git::credential(url)).flatten()
    };
    let key = |url: &str| given.clone().or_else(|| of_git(url)).map(Into::into);
    Ok(Fleet::new(&teacher.urls, teacher.model.clone(), &key, patience, purse)?)
}

/// What came so far, told and handed over as it comes.
struct Tally<'a> {
    desk: &'a Desk,
    fleet: &'a Fleet,
    total: usize,
    done: AtomicUsize,
    accepted: AtomicUsize,
    failed: AtomicUsize,
    /// Why something could not be handed over.
    error: Mutex<Option<anyhow::Error>>,
}

impl<'a> Tally<'a> {
    fn new(desk: &'a Desk, fleet: &'a Fleet, total: usize) -> Self {
        let (done, accepted, failed) = Default::default();
        Self { desk, fleet, total, done, accepted, failed, error: Mutex::default() }
    }

    /// Hands a generation over. One at which the teacher failed is begun again another time, and
    /// what was paid for it is not paid twice.
    fn keep(&self, generation: &Generation) {
        let at = self.done.fetch_add(1, Ordering::Relaxed);
        if generation.dropped == Some(DropReason::TeacherFailed) {
            self.failed.fetch_add(1, Ordering::Relaxed);
        } else if let Err(error) = self.desk.part(&format!("part-{at}.json"), generation) {
            let mut first = self.error.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(error);
        }
        if generation.dropped.is_none() {
            self.accepted.fetch_add(1, Ordering::Relaxed);
        }
        self.tell(at + 1);
    }

    fn tell(&self, done: usize) {
        let accepted = self.accepted.load(Ordering::Relaxed);
        let spent = self.fleet.spent();
        let dollars = spent.microdollars as f64 / 1e6;
        let message = format!("{accepted} accepted, {} tokens, ${dollars:.2}", spent.tokens);
        let total = Some(self.total as u64);
        self.desk.progress("generate", done as u64, total, "functions", message);
    }

    fn check(&self) -> Result<()> {
        let mut error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        error.take().map_or(Ok(()), Err)
    }
}
