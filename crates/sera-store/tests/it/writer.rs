//! The process that writes until something happens to it, and what must be left of its store.
use crate::child::{again, folder, valid};
use crate::reliability::random;
use crate::script::{Progress, acknowledge, objects, take, wrong};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use sera_store::{IndexState, Store};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Steps of each writer between two pieces of housekeeping.
const STEPS: u32 = 6;

const ORDER: &str = "STORE_TEST_ORDER";

/// What a process is to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) seed: u64,
    /// Pieces of housekeeping after which it ends.
    pub(crate) rounds: u32,
    /// It ends in the middle of this many steps of the first writer.
    pub(crate) dies: u32,
    /// Whether it damages its own index now and then.
    pub(crate) harms: bool,
    /// The next step of each writer.
    pub(crate) from: Progress,
}

impl Order {
    /// This binary as another process that carries the order out in `root`.
    pub(crate) fn command(&self, root: &Path) -> Command {
        let numbers = [self.seed, self.rounds.into(), self.dies.into(), self.harms.into()];
        let numbers = numbers.into_iter().chain(self.from.map(u64::from));
        let mut command = again("writer::write", root);
        command.env(ORDER, numbers.map(|n| n.to_string()).collect::<Vec<_>>().join(" "));
        command
    }

    fn told() -> Self {
        let text = std::env::var(ORDER).unwrap();
        let numbers: Vec<u64> = text.split(' ').flat_map(str::parse).collect();
        let number = |at: usize| numbers[at] as u32;
        let from = std::array::from_fn(|at| number(4 + at));
        let (rounds, dies, harms) = (number(1), number(2), number(3) == 1);
        Self { seed: numbers[0], rounds, dies, harms, from }
    }
}

#[test]
fn write() {
    let Some(root) = folder() else { return };
    let (root, mut order) = (Path::new(&root), Order::told());
    let mut random = random(order.seed ^ u64::from(order.from[0]) << 20);
    let mut store = open(root);
    for _ in 0..order.rounds {
        std::thread::scope(|scope| {
            for writer in 0..order.from.len() {
                let store = &store;
                scope.spawn(move || steps(store, root, &order, writer));
            }
        });
        order.from.iter_mut().for_each(|next| *next += STEPS);
        store = keep_house(store, root, &mut random, &order);
    }
}

fn open(root: &Path) -> Store {
    let sound = |index: &Path| sera_store::check_index(index).is_ok();
    Store::open(&root.join("store"), &sound).unwrap()
}

fn steps(store: &Store, root: &Path, order: &Order, writer: usize) {
    let from = order.from[writer];
    for i in from..from + STEPS {
        if writer == 0 && i == order.dies {
            std::process::abort();
        }
        take(store, root, order.seed, writer, i).unwrap();
        acknowledge(writer, i + 1);
    }
}

fn keep_house(store: Store, root: &Path, random: &mut ChaCha8Rng, order: &Order) -> Store {
    let sound = |index: &Path| sera_store::check_index(index).is_ok();
    match random.random_range(0..if order.harms { 6 } else { 5 }) {
        0 => store.idle(),
        1 | 2 => drop(store.shred(objects(order.seed, order.from)).unwrap()),
        3 => assert!(store.fsck(&sound).unwrap().sound()),
        4 => {
            drop(store);
            return open(root);
        }
        _ => {
            drop(store);
            std::fs::write(root.join("store/index/conf"), "").unwrap();
            return open(root);
        }
    }
    store
}

/// What opening the store of a process that ended came to.
pub(crate) struct Opened {
    pub(crate) seconds: f64,
    pub(crate) index: IndexState,
}

/// Opens the store of `root` and says what is wrong with it, if anything: after so many
/// acknowledged steps, before and after the next step of each writer, and opened again.
pub(crate) fn examine(root: &Path, seed: u64, progress: Progress) -> Result<Opened, String> {
    let dir = root.join("store");
    let started = Instant::now();
    let store = Store::open(&dir, &valid).map_err(|error| format!("does not open: {error:?}"))?;
    let seconds = started.elapsed().as_secs_f64();
    let report = store.opened().clone();
    if !report.sound() {
        return Err(format!("unsound: {report:?}"));
    }
    wrong(&store, seed, progress)?;
    let checked = store.fsck(&valid).map_err(|error| error.to_string())?;
    if !checked.sound() {
        return Err(format!("unsound: {checked:?}"));
    }
    for (writer, &next) in progress.iter().enumerate() {
        take(&store, root, seed, writer, next).map_err(|error| error.to_string())?;
    }
    let next = progress.map(|steps| steps + 1);
    wrong(&store, seed, next)?;
    drop(store);
    let store = Store::open(&dir, &valid).map_err(|error| format!("no second time: {error:?}"))?;
    wrong(&store, seed, next)?;
    let left = left(&dir)?;
    if left.is_empty() {
        return Ok(Opened { seconds, index: report.index });
    }
    Err(format!("{left:?} are left"))
}

/// Whatever stands in a store that is none of its files.
fn left(dir: &Path) -> Result<Vec<String>, String> {
    let names = |dir: &Path| {
        let entries = std::fs::read_dir(dir).map_err(|error| error.to_string())?;
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.unwrap().file_name().to_string_lossy().into_owned()
        };
        Ok::<_, String>(entries.map(name).collect::<Vec<_>>())
    };
    let known = ["lock", "journal", "objects", "index", "quarantine"];
    let mut left = names(dir)?;
    left.retain(|name| !known.contains(&name.as_str()) && !name.starts_with("index.damaged-"));
    left.extend(names(&dir.join("objects/tmp"))?);
    Ok(left)
}
