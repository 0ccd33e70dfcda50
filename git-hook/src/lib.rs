//! The git subcommand `git sera`: small enough to start in milliseconds, so it knows neither
//! models nor grammars. It asks the daemon, shows what it answers, and starts it where needed.
//!
//! Read [`commands`] first: one file per command, its doc comment being its help. What a command
//! prints goes through [`ui`], what it fails with is a [`command_error::CommandError`], and the
//! exit codes are the one list of [`command_error::Kind`].
pub mod artefacts;
pub mod command_error;
pub mod commands;
pub mod daemon;
pub mod diff;
pub mod environment;
pub mod hooks;
pub mod interrupt;
pub mod progress;
pub mod render;
pub mod scheduler;
pub mod table;
pub mod ui;
pub mod visible;

use clap::{CommandFactory as _, Parser as _};
use command_error::Kind;
use std::ffi::OsString;
use std::process::ExitCode;

pub use commands::Cli;

/// The tree of commands, from which help, man pages and completions are made.
pub fn cli() -> clap::Command {
    Cli::command()
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match Cli::try_parse_from(&arguments) {
        Ok(cli) => run(&cli),
        Err(error) => usage(&error, &arguments),
    }
}

fn run(cli: &Cli) -> ExitCode {
    let ui = ui::Ui::new(&cli.global);
    match commands::run(cli, &ui) {
        Ok(kind) => kind.into(),
        Err(error) => {
            ui.error(&error);
            error.kind.into()
        }
    }
}

/// Help, version and mistakes. Like git's own commands, `-h` and mistakes exit with 129.
fn usage(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    // Nobody is left to tell when this fails.
    drop(error.print());
    let short_help = arguments.iter().any(|argument| argument == "-h");
    if error.use_stderr() || short_help { Kind::Usage.into() } else { Kind::Success.into() }
}
