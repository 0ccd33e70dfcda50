//! What `git sera report` says of fixed cycles, and where it puts their page.
use crate::bench::Bench;
use crate::reports::{check, counts};
use insta::assert_snapshot;
use sera_core::AdapterId;
use sera_core::scorecard::Capability;
use sera_protocol::Job;
use sera_protocol::method::Request;
use sera_protocol::report::{
    ArmReport, Compared, CycleCost, CycleData, CycleReport, Decided, JobResult, LossPoint,
    NextCycle, Spread, Staleness, TrainReport,
};
use std::collections::BTreeMap;

fn id() -> AdapterId {
    AdapterId::new(1_764_263_490_123, b"adapter")
}

fn arm(capability: Capability, arm: &str, level: f64, against: Option<[f64; 3]>) -> ArmReport {
    ArmReport {
        capability,
        arm: arm.to_owned(),
        items: 24,
        level: Some(level),
        against: against.map(|[mean, low, high]| Spread { mean, low, high }),
        exact: Some(0.25),
        valid: None,
        recall: None,
        first: Some(0.5),
        among_five: None,
    }
}

fn compared(item: &str, adapter: f64, retrieval: f64) -> Compared {
    let (told, wanted, proposed, instead) = (None, None, None, None);
    let (capability, item) = (Capability::Complete, item.to_owned());
    Compared { capability, item, adapter, retrieval, told, wanted, proposed, instead }
}

fn decided(capability: Capability, promoted: bool) -> Decided {
    let serves = if promoted { id().to_string() } else { "base".to_owned() };
    Decided { capability, promoted, stored: true, serves, reason: "so".to_owned(), items: 24 }
}

fn train() -> TrainReport {
    TrainReport {
        examples: 4002,
        tokens: 33_767,
        target_tokens: 12_345,
        tokens_per_s: 424.0,
        peak_rss_mb: 612,
        loss: vec![2.5, 1.75],
        adapter: Some(id()),
        notes: Some(vec!["computed on the CPU".to_owned()]),
        seconds: 185.0,
    }
}

fn data() -> CycleData {
    CycleData {
        capabilities: Some(counts([("completions", 3100), ("fixes", 812), ("lessons", 90)])),
        sources: Some(counts([("mutation", 700), ("commit", 112)])),
        families: Some((0..8).map(|n| (format!("family-{n}"), 20 - n)).collect()),
        operators: None,
        unchosen: counts([("operator-cap", 17)]),
        unsolved: None,
        unmade: None,
        unmined: None,
        held_out: Some(120),
    }
}

fn promoted() -> CycleReport {
    use Capability::{Complete, Fix, Locate};
    CycleReport {
        adapter: id(),
        made_ms: id().unix_ms(),
        repository: "/home/ada/engine".to_owned(),
        base: "smollm2-135m-instruct".to_owned(),
        cut: "0080011d8301d6d1a8b9f6a7d9f3f0d1a2b3c4d5".to_owned(),
        verdict: "Promoted for complete (better); not promoted for locate (too few), fix (not \
                  better)."
            .to_owned(),
        decisions: vec![decided(Complete, true), decided(Locate, false), decided(Fix, false)],
        train: train(),
        curve: vec![LossPoint { step: 1, loss: 2.5 }, LossPoint { step: 2, loss: 1.75 }],
        steps: 2,
        arms: vec![
            arm(Complete, "base", 1.684, Some([0.362, 0.301, 0.428])),
            arm(Complete, "retrieval", 1.322, None),
            arm(Complete, "adapter", 1.219, Some([-0.103, -0.158, -0.076])),
            arm(Locate, "adapter", 0.25, None),
            arm(Fix, "adapter", 1.9, Some([-0.1, -0.525, 0.179])),
        ],
        general: [("base".to_owned(), 3.0)].into(),
        compared: vec![
            compared("src/stats.py::mean", 0.5, 1.5),
            compared("src/stats.py::mode", 1.0, 1.5),
            compared("src/stats.py::range", 1.25, 1.5),
            compared("src/stats.py::median", 1.75, 1.5),
        ],
        data: data(),
        cost: CycleCost {
            train_seconds: 185.0,
            evaluate_seconds: Some(150.0),
            teacher_functions: 40,
            teacher_tokens: 1_240_000,
            teacher_microdollars: 1_630_000,
        },
        staleness: Staleness {
            commits: Some(12),
            head: "1f2e3d4c5b6a79881f2e3d4c5b6a79881f2e3d4c".to_owned(),
            decisions: 1,
            most: 5,
        },
        next: NextCycle {
            cut: Some("1f2e3d4c5b6a79881f2e3d4c5b6a79881f2e3d4c".to_owned()),
            commits: 9,
            functions: 31,
            retraining: false,
            sentence: "The next cycle would be cut at 1f2e3d4c5b.".to_owned(),
        },
        notes: vec!["24 held-out tasks".to_owned()],
        path: "/home/ada/engine/.git/sera/reports/a.html".to_owned(),
    }
}

