//! A repository's own config file: it is read or refused, and sets nothing that is the user's.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sera_git::Repository;
use std::path::PathBuf;
use std::sync::LazyLock;

/// A repository with a commit's worth of nothing, made once by hand.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder").keep();
    let git = folder.join(".git");
    for part in ["objects", "refs/heads"] {
        std::fs::create_dir_all(git.join(part)).expect("a folder");
    }
    std::fs::write(git.join("HEAD"), "ref: refs/heads/main\n").expect("a file");
    folder
});

fuzz_target!(|text: &[u8]| {
    let own = [text, b"\n[sera \"teacher\"]\n\turl = https://of.the.repository/v1\n"].concat();
    std::fs::write(FOLDER.join(".git/config"), own).expect("a file");
    let Ok(repository) = Repository::discover(&FOLDER) else { return };
    let Ok(settings) = repository.settings() else { return };
    let urls = settings.values("sera.teacher.url");
    assert!(!urls.iter().any(|url| url.contains("of.the.repository")), "{urls:?}");
    settings.own();
    drop(repository.config("sera.base"));
});
