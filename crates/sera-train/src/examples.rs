//! Examples: tokenised sequences with the predictions that carry loss.
//!
//! A trajectory becomes one sequence with a span per assistant message (not one sequence per
//! step), in the tokens that serving would produce. A hole becomes its prompt and its middle.
use sera_core::{Hole, Message, Role};
use sera_model::{Target, Tokenizer, infill};
use std::ops::Range;

/// What an example teaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The repository's own idiom, from its code.
    Complete,
    /// Steps of a fix, from a trajectory.
    Fix,
    /// A skill that a fix needs, from a lesson.
    Lesson,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Complete, Self::Fix, Self::Lesson];

    /// What examples of this kind are called.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Complete => "completions",
            Self::Fix => "fixes",
            Self::Lesson => "lessons",
        }
    }
}

/// One sequence to train on.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// What it was made from: a trajectory's id, a function's path and name.
    pub source: String,
    /// What it teaches.
    pub kind: Kind,
    /// The sequence.
    pub tokens: Vec<u32>,
    /// Predictions that carry loss; rows are positions in `tokens`.
    pub targets: Vec<Target>,
}

/// A conversation as an example, and how much of it the student's length let in.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    /// The example; it ends with the last assistant message that carries loss.
    pub example: Example,
    /// Share of messages kept when cut at the last complete assistant message within the length.
    pub kept: f64,
    /// Index of the message that the example ends with.
    pub last: usize,
}

/// A conversation in the serving template, at most `length` tokens long; an example of a fix.
///
/// `weigh` gives the loss weight of a run of bytes of a message, 0 for none; only the assistant's
/// messages are asked for, token by token, the end of turn as the empty run at its end. `None`
/// where nothing that carries loss fits.
pub fn conversation(
    tokenizer: &Tokenizer,
    source: &str,
    messages: &[Message],
    weigh: &dyn Fn(usize, Range<usize>) -> f32,
    length: usize,
) -> Option<Conversation> {
    let rendered = tokenizer.chat(messages, false);
    let assistant = (0..messages.len()).filter(|&i| messages[i].role == Role::Assistant);
    let fitting = || assistant.clone().zip(&rendered.spans).filter(|(_, s)| s.end <= length);
    let (last, _) = fitting().last()?;
    let whole = rendered.tokens.len() <= length;
    let kept = if whole { 1.0 } else { (last + 1) as f64 / messages.len() as f64 };

    let (mut targets, mut last) = (Vec::new(), 0);
    for (message, span) in fitting() {
        let (size, mut start) = (messages[message].content.len(), 0);
        for at in span.clone() {
            let end = size.min(start + tokenizer.bytes(&rendered.tokens[at..=at]).len());
            let weight = weigh(message, start..end);
            if weight > 0.0 {
                targets.push(target(&rendered.tokens, at, weight));
                last = message;
            }
            start = end;
        }
    }
    let mut tokens = rendered.tokens.clone();
    tokens.truncate(targets.last()?.row + 2);
    let example = Example { source: source.to_owned(), kind: Kind::Fix, tokens, targets };
    Some(Conversation { example, kept, last })
}

/// Teaches an example of `messages` that of two texts of one message, given by where they begin,
/// the second is no copy of the first: where they part, the first's token should not follow.
/// Small students copy what stands before them, and write edits that change nothing.
pub fn unlike(
    tokenizer: &Tokenizer,
    example: &mut Example,
    messages: &[Message],
    (message, old, new): (usize, usize, usize),
) {
    let rendered = tokenizer.chat(messages, false);
    let assistant = (0..messages.len()).filter(|&i| messages[i].role == Role::Assistant);
    let Some((_, span)) = assistant.zip(&rendered.spans).find(|(at, _)| *at == message) else {
        return;
    };
    let mut start = 0;
    let mut begins: Vec<(usize, usize)> = Vec::new();
    for at in span.clone() {
        begins.push((start, at));
        start += tokenizer.bytes(&rendered.tokens[at..=at]).len();
    }
    // A token that begins a text may begin with the space before it.
    let from = |text: usize| begins.iter().position(|(start, _)| *start + 1 >= text);
    let (Some(old), Some(new)) = (from(old), from(new)) else { return };
    let pairs = begins[old..new].iter().zip(&begins[new..]);
    let tokens = pairs.map(|(&(_, old), &(_, new))| (rendered.tokens[old], new));
    let parting = tokens.into_iter().find(|&(old, new)| rendered.tokens[new] != old);
    example.targets.extend(
        parting.filter(|&(_, new)| new < example.tokens.len()).map(|(old, new)| Target {
            row: new - 1,
            token: old,
            weight: -UNLIKE,
        }),
    );
}

/// Weight of a copied token's unlikelihood.
const UNLIKE: f32 = 16.0;

