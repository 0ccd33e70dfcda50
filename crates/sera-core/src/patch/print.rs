//! Writes patches as `git diff` does, so that `git apply` takes them.
use super::{FilePatch, Hunk, LineKind, Patch};
use crate::TreePath;
use std::fmt;

impl fmt::Display for Patch {
    /// `git diff` format: `diff --git`, mode and rename headers, `\ No newline at end of file`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.iter().try_for_each(|file| file.fmt(f))
    }
}

impl fmt::Display for FilePatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (old, new) = (self.old.as_ref(), self.new.as_ref());
        let (before, after) = (old.unwrap_or(self.path()), self.path());
        writeln!(f, "diff --git {} {}", name("a/", Some(before)), name("b/", Some(after)))?;
        match (old, new) {
            (None, _) => writeln!(f, "new file mode 100644")?,
            (_, None) => writeln!(f, "deleted file mode 100644")?,
            (Some(from), Some(to)) if from != to => {
                writeln!(f, "rename from {}\nrename to {}", quoted("", from), quoted("", to))?;
            }
            (Some(_), Some(_)) => {}
        }
        if self.binary {
            return writeln!(f, "Binary files {} and {} differ", name("a/", old), name("b/", new));
        }
        if !self.hunks.is_empty() {
            writeln!(f, "--- {}\n+++ {}", header("a/", old), header("b/", new))?;
        }
        self.hunks.iter().try_for_each(|hunk| hunk.fmt(f))
    }
}

impl fmt::Display for Hunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let old = range(self.old_start, self.count(false));
        writeln!(f, "@@ -{old} +{} @@", range(self.new_start, self.count(true)))?;
        for line in &self.lines {
            let sign = match line.kind {
                LineKind::Context => ' ',
                LineKind::Removed => '-',
                LineKind::Added => '+',
            };
            writeln!(f, "{sign}{}", line.text)?;
            if !line.newline {
                writeln!(f, "\\ No newline at end of file")?;
            }
        }
        Ok(())
    }
}

fn range(start: usize, count: usize) -> String {
    if count == 1 { start.to_string() } else { format!("{start},{count}") }
}

/// `prefix` + path, quoted as C does where a quote in it would end it early.
fn quoted(prefix: &str, path: &TreePath) -> String {
    if path.as_str().contains('"') {
        format!("\"{prefix}{}\"", path.as_str().replace('"', "\\\""))
    } else {
        format!("{prefix}{path}")
    }
}

fn name(prefix: &str, path: Option<&TreePath>) -> String {
    path.map_or_else(|| "/dev/null".to_owned(), |path| quoted(prefix, path))
}

/// As [`name`]; a tab ends a name with spaces, which `patch` would take for a date.
fn header(prefix: &str, path: Option<&TreePath>) -> String {
    let name = name(prefix, path);
    if name.contains(' ') && !name.starts_with('"') { format!("{name}\t") } else { name }
}
