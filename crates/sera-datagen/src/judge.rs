//! Judging one commit by itself: is its change worth a task, and what exactly is that change?
//!
//! The cheap questions come first: the message, then the paths, then the text.
use crate::known::Judged;
use crate::sources::{Place, Sources};
use crate::{DropReason, filters};
use sera_core::redact::{Redactor, denied, holds_secret};
use sera_core::{
    BlobId, CommitSeed, Digest, FilePatch, FunctionKey, Language, LineKind, Patch, SeedId, TreePath,
};
use sera_git::{CommitInfo, FileChange};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One source file of a change, both sides read.
struct Source {
    path: TreePath,
    language: Language,
    old: Option<Side>,
    new: Option<Side>,
    patch: FilePatch,
}

struct Side {
    path: TreePath,
    blob: BlobId,
    text: Arc<str>,
}

/// Judges a commit against its first parent.
pub(crate) fn judge(sources: &Sources<'_>, info: &CommitInfo) -> Judged {
    eligible(sources, info).unwrap_or_else(Judged::Dropped)
}

fn eligible(sources: &Sources<'_>, info: &CommitInfo) -> Result<Judged, DropReason> {
    let (subject, body) = message(info);
    if let Some(reason) = by_message(info, &subject) {
        return Err(reason);
    }
    if holds_secret(&info.message) {
        return Err(DropReason::Secret);
    }
    let parent = info.parents.first().ok_or(DropReason::Root)?;
    let changes = sources.repository.changes(Some(parent), &info.id);
    let changes = changes.map_err(|_| DropReason::Missing)?;
    let own = own_sources(&changes)?;
    if own.len() > sources.policy.max_commit_files {
        return Err(DropReason::TooManyFiles);
    }
    let read = read(sources, &own)?;
    if let Some(reason) = by_text(sources, &read) {
        return Err(reason);
    }
    let touched = touched(sources, &read);
    let patch = Patch { files: read.into_iter().map(|s| s.patch).collect() };
    let patch_id = patch_id(&patch);
    let seed = Box::new(CommitSeed {
        id: SeedId::of(&["commit", info.id.as_str()]),
        commit: info.id.clone(),
        parent: parent.clone(),
        time: info.time,
        subject,
        body,
        patch,
        touched,
        held_out: false,
    });
    Ok(Judged::Eligible { seed, patch_id })
}

/// Subject and body without trailers. A forge's merge commit speaks in its body.
fn message(info: &CommitInfo) -> (String, String) {
    let text = info.message.trim();
    let (mut subject, mut rest) = text.split_once('\n').unwrap_or((text, ""));
    if info.parents.len() > 1 && subject.starts_with("Merge pull request") {
        let title = rest.trim_start();
        let (title, body) = title.split_once('\n').unwrap_or((title, ""));
        if !title.is_empty() {
            (subject, rest) = (title, body);
        }
    }
    (subject.trim().to_owned(), without_trailers(rest.trim()).to_owned())
}

/// `body` without a last paragraph that is all `Word-word: value` lines.
fn without_trailers(body: &str) -> &str {
    let trailer = |line: &str| {
        line.split_once(": ").is_some_and(|(key, _)| {
            key.starts_with(|c: char| c.is_ascii_uppercase())
                && key.chars().all(|c| c.is_ascii_alphabetic() || c == '-')
        })
    };
    let start = body.rfind("\n\n").map_or(0, |at| at + 2);
    if body[start..].lines().all(trailer) { body[..start].trim_end() } else { body }
}

fn by_message(info: &CommitInfo, subject: &str) -> Option<DropReason> {
    let author = format!("{} <{}>", info.author_name, info.author_email);
    if filters::bot(&author) {
        return Some(DropReason::Bot);
    }
    if filters::assistant(&author) || filters::assistant(&info.message) {
        return Some(DropReason::AiAttributed);
    }
    filters::subject_class(subject).then_some(DropReason::SubjectClass)
}

/// The changes to the developers' own source files, or why there are none.
fn own_sources(changes: &[FileChange]) -> Result<Vec<&FileChange>, DropReason> {
    let (mut tests, mut foreign, mut other) = (0_usize, 0_usize, 0_usize);
    let mut own = Vec::new();
    for change in changes {
        let Some((path, _)) = change.new.as_ref().or(change.old.as_ref()) else { continue };
        if filters::lockfile(path) {
            continue;
        } else if Language::of(path).is_none() {
            other += 1;
        } else if denied(path) || filters::vendored(path) || filters::generated_path(path) {
            foreign += 1;
        } else if filters::test_path(path) {
            tests += 1;
        } else {
            own.push(change);
        }
    }
    match (own.is_empty(), tests, foreign, other) {
        (false, ..) => Ok(own),
        (true, 1.., ..) => Err(DropReason::TestsOnly),
        (true, 0, 1.., _) => Err(DropReason::ForeignOnly),
        (true, 0, 0, 1..) => Err(DropReason::NoSource),
        (true, 0, 0, 0) if changes.is_empty() => Err(DropReason::NoSource),
        (true, 0, 0, 0) => Err(DropReason::LockfileOnly),
    }
}

