//! The page of fixed cycles, byte for byte, and what holds of every page.
use super::html;
use sera_core::AdapterId;
use sera_core::scorecard::Capability;
use sera_protocol::report::{
    ArmReport, Compared, CycleCost, CycleData, CycleReport, Decided, LossPoint, NextCycle, Spread,
    Staleness, TrainReport,
};
use std::collections::BTreeMap;

fn counts<const N: usize>(of: [(&str, u64); N]) -> BTreeMap<String, u64> {
    of.map(|(word, n)| (word.to_owned(), n)).into()
}

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
        first: None,
        among_five: None,
    }
}

fn compared(capability: Capability, item: &str, adapter: f64, retrieval: f64) -> Compared {
    let (told, wanted, proposed, instead) = (None, None, None, None);
    let item = item.to_owned();
    Compared { capability, item, adapter, retrieval, told, wanted, proposed, instead }
}

fn decided(capability: Capability, promoted: bool, reason: &str) -> Decided {
    let serves = if promoted { id().to_string() } else { "base".to_owned() };
    Decided { capability, promoted, stored: true, serves, reason: reason.to_owned(), items: 24 }
}

const PATCH: &str = "\
diff --git a/src/sums.py b/src/sums.py
--- a/src/sums.py
+++ b/src/sums.py
@@ -1,3 +1,3 @@
 def tally(values):
--- old
-    result = 1
+    result = 0
     for value in values:
";

const LOSS: [f64; 5] = [2.5, 2.0, 1.8, 1.9, 1.7];

fn train() -> TrainReport {
    TrainReport {
        examples: 4002,
        tokens: 33_767,
        target_tokens: 12_345,
        tokens_per_s: 424.0,
        peak_rss_mb: 612,
        loss: LOSS.map(|loss| loss as f32).to_vec(),
        adapter: Some(id()),
        notes: Some(vec!["computed on the CPU".to_owned()]),
        seconds: 185.0,
    }
}

fn data() -> CycleData {
    CycleData {
        capabilities: Some(counts([("completions", 3100), ("fixes", 812), ("lessons", 90)])),
        sources: Some(counts([("mutation", 700), ("commit", 112)])),
        families: Some(counts([("wrong-variable", 300), ("missing-guard", 512)])),
        operators: Some(counts([("identifier-swap", 700)])),
        unchosen: counts([("operator-cap", 17)]),
        unsolved: Some(counts([("not-found", 12)])),
        unmade: Some(counts([("no-mutation", 5)])),
        unmined: None,
        held_out: Some(120),
    }
}

fn items() -> Vec<Compared> {
    use Capability::{Complete, Fix, Locate};
    vec![
        Compared {
            told: Some("def mean(values):\n".to_owned()),
            wanted: Some("    return sum(values) / len(values)\n".to_owned()),
            ..compared(Complete, "src/stats.py::mean", 0.5, 1.5)
        },
        compared(Complete, "src/stats.py::median", 1.75, 1.5),
        Compared {
            told: Some("the place that is wrong".to_owned()),
            ..compared(Locate, "operand-swap src/sums.py::tally", 0.0, 0.75)
        },
        Compared {
            told: Some("tally gives a sum that is too large".to_owned()),
            wanted: Some(PATCH.to_owned()),
            proposed: Some(PATCH.to_owned()),
            instead: Some(PATCH.replace("= 0", "= 2")),
            ..compared(Fix, "literal src/sums.py::tally", 0.9, 2.1)
        },
    ]
}

