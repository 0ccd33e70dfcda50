//! The commands, one file each. What they share stands here: the arguments all of them take, and
//! the way from a job to its report.
mod adapters;
mod audit;
mod completions;
mod consent;
// `report` is the macro below.
#[path = "report.rs"]
mod cycle;
mod doctor;
mod evaluate;
mod export;
mod fix;
mod forget;
mod fsck;
mod import;
mod log;
mod man;
mod mine;
mod pause;
mod promote;
mod quickstart;
mod register;
mod resume;
mod rollback;
mod rollout;
mod run;
mod sandbox;
mod select;
mod show;
mod start;
mod status;
mod stop;
mod synthesize;
mod train;
mod unregister;
mod verify;
mod why;

use crate::command_error::{CommandError, Kind, exit_status};
use crate::daemon;
use crate::environment::GIT_DIR;
use crate::interrupt::Interrupt;
use crate::progress::Bars;
use crate::ui::Ui;
use crate::visible;
use clap::{Args, Parser, Subcommand, ValueEnum};
use sera_git::Repository;
use sera_protocol::method::{Call, RunParams};
use sera_protocol::{Job, JobResult, Locations};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// Grow a coding model out of this repository, on this machine
///
/// A daemon watches the repository's history, turns functions and commits into tasks, has them
/// solved in isolated environments, fine-tunes a small model on the attempts that hold, proves on
/// held-out work whether that helped, and serves it to `git sera fix` and to the editor.
///
/// Nothing leaves this machine unless you ask for it, and no file of yours is changed but by
/// `git sera fix --apply`.
#[derive(Debug, Parser)]
#[command(
    name = "git-sera",
    bin_name = "git sera",
    version,
    disable_help_subcommand = true,
    after_long_help = exit_status(),
    max_term_width = 100
)]
pub struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Work on the repository that holds PATH
    #[arg(short = 'C', long = "repo", value_name = "PATH", global = true)]
    pub repo: Option<PathBuf>,
    /// Print the result as one line of JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing but results and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Use colour always, never, or (auto) on a terminal unless NO_COLOR is set
    #[arg(long, value_name = "WHEN", value_enum, hide_possible_values = true, default_value_t = When::Auto, global = true)]
    pub color: When,
}

/// When to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// In any case
    Always,
    /// In no case
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "the doc comments of the variants' structs are the help")]
pub enum Command {
    Quickstart(quickstart::Quickstart),
    Fix(fix::Fix),
    Status(status::Status),
    Register(register::Register),
    Unregister(unregister::Unregister),
    Mine(mine::Mine),
    Synthesize(synthesize::Synthesize),
    Rollout(rollout::Rollout),
    Verify(verify::Verify),
    Select(select::Select),
    Train(train::Train),
    Evaluate(evaluate::Evaluate),
    Promote(promote::Promote),
    Adapters(adapters::Adapters),
    Rollback(rollback::Rollback),
    Report(cycle::Report),
    Export(export::Export),
    Import(import::Import),
    Log(log::Log),
    Show(show::Show),
    Why(why::Why),
    Forget(forget::Forget),
    Consent(consent::Consent),
    Audit(audit::Audit),
    Fsck(fsck::Fsck),
    Doctor(doctor::Doctor),
    Sandbox(sandbox::Sandbox),
    Pause(pause::Pause),
    Resume(resume::Resume),
    Start(start::Start),
    Stop(stop::Stop),
    Run(run::Run),
    Man(man::Man),
    Completions(completions::Completions),
}

/// Runs a parsed command line.
pub fn run(cli: &Cli, ui: &Ui) -> Result<Kind, CommandError> {
    let context = Context { ui, global: &cli.global };
    match &cli.command {
        Command::Quickstart(command) => command.run(&context),
        Command::Fix(command) => command.run(&context),
        Command::Status(command) => command.run(&context),
        Command::Register(command) => command.run(&context),
        Command::Unregister(command) => command.run(&context),
        Command::Mine(command) => command.run(&context),
        Command::Synthesize(command) => command.run(&context),
        Command::Rollout(command) => command.run(&context),
        Command::Verify(command) => command.run(&context),
        Command::Select(command) => command.run(&context),
        Command::Train(command) => command.run(&context),
        Command::Evaluate(command) => command.run(&context),
        Command::Promote(command) => command.run(&context),
        Command::Adapters(command) => command.run(&context),
        Command::Rollback(command) => command.run(&context),
        Command::Report(command) => command.run(&context),
        Command::Export(command) => command.run(&context),
        Command::Import(command) => command.run(&context),
        Command::Log(command) => command.run(&context),
        Command::Show(command) => command.run(&context),
        Command::Why(command) => command.run(&context),
        Command::Forget(command) => command.run(&context),
        Command::Consent(command) => command.run(&context),
        Command::Audit(command) => command.run(&context),
        Command::Fsck(command) => command.run(&context),
        Command::Doctor(command) => command.run(&context),
        Command::Sandbox(command) => command.run(&context),
        Command::Pause(command) => command.run(&context),
        Command::Resume(command) => command.run(&context),
        Command::Start(command) => command.run(&context),
        Command::Stop(command) => command.run(&context),
        Command::Run(command) => command.run(),
        Command::Man(command) => command.run(),
        Command::Completions(command) => command.run(&context),
    }
}

