//! Proposing edits of one function and ranking them by the likelihood of what they leave.
use super::draft::{self, Draft};
use super::likelihood::{Region, Splice};
use super::{Guided, Signs, Source};
use crate::dialect::{self, LineEdit, View};
use crate::environment::Environment;
use crate::{edits_between, roll_out};
use sera_core::{
    Action, Cancel, Context, FunctionKey, Language, Model, ModelError, Prompt, Step, Usage,
};
use sera_syntax::{parse, same_code};
use std::sync::Arc;

/// One possible edit of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The file's whole text afterwards.
    pub text: Arc<str>,
    /// Where it came from.
    pub source: Source,
    /// What it was ranked by; higher is better.
    pub score: f64,
    /// What `score` was made from.
    pub signs: Signs,
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
    /// What the model wrote by itself; `None` where it was not asked or did not end.
    pub written: Option<String>,
    /// Tokens that the model's own writing used.
    pub usage: Usage,
}

impl Ranked {
    /// Rank (1-based) of the first candidate whose code is that of `wanted`, a whole file's text.
    pub fn rank_of(&self, wanted: &str) -> Option<usize> {
        self.candidates.iter().position(|c| self.same(&c.text, wanted)).map(|at| at + 1)
    }

    /// Whether a candidate leaves no syntax error that was not there before: others are ranked,
    /// and never proposed.
    pub fn parses(&self, candidate: &Candidate) -> bool {
        let errors = |text: &Arc<str>| {
            let language = Language::of(&self.place.path);
            language.map_or(0, |language| parse(language, text.clone()).error_lines().len())
        };
        errors(&candidate.text) <= errors(&self.before)
    }

    /// Whether two texts of the file are the same code. Texts that differ in more than whitespace
    /// are not parsed: there are hundreds of candidates, and none of them edits a comment.
    pub fn same(&self, text: &str, wanted: &str) -> bool {
        let visible = |text| str::chars(text).filter(|c| !c.is_whitespace());
        let same = |language| same_code(language, text, wanted);
        let (a, b) = unlike(text, wanted);
        visible(a).eq(visible(b)) && Language::of(&self.place.path).is_none_or(same)
    }
}

/// Both texts without most of what they begin with in common, compared by whole blocks.
fn unlike<'a>(a: &'a str, b: &'a str) -> (&'a str, &'a str) {
    let blocks = a.as_bytes().chunks(512).zip(b.as_bytes().chunks(512));
    let alike = blocks.take_while(|(a, b)| a == b).count() * 512;
    let start = floor_char(a, alike.min(a.len()).min(b.len()));
    (&a[start..], &b[start..])
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
        written: None,
        usage: Usage::default(),
    };
    let Some(file) = draft::File::open(description, place, &environment) else {
        return Ok(ranked);
    };
    let mut drafts = file.enumerate(options);
    ranked.enumerated = drafts.len();
    let mut steps = steps.to_vec();
    steps.push(ranked.step.clone());
    let region =
        Region::new(&before, &file.function.span, &note(description, place, options), options);
    if options.write {
        let lines = region.text().split('\n').collect::<Vec<_>>();
        let grammar = options.held.then(|| dialect::edit_grammar(&lines));
        let asked = (description, &steps[..], grammar);
        ranked.written = write(asked, model, options, cancel, &mut ranked.usage)?;
        let execute = |text: &String| execute(text, place, &before, &region, &environment);
        let splice = ranked.written.as_ref().and_then(execute);
        ranked.valid = (usize::from(splice.is_some()), 1);
        drafts.extend(splice.flatten().map(|splice| file.written(splice, options)));
    }
    let steps = &steps;
    let ranking = Ranking { description, steps, place, before: &before, region, options, cancel };
    ranked.candidates = ranking.run(&drafts, model)?;
    Ok(ranked)
}

