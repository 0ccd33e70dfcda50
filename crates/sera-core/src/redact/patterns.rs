//! What secrets look like, as data (the classes that gitleaks' rules cover most finds with).
//!
//! Every expression is closed under exchanging letters for letters of the same case and digits
//! for digits inside its group: a pseudonym is found where its secret was.
use regex::{Regex, RegexSet};
use std::ops::Range;
use std::sync::LazyLock;

/// One rule. The secret is the group `s`; what stands around it is kept.
struct Rule {
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

const fn rule(expression: &'static str) -> Rule {
    Rule { expression, check: Check::None }
}

const fn random(expression: &'static str) -> Rule {
    Rule { expression, check: Check::Random }
}

/// In order of precedence: where two overlap, the earlier one counts.
const RULES: [Rule; 34] = [
    // Private key blocks, PEM and PGP.
    rule(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?P<s>[^-]{16,})-----END"),
    rule(r"\bAGE-SECRET-KEY-1(?P<s>[0-9A-Z]{58})"),
    // JSON web tokens: header and claims open with the letters that `{"` encodes to.
    rule(r"\beyJ(?P<s>[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})"),
    // AWS.
    rule(r"\b(?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])(?P<s>[A-Z0-9]{16})\b"),
    rule(
        r#"(?i)aws.{0,20}secret.{0,20}?[=:]\s{0,3}["']?(?P<s>[A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"#,
    ),
    // GitHub, GitLab, Bitbucket, Gitea.
    rule(r"\bgh[pousr]_(?P<s>[A-Za-z0-9]{36,})\b"),
    rule(r"\bgithub_pat_(?P<s>[A-Za-z0-9_]{36,})\b"),
    rule(r"\bgl(?:pat|dt|ft|rt|soat|cbt|ptt|oas)-(?P<s>[A-Za-z0-9_-]{20,})"),
    rule(r"\bATBB(?P<s>[A-Za-z0-9]{32,})\b"),
    // Slack.
    rule(r"\bxox[abeprs]-(?P<s>[A-Za-z0-9-]{10,})"),
    rule(r"\bxapp-(?P<s>[0-9]-[A-Z0-9]+-[0-9]+-[A-Za-z0-9]+)"),
    rule(r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<s>[A-Za-z0-9/]{40,60})"),
    // Payment.
    rule(r"\b(?:sk|rk|pk)_(?:live|test|prod)_(?P<s>[A-Za-z0-9]{10,})\b"),
    rule(r"\bwhsec_(?P<s>[A-Za-z0-9+/=]{24,})"),
    rule(r"\bsq0(?:atp|csp|idp)-(?P<s>[A-Za-z0-9_-]{22,43})"),
    // Google, Azure, DigitalOcean, Heroku, Cloudflare.
    rule(r"\bAIza(?P<s>[A-Za-z0-9_-]{35})"),
    rule(r"\bya29\.(?P<s>[A-Za-z0-9_-]{20,})"),
    rule(r"\bGOCSPX-(?P<s>[A-Za-z0-9_-]{28})"),
    rule(r"(?i)\bAccountKey=(?P<s>[A-Za-z0-9+/]{86})=="),
    rule(r"\bdo[opr]_v1_(?P<s>[a-f0-9]{64})\b"),
    rule(r"\bHRKU-(?P<s>[A-Za-z0-9_-]{30,})"),
    // Registries.
    rule(r"\bnpm_(?P<s>[A-Za-z0-9]{36})\b"),
    rule(r"\bpypi-AgE(?P<s>[A-Za-z0-9_-]{50,})"),
    rule(r"\bdckr_pat_(?P<s>[A-Za-z0-9_-]{27})"),
    rule(r"\brubygems_(?P<s>[a-f0-9]{48})\b"),
    rule(r"\bcio(?P<s>[A-Za-z0-9]{32})\b"),
    // Model and mail services.
    rule(r"\bsk-(?:ant-|proj-|or-|svcacct-)?(?P<s>[A-Za-z0-9_-]{32,})"),
    rule(r"\bhf_(?P<s>[A-Za-z0-9]{34,})\b"),
    rule(r"\bSG\.(?P<s>[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})"),
    rule(r"\bkey-(?P<s>[a-f0-9]{32})\b"),
    rule(r"\b(?:AC|SK)(?P<s>[a-f0-9]{32})\b"),
    rule(r"\b(?:shpat|shpss|shpca|shppa)_(?P<s>[a-fA-F0-9]{32})\b"),
    // Passwords in addresses.
    random(r#"[a-z][a-z0-9+.-]{1,20}://[^\s:/@"'<>]{1,80}:(?P<s>[^\s:/@"'<>{}$]{8,100})@"#),
    // A name that says secret, and a value that looks random.
    random(concat!(
        r#"(?i)(?:api|access|auth|client|private|secret|signing|encryption|session)[_.-]?key"#,
        r#"|secret|token|passw(?:or)?d|passwd|pwd|credential"#,
    )),
];

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

static SET: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new(RULES.iter().map(|rule| rule.expression)).expect("the rules are tested")
});

static EACH: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let compile = |rule: &Rule| Regex::new(rule.expression).expect("the rules are tested");
    RULES.iter().map(compile).collect()
});

static AFTER_NAME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(VALUE).expect("the rule is tested"));

/// Where secrets and pseudonyms stand in `text`, in order, without overlaps.
pub(super) fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut spans: Vec<Range<usize>> = Vec::new();
    for at in &SET.matches(text) {
        let found = if at + 1 == RULES.len() {
            generic(text, &EACH[at])
        } else {
            specific(text, &EACH[at], RULES[at].check)
        };
        for span in found {
            if spans.iter().all(|other| other.end <= span.start || span.end <= other.start) {
                spans.push(span);
            }
        }
    }
    spans.sort_by_key(|span| span.start);
    spans
}

fn specific(text: &str, expression: &Regex, check: Check) -> Vec<Range<usize>> {
    let group = |found: regex::Captures<'_>| found.name("s").map(|secret| secret.range());
    let mut spans: Vec<_> = expression.captures_iter(text).filter_map(group).collect();
    if check == Check::Random {
        spans.retain(|span| looks_random(&text[span.clone()], 1));
    }
    spans
}

fn generic(text: &str, names: &Regex) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    for name in names.find_iter(text) {
        // Names repeat inside names (`secret_token`), and each is looked at from its own end.
        let rest = &text[name.end()..];
        let Some(found) = AFTER_NAME.captures(&rest[..boundary(rest, 260)]) else { continue };
        let value = found.name("q").map(|v| (v, 1)).or(found.name("b").map(|v| (v, 3)));
        let (value, runs) = value.expect("one of the two groups took part");
        if looks_random(value.as_str(), runs) {
            spans.push(name.end() + value.start()..name.end() + value.end());
        }
    }
    spans
}

fn boundary(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at)
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
