//! Trials with faults: as many as one has time for, each from the seed that is printed.
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// How many trials, where that is said: `cargo xtask reliability` says it.
const TRIALS: &str = "GIT_SERA_TRIALS";
/// The seed of all that is drawn.
const SEED: &str = "GIT_SERA_SEED";
/// No trial takes as long.
const HANGS: Duration = Duration::from_secs(120);

/// Trials of one kind, and what came of them.
#[derive(Debug)]
pub struct Goal {
    name: &'static str,
    what: [&'static str; 2],
    seed: u64,
    trials: usize,
    /// Whether somebody asked for the figures.
    asked: bool,
    done: usize,
    failed: Vec<String>,
    worst: f64,
    started: Instant,
}

impl Goal {
    /// As many trials as the environment says, else `trials`: what they are, and what each returns
    /// the seconds of.
    ///
    /// # Panics
    /// Where the environment says something that is no number.
    pub fn new(name: &'static str, what: [&'static str; 2], trials: usize) -> Self {
        let number = |name| {
            let text = std::env::var(name).ok()?;
            Some(text.parse::<u64>().expect("trials and seeds are numbers"))
        };
        let (asked, seed) = (number(TRIALS), number(SEED).unwrap_or(1));
        let trials = asked.map_or(trials, |asked| asked as usize);
        let (done, failed, worst, started) = (0, Vec::new(), 0.0, Instant::now());
        Self { name, what, seed, trials, asked: asked.is_some(), done, failed, worst, started }
    }

    /// What everything is to be drawn from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// A new folder; in memory where there is such, since what is tested is not the disk.
    ///
    /// # Panics
    /// Where no folder can be made.
    pub fn folder(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        folder.expect("the temporary folder is writable")
    }

    /// Whether there are trials left.
    pub fn goes_on(&self) -> bool {
        self.done < self.trials
    }

    /// One trial: how many seconds it measured, or what went wrong.
    pub fn count(&mut self, name: &str, trial: impl FnOnce() -> Result<f64, String>) {
        if !self.goes_on() {
            return;
        }
        let started = Instant::now();
        let ended =
            catch_unwind(AssertUnwindSafe(trial)).unwrap_or_else(|_| Err("panicked".into()));
        let number = self.done;
        self.done += 1;
        match ended {
            Ok(_) if started.elapsed() > HANGS => {
                self.failed.push(format!("{number} {name}: hung"));
            }
            Ok(seconds) => self.worst = self.worst.max(seconds),
            Err(wrong) => {
                say(&format!("{}: {number} {name}: {wrong}", self.name));
                self.failed.push(format!("{number} {name}: {wrong}"));
            }
        }
    }

    /// How many trials there are to be.
    pub fn trials(&self) -> usize {
        self.trials
    }

    /// All trials at once.
    pub fn count_all(&mut self, name: &str, trial: impl FnOnce() -> Result<f64, String>) {
        self.count(name, trial);
        self.done = self.trials;
    }

    /// The end: tells the figures to whoever asked, and fails if anything failed.
    ///
    /// # Panics
    /// If anything failed.
    pub fn reached(self) {
        let Self { name, what, seed, done, failed, worst, started, .. } = self;
        let line = format!(
            "{name}: {done} {}, {} failed, slowest {} {worst:.2} s, {:.0} s in all, seed {seed}",
            what[0],
            failed.len(),
            what[1],
            started.elapsed().as_secs_f64(),
        );
        if self.asked {
            say(&line);
        }
        assert!(failed.is_empty(), "{line}\n{}", failed.join("\n"));
    }
}

/// Says something past the test harness, which shows what a passing test prints to nobody.
fn say(line: &str) {
    drop(std::io::stderr().write_all(format!("{line}\n").as_bytes()));
}
