//! What the user wants forgotten, and what has to do with it.
//!
//! Whatever is trained on leaves *traces*: the files, functions and commits that stand in it, what
//! searches printed included. A thing is forgotten with everything that bears a trace of it; where
//! that cannot be told exactly, more is forgotten rather than less.
use crate::{Attempt, Generation};
use sera_core::{
    Action, CommitId, FunctionKey, Hole, Lesson, Origin, Patch, Seed, Step, Subject, Task, TreePath,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What something was made of, or shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Traces {
    /// Files that are named in it.
    pub paths: BTreeSet<TreePath>,
    /// Functions that are named in it.
    pub functions: BTreeSet<FunctionKey>,
    /// Files of which it may show any line.
    pub viewed: BTreeSet<TreePath>,
    /// Commits whose change or message it is made of.
    pub commits: BTreeSet<CommitId>,
    /// Names of what was made elsewhere.
    pub imported: BTreeSet<String>,
}

impl Traces {
    /// Of a task.
    pub fn of_task(task: &Task) -> Self {
        let mut traces = Self::default();
        traces.task(task);
        traces
    }

    /// Of an attempt.
    pub fn of_attempt(attempt: &Attempt) -> Self {
        let mut traces = Self::of_task(&attempt.task);
        traces.steps(&attempt.trajectory.steps);
        attempt.trajectory.candidate().into_iter().for_each(|patch| traces.patch(patch));
        traces
    }

    /// Of a hole. What surrounds it may be any part of its file.
    pub fn of_hole(hole: &Hole) -> Self {
        let mut traces = Self::default();
        traces.function(&hole.function);
        traces.viewed.insert(hole.function.path.clone());
        traces
    }

    /// Of a lesson. What stands before its first step was executed too.
    pub fn of_lesson(lesson: &Lesson) -> Self {
        let mut traces = Self::default();
        match &lesson.subject {
            Subject::Locate { function } | Subject::Dependencies { function } => {
                traces.function(function);
            }
            Subject::NextEdit { commit } => drop(traces.commits.insert(commit.clone())),
        }
        traces.text(&lesson.description);
        lesson.prepared.iter().for_each(|action| traces.action(action));
        traces.steps(&lesson.steps);
        traces
    }

    /// Of everything that a teacher made of a function.
    pub fn of_generation(generation: &Generation) -> Self {
        let mut traces = Self::default();
        traces.function(&generation.function);
        for first in &generation.first {
            traces.steps(&first.trajectory.steps);
            first.trajectory.candidate().into_iter().for_each(|patch| traces.patch(patch));
        }
        for attempt in &generation.attempts {
            traces.add(Self::of_attempt(attempt));
        }
        generation.guided.iter().for_each(|steps| traces.steps(steps));
        traces
    }

    /// Both.
    pub fn add(&mut self, other: Self) {
        self.paths.extend(other.paths);
        self.functions.extend(other.functions);
        self.viewed.extend(other.viewed);
        self.commits.extend(other.commits);
        self.imported.extend(other.imported);
    }

    fn function(&mut self, function: &FunctionKey) {
        self.paths.insert(function.path.clone());
        self.functions.insert(function.clone());
    }

    fn task(&mut self, task: &Task) {
        match &task.origin {
            Origin::Mutation { function, .. } | Origin::Generated { function, .. } => {
                self.function(function);
            }
            Origin::Commit { commit } => {
                self.commits.insert(commit.clone());
            }
            Origin::Imported { name } => {
                self.imported.insert(name.clone());
            }
        }
        self.text(&task.description);
        self.patch(&task.reference);
        task.base.bug.iter().for_each(|bug| self.patch(bug));
    }

    /// The lines around a change may be of any function of its file.
    fn patch(&mut self, patch: &Patch) {
        for path in patch.files.iter().flat_map(|file| file.old.iter().chain(&file.new)) {
            self.paths.insert(path.clone());
            self.viewed.insert(path.clone());
        }
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            self.text(&step.observation.text);
            self.listing(step);
            step.thought.iter().for_each(|thought| self.text(thought));
            self.action(&step.action);
        }
    }

    fn action(&mut self, action: &Action) {
        match action {
            Action::Open { path, name: Some(name) } => {
                self.function(&FunctionKey { path: path.clone(), name: name.clone() });
            }
            Action::Open { path, name: None }
            | Action::View { path: Some(path), .. }
            | Action::Edit { path, .. }
            | Action::Create { path, .. }
            | Action::Insert { path, .. }
            | Action::Undo { path }
            | Action::Check { path } => {
                self.paths.insert(path.clone());
                self.viewed.insert(path.clone());
            }
            Action::Search { query: text }
            | Action::Bash { command: text }
            | Action::Unreadable { text } => self.text(text),
            Action::View { path: None, .. } | Action::Diff | Action::Submit => {}
        }
    }

    /// What a folder holds is told by names alone.
    fn listing(&mut self, step: &Step) {
        let Action::View { path, .. } = &step.action else { return };
        for line in step.observation.text.lines() {
            let within = path.as_ref().map(|folder| format!("{folder}/{}", line.trim()));
            let named = within.unwrap_or_else(|| line.trim().to_owned());
            self.paths.extend(TreePath::new(named.trim_end_matches('/')));
        }
    }

    /// Every place that `text` names: `src/a.py`, `src/a.py::f`, and what stands first in a line
    /// that a search printed, whatever letters its path has.
    fn text(&mut self, text: &str) {
        for line in text.lines() {
            let place = line.split("  ").next().unwrap_or(line);
            let (path, name) = place.split_once("::").unwrap_or((place, ""));
            let Ok(path) = TreePath::new(path) else { continue };
            if !name.is_empty() {
                self.functions.insert(FunctionKey { path: path.clone(), name: name.to_owned() });
            }
            self.paths.insert(path);
        }
        let within = |c: char| c.is_alphanumeric() || "/._-:@+".contains(c);
        for word in text.split(|c: char| !within(c)).filter(|word| word.contains(['/', '.'])) {
            let (path, name) = word.split_once("::").unwrap_or((word, ""));
            // A line's number may follow.
            let path = path.split(':').next().unwrap_or_default();
            let Ok(path) = TreePath::new(path.trim_end_matches('.')) else { continue };
            let name = name.trim_end_matches([':', '.']).to_owned();
            if !name.is_empty() {
                self.functions.insert(FunctionKey { path: path.clone(), name });
            }
            self.paths.insert(path);
        }
    }
}

