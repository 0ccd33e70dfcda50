//! What starts the daemon when its user logs in: systemd, launchd or the Task Scheduler, told by a
//! file from `packaging/` that names the daemon by its whole path.
//!
//! Only the user's own manager is told, nothing needs a privilege, and what was put in is taken out
//! whole.
use crate::command_error::{CommandError, Kind};
use clap::ValueEnum;
use sera_protocol::Locations;
use sera_protocol::paths::{CACHE_DIR, RUNTIME_DIR, STATE_DIR};
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SYSTEMD: &str = include_str!("../../packaging/systemd/git-sera.service");
const LAUNCHD: &str = include_str!("../../packaging/launchd/org.git-sera.daemon.plist");
const SCHTASKS: &str = include_str!("../../packaging/windows/git-sera.xml");

/// The name of each unit.
const UNIT: &str = "git-sera.service";
const LABEL: &str = "org.git-sera.daemon";
const TASK: &str = "git-sera";

/// Who starts the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scheduler {
    /// Which of them this machine has
    Auto,
    /// The user's own systemd
    Systemd,
    /// The user's own launchd, on macOS
    Launchd,
    /// The Task Scheduler, on Windows
    Schtasks,
    /// Nobody: any command that needs the daemon starts it
    None,
}

/// A scheduler that is told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The user's own systemd.
    Systemd,
    /// The user's own launchd.
    Launchd,
    /// The Task Scheduler.
    Schtasks,
}

impl Scheduler {
    /// The one that is meant, if it answers here.
    pub fn choose(self) -> Result<Option<Told>, CommandError> {
        let asked = match self {
            Self::Auto => return Ok(Told::ALL.into_iter().find(|told| told.answers())),
            Self::None => return Ok(None),
            Self::Systemd => Told::Systemd,
            Self::Launchd => Told::Launchd,
            Self::Schtasks => Told::Schtasks,
        };
        if asked.answers() {
            return Ok(Some(asked));
        }
        let message = format!("{} does not answer here", asked.name());
        Err(CommandError::new(Kind::Unavailable, message)
            .hint("without a scheduler any command that needs the daemon starts it"))
    }
}

