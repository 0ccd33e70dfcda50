//! `git sera man`.
use crate::artefacts::man_pages;
use crate::command_error::{CommandError, Kind};
use clap::Args;
use std::path::PathBuf;

/// Write the man pages into a folder, such as ~/.local/share/man/man1
#[derive(Debug, Args)]
#[command(hide = true)]
pub struct Man {
    /// The folder
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl Man {
    pub(super) fn run(&self) -> Result<Kind, CommandError> {
        std::fs::create_dir_all(&self.folder)?;
        for page in man_pages() {
            std::fs::write(self.folder.join(page.name), page.content)?;
        }
        Ok(Kind::Success)
    }
}
