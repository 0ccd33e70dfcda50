//! Hooks as marked blocks in the repository's own folder of hooks.
//!
//! A block stands below a script's first line: many scripts end in `exec` or `exit`, and their
//! status stays their own. It reads no standard input, which is the script's, so only a file that
//! is all ours tells which commits were rewritten. Of the events only `post-rewrite` gets such a
//! file: Git LFS refuses to put its hooks in where any file of their names stands.
use super::{EVENTS, FROM_SCRIPT, Hooks, HooksError, Kind, script};
use crate::Repository;
use crate::spool::HINT;
use gix::bstr::ByteSlice as _;
use std::fs::{self, Metadata};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// The event that gets a file where there is none.
const OWN: &str = "post-rewrite";

/// What begins and ends our lines.
const START: &str = "# >>> git-sera >>>";
const END: &str = "# <<< git-sera <<<\n";

/// Begins the lines of a file that is all ours.
const MADE: &str = "# >>> git-sera >>> made";

/// The first line of such a file.
const SHEBANG: &str = "#!/bin/sh\n";

/// Scripts larger than that are not for people.
const LARGEST: u64 = 1 << 20;

/// Shells whose scripts can hold the block.
const SHELLS: [&str; 6] = ["sh", "ash", "bash", "dash", "ksh", "zsh"];

impl Repository {
    pub(super) fn install_files(&self) -> Result<Hooks, HooksError> {
        let folder = self.own_hooks_folder()?;
        let mut hooks = Hooks { kind: Kind::Files, files: Vec::new(), left: Vec::new() };
        for event in EVENTS {
            let file = folder.join(event);
            match fs::symlink_metadata(&file) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    if event != OWN {
                        continue;
                    }
                    make(&file).map_err(HooksError::io(&file))?;
                    hooks.files.push(file);
                }
                Err(error) => return Err(HooksError::io(&file)(error)),
                Ok(found) => match script_that_can_hold_it(&file, &found)? {
                    Err(reason) => hooks.left.push((file, reason)),
                    Ok(content) => {
                        replace(&file, &with_block(&content), &found)?;
                        hooks.files.push(file);
                    }
                },
            }
        }
        Ok(hooks)
    }

    /// The files that were changed or removed. All of the folder is looked through: some tools move
    /// a hook aside and call it from their own.
    pub(super) fn remove_files(&self) -> Result<Vec<PathBuf>, HooksError> {
        let folder = self.common_dir().join("hooks");
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(HooksError::io(&folder))?,
        };
        let mut changed = Vec::new();
        for entry in entries {
            let file = entry.map_err(HooksError::io(&folder))?.path();
            let found = fs::symlink_metadata(&file).map_err(HooksError::io(&file))?;
            if !found.is_file() || found.len() > LARGEST {
                continue;
            }
            let content = fs::read(&file).map_err(HooksError::io(&file))?;
            match without_block(&content) {
                Rest::Same => continue,
                Rest::Nothing => fs::remove_file(&file).map_err(HooksError::io(&file))?,
                Rest::Other(rest) => replace(&file, &rest, &found)?,
            }
            changed.push(file);
        }
        changed.sort();
        Ok(changed)
    }
}

/// A script's content, or why the block is not put into it.
fn script_that_can_hold_it(
    file: &Path,
    found: &Metadata,
) -> Result<Result<Vec<u8>, &'static str>, HooksError> {
    if !found.is_file() {
        return Ok(Err("it is a link or no file"));
    }
    if found.len() > LARGEST {
        return Ok(Err("it is larger than 1 MiB"));
    }
    if !is_executable(found) {
        return Ok(Err("it is not executable, so git does not run it"));
    }
    let content = fs::read(file).map_err(HooksError::io(file))?;
    Ok(fault(&content).map_or(Ok(content), Err))
}

/// What speaks against putting the block into a script of this content.
fn fault(content: &[u8]) -> Option<&'static str> {
    let first = content.lines_with_terminator().next().unwrap_or_default();
    let interpreter = first.strip_prefix(b"#!").and_then(|line| line.strip_suffix(b"\n"));
    let words = interpreter.unwrap_or_default().fields();
    let mut programs = words.map(|word| word.rsplit_str("/").next().unwrap_or(word));
    let program = programs.find(|name| *name != b"env");
    // What follows the first line would not be a line of its own.
    let unix = !first.ends_with(b"\r\n");
    if !unix || !program.is_some_and(|name| SHELLS.iter().any(|shell| shell.as_bytes() == name)) {
        return Some("it is not a shell script");
    }
    // Git LFS knows its own hooks by their whole content, and refuses to go on beside others.
    content.contains_str("git lfs ").then_some("it is Git LFS's, which would not know it again")
}