impl Told {
    const ALL: [Self; 3] = [Self::Systemd, Self::Launchd, Self::Schtasks];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Systemd => "systemd",
            Self::Launchd => "launchd",
            Self::Schtasks => "schtasks",
        }
    }

    fn answers(self) -> bool {
        match self {
            Self::Systemd => tell("systemctl", ["--user", "list-timers"]),
            Self::Launchd => tell("launchctl", ["list"]),
            Self::Schtasks => tell("schtasks", ["/query"]),
        }
    }

    /// Where its file lies.
    fn file(self, locations: &Locations) -> Result<PathBuf, CommandError> {
        let absolute = |name: &str| {
            std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
        };
        let no_home = || CommandError::new(Kind::Io, "no home folder is set");
        let home = || absolute("HOME").ok_or_else(no_home);
        Ok(match self {
            Self::Systemd => {
                let config = absolute("XDG_CONFIG_HOME")
                    .map_or_else(|| home().map(|h| h.join(".config")), Ok);
                config?.join("systemd/user").join(UNIT)
            }
            Self::Launchd => home()?.join("Library/LaunchAgents").join(format!("{LABEL}.plist")),
            // The Task Scheduler keeps what it is told; the file is only how it is.
            Self::Schtasks => locations.state.join("git-sera.xml"),
        })
    }

    /// What its file says.
    pub fn text(self, daemon: &str, environment: &[(String, String)], log: &str) -> String {
        match self {
            Self::Systemd => {
                let lines = environment.iter().map(|(name, value)| {
                    format!("Environment={}\n", quoted(&format!("{name}={value}")))
                });
                SYSTEMD
                    .replace("@DAEMON@", &quoted(daemon))
                    .replace("@ENVIRONMENT@\n", &lines.collect::<String>())
            }
            Self::Launchd => {
                let lines = environment.iter().map(|(name, value)| {
                    let value = escaped(value);
                    format!("        <key>{name}</key>\n        <string>{value}</string>\n")
                });
                LAUNCHD
                    .replace("@DAEMON@", &escaped(daemon))
                    .replace("@LOG@", &escaped(log))
                    .replace("@ENVIRONMENT@\n", &lines.collect::<String>())
            }
            Self::Schtasks => SCHTASKS.replace("@DAEMON@", &escaped(daemon)),
        }
    }

    /// Puts the daemon in, and has it started now and at every login; the file that was written.
    pub fn install(self, daemon: &Path, locations: &Locations) -> Result<PathBuf, CommandError> {
        let file = self.file(locations)?;
        let daemon = text_of(daemon)?;
        let text = self.text(&daemon, &environment()?, &text_of(&locations.log())?);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, text)?;
        let path = text_of(&file)?;
        let told = match self {
            Self::Systemd => {
                tell("systemctl", ["--user", "daemon-reload"])
                    && tell("systemctl", ["--user", "enable", "--now", UNIT])
            }
            Self::Launchd => {
                // One that is there already is replaced.
                tell("launchctl", ["bootout", &format!("{}/{LABEL}", domain())]);
                tell("launchctl", ["bootstrap", &domain(), &path])
            }
            Self::Schtasks => {
                tell("schtasks", ["/create", "/tn", TASK, "/f", "/xml", &path])
                    && tell("schtasks", ["/run", "/tn", TASK])
            }
        };
        if told {
            return Ok(file);
        }
        self.remove(locations)?;
        let message = format!("{} refused what it was told; nothing was left", self.name());
        Err(CommandError::new(Kind::Unavailable, message))
    }

    /// Takes out what was put in; false if it was not.
    fn remove(self, locations: &Locations) -> Result<bool, CommandError> {
        let Ok(file) = self.file(locations) else { return Ok(false) };
        if !file.is_file() {
            return Ok(false);
        }
        // Those that do not answer any more have nothing to be told.
        match self {
            Self::Systemd => {
                tell("systemctl", ["--user", "disable", "--now", UNIT]);
                // Where it could not be told, the link that enabling made is left.
                let wanted = file.with_file_name("default.target.wants");
                removed(&wanted.join(UNIT))?;
                removed(&file)?;
                tell("systemctl", ["--user", "daemon-reload"]);
            }
            Self::Launchd => {
                tell("launchctl", ["bootout", &format!("{}/{LABEL}", domain())]);
                removed(&file)?;
            }
            Self::Schtasks => {
                tell("schtasks", ["/delete", "/tn", TASK, "/f"]);
                removed(&file)?;
            }
        }
        Ok(true)
    }
}

/// Takes out what was put in, whoever was told of it.
pub fn remove(locations: &Locations) -> Result<Vec<Told>, CommandError> {
    let mut gone = Vec::new();
    for told in Told::ALL {
        if told.remove(locations)? {
            gone.push(told);
        }
    }
    Ok(gone)
}

/// The folders that were set for this process: the daemon must come to the same.
fn environment() -> Result<Vec<(String, String)>, CommandError> {
    let set = [RUNTIME_DIR, STATE_DIR, CACHE_DIR].into_iter().filter_map(|name| {
        let value = std::env::var_os(name).filter(|value| Path::new(value).is_absolute())?;
        Some(text_of(Path::new(&value)).map(|value| (name.to_owned(), value)))
    });
    set.collect()
}

fn text_of(path: &Path) -> Result<String, CommandError> {
    let text = path.to_str().filter(|text| !text.contains(char::is_control));
    text.map(str::to_owned).ok_or_else(|| {
        let message = format!("the path {} cannot be written into a unit", path.display());
        CommandError::new(Kind::Io, message)
    })
}

/// As systemd reads the first word of a command, and a variable: quoted, with nothing replaced in
/// it. A dollar means nothing there.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    format!("\"{text}\"")
}

/// As XML's text.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The user's domain, as launchd names it.
fn domain() -> String {
    #[cfg(unix)]
    return format!("gui/{}", sera_protocol::paths::own_uid());
    #[cfg(not(unix))]
    String::from("gui/0")
}

fn removed(file: &Path) -> Result<(), CommandError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Whether a scheduler's command is there and ends well.
fn tell<const N: usize>(program: &str, arguments: [&str; N]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments.map(OsStr::new));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
