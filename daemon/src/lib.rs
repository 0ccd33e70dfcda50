//! `sera-daemon` watches repositories, grows adapters from their history, and serves them.
//!
//! Read `run` for what wakes it and `pipeline` for the work it does; `office` is its state,
//! `cycle` what a job has at hand, `work` the other side of the process border.
mod pipeline;
pub mod prepare;
mod presence;

mod adapters;
mod audit;
mod background;
mod base;
mod consent;
mod cycle;
mod engine;
mod export;
mod failure;
mod folder;
#[cfg(target_os = "linux")]
mod footprint;
mod forget;
mod gate;
mod ipc;
mod kept;
mod machine;
mod office;
mod order;
mod orders;
mod priority;
mod proof;
mod quickstart;
mod records;
mod registry;
mod reports;
mod repositories;
mod run;
mod sandbox;
mod schedule;
mod serving;
mod teacher;
mod turn;
mod watch;
mod why;
mod work;
mod worker;
mod worker_wire;

use clap::{Parser, Subcommand};
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Sera's daemon. `git sera` starts it when it is needed.
#[derive(Debug, Parser)]
#[command(name = "sera-daemon", version)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch the registered repositories and serve clients, until stopped.
    Run,
    /// Carry out orders from standard input; the daemon starts these itself.
    #[command(hide = true)]
    Work {
        /// Shown in process lists; says how urgent it is.
        kind: String,
    },
    /// Open and scan a store's index.
    #[command(hide = true)]
    CheckIndex {
        /// The index's folder.
        folder: PathBuf,
    },
    /// Get a base and print its path.
    Base {
        /// A preset's name, a path, `hf:owner/repo/file` or `wheel:name==version`.
        source: Option<String>,
    },
}

/// Does what the arguments say; errors are told on standard error with their causes.
pub fn run(args: Args) -> ExitCode {
    log();
    let done = match args.command {
        Command::Run => {
            #[cfg(target_os = "linux")]
            footprint::small();
            run::run()
        }
        Command::Work { kind } => {
            priority::lower(&kind);
            #[cfg(target_os = "linux")]
            footprint::huge_pages(kind != "mine");
            Ok(work::serve_orders())
        }
        Command::CheckIndex { folder } => run::check_index(&folder),
        Command::Base { source } => run::base(source.as_deref()),
    };
    done.unwrap_or_else(|error| {
        tracing::error!("{error:#}");
        ExitCode::FAILURE
    })
}

/// The log is for operators: standard error, which the client points at a file.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("GIT_SERA_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let colour = std::io::stderr().is_terminal();
    let format = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colour);
    // Where the log cannot be written nobody can be told so, least of all by a panic: on a full
    // disk it would end a job.
    format.log_internal_errors(false).with_writer(std::io::stderr).init();
}
