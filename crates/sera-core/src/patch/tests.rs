//! Patches against `git`'s own output, awkward lines, and properties over random texts.
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

fn between(old: &str, new: &str) -> Patch {
    Patch { files: FilePatch::between(&path("f"), Some(old), Some(new)).into_iter().collect() }
}

fn apply(patch: &Patch, files: &[(&str, &str)], fuzz: usize) -> Result<Vec<String>, ApplyError> {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let read = |path: &TreePath| files.get(path.as_str()).map(|&text| text.to_owned());
    let show = |(path, text): (TreePath, Option<String>)| {
        format!("{path}={}", text.unwrap_or_else(|| "(deleted)".to_owned()))
    };
    Ok(patch.apply(&read, fuzz)?.into_iter().map(show).collect())
}

#[test]
fn lines_that_look_like_headers_are_lines() {
    let text = "diff --git a/q.sql b/q.sql\n--- a/q.sql\n+++ b/q.sql\n@@ -1,3 +1,3 @@ x\n a\n--- b\n+++i\n c\n";
    let patch = Patch::parse(text).unwrap();
    let changes: Vec<_> = patch.files[0].changes().map(|l| (l.kind, l.text.as_str())).collect();
    assert_eq!(changes, [(LineKind::Removed, "-- b"), (LineKind::Added, "++i")]);
    assert_eq!(patch.changed_lines(), 2);
    assert_eq!(Patch::parse(&patch.to_string()).unwrap(), patch);
}

#[test]
fn reads_what_git_writes() {
    let text = include_str!("git.diff");
    let patch = Patch::parse(text).unwrap();
    let show = |p: &Option<TreePath>| p.as_ref().map_or("-".to_owned(), ToString::to_string);
    let files: Vec<String> = patch
        .files
        .iter()
        .map(|f| {
            let kind = if f.binary { " binary" } else { "" };
            format!("{} {} {}{kind}", show(&f.old), show(&f.new), f.changes().count())
        })
        .collect();
    assert_eq!(
        files,
        [
            "blob.bin blob.bin 0 binary",
            "crlf.txt crlf.txt 2",
            "- empty 0",
            "gone.txt - 2",
            "- made.txt 1",
            "old name.txt new name.txt 2",
            "moved.txt pure.txt 0",
            "quote\".txt quote\".txt 2",
            "tail.txt tail.txt 2",
            "ä.txt ä.txt 2",
        ]
    );
    assert_eq!(Patch::parse(&patch.to_string()).unwrap(), patch);
    let line = |file: usize, at: usize| patch.files[file].changes().nth(at).unwrap();
    assert_eq!(line(1, 0).text, "one\r");
    assert!(line(8, 0).newline && !line(8, 1).newline);
}

#[test]
fn mail_around_a_diff_is_skipped() {
    let diff = between("a\nb\n", "a\nc\n").to_string();
    let mail = format!("From 1 Mon\nSubject: x\n\n---\n f | 2 +-\n\n{diff}-- \n2.40.0\n\n");
    assert_eq!(Patch::parse(&mail).unwrap().to_string(), diff);
}

#[test]
fn names_come_with_every_prefix_git_knows() {
    let check = |old: &str, new: &str| {
        let text = format!("diff --git {old} {new}\n--- {old}\n+++ {new}\n@@ -1 +1 @@\n-a\n+b\n");
        assert_eq!(Patch::parse(&text).unwrap().files[0].path().as_str(), "c/x", "{old} {new}");
    };
    check("a/c/x", "b/c/x");
    check("c/x", "c/x");
    check("i/c/x", "w/c/x");
    let plain = "--- c/x\t2020-01-01\n+++ c/x\t2020-01-02\n@@ -1 +1 @@\n-a\n+b\n";
    assert_eq!(Patch::parse(plain).unwrap().files[0].path().as_str(), "c/x");
}

#[test]
fn faults_are_named_with_their_line() {
    let check = |text: &str, line: usize, reason: &str| {
        let error = Patch::parse(text).expect_err(text);
        assert!(error.line == line && error.reason.contains(reason), "{text:?} gives {error}");
    };
    let head = "--- a/x\n+++ b/x\n";
    check(&format!("{head}@@ -1,2 +1 @@\n-a\n"), 4, "ends early");
    check(&format!("{head}@@ -1 +1 @@\n-a\n+b\n+c\n"), 6, "more lines");
    check(&format!("{head}@@ -1 +1 @@\n-a\n-b\n"), 5, "counts other lines");
    check(&format!("{head}@@ -1 +1 @@\n?a\n"), 4, "not a line");
    check(&format!("{head}@@ -x +1 @@\n"), 3, "malformed");
    check(&format!("{head}@@ -0,0 +0,0 @@\n"), 3, "without lines");
    check("diff --cc x\n", 1, "combined");
    let binary = "diff --git a/x b/x\nBinary files a/x and b/x differ\n";
    check(&format!("{binary}{head}@@ -1 +1 @@\n-a\n+b\n"), 7, "a binary file with hunks");
    check("--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-a\n+b\n", 5, "dot component");
    check("--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n", 5, "both sides");
    let twice = between("a\n", "b\n").to_string().repeat(2);
    check(&twice, 12, "changed twice");
}

