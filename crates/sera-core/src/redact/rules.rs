//! The table of rules, read once from `rules.txt`, and what a find must pass beyond its expression.
use regex::bytes::{Regex, RegexBuilder};
use std::sync::{LazyLock, OnceLock};

#[cfg(test)]
mod tests;

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) id: &'static str,
    /// What every match holds, case ignored.
    pub(super) needles: Vec<&'static str>,
    pub(super) place: Place,
    /// The needle may stand inside a word.
    pub(super) anywhere: bool,
    pub(super) random: Option<Randomness>,
    /// As it stands in the table.
    pub(super) expression: &'static str,
    /// Compiled when its needle first occurs: most rules never run.
    compiled: OnceLock<Regex>,
}

/// Where an expression is tried, seen from its needle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// From the needle's first byte.
    At,
    /// From the byte after it: the needle is a part of the name of what follows.
    After,
    /// Anywhere from so many bytes before it.
    Before(usize),
}

/// What a find must be like where its expression alone would take words for secrets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Randomness {
    /// Least entropy, bits a character.
    pub(super) entropy: f64,
    /// Separate runs of digits.
    pub(super) digit_runs: usize,
}

/// The rest of a name, with the quote and bracket that close it, and the type of a declaration.
const REST: &str = r#"[\w.-]{0,30}(?:[ \t][A-Za-z]{1,12}){0,2}(?:\\?["'`])?[\])]?\s{0,3}(?::\s{0,2}[&\w'\[\]<> ]{1,20}\s?=|"#;

/// Operators; the second set holds those that need no quote behind them.
const ANY_OPERATOR: &str =
    r"->|\|\||!={1,2}|,|\(|:=|=>|={1,3}|\?=|:{1,2}|>|\s{1,2}value\s?=)\s{0,5}";
const BARE_OPERATOR: &str = r":=|=>|=|\?=|:|>)\s{0,5}";

/// An opening quote, with the letters that may stand before one.
const QUOTE: &str = r#"[bruf@$]{0,2}\\?["'`]{1,3}"#;

static TABLE: LazyLock<(Vec<Rule>, Vec<&'static str>)> =
    LazyLock::new(|| read(include_str!("rules.txt")).expect("the table of rules is tested"));

/// All rules, in order of precedence.
pub(super) fn rules() -> &'static [Rule] {
    &TABLE.0
}

/// The rules, and the words that mark a random-looking value as an example.
fn read(table: &'static str) -> Option<(Vec<Rule>, Vec<&'static str>)> {
    let (mut rules, mut allowed) = (Vec::new(), Vec::new());
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match column(line)? {
            ("allow", words) => allowed.extend(words.split(' ')),
            (id, rest) => rules.push(rule(id, rest)?),
        }
    }
    Some((rules, allowed))
}

/// The first column of a line, and what follows it.
fn column(line: &'static str) -> Option<(&'static str, &'static str)> {
    let (first, rest) = line.split_once(' ')?;
    Some((first, rest.trim_start()))
}

fn rule(id: &'static str, rest: &'static str) -> Option<Rule> {
    let (needles, rest) = column(rest)?;
    let (flags, expression) = column(rest)?;
    let mut rule = Rule {
        id,
        needles: needles.split(',').collect(),
        place: if expression.starts_with("{=") { Place::After } else { Place::At },
        anywhere: false,
        random: None,
        expression,
        compiled: OnceLock::new(),
    };
    for flag in flags.split(',') {
        match (flag, flag.strip_prefix('<')) {
            ("-", _) => {}
            ("any", _) => rule.anywhere = true,
            (_, Some(bytes)) => rule.place = Place::Before(bytes.parse().ok()?),
            (number, None) => {
                let (entropy, runs) = number.split_once('/').unwrap_or((number, "1"));
                let (entropy, digit_runs) = (entropy.parse().ok()?, runs.parse().ok()?);
                rule.random = Some(Randomness { entropy, digit_runs });
            }
        }
    }
    Some(rule)
}

impl Rule {
    /// The expression, anchored where it has one place to begin at.
    pub(super) fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| {
            let expression = self.expanded();
            let begin = match self.place {
                Place::At => "^",
                Place::After => "(?i)^",
                Place::Before(_) => "",
            };
            // Where it ends no word goes on.
            let whole = format!(r"{begin}(?:{expression})(?:\b|\b{{end-half}})");
            // Without Unicode classes the automata stay small.
            RegexBuilder::new(&whole).unicode(false).build().expect("the rules are tested")
        })
    }

    fn expanded(&self) -> String {
        let assignment = |operator, quote| format!("{REST}{operator}{quote}");
        let after = |opening| self.expression.strip_prefix(opening);
        if let Some(value) = after("{=q}") {
            return assignment(ANY_OPERATOR, QUOTE) + value;
        }
        if let Some(value) = after("{=n}") {
            return assignment(BARE_OPERATOR, "") + value;
        }
        match after("{=}") {
            Some(value) => assignment(ANY_OPERATOR, &format!(r"(?:{QUOTE}|[<\[{{(])?")) + value,
            None => self.expression.to_owned(),
        }
    }

    /// Whether letters mean either case.
    pub(super) fn ignores_case(&self) -> bool {
        self.place == Place::After || self.expression.starts_with("(?i)")
    }
}

impl Randomness {
    /// Randomness by entropy, by the number of separate runs of digits (or, where one would do, by
    /// letters of mixed case), and by not being made of words.
    pub(super) fn holds(self, value: &str) -> bool {
        let lower = value.to_ascii_lowercase();
        let runs = value.as_bytes().chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit());
        let digits = runs.filter(|run| run[0].is_ascii_digit()).count();
        (digits >= self.digit_runs || (self.digit_runs == 1 && mixed_case(value)))
            && value.bytes().any(|b| b.is_ascii_alphabetic())
            && !TABLE.1.iter().any(|word| lower.contains(word))
            && !made_of_words(value)
            && entropy(value) >= self.entropy
    }
}

/// More capitals than words in camel case have, and fewer than constants.
fn mixed_case(value: &str) -> bool {
    let capitals = value.bytes().filter(u8::is_ascii_uppercase).count();
    (value.len() / 4..=value.len() * 3 / 4).contains(&capitals)
}

/// `utf8_general_ci`, `auth.backends.v2`, `API_KEY_2`: words of one case with a number at the end at most, or too short to be anything.
fn made_of_words(value: &str) -> bool {
    let word = |part: &str| {
        let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
        let small = letters.bytes().skip(1).all(|b| b.is_ascii_lowercase());
        let large = letters.bytes().all(|b| b.is_ascii_uppercase());
        part.len() <= 3 || (part.len() - letters.len() <= 3 && (small || large))
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
