//! Which family a mutation may honestly be said to belong to.
//!
//! `sera-syntax` says what families an operator can make; whether one was made shows in the code:
//! a dropped clause is a missing permission only where the clause speaks of one. The commonest
//! families are told apart further by the *site*, the kind of statement the fault stands in.
use regex::Regex;
use sera_syntax::Mutation;
use std::sync::LazyLock;

/// The kind of statement a fault stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// A condition of a branch or loop.
    Condition,
    /// A loop over something.
    Loop,
    /// What is given back.
    Return,
    /// An error that is raised.
    Raise,
    /// A value that is set.
    Assignment,
    /// A call made for its effect.
    Call,
    /// The head of the function.
    Signature,
    /// Anything else.
    Other,
}

impl Site {
    /// The site of a line of code.
    pub fn of(line: &str) -> Self {
        let line = line.trim_start().trim_start_matches("} ").trim_start_matches("await ");
        SITES.iter().find(|(pattern, _)| pattern.is_match(line)).map_or(Self::Other, |(_, s)| *s)
    }

    /// How a family's name ends where it is told apart by site.
    fn suffix(self) -> &'static str {
        match self {
            Self::Condition => "-in-condition",
            Self::Loop => "-in-loop",
            Self::Return => "-in-return",
            Self::Raise => "-in-error",
            Self::Assignment => "-in-assignment",
            Self::Call => "-in-call",
            Self::Signature | Self::Other => "",
        }
    }
}

static SITES: LazyLock<Vec<(Regex, Site)>> = LazyLock::new(|| {
    let site = |pattern: &str, site| (Regex::new(pattern).expect("a valid pattern"), site);
    vec![
        site(
            r"^(async )?(def|fn|func|function|pub|impl|export|static|const fn)\b.*[({:]$",
            Site::Signature,
        ),
        site(r"^(if|elif|else if|while|assert|unless|switch|match|case|when)\b", Site::Condition),
        site(r"^(async )?for\b|\.(forEach|for_each)\(", Site::Loop),
        site(r"^(return|yield)\b", Site::Return),
        site(r"^(raise|throw|panic|bail|Err\()", Site::Raise),
        site(
            r"^(let|const|var|auto)\b|^[\w.\[\]'\x22*&, ()]+ *([-+*/|&%^]|:|//|<<|>>)?= ",
            Site::Assignment,
        ),
        site(r"^[\w.:!]+\(", Site::Call),
    ]
});

/// Families that are told apart by site: the operators that make them are the commonest.
const BY_SITE: &[&str] =
    &["wrong-variable", "wrong-attribute", "wrong-callee", "missing-argument", "wrong-arithmetic"];

/// What must show in the changed code or its line for a family to be said of it.
const EVIDENCE: &[(&str, &str)] = &[
    ("missing-permission", r"(?i)perm|auth|allow|admin|role|access|owner|grant|login"),
    ("stale-cache", r"(?i)cache|memo|invalidat|expire|ttl|evict"),
    ("resource-leak", r"(?i)close|release|free|unlock|dispose|cleanup|shutdown|disconnect|flush"),
    ("missing-escaping", r"(?i)escap|quote|encode|saniti|html|sql|url"),
    ("path-handling", r"(?i)path|dir|file|folder|abspath|join|basename"),
    ("date-error", r"(?i)date|time|day|hour|month|year|week|utc|zone|now"),
    ("wrong-error-type", r"(?i)error|exception|raise|throw|panic|Err\b"),
    ("wrong-import", r"^\s*(from|import|use)\b"),
    ("race", r"(?i)lock|mutex|atomic|thread|concurren|semaphore"),
    ("unit-error", r"(?i)\b\d{2,}|sec|milli|byte|size|scale|rate|percent|cents?\b|\*|/"),
    ("config-drift", r"(?i)conf|setting|option|default|limit|timeout|max|min|env"),
    ("rounding-error", r"(?i)round|floor|ceil|int\(|trunc|//|/"),
    (
        "missing-normalisation",
        r"(?i)strip|trim|lower|upper|norm|sort|str|int|list|tuple|set|sorted|float|decode|casefold|abs|replace|split|clean",
    ),
    ("missing-filter", r"(?i)filter|skip|exclud|unique|dedup|distinct|set\(|\bif\b|and|&&|or|\|\|"),
    ("aliased-state", r"(?i)copy|clone|slice|\[:\]|list\(|dict\(|\.\.\."),
    ("mutated-input", r"(?i)copy|clone|\[:\]|list\(|dict\(|\.\.\."),
    ("off-by-one", r"[<>]=?|\b[012]\b|\+ ?1|- ?1|range|\.\.|len|\[|:"),
    ("wrong-slice", r"\[|slice|substr|split_at|\.\."),
    ("wrong-pattern", r"(?i)re\.|regex|pattern|match|glob|sub\("),
    ("wrong-separator", r"(?i)join|split|format|sep|delim|print|\{|%|strftime|encode"),
    ("wrong-key", r#"\[|get|key|name|attr|field|["']"#),
    ("wrong-option", r"\w=[^=\s]|[{(,] *\w+: "),
    ("wrong-iteration", r"\bfor\b|\.(map|forEach|for_each|iter)\("),
    ("stale-state", r"(?i)last|prev|old|new|cur|next|state|total|count|seen|self\.|this\."),
    ("lost-field", r#"self\.|this\.|[{}:]|["']|\w\.\w"#),
    ("not-idempotent", r"(?i)append|add|push|insert|count|total|\+="),
    (
        "missing-null-check",
        r"(?i)none|null|nil|undefined|not |!|\?|is_some|is_none|unwrap_or|\bor\b",
    ),
    ("endless-loop", r"break|while|loop"),
    // No operator makes code unreachable for certain, so that this is never said.
    ("dead-branch", r"[^\s\S]"),
    ("missing-empty-case", r"(?i)not |len|empty|== ?0|!|\bif\b"),
    ("missing-case", r"(?i)elif|else if|case|=>|if |[\[{(\x22']"),
    ("missing-fallback", r"(?i)else|default|or |\?\?|unwrap_or|get\("),
    ("panic-instead-of-error", r"\?|unwrap|expect|err"),
    ("wrong-initial-value", r"="),
    ("call-site-drift", r"\("),
];

/// Families that are said only of what the fault took away as a whole.
const OF_REMOVED: &[(&str, &str)] = &[
    ("missing-return", r"\breturn\b"),
    // An alternative turned into a further requirement.
    ("over-strict-condition", r"^(or|\|\||any)$"),
];

static EVIDENCE_SET: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| compiled(EVIDENCE));
static REMOVED_SET: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| compiled(OF_REMOVED));