/// What the model says next by itself; `None` where it does not end, or cannot say because the
/// conversation is too long for it.
fn write(
    (description, steps, grammar): (&str, &[Step], Option<String>),
    model: &mut dyn Model,
    options: &Guided,
    cancel: &Cancel,
    usage: &mut Usage,
) -> Result<Option<String>, ModelError> {
    let messages = dialect::guided(&options.shots, description, steps).messages;
    let prompt = Prompt::greedy(messages, options.reply_tokens).unless(dialect::hopeless);
    let (temperature, seed) = (options.temperature, options.seed);
    let prompt = Prompt { grammar, temperature, seed, ..prompt };
    match model.reply(&prompt, cancel) {
        Ok(reply) => {
            *usage = reply.usage;
            Ok(reply.finished.then_some(reply.text))
        }
        Err(ModelError::ContextOverflow { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What came of a message of the model: `None` for what cannot be read or executed, the inner
/// `None` for an action that does not change the file at `place`.
fn execute(
    message: &str,
    place: &FunctionKey,
    before: &str,
    region: &Region<'_>,
    environment: &Environment,
) -> Option<Option<Splice>> {
    if let Some(edit) = LineEdit::read(message) {
        let lines = edit.apply(&region.text().split('\n').collect::<Vec<_>>())?;
        let whole = Splice { span: region.lines(), text: lines.join("\n") };
        return Some(Some(Splice::between(before, &whole.apply(before))));
    }
    let mut environment = environment.clone();
    if !environment.execute(&dialect::read(message)).ok {
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
    let mark = Language::of(&place.path).map_or("//", Language::line_comment);
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

/// A draft's score, its signs as far as they are known, and the draft; best first.
type Order = Vec<(f64, Signs, usize)>;

/// Which of the two windows is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Near,
    Far,
}

impl Ranking<'_> {
    /// First stage for all, second for the best; candidates best first.
    fn run(&self, drafts: &[Draft], model: &mut dyn Model) -> Result<Vec<Candidate>, ModelError> {
        let known = drafts.iter().enumerate().map(|(i, draft)| (0.0, draft.signs, i));
        let (inside, elsewhere): (Order, Order) =
            known.partition(|&(.., i)| self.region.contains(&drafts[i].splice));
        let first = self.stage(&self.region, drafts, inside, Reach::Near, model)?;
        // The model's own writing is always looked at in full.
        let stays =
            |rank: usize, i: usize| rank < self.options.keep || drafts[i].source == Source::Written;
        let (best, rest): (Vec<_>, Vec<_>) =
            first.into_iter().enumerate().partition(|&(rank, (.., i))| stays(rank, i));
        let best: Order = best.into_iter().map(|(_, best)| best).collect();
        let mut second = self.stage(&self.region, drafts, best, Reach::Far, model)?;
        for one in elsewhere {
            // What changes another part of the file is compared with that part as it was.
            let span = &drafts[one.2].splice.span;
            let end = floor_char(self.before, span.end + self.options.window);
            let region = Region::new(self.before, &(span.start..end), "", self.options);
            second.extend(self.stage(&region, drafts, vec![one], Reach::Far, model)?);
        }
        self.ask(&mut second, drafts, model)?;
        second.sort_by(best_first);
        let candidate = |(score, signs, i): (f64, Signs, usize), kept: bool| Candidate {
            text: Arc::from(drafts[i].splice.apply(self.before)),
            source: drafts[i].source,
            score,
            signs,
            kept,
        };
        let rest = rest.into_iter().map(|(_, one)| candidate(one, false));
        Ok(second.into_iter().map(|one| candidate(one, true)).chain(rest).collect())
    }

    /// Likelihood gained within the window, weighed with what was known before. By the latter
    /// alone where the model cannot score or the text is too long for it.
    fn stage(
        &self,
        region: &Region<'_>,
        drafts: &[Draft],
        mut wanted: Order,
        reach: Reach,
        model: &mut dyn Model,
    ) -> Result<Order, ModelError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let splices: Vec<&Splice> = wanted.iter().map(|&(.., i)| &drafts[i].splice).collect();
        let window = match reach {
            Reach::Near => self.options.window,
            Reach::Far => self.options.tail,
        };
        let gains = match region.gains(&splices, window, model, self.cancel) {
            Err(ModelError::Unsupported(_) | ModelError::ContextOverflow { .. }) => {
                vec![(0.0, 0.0); wanted.len()]
            }
            gains => gains?,
        };
        for ((score, signs, _), (gain, longer)) in wanted.iter_mut().zip(gains) {
            signs.longer = longer;
            match reach {
                Reach::Near => signs.near = gain,
                Reach::Far => signs.far = gain,
            }
            *score = gain + self.options.weigh(signs);
        }
        wanted.sort_by(best_first);
        Ok(wanted)
    }

    /// Adds the likelihood of each edit as the student's next message. Nothing is taken away for
    /// what it would be without the task: that made the order worse, unlike that of places.
    fn ask(
        &self,
        order: &mut Order,
        drafts: &[Draft],
        model: &mut dyn Model,
    ) -> Result<(), ModelError> {
        if self.options.chat == 0.0 || order.is_empty() {
            return Ok(());
        }
        let answers: Vec<String> = order.iter().map(|&(.., i)| self.answer(&drafts[i])).collect();
        let messages = dialect::guided(&self.options.shots, self.description, self.steps).messages;
        match model.score(Context::Chat(&messages), &answers, self.cancel) {
            Ok(scores) => {
                for ((score, signs, _), answer) in order.iter_mut().zip(scores) {
                    signs.answer = answer.nats;
                    *score += self.options.chat * answer.nats;
                }
                Ok(())
            }
            Err(ModelError::Unsupported(_) | ModelError::ContextOverflow { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The edit as the student would write it: what is not of the function opened is written out.
    fn answer(&self, draft: &Draft) -> String {
        let after = draft.splice.apply(self.before);
        let lines = self.region.lines();
        let end = after.len().saturating_sub(self.before.len() - lines.end);
        let inside = self.region.contains(&draft.splice);
        let turned = after.get(lines.start..end).filter(|_| inside);
        let edit = turned.and_then(|text| View::new(self.region.text()).turn(text));
        let written_out = || {
            let edits = edits_between(&self.place.path, self.before, &after);
            edits.iter().map(dialect::write).collect::<Vec<_>>().join("\n")
        };
        edit.map_or_else(written_out, |(edit, _)| edit.write())
    }
}

fn best_first(a: &(f64, Signs, usize), b: &(f64, Signs, usize)) -> std::cmp::Ordering {
    b.0.total_cmp(&a.0).then(a.2.cmp(&b.2))
}

fn floor_char(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}
