//! Lessons: what each kind says, that it was executed, and that nothing held out is in it.
use crate::world::{SEED, World};
use sera_agent::dialect;
use sera_core::split::held_out_function;
use sera_core::{Action, FunctionKey, Language, Lesson, Seed, Step, Subject, Tree as _, TreePath};
use sera_datagen::lessons::{Grounds, lessons};
use sera_testkit::{Repo, mixed_project, python_project};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

static PYTHON: LazyLock<(World, Vec<Lesson>)> = LazyLock::new(|| taught(&python_project()));
static MIXED: LazyLock<(World, Vec<Lesson>)> = LazyLock::new(|| taught(&mixed_project()));
static RENAMED: LazyLock<(World, Vec<Lesson>)> = LazyLock::new(|| taught(&renamed()));

fn taught(repo: &Repo) -> (World, Vec<Lesson>) {
    let world = World::new(repo);
    let lessons = made(&world, SEED);
    (world, lessons)
}

fn made(world: &World, rng_seed: u64) -> Vec<Lesson> {
    lessons(&world.mined.seeds, &world.bases, &world.policy, rng_seed).unwrap()
}

fn worlds() -> [&'static (World, Vec<Lesson>); 3] {
    [&PYTHON, &MIXED, &RENAMED]
}

fn grounds(world: &World) -> Grounds<'_> {
    Grounds::of(&world.bases, 1).unwrap()
}

/// What a student reads and writes, and what its harness did.
fn told(lesson: &Lesson) -> String {
    let conversation = dialect::guided(&[], &lesson.description, &lesson.steps).ended();
    let said = conversation.messages[1..].iter().map(|m| format!("{:?}: {}\n", m.role, m.content));
    let searched = lesson.steps.iter().filter_map(|step| match &step.action {
        Action::Search { query } => Some(format!("searched {query}:\n{}\n", step.observation.text)),
        _ => None,
    });
    said.chain(searched).collect()
}

const SHOP: &str = "\
from shop.tax import rate_of

LIMIT = 3


def total(items, kind):
    \"\"\"Sum what all wanted things cost, tax included.

    More of it.
    \"\"\"
    cost = sum(price(item) for item in items)
    return cost * rate_of(kind)


