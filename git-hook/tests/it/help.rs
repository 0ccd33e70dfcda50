//! Help and mistakes on the command line.
use crate::bench::Bench;
use insta::assert_snapshot;
use std::path::Path;

#[test]
fn short_help_is_usage_and_exits_129_like_gits() {
    assert_snapshot!(Bench::new().run(&["-h"]));
}

#[test]
fn long_help_lists_the_exit_codes() {
    assert_snapshot!(Bench::new().run(&["--help"]));
}

#[test]
fn help_of_one_command() {
    let bench = Bench::new();
    assert_snapshot!("help_fix", bench.run(&["fix", "--help"]));
    assert_snapshot!("help_quickstart", bench.run(&["quickstart", "-h"]));
}

#[test]
fn mistakes_exit_129() {
    let bench = Bench::new();
    assert_snapshot!("mistake_command", bench.run(&["fxi"]));
    assert_snapshot!("mistake_option", bench.run(&["train", "--seconds", "9", "--tokens", "9"]));
}

/// Git finds the command on `PATH` and its page where `man` looks.
#[test]
fn git_passes_help_on() {
    let bench = Bench::new();
    let binary = Path::new(env!("CARGO_BIN_EXE_git-sera"));
    let own = std::env::var_os("PATH").unwrap();
    let folders = std::iter::once(binary.parent().unwrap().to_owned());
    let path = std::env::join_paths(folders.chain(std::env::split_paths(&own))).unwrap();
    let git = |arguments: &[&str]| {
        let mut git = bench.repo.command();
        git.args(arguments).env("PATH", &path).env("MANPATH", bench.folders().join("man"));
        git.env("MANPAGER", "cat").env("LC_ALL", "C").output().unwrap()
    };
    let short = git(&["sera", "-h"]);
    assert_eq!(short.status.code(), Some(129), "{short:?}");
    assert!(String::from_utf8_lossy(&short.stdout).contains("Usage: git sera"), "{short:?}");
    let pages = bench.folders().join("man/man1");
    assert!(bench.run(&["man", pages.to_str().unwrap()]).starts_with("exit 0"));
    for arguments in [["help", "sera"], ["sera", "--help"]] {
        let shown = git(&arguments);
        let text = String::from_utf8_lossy(&shown.stdout);
        let page = text.contains("git-sera - Grow a coding model");
        assert!(shown.status.success() && page, "{arguments:?}: {shown:?}");
    }
}
