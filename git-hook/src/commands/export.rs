//! `git sera export`.
use super::{Context, report};
use crate::command_error::{CommandError, Kind};
use crate::render::count;
use clap::Args;
use clap::builder::PossibleValuesParser;
use sera_protocol::Job;
use sera_protocol::report::{ExportFormat, ExportReport};
use std::io;
use std::path::{Path, PathBuf};

/// Write what is trained on out for other trainers
///
/// The trajectories that `git sera select` chose, in its order. openai, axolotl and hermes are
/// rows of one conversation each, to standard output or one file; swe-agent and atif are a file
/// for each trajectory. Axolotl's messages are those that this trainer itself learns from, byte for
/// byte, and `train` says which of them carry loss (`message_field_training: train`). Secrets are
/// replaced in all of them, as in everything that is stored.
#[derive(Debug, Args)]
pub struct Export {
    /// In what form
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(ExportFormat::ALL.iter().map(|format| format.name())))]
    format: String,
    /// Write to this file, or for swe-agent and atif to this folder
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
}

impl Export {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let format = self.format();
        let many = matches!(format, ExportFormat::SweAgent | ExportFormat::Atif);
        if many && self.output.is_none() {
            let message = format!("{format} is a file for each trajectory");
            return Err(
                CommandError::new(Kind::Usage, message).hint("say where they go: --output FOLDER")
            );
        }
        let report = report!(context, Job::Export { format } => Export);
        let taken = self.take(context, many, &report);
        // Whatever happened, nobody will come for them again.
        drop(std::fs::remove_dir_all(&report.folder));
        taken?;
        if context.ui.wants_json() && self.output.is_some() {
            context.ui.json(&report)?;
        } else {
            let trajectories = count(report.trajectories);
            context.ui.status(&format!("{trajectories} trajectories written"));
        }
        Ok(Kind::Success)
    }

    fn format(&self) -> ExportFormat {
        let named = |format: &&ExportFormat| format.name() == self.format;
        *ExportFormat::ALL.iter().find(named).expect("clap let only these names through")
    }

    fn take(
        &self,
        context: &Context<'_>,
        many: bool,
        report: &ExportReport,
    ) -> Result<(), CommandError> {
        let folder = Path::new(&report.folder);
        let written = |path: &Path, error: io::Error| {
            CommandError::of(Kind::Io, &error).context(format!("cannot write {}", path.display()))
        };
        if let (true, Some(output)) = (many, &self.output) {
            std::fs::create_dir_all(output).map_err(|error| written(output, error))?;
        }
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            match &self.output {
                None => context.ui.data(&std::fs::read_to_string(entry.path())?)?,
                Some(output) => {
                    let to = if many { output.join(entry.file_name()) } else { output.clone() };
                    std::fs::copy(entry.path(), &to).map_err(|error| written(&to, error))?;
                }
            }
        }
        Ok(())
    }
}
