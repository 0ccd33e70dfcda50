//! Two thousand ways out of a tree, through every action that names a file, through patches and
//! through imports, on a real repository that has bait beside it: nothing outside is read or written.
//!
//! The cases run in a process of their own, in a folder in which the bait is what a path relative to
//! it would open; afterwards that folder is as it was, and no bait stands in anything seen.
mod classes;

use crate::world::{NOW, redactor};
use classes::{CLASSES, Class, VARIANTS};
use sera_agent::dialect::{Dialect, Reader};
use sera_agent::{Environment, Limits, Views, roll_out};
use sera_core::{
    Action, Call, Cancel, Digest, Model, ModelError, Outcome, Patch, Prompt, Reply, Tree as _,
    TreePath,
};
use sera_datagen::import::{Importer, Row, import};
use sera_datagen::{Bases, Policy};
use sera_git::Repository;
use sera_sandbox::Overlay;
use sera_syntax::Index;
use sera_testkit::Repo;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// Stands in every file that is not to be read.
const BAIT: &str = "bait-4b1f";
/// Tells this binary that it is the process that runs the cases.
const CHILD: &str = "PATHS_TEST_CHILD";

/// A repository whose tree holds links out of it, a submodule and names that no path here may have,
/// in a work tree with bait in it and beside it.
fn baited() -> Repo {
    let repo = Repo::new();
    let bait = format!("{BAIT}\n");
    repo.write("../outside/secret.txt", &bait);
    repo.commit("Begin", &[("src/main.py", MAIN), ("README.md", "# Here\n"), ("src/é.py", MAIN)]);
    let blob = |text: &str| {
        let id = repo.git_with(&["hash-object", "-w", "--stdin"], text.as_bytes());
        String::from_utf8(id).unwrap().trim().to_owned()
    };
    let mut index = String::new();
    let targets = ["../../outside/secret.txt", "../outside", "link-file", "link-loop"];
    for (name, target) in ["link-file", "link-dir", "link-chain", "link-loop"].iter().zip(targets) {
        index = format!("{index}120000 {}\t{name}\n", blob(target));
    }
    for name in ["src/aux.c", "back\\slash.py", "a:b.py", "blank ", "dot.", "bi\u{202e}di.py"] {
        index = format!("{index}100644 {}\t{name}\n", blob(MAIN));
    }
    index = format!("{index}160000 {}\tmodule\n", repo.head());
    for name in [".env", "server.pem"] {
        index = format!("{index}100644 {}\t{name}\n", blob(&bait));
    }
    repo.git_with(
        &["-c", "core.protectNTFS=false", "update-index", "--add", "--index-info"],
        index.as_bytes(),
    );
    repo.git(&["commit", "-q", "-m", "Odd names"]);
    for name in ["planted.txt", "src/planted.py", "proc/self/environ", "file:/planted", "~/planted"]
    {
        repo.write(name, &bait);
    }
    repo
}

const MAIN: &str = "def total(prices):\n    found = sum(prices)\n    return found\n";

#[test]
fn two_thousand_paths_lead_nowhere() {
    assert!(CLASSES.len() >= 40 && CLASSES.len() * VARIANTS >= 2_000);
    let repo = baited();
    let before = digests(repo.root());
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "paths::child", "--nocapture"]).env(CHILD, repo.root());
    let ended = child.current_dir(repo.path()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}\n{}", String::from_utf8_lossy(&ended.stderr));
    assert!(said.contains("1 passed"), "{said}");
    assert_eq!(digests(repo.root()), before);
}

/// Every file and link below a folder with what it holds.
fn digests(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let digest = match (kind.is_dir(), kind.is_symlink()) {
            (true, _) => {
                found.extend(digests(&path));
                "folder".to_owned()
            }
            (_, true) => std::fs::read_link(&path).unwrap().display().to_string(),
            _ => Digest::of(&std::fs::read(&path).unwrap()).to_string(),
        };
        found.insert(path.display().to_string(), digest);
    }
    found
}

