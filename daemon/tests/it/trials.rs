//! Trials with a daemon that goes through real cycles again and again: what leads to each stage,
//! what clients were told, and what may lie in our folders.
//!
//! The student is a random one of two layers, so that a cycle takes seconds, and promotions happen:
//! whatever it learns is more than it knew.
use crate::user::{User, poll, print};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sera_protocol::method::{JobStatus, StatusParams};
use sera_protocol::{Client, Stage};
use sera_testkit::{Goal, Repo, python_project, tiny_base};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

/// Trials that one repository lives through; the next begins without anything.
const ROUND: usize = 10;

const SUMS: &str = "stockroom/sums.py";

const SYNTHESIZE: [&str; 3] = ["synthesize", "--limit", "40"];

const STAGES: [Stage; 6] =
    [Stage::Mine, Stage::Synthesize, Stage::Rollout, Stage::Train, Stage::Evaluate, Stage::Promote];

/// A user with a student of two layers, and what was measured of them.
pub(crate) struct Trials {
    pub(crate) user: User,
    pub(crate) random: ChaCha8Rng,
    /// Seconds that each stage's command took last.
    lengths: BTreeMap<&'static str, f64>,
    count: usize,
    /// What may lie in our folders besides.
    spared: &'static [&'static str],
}

/// What clients were told that is stored.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    repository: Value,
    /// Every trajectory, by its id.
    rows: BTreeMap<String, Value>,
}

impl Told {
    pub(crate) fn by(user: &User) -> Self {
        let log = user.json(&["log", "--limit", "1000000"]);
        let rows = log["trajectories"].as_array().unwrap().iter();
        let rows = rows.map(|row| (row["id"].to_string(), row.clone())).collect();
        Self { repository: user.status()["repositories"][0].clone(), rows }
    }

    fn adapters(&self) -> &[Value] {
        self.repository["adapters"].as_array().unwrap()
    }

    /// Fails unless all that was told before is there still, or was replaced as a whole where the
    /// stage replaces it.
    pub(crate) fn assert_kept(&self, before: &Self, stage: Stage) {
        let (now, then) = (&self.repository, &before.repository);
        let same = |key: &str| now[key] == then[key];
        assert!(self.adapters().starts_with(before.adapters()), "{now} {then}");
        if stage != Stage::Promote {
            assert!(same("served"), "{now} {then}");
        }
        if same("mined_head") {
            assert!(same("seeds"), "{now} {then}");
        }
        assert_eq!(now["trajectories"], self.rows.len(), "{now}");
        if then["tasks"] == 0 || stage == Stage::Synthesize && self.rows.is_empty() {
            return;
        }
        assert!(same("tasks"), "{now} {then}");
        for (id, row) in &before.rows {
            assert_eq!(self.rows.get(id), Some(row), "{id}");
        }
        let more = self.rows.len() - before.rows.len();
        // A job does first what it needs and what is missing.
        let missing = before.rows.is_empty();
        assert!(more == 0 || missing || stage == Stage::Rollout, "{more} more: {now} {then}");
    }

    /// Fails unless what a command said at its end is stored.
    pub(crate) fn assert_holds(&self, report: &Value, stage: Stage, head: &str) {
        let now = &self.repository;
        match stage {
            Stage::Mine => assert_eq!(now["mined_head"], head),
            Stage::Synthesize => assert_eq!(now["tasks"], report["tasks"], "{report}"),
            Stage::Train => assert_eq!(self.adapters().last(), Some(&report["adapter"])),
            Stage::Promote => {
                for capability in report["promoted"].as_array().unwrap() {
                    let served = &now["served"][capability.as_str().unwrap()];
                    assert_eq!(Some(served), self.adapters().last(), "{report}");
                }
            }
            _ => {}
        }
    }
}