/// How holes become examples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HoleFormat {
    /// Most tokens of the whole example.
    pub length: usize,
    /// Most tokens of what stands around the hole.
    pub context: usize,
    /// Loss weight of the text *before* the hole where nothing follows it: it is the repository's
    /// own code too, and predicting it teaches the same idiom. 0 trains on the middle alone.
    pub context_weight: f32,
}

impl HoleFormat {
    /// For a student that reads `length` tokens. A quarter of them around the hole leaves more of
    /// a budget of tokens to different functions, which was worth more than context in trials.
    pub fn of_length(length: usize) -> Self {
        Self { length, context: length / 4, context_weight: 0.3 }
    }
}

/// A hole as an example: its prompt, its middle, the end token. `None` where the middle does not
/// fit beside some context, or is empty.
pub fn hole(tokenizer: &Tokenizer, hole: &Hole, format: &HoleFormat) -> Option<Example> {
    let middle = tokenizer.encode(&hole.middle);
    let room = format.length.checked_sub(middle.len() + 1)?.min(format.context);
    if middle.is_empty() || room < MINIMUM_CONTEXT {
        return None;
    }
    let around = room.saturating_sub(infill::MARKERS);
    let (before, after) = infill::fit(tokenizer, &hole.before, &hole.after, around);
    let mut tokens = infill::prompt(tokenizer, before, after);
    if tokens.is_empty() {
        tokens.push(tokenizer.end_of_text());
    }
    // Lines counted one by one rarely take less than together; what is over goes at the far end.
    tokens.drain(..tokens.len().saturating_sub(room));
    let start = tokens.len();
    tokens.extend(middle);
    tokens.push(tokenizer.end_of_text());

    let weight = if hole.after.is_empty() { format.context_weight } else { 0.0 };
    let around = (1..start).filter(|_| weight > 0.0).map(|at| target(&tokens, at, weight));
    let inside = (start..tokens.len()).map(|at| target(&tokens, at, 1.0));
    let targets = around.chain(inside).collect();
    let source = format!("{}:{}", hole.function.path, hole.function.name);
    Some(Example { source, kind: Kind::Complete, tokens, targets })
}

/// Below this a hole says nothing about its surroundings.
const MINIMUM_CONTEXT: usize = 16;