#[test]
fn child() {
    let Some(root) = std::env::var_os(CHILD) else { return };
    let repository = Repository::discover(Path::new(".")).unwrap();
    let world = World::new(&repository);
    let root = Path::new(&root).to_str().unwrap();
    for class in CLASSES {
        for variant in 0..VARIANTS {
            let path = (class.write)(variant, root);
            world.play(class, &path);
            world.patch(class, &path);
            world.import(class, &path);
        }
    }
}

/// Says its replies one after the other, then submits.
struct Script(std::vec::IntoIter<Reply>);

impl Model for Script {
    fn reply(&mut self, _: &Prompt, _: &Cancel) -> Result<Reply, ModelError> {
        let submit = || Reply { text: "submit".to_owned(), finished: true, ..Reply::default() };
        Ok(self.0.next().unwrap_or_else(submit))
    }
}

struct World {
    bases: Bases,
    overlay: Overlay,
    environment: Environment,
}

impl World {
    fn new(repository: &Repository) -> Self {
        let head = repository.head().unwrap();
        let tree = repository.tree(&head).unwrap();
        let listed: Vec<String> =
            tree.list().unwrap().iter().map(|entry| entry.path.to_string()).collect();
        let links = ["link-chain", "link-dir", "link-file", "link-loop", "module", "server.pem"];
        let others = [".env", "README.md", "src/main.py", "src/é.py"];
        let mut expect: Vec<&str> = links.into_iter().chain(others).collect();
        expect.sort_unstable();
        assert_eq!(listed, expect, "odd names are not offered, and take nothing with them");
        let bases = Bases::open(repository, &head, redactor()).unwrap();
        let overlay = bases.at(&head).unwrap();
        let index = Arc::new(Index::build([]));
        let environment = Environment::new(overlay.clone(), index).with_views(Views::WIDE);
        Self { bases, overlay, environment }
    }

    /// Every action that names a file, as a teacher calls it.
    fn play(&self, class: &Class, path: &str) {
        let limits = Limits {
            reader: Reader::Teacher(Dialect::Tools),
            tokens: 1 << 40,
            ..Limits::default()
        };
        let environment = self.environment.clone();
        let task = task(self.bases.cut().clone());
        let mut model = Script(replies(path).into_iter());
        let id = sera_core::TrajectoryId::new(1, b"paths");
        let played =
            roll_out(&task, id, &mut model, environment, &limits, &Cancel::default(), "paths");
        let Outcome::Submitted { patch } = &played.outcome else {
            unreachable!("{path:?} ends with {:?}", played.outcome)
        };
        for step in &played.steps {
            let seen = &step.observation.text;
            assert!(!seen.contains(BAIT), "{} {path:?}: {:?} {seen}", class.name, step.action);
            let named = step.action.path();
            // A folder may be written with its slash.
            let said = path.trim_end_matches('/');
            assert!(named.is_none_or(|named| named.as_str() == said), "{path:?}: {named:?}");
            let refused = matches!(step.action, Action::Unreadable { .. } | Action::Submit);
            assert!(refused || !class.refused, "{} {path:?}: {:?}", class.name, step.action);
        }
        inside(class, path, patch);
    }

    /// Patches whose headers name it, with and without quotes, as a rename, a copy and a link.
    fn patch(&self, class: &Class, path: &str) {
        let quoted = path.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let octal: String = path.bytes().map(|b| format!("\\{b:03o}")).collect();
        let hunk = "@@ -0,0 +1 @@\n+x = 1\n";
        for name in [path, &format!("\"b/{quoted}\""), &format!("\"b/{octal}\"")] {
            let bare = name.trim_matches('"').trim_start_matches("b/");
            for text in [
                format!("--- /dev/null\n+++ {name}\n{hunk}"),
                format!("--- /dev/null\n+++ b/{bare}\n{hunk}"),
                format!(
                    "diff --git a/{bare} b/{bare}\nnew file mode 120000\n--- /dev/null\n+++ {name}\n{hunk}"
                ),
                format!(
                    "diff --git a/src/main.py {name}\nrename from src/main.py\nrename to {bare}\n"
                ),
                format!("diff --git a/src/main.py {name}\ncopy from src/main.py\ncopy to {bare}\n"),
                format!(
                    "diff --git a/{bare} b/{bare}\ndeleted file mode 160000\n--- {name}\n+++ /dev/null\n@@ -1 +0,0 @@\n-x = 1\n"
                ),
            ] {
                let Ok(patch) = Patch::parse(&text) else { continue };
                let mut overlay = self.overlay.clone();
                if overlay.apply(&patch).is_ok() {
                    overlay.edited().iter().for_each(|path| assert!(valid(path)));
                    inside(class, path, &overlay.patch());
                }
            }
        }
    }

