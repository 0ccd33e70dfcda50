//! What dead processes left: containers found by their labels, and the leases that tell whose are
//! dead.
use super::engine::{CALL, Engine, EngineError};
use super::exec;
use super::spec::{DEADLINE, INSTANCE, RUN};
use bollard::models::ContainerSummary;
use bollard::query_parameters::ListContainersOptionsBuilder;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

/// Why a lease is not had.
#[derive(Debug, thiserror::Error)]
#[error("failed to use the folder of leases {folder}")]
pub struct LeaseError {
    /// The folder.
    folder: PathBuf,
    /// Why.
    #[source]
    source: std::io::Error,
}

/// A process's word that it lives: a file that it holds locked. The lock ends with the process,
/// however that ends; the file stays until its containers are known to be gone.
#[derive(Debug)]
pub struct Lease {
    run: String,
    path: PathBuf,
    locked: File,
}

impl Lease {
    /// Takes a lease of the name `run` in a folder.
    ///
    /// # Errors
    /// Where the folder cannot be written, or the name is somebody's.
    pub fn take(folder: &Path, run: &str) -> Result<Self, LeaseError> {
        let failed = |source| LeaseError { folder: folder.to_owned(), source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let path = folder.join(run);
        let locked = open(&path).map_err(failed)?;
        locked.try_lock().map_err(|error| failed(error.into()))?;
        Ok(Self { run: run.to_owned(), path, locked })
    }

    /// Its name.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Gives it back: nothing is left that it was for.
    pub fn end(self) {
        drop(std::fs::remove_file(&self.path));
        drop(self.locked);
    }
}

fn open(file: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(file)
}

/// The leases in a folder whose process is dead. A folder that is not there has none.
pub(super) fn dead(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |entry: std::fs::DirEntry| entry.file_name().into_string().ok();
    entries.filter_map(name).filter(|run| is_dead(&folder.join(run))).collect()
}

fn is_dead(file: &Path) -> bool {
    OpenOptions::new().write(true).open(file).is_ok_and(|file| file.try_lock().is_ok())
}

/// Removes containers of this instance whose process is dead or whose time is over, and then the
/// dead leases; returns the ids of what was removed. `now` is in unix seconds.
///
/// # Errors
/// Where the engine fails: the leases stay, and so another time finds them.
pub fn sweep(
    engine: &Engine,
    instance: &str,
    leases: &Path,
    now: u64,
) -> Result<Vec<String>, EngineError> {
    let dead = dead(leases);
    let label = format!("{INSTANCE}={instance}");
    let filters = HashMap::from([("label", vec![label.as_str()])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let listed = engine.docker.list_containers(Some(options));
    let mut removed = Vec::new();
    for found in engine.call("list containers", CALL, listed)? {
        if let Some(id) = found.id.clone().filter(|_| is_over(&found, leases, &dead, now)) {
            exec::remove(engine, &id)?;
            removed.push(id);
        }
    }
    for run in dead {
        drop(std::fs::remove_file(leases.join(run)));
    }
    Ok(removed)
}

fn is_over(found: &ContainerSummary, leases: &Path, dead: &[String], now: u64) -> bool {
    let label = |name: &str| found.labels.as_ref().and_then(|labels| labels.get(name));
    let orphan = label(RUN).is_none_or(|run| dead.contains(run) || !leases.join(run).exists());
    let late = label(DEADLINE).and_then(|text| text.parse::<u64>().ok()).is_none_or(|at| at < now);
    orphan || late
}