fn result(report: CycleReport) -> JobResult {
    JobResult::Report(Box::new(report))
}

#[test]
fn a_promoted_adapter() {
    check("cycle_promoted", &["report"], result(promoted()));
}

#[test]
fn a_refused_adapter_without_a_teacher() {
    let open = |one: Decided| Decided { promoted: false, stored: false, ..one };
    let report = CycleReport {
        verdict: "Nothing is decided yet; as the rule stands, it would be not promoted.".to_owned(),
        decisions: promoted().decisions.into_iter().map(open).collect(),
        compared: Vec::new(),
        cost: CycleCost { teacher_functions: 0, ..promoted().cost },
        staleness: Staleness { commits: None, ..promoted().staleness },
        ..promoted()
    };
    check("cycle_refused", &["report"], result(report));
}

#[test]
fn an_adapter_that_nobody_evaluated() {
    let report = CycleReport {
        verdict: "Nothing is decided: the adapter is not evaluated yet.".to_owned(),
        decisions: Vec::new(),
        arms: Vec::new(),
        general: BTreeMap::new(),
        compared: Vec::new(),
        data: CycleData::default(),
        cost: CycleCost::default(),
        ..promoted()
    };
    check("cycle_bare", &["report"], result(report));
}

#[test]
fn names_of_a_hostile_repository() {
    let hostile = "<script>\u{1b}[2J\u{202e}\nx".to_owned();
    let report = CycleReport {
        compared: vec![compared(&hostile, 0.5, 1.5)],
        data: CycleData {
            sources: Some([(hostile.clone(), 1)].into()),
            families: Some([(hostile.clone(), 1)].into()),
            unchosen: [(hostile.clone(), 1)].into(),
            ..promoted().data
        },
        path: hostile,
        ..promoted()
    };
    check("cycle_hostile", &["report"], result(report));
}

#[test]
fn the_page_is_put_where_the_user_wants_it() {
    let folder = tempfile::tempdir().unwrap();
    let (page, output) = (folder.path().join("page.html"), folder.path().join("proof.html"));
    std::fs::write(&page, "<p>proof</p>").unwrap();
    let report = CycleReport { path: page.to_str().unwrap().to_owned(), ..promoted() };
    let (bench, seen) = Bench::answering(result(report));
    let asked = ["report", "--adapter", "7dcd", "--output", output.to_str().unwrap()];
    let said = bench.run(&asked);
    assert!(said.contains(&format!("page: {}\n", output.display())), "{said}");
    assert_eq!(std::fs::read_to_string(&output).unwrap(), "<p>proof</p>");
    let wanted = Job::Report { adapter: Some("7dcd".to_owned()) };
    let is_asked = |request| matches!(request, Request::Run(run) if run.job == wanted);
    assert!(seen.try_iter().any(is_asked));
    let nowhere = folder.path().join("no").join("proof.html");
    assert_snapshot!(
        "cycle_unwritable",
        bench
            .run(&["report", "-o", nowhere.to_str().unwrap()])
            .replace(folder.path().to_str().unwrap(), "FOLDER")
    );
}
