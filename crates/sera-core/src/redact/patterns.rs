//! What secrets look like, as data (the classes that gitleaks' rules cover most finds with).
//!
//! A text is first searched for the rules' needles, all at once; only rules whose needle occurs run
//! their expression. Every expression is closed under exchanging letters for letters of the same case and digits
//! for digits inside its group: a pseudonym is found where its secret was.
use regex::bytes::{Captures, Regex, RegexBuilder};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

/// One rule. The secret is the group `s`; what stands around it is kept.
struct Rule {
    /// What every match holds, case-sensitive.
    needle: &'static str,
    expression: &'static str,
    check: Check,
}

/// What a match must pass beyond its expression.
#[derive(Clone, Copy, PartialEq)]
enum Check {
    /// The expression says enough.
    None,
    /// Randomness and an allow-list: the expression alone would take words for secrets.
    Random,
}

const fn rule(needle: &'static str, expression: &'static str) -> Rule {
    Rule { needle, expression, check: Check::None }
}

const fn random(needle: &'static str, expression: &'static str) -> Rule {
    Rule { needle, expression, check: Check::Random }
}

/// In order of precedence: where two overlap, the earlier one counts.
const RULES: &[Rule] = &[
    // Private key blocks, PEM and PGP.
    rule(
        "PRIVATE KEY",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?P<s>[^-]{16,})-----END",
    ),
    rule("AGE-SECRET", r"\bAGE-SECRET-KEY-1(?P<s>[0-9A-Z]{58})"),
    // JSON web tokens: header and claims open with the letters that `{"` encodes to.
    rule(".eyJ", r"\beyJ(?P<s>[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})"),
    // AWS.
    rule("AKIA", r"\bAKIA(?P<s>[A-Z0-9]{16})\b"),
    rule("ASIA", r"\bASIA(?P<s>[A-Z0-9]{16})\b"),
    rule("ABIA", r"\bABIA(?P<s>[A-Z0-9]{16})\b"),
    rule("ACCA", r"\bACCA(?P<s>[A-Z0-9]{16})\b"),
    rule("aws", AWS),
    rule("AWS", AWS),
    // GitHub, GitLab, Bitbucket.
    rule("ghp_", r"\bghp_(?P<s>[A-Za-z0-9]{36,})\b"),
    rule("gho_", r"\bgho_(?P<s>[A-Za-z0-9]{36,})\b"),
    rule("ghu_", r"\bghu_(?P<s>[A-Za-z0-9]{36,})\b"),
    rule("ghs_", r"\bghs_(?P<s>[A-Za-z0-9]{36,})\b"),
    rule("ghr_", r"\bghr_(?P<s>[A-Za-z0-9]{36,})\b"),
    rule("github_pat_", r"\bgithub_pat_(?P<s>[A-Za-z0-9_]{36,})\b"),
    rule("glpat-", r"\bglpat-(?P<s>[A-Za-z0-9_-]{20,})"),
    rule("gl", r"\bgl(?:dt|ft|rt|soat|cbt|ptt|oas)-(?P<s>[A-Za-z0-9_-]{20,})"),
    rule("ATBB", r"\bATBB(?P<s>[A-Za-z0-9]{32,})\b"),
    // Slack.
    rule("xox", r"\bxox[abeprs]-(?P<s>[A-Za-z0-9-]{10,})"),
    rule("xapp-", r"\bxapp-(?P<s>[0-9]-[A-Z0-9]+-[0-9]+-[A-Za-z0-9]+)"),
    rule(
        "hooks.slack.com",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<s>[A-Za-z0-9/]{40,60})",
    ),
    // Payment.
    rule("_live_", r"\b(?:sk|rk|pk)_live_(?P<s>[A-Za-z0-9]{10,})\b"),
    rule("k_test_", r"\b(?:sk|rk|pk)_test_(?P<s>[A-Za-z0-9]{16,})\b"),
    rule("whsec_", r"\bwhsec_(?P<s>[A-Za-z0-9+/=]{24,})"),
    rule("sq0", r"\bsq0(?:atp|csp|idp)-(?P<s>[A-Za-z0-9_-]{22,43})"),
    // Google, Azure, DigitalOcean, Heroku.
    rule("AIza", r"\bAIza(?P<s>[A-Za-z0-9_-]{35})"),
    rule("ya29.", r"\bya29\.(?P<s>[A-Za-z0-9_-]{20,})"),
    rule("GOCSPX-", r"\bGOCSPX-(?P<s>[A-Za-z0-9_-]{28})"),
    rule("AccountKey=", r"\bAccountKey=(?P<s>[A-Za-z0-9+/]{86})=="),
    rule("_v1_", r"\bdo[opr]_v1_(?P<s>[a-f0-9]{64})\b"),
    rule("HRKU-", r"\bHRKU-(?P<s>[A-Za-z0-9_-]{30,})"),
    // Registries.
    rule("npm_", r"\bnpm_(?P<s>[A-Za-z0-9]{36})\b"),
    rule("pypi-AgE", r"\bpypi-AgE(?P<s>[A-Za-z0-9_-]{50,})"),
    rule("dckr_pat_", r"\bdckr_pat_(?P<s>[A-Za-z0-9_-]{27})"),
    rule("rubygems_", r"\brubygems_(?P<s>[a-f0-9]{48})\b"),
    rule("cio", r"\bcio(?P<s>[A-Za-z0-9]{32})\b"),
    // Model, mail and shop services.
    random("sk-", r"\bsk-(?:ant-|proj-|or-|svcacct-)?(?P<s>[A-Za-z0-9_-]{32,})"),
    rule("hf_", r"\bhf_(?P<s>[A-Za-z0-9]{34,})\b"),
    rule("SG.", r"\bSG\.(?P<s>[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})"),
    rule("key-", r"\bkey-(?P<s>[a-f0-9]{32})\b"),
    rule("SK", r"\bSK(?P<s>[a-f0-9]{32})\b"),
    rule("AC", r"\bAC(?P<s>[a-f0-9]{32})\b"),
    rule("shp", r"\bshp(?:at|ss|ca|pa)_(?P<s>[a-fA-F0-9]{32})\b"),
    // Passwords in addresses.
    random("://", r#"://[^\s:/@"'<>]{1,80}:(?P<s>[^\s:/@"'<>{}$]{8,100})@"#),
];

