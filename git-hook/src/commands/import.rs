//! `git sera import`.
use super::{Context, report, wire_path};
use crate::command_error::{CommandError, Kind};
use crate::render::{count, line, reasons, seconds};
use clap::Args;
use sera_protocol::Job;
use std::path::PathBuf;

/// Take trajectories in that were made elsewhere
///
/// Rows of JSON as SERA publishes them and `git sera export` writes them (`messages`,
/// `instance_id`, `problem_statement`, `rollout_patch`, `target_patch`, `base_commit`), or one of
/// SWE-agent's .traj files. Each patch must apply to a commit within what may be trained on, touch
/// nothing held out and hold no secret. It is judged again here; nothing of it is carried out.
#[derive(Debug, Args)]
pub struct Import {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The commit that was worked on [usual: what each row says, else the last that may be trained
    /// on]
    #[arg(long, value_name = "COMMIT")]
    base: Option<String>,
}

impl Import {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let file = self.file.canonicalize().map_err(|error| {
            CommandError::of(Kind::Input, &error)
                .context(format!("cannot read {}", self.file.display()))
        })?;
        let job = Job::Import { file: wire_path(&file)?, base: self.base.clone() };
        let report = report!(context, job => Import);
        if context.ui.wants_json() {
            context.ui.json(&report)?;
            return Ok(Kind::Success);
        }
        let mut text = reasons("not taken", &report.dropped);
        let (rows, taken) = (count(report.rows), count(report.taken));
        let accepted = count(report.accepted);
        let took = seconds(report.seconds);
        line(&mut text, format_args!("{taken} of {rows} rows taken, {accepted} accepted, {took}"));
        context.ui.data(&text)?;
        Ok(Kind::Success)
    }
}
