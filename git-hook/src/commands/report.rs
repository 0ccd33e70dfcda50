//! `git sera report`.
use super::Context;
use crate::command_error::{CommandError, Kind};
use crate::render::cycle;
use clap::Args;
use sera_protocol::{Job, JobResult};
use std::io;
use std::path::{Path, PathBuf};

/// Write a page that proves, or does not, that an adapter is better
///
/// One file of HTML that needs nothing else: what was decided for each capability and why, the
/// curve of the loss, every arm with its interval, held-out items won and lost side by side, what
/// was trained on and what was left out, what it took, and how far the repository has moved on
/// since. The same is said here in short. It shows code of the repository, as it is stored: with
/// recognised secrets replaced.
#[derive(Debug, Args)]
pub struct Report {
    /// The adapter's id, or how it ends: `git sera status --json` lists them [default: the newest]
    #[arg(long, value_name = "ID")]
    adapter: Option<String>,
    /// Write to this file [default: reports/<ADAPTER>.html in the folder sera of the git folder]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Report {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let job = Job::Report { adapter: self.adapter.clone() };
        let mut report = match context.run_on(&context.repository()?, job)? {
            JobResult::Report(report) => report,
            other => return Err(CommandError::unexpected(&other)),
        };
        if let Some(output) = &self.output {
            copy(Path::new(&report.path), output)?;
            report.path = std::path::absolute(output)?.display().to_string();
        }
        let report = context.to_show(report)?;
        if context.ui.wants_json() {
            context.ui.json(&report)?;
        } else {
            context.ui.data(&cycle::show(&report))?;
        }
        Ok(Kind::Success)
    }
}

fn copy(page: &Path, output: &Path) -> Result<(), CommandError> {
    let failed = |error: &io::Error| {
        CommandError::of(Kind::Io, error).context(format!("cannot write {}", output.display()))
    };
    let html = std::fs::read(page).map_err(|error| failed(&error))?;
    std::fs::write(output, html).map_err(|error| failed(&error))
}
