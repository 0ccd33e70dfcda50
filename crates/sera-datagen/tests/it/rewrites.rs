//! What was made from commits that were rewritten moves with them, or stays behind.
use crate::world::{mined, open};
use sera_core::{CommitId, FunctionKey, Seed, SeedId, Tree as _};
use sera_datagen::rewrites::{Made, follow};
use sera_datagen::{Known, Mined, Policy};
use sera_testkit::{Repo, python_project};
use std::collections::BTreeMap;

struct World {
    repo: Repo,
    known: Known,
    before: Mined,
    commits: Vec<CommitId>,
}

fn commits(repo: &Repo) -> Vec<CommitId> {
    repo.git(&["rev-list", "HEAD"]).lines().map(CommitId::from_hex).collect()
}

impl World {
    fn new() -> Self {
        let repo = python_project();
        let mut known = Known::default();
        let before = mined(&repo, &Policy::default(), &mut known);
        let commits = commits(&repo);
        Self { repo, known, before, commits }
    }

    /// A function that may be trained on, as it stands at `base`.
    fn made(&self, base: &CommitId) -> Made {
        let files = open(&self.repo).tree(base).unwrap().list().unwrap();
        let functions = self.before.seeds.iter().filter_map(|seed| match seed {
            Seed::Function(function) if !function.held_out => Some(&function.key),
            Seed::Function(_) | Seed::Commit(_) => None,
        });
        let at = |key: &FunctionKey| {
            let file = files.iter().find(|file| file.path == key.path)?;
            let parts = ["function", key.path.as_str(), &key.name, file.blob.as_str()];
            Some(Made { seed: SeedId::of(&parts), function: key.clone(), base: base.clone() })
        };
        functions.filter_map(at).next().expect("the base has functions")
    }

    /// The newest commit on the training side that has a change of its own.
    fn eligible(&self) -> CommitId {
        let commits = self.before.seeds.iter().filter_map(|seed| match seed {
            Seed::Commit(commit) if !commit.held_out => Some(commit.commit.clone()),
            Seed::Commit(_) | Seed::Function(_) => None,
        });
        commits.into_iter().next().expect("some commit may be trained on")
    }

    fn rewrite(&self, filter: &[&str]) -> BTreeMap<CommitId, CommitId> {
        let mut command = self.repo.command();
        command.env("FILTER_BRANCH_SQUELCH_WARNING", "1");
        command.args(["filter-branch", "-f"]).args(filter).args(["--", "--all"]);
        assert!(command.output().unwrap().status.success());
        self.commits.iter().cloned().zip(commits(&self.repo)).collect()
    }

    fn follow(&mut self, made: &Made, told: &BTreeMap<CommitId, CommitId>) -> Option<CommitId> {
        let now = mined(&self.repo, &Policy::default(), &mut self.known);
        let one = [made.clone()];
        let followed = follow(&open(&self.repo), &one, told, &self.known, &now).unwrap();
        assert!(followed.iter().all(|(of, _)| of == made) && followed.len() <= 1);
        followed.into_iter().next().map(|(_, to)| to)
    }
}

const OTHER_PERSON: [&str; 2] = ["--env-filter", "export GIT_COMMITTER_EMAIL=new@example.invalid"];
const OTHER_FILE: [&str; 2] = ["--tree-filter", "echo more > more.txt"];
const NOTHING: BTreeMap<CommitId, CommitId> = BTreeMap::new();

#[test]
fn what_was_not_rewritten_stays() {
    let mut world = World::new();
    let made = world.made(&world.before.cut.commit.clone());
    assert_eq!(world.follow(&made, &NOTHING), None, "its base is within the cut as it is");
}

#[test]
fn the_same_tree_is_found_without_being_told() {
    let mut world = World::new();
    let cut = world.before.cut.commit.clone();
    let made = world.made(&cut);
    let moved = world.rewrite(&OTHER_PERSON);
    assert_eq!(world.follow(&made, &NOTHING).as_ref(), Some(&moved[&cut]));
}

#[test]
fn the_same_change_is_found_by_what_the_hook_told_or_by_itself() {
    let mut world = World::new();
    let base = world.eligible();
    let made = world.made(&base);
    let moved = world.rewrite(&OTHER_FILE);
    assert_ne!(moved[&base], base);
    assert_eq!(world.follow(&made, &NOTHING).as_ref(), Some(&moved[&base]));
    assert_eq!(world.follow(&made, &moved).as_ref(), Some(&moved[&base]));
}

#[test]
fn another_file_under_its_name_is_not_it() {
    let mut world = World::new();
    let base = world.eligible();
    let made = world.made(&base);
    let filter = format!("echo '# more' >> {0} || true", made.function.path);
    let moved = world.rewrite(&["--tree-filter", &filter]);
    assert_eq!(world.follow(&made, &moved), None);
}

#[test]
fn what_saw_something_held_out_stays_behind() {
    let mut world = World::new();
    let (tip, cut) = (world.commits[0].clone(), world.before.cut.commit.clone());
    let made = world.made(&tip);
    let moved = world.rewrite(&OTHER_FILE);
    let told = BTreeMap::from([(tip, moved[&cut].clone())]);
    assert_eq!(world.follow(&made, &told), None, "the old tip held what is held out");
}

#[test]
fn what_is_gone_cannot_be_shown_to_be_clean() {
    let mut world = World::new();
    let base = world.eligible();
    let made = world.made(&base);
    let moved = world.rewrite(&OTHER_FILE);
    for reference in
        world.repo.git(&["for-each-ref", "--format=%(refname)", "refs/original"]).lines()
    {
        world.repo.git(&["update-ref", "-d", reference]);
    }
    world.repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    world.repo.git(&["gc", "-q", "--prune=now"]);
    assert_eq!(world.follow(&made, &moved), None);
}