const AWS: &str =
    r#"(?i)aws.{0,20}secret.{0,20}?[=:]\s{0,3}["']?(?P<s>[A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#;

/// Names that say that a secret follows.
const NAMES: &str = concat!(
    r"(?i)secret|token|passw(?:or)?d|passwd|pwd|credential",
    r"|(?:api|access|auth|client|private|signing|encryption|session)[_.-]?key",
);

/// What follows the name of a generic secret: an optional rest of the name, then a value in
/// quotes, or without them to the end of the line.
const VALUE: &str = concat!(
    r#"^[\w.-]{0,20}["'`]?\]?\s{0,5}(?::=|=>|=|:)\s{0,5}"#,
    r#"(?:[bru]?["'`](?P<q>[A-Za-z0-9_+/=.~!@#$%^&*-]{12,200})["'`]"#,
    r#"|(?P<b>[A-Za-z0-9_+/=.~-]{16,200})\s*(?:#.*)?(?:\r?\n|$))"#,
);

/// Words that mark a value as an example.
const ALLOWED: [&str; 10] = [
    "example",
    "changeme",
    "placeholder",
    "your_",
    "your-",
    "xxxx",
    "dummy",
    "redacted",
    "test_test",
    "1234567890",
];

/// Bits per character from which a value counts as random.
const ENTROPY: f64 = 3.5;

fn compile(expression: &str) -> Regex {
    // Without Unicode classes the automata stay small, and offsets still fall between characters:
    // every group is bounded by ASCII.
    RegexBuilder::new(expression).unicode(false).build().expect("the rules are tested")
}

static EACH: LazyLock<Vec<Regex>> =
    LazyLock::new(|| RULES.iter().map(|rule| compile(rule.expression)).collect());

static NEEDLES: LazyLock<Regex> = LazyLock::new(|| {
    let needles: Vec<String> = RULES.iter().map(|rule| regex::escape(rule.needle)).collect();
    compile(&needles.join("|"))
});

static NAME: LazyLock<Regex> = LazyLock::new(|| compile(NAMES));

static AFTER_NAME: LazyLock<Regex> = LazyLock::new(|| compile(VALUE));

