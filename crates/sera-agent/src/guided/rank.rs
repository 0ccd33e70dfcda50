//! Proposing edits of one function and ranking them by the likelihood of what they leave.
use super::likelihood::{Region, Splice};
use super::{Guided, Source};
use crate::environment::Environment;
use crate::words::{code_like, identifiers};
use crate::{dialect, edits_between, roll_out};
use sera_core::{
    Action, Cancel, Context, FunctionKey, Language, Model, ModelError, Prompt, Step, Usage,
};
use sera_syntax::{Mutation, Operator, edits, parse, same_code};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// One possible edit of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The file's whole text afterwards.
    pub text: Arc<str>,
    /// Where it came from.
    pub source: Source,
    /// What it was ranked by, in nats; higher is better.
    pub nats: f64,
    /// It reached the second stage; all that did stand before all that did not.
    pub kept: bool,
}

/// The edits of one function, best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// The function.
    pub place: FunctionKey,
    /// The file's text before.
    pub before: Arc<str>,
    /// Every candidate, best first.
    pub candidates: Vec<Candidate>,
    /// How many came from the operators.
    pub enumerated: usize,
    /// The open step.
    pub step: Step,
    /// Actions written freely that could be read and executed, of all written.
    pub valid: (usize, usize),
    /// Tokens that the model's own writing used.
    pub usage: Usage,
}

impl Ranked {
    /// Rank (1-based) of the first candidate whose code is that of `wanted`, a whole file's text.
    pub fn rank_of(&self, wanted: &str) -> Option<usize> {
        let language = Language::of(&self.place.path);
        let same = |text: &str| match language {
            Some(language) => same_code(language, text, wanted),
            None => text == wanted,
        };
        self.candidates.iter().position(|c| same(&c.text)).map(|at| at + 1)
    }
}

/// A candidate on its way through the stages.
struct Draft {
    splice: Splice,
    source: Source,
    /// What does not depend on the model.
    prior: f64,
}

/// Proposes edits of the function at `place` and ranks them. `steps` is what was done before;
/// the function is opened after them. An unknown place has a failed `step` and no candidates.
#[expect(clippy::too_many_arguments, reason = "the task so far, the model, the place and how")]
pub fn rank_edits(
    description: &str,
    steps: &[Step],
    place: &FunctionKey,
    model: &mut dyn Model,
    environment: &Environment,
    options: &Guided,
    cancel: &Cancel,
) -> Result<Ranked, ModelError> {
    let mut environment = environment.clone();
    let open = Action::Open { path: place.path.clone(), name: Some(place.name.clone()) };
    let step = roll_out::take(&mut environment, open);
    let before = environment.read_text(&place.path).unwrap_or_else(|_| Arc::from(""));
    let mut ranked = Ranked {
        place: place.clone(),
        before: before.clone(),
        candidates: Vec::new(),
        enumerated: 0,
        step,
        valid: (0, 0),
        usage: Usage::default(),
    };
    let Some((span, mut drafts)) = enumerate(description, place, &before, options) else {
        return Ok(ranked);
    };
    ranked.enumerated = drafts.len();
    let mut steps = steps.to_vec();
    steps.push(ranked.step.clone());
    if options.write {
        let written = write(description, &steps, model, options, cancel, &mut ranked.usage)?;
        let splice = written.and_then(|action| execute(&action, place, &before, &environment));
        ranked.valid = (usize::from(splice.is_some()), 1);
        drafts.extend(splice.flatten().map(|splice| own(splice, options)));
    }
    let region = Region::new(&before, &span, &note(description, place, options), options);
    let steps = &steps;
    let ranking = Ranking { description, steps, place, before: &before, region, options, cancel };
    ranked.candidates = ranking.run(&drafts, model)?;
    Ok(ranked)
}

/// The function's span and every single edit of it, each result once.
fn enumerate(
    description: &str,
    place: &FunctionKey,
    before: &Arc<str>,
    options: &Guided,
) -> Option<(std::ops::Range<usize>, Vec<Draft>)> {
    let parsed = parse(Language::of(&place.path)?, before.clone());
    let function = parsed.functions().into_iter().find(|f| f.name == place.name)?;
    let words = insertable(description, before);
    let mut seen = HashSet::new();
    let mut found = edits(&parsed, &function, &words);
    found.retain(|m| m.replacement != before[m.span.clone()] && seen.insert(smallest(before, m)));
    let found = in_turn(found, options.edits);
    let shares = shares(&found);
    let draft = |mutation: Mutation| Draft {
        prior: options.prior * shares[&mutation.operator].ln()
            + options.words * f64::from(told(&mutation, &words)),
        source: Source::Enumerated(mutation.operator),
        splice: Splice { span: mutation.span, text: mutation.replacement },
    };
    Some((function.span.clone(), found.into_iter().map(draft).collect()))
}

