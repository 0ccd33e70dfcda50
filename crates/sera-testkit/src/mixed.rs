//! A repository with a few functions in every language Sera knows.
use crate::{AUTHOR, History, Repo};

const SOURCES: &[(&str, &str)] = &[
    ("src/ranges.rs", include_str!("../sources/mixed/ranges.rs")),
    ("web/queue.ts", include_str!("../sources/mixed/queue.ts")),
    ("web/chart.tsx", include_str!("../sources/mixed/chart.tsx")),
    ("web/format.js", include_str!("../sources/mixed/format.js")),
    ("limit/bucket.go", include_str!("../sources/mixed/bucket.go")),
    ("tools/text.py", include_str!("../sources/python/stockroom/text.py")),
    ("tools/stats.py", include_str!("../sources/python/stockroom/stats.py")),
    ("shop/Ledger.java", include_str!("../../sera-syntax/tests/data/Ledger.java")),
    ("ring/ring.c", include_str!("../../sera-syntax/tests/data/ring.c")),
    ("store/cache.cc", include_str!("../../sera-syntax/tests/data/cache.cc")),
    ("shop/Orders.cs", include_str!("../../sera-syntax/tests/data/Orders.cs")),
    ("club/roster.rb", include_str!("../../sera-syntax/tests/data/roster.rb")),
    ("shop/Basket.php", include_str!("../../sera-syntax/tests/data/Basket.php")),
];

/// Every language side by side: thirteen files, each added with one fault that a second commit
/// fixes.
pub fn mixed_project() -> Repo {
    let mut history = History::new();
    history.commit(AUTHOR, "Say what this is", &[("README.md", "# Mixed\n")]);
    for (path, text) in SOURCES {
        let (_, _, old, new) = fix(path);
        assert_eq!(text.matches(new).count(), 1, "{new:?} occurs once in {path}");
        history.commit(AUTHOR, &format!("Add {path}"), &[(path, &text.replacen(new, old, 1))]);
    }
    for (path, message, old, new) in FIXES {
        history.edit(message, path, old, new);
    }
    history.build()
}

fn fix(path: &str) -> &'static (&'static str, &'static str, &'static str, &'static str) {
    FIXES.iter().find(|fix| fix.0 == path).expect("every source has a fix")
}

const FIXES: &[(&str, &str, &str, &str)] = &[
    ("src/ranges.rs", "Ranges that only touch do not meet", "start > end {", "start >= end {"),
    (
        "web/queue.ts",
        "Keep the order of equal priorities",
        "other.priority <= job.priority",
        "other.priority < job.priority",
    ),
    ("web/chart.tsx", "Do not divide by zero", "largest === 1", "largest === 0"),
    (
        "web/format.js",
        "Count minutes within the hour",
        "((seconds / 3600) / 60)",
        "((seconds % 3600) / 60)",
    ),
    (
        "limit/bucket.go",
        "Never hold more than the capacity",
        "b.Tokens < b.Capacity",
        "b.Tokens > b.Capacity",
    ),
    (
        "tools/text.py",
        "Write one thing in the singular",
        "if count != 1 else",
        "if count == 1 else",
    ),
    ("tools/stats.py", "Divide by the window", "running / len(values)", "running / window"),
    ("shop/Ledger.java", "Take the first of equals", "value >= most", "value > most"),
    ("ring/ring.c", "Never push into a full ring", "next == r->head", "next == r->tail"),
    ("store/cache.cc", "Keep as many as asked for", "left < keep", "left <= keep"),
    ("shop/Orders.cs", "Refuse more than there is", "left <= pieces", "left < pieces"),
    ("club/roster.rb", "The oldest has the highest age", "age < best", "age > best"),
    ("shop/Basket.php", "Fill up to the limit", "$after >= self::LIMIT", "$after > self::LIMIT"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tip_holds_the_sources() {
        let repo = mixed_project();
        for (path, text) in SOURCES {
            assert_eq!(repo.read(path), *text, "{path} is what the sources say");
        }
        assert_eq!(repo.git(&["rev-list", "--count", "HEAD"]), "27");
    }
}
