//! Uncommitted work: what a fix must see over the last commit.
use crate::command::{Overruled, output, overrule};
use crate::tree::tree_path;
use crate::{GitError, MAX_BLOB, Repository};
use sera_core::TreePath;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

/// Settings of the user's own that decide what counts as changed or ignored.
const USER_KEYS: [&str; 4] =
    ["core.excludesFile", "core.attributesFile", "core.autocrlf", "core.eol"];

/// A changed file with its content in the work tree, `None` where it is gone.
pub type WorkTreeChange = (TreePath, Option<Vec<u8>>);

impl Repository {
    /// Changed and untracked-not-ignored files with their content, in path order. `None` where a
    /// tracked file is gone, or is no longer a regular file of at most [`MAX_BLOB`] bytes.
    pub fn work_tree_changes(&self) -> Result<Vec<WorkTreeChange>, GitError> {
        let mut command = self.git();
        overrule(&mut command, &self.status_settings()?);
        command.args(["status", "--porcelain=v2", "-z", "--no-renames"]);
        command.args(["--untracked-files=all", "--ignore-submodules=all"]);
        let mut changes = BTreeMap::new();
        for (path, tracked) in entries(&output(&mut command, "status")?) {
            let content = read(&self.work_dir().join(path.as_str()));
            if tracked || content.is_some() {
                changes.insert(path, content);
            }
        }
        Ok(changes.into_iter().collect())
    }

    /// Names of the filters that the repository configures, as bytes. Git itself is asked, which
    /// runs none of them for that: another reader may take other files in than git does.
    fn filters(&self) -> Result<BTreeSet<Vec<u8>>, GitError> {
        let mut command = self.git();
        command.args(["config", "--null", "--name-only", "--list"]);
        let listed = output(&mut command, "config")?;
        let keys = listed.split(|&byte| byte == 0);
        Ok(keys.filter_map(filter_name).map(<[u8]>::to_vec).collect())
    }

    /// What status honours: the user's ignore file, and no program that the repository names.
    fn status_settings(&self) -> Result<Vec<Overruled>, GitError> {
        let settings = self.settings()?;
        let mut values = Vec::new();
        for key in USER_KEYS {
            // Without a value of the user's own git would take the repository's.
            let value = settings.user(key).or_else(|| match key {
                "core.excludesFile" => Some(default("ignore")),
                "core.attributesFile" => Some(default("attributes")),
                _ => None,
            });
            values.extend(value.map(|value| (key.into(), expand(&value))));
        }
        for filter in self.filters()? {
            for (program, value) in
                [("clean", ""), ("smudge", ""), ("process", ""), ("required", "false")]
            {
                let key = [b"filter.", &*filter, b".", program.as_bytes()].concat();
                values.push((os_text(key)?, value.to_owned()));
            }
        }
        Ok(values)
    }
}

/// `lfs`, of `filter.lfs.clean`. A name may hold dots, and anything else.
fn filter_name(key: &[u8]) -> Option<&[u8]> {
    let rest = key.strip_prefix(b"filter.")?;
    Some(&rest[..rest.iter().rposition(|&byte| byte == b'.')?])
}

#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "elsewhere names that are no text cannot be passed on"
)]
fn os_text(bytes: Vec<u8>) -> Result<OsString, GitError> {
    Ok(std::os::unix::ffi::OsStringExt::from_vec(bytes))
}

#[cfg(not(unix))]
fn os_text(bytes: Vec<u8>) -> Result<OsString, GitError> {
    let message = "the name of a filter is not UTF-8".to_owned();
    let text = String::from_utf8(bytes);
    text.map(Into::into).map_err(|_| GitError::Command { command: "status", message })
}

fn home() -> Option<String> {
    std::env::var("HOME").ok().filter(|home| !home.is_empty())
}

/// Where git looks for a file of the user's that no setting names; nowhere without a home.
fn default(name: &str) -> String {
    let config = std::env::var("XDG_CONFIG_HOME").ok().filter(|folder| !folder.is_empty());
    let config = config.or_else(|| home().map(|home| home + "/.config"));
    config.map_or(String::new(), |folder| format!("{folder}/git/{name}"))
}

fn expand(path: &str) -> String {
    match (path.strip_prefix("~/"), home()) {
        (Some(rest), Some(home)) => format!("{home}/{rest}"),
        _ => path.to_owned(),
    }
}

/// Paths of `git status --porcelain=v2 -z`, and whether each is tracked; submodules left out.
fn entries(text: &[u8]) -> Vec<(TreePath, bool)> {
    let entry = |line: &[u8]| {
        let fields = match line.first()? {
            b'1' => 8,
            b'u' => 10,
            b'?' => 1,
            _ => return None,
        };
        let mut parts = line.splitn(fields + 1, |&byte| byte == b' ');
        let submodule = fields > 1 && parts.nth(2)?.first() == Some(&b'S');
        let path = tree_path(parts.last()?)?;
        (!submodule).then_some((path, fields > 1))
    };
    text.split(|&byte| byte == 0).filter_map(entry).collect()
}

fn read(file: &Path) -> Option<Vec<u8>> {
    let metadata = std::fs::symlink_metadata(file).ok()?;
    let readable = metadata.is_file() && metadata.len() <= MAX_BLOB;
    readable.then(|| std::fs::read(file).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn porcelain_v2() {
        let zeros = "0000000000000000000000000000000000000000";
        let text = format!(
            "1 .M N... 100644 100644 100644 {zeros} {zeros} a b.py\0\
             1 .M SC.. 160000 160000 160000 {zeros} {zeros} module\0\
             u UU N... 100644 100644 100644 100644 {zeros} {zeros} {zeros} c.py\0\
             ? new file.py\0? .git/x\0! ignored\0"
        );
        let found: Vec<(String, bool)> =
            entries(text.as_bytes()).into_iter().map(|(p, t)| (p.to_string(), t)).collect();
        let expected = [("a b.py", true), ("c.py", true), ("new file.py", false)];
        assert_eq!(found, expected.map(|(p, t)| (p.to_owned(), t)));
    }
}