/// What identifies an edit's result: the replacement without what it leaves as it is.
fn smallest(before: &str, mutation: &Mutation) -> (usize, usize, String) {
    let small = Splice::between(&before[mutation.span.clone()], &mutation.replacement);
    let start = mutation.span.start;
    (start + small.span.start, start + small.span.end, small.text)
}

/// Each operator's share of real fixes, split evenly over its edits here.
fn shares(found: &[Mutation]) -> BTreeMap<Operator, f64> {
    let mut counts: BTreeMap<Operator, f64> = BTreeMap::new();
    for mutation in found {
        *counts.entry(mutation.operator).or_default() += 1.0;
    }
    let all: f64 = counts.keys().map(|operator| operator.weight()).sum();
    let share = |(operator, count): (Operator, f64)| {
        (operator, (operator.weight() / all.max(f64::MIN_POSITIVE)).max(1e-6) / count)
    };
    counts.into_iter().map(share).collect()
}

/// Names, numbers and quoted texts of the task, which an edit may insert.
///
/// A word of prose is not tried unless the file itself uses it as a word: inserting every "the"
/// of a description everywhere would crowd the true edit out of the list.
fn insertable(description: &str, file: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    let used: HashSet<&str> = identifiers(file).collect();
    let ticked: HashSet<&str> =
        description.split('`').skip(1).step_by(2).flat_map(identifiers).collect();
    let named = |word: &&str| code_like(word) || used.contains(word) || ticked.contains(word);
    let quoted = description.split('"').skip(1).step_by(2).map(|text| format!("\"{text}\""));
    let words = identifiers(description).filter(named).map(str::to_owned).chain(quoted);
    words.filter(|word| seen.insert(word.clone())).collect()
}

/// At most `limit` edits, taken from every operator in turn: cut off at the end, the rarer
/// operators would never be tried in a large function.
fn in_turn(edits: Vec<Mutation>, limit: usize) -> Vec<Mutation> {
    let mut taken: HashMap<Operator, usize> = HashMap::new();
    let turn = |(at, edit): (usize, Mutation)| {
        let turn = taken.entry(edit.operator).and_modify(|n| *n += 1).or_default();
        (*turn, at, edit)
    };
    let mut turns: Vec<_> = edits.into_iter().enumerate().map(turn).collect();
    turns.sort_by_key(|(turn, at, _)| (*turn, *at));
    turns.truncate(limit);
    turns.sort_by_key(|(_, at, _)| *at);
    turns.into_iter().map(|(.., edit)| edit).collect()
}

/// Whether the edit inserts a word of the task that it does not also remove.
fn told(mutation: &Mutation, words: &[String]) -> bool {
    let removed: HashSet<&str> = identifiers(&mutation.removed).collect();
    identifiers(&mutation.replacement)
        .any(|word| !removed.contains(word) && words.iter().any(|w| w == word))
}

fn own(splice: Splice, options: &Guided) -> Draft {
    let prior = options.prior * options.written.max(1e-6).ln();
    Draft { splice, source: Source::Written, prior }
}

