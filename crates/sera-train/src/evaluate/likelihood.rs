//! Likelihoods by the packed training forward: the cheapest and least noisy measurement.
use super::{Aid, Contestant, Desk, EvaluateError, FixItem, GENERAL, HoleItem, Scope, hole_score};
use crate::examples::{self, HoleFormat};
use sera_agent::dialect;
use sera_core::Message;
use sera_core::scorecard::{Arm, FixScore, HoleScore, Scorecard};
use sera_model::{Base, Batch, Target, Tokenizer};
use std::ops::Range;

/// One sequence and the rows that are scored, each with the token that follows it.
struct Sequence {
    tokens: Vec<u32>,
    targets: Vec<Target>,
}

/// Whether an item can be measured under every arm that takes part.
pub(super) fn fits(base: &Base, contestants: &[Contestant], item: &FixItem, length: usize) -> bool {
    let mut acting = contestants.iter().filter(|contestant| contestant.scope != Scope::Holes);
    acting.all(|contestant| task_sequence(&base.tokenizer, contestant, item, length).is_some())
}

/// Nats per changed token of the reference edit, as the arm would have to write it.
pub(super) fn tasks(
    base: &Base,
    contestant: &Contestant,
    items: &[&FixItem],
    length: usize,
    pause: &dyn Fn() -> bool,
) -> Result<Vec<FixScore>, EvaluateError> {
    let sequence = |item: &&FixItem| task_sequence(&base.tokenizer, contestant, item, length);
    let measured = measure(base, contestant, items.iter().map(sequence).collect(), pause)?;
    Ok(items.iter().zip(measured).filter_map(|(item, m)| Some(fix_score(item, m?))).collect())
}

/// Nats per token of what stands in the hole.
pub(super) fn holes(
    base: &Base,
    contestant: &Contestant,
    items: &[HoleItem],
    length: usize,
    pause: &dyn Fn() -> bool,
) -> Result<Vec<HoleScore>, EvaluateError> {
    let sequence = |item: &HoleItem| {
        let mut hole = item.hole.clone();
        if matches!(contestant.aid, Aid::Retrieval | Aid::Neighbours) {
            hole.before.insert_str(0, &item.neighbours);
        }
        let format = HoleFormat { length, context: length / 2, context_weight: 0.0 };
        let mut example = examples::hole(&base.tokenizer, &hole, &format)?;
        // The end mark is our own format, which only an adapter was taught: code is what counts.
        example.targets.pop();
        Some(Sequence { tokens: example.tokens, targets: example.targets })
    };
    let measured = measure(base, contestant, items.iter().map(sequence).collect(), pause)?;
    let score = |(item, sum): (&HoleItem, Option<Sum>)| {
        let Sum { nll, tokens, greedy } = sum?;
        Some(hole_score(&item.hole, nll, tokens, Some(greedy)))
    };
    Ok(items.iter().zip(measured).filter_map(score).collect())
}

/// Nats per token on the general set, for which nothing is retrieved: once for every weights.
pub(super) fn general(
    base: &Base,
    contestants: &[Contestant],
    card: &mut Scorecard,
    desk: &mut Desk<'_>,
) -> Result<(), EvaluateError> {
    let alike = |c: &&Contestant| matches!(c.arm, Arm::Retrieval | Arm::Shuffled);
    for contestant in contestants.iter().filter(|c| !alike(c)) {
        let texts = GENERAL.split("\n\n\n").map(|text| Some(plain(&base.tokenizer, text)));
        let measured = measure(base, contestant, texts.collect(), desk.pause)?;
        let sum = |(nll, tokens): (f64, usize), m: &Sum| (nll + m.nll, tokens + m.tokens);
        let (nll, tokens) = measured.iter().flatten().fold((0.0, 0), sum);
        card.general.insert(contestant.arm, nll / tokens.max(1) as f64);
    }
    Ok(())
}