/// The script with our lines below its first.
fn with_block(content: &[u8]) -> Vec<u8> {
    let first = content.find_byte(b'\n').map_or(content.len(), |at| at + 1);
    let block = format!(
        "{START} added by `git sera register`; `git sera unregister` removes these lines\n\
         {{ echo 1 1<>\"${{0%/*}}/../sera/spool/{HINT}\"; }} 2>/dev/null || :\n{END}"
    );
    [&content[..first], block.as_bytes(), &content[first..]].concat()
}

/// The file that is all ours.
fn own_file() -> String {
    let script = script(FROM_SCRIPT);
    format!(
        "{SHEBANG}{MADE} by `git sera register`; `git sera unregister` removes this file\n\
         {script}\n{END}"
    )
}

/// What is left of a file without our lines.
#[derive(Debug, PartialEq, Eq)]
enum Rest {
    /// There are none.
    Same,
    /// The file was made for them.
    Nothing,
    /// What others wrote.
    Other(Vec<u8>),
}

fn without_block(content: &[u8]) -> Rest {
    let at = content.find(format!("\n{START}")).map(|at| at + 1);
    let Some(start) = at else { return Rest::Same };
    let Some(length) = content[start..].find(END) else { return Rest::Same };
    let rest = [&content[..start], &content[start + length + END.len()..]].concat();
    let made = content[start..].starts_with(MADE.as_bytes());
    if made && rest == SHEBANG.as_bytes() { Rest::Nothing } else { Rest::Other(rest) }
}

/// Makes our own file, with the folder where that is missing.
fn make(file: &Path) -> std::io::Result<()> {
    fs::create_dir_all(file.with_file_name(""))?;
    let mut options = fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o777);
    options.open(file)?.write_all(own_file().as_bytes())
}

/// Replaces a file whole or not at all; its permissions stay.
fn replace(file: &Path, content: &[u8], before: &Metadata) -> Result<(), HooksError> {
    let failed = || HooksError::io(file);
    let mut new = tempfile::NamedTempFile::new_in(file.with_file_name("")).map_err(failed())?;
    new.write_all(content).map_err(failed())?;
    new.as_file().set_permissions(before.permissions()).map_err(failed())?;
    new.persist(file).map_err(|error| error.error).map_err(failed())?;
    Ok(())
}

#[cfg(unix)]
fn is_executable(found: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    found.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_found: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_scripts_alone_can_hold_the_block() {
        for (script, expect) in [
            ("#!/bin/sh\nmake test\n", None),
            ("#!/bin/sh", Some("it is not a shell script")),
            ("#!/bin/sh -e\n", None),
            ("#! /usr/bin/env bash\nexec x\n", None),
            ("#!/usr/local/bin/zsh\n", None),
            ("#!/usr/bin/env python3\nprint()\n", Some("it is not a shell script")),
            ("#!/usr/bin/fish\n", Some("it is not a shell script")),
            ("#!/bin/sh\r\nmake\r\n", Some("it is not a shell script")),
            ("make test\n", Some("it is not a shell script")),
            ("", Some("it is not a shell script")),
            ("\u{7f}ELF\n", Some("it is not a shell script")),
            (
                "#!/bin/sh\ngit lfs post-commit \"$@\"\n",
                Some("it is Git LFS's, which would not know it again"),
            ),
        ] {
            assert_eq!(fault(script.as_bytes()), expect, "{script:?}");
        }
    }

    #[test]
    fn what_is_put_in_comes_out_whole() {
        for script in ["#!/bin/sh\n", "#!/bin/sh\nmake", "#!/bin/bash\n\nexec x\n", "#!/bin/sh\n\n"]
        {
            let with = with_block(script.as_bytes());
            assert_eq!(without_block(&with), Rest::Other(script.into()), "{script:?}");
            assert_eq!(without_block(script.as_bytes()), Rest::Same, "{script:?}");
        }
        assert_eq!(without_block(own_file().as_bytes()), Rest::Nothing);
        let added = format!("{}make test\n", own_file());
        assert_eq!(without_block(added.as_bytes()), Rest::Other("#!/bin/sh\nmake test\n".into()));
        let cut = own_file().replace(END, "");
        assert_eq!(without_block(cut.as_bytes()), Rest::Same, "an end that is gone ends nothing");
    }
}
