//! Training on a tiny random base: it learns, it resumes exactly, and it notices what is broken.
use super::*;
use crate::examples::Kind;
use crate::forecast;
use sera_model::{Config, Target};
use std::cell::Cell;
use std::sync::Arc;

fn base() -> Arc<Base> {
    Base::random(Config::tiny(), 3)
}

/// Eight lines of code, every token but the first a target.
fn examples(base: &Base) -> Vec<Example> {
    let lines = ["x = 1", "y = x", "if x: y", "return y", "def f(x):", "pass", "x += y", "f(x, y)"];
    let example = |line: &&str| {
        let tokens = base.tokenizer.encode(line);
        let target = |(row, &token): (usize, &u32)| Target { row, token, weight: 1.0 };
        let targets = tokens.iter().skip(1).enumerate().map(target).collect();
        Example { source: (*line).to_owned(), kind: Kind::Complete, tokens, targets }
    };
    lines.iter().map(example).collect()
}

fn config(tokens: usize) -> TrainConfig {
    let pack = PackConfig { tokens, epochs: 1000, bin: 24, step: 48, ..Default::default() };
    let optimizer = OptimizerConfig { learning_rate: 1e-2, ..Default::default() };
    TrainConfig { r: 4, alpha: 8.0, pack, optimizer, ..Default::default() }
}

