//! What dead processes left: containers found by their labels, and the leases that tell whose are
//! dead.
use super::engine::{CALL, Engine, EngineError};
use super::exec;
use super::spec::{DEADLINE, INSTANCE, RUN};
use bollard::models::ContainerSummary;
use bollard::query_parameters::ListContainersOptionsBuilder;
use std::collections::{BTreeSet, HashMap};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A process's word that it lives: a file that it holds locked. The lock ends with the process,
/// however that ends; the file stays until its containers are known to be gone, and says where
/// they are.
#[derive(Debug)]
pub struct Lease {
    run: String,
    path: PathBuf,
    locked: File,
}

impl Lease {
    /// Takes a lease of the name `run` in a folder, for containers of the engine at `address`.
    ///
    /// # Errors
    /// Where the folder cannot be written, or the name is somebody's.
    pub fn take(folder: &Path, run: &str, address: &str) -> Result<Self, EngineError> {
        let failed = |source| EngineError::Io { call: "write into the folder of leases", source };
        std::fs::create_dir_all(folder).map_err(failed)?;
        let path = folder.join(run);
        let mut locked = open(&path).map_err(failed)?;
        locked.try_lock().map_err(|error| failed(error.into()))?;
        locked.set_len(0).and_then(|()| locked.write_all(address.as_bytes())).map_err(failed)?;
        Ok(Self { run: run.to_owned(), path, locked })
    }

    /// Its name.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Ends it as if its process had died: whatever is left is swept, and then the lease goes too.
    pub fn end(self, instance: &str, now: u64) -> Result<(), EngineError> {
        let folder = self.path.with_file_name("");
        drop(self.locked);
        sweep_dead(instance, &folder, now).map(drop)
    }
}

fn open(file: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(file)
}

/// The leases in a folder whose process is dead, each with the address of its engine. A folder that
/// is not there has none.
fn dead(folder: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let name = |entry: std::fs::DirEntry| entry.file_name().into_string().ok();
    let dead = entries.filter_map(name).filter(|run| is_dead(&folder.join(run)));
    let with_address = |run: String| {
        let address = std::fs::read_to_string(folder.join(&run)).ok()?;
        Some((run, address))
    };
    dead.filter_map(with_address).collect()
}

/// Removes what dead processes left on whichever engines they used; asks none where nobody died.
/// Returns what was removed.
///
/// # Errors
/// Where an engine does not answer: another time finds what is left there.
pub fn sweep_dead(instance: &str, leases: &Path, now: u64) -> Result<Vec<Swept>, EngineError> {
    let addresses: BTreeSet<String> =
        dead(leases).into_iter().map(|(_, address)| address).collect();
    let (mut removed, mut failed) = (Vec::new(), None);
    for address in addresses {
        let swept = Engine::connect(&[address]);
        match swept.and_then(|engine| sweep(&engine, instance, leases, now)) {
            Ok(swept) => removed.extend(swept),
            // An engine that is gone keeps nobody from sweeping the others.
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) if removed.is_empty() => Err(error),
        _ => Ok(removed),
    }
}

fn is_dead(file: &Path) -> bool {
    OpenOptions::new().write(true).open(file).is_ok_and(|file| file.try_lock().is_ok())
}

/// A container that was removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// Its id.
    pub id: String,
    /// The image that it ran.
    pub image: String,
}

/// Removes containers of this instance whose process is dead or whose time is over, and then the
/// dead leases; returns what was removed. `now` is in unix seconds.
///
/// # Errors
/// Where the engine fails: the leases stay, and so another time finds them.
pub fn sweep(
    engine: &Engine,
    instance: &str,
    leases: &Path,
    now: u64,
) -> Result<Vec<Swept>, EngineError> {
    let dead: Vec<String> = dead(leases)
        .into_iter()
        .filter(|(_, address)| address == engine.address())
        .map(|(run, _)| run)
        .collect();
    let label = format!("{INSTANCE}={instance}");
    let filters = HashMap::from([("label", vec![label.as_str()])]);
    let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    let listed = engine.docker.list_containers(Some(options));
    let mut removed = Vec::new();
    for found in engine.call("list containers", CALL, listed)? {
        if let Some(id) = found.id.clone().filter(|_| is_over(&found, leases, &dead, now)) {
            exec::remove(engine, &id)?;
            removed.push(Swept { id, image: found.image_id.unwrap_or_default() });
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
