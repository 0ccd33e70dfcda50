//! Reading, writing, patching.
use proptest::prelude::*;
use sera_core::redact::Redactor;
use sera_core::{BlobId, EntryKind, Patch, Tree, TreeEntry, TreeError, TreePath};
use sera_sandbox::{Overlay, OverlayError};
use std::collections::BTreeMap;
use std::sync::Arc;

struct Files(BTreeMap<TreePath, Vec<u8>>);

impl Tree for Files {
    fn list(&self) -> Result<Arc<[TreeEntry]>, TreeError> {
        let entry = |(path, content): (&TreePath, &Vec<u8>)| {
            let kind =
                if content.starts_with(b"#!") { EntryKind::Executable } else { EntryKind::File };
            TreeEntry { path: path.clone(), blob: BlobId::from_hex("00"), kind }
        };
        Ok(self.0.iter().map(entry).collect())
    }

    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        let content = self.0.get(path).ok_or_else(|| TreeError::Missing(path.clone()))?;
        if content.starts_with(b"link:") {
            return Err(TreeError::Unreadable { path: path.clone(), reason: "it is a link" });
        }
        Ok(Arc::from(content.as_slice()))
    }
}

pub(crate) fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

pub(crate) fn overlay(files: &[(&str, &[u8])]) -> Overlay {
    let files = files.iter().map(|(name, content)| (path(name), content.to_vec())).collect();
    Overlay::new(Arc::new(Files(files)), Redactor::new([1; 32]))
}

fn small() -> Overlay {
    overlay(&[("a.py", b"x = 1\ny = 2\n"), ("dir/b.py", b"b\n"), ("run.sh", b"#!\n")])
}

fn names(overlay: &Overlay) -> Vec<String> {
    overlay.list().unwrap().iter().map(|entry| entry.path.to_string()).collect()
}

#[test]
fn edits_stand_above_the_base_and_the_base_beneath_stays() {
    let mut edited = small();
    let untouched = edited.clone();
    edited.write(path("a.py"), "x = 3\n".to_owned()).unwrap();
    edited.write(path("new/c.py"), "c\n".to_owned()).unwrap();
    edited.remove(path("dir/b.py")).unwrap();
    assert_eq!(names(&edited), ["a.py", "new/c.py", "run.sh"]);
    assert_eq!(&*edited.read_text(&path("a.py")).unwrap(), "x = 3\n");
    assert!(matches!(edited.read_text(&path("dir/b.py")), Err(TreeError::Missing(_))));
    assert_eq!(edited.edited(), [path("a.py"), path("dir/b.py"), path("new/c.py")]);
    assert_eq!(names(&untouched), ["a.py", "dir/b.py", "run.sh"]);
    assert_eq!(untouched.patch(), Patch::default());
}

#[test]
fn the_patch_is_against_the_mark() {
    let mut overlay = small();
    let bug = "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n-x = 1\n+x = 7\n y = 2\n";
    overlay.apply(&Patch::parse(bug).unwrap()).unwrap();
    assert_eq!(overlay.edited(), [path("a.py")]);
    overlay.mark();
    assert!(overlay.patch().is_empty() && overlay.edited().is_empty());
    overlay.write(path("a.py"), "x = 1\ny = 2\n".to_owned()).unwrap();
    assert_eq!(overlay.patch(), Patch::parse(bug).unwrap().inverse());
    overlay.write(path("a.py"), "x = 7\ny = 2\n".to_owned()).unwrap();
    assert!(overlay.patch().is_empty() && overlay.edited().is_empty());
}

#[test]
fn an_edited_file_is_listed_under_its_content_and_keeps_its_kind() {
    let mut overlay = small();
    let entry = |overlay: &Overlay| overlay.list().unwrap()[2].clone();
    overlay.write(path("run.sh"), "#!/bin/sh\n".to_owned()).unwrap();
    let first = entry(&overlay);
    overlay.write(path("run.sh"), "#!/bin/bash\n".to_owned()).unwrap();
    let second = entry(&overlay);
    assert_eq!((first.kind, second.kind), (EntryKind::Executable, EntryKind::Executable));
    assert_ne!(first.blob, second.blob);
}

#[test]
fn a_patch_applies_wholly_or_not_at_all() {
    let mut overlay = small();
    let text = "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n-x = 1\n+x = 7\n y = 2\n\
        --- a/dir/b.py\n+++ b/dir/b.py\n@@ -1 +1 @@\n-B\n+c\n";
    assert!(overlay.apply(&Patch::parse(text).unwrap()).is_err());
    assert!(overlay.edited().is_empty());
    let inside = "--- /dev/null\n+++ b/a.py/x\n@@ -0,0 +1 @@\n+x\n";
    assert!(overlay.apply(&Patch::parse(inside).unwrap()).is_err());
}