fn read(sources: &Sources<'_>, own: &[&FileChange]) -> Result<Vec<Source>, DropReason> {
    let side = |(path, blob): &(TreePath, BlobId)| {
        let text = sources.text(blob)?;
        Ok(Side { path: path.clone(), blob: blob.clone(), text })
    };
    let mut read = Vec::new();
    for change in own {
        let old = change.old.as_ref().map(side).transpose()?;
        let new = change.new.as_ref().map(side).transpose()?;
        if new.as_ref().is_some_and(|s| filters::generated_text(&s.text)) {
            continue;
        }
        read.extend(source(old, new));
    }
    if read.is_empty() { Err(DropReason::FormatOnly) } else { Ok(read) }
}

/// `None` where only the name or the mode changed.
fn source(old: Option<Side>, new: Option<Side>) -> Option<Source> {
    let path = new.as_ref().or(old.as_ref())?.path.clone();
    let text = |side: &Option<Side>| side.as_ref().map(|s| s.text.clone());
    let mut patch = FilePatch::between(&path, text(&old).as_deref(), text(&new).as_deref())?;
    if let (Some(old), Some(_)) = (&old, &new) {
        patch.old = Some(old.path.clone());
    }
    Some(Source { language: Language::of(&path)?, path, old, new, patch })
}

fn by_text(sources: &Sources<'_>, read: &[Source]) -> Option<DropReason> {
    let lines: usize = read.iter().map(|s| changed(&s.patch).count()).sum();
    if lines > sources.policy.max_commit_lines {
        return Some(DropReason::TooLarge);
    }
    if read.iter().all(|s| format_only(&s.patch)) {
        return Some(DropReason::FormatOnly);
    }
    if read.iter().all(|s| format_only(&s.patch) || comment_only(sources, s)) {
        return Some(DropReason::CommentOnly);
    }
    read.iter().any(shows_secret).then_some(DropReason::Secret)
}

/// Whether a line that the patch shows holds a part of a secret, of which the rest may stand where
/// nothing changed: then the patch reads otherwise once both sides are redacted.
fn shows_secret(source: &Source) -> bool {
    // The key does not matter for finding secrets, only for naming their pseudonyms.
    let redactor = Redactor::new([0; 32]);
    let redacted = |side: &Option<Side>| side.as_ref().map(|side| redactor.redact(&side.text));
    let (old, new) = (redacted(&source.old), redacted(&source.new));
    if [&old, &new].iter().all(|side| side.as_ref().is_none_or(|(_, secrets)| *secrets == 0)) {
        return false;
    }
    let text = |side: &Option<(String, usize)>| side.as_ref().map(|(text, _)| text.clone());
    let patch = FilePatch::between(&source.path, text(&old).as_deref(), text(&new).as_deref());
    patch.is_none_or(|patch| patch.hunks != source.patch.hunks)
}

fn changed(patch: &FilePatch) -> impl Iterator<Item = (LineKind, &str)> {
    let lines = patch.hunks.iter().flat_map(|h| &h.lines);
    lines.filter(|l| l.kind != LineKind::Context).map(|l| (l.kind, l.text.as_str()))
}

/// The same text but for white space and commas, or the same lines in another order.
fn format_only(patch: &FilePatch) -> bool {
    if patch.old.is_none() || patch.new.is_none() {
        return false;
    }
    let side = |kind| changed(patch).filter(move |(k, _)| *k == kind).map(|(_, text)| text);
    let squeezed = |kind| {
        let keep = |c: &char| !c.is_whitespace() && *c != ',';
        side(kind).flat_map(str::chars).filter(keep).collect::<String>()
    };
    let sorted = |kind| {
        let mut lines: Vec<_> = side(kind).map(str::trim).filter(|l| !l.is_empty()).collect();
        lines.sort_unstable();
        lines
    };
    // Python's indentation is code: lines that only move in or out are not formatting there.
    let python = patch.path().extension().is_some_and(|e| e.starts_with("py"));
    let shifted = python
        && squeezed(LineKind::Removed) == squeezed(LineKind::Added)
        && side(LineKind::Removed).count() == side(LineKind::Added).count()
        && sorted(LineKind::Removed) == sorted(LineKind::Added);
    !shifted
        && (squeezed(LineKind::Removed) == squeezed(LineKind::Added)
            || sorted(LineKind::Removed) == sorted(LineKind::Added))
}