impl Trials {
    fn new(seed: u64, base: &Path, spared: &'static [&'static str]) -> Self {
        let user = User::of(python_project());
        user.repo.git(&["config", "--global", "sera.base", base.to_str().unwrap()]);
        std::fs::create_dir(user.repo.root().join("t")).unwrap();
        let mut user = user;
        user.variables.push(("TMPDIR", user.repo.root().join("t")));
        grow(&user.repo);
        user.json(&["register"]);
        user.json(&SYNTHESIZE);
        user.json(&["rollout"]);
        let random = ChaCha8Rng::seed_from_u64(seed);
        Self { user, random, lengths: BTreeMap::new(), count: 0, spared }
    }

    /// What leads to a stage, once what it needs is there.
    pub(crate) fn command(&mut self, stage: Stage) -> Vec<String> {
        let seed = self.random.random_range(0..1000).to_string();
        let train = ["train", "--tokens", "20000", "--seed", &seed];
        let missing = |count: &Value| count.as_array().is_none_or(Vec::is_empty);
        let untrained = missing(&self.user.status()["repositories"][0]["adapters"]);
        if untrained && [Stage::Evaluate, Stage::Promote].contains(&stage) {
            self.user.json(&train);
        }
        let words = match stage {
            Stage::Mine => {
                let path = format!("stockroom/added_{}.py", self.count);
                self.user.repo.commit("Add a sum", &[(&path, &sum(self.count))]);
                &["mine"][..]
            }
            Stage::Synthesize => &SYNTHESIZE,
            Stage::Rollout => {
                self.user.json(&SYNTHESIZE);
                &["rollout"]
            }
            Stage::Train => &train,
            Stage::Evaluate => &["evaluate", "--seconds", "20"],
            Stage::Promote => {
                self.user.json(&["evaluate", "--seconds", "150"]);
                &["promote"]
            }
            other => unreachable!("{} is no stage of a cycle", other.name()),
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// Does the work of a stage to its end, with all checks.
    pub(crate) fn finish(&mut self, stage: Stage, arguments: &[&str], before: &Told) {
        let started = Instant::now();
        let report = self.user.json(arguments);
        self.lengths.insert(stage.name(), started.elapsed().as_secs_f64());
        let now = Told::by(&self.user);
        now.assert_kept(before, stage);
        now.assert_holds(&report, stage, &self.user.repo.head());
        self.assert_sound();
    }

    /// Waits for a random moment of a stage that a command leads to: after a while, or at some
    /// progress.
    pub(crate) fn moment(&mut self, stage: Stage, command: &mut Child) {
        let length = self.lengths.get(stage.name()).copied().unwrap_or(1.0);
        let delay = Duration::from_secs_f64(self.random.random_range(0.0..length));
        let share: f64 = self.random.random_range(0.0..1.0);
        let by_progress = self.random.random_bool(0.3);
        let mut client = Client::connect(&self.user.socket(), "test", "0").unwrap();
        let mut since = None;
        poll("the moment", || {
            let job = client.call(StatusParams::default()).unwrap().job;
            let Some(job) = job.filter(|job| is_in(job, stage)) else {
                // Before the stage, or after the whole command, which is a moment, too.
                return command.try_wait().unwrap().is_some();
            };
            let since = *since.get_or_insert_with(Instant::now);
            let far = job.total > 0 && job.done as f64 >= share * job.total as f64;
            if by_progress { far } else { since.elapsed() >= delay }
        });
    }

    /// Fails unless the store is sound and, once the daemon rests, nothing lies about.
    pub(crate) fn assert_sound(&self) {
        self.user.wait("the daemon rests", |status| status["job"].is_null());
        let checked = self.user.json(&["fsck"]);
        assert_eq!(checked["damaged"], json!([]), "{checked}");
        let mut left = left(&self.user);
        left.retain(|name| !self.spared.iter().any(|spared| fits(name, spared)));
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

fn is_in(job: &JobStatus, stage: Stage) -> bool {
    job.stage == stage || job.kind == stage.name() && job.stage == Stage::Wait
}

fn sum(n: usize) -> String {
    format!(
        "def sum_above_{n}(values):\n    total = {n}\n    for value in values:\n        \
         if value > {n}:\n            total += value * {}\n    return total\n\n\n",
        n + 2
    )
}

/// Functions enough that an evaluation measures what a promotion needs, and after them commits
/// enough that they are not the newest, which are held out.
fn grow(repo: &Repo) {
    let mut text: String = (1..60).map(sum).collect();
    repo.commit("Add sums", &[(SUMS, &text)]);
    for n in 1..14 {
        text = text.replacen(&format!("total = {n}\n"), "total = 0\n", 1);
        repo.commit(&format!("Begin sum {n} with nothing"), &[(SUMS, &text)]);
    }
}

/// What a daemon at rest has: a star stands for letters and digits.
const KEPT: [&str; 18] = [
    "r/daemon.lock",
    "r/daemon.sock",
    "s/daemon.log",
    "s/instance",
    "s/repositories",
    "work/.git/sera/adapters/*/*.*",
    "work/.git/sera/audit/*.jsonl",
    "work/.git/sera/audit/head",
    "work/.git/sera/audit/lock",
    "work/.git/sera/key",
    "work/.git/sera/found",
    "work/.git/sera/known",
    "work/.git/sera/store/index/conf",
    "work/.git/sera/store/index/db",
    "work/.git/sera/store/index/snap.*",
    "work/.git/sera/store/journal",
    "work/.git/sera/store/lock",
    "work/.git/sera/store/objects/*/*",
];

/// Whether a name is as a pattern says.
fn fits(name: &str, pattern: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return name == pattern };
    let Some(rest) = name.strip_prefix(before) else { return false };
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    fits(&rest[end.unwrap_or(rest.len())..], after)
}

/// Every file below our folders that a daemon at rest does not have.
fn left(user: &User) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in ["r", "s", "t", "c", "work/.git/sera"] {
        list(&user.repo.root().join(folder), folder, &mut names);
    }
    names.retain(|name| !KEPT.iter().any(|kept| fits(name, kept)));
    names
}

fn list(folder: &Path, name: &str, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            list(&entry.path(), &name, names);
        } else {
            names.insert(name);
        }
    }
}

/// Makes trials of random stages, each as `trial` does. Files that are `spared` may be left.
pub(crate) fn run(
    mut goal: Goal,
    spared: &'static [&'static str],
    trial: impl Fn(&mut Trials, Stage) -> f64,
) {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("base");
    tiny_base(&base);
    let mut random = ChaCha8Rng::seed_from_u64(goal.seed());
    let (mut kept, mut at) = (None, 0);
    while goal.goes_on() {
        let mut now = kept.take().unwrap_or_else(|| Trials::new(random.random(), &base, spared));
        // Each stage once, in the order of a cycle, and then as it comes.
        let stage =
            STAGES.get(at).copied().unwrap_or_else(|| STAGES[random.random_range(0..STAGES.len())]);
        at += 1;
        let mut ended = false;
        goal.count(stage.name(), || {
            now.count += 1;
            let seconds = trial(&mut now, stage);
            ended = true;
            Ok(seconds)
        });
        if !ended {
            let log = std::fs::read_to_string(now.user.state().join("daemon.log"));
            print(&format!("the daemon's log:\n{}", log.unwrap_or_default()));
        }
        kept = (ended && now.count < ROUND).then_some(now);
    }
    goal.reached();
}