fn plain(tokenizer: &Tokenizer, text: &str) -> Sequence {
    let tokens = tokenizer.encode(text);
    let next = |(row, token): (usize, &u32)| Target { row, token: *token, weight: 1.0 };
    let targets = tokens.iter().skip(1).enumerate().map(next).collect();
    Sequence { tokens, targets }
}

/// The ideal conversation under the arm's description and demonstrations; `None` if too long.
fn task_sequence(
    tokenizer: &Tokenizer,
    contestant: &Contestant,
    item: &FixItem,
    length: usize,
) -> Option<Sequence> {
    let description = match contestant.aid {
        Aid::OtherText => &item.other,
        Aid::Alone | Aid::Neighbours | Aid::Retrieval => &item.task.description,
    };
    let shots = match contestant.aid {
        Aid::Retrieval => item.shots.as_slice(),
        Aid::Alone | Aid::Neighbours | Aid::OtherText => &[],
    };
    let told = dialect::guided(shots, description, &item.ideal.steps).ended();
    let sequence = scored(tokenizer, &told.messages, &told.changed);
    (sequence.tokens.len() <= length && !sequence.targets.is_empty()).then_some(sequence)
}

/// The conversation's tokens, with targets where a token overlaps one of the byte spans.
fn scored(
    tokenizer: &Tokenizer,
    messages: &[Message],
    spans: &[(usize, Range<usize>)],
) -> Sequence {
    let rendered = tokenizer.chat(messages, false);
    let assistant = |(_, m): &(usize, &Message)| m.role == sera_core::Role::Assistant;
    let written = messages.iter().enumerate().filter(assistant).map(|(index, _)| index);
    let mut targets = Vec::new();
    for (message, range) in written.zip(&rendered.spans) {
        let mut offset = 0;
        for row in range.clone() {
            let token = rendered.tokens[row];
            let end = offset + tokenizer.bytes(&[token]).len();
            let changed = |(m, bytes): &(usize, Range<usize>)| {
                *m == message && offset < bytes.end && bytes.start < end
            };
            if row > 0 && spans.iter().any(changed) {
                targets.push(Target { row: row - 1, token, weight: 1.0 });
            }
            offset = end;
        }
    }
    Sequence { tokens: rendered.tokens, targets }
}

/// What one sequence's targets add up to.
#[derive(Clone, Copy)]
struct Sum {
    nll: f64,
    tokens: usize,
    /// Greedy decoding writes exactly this.
    greedy: bool,
}

/// The sums by sequence; what cannot be rendered is `None`.
fn measure(
    base: &Base,
    contestant: &Contestant,
    sequences: Vec<Option<Sequence>>,
    pause: &dyn Fn() -> bool,
) -> Result<Vec<Option<Sum>>, EvaluateError> {
    let mut batch = Batch::default();
    for sequence in sequences.iter().flatten() {
        batch.push(&sequence.tokens, sequence.targets.iter().copied());
    }
    let scored = sera_model::scored(base, contestant.lora.as_deref(), &batch, pause)?;
    let mut rest = scored.as_slice();
    let split = |sequence: Option<Sequence>| {
        let count = sequence?.targets.len();
        let (own, others) = rest.split_at(count);
        rest = others;
        let nll = own.iter().map(|one| f64::from(one.nll)).sum();
        Some(Sum { nll, tokens: count, greedy: own.iter().all(|one| one.greedy) })
    };
    Ok(sequences.into_iter().map(split).collect())
}

fn fix_score(item: &FixItem, sum: Sum) -> FixScore {
    let (cluster, commit) = item.task.cluster();
    FixScore {
        task: item.task.id,
        cluster,
        commit,
        nll: sum.nll,
        tokens: sum.tokens,
        located: None,
        retrieved: None,
        ranked: None,
        candidates: None,
        valid: None,
        recall: None,
        f1: None,
        exact: None,
        candidate: None,
    }
}
