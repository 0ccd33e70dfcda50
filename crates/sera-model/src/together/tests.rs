//! Students on threads of their own against the same students one after the other.
use super::*;
use crate::config::Config;
use crate::lora::LoraConfig;
use crate::student::Student;
use crate::weights::Precision;
use proptest::prelude::*;
use sera_core::{Context, Message, Model as _, ModelError, Prompt, Role};

/// Rows of whole blocks, as kernels for few rows want them: then answers are the same to the bit.
fn base() -> Arc<Base> {
    let config = Config { width: 64, heads: 8, context: 8192, ..Config::tiny() };
    Base::random_with(config, 7, Precision::fastest())
}

fn lora(base: &Base, seed: u64) -> Arc<Lora> {
    let mut lora = Lora::new(&base.config, &LoraConfig { r: 4, alpha: 8.0, seed });
    for (i, number) in lora.parameters_mut().iter_mut().enumerate() {
        *number += ((i as u64 * seed) % 13) as f32 * 0.02 - 0.1;
    }
    Arc::new(lora)
}

/// What a student is asked, and when it is given up.
#[derive(Clone, Debug)]
enum Ask {
    Write { words: usize, tokens: usize },
    Score { candidates: usize },
    GiveUp,
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        4 => (1..400usize, 1..30usize).prop_map(|(words, tokens)| Ask::Write { words, tokens }),
        2 => (1..12usize).prop_map(|candidates| Ask::Score { candidates }),
        1 => Just(Ask::GiveUp),
    ]
}

fn message(words: usize) -> [Message; 1] {
    [Message::new(Role::User, "x = f(y) ".repeat(words))]
}

/// What a student answers, in bits.
fn answers(student: &mut Student, asks: &[Ask]) -> Vec<String> {
    let answer = |ask: &Ask| match *ask {
        Ask::Write { words, tokens } => {
            let prompt = Prompt::greedy(message(words).to_vec(), tokens);
            student.reply(&prompt, &Cancel::default()).map(|reply| reply.text).unwrap()
        }
        Ask::Score { candidates } => {
            let texts: Vec<String> = (0..candidates).map(|i| format!("return x + {i}")).collect();
            let message = message(candidates);
            let scores = student.score(Context::Chat(&message), &texts, &Cancel::default());
            let bits = scores.unwrap().into_iter().map(|score| score.nats.to_bits());
            format!("{:?}", bits.collect::<Vec<_>>())
        }
        Ask::GiveUp => {
            let cancel = Cancel::default();
            cancel.cancel();
            let refused = student.reply(&Prompt::greedy(message(3).to_vec(), 9), &cancel);
            assert!(matches!(refused, Err(ModelError::Cancelled)));
            String::new()
        }
    };
    asks.iter().map(answer).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn answers_asked_for_together_are_those_asked_for_alone(
        asks in prop::collection::vec(prop::collection::vec(ask(), 1..5), 2..5),
    ) {
        let base = base();
        let loras = [None, Some(lora(&base, 3)), None, Some(lora(&base, 5))];
        let student = |at: usize| Student::new(Arc::clone(&base), loras[at].clone());
        let alone: Vec<_> =
            asks.iter().enumerate().map(|(at, asks)| answers(&mut student(at), asks)).collect();
        let together: Vec<_> = std::thread::scope(|scope| {
            let mut threads = Vec::new();
            for (at, asks) in asks.iter().enumerate() {
                let mut student = student(at);
                threads.push(scope.spawn(move || answers(&mut student, asks)));
            }
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        prop_assert_eq!(alone, together);
        let state = base.together.lock();
        prop_assert_eq!((state.answers, state.writers, state.computing), (0, 0, false));
        prop_assert!(state.written.is_empty() && state.prompts.is_empty() && state.done.is_empty());
    }
}

fn part(base: &Base, kind: Kind, tokens: Vec<u32>, cancel: &Cancel) -> Part {
    let cancel = cancel.clone();
    Part { lora: None, cache: Cache::new(&base.config), tokens, kind, cancel }
}

#[test]
fn a_token_waits_for_all_who_write() {
    let base = base();
    let together = &base.together;
    let mut answers = [together.answer(), together.answer()];
    answers.iter_mut().for_each(Answer::write);
    let read = |token: u32| {
        let part = part(&base, Kind::Written, vec![token], &Cancel::default());
        together.read(&base, part).unwrap().logits.unwrap()
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| read(5));
        while together.lock().written.is_empty() {
            std::thread::yield_now();
        }
        assert!(!together.lock().is_round(), "one of two is no round");
        assert_eq!(read(6).len(), base.config.vocabulary);
        assert_eq!(first.join().unwrap().len(), base.config.vocabulary);
    });
    drop(answers);
    assert_eq!(together.lock().writers, 0);
}

