//! A repository with a few functions in every language Sera knows.
use crate::{AUTHOR, History, Repo};

/// Builds the repository.
pub fn mixed_project() -> Repo {
    let mut history = History::new();
    history.commit(
        AUTHOR,
        "Start",
        &[("a.py", "def add(a, b):\n    total = a + b\n    return total\n")],
    );
    history.build()
}