#[test]
fn creates_deletes_and_renames_apply() {
    let text = "\
diff --git a/a b/b\nrename from a\nrename to b\n--- a/a\n+++ b/b\n@@ -1 +1 @@\n-x\n+y\n\
diff --git a/b b/a\nrename from b\nrename to a\n\
diff --git a/d b/d\ndeleted file mode 100644\n--- a/d\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n\
diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+new\n";
    let patch = Patch::parse(text).unwrap();
    let files = [("a", "x\n"), ("b", "two\n"), ("d", "gone\n")];
    let after = ["a=two\n", "b=y\n", "d=(deleted)", "n=new\n"];
    assert_eq!(apply(&patch, &files, 0).unwrap(), after);
    let back = [("a", "two\n"), ("b", "y\n"), ("n", "new\n")];
    let before = ["a=x\n", "b=two\n", "d=gone\n", "n=(deleted)"];
    assert_eq!(apply(&patch.inverse(), &back, 0).unwrap(), before);
}

#[test]
fn what_does_not_fit_is_refused() {
    let check = |patch: &str, files: &[(&str, &str)], expect: &str| {
        let error = apply(&Patch::parse(patch).unwrap(), files, 0).expect_err(patch);
        assert_eq!(error.to_string(), expect);
    };
    let edit = between("a\nb\n", "a\nc\n").to_string();
    check(&edit, &[], "f: it is not there");
    check(&edit, &[("f", "a\nB\n")], "f: hunk at line 1 does not match");
    check(&edit, &[("f", "a\nb")], "f: hunk at line 1 does not match");
    let create = "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+new\n";
    check(create, &[("f", "")], "f: it already exists");
    let delete = "--- a/f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n";
    check(delete, &[("f", "a\nmore\n")], "f: hunk at line 1 does not match");
    let fill = between("", "x\n").to_string();
    check(&fill, &[("f", "not empty\n")], "f: hunk at line 0 does not match");
    let end = between("a\n", "a").to_string();
    check(&end, &[("f", "a\nb\n")], "f: hunk at line 1 does not match");
    check(
        "diff --git a/f b/f\nBinary files a/f and b/f differ\n",
        &[("f", "")],
        "f: a binary change carries no content",
    );
}

#[test]
fn fuzz_looks_near_and_follows_the_drift() {
    let patch = between("x\nb\ny\n1\n2\n3\n4\nx\nb\ny\n", "x\nB\ny\n1\n2\n3\n4\nx\nC\ny\n");
    let moved = [("f", "\n\nx\nb\ny\n1\n2\n3\n4\nx\nb\ny\n")];
    assert!(apply(&patch, &moved, 1).is_err());
    let after = "f=\n\nx\nB\ny\n1\n2\n3\n4\nx\nC\ny\n";
    assert_eq!(apply(&patch, &moved, 2).unwrap(), [after]);
}

#[test]
fn a_patch_is_its_text_in_json() {
    let patch = between("a\n", "b");
    let json = serde_json::to_string(&patch).unwrap();
    assert_eq!(serde_json::from_str::<Patch>(&json).unwrap(), patch);
    assert!(serde_json::from_str::<Patch>("\"--- a/x\\n+++ b/x\\n@@ -1 @@\\n\"").is_err());
}

/// Texts of few different lines, some of which look like parts of a diff.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let line = prop::sample::select(vec![
        "",
        "a",
        "b",
        "c",
        "- x",
        "-- x",
        "++i",
        "\\ No newline at end of file",
        "@@ -1 +1 @@",
        "diff --git a/f b/f",
        "--- a/f",
        "end\r",
        "    return x",
    ]);
    (prop::collection::vec(line, 0..24), any::<bool>()).prop_map(|(lines, newline)| {
        let text = lines.join("\n");
        if newline && !text.is_empty() { text + "\n" } else { text }
    })
}

fn name() -> impl Strategy<Value = TreePath> {
    prop::sample::select(vec!["a", "b c/d", "ä/x.rs", "q\"uote", "a/b", "c/x", "w/x"])
        .prop_map(path)
}

/// What happens to one file: edits, renames, creation, deletion.
pub(crate) fn patches() -> impl Strategy<Value = Patch> {
    let file =
        (name(), prop::option::of(text()), prop::option::of(text()), prop::option::of(name()));
    prop::collection::vec(file, 0..5).prop_map(|files| {
        let mut patch = Patch::default();
        for (path, old, new, to) in files {
            let Some(mut file) = FilePatch::between(&path, old.as_deref(), new.as_deref()) else {
                continue;
            };
            if file.old.is_some() && file.new.is_some() {
                file.new = to.or(file.new);
            }
            if patch.files.iter().all(|other| other.path() != file.path()) {
                patch.files.push(file);
            }
        }
        patch.files.sort_by(|a, b| a.path().cmp(b.path()));
        patch
    })
}

proptest! {
    #[test]
    fn printing_and_parsing_are_inverse(patch in patches()) {
        prop_assert_eq!(Patch::parse(&patch.to_string()), Ok(patch));
    }

    #[test]
    fn applying_the_difference_gives_the_other(a in text(), b in text()) {
        let patch = between(&a, &b);
        let expect: Vec<String> = (a != b).then(|| format!("f={b}")).into_iter().collect();
        prop_assert_eq!(apply(&patch, &[("f", &a)], 0).unwrap(), expect);
        let back: Vec<String> = (a != b).then(|| format!("f={a}")).into_iter().collect();
        prop_assert_eq!(apply(&patch.inverse(), &[("f", &b)], 0).unwrap(), back);
        prop_assert_eq!(patch.inverse().inverse(), patch);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "(?s).{0,200}", cut in text()) {
        drop(Patch::parse(&text));
        let diff = between("a\nb\n", &cut).to_string();
        drop(Patch::parse(&diff[..diff.floor_char_boundary(text.len())]));
    }
}