/// What the model would do next by itself; `None` where its context is too short to say.
fn write(
    description: &str,
    steps: &[Step],
    model: &mut dyn Model,
    options: &Guided,
    cancel: &Cancel,
    usage: &mut Usage,
) -> Result<Option<Action>, ModelError> {
    let messages = dialect::render_with(&options.shots, description, steps);
    match model.reply(&Prompt::greedy(messages, options.reply_tokens), cancel) {
        Ok(reply) => {
            *usage = reply.usage;
            Ok(reply.finished.then(|| dialect::read(&reply.text)))
        }
        Err(ModelError::ContextOverflow { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `None` for an action that does not execute; the inner `None` for one that does and does not
/// change the file at `place`.
fn execute(
    action: &Action,
    place: &FunctionKey,
    before: &str,
    environment: &Environment,
) -> Option<Option<Splice>> {
    let mut environment = environment.clone();
    if !environment.execute(action).ok {
        return None;
    }
    let after = environment.read_text(&place.path).ok()?;
    Some((*after != *before).then(|| Splice::between(before, &after)))
}

/// The task as a comment, where the options ask for it.
fn note(description: &str, place: &FunctionKey, options: &Guided) -> String {
    if !options.describe {
        return String::new();
    }
    let mark = if Language::of(&place.path) == Some(Language::Python) { "#" } else { "//" };
    description.lines().map(|line| format!("{mark} {line}\n")).collect()
}

/// Everything that the stages read.
struct Ranking<'a> {
    description: &'a str,
    steps: &'a [Step],
    place: &'a FunctionKey,
    before: &'a str,
    region: Region<'a>,
    options: &'a Guided,
    cancel: &'a Cancel,
}

/// A score and the draft it belongs to, best first.
type Order = Vec<(f64, usize)>;

impl Ranking<'_> {
    /// First stage for all, second for the best; candidates best first.
    fn run(&self, drafts: &[Draft], model: &mut dyn Model) -> Result<Vec<Candidate>, ModelError> {
        let (inside, elsewhere): (Vec<usize>, Vec<usize>) =
            (0..drafts.len()).partition(|&i| self.region.contains(&drafts[i].splice));
        let first = self.stage(&self.region, drafts, &inside, self.options.window, model)?;
        // The model's own writing is always looked at in full.
        let stays =
            |rank: usize, i: usize| rank < self.options.keep || drafts[i].source == Source::Written;
        let (best, rest): (Vec<_>, Vec<_>) =
            first.into_iter().enumerate().partition(|&(rank, (_, i))| stays(rank, i));
        let best: Vec<usize> = best.into_iter().map(|(_, (_, i))| i).collect();
        let mut second = self.stage(&self.region, drafts, &best, self.options.tail, model)?;
        for i in elsewhere {
            // What changes another part of the file is compared with that part as it was.
            let span = &drafts[i].splice.span;
            let end = floor_char(self.before, span.end + self.options.window);
            let region = Region::new(self.before, &(span.start..end), "", self.options);
            second.extend(self.stage(&region, drafts, &[i], self.options.tail, model)?);
        }
        self.ask(&mut second, drafts, model)?;
        second.sort_by(best_first);
        let candidate = |nats: f64, i: usize, kept: bool| Candidate {
            text: Arc::from(drafts[i].splice.apply(self.before)),
            source: drafts[i].source,
            nats,
            kept,
        };
        let rest = rest.into_iter().map(|(_, (nats, i))| candidate(nats, i, false));
        Ok(second.into_iter().map(|(nats, i)| candidate(nats, i, true)).chain(rest).collect())
    }

    /// Likelihood gained within the window plus what was known before. By the latter alone where
    /// the model cannot score or the text is too long for it.
    fn stage(
        &self,
        region: &Region<'_>,
        drafts: &[Draft],
        wanted: &[usize],
        window: usize,
        model: &mut dyn Model,
    ) -> Result<Order, ModelError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let splices: Vec<&Splice> = wanted.iter().map(|&i| &drafts[i].splice).collect();
        let gains = match region.gains(&splices, window, model, self.options, self.cancel) {
            Err(ModelError::Unsupported(_) | ModelError::ContextOverflow { .. }) => {
                vec![0.0; wanted.len()]
            }
            gains => gains?,
        };
        let mut order: Order =
            wanted.iter().zip(gains).map(|(&i, gain)| (gain + drafts[i].prior, i)).collect();
        order.sort_by(best_first);
        Ok(order)
    }

    /// Adds the likelihood of each edit as the conversation's next message, where asked for.
    fn ask(
        &self,
        order: &mut Order,
        drafts: &[Draft],
        model: &mut dyn Model,
    ) -> Result<(), ModelError> {
        if self.options.chat == 0.0 || order.is_empty() {
            return Ok(());
        }
        let messages = dialect::render_with(&self.options.shots, self.description, self.steps);
        let answer = |&(_, i): &(f64, usize)| {
            let after = drafts[i].splice.apply(self.before);
            let edits = edits_between(&self.place.path, self.before, &after);
            edits.iter().map(dialect::write).collect::<Vec<_>>().join("\n")
        };
        let answers: Vec<String> = order.iter().map(answer).collect();
        match model.score(Context::Chat(&messages), &answers, self.cancel) {
            Ok(scores) => {
                for ((nats, _), score) in order.iter_mut().zip(scores) {
                    *nats += self.options.chat * score.nats;
                }
                Ok(())
            }
            Err(ModelError::Unsupported(_) | ModelError::ContextOverflow { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn best_first(a: &(f64, usize), b: &(f64, usize)) -> std::cmp::Ordering {
    b.0.total_cmp(&a.0).then(a.1.cmp(&b.1))
}

fn floor_char(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}
