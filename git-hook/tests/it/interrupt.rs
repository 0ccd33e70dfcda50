//! Ctrl-C at any moment.
use crate::bench::Bench;
use insta::assert_snapshot;
use sera_protocol::message::{ErrorCode, Failure};
use sera_protocol::method::{CancelResult, Request};
use std::process::{Child, Command};

fn interrupt(child: &Child) {
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
}

#[test]
fn the_first_cancels_the_job_and_waits_for_its_end() {
    let (bench, seen) = Bench::scripted(|request, daemon| match request {
        Request::Run(_) => {}
        Request::Cancel(_) => {
            daemon.answer(Ok(CancelResult { cancelled: true }));
            let cancelled = Failure::new(ErrorCode::Cancelled, "the job was cancelled");
            // `hello` was 1, the job is 2.
            daemon.answer_to::<()>(2, Err(cancelled.hint("the same command resumes")));
        }
        other => daemon.answer_as_usual(other),
    });
    let child = bench.command(&["quickstart"]).spawn().unwrap();
    assert!(seen.iter().any(|request| matches!(request, Request::Run(_))));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_snapshot!("cancelled", bench.show(&output));
    assert!(seen.iter().any(|request| matches!(request, Request::Cancel(_))));
}

#[test]
fn the_second_leaves_at_once() {
    let (bench, seen) = Bench::scripted(|request, daemon| match request {
        // It never says another word.
        Request::Run(_) | Request::Cancel(_) => {}
        other => daemon.answer_as_usual(other),
    });
    let child = bench.command(&["train"]).spawn().unwrap();
    assert!(seen.iter().any(|request| matches!(request, Request::Run(_))));
    interrupt(&child);
    assert!(seen.iter().any(|request| matches!(request, Request::Cancel(_))));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
}