/// What was promoted, with a teacher, and with all that may be told.
fn promoted() -> CycleReport {
    use Capability::{Complete, Fix, Locate};
    let curve = LOSS.iter().zip(1..).map(|(loss, step)| LossPoint { step, loss: *loss });
    CycleReport {
        adapter: id(),
        made_ms: id().unix_ms(),
        repository: "/home/ada/engine".to_owned(),
        base: "smollm2-135m-instruct".to_owned(),
        cut: "0080011d8301d6d1a8b9f6a7d9f3f0d1a2b3c4d5".to_owned(),
        verdict:
            "Promoted for complete (better than base + retrieval by 0.103 [0.076, 0.158] over \
                  24 held-out items); not promoted for fix (not better)."
                .to_owned(),
        decisions: vec![
            decided(Complete, true, "better than base + retrieval by 0.103 [0.076, 0.158]"),
            Decided {
                stored: false,
                serves: "0193a7d2-0000-7000-8000-000000000000".to_owned(),
                ..decided(Locate, false, "only 3 held-out items were measured, 20 are needed")
            },
            decided(Fix, false, "not better than base + retrieval beyond chance"),
        ],
        train: train(),
        curve: curve.collect(),
        steps: 5,
        arms: vec![
            arm(Complete, "base", 1.684, Some([0.362, 0.301, 0.428])),
            arm(Complete, "retrieval", 1.322, None),
            arm(Complete, "adapter", 1.219, Some([-0.103, -0.158, -0.076])),
            ArmReport { first: Some(0.5), ..arm(Locate, "retrieval", 0.25, None) },
            ArmReport { recall: Some(0.4), valid: Some(1.0), ..arm(Fix, "retrieval", 2.0, None) },
            arm(Fix, "adapter", 1.9, Some([-0.1, -0.525, 0.179])),
        ],
        general: [("adapter".to_owned(), 3.03), ("base".to_owned(), 3.0)].into(),
        compared: items(),
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
        notes: vec!["150 s (150 s granted) measured 24 held-out tasks".to_owned()],
        path: String::new(),
    }
}

/// What no teacher helped with, an older version stored, and nobody evaluated.
fn bare() -> CycleReport {
    CycleReport {
        verdict: "Nothing is decided: the adapter is not evaluated yet.".to_owned(),
        decisions: Vec::new(),
        curve: Vec::new(),
        steps: 0,
        arms: Vec::new(),
        general: BTreeMap::new(),
        compared: Vec::new(),
        data: CycleData::default(),
        cost: CycleCost { train_seconds: 3.25, ..CycleCost::default() },
        staleness: Staleness::default(),
        next: NextCycle::default(),
        notes: Vec::new(),
        ..promoted()
    }
}

/// The same where nothing won.
fn refused() -> CycleReport {
    use Capability::{Complete, Fix, Locate};
    let all = [Complete, Locate, Fix];
    let unlike = |arms: Vec<ArmReport>| arms.into_iter().filter(|arm| arm.arm != "base").collect();
    CycleReport {
        verdict: "Nothing is decided yet; as the rule stands, it would be not promoted.".to_owned(),
        decisions: all
            .map(|one| Decided { stored: false, ..decided(one, false, "the noise is unknown") })
            .to_vec(),
        curve: vec![LossPoint { step: 1, loss: 2.0 }],
        steps: 1,
        arms: unlike(promoted().arms),
        compared: Vec::new(),
        cost: CycleCost { teacher_functions: 0, ..promoted().cost },
        staleness: Staleness { commits: Some(0), ..promoted().staleness },
        ..promoted()
    }
}