#[test]
fn scoring_lets_answers_through_and_ends_when_cancelled() {
    let base = base();
    let (together, cancel) = (&base.together, Cancel::default());
    let prompt = part(&base, Kind::Last, vec![1, 2, 3], &Cancel::default());
    let scored = together.behind(&base, &cancel, |pause| {
        std::thread::scope(|scope| {
            let answer = scope.spawn(|| {
                let _answer = together.answer();
                together.read(&base, prompt).unwrap().logits.unwrap()
            });
            while !answer.is_finished() {
                assert!(pause(), "not cancelled");
            }
            assert_eq!(answer.join().unwrap().len(), base.config.vocabulary);
        });
        cancel.cancel();
        if pause() { Ok(()) } else { Err(EngineError::Stopped) }
    });
    assert!(matches!(scored, Err(EngineError::Stopped)));
    let _answer = together.answer();
    let late = together.behind(&base, &cancel, |_| Ok(()));
    assert!(matches!(late, Err(EngineError::Stopped)), "it does not wait once cancelled");
}

/// Hands in what one goes on with while another who writes has not, runs `then`, and returns what
/// became of it.
fn waiting<T>(base: &Base, part: Part, then: impl FnOnce() -> T) -> (Option<Done>, T) {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| base.together.read(base, part));
        while base.together.lock().written.is_empty() {
            std::thread::yield_now();
        }
        let done = then();
        (waiting.join().unwrap(), done)
    })
}

#[test]
fn who_gives_up_holds_up_nobody() {
    let base = base();
    let together = &base.together;
    let mut first = together.answer();
    let mut second = together.answer();
    first.write();
    second.write();
    let cancel = Cancel::default();
    let given_up = part(&base, Kind::Written, vec![5], &cancel);
    let (done, ()) = waiting(&base, given_up, || cancel.cancel());
    assert!(matches!(done.unwrap().logits, Err(EngineError::Stopped)));
    let next = part(&base, Kind::Written, vec![6], &Cancel::default());
    let (done, ()) = waiting(&base, next, || drop(first));
    assert_eq!(done.unwrap().logits.unwrap().len(), base.config.vocabulary);
}

#[test]
fn a_scorer_that_waits_for_an_answer_can_be_cancelled() {
    let base = base();
    let (together, cancel) = (&base.together, Cancel::default());
    let scored = together.behind(&base, &cancel, |pause| {
        let _answer = together.answer();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(pause);
            cancel.cancel();
            if waiting.join().unwrap() { Ok(()) } else { Err(EngineError::Stopped) }
        })
    });
    assert!(matches!(scored, Err(EngineError::Stopped)));
}

#[test]
fn a_panic_is_no_endless_wait() {
    let base = base();
    let together = &base.together;
    let mut answers = [together.answer(), together.answer()];
    answers.iter_mut().for_each(Answer::write);
    let good = part(&base, Kind::Written, vec![5], &Cancel::default());
    // A cache of fewer layers breaks whoever computes with it, for itself or for another.
    let shallow = Cache::new(&Config { layers: 1, ..base.config.clone() });
    let bad = Part { cache: shallow, ..part(&base, Kind::Written, vec![6], &Cancel::default()) };
    let read = |part| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| together.read(&base, part)))
    };
    let ended = std::thread::scope(|scope| {
        let threads = [good, bad].map(|part| scope.spawn(|| read(part)));
        threads.map(|thread| thread.join().unwrap())
    });
    let panicked = ended.iter().filter(|ended| ended.is_err()).count();
    let told = ended.iter().filter(|ended| matches!(ended, Ok(None))).count();
    assert_eq!((panicked, told), (1, 1));
    drop(answers);
    let state = together.lock();
    assert!(!state.computing && state.underway.is_empty() && state.done.is_empty());
    drop(state);
    let next = part(&base, Kind::Prompt, vec![1], &Cancel::default());
    assert!(together.read(&base, next).is_some(), "the next one computes");
}