/// Where secrets and pseudonyms stand in `text`, in order, without overlaps.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    let candidates = rules(text).into_iter().flat_map(|at| specific(text, at));
    for span in candidates.chain(generic(text)) {
        if spans.iter().all(|other| other.end <= span.start || span.end <= other.start) {
            spans.push(span);
        }
    }
    spans.sort_by_key(|span| span.start);
    spans
}

/// The rules whose needle occurs.
fn rules(text: &str) -> BTreeSet<usize> {
    let (mut found, mut from) = (BTreeSet::new(), 0);
    while let Some(needle) = NEEDLES.find_at(text.as_bytes(), from) {
        // One needle may begin inside another or be its beginning.
        let rest = &text.as_bytes()[needle.start()..];
        let begins =
            |(at, rule): (usize, &Rule)| rest.starts_with(rule.needle.as_bytes()).then_some(at);
        found.extend(RULES.iter().enumerate().filter_map(begins));
        from = needle.start() + 1;
    }
    found
}

fn specific(text: &str, at: usize) -> Vec<Range<usize>> {
    let group = |found: Captures<'_>| found.name("s").map(|secret| secret.range());
    let mut spans: Vec<_> = EACH[at].captures_iter(text.as_bytes()).filter_map(group).collect();
    match RULES[at].check {
        Check::None => {}
        Check::Random => spans.retain(|span| looks_random(&text[span.clone()], 1)),
    }
    spans
}

fn generic(text: &str) -> impl Iterator<Item = Range<usize>> {
    NAME.find_iter(text.as_bytes()).filter_map(|name| {
        let rest = &text.as_bytes()[name.end()..];
        let rest = &rest[..rest.len().min(260)];
        if !assigned(rest) {
            return None;
        }
        let found = AFTER_NAME.captures(rest)?;
        let (value, runs) =
            found.name("q").map(|v| (v, 1)).or_else(|| found.name("b").map(|v| (v, 3)))?;
        let span = name.end() + value.start()..name.end() + value.end();
        looks_random(&text[span.clone()], runs).then_some(span)
    })
}

/// Whether an assignment follows the rest of a name: most names are only mentioned.
fn assigned(rest: &[u8]) -> bool {
    let end = rest.iter().take(30).position(|b| matches!(b, b'=' | b':'));
    let between = |b: &u8| b.is_ascii_alphanumeric() || b"_.-\"'`] \t".contains(b);
    end.is_some_and(|end| rest[..end].iter().all(between))
}

/// Randomness by entropy, by the number of separate runs of digits (or, where one would do, by
/// letters of mixed case), and by not being made of words.
fn looks_random(value: &str, digit_runs: usize) -> bool {
    let lower = value.to_ascii_lowercase();
    let runs = value.as_bytes().chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit());
    let digits = runs.filter(|run| run[0].is_ascii_digit()).count();
    (digits >= digit_runs || (digit_runs == 1 && mixed_case(value)))
        && value.bytes().any(|b| b.is_ascii_alphabetic())
        && !ALLOWED.iter().any(|word| lower.contains(word))
        && !made_of_words(value)
        && entropy(value) >= ENTROPY
}

/// More capitals than words in camel case have, and fewer than constants.
fn mixed_case(value: &str) -> bool {
    let capitals = value.bytes().filter(u8::is_ascii_uppercase).count();
    (value.len() / 4..=value.len() * 3 / 4).contains(&capitals)
}

/// `utf8_general_ci`, `auth.backends.v2`: words of one case with a number at the end at most.
fn made_of_words(value: &str) -> bool {
    let word = |part: &str| {
        let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
        part.len() - letters.len() <= 3 && letters.bytes().skip(1).all(|b| b.is_ascii_lowercase())
    };
    value.split(['_', '-', '.', '/', ' ']).all(word)
}

/// Shannon entropy of the bytes, in bits per byte.
fn entropy(value: &str) -> f64 {
    let mut counts = [0u32; 256];
    value.bytes().for_each(|b| counts[usize::from(b)] += 1);
    let length = value.len() as f64;
    let bits = |&n: &u32| -f64::from(n) / length * (f64::from(n) / length).log2();
    counts.iter().filter(|&&n| n > 0).map(bits).sum()
}
