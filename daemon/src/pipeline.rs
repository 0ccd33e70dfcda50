//! The product's table of contents: every job, its stage, what it stores, what must come first.
//!
//! A stage is always the same four steps: write the order from what is stored, have a worker
//! carry it out, store the result, report it. Quickstart is the same function, job after job.
use crate::audit::{self, Wish};
use crate::cycle::Cycle;
use crate::order::Order;
use crate::orders::live_cycle;
use crate::{adapters, consent, failure, forget, orders, proof, quickstart, reports, why};
use anyhow::Result;
use sera_protocol::{Job, JobResult};

/// Does one job, and before it whatever it needs that is missing.
#[expect(
    clippy::too_many_lines,
    reason = "a table of contents: one arm a job, none longer than ten"
)]
pub(crate) async fn perform(job: &Job, cycle: &mut Cycle<'_>) -> Result<JobResult> {
    for first in needs(job, cycle)? {
        Box::pin(perform(&first, cycle)).await?;
    }
    match job {
        Job::Mine { explain } => {
            let (tip, order, said) = orders::mine(cycle, *explain)?;
            let done = cycle.work(&Order::Mine(order)).await?;
            cycle.engine.keep_mined(&tip, &done)?;
            said.done()?;
            Ok(JobResult::Mine(reports::mine(&done, *explain)))
        }
        Job::Synthesize { limit } => {
            let (cut, order) = orders::synthesize(cycle, *limit)?;
            let done = cycle.work(&Order::Synthesize(order)).await?;
            cycle.records.keep_synthesized(&cut, &done)?;
            Ok(JobResult::Synthesize(reports::synthesize(&done)))
        }
        Job::Rollout { limit, student, attempts } => {
            let done = cycle.work(&Order::RollOut(orders::roll_out(cycle, *limit)?)).await?;
            cycle.records.keep_rolled_out(&done)?;
            cycle.go_on()?;
            if *student && cycle.records.rollouts()?.student.is_empty() {
                let order = Order::RollOut(orders::student(cycle).await?);
                let tried = cycle.work(&order).await?;
                cycle.go_on()?;
                cycle.records.keep_student(&tried)?;
            }
            let mut distilled = None;
            if let Some(attempts) = attempts {
                let order = Order::RollOut(orders::distill(cycle, *limit, *attempts).await?);
                let tried = cycle.work(&order).await?;
                cycle.records.keep_distilled(&tried)?;
                cycle.go_on()?;
                distilled = Some(tried);
            }
            let all = cycle.records.rollouts()?;
            Ok(JobResult::Rollout(reports::roll_out(&done, distilled.as_ref(), &all)))
        }
        Job::Generate { limit, consent, dry_run, retry } => {
            let order =
                orders::generate(cycle, *limit, *consent, (*dry_run, *retry == Some(true)))?;
            let teacher = order.teacher.model.clone();
            let (done, kept) = cycle.work_in_parts(&Order::Generate(Box::new(order))).await?;
            cycle.engine.settle(&done);
            Ok(JobResult::Generate(reports::generate(&teacher, &kept, &done)))
        }
        Job::Verify {} => {
            let attempts = cycle.records.attempts()?;
            Ok(JobResult::Verify(reports::verify(&attempts, &cycle.records.rollouts()?)))
        }
        Job::Import { file, base } => {
            let order = orders::import(cycle, file, base.as_deref())?;
            let (done, kept) = cycle.work_in_parts(&Order::Import(order)).await?;
            cycle.go_on()?;
            Ok(JobResult::Import(reports::import(&kept, &done)))
        }
        Job::Select { min_recall, max_patch, mix, reset } => {
            let wished = (*min_recall, *max_patch, mix.as_ref());
            let (selection, order) = orders::select(cycle, wished, *reset).await?;
            let done = cycle.work(&Order::Select(order)).await?;
            cycle.records.keep_selection(&selection)?;
            let attempts = cycle.records.attempts()?;
            Ok(JobResult::Select(reports::select(&selection, &attempts, &done)))
        }
        Job::Export { format } => {
            let (folder, order) = orders::export(cycle, *format).await?;
            let done = cycle.work(&Order::Select(order)).await?;
            Ok(JobResult::Export(reports::export(&folder, &done)))
        }
        Job::Train { seconds, tokens, seed } => {
            let (made_from, order) = orders::train(cycle, *seconds, *tokens, *seed).await?;
            let done = cycle.work(&Order::Train(order)).await?;
            let adapter = cycle.keep_trained((made_from, *seed), &done)?;
            if quickstart::done_before(&Job::Synthesize { limit: None }, cycle)? {
                cycle.engine.trained()?;
            }
            cycle.engine.prune()?;
            Ok(JobResult::Train(reports::train(&adapter)))
        }
        Job::Evaluate { seconds } => {
            let (adapter, order) = orders::evaluate(cycle, *seconds).await?;
            let mut done = cycle.work(&Order::Evaluate(order)).await?;
            cycle.records.keep_scorecard(adapter, &done)?;
            if let Some(order) = orders::examine(cycle, &done)? {
                let examined = cycle.work(&Order::Examine(Box::new(order))).await;
                reports::add_teacher(&mut done, examined);
                cycle.records.keep_scorecard(adapter, &done)?;
                cycle.go_on()?;
            }
            Ok(JobResult::Evaluate(Box::new(reports::scorecard(adapter, &done))))
        }
        Job::Promote { adapter, force: Some(true), capabilities } => {
            let capabilities = capabilities.as_deref().unwrap_or_default();
            Ok(JobResult::Promote(adapters::force(cycle, adapter.as_deref(), capabilities)?))
        }
        Job::Promote { adapter, force: Some(false) | None, capabilities: _ } => {
            let (adapter, decisions) = cycle.decide(adapter.as_deref())?;
            cycle.engine.promote(&adapter, &decisions)?;
            Ok(JobResult::Promote(reports::promote(&adapter, &decisions)))
        }
        Job::Quickstart { train_seconds, evaluate_seconds, base, student_tasks } => {
            cycle.prefer_base(base.clone());
            cycle.student_tasks = *student_tasks;
            let stages = quickstart::stages(*train_seconds, *evaluate_seconds);
            Ok(JobResult::Quickstart(Box::new(quickstart::drive(stages, cycle).await?)))
        }
        Job::Fix { description, paths, buffers, proposals } => {
            let order =
                orders::fix(cycle, description, paths, buffers.as_ref(), *proposals).await?;
            let done = cycle.serve(&Order::Fix(order)).await?;
            Ok(JobResult::Fix(reports::fix(description, &done, cycle.served()?)))
        }
        Job::Why { what } => Ok(JobResult::Why(why::why(cycle, what).await?)),
        Job::Forget { what, dry_run } => {
            let done = forget::forget(cycle, what, *dry_run);
            if !dry_run {
                cycle.serving.retire().await;
            }
            Ok(JobResult::Forget(done?))
        }
        Job::Retrain {} => {
            for stage in quickstart::cycle_stages() {
                if !quickstart::done_before(&stage, cycle)? {
                    Box::pin(perform(&stage, cycle)).await?;
                }
            }
            let (adapter, decisions) = cycle.decide(None)?;
            cycle.engine.promote(&adapter, &decisions)?;
            cycle.engine.retrained()?;
            cycle.engine.prune()?;
            Ok(JobResult::Promote(reports::promote(&adapter, &decisions)))
        }
        Job::Adapters {} => Ok(JobResult::Adapters(adapters::list(cycle)?)),
        Job::Rollback { capability } => {
            Ok(JobResult::Rollback(adapters::roll_back(cycle, *capability)?))
        }
        Job::Log { limit } => Ok(JobResult::Log(reports::log(&cycle.records.told()?, *limit))),
        Job::Show { id } => {
            Ok(JobResult::Show(Box::new(reports::show(&cycle.records.told()?, id)?)))
        }
        Job::Doctor {} => {
            let order = orders::diagnose(cycle)?;
            let demanded = order.sandbox.as_ref().is_some_and(|sandbox| sandbox.demanded);
            let started = std::time::Instant::now();
            let found = cycle.work(&Order::Diagnose(order)).await?;
            Ok(JobResult::Doctor(reports::doctor(found, demanded, started.elapsed())))
        }
        Job::BuildImage { from, agreed, consent } => {
            let order = orders::build_image(cycle, *from, agreed.as_deref(), *consent)?;
            let done = cycle.work(&Order::BuildImage(order)).await?;
            cycle.keep_image(*from, &done)?;
            Ok(JobResult::BuildImage(reports::image(done)))
        }
        Job::Audit { limit, kinds, restart, user } => {
            let kinds = kinds.as_deref().unwrap_or_default();
            let wish = Wish { limit: *limit, kinds, restart: *restart == Some(true) };
            Ok(JobResult::Audit(match user {
                Some(true) => audit::of_user(cycle.state, &wish)?,
                Some(false) | None => cycle.engine.audited(&wish)?,
            }))
        }
        Job::Consent { withdraw } => {
            Ok(JobResult::Consent(consent::report(cycle.engine, cycle.state, *withdraw)?))
        }
        Job::Report { adapter } => {
            Ok(JobResult::Report(Box::new(proof::report(cycle, adapter.as_deref())?)))
        }
        Job::Fsck {} => {
            let (report, seconds) = cycle.records.check()?;
            // What is lost was handed over once, and is found again.
            cycle.engine.forget_found();
            Ok(JobResult::Fsck(reports::fsck(&report, seconds)))
        }
    }
}