/// What a command works with.
struct Context<'a> {
    ui: &'a Ui,
    global: &'a Global,
}

impl Context<'_> {
    /// The folder to work in, absolute.
    fn folder(&self) -> Result<PathBuf, CommandError> {
        let asked = self.global.repo.as_deref().unwrap_or(Path::new("."));
        asked.canonicalize().map_err(|error| {
            CommandError::of(Kind::Repository, &error)
                .context(format!("cannot work in {}", asked.display()))
        })
    }

    /// The repository to work on. Opened before the daemon is asked for anything, so that a
    /// folder that is none starts nothing and changes nothing.
    fn repository(&self) -> Result<Repository, CommandError> {
        let folder = self.folder()?;
        let found = Repository::discover(&folder);
        match std::env::var_os(GIT_DIR).filter(|_| self.global.repo.is_none()) {
            Some(named) if !is_of(found.as_ref().ok(), Path::new(&named)) => {
                let (named, folder) = (Path::new(&named).display(), folder.display());
                let message =
                    format!("GIT_DIR names {named}, which is not what {folder} belongs to");
                let hint = "unset it, or name the work tree with -C";
                Err(CommandError::new(Kind::Repository, message).hint(hint))
            }
            _ => Ok(found?),
        }
    }

    /// Asks the daemon, starting it where none runs.
    fn ask<C: Call>(&self, call: C) -> Result<C::Reply, CommandError> {
        self.to_show(daemon::reach(&Locations::of_process()?)?.call(call)?)
    }

    /// Runs a job on the repository to its end, showing how far it is; its result is to be shown.
    fn run(&self, job: Job) -> Result<JobResult, CommandError> {
        self.to_show(self.run_on(&self.repository()?, job)?)
    }

    /// What the daemon says as a terminal may show it. JSON holds all of it, escaped.
    fn to_show<T: Serialize + DeserializeOwned>(&self, said: T) -> Result<T, CommandError> {
        if self.ui.wants_json() { Ok(said) } else { visible::of_report(&said) }
    }

    /// The same with its result as it came, for who applies it.
    fn run_on(&self, repository: &Repository, job: Job) -> Result<JobResult, CommandError> {
        let path = wire_path(repository.work_dir())?;
        let interrupt = Interrupt::of_process()?;
        let mut client = daemon::reach(&Locations::of_process()?)?;
        let mut bars = Bars::new(self.ui);
        interrupt.running(client.canceller());
        let ended = client.call_watching(RunParams { path, job }, &mut |told| bars.watch(told));
        interrupt.idle();
        bars.finish();
        Ok(ended?.result)
    }
}

/// Whether `git_dir` is the git folder of `repository`: whoever names one means no other.
fn is_of(repository: Option<&Repository>, git_dir: &Path) -> bool {
    let named = git_dir.canonicalize().ok();
    repository.is_some_and(|repository| named.as_deref() == Some(repository.git_dir()))
}

/// A moment as people read it, where they are.
fn moment(ms: u64) -> String {
    let moment = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let here = moment.map(|moment| moment.to_zoned(jiff::tz::TimeZone::system()));
    here.map_or("–".to_owned(), |here| here.strftime("%F %H:%M").to_string())
}

/// Paths travel as JSON text.
fn wire_path(path: &Path) -> Result<String, CommandError> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        let message = format!("the path {} is not UTF-8", path.display());
        CommandError::new(Kind::Repository, message).hint("rename its folders")
    })
}

/// Takes the report that `$job` leaves.
macro_rules! report {
    ($context:expr, $job:expr => $variant:ident) => {
        match $context.run($job)? {
            sera_protocol::JobResult::$variant(report) => report,
            other => return Err(crate::command_error::CommandError::unexpected(&other)),
        }
    };
}
use report;

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        crate::cli().debug_assert();
    }
}
