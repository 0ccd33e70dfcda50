//! `git sera rollout`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::{count, line, reasons, seconds};
use clap::Args;
use sera_protocol::report::{GenerateReport, RolloutReport};
use sera_protocol::{Job, JobResult};

/// Have tasks solved in isolated environments and keep the attempts that hold
///
/// The procedural teacher solves the tasks that were made. Where a model server is configured as
/// teacher (`sera.teacher.url` and `sera.teacher.model` in your own git config), it then works on
/// functions of the repository: each is asked about vaguely, changed, described, and changed again
/// by the description alone; what reproduces the first change is kept to be trained on.
#[derive(Debug, Args)]
pub struct Rollout {
    /// Solve at most this many tasks, and have the teacher work on at most this many functions
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Let the student try a few training tasks, too
    #[arg(long)]
    student: bool,
    /// Have the served student make N attempts at each of up to 50 training tasks, and keep what
    /// holds to be trained on: at most 3 for a task, and at most half of what is trained on
    #[arg(long, value_name = "N")]
    attempts: Option<u64>,
    /// Leave the configured teacher out
    #[arg(long, conflicts_with_all = ["dry_run", "consent", "retry"])]
    procedural: bool,
    /// Print the first request that the teacher would be sent, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Ask the teacher again where it refused, or never ended its reply, in an earlier run
    #[arg(long)]
    retry: bool,
    /// Agree that code of this repository is sent to the teacher
    #[arg(long)]
    consent: bool,
}

impl Rollout {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        if self.dry_run {
            return self.show_request(context);
        }
        let Self { limit, student, attempts, .. } = *self;
        let job = Job::Rollout { limit, student, attempts };
        let mut report = report!(context, job => Rollout);
        if !self.procedural && context.repository()?.config("sera.teacher.url").is_some() {
            report.teacher = Some(self.generate(context)?);
        }
        if context.ui.wants_json() {
            context.ui.json(&report)?;
            return Ok(Kind::Success);
        }
        context.ui.data(&text(&report))?;
        Ok(Kind::Success)
    }

    fn job(&self, consent: bool) -> Job {
        Job::Generate { limit: self.limit, consent, dry_run: self.dry_run, retry: Some(self.retry) }
    }

    fn show_request(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let report = report!(context, self.job(false) => Generate);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
        } else {
            context.ui.data(&format!("{}\n", report.request.unwrap_or_default()))?;
        }
        Ok(Kind::Success)
    }

    /// The teacher's work; the user is asked once whether code may be sent.
    fn generate(&self, context: &Context<'_>) -> Result<GenerateReport, CommandError> {
        let asked = match context.run(self.job(self.consent)) {
            Err(error) if error.kind == Kind::NotAgreed => {
                if !context.ui.agrees(&error)? {
                    return Err(error);
                }
                context.run(self.job(true))?
            }
            result => result?,
        };
        match asked {
            JobResult::Generate(report) => Ok(report),
            other => Err(CommandError::unexpected(&other)),
        }
    }
}

fn text(report: &RolloutReport) -> String {
    let mut text = reasons("left out", &report.dropped);
    if let Some(student) = &report.student {
        text.push_str(&reasons("student's attempts rejected", &student.rejected));
        let accepted = count(student.accepted);
        line(&mut text, format_args!("{accepted} of the student's attempts accepted"));
    }
    line(
        &mut text,
        format_args!(
            "{} trajectories kept, {:.0} attempts/s, {}",
            count(report.kept),
            report.per_second,
            seconds(report.seconds)
        ),
    );
    if let Some(teacher) = &report.teacher {
        text.push_str(&taught(teacher));
    }
    text
}

fn taught(report: &GenerateReport) -> String {
    let mut text = reasons("teacher's work left out", &report.dropped);
    if let Some(ended) = &report.ended {
        line(&mut text, format_args!("ended early: {ended}"));
    }
    let recall = report.recall.map_or_else(String::new, |r| format!(", mean recall {r:.2}"));
    line(
        &mut text,
        format_args!(
            "{}: {} of {} functions accepted{recall}, {} tokens, ${:.2}, {}",
            report.teacher,
            count(report.accepted),
            count(report.functions),
            count(report.tokens),
            report.microdollars as f64 / 1e6,
            seconds(report.seconds)
        ),
    );
    text
}