/// What is missing before `job` can be done. What is stored already is not done again, which is
/// how an interrupted quickstart resumes.
fn needs(job: &Job, cycle: &Cycle<'_>) -> Result<Vec<Job>> {
    let records = cycle.records;
    let mine = Job::Mine { explain: false };
    let synthesize = Job::Synthesize { limit: None };
    let rollout = Job::Rollout { limit: None, student: false, attempts: None };
    let train = Job::Train { seconds: None, tokens: None, seed: 0 };
    let evaluate = Job::Evaluate { seconds: None };
    let missing = |first: Job, there: bool| if there { Vec::new() } else { vec![first] };
    Ok(match job {
        Job::Mine { .. }
        | Job::Quickstart { .. }
        | Job::Fix { .. }
        | Job::Why { .. }
        | Job::Forget { .. }
        | Job::Retrain {}
        | Job::Adapters {}
        | Job::Rollback { .. }
        | Job::Promote { force: Some(true), .. }
        | Job::Log { .. }
        | Job::Show { .. }
        | Job::Doctor {}
        | Job::BuildImage { .. }
        | Job::Audit { .. }
        | Job::Consent { .. }
        | Job::Report { .. }
        | Job::Fsck {} => Vec::new(),
        Job::Synthesize { .. } | Job::Generate { .. } | Job::Import { .. } => {
            missing(mine, records.mined()?.is_some())
        }
        Job::Rollout { .. } => missing(synthesize, live_cycle(cycle)?.is_some()),
        // Light work: it makes nothing that others may be making right now.
        Job::Verify {} | Job::Select { .. } | Job::Export { .. } => {
            anyhow::ensure!(!records.attempts()?.is_empty(), failure::nothing_rolled_out());
            Vec::new()
        }
        Job::Train { .. } => {
            missing(rollout, live_cycle(cycle)?.is_some() && !records.played()?.is_empty())
        }
        Job::Evaluate { .. } => missing(train, !records.adapters()?.is_empty()),
        // Evaluation is of the newest: another one is decided on with what is stored of it.
        Job::Promote { adapter: Some(_), force: Some(false) | None, .. } => Vec::new(),
        Job::Promote { adapter: None, force: Some(false) | None, .. } => {
            let newest = records.adapters()?.pop();
            let scored = newest.map(|adapter| records.scorecard(adapter.id)).transpose()?;
            missing(evaluate, scored.flatten().is_some())
        }
    })
}