#[test]
fn secrets_are_never_shown() {
    let secret = format!("{}{}", "ghp", "_0123456789abcdefghijABCDEFGHIJ456789");
    let text = format!("token = '{secret}'\nx = 1\n");
    let mut overlay = overlay(&[("a.py", text.as_bytes()), (".env", b"A=1"), ("k.pem", b"k")]);
    let shown = overlay.read_text(&path("a.py")).unwrap();
    assert!(!shown.contains(&secret) && shown.len() == text.len());
    assert_eq!(&*overlay.read(&path("a.py")).unwrap(), shown.as_bytes());
    assert_eq!(names(&overlay), ["a.py"]);
    assert!(matches!(overlay.read_text(&path(".env")), Err(TreeError::Missing(_))));
    overlay.write(path("a.py"), text.replace("x = 1", "x = 2")).unwrap();
    assert!(!overlay.patch().to_string().contains(&secret));
    assert_eq!(overlay.patch().changed_lines(), 2, "the pseudonym is the same both times");
    let error = overlay.write(path("k.pem"), String::new()).unwrap_err();
    assert_eq!(error.to_string(), "k.pem cannot be written: files of that name hold secrets");
}

#[test]
fn what_is_not_text_is_neither_read_nor_written() {
    let files: [(&str, &[u8]); 3] = [("bin", b"a\0b"), ("latin", b"\xe9t\xe9"), ("ln", b"link:x")];
    let mut overlay = overlay(&files);
    for (name, _) in files {
        let error = overlay.read_text(&path(name)).unwrap_err();
        assert!(matches!(error, TreeError::Unreadable { .. }), "{name}: {error}");
        assert!(overlay.write(path(name), "x".to_owned()).is_err(), "{name}");
    }
    assert_eq!(names(&overlay).len(), 3);
}

#[test]
fn files_and_folders_do_not_take_each_others_place() {
    let mut overlay = small();
    let refused = |overlay: &mut Overlay, name| {
        let result = overlay.write(path(name), String::new());
        matches!(result, Err(OverlayError::Refused { .. }))
    };
    assert!(refused(&mut overlay, "dir"));
    assert!(refused(&mut overlay, "a.py/c"));
    overlay.write(path("n"), String::new()).unwrap();
    assert!(refused(&mut overlay, "n/c"));
    overlay.remove(path("dir/b.py")).unwrap();
    assert!(!refused(&mut overlay, "dir"));
    assert!(overlay.remove(path("dir/b.py")).is_err());
}

#[test]
fn growth_is_bounded() {
    let mut overlay = small();
    let megabytes = |n: usize| "x".repeat(n << 20);
    let large = overlay.write(path("l"), megabytes(2) + "x").unwrap_err();
    assert!(matches!(large, OverlayError::FileTooLarge { size: 2_097_153, .. }));
    for i in 0..32 {
        overlay.write(path(&format!("f{i}")), megabytes(2)).unwrap();
    }
    overlay.write(path("f0"), megabytes(2)).expect("replacing does not grow");
    let total = overlay.write(path("one more"), "x".to_owned()).unwrap_err();
    assert!(matches!(total, OverlayError::TotalTooLarge { .. }));
    let mut overlay = small();
    for i in 0..2_000 {
        overlay.write(path(&format!("f{i}")), String::new()).unwrap();
    }
    let many = overlay.write(path("one more"), String::new()).unwrap_err();
    assert!(matches!(many, OverlayError::TooManyFiles));
}

proptest! {
    #[test]
    fn the_patch_turns_the_mark_into_what_stands(
        edits in prop::collection::vec((0..4usize, prop::option::of("[ab\n]{0,12}"), any::<bool>()), 0..12)
    ) {
        let mut overlay = small();
        let names = ["a.py", "dir/b.py", "new.py", "run.sh"];
        let mut marked = overlay.clone();
        for (name, text, mark) in edits {
            match text {
                Some(text) => overlay.write(path(names[name]), text).unwrap(),
                None => drop(overlay.remove(path(names[name]))),
            }
            if mark {
                overlay.mark();
                marked = overlay.clone();
            }
        }
        let edited: Vec<_> = overlay.patch().files.iter().map(|f| f.path().clone()).collect();
        prop_assert_eq!(overlay.edited(), edited);
        marked.apply(&overlay.patch()).unwrap();
        for name in names {
            let text = |overlay: &Overlay| overlay.read_text(&path(name)).ok();
            prop_assert_eq!(text(&marked), text(&overlay));
        }
    }
}