/// The prediction of the token at position `at`.
fn target(tokens: &[u32], at: usize, weight: f32) -> Target {
    Target { row: at - 1, token: tokens[at], weight }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_core::{FunctionKey, Language, TreePath};

    fn messages() -> Vec<Message> {
        [
            (Role::System, "s"),
            (Role::User, "task"),
            (Role::Assistant, "one"),
            (Role::User, "seen"),
            (Role::Assistant, "masked"),
            (Role::User, "seen"),
            (Role::Assistant, "two"),
        ]
        .map(|(role, text)| Message::new(role, text))
        .into()
    }

    fn but_the_masked(message: usize, _: Range<usize>) -> f32 {
        if message == 4 { 0.0 } else { 1.0 }
    }

    fn taught(example: &Example) -> String {
        let tokens: Vec<u32> = example.targets.iter().map(|t| t.token).collect();
        for target in &example.targets {
            assert_eq!(example.tokens[target.row + 1], target.token, "a row predicts what follows");
        }
        let tokenizer = Tokenizer::byte_level(259);
        let spell = |&t: &u32| if t > 255 { "|".to_owned() } else { tokenizer.decode(&[t]) };
        tokens.iter().map(spell).collect()
    }

    #[test]
    fn loss_lies_on_what_the_assistant_said_and_nowhere_else() {
        let tokenizer = Tokenizer::byte_level(259);
        let messages = messages();
        let whole = conversation(&tokenizer, "t", &messages, &but_the_masked, 1024).unwrap();
        assert_eq!(taught(&whole.example), "one|two|", "a masked step and a user carry none");
        assert_eq!(whole.kept.to_bits(), 1.0f64.to_bits());
        let rendered = tokenizer.chat(&messages, false).tokens;
        assert!(rendered.starts_with(&whole.example.tokens), "the tokens that serving reads");
        assert_eq!(whole.example.tokens.last(), Some(&tokenizer.end_of_turn()));
    }

    #[test]
    fn a_long_conversation_ends_with_its_last_complete_answer() {
        let tokenizer = Tokenizer::byte_level(259);
        let messages = messages();
        let ends: Vec<usize> =
            tokenizer.chat(&messages, false).spans.iter().map(|span| span.end).collect();
        let cut = |length| conversation(&tokenizer, "t", &messages, &but_the_masked, length);
        let check = |length, text: &str, kept: f64| {
            let cut = cut(length).unwrap();
            assert_eq!(taught(&cut.example), text, "{length} tokens");
            assert!((cut.kept - kept).abs() < 1e-9, "{length} tokens keep {}", cut.kept);
            assert!(cut.example.tokens.len() <= length);
        };
        check(ends[2], "one|two|", 1.0);
        check(ends[2] - 1, "one|", 5.0 / 7.0);
        check(ends[1] - 1, "one|", 3.0 / 7.0);
        assert_eq!(cut(ends[0] - 1), None, "no answer fits");
        assert_eq!(conversation(&tokenizer, "t", &messages, &|_, _| 0.0, 1024), None);
    }

    #[test]
    fn what_is_stressed_weighs_more() {
        let tokenizer = Tokenizer::byte_level(259);
        let stress = |message: usize, bytes: Range<usize>| match (message, bytes.start) {
            (6, 1) => 4.0,
            (6, _) => 1.0,
            _ => 0.0,
        };
        let whole = conversation(&tokenizer, "t", &messages(), &stress, 1024).unwrap();
        assert_eq!(taught(&whole.example), "two|");
        let weights: Vec<f32> = whole.example.targets.iter().map(|t| t.weight).collect();
        assert_eq!(weights, [1.0, 4.0, 1.0, 1.0]);
    }

    #[test]
    fn where_two_texts_part_the_copy_is_unlearned() {
        let tokenizer = Tokenizer::byte_level(259);
        let messages = [
            (Role::User, "task"),
            (Role::Assistant, "one"),
            (Role::User, "seen"),
            (Role::Assistant, "- tax\n+ tip"),
        ]
        .map(|(role, text)| Message::new(role, text));
        let whole = conversation(&tokenizer, "t", &messages, &|_, _| 1.0, 1024).unwrap().example;
        let check = |new: usize, expect: Option<(&str, &str)>| {
            let mut example = whole.clone();
            unlike(&tokenizer, &mut example, &messages, (3, 2, new));
            let added = example.targets.get(whole.targets.len()).map(|t| {
                assert!(t.weight < 0.0);
                let text = |token: u32| tokenizer.decode(&[token]);
                (text(t.token), text(example.tokens[t.row + 1]))
            });
            let expect = expect.map(|(old, new)| (old.to_owned(), new.to_owned()));
            assert_eq!(added, expect, "{new}");
        };
        check(8, Some(("a", "i")));
        check(99, None);
    }

    fn a_hole(before: &str, middle: &str, after: &str) -> Hole {
        Hole {
            function: FunctionKey { path: TreePath::new("a.py").unwrap(), name: "f".to_owned() },
            language: Language::Python,
            before: before.to_owned(),
            middle: middle.to_owned(),
            after: after.to_owned(),
            held_out: false,
        }
    }

    #[test]
    fn a_hole_teaches_its_middle_and_its_end() {
        let tokenizer = Tokenizer::byte_level(259);
        let format = HoleFormat { length: 200, context: 60, context_weight: 0.0 };
        let (before, middle) = ("def f(x):\n", "    return x\n");
        let example = hole(&tokenizer, &a_hole(before, middle, ""), &format).unwrap();
        assert_eq!(taught(&example), "    return x\n|");
        assert_eq!(tokenizer.decode(&example.tokens), "def f(x):\n    return x\n");
        let filled = hole(&tokenizer, &a_hole(before, middle, "f(1)\n"), &format).unwrap();
        assert_eq!(taught(&filled), "    return x\n|");
        let asked = infill::prompt(&tokenizer, before, "f(1)\n");
        assert!(filled.tokens.starts_with(&asked), "what serving asks");

        let both = HoleFormat { context_weight: 0.5, ..format };
        let example = hole(&tokenizer, &a_hole(before, middle, ""), &both).unwrap();
        assert_eq!(taught(&example), "ef f(x):\n    return x\n|", "all but the first token");
        assert_eq!(example.targets[0].weight.to_bits(), 0.5f32.to_bits());
        let filled = hole(&tokenizer, &a_hole(before, middle, "f(1)\n"), &both).unwrap();
        assert_eq!(taught(&filled), "    return x\n|", "markers are never taught");
    }

    #[test]
    fn context_is_cut_far_from_the_hole_and_the_middle_never() {
        let tokenizer = Tokenizer::byte_level(259);
        let format = HoleFormat { length: 64, context: 40, context_weight: 0.0 };
        let before = "line one\nline two\nline three\nline four\n";
        let example = hole(&tokenizer, &a_hole(before, "x\n", ""), &format).unwrap();
        assert_eq!(tokenizer.decode(&example.tokens), "line three\nline four\nx\n");
        let long = "y".repeat(47);
        assert!(hole(&tokenizer, &a_hole(before, &long, ""), &format).is_some());
        let long = "y".repeat(48);
        assert_eq!(hole(&tokenizer, &a_hole(before, &long, ""), &format), None, "too long");
        assert_eq!(hole(&tokenizer, &a_hole(before, "", ""), &format), None, "nothing to teach");
    }
}
