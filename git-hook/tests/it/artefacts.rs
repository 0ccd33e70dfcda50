//! Man pages and completions are what the commands say. `cargo xtask codegen` runs the freshness
//! test with `GIT_SERA_CODEGEN` set, and then it writes the files.
use git_sera::artefacts::{Artefact, packaging};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

fn folder(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging").join(name)
}

/// Writes `files` and removes what else lies in `folder`.
fn write(folder: &Path, files: &[Artefact]) {
    drop(std::fs::remove_dir_all(folder));
    std::fs::create_dir_all(folder).unwrap();
    for file in files {
        std::fs::write(folder.join(&file.name), &file.content).unwrap();
    }
}

#[test]
fn the_committed_files_are_fresh() {
    for (name, files) in packaging() {
        let folder = folder(name);
        if std::env::var_os("GIT_SERA_CODEGEN").is_some() {
            write(&folder, &files);
        }
        for file in &files {
            let committed = std::fs::read_to_string(folder.join(&file.name)).unwrap_or_default();
            assert!(
                committed == file.content,
                "packaging/{name}/{} is stale: run `cargo xtask codegen`",
                file.name
            );
        }
        let made: BTreeSet<String> = files.into_iter().map(|file| file.name).collect();
        let there: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(there, made, "packaging/{name} holds nothing else");
    }
}

#[test]
fn every_shown_command_has_a_page() {
    let pages: Vec<String> = packaging().remove(0).1.into_iter().map(|page| page.name).collect();
    for page in ["git-sera.1", "git-sera-quickstart.1", "git-sera-fix.1", "git-sera-fsck.1"] {
        assert!(pages.iter().any(|name| name == page), "{page} in {pages:?}");
    }
    assert!(!pages.contains(&"git-sera-man.1".to_owned()), "hidden commands have none");
}

#[test]
fn gits_own_bash_completion_reaches_ours() {
    let script = folder("completions").join("git-sera.bash");
    let complete = "source \"$1\"; COMP_WORDS=(git sera fi); COMP_CWORD=2; _git_sera; echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["--norc", "-c", complete, "bash"])
        .arg(script)
        .output()
        .expect("bash is there, as git's own tests need it");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "fix", "{output:?}");
}

/// Of the settings, too.
#[test]
fn the_reference_of_settings_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.md");
    if std::env::var_os("GIT_SERA_CODEGEN").is_some() {
        std::fs::write(&path, sera_git::reference()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == sera_git::reference(), "`cargo xtask codegen` writes docs/settings.md");
}
