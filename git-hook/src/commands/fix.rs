//! `git sera fix`.
use super::{Context, wire_path};
use crate::command_error::{CommandError, Kind};
use crate::diff;
use crate::ui::{paint, style};
use crate::visible::visible;
use clap::Args;
use sera_core::Patch;
use sera_git::{Applied, ApplyError, Repository};
use sera_protocol::report::{FixReport, Proposal};
use sera_protocol::{Job, JobResult};
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

/// How much of a failing test's output is sent: its end, where the failure stands.
const OUTPUT_LIMIT: usize = 64 << 10;

/// Propose a change that puts something right
///
/// Works on the files as they are, uncommitted changes included, and writes nothing unless --apply
/// is given. Without a description, or with `-`, what is wrong is read from standard input:
///
///   pytest 2>&1 | git sera fix
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Fix {
    /// What is wrong, or `-` to read a failing test's output
    description: Option<String>,
    /// Only change these files and folders
    #[arg(value_name = "PATHS")]
    paths: Vec<PathBuf>,
    /// Write the best proposal into the work tree
    #[arg(long)]
    apply: bool,
    /// Show the N best proposals
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=20))]
    show: u64,
}

impl Fix {
    pub(super) fn run(&self, context: &Context<'_>) -> Result<Kind, CommandError> {
        let repository = context.repository()?;
        let job = Job::Fix {
            description: self.description()?,
            paths: tree_paths(&context.folder()?, &repository, &self.paths)?,
            buffers: None,
            proposals: self.show,
        };
        let report = match context.run_on(&repository, job)? {
            JobResult::Fix(report) => report,
            other => return Err(CommandError::unexpected(&other)),
        };
        // Shown before it is applied, so that what was written can be read even on a conflict.
        let shown = context.to_show(report.clone())?;
        if !context.ui.wants_json() {
            context.ui.data(&show(&shown, self.show))?;
        }
        let best = report.patch.as_ref().filter(|patch| !patch.is_empty());
        let applied = match best {
            Some(patch) if self.apply => Some(apply(&repository, patch)?),
            _ => None,
        };
        if context.ui.wants_json() {
            context.ui.json(&with_applied(&report, applied.as_ref())?)?;
        }
        conclude(context, &shown, best.is_some(), applied.as_ref());
        Ok(if best.is_some() { Kind::Success } else { Kind::NoResult })
    }

    /// What is wrong, from the command line or standard input.
    fn description(&self) -> Result<String, CommandError> {
        let text = match self.description.as_deref() {
            Some(text) if text != "-" => text.to_owned(),
            None if std::io::stdin().is_terminal() => String::new(),
            Some(_) | None => {
                let mut bytes = Vec::new();
                std::io::stdin().lock().read_to_end(&mut bytes)?;
                end_of(&String::from_utf8_lossy(&bytes), OUTPUT_LIMIT).to_owned()
            }
        };
        if text.trim().is_empty() {
            return Err(CommandError::new(Kind::Usage, "nothing says what is wrong")
                .hint("describe it: git sera fix \"total() counts the last line twice\"")
                .hint("or pipe a failing test's output in: pytest 2>&1 | git sera fix"));
        }
        Ok(text)
    }
}

/// The last whole lines of `text` within `limit` bytes.
fn end_of(text: &str, limit: usize) -> &str {
    let Some(mut start) = text.len().checked_sub(limit).filter(|start| *start > 0) else {
        return text;
    };
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text[start..].split_once('\n').map_or(&text[start..], |(_, rest)| rest)
}

/// `paths`, given from `folder`, as paths inside the repository. The whole tree is no limit.
fn tree_paths(
    folder: &Path,
    repository: &Repository,
    paths: &[PathBuf],
) -> Result<Vec<String>, CommandError> {
    let root = repository.work_dir().canonicalize()?;
    let mut inside = Vec::new();
    for path in paths {
        let refuse = |why: &str| {
            CommandError::new(Kind::Usage, format!("{} {why}", path.display()))
                .hint("name files and folders of this repository")
        };
        let full = folder.join(path).canonicalize().map_err(|_| refuse("does not exist"))?;
        let relative = full.strip_prefix(&root).map_err(|_| refuse("is not in the repository"))?;
        if relative.as_os_str().is_empty() {
            return Ok(Vec::new());
        }
        inside.push(wire_path(relative)?.replace(std::path::MAIN_SEPARATOR, "/"));
    }
    Ok(inside)
}

fn show(report: &FixReport, wanted: u64) -> String {
    if wanted == 1 {
        return report.patch.as_ref().map(diff::show).unwrap_or_default();
    }
    let of = report.proposals.len();
    let one = |(at, proposal): (usize, &Proposal)| {
        let heading = format!("# {} of {of}: {}", at + 1, origin(proposal));
        format!("{}\n{}", paint(style::HEADING, &heading), diff::show(&proposal.patch))
    };
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    report.proposals.iter().enumerate().take(wanted).map(one).collect()
}

/// Where a proposal stands and what it is worth, in a few words.
fn origin(proposal: &Proposal) -> String {
    let name = proposal.name.as_ref().map_or(String::new(), |name| format!(" {name}"));
    format!("{}{name}, {}, score {:.1}", proposal.path, proposal.source, proposal.nats)
}

fn apply(repository: &Repository, patch: &Patch) -> Result<Applied, CommandError> {
    repository.apply(patch).map_err(|error| {
        let kind = match &error {
            ApplyError::Empty | ApplyError::Conflict(_) | ApplyError::Unwritable { .. } => {
                Kind::Input
            }
            ApplyError::Io { .. } => Kind::Io,
        };
        CommandError::of(kind, &error).hint(format!("nothing was written; {}", error.hint()))
    })
}

fn with_applied(
    report: &FixReport,
    applied: Option<&Applied>,
) -> Result<serde_json::Value, CommandError> {
    let mut value =
        serde_json::to_value(report).map_err(|error| CommandError::of(Kind::Internal, &error))?;
    value["applied"] = applied.map_or(
        serde_json::Value::Null,
        |applied| serde_json::json!({ "files": applied.files, "undo": applied.undo() }),
    );
    Ok(value)
}

/// Says what the diff is and what can be done with it.
fn conclude(context: &Context<'_>, report: &FixReport, found: bool, applied: Option<&Applied>) {
    let ui = context.ui;
    if !found {
        ui.status("no change was found");
        ui.hint("describe the symptom with words of the code, or name the file");
        return;
    }
    if let Some(best) = report.proposals.first() {
        let by = report.served.as_deref().unwrap_or("base");
        ui.status(&visible(&format!("proposed: {}, ranked by {by}", origin(best))));
    }
    match applied {
        Some(applied) => {
            let files: Vec<&str> = applied.files.iter().map(sera_core::TreePath::as_str).collect();
            ui.status(&visible(&format!("wrote {}", files.join(", "))));
            ui.hint(&format!("undo it: {}", applied.undo()));
        }
        None => {
            ui.status("nothing was written");
            ui.hint("write it into the work tree: the same command with --apply");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::end_of;

    #[test]
    fn long_output_is_cut_at_a_line_from_its_start() {
        let check = |text, limit, expect: &str| assert_eq!(end_of(text, limit), expect);
        check("a\nb\nc", 9, "a\nb\nc");
        check("aa\nbb\ncc", 6, "bb\ncc");
        check("aa\nbb\ncc", 4, "cc");
        check("xxää", 3, "ä");
    }
}
