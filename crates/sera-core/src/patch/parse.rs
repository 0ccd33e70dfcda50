//! Reads unified diffs: headers by keyword, hunks by their counts.
use super::{FilePatch, Hunk, Line, LineKind, Patch, PatchError};
use crate::TreePath;

pub(super) fn parse(text: &str) -> Result<Patch, PatchError> {
    let mut reader = Reader { lines: text.split('\n').collect(), at: 0 };
    // What follows the last newline is not a line.
    if reader.lines.last() == Some(&"") {
        reader.lines.pop();
    }
    let mut files = Vec::new();
    let mut after_hunk = false;
    while let Some(line) = reader.peek() {
        if let Some(names) = line.strip_prefix("diff --git ") {
            reader.at += 1;
            files.extend(reader.git_file(names.trim_end_matches('\r'))?);
            after_hunk = true;
        } else if line.starts_with("diff --cc ") || line.starts_with("diff --combined ") {
            return Err(reader.error("a combined diff has no single old side"));
        } else if reader.at_names() {
            files.extend(reader.plain_file()?);
            after_hunk = true;
        } else if after_hunk && line.starts_with([' ', '+', '-']) && line.trim_end() != "--" {
            return Err(reader.error("more lines than the hunk's header counts"));
        } else {
            after_hunk = false;
            reader.at += 1;
        }
    }
    files.sort_by(|a: &FilePatch, b| a.path().cmp(b.path()));
    match files.windows(2).find(|pair| pair[0].path() == pair[1].path()) {
        Some(pair) => Err(reader.error(format!("{} is changed twice", pair[0].path()))),
        None => Ok(Patch { files }),
    }
}

struct Reader<'a> {
    lines: Vec<&'a str>,
    at: usize,
}