/// Trains to the end, telling `watch` each step.
fn run(
    base: &Base,
    config: &TrainConfig,
    checkpoint: Option<Checkpoint>,
    watch: &mut dyn FnMut(&Progress<'_>) -> Control,
) -> Result<Trained, TrainError> {
    let hooks = Hooks { watch, pause: &|| true, clock: &|| 0.0 };
    train(base, &examples(base), config, checkpoint, hooks)
}

fn go_on(_: &Progress<'_>) -> Control {
    Control::Continue
}

#[test]
fn the_loss_falls() {
    let base = base();
    let trained = run(&base, &config(4000), None, &mut go_on).unwrap();
    let (first, last) = (trained.loss[0], *trained.loss.last().unwrap());
    assert!(last < 0.5 * first, "from {first} to {last}");
    assert!(trained.tokens.abs_diff(4000) < 10, "{} tokens", trained.tokens);
    assert!(trained.target_tokens < trained.tokens);
    assert_eq!(trained.halvings, 0);
}

#[test]
fn a_resumed_training_ends_with_the_same_bits() {
    let base = base();
    let config = config(1200);
    let whole = run(&base, &config, None, &mut go_on).unwrap();
    let steps = whole.loss.len();
    for at in [1, 2, steps / 2, steps - 1] {
        let mut stop = |p: &Progress<'_>| if p.step == at { Control::Stop } else { go_on(p) };
        let Err(TrainError::Stopped(checkpoint)) = run(&base, &config, None, &mut stop) else {
            panic!("did not stop at {at}");
        };
        let checkpoint = Checkpoint::from_bytes(&checkpoint.to_bytes().unwrap()).unwrap();
        assert_eq!((checkpoint.step, checkpoint.loss.len()), (at, at));
        let resumed = run(&base, &config, Some(checkpoint), &mut go_on).unwrap();
        assert_eq!(resumed.lora.parameters(), whole.lora.parameters(), "stopped at {at}");
        assert_eq!(resumed.loss, whole.loss, "stopped at {at}");
    }
}

/// A stop between layers loses the step that was begun and nothing else.
#[test]
fn a_stop_in_the_middle_of_a_step_resumes_exactly() {
    let base = base();
    let (config, examples) = (config(1200), examples(&base));
    let whole = run(&base, &config, None, &mut go_on).unwrap();
    let left = Cell::new(57);
    let pause = || {
        left.set(left.get() - 1);
        left.get() > 0
    };
    let hooks = Hooks { watch: &mut go_on, pause: &pause, clock: &|| 0.0 };
    let Err(TrainError::Stopped(checkpoint)) = train(&base, &examples, &config, None, hooks) else {
        panic!("did not stop");
    };
    assert!(checkpoint.step > 0 && checkpoint.step < whole.loss.len());
    let resumed = run(&base, &config, Some(*checkpoint), &mut go_on).unwrap();
    assert_eq!(resumed.lora.parameters(), whole.lora.parameters());
}

#[test]
fn a_checkpoint_goes_on_with_nothing_else() {
    let base = base();
    let mut stop = |_: &Progress<'_>| Control::Stop;
    let Err(TrainError::Stopped(checkpoint)) = run(&base, &config(1200), None, &mut stop) else {
        panic!("did not stop");
    };
    let refused = |base: &Base, config: &TrainConfig| {
        let resumed = run(base, config, Some((*checkpoint).clone()), &mut go_on);
        assert!(matches!(resumed, Err(TrainError::OtherRun)), "{:?}", resumed.map(|t| t.tokens));
    };
    refused(&Base::random(Config::tiny(), 4), &config(1200));
    refused(&base, &config(1300));
    refused(&base, &config(1200).with_seed(9));
}

#[test]
fn accumulated_steps_are_divided_by_all_their_targets() {
    let base = base();
    let examples = examples(&base);
    let mut config = config(10_000);
    config.pack.epochs = 1;
    config.pack.step = 10_000;
    let mut first = None;
    for bin in [8, 24, 1000] {
        config.pack.bin = bin;
        let mut run = Run::new(&base, &examples, &config).unwrap();
        // Like a step under way: B is not zero any more.
        run.lora.parameters_mut().iter_mut().for_each(|p| *p += 0.05);
        let (loss, gradient) = run.gradient(&|| true).unwrap();
        let (loss0, gradient0) = first.get_or_insert_with(|| (loss, gradient.clone()));
        assert!((loss - *loss0).abs() < 1e-3, "{loss} in bins of {bin}, not {loss0}");
        let norm = |g: &[f32]| g.iter().map(|x| x * x).sum::<f32>().sqrt();
        let difference: Vec<f32> = gradient.iter().zip(&*gradient0).map(|(a, b)| a - b).collect();
        assert!(norm(&difference) < 0.02 * norm(gradient0), "bins of {bin}");
    }
}

#[test]
fn a_loss_that_is_no_number_halves_the_rate_and_then_ends_the_run() {
    let base = base();
    let examples = examples(&base);
    let config = config(1200);
    let mut run = Run::new(&base, &examples, &config).unwrap();
    for _ in 0..3 {
        run.step(&|| true).unwrap().unwrap();
    }
    let good = run.lora.clone();
    for halvings in 1..=2 {
        run.lora.parameters_mut().fill(f32::NAN);
        assert!(run.step(&|| true).unwrap().is_none(), "falls back");
        assert_eq!((run.step, run.loss.len(), run.halvings), (0, 0, halvings));
        assert!(run.lora.parameters().iter().all(|p| p.is_finite()));
    }
    run.step(&|| true).unwrap().unwrap();
    assert_ne!(run.lora, good, "a smaller step was taken");
    run.lora.parameters_mut().fill(f32::NAN);
    assert!(matches!(run.step(&|| true), Err(TrainError::Diverged { step: 1 })));
}

#[test]
fn parameters_without_a_gradient_are_noticed() {
    let base = base();
    let examples = examples(&base);
    let config = config(1200);
    let mut run = Run::new(&base, &examples, &config).unwrap();
    run.step(&|| true).unwrap();
    // With both factors at zero neither has a gradient.
    let range = run.lora.slots()[0].range();
    let projection = run.lora.slots()[0].projection;
    run.lora.parameters_mut()[range].fill(0.0);
    let other = run.lora.slot(0, projection, sera_model::Factor::B).range();
    run.lora.parameters_mut()[other].fill(0.0);
    match run.step(&|| true) {
        Err(TrainError::DeadGradient(slots)) => assert_eq!(slots.len(), 2, "{slots:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_to_train_on_is_an_error() {
    let base = base();
    let hooks = Hooks { watch: &mut go_on, pause: &|| true, clock: &|| 0.0 };
    let trained = train(&base, &[], &config(100), None, hooks);
    assert!(matches!(trained, Err(TrainError::NoExamples)));
}

#[test]
fn finishing_early_keeps_what_there_is() {
    let mut finish = |p: &Progress<'_>| {
        if p.step == 3 { Control::Finish } else { Control::Continue }
    };
    let trained = run(&base(), &config(1200), None, &mut finish).unwrap();
    assert_eq!(trained.loss.len(), 3);
    assert!(trained.tokens < 300);
}

#[test]
fn the_forecast_is_what_happens() {
    let base = base();
    let config = config(1200);
    let forecast = forecast(&base, &examples(&base), &config);
    let trained = run(&base, &config, None, &mut go_on).unwrap();
    assert_eq!((forecast.tokens, forecast.steps), (trained.tokens, trained.loss.len()));
    assert_eq!(forecast.target_tokens, trained.target_tokens);
    assert_eq!(forecast.parameters, trained.lora.parameters().len());
    assert_eq!((forecast.longest, forecast.bin), (9, 24));
}

#[test]
fn speed_is_tokens_by_the_callers_clock() {
    let base = base();
    let time = Cell::new(0.0);
    let clock = || {
        time.set(time.get() + 1.0);
        time.get()
    };
    let hooks = Hooks { watch: &mut go_on, pause: &|| true, clock: &clock };
    let speed = measure_speed(&base, &examples(&base), &config(1200), 3.0, &hooks).unwrap();
    // Three bins of at most 24 tokens, four ticks.
    assert!(speed > 10.0 && speed <= 24.0, "{speed} tokens per second");
}
