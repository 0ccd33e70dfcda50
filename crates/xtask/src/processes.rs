//! What Linux says of processes: memory, wake-ups, time on a processor.
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// A thread, by its process's number and its own.
type Thread = (u32, u32);

/// What threads did since they began.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) struct Effort {
    /// How often they were put on a processor: they woke up, or others had been let in between.
    pub(crate) wakes: u64,
    /// Time on a processor.
    pub(crate) ns: u64,
}

/// Memory, KiB.
#[derive(Clone, Copy, Default)]
pub(crate) struct Memory {
    /// Resident, with what is shared with others.
    pub(crate) resident: u64,
    /// The same, shared pages by their share.
    pub(crate) proportional: u64,
    /// Of no other process.
    pub(crate) private: u64,
}

impl std::ops::Add for Memory {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            resident: self.resident + other.resident,
            proportional: self.proportional + other.proportional,
            private: self.private + other.private,
        }
    }
}

/// The processes that run `program`.
pub(crate) fn of_program(program: &Path) -> Vec<u32> {
    let runs =
        |pid: &u32| fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|own| own == program);
    numbers("/proc").into_iter().filter(runs).collect()
}

/// Each thread of `processes` and what it did so far.
pub(crate) fn efforts(processes: &[u32]) -> BTreeMap<Thread, Effort> {
    let threads = processes.iter().flat_map(|pid| {
        numbers(&format!("/proc/{pid}/task")).into_iter().map(move |thread| (*pid, thread))
    });
    threads.filter_map(|thread| Some((thread, effort(thread)?))).collect()
}

fn effort((process, thread): Thread) -> Option<Effort> {
    let folder = format!("/proc/{process}/task/{thread}");
    let status = fs::read_to_string(format!("{folder}/status")).ok()?;
    let wakes =
        field(&status, "voluntary_ctxt_switches")? + field(&status, "nonvoluntary_ctxt_switches")?;
    let times = fs::read_to_string(format!("{folder}/schedstat")).ok()?;
    let ns = times.split_whitespace().next()?.parse().ok()?;
    Some(Effort { wakes, ns })
}

/// What was done between two looks; threads that began and ended in between are not seen.
pub(crate) fn between(
    before: &BTreeMap<Thread, Effort>,
    after: &BTreeMap<Thread, Effort>,
) -> Effort {
    after.iter().fold(Effort::default(), |sum, (thread, now)| {
        let then = before.get(thread).copied().unwrap_or_default();
        Effort { wakes: sum.wakes + now.wakes - then.wakes, ns: sum.ns + now.ns - then.ns }
    })
}

/// What `processes` hold together.
pub(crate) fn memory(processes: &[u32]) -> Memory {
    processes.iter().fold(Memory::default(), |sum, pid| sum + of_one(*pid).unwrap_or_default())
}

fn of_one(pid: u32) -> Option<Memory> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    Some(Memory {
        resident: field(&text, "Rss")?,
        proportional: field(&text, "Pss")?,
        private: field(&text, "Private_Clean")? + field(&text, "Private_Dirty")?,
    })
}

/// What the processes of a program took.
#[derive(Clone, Default)]
pub(crate) struct Taken {
    /// The most that they held together, KiB.
    pub(crate) together: u64,
    /// The most that one of them held, KiB.
    pub(crate) alone: u64,
    /// Seconds on a processor; of one that ended, up to the last look before.
    pub(crate) cpu: f64,
}

/// Does `work` and looks at the processes of `program` meanwhile.
pub(crate) fn watching<T>(program: &Path, work: impl FnOnce() -> T) -> (T, Taken) {
    let done = AtomicBool::new(false);
    let before = of_program(program).into_iter().filter_map(cpu).sum();
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| watch(program, before, &done));
        let made = work();
        done.store(true, Ordering::Relaxed);
        (made, watching.join().unwrap_or_default())
    })
}

fn watch(program: &Path, before: f64, done: &AtomicBool) -> Taken {
    let (mut taken, mut seconds) = (Taken::default(), BTreeMap::new());
    loop {
        // Once more after the end, for what was done since the last look.
        let last = done.load(Ordering::Relaxed);
        let all = of_program(program);
        let held = |name| all.iter().filter_map(move |pid| of_status(*pid, name));
        taken.together = taken.together.max(held("VmRSS").sum());
        taken.alone = taken.alone.max(held("VmHWM").max().unwrap_or_default());
        seconds.extend(all.iter().filter_map(|pid| Some((*pid, cpu(*pid)?))));
        if last {
            taken.cpu = seconds.values().sum::<f64>() - before;
            return taken;
        }
        std::thread::sleep(LOOK);
    }
}

/// Seconds of all threads of a process, those that ended included; Linux counts in hundredths.
fn cpu(pid: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks as f64 / 100.0)
}

fn of_status(pid: u32, name: &str) -> Option<u64> {
    field(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, name)
}

/// The number behind a name, in a text of `name: number` lines.
fn field(text: &str, name: &str) -> Option<u64> {
    let of = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim().to_owned());
    text.lines().find_map(of)?.split_whitespace().next()?.parse().ok()
}

/// The entries of a folder that are numbers.
fn numbers(folder: &str) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The system's load, over one, five and fifteen minutes.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
