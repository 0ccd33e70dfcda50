//! A disk with no space left: what is refused says why, what is stored can be read, and once there
//! is space all goes on in the same process.
use crate::child::{again, folder, valid};
use crate::reliability::{Goal, random};
use crate::script::{Progress, WRITERS, objects, take, wrong};
use crate::writer::examine;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use sera_store::{Store, StoreError};
use sera_testkit::{Ballast, on_small_disk};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Instant;

/// Bytes of the disk that is filled.
const DISK: &str = "16m";

/// Whether an error says that there is no space, as it must.
fn says_why(error: &StoreError) -> Result<(), String> {
    match error {
        StoreError::Io { source, .. } if source.kind() == ErrorKind::StorageFull => Ok(()),
        error => Err(format!("it does not say why: {error:?}")),
    }
}

/// A store on a disk that is filled, and what was acknowledged.
struct Trial<'a> {
    root: &'a Path,
    disk: &'a Path,
    seed: u64,
    progress: Progress,
}

impl Trial<'_> {
    fn open(&self) -> Result<Store, StoreError> {
        Store::open(&self.root.join("store"), &valid)
    }

    /// Each writer's next step, until one is refused or there were `count`.
    fn steps(&mut self, store: &Store, count: u32) -> Result<(), StoreError> {
        for _ in 0..count {
            for (writer, next) in self.progress.iter_mut().enumerate() {
                take(store, self.root, self.seed, writer, *next)?;
                *next += 1;
            }
        }
        Ok(())
    }

    /// Writes on a full disk, which is refused, and reads.
    fn full(&mut self, store: &Store) -> Result<(), String> {
        if let Err(error) = self.steps(store, 100) {
            says_why(&error)?;
        }
        wrong(store, self.seed, self.progress)
    }

    fn run(mut self, random: &mut ChaCha8Rng) -> Result<f64, String> {
        let mut free = |up_to: u64| Ballast::leaving(random.random_range(0..up_to), self.disk);
        let plain = |error: StoreError| error.to_string();
        let began = Instant::now();
        let store = match self.seed % 5 {
            // Full before there is anything.
            0 => {
                let ballast = free(100_000);
                match self.open() {
                    Ok(store) => {
                        self.full(&store)?;
                        store
                    }
                    Err(error) => {
                        says_why(&error)?;
                        drop(ballast);
                        self.open().map_err(plain)?
                    }
                }
            }
            // Full while it is written to, used little or much.
            1 | 2 => {
                let store = self.open().map_err(plain)?;
                self.steps(&store, 10).map_err(plain)?;
                let _ballast = free(1_000_000);
                self.full(&store)?;
                store.idle();
                wrong(&store, self.seed, self.progress)?;
                store
            }
            // Full when the index has to be built.
            3 => {
                let store = self.open().map_err(plain)?;
                self.steps(&store, 20).map_err(plain)?;
                drop(store);
                let conf = self.root.join("store/index/conf");
                fs::write(conf, "").map_err(|error| error.to_string())?;
                let _ballast = free(600_000);
                let store = self.open().map_err(plain)?;
                self.full(&store)?;
                store
            }
            // Full when what was deleted is to be overwritten.
            _ => {
                let store = self.open().map_err(plain)?;
                self.steps(&store, 20).map_err(plain)?;
                let _ballast = free(2_000);
                let kept = objects(self.seed, self.progress);
                store.shred(kept).map(drop).or_else(|error| says_why(&error))?;
                self.full(&store)?;
                store
            }
        };
        // There is space again.
        self.steps(&store, 5).map_err(|error| format!("not back to normal: {error:?}"))?;
        wrong(&store, self.seed, self.progress)?;
        let seconds = began.elapsed().as_secs_f64();
        drop(store);
        examine(self.root, self.seed, self.progress)?;
        Ok(seconds)
    }
}

#[test]
fn inside() {
    let Some(disk) = folder() else { return };
    let disk = Path::new(&disk);
    let mut goal = Goal::new("full", ["full disks", "trial"], 25);
    let mut random = random(goal.seed());
    while goal.goes_on() {
        let root = tempfile::tempdir_in(disk).unwrap();
        let seed = random.random_range(0..1 << 32);
        let trial = Trial { root: root.path(), disk, seed, progress: [0; WRITERS.len()] };
        goal.count(&format!("kind {}", seed % 5), || trial.run(&mut random));
    }
    goal.reached();
}

#[test]
fn a_full_disk_costs_nothing_that_was_acknowledged() {
    let disk = tempfile::tempdir().unwrap();
    let inside = again("full::inside", disk.path());
    let Some(mut inside) = on_small_disk(disk.path(), DISK, &inside) else { return };
    assert!(inside.status().unwrap().success());
}
