//! The student against the engine without any cache, on a random base whose answers are noise:
//! its text rarely encodes to the tokens it was written in, which is the hard case.
use super::*;
use crate::batch::Batch;
use crate::config::Config;
use crate::decoder::nll;
use crate::lora::LoraConfig;
use crate::weights::Precision;

fn base() -> Arc<Base> {
    Base::random(Config::tiny(), 3)
}

/// An adapter that changes something: B is drawn too.
fn lora(base: &Base) -> Arc<Lora> {
    let mut lora = Lora::new(&base.config, &LoraConfig { r: 4, alpha: 8.0, seed: 5 });
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for number in lora.parameters_mut() {
        *number += random.random_range(-0.2f32..0.2);
    }
    Arc::new(lora)
}

fn user(text: &str) -> Message {
    Message::new(Role::User, text)
}

/// Greedy, everything read again for every token.
fn naive_reply(base: &Base, lora: Option<&Lora>, prompt: &[u32], max_tokens: usize) -> Vec<u32> {
    let mut tokens = prompt.to_vec();
    for _ in 0..max_tokens {
        let mut cache = Cache::new(&base.config);
        forward_cached(base, lora, &tokens, &mut cache, &|| true).unwrap();
        let logits = cache.logits(base, tokens.len() - 1);
        let best = (0..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b])).unwrap();
        if [256, 258].contains(&best) {
            break;
        }
        tokens.push(u32::try_from(best).unwrap());
    }
    tokens.split_off(prompt.len())
}

#[test]
fn a_conversation_is_answered_as_if_read_from_its_start() {
    // In bf16 a row is rounded alike whether it is read alone or with others.
    let base = Base::random_with(Config::tiny(), 3, Precision::Bf16);
    for lora in [None, Some(lora(&base))] {
        let mut student = Student::new(base.clone(), lora.clone());
        let mut messages = vec![user("fix x")];
        let mut tokens = base.tokenizer.chat(&messages, true).tokens;
        for turn in 0..3 {
            let expected = naive_reply(&base, lora.as_deref(), &tokens, 12);
            let reply =
                student.reply(&Prompt::greedy(messages.clone(), 12), &Cancel::default()).unwrap();
            assert_eq!(reply.text, base.tokenizer.decode(&expected), "turn {turn}");
            assert_eq!(reply.usage.prompt_tokens, tokens.len() as u64, "turn {turn}");
            assert_eq!(reply.finished, expected.len() < 12, "turn {turn}");
            messages.push(Message::new(Role::Assistant, reply.text));
            messages.push(user("and y"));
            // What the template puts between the answer and the next one.
            let next = base.tokenizer.chat(&messages[messages.len() - 1..], true).tokens;
            tokens.extend(expected);
            let known = student.cached(&messages);
            assert!(known >= tokens.len() - 1, "turn {turn}: {known} of {} kept", tokens.len());
            tokens.push(base.tokenizer.end_of_turn());
            tokens.extend(base.tokenizer.encode("\n"));
            tokens.extend(next);
            assert_eq!(student.render(&messages), tokens, "turn by turn or at once");
        }
    }
}

#[test]
fn scores_are_the_likelihoods_of_the_training_path() {
    let base = base();
    let lora = lora(&base);
    let candidates: Vec<String> =
        ["return x + 1", "return x - 1", "return", "", "return x + 1 # same and more", "pass"]
            .map(str::to_owned)
            .to_vec();
    let chat = [user("what does f return")];
    for context in [Context::Chat(&chat), Context::Plain("def f(x):\n    "), Context::Plain("")] {
        let mut student = Student::new(base.clone(), Some(lora.clone()));
        let (before, answers) = student.tokenize(context, &candidates);
        let scores = student.score(context, &candidates, &Cancel::default()).unwrap();
        for ((score, answer), text) in scores.iter().zip(&answers).zip(&candidates) {
            let tokens = [before.clone(), answer.clone()].concat();
            let batch = Batch::continuation(&tokens, before.len());
            let expected: f32 = match answer.len() {
                0 => 0.0,
                _ => -nll(&base, Some(&lora), &batch, &|| true).unwrap().iter().sum::<f32>(),
            };
            let difference = (score.nats - f64::from(expected)).abs();
            assert!(difference <= 0.01 * f64::from(expected).abs(), "{text:?}: {score:?}");
            assert_eq!(score.tokens, answer.len(), "{text:?}");
        }
        let alone: Vec<Score> = candidates
            .iter()
            .map(|c| {
                let one = std::slice::from_ref(c);
                student.score(context, one, &Cancel::default()).unwrap()[0]
            })
            .collect();
        for (together, alone) in scores.iter().zip(&alone) {
            // What is read again was kept in two bytes a number, and may be met in bf16.
            let near = 1e-3 * alone.nats.abs() + 1e-3;
            assert!((together.nats - alone.nats).abs() < near, "{together:?} or {alone:?}");
        }
    }
}