/// What the headers of one file say.
#[derive(Default)]
struct Header {
    names: Option<(String, String)>,
    renamed: (Option<String>, Option<String>),
    created: bool,
    deleted: bool,
    binary: bool,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.lines.get(self.at).copied()
    }

    fn error(&self, reason: impl Into<String>) -> PatchError {
        PatchError { line: (self.at + 1).min(self.lines.len().max(1)), reason: reason.into() }
    }

    /// At a `---` line that is followed by `+++` and a hunk.
    fn at_names(&self) -> bool {
        let starts = |offset: usize, with: &str| {
            self.lines.get(self.at + offset).is_some_and(|line| line.starts_with(with))
        };
        starts(0, "--- ") && starts(1, "+++ ") && starts(2, "@@ -")
    }

    fn git_file(&mut self, names: &str) -> Result<Option<FilePatch>, PatchError> {
        let mut header = Header { names: header_names(names), ..Header::default() };
        while let Some(line) = self.peek() {
            let line = line.trim_end_matches('\r');
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            match word {
                "new" if rest.starts_with("file mode") => header.created = true,
                "deleted" if rest.starts_with("file mode") => header.deleted = true,
                "rename" if rest.starts_with("from ") => {
                    header.renamed.0 = Some(self.unquoted(&rest[5..])?);
                }
                "rename" if rest.starts_with("to ") => {
                    header.renamed.1 = Some(self.unquoted(&rest[3..])?);
                }
                "copy" => return Err(self.error("copies are not supported")),
                "old" | "new" | "similarity" | "dissimilarity" | "index" => {}
                "Binary" => header.binary = true,
                "GIT" => {
                    header.binary = true;
                    self.skip_binary();
                    break;
                }
                _ => break,
            }
            self.at += 1;
        }
        self.file(&header)
    }

    /// Base85 has no spaces, so the next header cannot hide in it.
    fn skip_binary(&mut self) {
        while self.peek().is_some_and(|line| !line.starts_with("diff --git ")) {
            self.at += 1;
        }
    }

    fn file(&mut self, header: &Header) -> Result<Option<FilePatch>, PatchError> {
        let (old, new) = if self.at_names() {
            self.names()?
        } else {
            let sides = header.renamed.clone();
            let (old, new) = match (sides, &header.names) {
                ((Some(from), Some(to)), _) => (from, to),
                (_, Some((old, new))) => strip(old, new),
                _ => return Err(self.error("a header without readable names")),
            };
            (Some(old), Some(new))
        };
        let old = old.filter(|_| !header.created);
        let new = new.filter(|_| !header.deleted);
        let hunks = self.hunks()?;
        if header.binary && !hunks.is_empty() {
            return Err(self.error("a binary file with hunks"));
        }
        if hunks.is_empty() && !header.binary && old == new {
            return Ok(None);
        }
        self.build(old, new, hunks, header.binary).map(Some)
    }

    fn plain_file(&mut self) -> Result<Option<FilePatch>, PatchError> {
        let (old, new) = self.names()?;
        let hunks = self.hunks()?;
        self.build(old, new, hunks, false).map(Some)
    }

    fn build(
        &self,
        old: Option<String>,
        new: Option<String>,
        hunks: Vec<Hunk>,
        binary: bool,
    ) -> Result<FilePatch, PatchError> {
        let path = |side: Option<String>| {
            side.map(TreePath::new).transpose().map_err(|error| self.error(error.to_string()))
        };
        let (old, new) = (path(old)?, path(new)?);
        if old.is_none() && new.is_none() {
            return Err(self.error("both sides are missing"));
        }
        Ok(FilePatch { old, new, hunks, binary })
    }

    /// The two name lines; `None` for `/dev/null`.
    fn names(&mut self) -> Result<(Option<String>, Option<String>), PatchError> {
        let mut side = || {
            let name = self.unquoted(&self.lines[self.at][4..])?;
            self.at += 1;
            Ok((name != "/dev/null").then_some(name))
        };
        Ok(match (side()?, side()?) {
            (Some(old), Some(new)) => {
                let (old, new) = strip(&old, &new);
                (Some(old), Some(new))
            }
            (old, new) => {
                let bare = |name: String, prefix: &str| {
                    name.strip_prefix(prefix).map_or(name.clone(), str::to_owned)
                };
                (old.map(|name| bare(name, "a/")), new.map(|name| bare(name, "b/")))
            }
        })
    }

    /// A name to the end of its line: quoted as in C, or up to a tab.
    fn unquoted(&self, raw: &str) -> Result<String, PatchError> {
        if raw.starts_with('"') {
            return unquote(raw)
                .map(|(name, _)| name)
                .ok_or_else(|| self.error("a badly quoted path"));
        }
        let name = raw.split('\t').next().unwrap_or(raw);
        Ok(name.trim_end_matches('\r').to_owned())
    }

    fn hunks(&mut self) -> Result<Vec<Hunk>, PatchError> {
        let mut hunks = Vec::new();
        while let Some(header) = self.peek().and_then(|line| line.strip_prefix("@@ -")) {
            hunks.push(self.hunk(header)?);
        }
        if self.peek().is_some_and(|line| line.starts_with("@@")) {
            return Err(self.error("a malformed hunk header"));
        }
        Ok(hunks)
    }

    fn hunk(&mut self, header: &str) -> Result<Hunk, PatchError> {
        let ((old_start, mut old), (new_start, mut new)) =
            ranges(header).ok_or_else(|| self.error("a malformed hunk header"))?;
        if old + new == 0 {
            return Err(self.error("a hunk without lines"));
        }
        self.at += 1;
        let mut lines: Vec<Line> = Vec::new();
        while old > 0 || new > 0 {
            let raw = self.peek().ok_or_else(|| self.error("the hunk ends early"))?;
            // Editors strip the blank of an empty context line.
            let (sign, text) = if raw.is_empty() {
                (" ", "")
            } else {
                raw.split_at_checked(1).ok_or_else(|| self.error("not a line of a hunk"))?
            };
            let kind = match sign {
                " " => LineKind::Context,
                "-" => LineKind::Removed,
                "+" => LineKind::Added,
                "\\" if !lines.is_empty() => {
                    self.no_newline(&mut lines);
                    continue;
                }
                _ => return Err(self.error("not a line of a hunk")),
            };
            for (left, absent) in [(&mut old, LineKind::Added), (&mut new, LineKind::Removed)] {
                if kind != absent {
                    *left = left
                        .checked_sub(1)
                        .ok_or_else(|| self.error("the hunk's header counts other lines"))?;
                }
            }
            lines.push(Line { kind, text: text.to_owned(), newline: true });
            self.at += 1;
        }
        if self.peek().is_some_and(|line| line.starts_with('\\')) {
            self.no_newline(&mut lines);
        }
        Ok(Hunk { old_start, new_start, lines })
    }

    fn no_newline(&mut self, lines: &mut [Line]) {
        if let Some(last) = lines.last_mut() {
            last.newline = false;
        }
        self.at += 1;
    }
}

