//! A small Python repository with a history like real ones.
use crate::{AUTHOR, History, Repo};

/// Path and final text of every source file of [`python_project`].
pub fn python_sources() -> Vec<(&'static str, &'static str)> {
    vec![("stockroom/money.py", "def add(a, b):\n    total = a + b\n    return total\n")]
}

/// Builds the repository.
pub fn python_project() -> Repo {
    let mut history = History::new();
    history.commit(AUTHOR, "Start", &python_sources());
    history.build()
}