/// The code is the same once comments and documentation are taken away.
fn comment_only(sources: &Sources<'_>, source: &Source) -> bool {
    let (Some(old), Some(new)) = (&source.old, &source.new) else { return false };
    let documented = |side: &Side, numbers: &BTreeSet<usize>| {
        let places = sources.places(&side.blob, source.language, &side.text);
        let lines: Vec<&str> = side.text.lines().collect();
        numbers.iter().all(|number| {
            let line = lines.get(number - 1).map_or("", |l| l.trim());
            line.is_empty()
                || comment_line(source.language, line)
                || places
                    .iter()
                    .any(|p| p.documentation.as_ref().is_some_and(|d| d.contains(number)))
        })
    };
    let (removed, added) = numbers(&source.patch);
    if documented(old, &removed) && documented(new, &added) {
        return true;
    }
    let marker = source.language.line_comment();
    changed(&source.patch).any(|(_, text)| text.contains(marker))
        && sera_syntax::same_code(source.language, &old.text, &new.text)
}

fn comment_line(language: Language, line: &str) -> bool {
    match language.line_comment() {
        "#" => line.starts_with('#'),
        _ => ["//", "/*", "* ", "*/"].iter().any(|m| line.starts_with(m)) || line == "*",
    }
}

/// Numbers, from 1, of the removed lines before and of the added lines after.
fn numbers(patch: &FilePatch) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let (mut removed, mut added) = (BTreeSet::new(), BTreeSet::new());
    for hunk in &patch.hunks {
        let (mut old, mut new) = (hunk.old_start, hunk.new_start);
        for line in &hunk.lines {
            match line.kind {
                LineKind::Context => (old, new) = (old + 1, new + 1),
                LineKind::Removed => {
                    removed.insert(old);
                    old += 1;
                }
                LineKind::Added => {
                    added.insert(new);
                    new += 1;
                }
            }
        }
    }
    (removed, added)
}

/// Functions the change touches, before or after, in path order.
fn touched(sources: &Sources<'_>, read: &[Source]) -> Vec<FunctionKey> {
    let mut touched = BTreeSet::new();
    for source in read {
        let (removed, added) = numbers(&source.patch);
        for (side, numbers) in [(&source.old, removed), (&source.new, added)] {
            let Some(side) = side else { continue };
            let places = sources.places(&side.blob, source.language, &side.text);
            let hit = |p: &&Place| numbers.range(p.lines.clone()).next().is_some();
            touched.extend(
                places
                    .iter()
                    .filter(hit)
                    .map(|p| FunctionKey { path: source.path.clone(), name: p.name.clone() }),
            );
        }
    }
    touched.into_iter().collect()
}

/// Names a change by its paths and changed lines without white space, so that the same change on
/// top of something else has the same name.
pub(crate) fn patch_id(patch: &Patch) -> Digest {
    let mut text = String::new();
    let by_path: BTreeMap<_, _> = patch.files.iter().map(|f| (f.path(), f)).collect();
    for (path, file) in by_path {
        text.push_str(path.as_str());
        for (kind, line) in changed(file) {
            text.push(if kind == LineKind::Added { '\u{1}' } else { '\u{2}' });
            text.extend(line.chars().filter(|c| !c.is_whitespace()));
        }
        text.push('\u{3}');
    }
    Digest::of(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(old: &str, new: &str, path: &str) -> FilePatch {
        FilePatch::between(&TreePath::new(path).unwrap(), Some(old), Some(new)).unwrap()
    }

    #[test]
    fn formatting_is_not_a_change() {
        for (path, old, new, expect) in [
            ("a.py", "f(a,\n  b)\n", "f(a, b,)\n", true),
            ("a.rs", "a;\nb;\n", "b;\na;\n", true),
            ("a.py", "f(a - b)\n", "f(b - a)\n", false),
            ("a.py", "if a:\n    b\n    c\n", "if a:\n    b\nc\n", false),
            ("a.go", "if a {\n  b\n}\n", "if a {\n\tb\n}\n", true),
        ] {
            assert_eq!(format_only(&file(old, new, path)), expect, "{old:?} -> {new:?}");
        }
    }

    #[test]
    fn trailers_go() {
        for (body, expect) in [
            ("Why.\n\nSigned-off-by: A <a@b>\nReviewed-by: C", "Why."),
            ("Signed-off-by: A <a@b>", ""),
            ("Note: this is prose\nthat goes on.", "Note: this is prose\nthat goes on."),
        ] {
            assert_eq!(without_trailers(body), expect);
        }
    }

    #[test]
    fn a_change_has_one_name_wherever_it_is_applied() {
        let patch = |old: &str, new: &str, path: &str| Patch { files: vec![file(old, new, path)] };
        let a = patch("x\na\n", "x\nb\n", "p.py");
        assert_eq!(patch_id(&a), patch_id(&patch("y\ny\n\ta\n", "y\ny\n\tb\n", "p.py")));
        assert_ne!(patch_id(&a), patch_id(&patch("x\na\n", "x\nb\n", "q.py")));
        assert_ne!(patch_id(&a), patch_id(&a.inverse()));
    }
}