/// `1,2 +3,4 @@ …` as two (start, count).
fn ranges(header: &str) -> Option<((usize, usize), (usize, usize))> {
    let (ranges, _) = header.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    Some((range(old)?, range(new)?))
}

fn range(text: &str) -> Option<(usize, usize)> {
    let (start, count) = text.split_once(',').unwrap_or((text, "1"));
    // Far below overflow, far above any file.
    let number = |text: &str| text.parse().ok().filter(|&n: &usize| n < 1 << 31);
    Some((number(start)?, number(count)?))
}

/// Both names of a `diff --git` line. Unquoted names may hold spaces: then the two are told apart
/// by being equal, and where they are not, other headers name them.
fn header_names(text: &str) -> Option<(String, String)> {
    if text.starts_with('"') {
        let (old, rest) = unquote(text)?;
        let rest = rest.strip_prefix(' ')?;
        let new = if rest.starts_with('"') { unquote(rest)?.0 } else { rest.to_owned() };
        return Some((old, new));
    }
    if let Some(at) = text.find(" \"") {
        return Some((text[..at].to_owned(), unquote(&text[at + 1..])?.0));
    }
    let mut splits = text.match_indices(' ').map(|(at, _)| (&text[..at], &text[at + 1..]));
    let (old, new) = splits.find(|(old, new)| {
        let bare = strip(old, new);
        bare.0 == bare.1
    })?;
    Some((old.to_owned(), new.to_owned()))
}

/// Names without git's prefixes: `a/` and `b/`, or the mnemonic ones, which differ in their first
/// letter alone. Without prefixes (`diff.noprefix`) both stay as they are.
fn strip(old: &str, new: &str) -> (String, String) {
    let prefixed = |name: &str| name.as_bytes().get(1) == Some(&b'/');
    let default = old.starts_with("a/") && new.starts_with("b/");
    let mnemonic = |name: &str| prefixed(name) && name.starts_with(['c', 'i', 'o', 'w']);
    let differ = mnemonic(old) && mnemonic(new) && old[..1] != new[..1] && old[2..] == new[2..];
    if default || differ {
        (old[2..].to_owned(), new[2..].to_owned())
    } else {
        (old.to_owned(), new.to_owned())
    }
}

/// Reads a C string literal; the name and what follows the closing quote.
fn unquote(text: &str) -> Option<(String, &str)> {
    let bytes = text.as_bytes();
    let mut name = Vec::new();
    let mut at = 1;
    loop {
        match *bytes.get(at)? {
            b'"' => return Some((String::from_utf8(name).ok()?, &text[at + 1..])),
            b'\\' => {
                let (byte, length) = escape(bytes.get(at + 1..)?)?;
                name.push(byte);
                at += 1 + length;
            }
            byte => {
                name.push(byte);
                at += 1;
            }
        }
    }
}

/// The byte an escape stands for and the escape's length after the backslash.
fn escape(bytes: &[u8]) -> Option<(u8, usize)> {
    Some(match *bytes.first()? {
        b'a' => (7, 1),
        b'b' => (8, 1),
        b't' => (b'\t', 1),
        b'n' => (b'\n', 1),
        b'v' => (11, 1),
        b'f' => (12, 1),
        b'r' => (b'\r', 1),
        literal @ (b'"' | b'\\') => (literal, 1),
        b'0'..=b'3' => {
            let digits = std::str::from_utf8(bytes.get(..3)?).ok()?;
            (u8::from_str_radix(digits, 8).ok()?, 3)
        }
        _ => return None,
    })
}
