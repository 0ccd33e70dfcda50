//! One repository taken through every stage, for the tests to look at.
use sera_core::redact::Redactor;
use sera_core::{Cancel, CommitId, Seed, Task, Tree, TreeEntry};
use sera_datagen::bases::Trees;
use sera_datagen::{
    Bases, Known, Mined, Policy, RolledOut, Synthesized, mine, roll_out_all, synthesize_all,
};
use sera_git::Repository;
use sera_testkit::{MemoryTree, Repo};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Every random choice in these tests follows from it.
pub(crate) const SEED: u64 = 7;

/// Unix milliseconds, for ids.
pub(crate) const NOW: u64 = 1_700_000_000_000;

/// Holds no repository: statics are never dropped, and a temporary folder must be.
pub(crate) struct World {
    pub(crate) policy: Policy,
    pub(crate) mined: Mined,
    pub(crate) bases: Bases,
    pub(crate) made: Synthesized,
}

impl World {
    pub(crate) fn new(repo: &Repo) -> Self {
        let policy = Policy::default();
        let mined = mined(repo, &policy, &mut Known::default());
        let bases = in_memory(repo, &mined);
        let made = synthesize_all(&mined.seeds, &bases, &policy, SEED, NOW);
        Self { policy, mined, bases, made }
    }

    pub(crate) fn roll_out(&self, tasks: &[Task]) -> RolledOut {
        let cancel = Cancel::default();
        roll_out_all(tasks, &self.bases, &self.policy, NOW, &cancel, &|_| ())
    }
}

/// The bases that [`Bases::open`] would make, with their trees read beforehand.
fn in_memory(repo: &Repo, mined: &Mined) -> Bases {
    let repository = open(repo);
    let read = |commit: &CommitId| {
        let tree = repository.tree(commit).unwrap();
        let files = tree.list().unwrap();
        let read = |entry: &TreeEntry| (entry.path.to_string(), tree.read(&entry.path).unwrap());
        let tree: Arc<dyn Tree> = Arc::new(MemoryTree::new(files.iter().map(read)));
        (commit.clone(), tree)
    };
    let parents = mined.seeds.iter().filter_map(|seed| match seed {
        Seed::Commit(commit) => Some(&commit.parent),
        Seed::Function(_) => None,
    });
    let trees: BTreeMap<CommitId, Arc<dyn Tree>> =
        parents.chain([&mined.cut.commit]).map(read).collect();
    let trees: Trees = Box::new(move |commit| Ok(trees[commit].clone()));
    Bases::over(mined.cut.commit.clone(), trees, redactor()).unwrap()
}

pub(crate) fn redactor() -> Redactor {
    Redactor::new([7; 32])
}

pub(crate) fn open(repo: &Repo) -> Repository {
    Repository::discover(repo.path()).unwrap()
}

pub(crate) fn mined(repo: &Repo, policy: &Policy, known: &mut Known) -> Mined {
    let repository = open(repo);
    mine(&repository, &repository.head().unwrap(), policy, known).unwrap()
}