    /// The same as what somebody else did.
    fn import(&self, class: &Class, path: &str) {
        let patch = format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x = 1\n");
        let row = serde_json::json!({
            "instance_id": path, "problem_statement": "It is wrong there", "rollout_patch": patch,
            "messages": [{"role": "assistant", "content": format!("view: {path}")}],
        });
        let row = Row::read(&row.to_string()).unwrap();
        let (bases, policy) = (&self.bases, &Policy::default());
        let importer = Importer { bases, held_out: &[], policy, now_ms: NOW };
        if let Ok(taken) = import(&row, bases.cut(), &importer) {
            let text = serde_json::to_string(&taken).unwrap();
            assert!(!text.contains(BAIT), "{} {path:?}: {text}", class.name);
            taken.attempts.iter().for_each(|one| inside(class, path, &one.task.reference));
        }
    }
}

/// What came of a path is that path or nothing, and stands in the tree.
fn inside(class: &Class, path: &str, patch: &Patch) {
    assert!(!patch.to_string().contains(BAIT), "{} {path:?}: {patch}", class.name);
    for file in &patch.files {
        for name in [&file.old, &file.new].into_iter().flatten() {
            assert!(valid(name), "{} {path:?}: {name}", class.name);
            // A header ends before a tab, a carriage return or a new line, whatever follows.
            let known = path.contains(name.as_str()) || name.as_str() == "src/main.py";
            assert!(known && !(class.refused && name.as_str() == path), "{path:?}: {name}");
        }
    }
}

fn valid(path: &TreePath) -> bool {
    TreePath::new(path.as_str()).is_ok()
}

fn replies(path: &str) -> Vec<Reply> {
    let editor = "str_replace_editor";
    let calls = [
        (editor, serde_json::json!({"command": "view", "path": path})),
        ("open_function", serde_json::json!({"path": path})),
        (
            editor,
            serde_json::json!({"command": "str_replace", "path": path, "old_str": "bait", "new_str": "x"}),
        ),
        (
            editor,
            serde_json::json!({"command": "insert", "path": path, "insert_line": 0, "new_str": "x"}),
        ),
        (editor, serde_json::json!({"command": "create", "path": path, "file_text": "y = 1\n"})),
        ("check_syntax", serde_json::json!({"path": path})),
        (editor, serde_json::json!({"command": "undo_edit", "path": path})),
        (editor, serde_json::json!({"command": "create", "path": path, "file_text": "z = 1\n"})),
    ];
    let call = |(name, arguments): (&str, serde_json::Value)| {
        let call =
            Call { id: "x".to_owned(), name: name.to_owned(), arguments: arguments.to_string() };
        Reply { calls: vec![call], finished: true, ..Reply::default() }
    };
    calls.into_iter().map(call).collect()
}

fn task(commit: sera_core::CommitId) -> sera_core::Task {
    use sera_core::{Base, Family, FunctionKey, Origin, Register, SeedId, Task, TaskId};
    let function =
        FunctionKey { path: TreePath::new("src/main.py").unwrap(), name: "total".to_owned() };
    Task {
        schema: sera_core::task::TASK_SCHEMA.to_owned(),
        id: TaskId::new(1, b"paths"),
        seed: SeedId::of(&["paths"]),
        origin: Origin::Generated { function, vague: true },
        base: Base { commit, bug: None },
        description: "Something is wrong with total in src/main.py".to_owned(),
        register: Register::Vague,
        family: Family("paths".to_owned()),
        reference: Patch::default(),
        held_out: false,
        rng_seed: 0,
    }
}
