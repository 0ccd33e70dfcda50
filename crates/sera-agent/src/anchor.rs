//! Edits with the smallest unique anchor: how a known change is written as actions.
use sera_core::{Action, TreePath};

/// The [`Action::Edit`]s that turn `before` into `after`, top to bottom, one per group of changed
/// lines, each of whole lines and executable after the ones before it. Empty when nothing differs.
pub fn edits_between(path: &TreePath, before: &str, after: &str) -> Vec<Action> {
    let _ = (path, before, after);
    todo!()
}