fn compiled(table: &[(&'static str, &str)]) -> Vec<(&'static str, Regex)> {
    let row = |(family, pattern): &(&'static str, &str)| {
        (*family, Regex::new(pattern).expect("the table holds valid patterns"))
    };
    table.iter().map(row).collect()
}

/// Families that may be said of a mutation of the line `before`, likeliest first, each with the
/// name of its wordings and its own name (told apart by site where it is common). Never empty.
pub fn families_of(mutation: &Mutation, before: &str) -> Vec<(&'static str, String)> {
    let code = format!("{before}\n{}\n{}", mutation.removed, mutation.replacement);
    let site = Site::of(before);
    let shows = |set: &[(&str, Regex)], family: &str, code: &str| {
        let evidence = set.iter().find(|(name, _)| *name == family);
        evidence.is_none_or(|(_, pattern)| pattern.is_match(code))
    };
    let plausible = |family: &str| {
        shows(&EVIDENCE_SET, family, &code) && shows(&REMOVED_SET, family, &mutation.removed)
    };
    let all = mutation.operator.families();
    let mut families: Vec<&'static str> =
        all.iter().copied().filter(|family| plausible(family)).collect();
    if families.is_empty() {
        families.extend(all.first());
    }
    let name = |family: &'static str| {
        let suffix = if BY_SITE.contains(&family) { site.suffix() } else { "" };
        (family, format!("{family}{suffix}"))
    };
    families.into_iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_syntax::Operator;

    #[test]
    fn sites_of_lines() {
        for (line, expect) in [
            ("    if a > b:", Site::Condition),
            ("} else if a {", Site::Condition),
            ("for x in y:", Site::Loop),
            ("return a", Site::Return),
            ("raise ValueError(x)", Site::Raise),
            ("total += x", Site::Assignment),
            ("let x = f();", Site::Assignment),
            ("self.a[i] = b", Site::Assignment),
            ("self.close()", Site::Call),
            ("def f(a, b):", Site::Signature),
            ("a == b", Site::Other),
        ] {
            assert_eq!(Site::of(line), expect, "{line}");
        }
    }

    #[test]
    fn families_need_evidence() {
        let drop = |before: &str, removed: &str| {
            let mutation = Mutation {
                operator: Operator::ClauseDrop,
                span: 0..0,
                replacement: String::new(),
                removed: removed.to_owned(),
                subject: String::new(),
            };
            families_of(&mutation, before).into_iter().map(|(f, _)| f).collect::<Vec<_>>()
        };
        assert!(
            drop("if a and user.is_admin:", " and user.is_admin").contains(&"missing-permission")
        );
        assert!(!drop("if a and b:", " and b").contains(&"missing-permission"));
    }

    #[test]
    fn every_family_with_evidence_is_in_the_catalogue() {
        for (name, _) in EVIDENCE.iter().chain(OF_REMOVED) {
            assert!(sera_syntax::families::named(name).is_some(), "{name}");
        }
        for name in BY_SITE {
            assert!(sera_syntax::families::named(name).is_some(), "{name}");
        }
    }
}
