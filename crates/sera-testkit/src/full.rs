//! A disk that is full: a small one of the test's own, and a file that takes its space.
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The same program with a disk of `size` (as `mount` takes it) over the folder `at`, which only it
/// and its children see: for root, or for whoever may be root in a namespace of theirs. None where
/// no disk can be mounted; where nobody would read that a test was left out, that is a failure.
///
/// # Panics
/// Where none can be mounted and this is CI.
pub fn on_small_disk(at: &Path, size: &str, program: &Command) -> Option<Command> {
    let script = format!("mount -t tmpfs -o size={size} none \"$0\" && exec \"$@\"");
    let mounted = |options: &str, program: &Command| {
        let mut command = Command::new("unshare");
        command.args([options, "sh", "-c", &script]).arg(at);
        command.arg(program.get_program()).args(program.get_args());
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
    };
    let can = |options: &&&str| {
        let output = mounted(options, &Command::new("true")).output();
        output.is_ok_and(|output| output.status.success())
    };
    let Some(options) = ["-m", "-rm"].iter().find(can) else {
        assert!(std::env::var_os("CI").is_none(), "no small disk can be mounted here");
        let text = b"NOT TESTED: no small disk can be mounted here\n";
        drop(std::io::stderr().write_all(text));
        return None;
    };
    Some(mounted(options, program))
}

/// A file that takes all space of a disk but some. There is space again when it is dropped.
#[derive(Debug)]
pub struct Ballast(PathBuf);

impl Ballast {
    /// Fills the disk of a folder, but for `free` bytes.
    ///
    /// # Panics
    /// Where not even an empty file can be made.
    pub fn leaving(free: u64, disk: &Path) -> Self {
        let path = disk.join("ballast");
        let mut file = File::create(&path).expect("a disk takes one more name");
        for piece in [&[1; 1 << 16][..], &[1; 1 << 8]] {
            while file.write_all(piece).is_ok() {}
        }
        let length = file.metadata().expect("it is open").len();
        file.set_len(length.saturating_sub(free)).expect("it is cut shorter");
        Self(path)
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}
