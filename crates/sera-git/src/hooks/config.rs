//! Hooks in a file of ours that the repository's config includes. Git passes over an included file
//! that is missing, so removing `.git/sera` removes them, too.
//!
//! The config is changed here and not by `git config`, which does not always leave it as it was: a
//! section whose header follows a comment stays. Ours stands at the top, where no line has to be
//! ended for it. The lock is git's own.
use super::{EVENTS, FROM_WORK_TREE, Hooks, HooksError, Kind, script};
use crate::Repository;
use gix::bstr::ByteSlice as _;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// The file, below the common folder, where hooks stand.
const FILE: &str = "sera/hooks";

/// What includes it, line by line.
const INCLUDE: [&str; 4] = [
    "# >>> git-sera >>> added by `git sera register`; `git sera unregister` removes these lines\n",
    "[include]\n",
    "\tpath = sera/hooks\n",
    "# <<< git-sera <<<\n",
];

/// Editors of Windows begin a file with it, and git passes over it there alone.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Repository {
    pub(super) fn install_config(&self) -> Result<Hooks, HooksError> {
        let file = self.common_dir().join(FILE);
        let failed = || HooksError::io(&file);
        let mut new = tempfile::NamedTempFile::new_in(file.with_file_name("")).map_err(failed())?;
        new.write_all(text().as_bytes()).map_err(failed())?;
        new.persist(&file).map_err(|error| error.error).map_err(failed())?;
        let config = self.common_dir().join("config");
        if !change(&config, with_include).map_err(HooksError::io(&config))? {
            drop(fs::remove_file(&file));
            let left = vec![(config, "it is missing")];
            return Ok(Hooks { kind: Kind::None, files: Vec::new(), left });
        }
        Ok(Hooks { kind: Kind::Config, files: vec![config, file], left: Vec::new() })
    }

    /// The files that were changed or removed.
    pub(super) fn remove_config(&self) -> Result<Vec<PathBuf>, HooksError> {
        let [config, file] = ["config", FILE].map(|name| self.common_dir().join(name));
        let mut changed = Vec::new();
        if change(&config, without_include).map_err(HooksError::io(&config))? {
            changed.push(config);
        }
        match fs::remove_file(&file) {
            Ok(()) => changed.push(file),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(HooksError::io(&file)(error)),
        }
        Ok(changed)
    }
}

/// The file's text, as git writes its config.
fn text() -> String {
    let quoted = script(FROM_WORK_TREE).replace('\\', "\\\\").replace('"', "\\\"");
    let events = EVENTS.map(|event| format!("\tevent = {event}\n")).concat();
    format!(
        "# Written by `git sera register`, removed by `git sera unregister`.\n\
         [hook \"sera\"]\n{events}\tcommand = \"{quoted}\"\n"
    )
}

/// Changes a config under git's own lock, whole or not at all; false if nothing had to be changed.
fn change(config: &Path, to: fn(&[u8]) -> Vec<u8>) -> std::io::Result<bool> {
    // Git takes a config that is missing for an empty one, and so do we: there is nothing to change.
    let (config, before) = match config.canonicalize() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        config => config.and_then(|config| fs::read(&config).map(|before| (config, before)))?,
    };
    if to(&before) == before {
        return Ok(false);
    }
    let lock = config.with_file_name("config.lock");
    let mut new = fs::File::options().write(true).create_new(true).open(&lock)?;
    let written = (|| {
        // Read again: before it was locked, somebody may have written it.
        new.write_all(&to(&fs::read(&config)?))?;
        new.set_permissions(fs::metadata(&config)?.permissions())?;
        new.sync_all()?;
        fs::rename(&lock, &config)
    })();
    if written.is_err() {
        drop(fs::remove_file(&lock));
    }
    written.map(|()| true)
}

fn with_include(content: &[u8]) -> Vec<u8> {
    let mark = content.strip_prefix(BYTE_ORDER_MARK).map_or(0, |_| BYTE_ORDER_MARK.len());
    [&content[..mark], INCLUDE.concat().as_bytes(), &content[mark..]].concat()
}

/// Removes our lines. Git may have put another include below our header, which then stays.
fn without_include(content: &[u8]) -> Vec<u8> {
    let whole = INCLUDE.concat();
    if let Some(at) = content.find(&whole) {
        return [&content[..at], &content[at + whole.len()..]].concat();
    }
    let [first, _, path, last] = INCLUDE.map(str::as_bytes);
    let lines = content.lines_with_terminator();
    lines.filter(|line| ![first, path, last].contains(line)).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out_whole() {
        for config in [
            "",
            "[core]\n\tbare = false\n",
            "[core]\n\tbare = false",
            "# mine\n[include]\n\tpath = mine\n",
            "\u{feff}[core]\r\n\tbare = false\r\n",
        ] {
            let with = with_include(config.as_bytes());
            assert_eq!(without_include(&with), config.as_bytes(), "{config:?}");
            assert_eq!(without_include(config.as_bytes()), config.as_bytes(), "{config:?}");
        }
    }

    #[test]
    fn what_others_put_below_our_header_stays() {
        let with = INCLUDE.concat().replace("# <<<", "\tpath = mine\n# <<<");
        assert_eq!(without_include(with.as_bytes()), b"[include]\n\tpath = mine\n");
    }
}
