//! `git sera quickstart`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::quickstart;
use clap::Args;
use sera_protocol::Job;
use std::path::Path;

/// Go the whole way once: mine, train, evaluate, decide, fix one held-out task
///
/// Gets the base where it is not cached, registers the repository, mines it, makes tasks, has them
/// solved and verified, trains an adapter, compares it with the base on held-out work, promotes it
/// capability by capability or says why not, and fixes one held-out task. Interrupt it at any
/// time: the next run resumes.
#[derive(Debug, Args)]
pub struct Quickstart {
    /// Train for about this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    train_seconds: u64,
    /// Evaluate for about this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 150)]
    evaluate_seconds: u64,
    /// Take the base from here: a file, `wheel:NAME==VERSION` or `hf:OWNER/REPOSITORY/FILE`
    #[arg(long, value_name = "SOURCE")]
    base: Option<String>,
    /// Let the student try this many training tasks itself
    #[arg(long, value_name = "N", hide = true)]
    student_tasks: Option<u64>,
}

impl Quickstart {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let job = Job::Quickstart {
            train_seconds: self.train_seconds,
            evaluate_seconds: self.evaluate_seconds,
            base: self.base.as_deref().map(absolute).transpose()?,
            student_tasks: self.student_tasks,
        };
        let report = report!(context, job => Quickstart);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
        } else {
            context.ui.data(&quickstart::show(&report))?;
        }
        Ok(Kind::Success)
    }
}

/// A file is named from this process's folder, which is not the daemon's.
fn absolute(source: &str) -> Result<String, CommandError> {
    if Path::new(source).exists() {
        super::wire_path(&std::path::absolute(source)?)
    } else {
        Ok(source.to_owned())
    }
}
