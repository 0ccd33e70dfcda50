//! Similar solved tasks: what the *retrieval* arm puts into the prompt.
use sera_core::Task;

/// Solved training tasks, searchable by what they say.
#[derive(Debug)]
pub struct Solved<'a> {
    tasks: Vec<&'a Task>,
}

impl<'a> Solved<'a> {
    /// Remembers the tasks that may be shown; held-out ones are left out.
    pub fn new(tasks: impl IntoIterator<Item = &'a Task>) -> Self {
        Self { tasks: tasks.into_iter().filter(|t| !t.held_out).collect() }
    }

    /// The `limit` most similar to `description`, best first; never one of the same seed as `but`.
    pub fn similar(&self, description: &str, but: Option<&Task>, limit: usize) -> Vec<&'a Task> {
        let _ = (description, but, limit, &self.tasks);
        todo!()
    }
}
