//! Paths inside a tree: the only paths a model ever names.
use serde::{Deserialize, Serialize};
use std::fmt;

/// A path relative to the root of a tree, `/`-separated and free of anything that could leave it or
/// mean something else on some file system.
///
/// Invariant: not empty, at most 4,096 bytes, no backslash, colon, control or invisible character;
/// no component that is empty, of dots alone, longer than 255 bytes, ends with a dot or a blank, is
/// a device of DOS or is `.git` in any case or under its short name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TreePath(String);

/// Why a string is not a [`TreePath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path:?} is not a path inside the tree: {reason}")]
pub struct PathError {
    /// The offending text.
    pub path: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl TreePath {
    /// Checks `path` against the invariant above.
    pub fn new(path: impl Into<String>) -> Result<Self, PathError> {
        let path = path.into();
        match Self::fault(&path) {
            None => Ok(Self(path)),
            Some(reason) => Err(PathError { path, reason }),
        }
    }

    fn fault(path: &str) -> Option<&'static str> {
        if path.is_empty() {
            return Some("it is empty");
        }
        if path.len() > 4096 {
            return Some("it is longer than 4,096 bytes");
        }
        if path.starts_with('/') || path.as_bytes().get(1) == Some(&b':') {
            return Some("it is absolute");
        }
        if path.chars().any(|c| c.is_control() || c == '\\') {
            return Some("it holds a control character or a backslash");
        }
        if path.contains(':') {
            return Some("it holds a colon");
        }
        if path.chars().any(is_invisible) {
            return Some("it holds a character that is not seen");
        }
        path.split('/').find_map(component_fault)
    }

    /// The whole path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last component.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().expect("split yields at least one part")
    }

    /// What follows the last dot of the file name.
    pub fn extension(&self) -> Option<&str> {
        let (stem, extension) = self.file_name().rsplit_once('.')?;
        (!stem.is_empty()).then_some(extension)
    }

    /// Whether this is `folder`, or lies in it.
    pub fn is_within(&self, folder: &Self) -> bool {
        let rest = self.0.strip_prefix(&folder.0);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The folders above it as paths, outermost first. What begins a path inside the tree is one.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        self.0.match_indices('/').map(|(at, _)| Self(self.0[..at].to_owned()))
    }

    /// The folders above the file, outermost first.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        let parent = self.0.rsplit_once('/').map_or("", |(parent, _)| parent);
        parent.split('/').filter(|c| !c.is_empty())
    }
}

fn component_fault(component: &str) -> Option<&'static str> {
    match component {
        "" => Some("it has an empty component"),
        "." | ".." => Some("it has a dot component"),
        c if c.eq_ignore_ascii_case(".git") || is_short_git(c) => Some("it names git's own folder"),
        c if c.len() > 255 => Some("a component is longer than 255 bytes"),
        // Windows drops them, so that two paths would be one file.
        c if c.ends_with(['.', ' ']) => Some("a component ends with a dot or a blank"),
        c if is_device(c) => Some("a component names a device"),
        _ => None,
    }
}

/// `GIT~1`, what `.git` is called where names are of eight letters.
fn is_short_git(component: &str) -> bool {
    let lower = component.to_ascii_lowercase();
    lower.strip_prefix("git~").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
}

/// Names that Windows opens a device by, whatever stands after their first dot.
fn is_device(component: &str) -> bool {
    let stem = component.split('.').next().unwrap_or_default().trim_end();
    let stem = stem.to_ascii_lowercase();
    let port = |name: &str| {
        let number = stem.strip_prefix(name)?;
        Some(matches!(number.as_bytes(), [b'0'..=b'9']) || ["¹", "²", "³"].contains(&number))
    };
    ["con", "prn", "aux", "nul", "conin$", "conout$"].contains(&stem.as_str())
        || ["com", "lpt"].into_iter().find_map(port).unwrap_or(false)
}

/// Characters that HFS ignores in names, and others that turn or hide what a reader sees.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl TryFrom<String> for TreePath {
    type Error = PathError;
    fn try_from(path: String) -> Result<Self, PathError> {
        Self::new(path)
    }
}

impl From<TreePath> for String {
    fn from(path: TreePath) -> Self {
        path.0
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_inside_the_tree() {
        let good = [
            "a",
            "src/lib.rs",
            "a b/c",
            ".github/x",
            "git/x",
            "ä/ö",
            "...a",
            "console.rs",
            "comma.c",
            "com10.c",
            "auxiliary/con_man.py",
            "%2e%2e/x",
            "．．/x",
            "git~one",
            ".gitignore",
            "~/x",
        ];
        for good in good {
            assert!(TreePath::new(good).is_ok(), "{good} is inside the tree");
        }
        for bad in [
            "",
            "/a",
            "../a",
            "a/../b",
            "./a",
            "a//b",
            "a/",
            ".git/config",
            "a/.GIT/x",
            "C:/x",
            "a\\b",
            "a\0b",
            "a\nb",
            "GIT~1/x",
            "a/...",
            "a./b",
            "a /b",
            "b/ ",
            "a:b",
            "f.txt::$DATA",
            "\\\\?\\C:\\x",
            "//server/share",
            "src/aux.c",
            "NUL",
            "com1.txt",
            "lpt².log",
            "con .txt",
            ".g\u{200c}it/config",
            "\u{feff}.git/x",
            "a\u{202e}b",
            "a\rb",
            "git~2",
        ] {
            assert!(TreePath::new(bad).is_err(), "{bad:?} is refused");
        }
    }

    #[test]
    fn ancestors_are_the_folders_above() {
        let above = |p: &str| {
            let path = TreePath::new(p).unwrap();
            path.ancestors().map(String::from).collect::<Vec<_>>()
        };
        assert_eq!(above("a"), [""; 0]);
        assert_eq!(above("a/b/c.py"), ["a", "a/b"]);
    }

    #[test]
    fn extension_is_of_the_file_name() {
        let extension = |p: &str| TreePath::new(p).unwrap().extension().map(str::to_owned);
        assert_eq!(extension("a.d/b"), None);
        assert_eq!(extension(".profile"), None);
        assert_eq!(extension("a/b.test.ts").as_deref(), Some("ts"));
    }
}
