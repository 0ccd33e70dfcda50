//! A shop with a fault in it, as an environment and as a task.
use sera_agent::Environment;
use sera_core::redact::Redactor;
use sera_core::{
    Base, CommitId, Family, FilePatch, FunctionKey, Origin, Patch, Register, SeedId, Task, TaskId,
    TreePath,
};
use sera_sandbox::Overlay;
use sera_syntax::Index;
use sera_testkit::MemoryTree;
use std::sync::Arc;

pub(crate) const PRICE: &str = "\
import math


def net_total(items):
    total = 0
    for item in items:
        total -= item.price * item.count
    return total


def gross_total(items, rate):
    net = net_total(items)
    return net + net * rate


def rounded(amount):
    return math.floor(amount * 100) / 100
";

pub(crate) const STOCK: &str = "\
class Stock:
    def __init__(self):
        self.counts = {}

    def add(self, name, count):
        self.counts[name] = self.counts.get(name, 0) + count

    def available(self, name):
        return self.counts.get(name, 0) > 0
";

pub(crate) const DESCRIPTION: &str =
    "The total of items comes out negative: net_total of two items at price 3 gives -6.";

pub(crate) fn path(text: &str) -> TreePath {
    TreePath::new(text).expect("a test names paths inside the tree")
}

pub(crate) fn tree() -> MemoryTree {
    MemoryTree::new([
        ("shop/price.py", PRICE),
        ("shop/stock.py", STOCK),
        ("README.md", "# Shop\n\nTotals and stock.\n"),
    ])
}

pub(crate) fn environment() -> Environment {
    let files = [("shop/price.py", PRICE), ("shop/stock.py", STOCK)];
    let index = Index::build(files.map(|(p, text)| (path(p), Arc::from(text))));
    Environment::new(Overlay::new(Arc::new(tree()), Redactor::new([7; 32])), Arc::new(index))
}

/// The shop's prices without the fault.
pub(crate) fn fixed() -> String {
    PRICE.replace("total -=", "total +=")
}

pub(crate) fn place() -> FunctionKey {
    FunctionKey { path: path("shop/price.py"), name: "net_total".to_owned() }
}

pub(crate) fn change(file: &str, old: &str, new: &str) -> Patch {
    Patch { files: FilePatch::between(&path(file), Some(old), Some(new)).into_iter().collect() }
}

pub(crate) fn task(reference: Patch) -> Task {
    Task {
        schema: sera_core::task::TASK_SCHEMA.to_owned(),
        id: TaskId::new(1, b"task"),
        seed: SeedId::of(&["seed"]),
        origin: Origin::Mutation {
            operator: "assignment-operator".to_owned(),
            function: place(),
            refactoring: false,
        },
        base: Base { commit: CommitId::from_hex("b"), bug: None },
        description: DESCRIPTION.to_owned(),
        register: Register::Symptom,
        family: Family("wrong-operator".to_owned()),
        reference,
        held_out: false,
        rng_seed: 0,
    }
}

/// The task of undoing the fault.
pub(crate) fn fix() -> Task {
    task(change("shop/price.py", PRICE, &fixed()))
}