/// One thing to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forget {
    /// A commit: its change and its message. What it left in the code stays.
    Commit(CommitId),
    /// A file, or a folder with all that is in it.
    Path(TreePath),
    /// A function.
    Function(FunctionKey),
    /// What was made elsewhere, by its name.
    Imported(String),
}

/// Everything that was ever to be forgotten, so that it does not come back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Forgotten {
    /// Commits.
    pub commits: BTreeSet<CommitId>,
    /// Files and folders.
    pub paths: BTreeSet<TreePath>,
    /// Functions.
    pub functions: BTreeSet<FunctionKey>,
    /// What was made elsewhere.
    pub imported: BTreeSet<String>,
}

impl Forgotten {
    /// Only this.
    pub fn only(what: Forget) -> Self {
        let mut forgotten = Self::default();
        forgotten.forget(what);
        forgotten
    }

    /// And this.
    pub fn forget(&mut self, what: Forget) {
        match what {
            Forget::Commit(commit) => drop(self.commits.insert(commit)),
            Forget::Path(path) => drop(self.paths.insert(path)),
            Forget::Function(function) => drop(self.functions.insert(function)),
            Forget::Imported(name) => drop(self.imported.insert(name)),
        }
    }

    /// Whether this very thing was to be forgotten, or the folder it is in.
    pub fn is(&self, what: &Forget) -> bool {
        match what {
            Forget::Commit(commit) => self.commits.contains(commit),
            Forget::Path(path) => self.holds(path),
            Forget::Function(function) => {
                self.functions.contains(function) || self.holds(&function.path)
            }
            Forget::Imported(name) => self.imported.contains(name),
        }
    }

    /// Whether something with these traces is to be forgotten.
    pub fn meets(&self, traces: &Traces) -> bool {
        let viewed = |function: &FunctionKey| traces.viewed.contains(&function.path);
        let named = |key: &FunctionKey| traces.functions.iter().any(|own| key.covers(own));
        !self.commits.is_disjoint(&traces.commits)
            || !self.imported.is_disjoint(&traces.imported)
            || self.functions.iter().any(|key| named(key) || viewed(key))
            || traces.paths.iter().any(|path| self.holds(path))
    }

    /// Whether nothing is to be made of a seed.
    pub fn meets_seed(&self, seed: &Seed) -> bool {
        match seed {
            Seed::Function(function) => {
                self.functions.iter().any(|key| key.covers(&function.key))
                    || self.holds(&function.key.path)
            }
            Seed::Commit(commit) => {
                let mut traces = Traces::default();
                traces.commits.insert(commit.commit.clone());
                commit.touched.iter().for_each(|function| traces.function(function));
                traces.patch(&commit.patch);
                self.meets(&traces)
            }
        }
    }

