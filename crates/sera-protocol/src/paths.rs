//! Where socket, lock, log, state and bases live, as a pure function of the environment.
//!
//! `GIT_SERA_*` wins, then the platform's own variables, then its customary folders. The daemon
//! and every client must come to the same answer, so it is given once, here.
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// Overrides the folder of socket and lock.
pub const RUNTIME_DIR: &str = "GIT_SERA_RUNTIME_DIR";
/// Overrides the folder of log, consent and registered repositories.
pub const STATE_DIR: &str = "GIT_SERA_STATE_DIR";
/// Overrides the folder of bases.
pub const CACHE_DIR: &str = "GIT_SERA_CACHE_DIR";

/// Bytes a socket's path may have: macOS's `sun_path` less its NUL, the smallest of all.
const SOCKET_PATH_LIMIT: usize = 103;

/// The folders of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locations {
    /// Socket and lock; only its owner may enter it.
    pub runtime: PathBuf,
    /// Log, consent, registered repositories.
    pub state: PathBuf,
    /// Bases, shared by all repositories.
    pub cache: PathBuf,
}

/// Why the folders are not known or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// Neither an override nor a home folder is set.
    #[error("no home folder is set, so there is no place for the daemon's {0}")]
    NoHome(&'static str),
    /// Sockets have short names.
    #[error("the socket's path {} is longer than {SOCKET_PATH_LIMIT} bytes", .0.display())]
    SocketTooLong(PathBuf),
    /// Somebody else could stand between daemon and client.
    #[error("{} is {reason}", .path.display())]
    Unsafe {
        /// The folder.
        path: PathBuf,
        /// What is the matter with it.
        reason: &'static str,
    },
    /// The folder could not be made or read.
    #[error("failed to make the folder {}", .path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Looks a variable up.
pub type Environment<'a> = dyn Fn(&str) -> Option<OsString> + 'a;

impl Locations {
    /// The folders of this process's user.
    pub fn of_process() -> Result<Self, LocationError> {
        Self::of(&|name| std::env::var_os(name))
    }

    /// The folders that `environment` leads to. Relative values are ignored, as XDG asks.
    pub fn of(environment: &Environment<'_>) -> Result<Self, LocationError> {
        let absolute =
            |name: &str| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let own = |name: &str| absolute(name).map(|path| path.join("git-sera"));
        let home = |parts: &[&str]| {
            let home = absolute(if cfg!(windows) { "USERPROFILE" } else { "HOME" })?;
            Some(parts.iter().fold(home, |path, part| path.join(part)).join("git-sera"))
        };
        let state = absolute(STATE_DIR)
            .or_else(|| own("XDG_STATE_HOME"))
            .or_else(|| own("LOCALAPPDATA"))
            .or_else(|| home(STATE_FOLDERS))
            .ok_or(LocationError::NoHome("state"))?;
        let cache = absolute(CACHE_DIR)
            .or_else(|| own("XDG_CACHE_HOME"))
            .or_else(|| own("LOCALAPPDATA").map(|path| path.join("cache")))
            .or_else(|| home(CACHE_FOLDERS))
            .ok_or(LocationError::NoHome("cache"))?;
        let runtime = absolute(RUNTIME_DIR)
            .or_else(|| own("XDG_RUNTIME_DIR"))
            .unwrap_or_else(|| state.join("run"));
        let locations = Self { runtime, state, cache };
        let socket = locations.socket();
        if socket.as_os_str().len() > SOCKET_PATH_LIMIT && !cfg!(windows) {
            return Err(LocationError::SocketTooLong(socket));
        }
        Ok(locations)
    }

    /// Where the daemon listens.
    pub fn socket(&self) -> PathBuf {
        if cfg!(windows) {
            // Pipes have a name space of their own; the folder makes the name this user's.
            let name: String = self.runtime.to_string_lossy().replace(['\\', '/', ':'], "-");
            return PathBuf::from(format!(r"\\.\pipe\git-sera-{name}"));
        }
        self.runtime.join("daemon.sock")
    }

    /// Held by the daemon for life; whoever holds it may replace a stale socket.
    pub fn lock(&self) -> PathBuf {
        self.runtime.join("daemon.lock")
    }

    /// What the daemon says to nobody in particular.
    pub fn log(&self) -> PathBuf {
        self.state.join("daemon.log")
    }

    /// Makes the runtime and state folders, for their owner only, and refuses ones that
    /// somebody else could write to.
    pub fn secure(&self) -> Result<(), LocationError> {
        secure_folder(&self.state)?;
        secure_folder(&self.runtime)
    }
}

#[cfg(target_os = "macos")]
const STATE_FOLDERS: &[&str] = &["Library", "Application Support"];
#[cfg(not(target_os = "macos"))]
const STATE_FOLDERS: &[&str] = &[".local", "state"];

#[cfg(target_os = "macos")]
const CACHE_FOLDERS: &[&str] = &["Library", "Caches"];
#[cfg(not(target_os = "macos"))]
const CACHE_FOLDERS: &[&str] = &[".cache"];

/// Makes `path` a folder that its owner alone can enter. One that is there already must be a real
/// folder, ours, and closed to everybody else.
pub fn secure_folder(path: &Path) -> Result<(), LocationError> {
    let failed = |source| LocationError::Io { path: path.to_owned(), source };
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path).map_err(failed)?;
    let metadata = std::fs::symlink_metadata(path).map_err(failed)?;
    match fault(&metadata) {
        None => Ok(()),
        Some(reason) => Err(LocationError::Unsafe { path: path.to_owned(), reason }),
    }
}