#[test]
fn bytes_are_kept_where_that_is_asked_for() {
    let base = base();
    let score = |how| {
        let mut student = Student::new(base.clone(), Some(lora(&base))).keeping(how);
        let context = "x = f(y)\n".repeat(9);
        let texts = ["return x", "pass"].map(str::to_owned);
        let mut score = || student.score(Context::Plain(&context), &texts, &Cancel::default());
        // The second time the context is known: what was kept of it is met.
        let [first, second] = [score().unwrap(), score().unwrap()];
        assert!((first[1].nats - second[1].nats).abs() < 1e-2 * first[1].nats.abs());
        second[1].nats
    };
    let (halves, bytes) = (score(KeyValues::F16), score(KeyValues::Q8));
    assert!(halves != bytes && (halves - bytes).abs() < 1e-2 * halves.abs(), "{halves} {bytes}");
}

#[test]
fn only_a_chat_answer_is_scored_with_its_end() {
    let base = base();
    let student = Student::new(base, None);
    let one = ["ab".to_owned()];
    assert_eq!(student.tokenize(Context::Plain("x"), &one).1, [[97, 98]]);
    assert_eq!(student.tokenize(Context::Chat(&[user("x")]), &one).1, [[97, 98, 258]]);
    assert_eq!(student.tokenize(Context::Plain(""), &one).0, [256], "never without a row before");
}

#[test]
fn draws_follow_their_seed() {
    let mut student = Student::new(base(), None);
    let mut draw = |seed, temperature| {
        let prompt = Prompt { temperature, seed, ..Prompt::greedy(vec![user("a")], 24) };
        student.reply(&prompt, &Cancel::default()).unwrap().text
    };
    assert_eq!(draw(1, 1.5), draw(1, 1.5));
    assert_ne!(draw(1, 1.5), draw(2, 1.5));
    assert_eq!(draw(1, 1e-6), draw(2, 0.0), "no heat is greedy");
}

#[test]
fn what_the_prompt_stops_is_unfinished() {
    let mut student = Student::new(base(), None);
    let prompt = Prompt::greedy(vec![user("a")], 24);
    let whole = student.reply(&prompt, &Cancel::default()).unwrap();
    assert!(whole.usage.completion_tokens > 3, "{whole:?}");
    let stopped = prompt.unless(|text| text.chars().count() >= 2);
    let reply = student.reply(&stopped, &Cancel::default()).unwrap();
    assert!(!reply.finished && whole.text.starts_with(&reply.text), "{reply:?}");
    assert!(reply.usage.completion_tokens <= 3, "{reply:?}");
}

#[test]
fn limits_and_cancellation_are_errors_of_their_own() {
    let long = Prompt::greedy(vec![user(&"a".repeat(100))], 4);
    let mut student = Student::new(base(), None).with_limit(64);
    match student.reply(&long, &Cancel::default()) {
        Err(ModelError::ContextOverflow { tokens, limit: 64 }) => assert!(tokens > 100),
        other => panic!("{other:?}"),
    }
    let candidates = ["b".repeat(80)];
    let scored = student.score(Context::Plain("a"), &candidates, &Cancel::default());
    assert!(matches!(scored, Err(ModelError::ContextOverflow { tokens: 81, limit: 64 })));

    let cancel = Cancel::default();
    cancel.cancel();
    let short = Prompt::greedy(vec![user("a")], 4);
    assert!(matches!(student.reply(&short, &cancel), Err(ModelError::Cancelled)));
    assert!(student.reply(&short, &Cancel::default()).is_ok(), "it goes on after that");
}

#[test]
fn a_long_answer_ends_at_the_limit() {
    let mut student = Student::new(base(), None).with_limit(64);
    let reply = student.reply(&Prompt::greedy(vec![user("a")], 500), &Cancel::default()).unwrap();
    let total = reply.usage.prompt_tokens + reply.usage.completion_tokens;
    assert!(total <= 64 && (reply.finished || total == 64), "{:?}", reply.usage);
}

#[test]
fn holes_are_filled_until_told_to_stop() {
    let mut student = Student::new(base(), None);
    let mut seen = Vec::new();
    let mut stop = |text: &str| {
        seen.push(text.to_owned());
        seen.len() == 3
    };
    let reply = student.complete("def f():\n", "", 20, &mut stop, &Cancel::default()).unwrap();
    assert!(reply.finished && reply.usage.completion_tokens <= 3);
    assert_eq!(seen.last(), Some(&reply.text));
}