    /// Whether a file is to be forgotten, by itself or with its folder.
    pub fn holds(&self, path: &TreePath) -> bool {
        self.paths.iter().any(|forgotten| path.is_within(forgotten))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_core::Observation;

    fn path(text: &str) -> TreePath {
        TreePath::new(text).expect("a path inside the tree")
    }

    fn key(file: &str, name: &str) -> FunctionKey {
        FunctionKey { path: path(file), name: name.to_owned() }
    }

    #[test]
    fn lessons_are_found_by_what_they_are_of_and_by_what_they_show() {
        let open = Action::Open { path: path("src/b.py"), name: Some("g".to_owned()) };
        let observation = Observation { text: "def g():".to_owned(), ok: true };
        let edit =
            Action::Edit { path: path("src/c.py"), old: "a".to_owned(), new: "b".to_owned() };
        let lesson = |subject| Lesson {
            schema: sera_core::lesson::LESSON_SCHEMA.to_owned(),
            subject,
            base: CommitId::from_hex("ba5e"),
            prepared: vec![edit.clone()],
            description: "Open src/d.py::h".to_owned(),
            steps: vec![Step {
                thought: None,
                action: open.clone(),
                observation: observation.clone(),
                masked: false,
            }],
        };
        let locate = Traces::of_lesson(&lesson(Subject::Locate { function: key("src/a.py", "f") }));
        let next =
            Traces::of_lesson(&lesson(Subject::NextEdit { commit: CommitId::from_hex("c0") }));
        let check = |what: Forget, expect: [bool; 2]| {
            let only = Forgotten::only(what.clone());
            assert_eq!([&locate, &next].map(|traces| only.meets(traces)), expect, "{what:?}");
        };
        check(Forget::Function(key("src/a.py", "f")), [true, false]);
        check(Forget::Commit(CommitId::from_hex("c0")), [false, true]);
        check(Forget::Commit(CommitId::from_hex("ba5e")), [false, false]);
        check(Forget::Function(key("src/b.py", "g")), [true, true]);
        check(Forget::Function(key("src/c.py", "whatever")), [true, true]);
        check(Forget::Function(key("src/d.py", "h")), [true, true]);
        check(Forget::Path(path("src/e.py")), [false, false]);
    }

    #[test]
    fn what_steps_show_is_found() {
        let open = Action::Open { path: path("src/a.py"), name: Some("f".to_owned()) };
        let view = Action::View { path: Some(path("src/deep/b.py")), lines: None };
        let search = Action::Search { query: "sums".to_owned() };
        let seen = "src/c.py::Tally.add  def add(self):\nsrc/d.py:3: add(1)\n(see README.md.)\n\
                    app/[id]/(my group)/page.tsx::Page  export function Page() {";
        let step = |action, text: &str| Step {
            thought: None,
            action,
            observation: Observation { text: text.to_owned(), ok: true },
            masked: false,
        };
        let mut traces = Traces::default();
        traces.steps(&[step(search, seen), step(open, "def f():"), step(view, "1\tx")]);
        let check = |what: Forget, expect: bool| {
            let told = format!("{what:?}");
            assert_eq!(Forgotten::only(what).meets(&traces), expect, "{told}");
        };
        check(Forget::Path(path("src/a.py")), true);
        check(Forget::Path(path("src/c.py")), true);
        check(Forget::Path(path("src/d.py")), true);
        check(Forget::Path(path("README.md")), true);
        check(Forget::Path(path("src")), true);
        check(Forget::Path(path("src/deep")), true);
        check(Forget::Path(path("src/e.py")), false);
        check(Forget::Path(path("app/[id]/(my group)/page.tsx")), true);
        check(Forget::Path(path("app/[id]")), true);
        check(Forget::Function(key("src/c.py", "Tally")), true);
        check(Forget::Function(key("src/c.py", "Tall")), false);
        check(Forget::Path(path("sr")), false);
        check(Forget::Function(key("src/a.py", "f")), true);
        check(Forget::Function(key("src/a.py", "g")), false);
        check(Forget::Function(key("src/c.py", "Tally.add")), true);
        check(Forget::Function(key("src/deep/b.py", "whatever")), true);
        check(Forget::Commit(CommitId::from_hex("a")), false);
        assert!(!Forgotten::default().meets(&traces));
    }
}