#[cfg(unix)]
fn fault(metadata: &std::fs::Metadata) -> Option<&'static str> {
    use std::os::unix::fs::MetadataExt as _;
    if !metadata.is_dir() {
        Some("not a folder of its own")
    } else if metadata.uid() != own_uid() {
        Some("owned by another user")
    } else if metadata.mode() & 0o077 != 0 {
        Some("open to other users (make it private with chmod 700)")
    } else {
        None
    }
}

#[cfg(not(unix))]
fn fault(metadata: &std::fs::Metadata) -> Option<&'static str> {
    (!metadata.is_dir()).then_some("not a folder of its own")
}

/// The user this process acts as: only that user's sockets are trusted, on either side.
#[cfg(unix)]
pub fn own_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn check(variables: &[(&str, &str)], expect: Result<[&str; 3], &str>) {
        let found = Locations::of(&|name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        });
        let found = found
            .map(|l| [l.runtime, l.state, l.cache].map(|path| path.display().to_string()))
            .map_err(|error| error.to_string());
        let expect = expect.map(|paths| paths.map(str::to_owned)).map_err(str::to_owned);
        assert_eq!(found, expect, "{variables:?}");
    }

    #[test]
    #[cfg(not(target_os = "macos"))]
    fn the_nearest_variable_decides() {
        check(
            &[("HOME", "/h")],
            Ok(["/h/.local/state/git-sera/run", "/h/.local/state/git-sera", "/h/.cache/git-sera"]),
        );
        check(
            &[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/run/1"), ("XDG_STATE_HOME", "relative")],
            Ok(["/run/1/git-sera", "/h/.local/state/git-sera", "/h/.cache/git-sera"]),
        );
        check(
            &[(STATE_DIR, "/s"), (CACHE_DIR, "/c"), ("XDG_CACHE_HOME", "/x")],
            Ok(["/s/run", "/s", "/c"]),
        );
        check(
            &[(RUNTIME_DIR, "/r"), (STATE_DIR, "/s"), (CACHE_DIR, "/c"), ("HOME", "/h")],
            Ok(["/r", "/s", "/c"]),
        );
        check(&[], Err("no home folder is set, so there is no place for the daemon's state"));
        check(
            &[(STATE_DIR, "/s")],
            Err("no home folder is set, so there is no place for the daemon's cache"),
        );
    }

    #[test]
    fn a_socket_path_that_the_system_would_cut_is_refused() {
        let long = format!("/{}", "d".repeat(120));
        let found = Locations::of(&|_| Some(OsString::from(&long)));
        assert!(matches!(found, Err(LocationError::SocketTooLong(_))), "{found:?}");
    }

    #[test]
    fn a_folder_that_others_can_enter_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a/b");
        secure_folder(&folder).unwrap();
        let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "made for its owner only");
        secure_folder(&folder).expect("a folder made earlier is taken");

        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
        assert!(matches!(secure_folder(&folder), Err(LocationError::Unsafe { .. })));

        let link = home.path().join("link");
        std::os::unix::fs::symlink(home.path().join("a"), &link).unwrap();
        assert!(matches!(secure_folder(&link), Err(LocationError::Unsafe { .. })), "a link");
    }
}