def price(item):
    \"\"\"Return what one thing costs.\"\"\"
    found = item.get(\"price\")
    if found is None:
        return LIMIT
    return found
";

const TAX: &str = "\
def rate_of(kind):
    \"\"\"Return what one thing costs.\"\"\"
    rate = 1
    if kind == \"book\":
        rate = 2
    return rate


def unused(kind):
    left = kind
    return left
";

/// Its second commit changes three places of one function.
fn shop() -> Repo {
    let repo = Repo::new();
    repo.commit("Add a shop", &[("shop/cart.py", SHOP), ("shop/tax.py", TAX)]);
    let edits = [
        ("LIMIT = 3", "LIMIT = 30"),
        ("tax included", "with tax"),
        ("found = item", "cost = item"),
        ("if found", "if cost"),
        ("return found", "return cost"),
    ];
    let changed = edits.iter().fold(SHOP.to_owned(), |text, (old, new)| text.replace(old, new));
    repo.commit("Say cost", &[("shop/cart.py", &changed)]);
    repo
}

#[test]
fn every_kind_says_exactly_this() {
    let (_, lessons) = taught(&shop());
    let told = |lesson: &Lesson| format!("# {}\n{}\n", lesson.subject.kind(), told(lesson));
    insta::assert_snapshot!(lessons.iter().map(told).collect::<String>());
}

/// One name gives way to another in every function of two files.
fn renamed() -> Repo {
    let repo = Repo::new();
    repo.commit("Add a shop", &[("shop/cart.py", SHOP), ("shop/tax.py", TAX)]);
    let [cart, tax] = [SHOP, TAX].map(|text| text.replace("kind", "sort"));
    repo.commit("Say sort", &[("shop/cart.py", &cart), ("shop/tax.py", &tax)]);
    repo
}

#[test]
fn there_are_lessons_of_every_kind() {
    let kinds = worlds().map(|(_, lessons)| {
        let mut kinds = BTreeMap::<&str, usize>::new();
        lessons.iter().for_each(|lesson| *kinds.entry(lesson.subject.kind()).or_default() += 1);
        kinds
    });
    insta::assert_json_snapshot!(kinds);
}

#[test]
fn what_was_seen_is_seen_again() {
    for (world, lessons) in worlds() {
        let grounds = grounds(world);
        for lesson in lessons {
            let mut environment = grounds.environment(lesson).expect("its base is there");
            for Step { action, observation, .. } in &lesson.steps {
                assert_eq!(&environment.execute(action), observation, "{:?}", lesson.subject);
                assert!(observation.ok);
            }
        }
    }
}

/// Every line that stands in a held-out function alone, at the cut or before a commit.
fn held_out_lines(world: &World) -> BTreeSet<String> {
    let parents = world.mined.seeds.iter().filter_map(|seed| match seed {
        Seed::Commit(commit) => Some(&commit.parent),
        Seed::Function(_) => None,
    });
    let (mut inside, mut outside) = (BTreeSet::new(), BTreeSet::new());
    for commit in parents.chain([world.bases.cut()]) {
        let tree = world.bases.at(commit).unwrap();
        for entry in tree.list().unwrap().iter() {
            let Some(language) = Language::of(&entry.path) else { continue };
            let text = tree.read_text(&entry.path).unwrap();
            let held: Vec<_> = sera_syntax::parse(language, text.clone())
                .functions()
                .into_iter()
                .filter(|f| held_out(&entry.path, &f.name))
                .map(|f| f.first_line..=f.last_line)
                .collect();
            for (number, line) in (1..).zip(text.lines()) {
                let of = if held.iter().any(|lines| lines.contains(&number)) {
                    &mut inside
                } else {
                    &mut outside
                };
                of.insert(line.trim().to_owned());
            }
        }
    }
    inside.difference(&outside).filter(|line| line.len() > 8).cloned().collect()
}

fn held_out(path: &TreePath, name: &str) -> bool {
    held_out_function(&FunctionKey { path: path.clone(), name: name.to_owned() })
}

#[test]
fn nothing_held_out_is_in_a_lesson() {
    assert!(held_out_lines(&PYTHON.0).len() > 20);
    for (world, lessons) in worlds() {
        let secret = held_out_lines(world);
        for lesson in lessons {
            let stored = serde_json::to_value(lesson).unwrap();
            let mut texts = Vec::new();
            strings(&stored, &mut texts);
            for line in texts.iter().flat_map(|text| text.lines()) {
                assert!(!secret.contains(line.trim()), "{:?} shows {line}", lesson.subject);
            }
            let of = |seed: &&Seed| match (&lesson.subject, seed) {
                (Subject::NextEdit { commit }, Seed::Commit(seed)) => seed.commit == *commit,
                (
                    Subject::Locate { function } | Subject::Dependencies { function },
                    Seed::Function(seed),
                ) => seed.key == *function,
                _ => false,
            };
            let seed = world.mined.seeds.iter().find(of).expect("it is made of a seed");
            assert!(!seed.held_out());
        }
    }
}

fn strings(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => into.push(text.clone()),
        serde_json::Value::Array(values) => values.iter().for_each(|value| strings(value, into)),
        serde_json::Value::Object(fields) => fields.values().for_each(|value| strings(value, into)),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

#[test]
fn edits_lead_to_the_text_of_their_commit() {
    let (world, lessons) = &*RENAMED;
    let last = lessons.iter().max_by_key(|lesson| lesson.prepared.len()).unwrap();
    assert_eq!(last.prepared.len(), 3, "its fourth edit is the last one");
    let mut environment = grounds(world).environment(last).unwrap();
    last.steps.iter().for_each(|step| assert!(environment.execute(&step.action).ok));
    for (path, before) in [("shop/cart.py", SHOP), ("shop/tax.py", TAX)] {
        let text = environment.read_text(&TreePath::new(path).unwrap()).unwrap();
        assert_eq!(&*text, before.replace("kind", "sort"));
    }
}

#[test]
fn lessons_follow_from_the_seed() {
    let (world, lessons) = &*PYTHON;
    assert_eq!(&made(world, SEED), lessons);
    assert_ne!(&made(world, SEED + 1), lessons);
    let mut turned = world.mined.seeds.clone();
    turned.reverse();
    let one = sera_datagen::Policy { threads: 1, ..world.policy.clone() };
    assert_eq!(&sera_datagen::lessons(&turned, &world.bases, &one, SEED).unwrap(), lessons);
}