const HOSTILE: &str = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>\u{1b}[2J\u{202e}\u{200b}\u{0}\" onload='x' &amp; \u{2028}";

/// Every text of a report becomes hostile.
fn hostile() -> CycleReport {
    fn poison(value: &mut serde_json::Value) {
        use serde_json::Value;
        match value {
            Value::String(text) => text.push_str(HOSTILE),
            Value::Array(values) => values.iter_mut().for_each(poison),
            Value::Object(fields) => {
                let known = std::mem::take(fields);
                for (name, mut value) in known {
                    // Ids and words cannot hold it.
                    if name != "adapter" && name != "capability" {
                        poison(&mut value);
                    }
                    fields.insert(name, value);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut value = serde_json::to_value(promoted()).expect("a report is JSON");
    poison(&mut value);
    let mut report: CycleReport = serde_json::from_value(value).expect("it is a report still");
    report.general = [(HOSTILE.to_owned(), 1.0)].into();
    report.data.sources = Some(counts([(HOSTILE, 1)]));
    report
}

/// The body, without the sheet of styles, a tag a line.
fn readable(page: &str) -> String {
    let (before, rest) = page.split_once("<style>").expect("a sheet");
    let (_, after) = rest.split_once("</style>").expect("it ends");
    format!("{before}{after}").replace("><", ">\n<").replace("</section>\n", "</section>\n\n")
}

#[test]
fn pages() {
    for (name, report) in
        [("promoted", promoted()), ("refused", refused()), ("bare", bare()), ("hostile", hostile())]
    {
        let page = html(&report);
        insta::assert_snapshot!(name, readable(&page));
        stands_for_itself(&page);
        well_formed(&page);
    }
}

/// Names and values of all tags, in order; an end has its slash.
fn tags(page: &str) -> Vec<(&str, Vec<(&str, &str)>)> {
    let (_, rest) = page.split_once('\n').expect("a line for the type");
    let mut tags = Vec::new();
    for part in rest.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("a tag is closed");
        assert!(!text.contains('>'), "a bare > in {text:?}");
        let (name, mut left) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut attributes = Vec::new();
        while let Some((attribute, after)) = left.trim_start().split_once("=\"") {
            let (value, after) = after.split_once('"').expect("a value is closed");
            attributes.push((attribute, value));
            left = after;
        }
        assert!(matches!(left, "" | "/"), "{left:?} in {tag:?}");
        let name = if left == "/" { &tag[..name.len()] } else { name };
        tags.push((name, attributes));
        if left == "/" || name.ends_with('/') {
            tags.push(("/", Vec::new()));
        }
    }
    tags
}

/// What is opened is closed, in order; what is pointed at is there, once; text holds no markup.
fn well_formed(page: &str) {
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"), "{}", &page[..60]);
    let (mut open, mut ids, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
    for (name, attributes) in tags(page) {
        match name.strip_prefix('/') {
            Some("") => drop(open.pop()),
            Some(end) => assert_eq!(open.pop(), Some(end)),
            None => open.push(name.trim_end_matches('/')),
        }
        for (attribute, value) in attributes {
            match attribute {
                "id" => ids.push(value),
                "href" => wanted.push(value.trim_start_matches('#')),
                "aria-labelledby" => wanted.extend(value.split(' ')),
                _ => {}
            }
        }
    }
    assert!(open.is_empty(), "{open:?} stay open");
    let known: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(known.len(), ids.len(), "{ids:?}");
    assert!(wanted.iter().all(|id| known.contains(id)), "{wanted:?} of {ids:?}");
    for part in page.split('&').skip(1) {
        let (name, _) = part.split_once(';').expect("an entity ends");
        assert!(["amp", "lt", "gt", "quot", "#39"].contains(&name), "&{name};");
    }
}

/// Elements that the page may have, and attributes.
const NAMES: &str = "a article body caption circle dd desc div dl dt figcaption figure footer g h1 h2 \
                     h3 h4 head header html li line main meta nav p path pre section span style \
                     svg table tbody td text th thead title tr ul";
const ATTRIBUTES: &str = "aria-label aria-labelledby charset class content cx cy d href http-equiv \
                          id lang name r role scope tabindex text-anchor viewBox x x1 x2 y y1 y2";

/// Nothing runs, nothing is fetched, and no reader is fooled.
fn stands_for_itself(page: &str) {
    let among = |all: &str, word: &str| all.split_whitespace().any(|one| one == word);
    for (name, attributes) in tags(page) {
        let name = name.trim_matches('/');
        assert!(name.is_empty() || among(NAMES, name), "<{name}>");
        for (attribute, value) in attributes {
            assert!(among(ATTRIBUTES, attribute), "{attribute}={value}");
            assert!(attribute != "href" || value.starts_with('#'), "{attribute}={value}");
        }
    }
    for word in ["<script", "url(", "@import", "http://", "https://"] {
        assert!(!page.contains(word), "{word}");
    }
    let hidden = page.chars().find(|c| sera_core::visible::is_hidden(*c));
    assert_eq!(hidden, None);
}
