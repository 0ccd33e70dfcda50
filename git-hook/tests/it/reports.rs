//! What each job's report looks like, for people and as JSON.
use crate::bench::{Bench, job};
use insta::assert_snapshot;
use sera_core::scorecard::Capability;
use sera_core::{AdapterId, Patch, TaskId, TrajectoryId};
use sera_protocol::method::{
    JobStatus, RepositoryStatus, Request, ScheduleStatus, SeedCounts, StatusReport,
};
use sera_protocol::report::*;
use sera_protocol::{Job, Stage};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) fn counts<const N: usize>(of: [(&str, u64); N]) -> BTreeMap<String, u64> {
    of.map(|(key, n)| (key.to_owned(), n)).into()
}

pub(crate) fn check(name: &str, arguments: &[&str], result: JobResult) {
    poisoned(arguments, &result);
    let (bench, _seen) = Bench::answering(result);
    assert_snapshot!(name, bench.run(arguments));
    let json = format!("{name}_json");
    assert_snapshot!(json, bench.run(&[arguments, &["--json", "--quiet"]].concat()));
}

/// Clears the screen, turns the reading direction, hides itself.
const POISON: &str = "\u{1b}[2J\u{9b}2J\u{202e}\u{200b}\u{7}";

fn texts(value: &Value, at: &str, into: &mut Vec<String>) {
    match value {
        Value::String(_) => into.push(at.to_owned()),
        Value::Array(values) => {
            (0..).zip(values).for_each(|(n, one)| texts(one, &format!("{at}/{n}"), into));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, one)| texts(one, &format!("{at}/{name}"), into));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whatever text of a report a repository or a model wrote: no terminal gets to obey it.
fn poisoned(arguments: &[&str], result: &JobResult) {
    let mut value = serde_json::to_value(result).unwrap();
    let mut places = Vec::new();
    texts(&value, "", &mut places);
    for place in places {
        let before = value.clone();
        let text = value.pointer_mut(&place).unwrap();
        *text = Value::from(format!("{}{POISON}", text.as_str().unwrap()));
        // Ids and words cannot hold it.
        if serde_json::from_value::<JobResult>(value.clone()).is_err() {
            value = before;
        }
    }
    let result: JobResult = serde_json::from_value(value).unwrap();
    for more in [&["--color", "always"][..], &["--json", "--quiet"]] {
        let (bench, _seen) = Bench::answering(result.clone());
        let said = bench.run(&[arguments, more].concat());
        // Colours of our own.
        let plain = said.split("\u{1b}[").map(|part| match part.split_once('m') {
            Some((code, rest)) if code.bytes().all(|b| b.is_ascii_digit() || b == b';') => rest,
            _ => part,
        });
        let plain: String = plain.collect();
        let obeyed = |c: char| c.is_control() && c != '\n' || POISON.contains(c) && !c.is_ascii();
        let found: Vec<char> = plain.chars().filter(|c| obeyed(*c)).collect();
        assert_eq!(found, [' '; 0], "{arguments:?}: {said:?}");
        assert!(!said.contains("\u{1b}[2J"), "{arguments:?}: {said:?}");
    }
}

#[test]
fn mine() {
    let report = MineReport {
        functions: 290,
        commits: 61,
        held_out_functions: 31,
        held_out_commits: 20,
        cut: "1f2e3d4c5b6a79881f2e3d4c5b6a79881f2e3d4c".to_owned(),
        dropped: counts([("test", 80), ("trivial", 1041)]),
        explained: vec![Explained {
            what: "src/a.py::get".to_owned(),
            reason: "trivial".to_owned(),
        }],
        unexplained: Some(1120),
        blobs_read: 1200,
        seconds: 1.25,
    };
    check("mine", &["mine", "--explain"], JobResult::Mine(report));
}

#[test]
fn synthesize() {
    let report = SynthesizeReport {
        tasks: 700,
        held_out: Some(60),
        by_operator: counts([("identifier-swap", 639), ("commit", 61)]),
        by_family: counts([("wrong-variable", 35)]),
        lessons: Some(counts([("locate", 210), ("dependencies", 95), ("next-edit", 44)])),
        dropped: counts([("underdetermined", 122)]),
        seconds: 2.5,
    };
    check("synthesize", &["synthesize"], JobResult::Synthesize(report));
}

fn teacher() -> GenerateReport {
    GenerateReport {
        teacher: "glm-4.6".to_owned(),
        functions: 40,
        accepted: 23,
        dropped: counts([("rejected", 12), ("not-as-asked", 5)]),
        recall: Some(0.71),
        tokens: 1_240_000,
        microdollars: 1_630_000,
        ended: Some("the budget is spent".to_owned()),
        request: None,
        seconds: 95.0,
    }
}

fn student() -> StudentReport {
    StudentReport { accepted: 3, rejected: counts([("low-recall", 15), ("empty", 2)]) }
}

#[test]
fn rollout() {
    let report = RolloutReport {
        kept: 95,
        dropped: counts([("inexact", 5)]),
        per_second: 40.4,
        student: Some(student()),
        teacher: Some(teacher()),
        seconds: 2.5,
    };
    check("rollout", &["rollout", "--student"], JobResult::Rollout(report));
}

#[test]
fn verify() {
    let report = VerifyReport {
        accepted: 95,
        rejected: counts([("leak", 1)]),
        selected: 90,
        dropped: counts([("operator-cap", 5)]),
        recall: Some(0.99),
        seconds: 0.5,
    };
    check("verify", &["verify"], JobResult::Verify(report));
}

fn logged() -> Logged {
    Logged {
        id: TrajectoryId::parse("01920000-0000-7000-8000-00000000002a").unwrap(),
        teacher: "glm-4.6".to_owned(),
        of: "report src/a.py::total".to_owned(),
        description: "The total is off by the last entry.\nSince 1.2.".to_owned(),
        steps: 2,
        recall: 0.5,
        rejected: None,
        held_out: false,
    }
}

#[test]
fn log() {
    let low = Logged { rejected: Some("low-recall".to_owned()), recall: 0.25, ..logged() };
    let commit = Logged { of: "commit 1f2e3d4c5b".to_owned(), held_out: true, ..logged() };
    let report = LogReport { trajectories: vec![logged(), low, commit], stored: 1071 };
    check("log", &["log", "-n", "3"], JobResult::Log(report));
}

#[test]
fn select() {
    let report = SelectReport {
        min_recall: 0.5,
        max_patch: 40,
        mix: [("student".to_owned(), 0.5)].into(),
        chosen: counts([("mutation", 812), ("report", 41)]),
        dropped: counts([("held-out", 20), ("too-large", 3)]),
        tokens: 341_200,
        target_tokens: 51_020,
        seconds: 1.2,
    };
    check("select", &["select", "--mix", "student=0.5"], JobResult::Select(report));
}

#[test]
fn why() {
    let because = |what: &str, trained_on, because: &str| Because {
        what: what.to_owned(),
        trained_on,
        because: because.to_owned(),
    };
    let known = vec![
        because("src/a.py::get", false, "Reads or sets a field, nothing more."),
        because("src/a.py::total\u{1b}[2J", true, "tasks may be made from it"),
    ];
    let report = WhyReport { about: "src/a.py".to_owned(), known, unsaid: 2 };
    check("why", &["why", "src/a.py"], JobResult::Why(report));
    let nothing = WhyReport { about: "src/b.py".to_owned(), known: Vec::new(), unsaid: 0 };
    check("why_nothing", &["why", "src/b.py"], JobResult::Why(nothing));
}

#[test]
fn forget() {
    let report = ForgetReport {
        about: "src/a.py".to_owned(),
        seeds: 4,
        tasks: 12,
        trajectories: 1_011,
        holes: 8,
        lessons: Some(3),
        adapters: vec!["01920000-0000-7000-8000-00000000002a".to_owned()],
        served: [(Capability::Complete, "base".to_owned())].into(),
        retraining: true,
        seconds: 0.4,
    };
    check("forget", &["forget", "src/a.py"], JobResult::Forget(report.clone()));
    check("forget_dry", &["forget", "src/a.py", "-n"], JobResult::Forget(report));
}

#[test]
fn show() {
    let shown = |thought: Option<&str>, action: &str, observation: &str, ok| Shown {
        thought: thought.map(str::to_owned),
        action: action.to_owned(),
        observation: observation.to_owned(),
        ok,
        masked: !ok,
    };
    let patch = "--- a/src/a.py\n+++ b/src/a.py\n@@ -1 +1 @@\n-a\n+b\n";
    let report = ShowReport {
        logged: logged(),
        base: "1f2e3d4c5b6a79881f2e3d4c5b6a79881f2e3d4c".to_owned(),
        family: "off-by-one".to_owned(),
        steps: vec![
            shown(None, "open: src/none.py", "no file at src/none.py", false),
            shown(
                Some("It is \u{1b}[31mthe\nlast."),
                "edit: src/a.py\n<<<",
                "edited src/a.py",
                true,
            ),
        ],
        outcome: "submitted".to_owned(),
        candidate: Patch::parse(patch).unwrap(),
        reference: Patch::parse(&patch.replace("+b", "+c")).unwrap(),
        tokens: 4711,
        microdollars: 1200,
    };
    check("show", &["show", "2a"], JobResult::Show(Box::new(report)));
}

fn train_report() -> TrainReport {
    TrainReport {
        examples: 90,
        tokens: 36_400,
        target_tokens: 9000,
        tokens_per_s: 151.6,
        peak_rss_mb: 612,
        loss: vec![2.5, 2.0, 1.75],
        adapter: Some(sera_core::AdapterId::new(0, b"adapter")),
        notes: Some(vec!["sized to 36,400 tokens at 152 tokens/s".to_owned()]),
        seconds: 240.2,
    }
}

#[test]
fn train() {
    check("train", &["train", "--seconds", "240"], JobResult::Train(train_report()));
}

fn scorecard_report() -> ScorecardReport {
    let complete = |nll, exact| CompleteSummary { n: 120, nll: Some(nll), exact };
    let fix = |nll| FixSummary { n: 24, nll: Some(nll), ..FixSummary::default() };
    let rolled = |summary: FixSummary| FixSummary {
        valid: Some(1.0),
        locate1: Some(0.25),
        locate5: Some(0.75),
        recall: Some(0.125),
        exact: Some(0.125),
        rank1: Some(0.375),
        rank5: Some(0.7),
        candidates: Some(307.0),
        ..summary
    };
    ScorecardReport {
        complete: CompleteArms {
            base: complete(2.02, Some(0.0)),
            retrieval: complete(1.9, None),
            adapter: complete(1.693, Some(0.125)),
        },
        fix: FixArms {
            base: rolled(fix(3.695)),
            retrieval: fix(3.6),
            shuffled: fix(3.9),
            adapter: rolled(fix(3.605)),
            teacher: None,
        },
        seconds: 140.0,
        ..ScorecardReport::default()
    }
}

#[test]
fn evaluate() {
    check("evaluate", &["evaluate"], JobResult::Evaluate(Box::new(scorecard_report())));
}

#[test]
fn evaluate_beside_a_teacher() {
    let mut report = scorecard_report();
    let teacher = FixSummary {
        n: 8,
        valid: Some(0.97),
        recall: Some(0.875),
        exact: Some(0.75),
        ..FixSummary::default()
    };
    report.fix.teacher = Some(teacher);
    check("evaluate_teacher", &["evaluate"], JobResult::Evaluate(Box::new(report)));
}

fn decision() -> (Vec<Capability>, BTreeMap<Capability, String>) {
    let reasons = [
        (Capability::Complete, "0.207 nats per token below retrieval (upper bound −0.15)"),
        (Capability::Locate, "not better than retrieval"),
        (Capability::Fix, "not better than retrieval: −0.02 (upper bound +0.11)"),
    ];
    (vec![Capability::Complete], reasons.map(|(c, text)| (c, text.to_owned())).into())
}

#[test]
fn promote() {
    let (promoted, reasons) = decision();
    let report = PromoteReport { promoted, reasons, adapter: None };
    check("promote", &["promote"], JobResult::Promote(report));
}

fn quickstart_report() -> QuickstartReport {
    let patch = |line: &str| {
        let text = format!(
            "diff --git a/src/a.py b/src/a.py\n--- a/src/a.py\n+++ b/src/a.py\n\
             @@ -1,2 +1,2 @@\n def total(x):\n-    return x - 1\n+    {line}\n"
        );
        Some(Patch::parse(&text).unwrap())
    };
    let (promoted, reasons) = decision();
    QuickstartReport {
        repo: "/home/ada/engine".to_owned(),
        mined: QuickstartMined {
            functions: 290,
            commits: 61,
            dropped: counts([("test", 80), ("trivial", 41)]),
            held_out: Some(51),
        },
        tasks: 700,
        trajectories: QuickstartTrajectories {
            kept: 90,
            dropped: counts([("operator-cap", 5)]),
            student: Some(student()),
            per_second: Some(40.4),
        },
        train: train_report(),
        scorecard: scorecard_report(),
        promoted,
        reasons,
        fix: Some(QuickstartFix {
            task: TaskId::new(0, b"task"),
            description: Some("total is off by two".to_owned()),
            patch: patch("return x"),
            recall: Some(0.5),
            reference: patch("return x + 1"),
        }),
        seconds: 512.3,
    }
}

#[test]
fn quickstart() {
    check("quickstart", &["quickstart"], JobResult::Quickstart(Box::new(quickstart_report())));
}

#[test]
fn quickstart_that_learned_nothing_but_fixed_exactly() {
    let mut report = quickstart_report();
    report.promoted.clear();
    let fix = report.fix.as_mut().unwrap();
    fix.patch = fix.reference.clone();
    let (bench, _seen) = Bench::answering(JobResult::Quickstart(Box::new(report)));
    assert_snapshot!(bench.run(&["quickstart", "-q"]));
}

#[test]
fn quickstarts_last_line_is_the_object_that_was_promised() {
    let (bench, _seen) = Bench::answering(JobResult::Quickstart(Box::new(quickstart_report())));
    let output = bench.command(&["quickstart", "--json"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let object: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    for path in [
        "/repo",
        "/mined/functions",
        "/mined/commits",
        "/mined/dropped/test",
        "/tasks",
        "/trajectories/kept",
        "/trajectories/dropped/operator-cap",
        "/train/examples",
        "/train/tokens",
        "/train/tokens_per_s",
        "/train/peak_rss_mb",
        "/train/loss/0",
        "/scorecard/complete/base/n",
        "/scorecard/complete/retrieval/nll",
        "/scorecard/complete/adapter/exact",
        "/scorecard/fix/base/valid",
        "/scorecard/fix/retrieval/nll",
        "/scorecard/fix/shuffled/n",
        "/scorecard/fix/adapter/locate1",
        "/scorecard/fix/adapter/locate5",
        "/scorecard/fix/adapter/recall",
        "/scorecard/fix/adapter/exact",
        "/promoted/0",
        "/reasons/fix",
        "/fix/task",
        "/fix/patch",
        "/fix/recall",
        "/seconds",
    ] {
        assert!(object.pointer(path).is_some_and(|value| !value.is_null()), "{path}");
    }
}

#[test]
fn fsck() {
    let mut report = FsckReport {
        facts: 1000,
        objects: 90,
        indexed: 1000,
        repaired: vec!["the index was rebuilt".to_owned()],
        seconds: 0.25,
        ..FsckReport::default()
    };
    check("fsck", &["fsck"], JobResult::Fsck(report.clone()));
    report.damaged = vec!["object 00ff is missing".to_owned()];
    let (bench, _seen) = Bench::answering(JobResult::Fsck(report));
    assert_snapshot!("fsck_damaged", bench.run(&["fsck"]));
}

#[test]
fn consent() {
    let mut report = ConsentReport {
        agreed: vec!["send code to https://x/v1".to_owned(), "follow \u{1b}[31mred".to_owned()],
        withdrawn: false,
    };
    check("consent", &["consent"], JobResult::Consent(report.clone()));
    report.withdrawn = true;
    let (bench, seen) = Bench::answering(JobResult::Consent(report));
    assert_snapshot!("consent_withdrawn", bench.run(&["consent", "--withdraw"]));
    let withdraws =
        |asked| matches!(asked, Request::Run(p) if p.job == Job::Consent { withdraw: true });
    assert!(seen.try_iter().any(withdraws));
    let (bench, _seen) = Bench::answering(JobResult::Consent(ConsentReport::default()));
    assert_snapshot!("consent_none", bench.run(&["consent"]));
}

#[test]
fn adapters() {
    let entry = |n: u64| AdapterEntry {
        adapter: AdapterId::new(1_764_263_490_000 + n, &n.to_le_bytes()),
        trained_ms: 1_764_263_490_000 + n,
        base: "smollm2-135m".to_owned(),
        cut: "1f2e3d4c5b6a".to_owned(),
        since: None,
        made_from: "ab12".to_owned(),
        seed: Some(1),
        behind: Some(1_204),
        examples: 900,
        tokens: 33_767,
        scored: true,
        serves: Vec::new(),
        promoted: Vec::new(),
        forced: Vec::new(),
    };
    let (complete, fix) = (Capability::Complete, Capability::Fix);
    let newest = AdapterEntry {
        since: Some("0a1b2c3d4e5f".to_owned()),
        behind: Some(3),
        serves: vec![complete, fix],
        promoted: vec![complete, fix],
        forced: vec![fix],
        ..entry(3)
    };
    let unscored = AdapterEntry { scored: false, behind: None, ..entry(2) };
    let report = AdaptersReport { adapters: vec![newest, unscored, entry(1)], kept: 3 };
    check("adapters", &["adapters"], JobResult::Adapters(report));
    let none = JobResult::Adapters(AdaptersReport::default());
    let (bench, _seen) = Bench::answering(none);
    assert_snapshot!("adapters_none", bench.run(&["adapters"]));
    let changed = |serves: &str, capability| Serves {
        capability,
        adapter: entry(3).adapter,
        serves: serves.to_owned(),
    };
    let before = entry(1).adapter.to_string();
    let changed = vec![changed(&before, complete), changed("base", fix)];
    check("rollback", &["rollback"], JobResult::Rollback(RollbackReport { changed }));
}

#[test]
fn audit() {
    let entry = |number, kind: &str, text: &str| AuditEntry {
        number,
        time_ms: 1_764_263_490_123 + number,
        kind: kind.to_owned(),
        text: text.to_owned(),
        event: serde_json::json!({ "kind": kind }),
    };
    let mut report = AuditReport {
        entries: vec![
            entry(12, "answered", "request 11: answered, 110 tokens, $0.000200"),
            entry(11, "sent", "2816 bytes to https://x/v1/chat/completions, glm-4.6, teacher"),
            entry(10, "consent", "given: send code to https://x/v1"),
            entry(9, "container", "\u{1b}[31mred\u{202e} created, image \r\nx: y"),
        ],
        records: 12,
        broken: None,
        kept: None,
    };
    check("audit", &["audit"], JobResult::Audit(report.clone()));
    report.broken =
        Some("000000000001.jsonl line 13: the record is not what was written".to_owned());
    let (bench, _seen) = Bench::answering(JobResult::Audit(report.clone()));
    assert_snapshot!("audit_broken", bench.run(&["audit", "-n", "3", "--kind", "sent"]));
    report.broken = None;
    report.kept = Some("/home/ada/engine/.git/sera/audit.damaged-1764263490123".to_owned());
    let (bench, _seen) = Bench::answering(JobResult::Audit(report));
    assert_snapshot!("audit_restarted", bench.run(&["audit", "--restart"]));
}

#[test]
fn status() {
    let (bench, seen) = Bench::scripted(|_, daemon| {
        let base = || "base".to_owned();
        daemon.answer(Ok(StatusReport {
            version: "0.1.0".to_owned(),
            pid: 4711,
            uptime_s: 3900,
            rss_mb: Some(18),
            schedule: Some(ScheduleStatus {
                paused: false,
                waits: Some("on battery power".to_owned()),
                until_ms: None,
                today_s: 300,
            }),
            job: Some(JobStatus {
                id: job(),
                kind: "quickstart".to_owned(),
                stage: Stage::Train,
                done: 3,
                total: 1000,
                message: "loss 2.1".to_owned(),
                path: Some("/home/ada/engine".to_owned()),
            }),
            repositories: vec![RepositoryStatus {
                path: "/home/ada/engine".to_owned(),
                common_dir: "/home/ada/engine/.git".to_owned(),
                state: "working".to_owned(),
                training: Some("an adapter is due".to_owned()),
                seeds: SeedCounts { functions: 290, commits: 61, held_out: 51 },
                tasks: 700,
                trajectories: 95,
                adapters: vec!["a1".to_owned(), "a2".to_owned()],
                served: [(Capability::Complete, "a2".to_owned()), (Capability::Fix, base())].into(),
                device: Some("cpu".to_owned()),
                last_event: Some("commit 1f2e3d4c5b".to_owned()),
                mined_head: Some("1f2e3d4c5b6a79881f2e3d4c5b6a79881f2e3d4c".to_owned()),
            }],
        }));
    });
    assert_snapshot!("status", bench.run(&["status"]));
    assert_snapshot!("status_json", bench.run(&["status", "--json"]));
    assert_snapshot!("status_colour", bench.run(&["status", "--color", "always"]));
    bench.run(&["status", "-C", "."]);
    let asked: Vec<bool> = seen
        .try_iter()
        .filter_map(|request| match request {
            Request::Status(params) => Some(params.path.is_some()),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [false, false, false, true], "one repository only where one is named");
}

#[test]
fn a_report_of_another_job_is_our_fault() {
    let (bench, _seen) = Bench::answering(JobResult::Verify(VerifyReport::default()));
    assert_snapshot!("another_report", bench.run(&["fsck"]));
}
