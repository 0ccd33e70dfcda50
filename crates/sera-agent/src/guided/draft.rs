//! What may be done to one function, and what speaks for it before a model is asked.
use super::likelihood::Splice;
use super::speech::Speech;
use super::usual::usual;
use super::{Guided, Signs, Source};
use crate::environment::Environment;
use sera_core::{FunctionKey, Language};
use sera_syntax::{Function, Mutation, Operator, Parsed, edits, parse};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A candidate on its way through the stages.
pub(super) struct Draft {
    pub(super) splice: Splice,
    pub(super) source: Source,
    /// What does not depend on the model; the rest follows.
    pub(super) signs: Signs,
}

/// The file that a function stands in, as it is now, with the task's words for it.
pub(super) struct File<'a> {
    parsed: Parsed,
    pub(super) function: Function,
    speech: Speech,
    language: Language,
    environment: &'a Environment,
}

impl<'a> File<'a> {
    /// `None` where there is no such function.
    pub(super) fn open(
        description: &str,
        place: &FunctionKey,
        environment: &'a Environment,
    ) -> Option<Self> {
        let language = Language::of(&place.path)?;
        let parsed = parse(language, environment.read_text(&place.path).ok()?);
        let function = parsed.functions().into_iter().find(|f| f.name == place.name)?;
        let speech = Speech::new(description, &parsed, &function.name);
        Some(Self { parsed, function, speech, language, environment })
    }

    /// The single edits of the function that a model is asked about, each result once: those that
    /// most speaks for without it.
    pub(super) fn enumerate(&self, options: &Guided) -> Vec<Draft> {
        let before = self.parsed.text();
        let mut found = edits(&self.parsed, &self.function, &self.speech.insertable);
        let mut seen = HashSet::new();
        found.retain(|m| {
            m.replacement != before[m.span.clone()] && seen.insert(smallest(before, m))
        });
        let shares = shares(&found);
        let (operators, splices): (Vec<Operator>, Vec<Splice>) = found
            .into_iter()
            .map(|m| (m.operator, Splice { span: m.span, text: m.replacement }))
            .unzip();
        let signs = self.signs(&splices, &shares);
        let draft = |((operator, splice), signs)| Draft {
            splice,
            source: Source::Enumerated(operator),
            signs,
        };
        let mut drafts: Vec<Draft> =
            operators.into_iter().zip(splices).zip(signs).map(draft).collect();
        let weight = |draft: &Draft| options.weigh(&draft.signs);
        drafts.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
        drafts.truncate(options.edits);
        drafts
    }

    /// An edit that the model wrote.
    pub(super) fn written(&self, splice: Splice, options: &Guided) -> Draft {
        let whole = splice.of_whole_words(self.parsed.text());
        let signs = self.signs(&[whole], &[options.written.max(1e-6)]);
        let signs = signs.into_iter().next().expect("one edit has one row of signs");
        Draft { splice, source: Source::Written, signs }
    }

    fn signs(&self, edits: &[Splice], shares: &[f64]) -> Vec<Signs> {
        let before = self.parsed.text();
        let counted = usual(before, self.language, edits, self.environment);
        let signs = |((edit, share), (usual, pieces)): ((&Splice, &f64), (f64, f64))| Signs {
            share: share.ln(),
            usual,
            pieces,
            ..self.speech.signs(before, edit)
        };
        edits.iter().zip(shares).zip(counted).map(signs).collect()
    }
}

/// What identifies an edit's result: the replacement without what it leaves as it is.
fn smallest(before: &str, mutation: &Mutation) -> (usize, usize, String) {
    let small = Splice::between(&before[mutation.span.clone()], &mutation.replacement);
    let start = mutation.span.start;
    (start + small.span.start, start + small.span.end, small.text)
}

/// Each edit's share of real fixes. An operator's share is split so that of the edits of one place
/// the first, which its generator holds likeliest, has twice the share of the second and thrice
/// that of the third.
fn shares(found: &[Mutation]) -> Vec<f64> {
    let mut tried: HashMap<(Operator, usize, usize), f64> = HashMap::new();
    let mut sums: BTreeMap<Operator, f64> = BTreeMap::new();
    let mut slope = |edit: &Mutation| {
        let nth = tried.entry((edit.operator, edit.span.start, edit.span.end)).or_default();
        *nth += 1.0;
        *sums.entry(edit.operator).or_default() += 1.0 / *nth;
        1.0 / *nth
    };
    let slopes: Vec<f64> = found.iter().map(&mut slope).collect();
    let all: f64 = sums.keys().map(|operator| operator.weight()).sum();
    let share = |(edit, slope): (&Mutation, f64)| {
        let share = edit.operator.weight() / all.max(f64::MIN_POSITIVE);
        share.max(1e-6) * slope / sums[&edit.operator]
    };
    found.iter().zip(slopes).map(share).collect()
}
