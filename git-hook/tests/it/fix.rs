//! `git sera fix`: what is asked, what is shown, and that only `--apply` writes.
use crate::bench::{Bench, job};
use insta::assert_snapshot;
use sera_core::Patch;
use sera_protocol::message::{ErrorCode, Failure};
use sera_protocol::method::Request;
use sera_protocol::report::{FixReport, Proposal, ProposalSource};
use sera_protocol::{Job, JobResult};
use std::sync::mpsc::Receiver;

fn patch(line: &str) -> Patch {
    Patch::parse(&format!(
        "diff --git a/src/a.py b/src/a.py\n--- a/src/a.py\n+++ b/src/a.py\n\
         @@ -1,2 +1,2 @@\n def total(x):\n-    return x - 1\n+    {line}\n"
    ))
    .unwrap()
}

fn proposal(line: &str, nats: f64, source: ProposalSource) -> Proposal {
    let (path, name) = ("src/a.py".to_owned(), Some("total".to_owned()));
    Proposal { patch: patch(line), nats, source, path, name }
}

fn found() -> JobResult {
    let proposals = vec![
        proposal("return x + 1", -3.25, ProposalSource::Enumerated),
        proposal("return x", -7.5, ProposalSource::Written),
    ];
    JobResult::Fix(FixReport {
        description: "total is off by two".to_owned(),
        patch: Some(proposals[0].patch.clone()),
        proposals,
        steps: vec!["a step".to_owned()],
        seconds: 1.5,
        ..FixReport::default()
    })
}

/// The job that was asked for.
fn asked(seen: &Receiver<Request>) -> Job {
    loop {
        if let Request::Run(params) = seen.recv().unwrap() {
            return params.job;
        }
    }
}

#[test]
fn the_best_is_shown_and_nothing_is_written() {
    let (bench, seen) = Bench::answering(found());
    assert_snapshot!("fix_shown", bench.run(&["fix", "total is off by two", "src"]));
    let expect = Job::Fix {
        description: "total is off by two".to_owned(),
        paths: vec!["src".to_owned()],
        buffers: None,
        proposals: 1,
    };
    assert_eq!(asked(&seen), expect);
    assert_eq!(bench.repo.git(&["status", "--porcelain"]), "", "the work tree is as it was");
    assert_eq!(job(), job(), "the job's id is fixed");
}

#[test]
fn several_are_shown_with_what_they_are_worth() {
    let (bench, _seen) = Bench::answering(found());
    assert_snapshot!("fix_several", bench.run(&["fix", "off by two", "--show", "5", "-q"]));
    assert_snapshot!("fix_json", bench.run(&["fix", "off by two", "--json", "-q"]));
}

#[test]
fn apply_writes_and_its_undo_undoes() {
    let (bench, _seen) = Bench::answering(found());
    let output = bench.command(&["fix", "off", "--apply", "--json", "-q"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(bench.repo.read("src/a.py"), "def total(x):\n    return x + 1\n");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["applied"]["files"], serde_json::json!(["src/a.py"]));
    let undo = report["applied"]["undo"].as_str().unwrap();
    let undone = std::process::Command::new("sh")
        .args(["-c", undo])
        .current_dir(bench.repo.path())
        .envs(bench.repo.environment())
        .status()
        .unwrap();
    assert!(undone.success(), "{undo}");
    assert_eq!(bench.repo.read("src/a.py"), "def total(x):\n    return x - 1\n");
}

#[test]
fn apply_refuses_what_was_changed_meanwhile() {
    let (bench, _seen) = Bench::answering(found());
    let mine = "def total(x):\n    return x * 1\n";
    bench.repo.write("src/a.py", mine);
    assert_snapshot!("fix_conflict", bench.run(&["fix", "off", "--apply"]));
    assert_eq!(bench.repo.read("src/a.py"), mine, "the work in progress is as it was");
}

#[test]
fn a_failing_tests_output_is_read_from_standard_input() {
    let (bench, seen) = Bench::answering(found());
    for arguments in [&["fix"][..], &["fix", "-", "src/a.py"][..]] {
        let shown = bench.run_with(arguments, "E  assert total(1) == 2\n");
        assert!(shown.starts_with("exit 0\n"), "{shown}");
        let Job::Fix { description, .. } = asked(&seen) else { panic!("a fix was asked for") };
        assert_eq!(description, "E  assert total(1) == 2\n", "{arguments:?}");
    }
    assert_snapshot!("fix_nothing_said", bench.run(&["fix"]));
}

#[test]
fn paths_must_be_in_the_repository() {
    let bench = Bench::new();
    assert_snapshot!("fix_outside", bench.run(&["fix", "off", "/"]));
    assert_snapshot!("fix_missing_path", bench.run(&["fix", "off", "src/b.py"]));
    let (bench, seen) = Bench::answering(found());
    bench.run(&["fix", "off", "src/a.py", "."]);
    let Job::Fix { paths, .. } = asked(&seen) else { panic!("a fix was asked for") };
    assert!(paths.is_empty(), "the whole tree is no limit: {paths:?}");
}

#[test]
fn no_fix_is_exit_one() {
    let (bench, _seen) = Bench::answering(JobResult::Fix(FixReport::default()));
    assert_snapshot!("fix_none", bench.run(&["fix", "off"]));
    let (bench, _seen) = Bench::scripted(|_, daemon| {
        daemon.refuse(Failure::new(ErrorCode::NothingToDo, "no file of a known language"));
    });
    assert_snapshot!("fix_no_file", bench.run(&["fix", "off"]));
}
