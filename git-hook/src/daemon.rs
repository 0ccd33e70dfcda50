//! Reaches the daemon, and starts it where none runs.
use crate::command_error::{CommandError, Kind};
use crate::environment::{DAEMON, OF_ONE_REPOSITORY};
use sera_protocol::{Client, ClientError, Locations};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a daemon may take until it answers.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long one that is not needed may take to leave.
const LEAVING: Duration = Duration::from_secs(1);

/// How many lines of its log are shown when it does not.
const LOG_LINES: usize = 5;

/// The daemon that runs already; `None` when none does.
pub fn running(locations: &Locations) -> Result<Option<Client>, CommandError> {
    match connect(locations) {
        Ok(client) => Ok(Some(client)),
        Err(ClientError::Absent { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The daemon, started first where none runs.
pub fn reach(locations: &Locations) -> Result<Client, CommandError> {
    match answering(locations)? {
        Some(client) => Ok(client),
        None => start(locations),
    }
}

/// The one that runs, if it does not hang up at once: a killed daemon's socket takes connections
/// until the last of its process is put away.
fn answering(locations: &Locations) -> Result<Option<Client>, CommandError> {
    match connect(locations) {
        Ok(client) => Ok(Some(client)),
        Err(ClientError::Absent { .. } | ClientError::Closed) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn connect(locations: &Locations) -> Result<Client, ClientError> {
    Client::connect(&locations.socket(), "git-sera", env!("CARGO_PKG_VERSION"))
}

fn start(locations: &Locations) -> Result<Client, CommandError> {
    locations.secure()?;
    let binary = find()?;
    let log_before = std::fs::metadata(locations.log()).map_or(0, |metadata| metadata.len());
    let spawn = || {
        spawn(&binary, locations).map_err(|error| {
            CommandError::of(Kind::Unavailable, &error)
                .context(format!("failed to start {}", binary.display()))
        })
    };
    let mut child = spawn()?;
    let deadline = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(client) = answering(locations)? {
            if client.daemon().pid != child.id() {
                see_off(&mut child)?;
            }
            return Ok(client);
        }
        let ended = child.try_wait()?;
        let failed = ended.filter(|status| !status.success());
        if failed.is_some() || Instant::now() > deadline {
            return Err(silent(locations, log_before, failed.map(|status| status.to_string())));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
        // Success means that another daemon holds the lock: it won the race and will answer, or it
        // is about to end and will not.
        if ended.is_some() && answering(locations)?.is_none() {
            child = spawn()?;
        }
    }
}

/// Waits a moment for a daemon that another one was faster than: it leaves once it finds the lock
/// taken, and would become the daemon where the other is stopped before it looks.
fn see_off(late: &mut Child) -> io::Result<()> {
    let deadline = Instant::now() + LEAVING;
    while late.try_wait()?.is_none() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// Becomes the daemon, in the foreground; where a process cannot become another, waits for it.
pub fn run() -> Result<Kind, CommandError> {
    let locations = Locations::of_process()?;
    locations.secure()?;
    let binary = find()?;
    let failed = |error: &io::Error| {
        CommandError::of(Kind::Unavailable, error)
            .context(format!("failed to start {}", binary.display()))
    };
    let mut command = command(&binary, &locations);
    #[cfg(unix)]
    return Err(failed(&std::os::unix::process::CommandExt::exec(&mut command)));
    #[cfg(not(unix))]
    {
        let status = command.status().map_err(|error| failed(&error))?;
        Ok(if status.success() { Kind::Success } else { Kind::Internal })
    }
}

/// Where the daemon's binary is: named by the environment, or beside this one.
pub fn find() -> Result<PathBuf, CommandError> {
    if let Some(named) = std::env::var_os(DAEMON).filter(|value| !value.is_empty()) {
        return Ok(std::path::absolute(PathBuf::from(named))?);
    }
    // Through links, as a package manager may have linked the command alone into a bin folder.
    let own = std::env::current_exe().and_then(|path| path.canonicalize())?;
    let beside = own.with_file_name(format!("sera-daemon{}", std::env::consts::EXE_SUFFIX));
    if beside.is_file() {
        return Ok(beside);
    }
    let message = format!("there is no daemon at {}", beside.display());
    Err(CommandError::new(Kind::Unavailable, message)
        .hint(format!("install sera-daemon beside git-sera, or set {DAEMON} to its path")))
}

/// Starts it detached from this terminal: its own process group, no standard streams but the log.
fn spawn(binary: &Path, locations: &Locations) -> io::Result<Child> {
    let log = open_log(&locations.log())?;
    let mut command = command(binary, locations);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    #[cfg(windows)]
    {
        // DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP
        std::os::windows::process::CommandExt::creation_flags(&mut command, 0x0000_0208);
    }
    command.spawn()
}

/// The daemon, with nothing of one repository in its environment.
fn command(binary: &Path, locations: &Locations) -> Command {
    let mut command = Command::new(binary);
    command.arg("run").current_dir(&locations.state);
    for name in OF_ONE_REPOSITORY {
        command.env_remove(name);
    }
    command
}

fn open_log(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn silent(locations: &Locations, log_before: u64, status: Option<String>) -> CommandError {
    let how = match status {
        Some(status) => format!("the daemon ended at once ({status})"),
        None => format!("the daemon did not answer within {} s", PATIENCE.as_secs()),
    };
    let mut error = CommandError::new(Kind::Unavailable, how);
    let text = std::fs::read(locations.log()).unwrap_or_default();
    let fresh = text.get(usize::try_from(log_before).unwrap_or(0)..).unwrap_or_default();
    let fresh = String::from_utf8_lossy(fresh);
    let lines: Vec<&str> = fresh.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.len().saturating_sub(LOG_LINES);
    error.error.extend(lines[last..].iter().map(|line| (*line).to_owned()));
    error.hint(format!("its log is {}", locations.log().display()))
}
