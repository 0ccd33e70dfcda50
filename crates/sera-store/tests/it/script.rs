//! What a writer stores, step by step, the same for every process that is given the same seed; and
//! what a store must hold after so many steps.
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sera_core::Digest;
use sera_store::{Kind, Store, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

/// Writers side by side, each with keys of its own.
pub(crate) const WRITERS: [Kind; 3] = [Kind::Trajectory, Kind::Verdict, Kind::Job];
/// Keys of one writer: few, so that most are written again and again.
const KEYS: u32 = 24;

/// What one writer does next.
enum Step {
    /// Facts, all or none of them.
    Put(Vec<(String, String)>),
    Delete(String),
    /// Bytes that no fact names.
    Object(Vec<u8>),
    /// The same, in a file that a worker left.
    Adopt(Vec<u8>),
}

fn step(seed: u64, writer: usize, i: u32) -> Step {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ (writer as u64) << 32 ^ u64::from(i) << 36);
    let key = |random: &mut ChaCha8Rng| format!("{:02}", random.random_range(0..KEYS));
    let value = |random: &mut ChaCha8Rng| {
        let length = match random.random_range(0..6) {
            0 => random.random_range(5_000..60_000),
            1 => random.random_range(400..4_000),
            _ => random.random_range(1..60),
        };
        let mut text = format!("{writer}/{i}/{}/", random.random::<u32>());
        text = text.repeat(length / text.len() + 1);
        text
    };
    match random.random_range(0..10) {
        0..4 => Step::Put(vec![(key(&mut random), value(&mut random))]),
        4..7 => {
            let keys: BTreeSet<_> =
                (0..random.random_range(2..8)).map(|_| key(&mut random)).collect();
            Step::Put(keys.into_iter().map(|key| (key, value(&mut random))).collect())
        }
        7 => Step::Delete(key(&mut random)),
        8 => Step::Object(value(&mut random).into_bytes()),
        _ => Step::Adopt(value(&mut random).into_bytes()),
    }
}

/// Does step `i` of a writer, in the store of `root`.
pub(crate) fn take(
    store: &Store,
    root: &Path,
    seed: u64,
    writer: usize,
    i: u32,
) -> Result<(), StoreError> {
    match step(seed, writer, i) {
        Step::Put(facts) => store.put_all(WRITERS[writer], &facts),
        Step::Delete(key) => store.delete(WRITERS[writer], &key).map(drop),
        Step::Object(bytes) => store.put_object(&bytes).map(drop),
        Step::Adopt(bytes) => {
            let incoming = root.join("incoming");
            let file = incoming.join(writer.to_string());
            let left =
                std::fs::create_dir_all(&incoming).and_then(|()| std::fs::write(&file, &bytes));
            let doing = "leave a file".to_owned();
            left.map_err(|source| StoreError::Io { doing, source })?;
            store.adopt(&file, &Digest::of(&bytes))
        }
    }
}

/// Tells whoever reads our output that steps of a writer before `next` are acknowledged.
pub(crate) fn acknowledge(writer: usize, next: u32) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "acknowledged {writer} {next}").unwrap();
}

/// How many steps of each writer were acknowledged.
pub(crate) type Progress = [u32; WRITERS.len()];

/// The last acknowledgements among lines of output, after `before`.
pub(crate) fn heard<'a>(before: Progress, lines: impl Iterator<Item = &'a str>) -> Progress {
    let mut progress = before;
    for line in lines {
        // The test harness prints without a newline before the first one.
        let Some(at) = line.find("acknowledged ") else { continue };
        let numbers: Vec<u32> = line[at..].split(' ').skip(1).flat_map(str::parse).collect();
        if let [writer, next] = numbers[..] {
            progress[writer as usize] = next;
        }
    }
    progress
}

/// Everything that a writer stored.
#[derive(Clone, Default)]
pub(crate) struct Stored {
    facts: BTreeMap<String, String>,
    objects: Vec<Vec<u8>>,
    steps: u32,
}

impl Stored {
    fn go_to(mut self, seed: u64, writer: usize, steps: u32) -> Self {
        for i in self.steps..steps {
            match step(seed, writer, i) {
                Step::Put(facts) => self.facts.extend(facts),
                Step::Delete(key) => drop(self.facts.remove(&key)),
                Step::Object(bytes) | Step::Adopt(bytes) => self.objects.push(bytes),
            }
        }
        Self { steps: self.steps.max(steps), ..self }
    }
}

/// The objects that no fact names, so far.
pub(crate) fn objects(seed: u64, progress: Progress) -> Vec<Digest> {
    let stored = |(writer, &steps): (usize, &u32)| Stored::default().go_to(seed, writer, steps);
    let all = progress.iter().enumerate().map(stored).flat_map(|stored| stored.objects);
    all.map(|bytes| Digest::of(&bytes)).collect()
}

/// What is wrong with a store in which so many steps were acknowledged, and each writer may have
/// begun the next one.
pub(crate) fn wrong(store: &Store, seed: u64, progress: Progress) -> Result<(), String> {
    for (writer, &steps) in progress.iter().enumerate() {
        let kind = WRITERS[writer];
        let mut found = BTreeMap::new();
        for fact in store.scan::<String>(kind).map_err(|error| error.to_string())? {
            let (key, value) = fact.map_err(|error| format!("writer {writer}: {error}"))?;
            found.insert(key, value);
        }
        let acknowledged = Stored::default().go_to(seed, writer, steps);
        for bytes in &acknowledged.objects {
            let read = store.object(&Digest::of(bytes)).map_err(|error| error.to_string())?;
            if read != *bytes {
                return Err(format!("writer {writer}: an object has other bytes"));
            }
        }
        if found == acknowledged.facts {
            continue;
        }
        let begun = acknowledged.clone().go_to(seed, writer, steps + 1);
        if found != begun.facts {
            let differ = |(key, value): &(&String, &String)| found.get(*key) != Some(*value);
            let keys: Vec<_> =
                acknowledged.facts.iter().filter(differ).map(|(key, _)| key).collect();
            return Err(format!("writer {writer} after {steps} steps: {keys:?} differ"));
        }
    }
    Ok(())
}

/// Every value that each key of a writer ever had.
pub(crate) struct History {
    kind: Kind,
    values: BTreeMap<String, Vec<Option<String>>>,
    objects: Vec<Digest>,
}

impl History {
    pub(crate) fn of(seed: u64, writer: usize, steps: u32) -> Self {
        let kind = WRITERS[writer];
        let mut history = Self { kind, values: BTreeMap::new(), objects: Vec::new() };
        for i in 0..steps {
            let mut now = |key, value| history.values.entry(key).or_default().push(value);
            match step(seed, writer, i) {
                Step::Put(facts) => facts.into_iter().for_each(|(key, fact)| now(key, Some(fact))),
                Step::Delete(key) => now(key, None),
                Step::Object(bytes) | Step::Adopt(bytes) => {
                    history.objects.push(Digest::of(&bytes));
                }
            }
        }
        history
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    pub(crate) fn objects(&self) -> impl Iterator<Item = &Digest> {
        self.objects.iter()
    }

    /// The value of a key in the end.
    pub(crate) fn last(&self, key: &str) -> Option<&String> {
        self.values[key].last()?.as_ref()
    }

    pub(crate) fn ever(&self, key: &str, value: &str) -> bool {
        self.values[key].iter().any(|was| was.as_deref() == Some(value))
    }
}
