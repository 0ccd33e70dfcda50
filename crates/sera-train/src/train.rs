//! The training loop: plan, gradient, update, over and over, and what can go wrong in between.
//!
//! Everything is fixed by base, examples and configuration. The loop itself draws no random
//! number and reads the clock only to report, so going on from a [`Checkpoint`] gives the same
//! parameters bit for bit as never having stopped. One exception: a run that diverges *after* it
//! was resumed falls back to the point where it was resumed, if that is nearer than the last
//! snapshot.
use crate::checkpoint::Checkpoint;
use crate::examples::Example;
use crate::memory::proc_bytes;
use crate::optimizer::{Moments, OptimizerConfig};
use crate::pack::{PackConfig, Plan, batch, plan};
use sera_core::Digest;
use sera_model::{Base, EngineError, Keep, Lora, LoraConfig, Slot, dead_slots, loss_and_gradient};
use serde::{Deserialize, Serialize};

/// All that decides a training, beside base and examples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// Rank of the adapter.
    pub r: usize,
    /// Its scale is `alpha / r`.
    pub alpha: f32,
    /// Seed of the adapter's first numbers.
    pub seed: u64,
    /// Which examples, in which order.
    pub pack: PackConfig,
    /// How parameters are moved.
    pub optimizer: OptimizerConfig,
    /// What a forward leaves behind for its backward; the result is the same.
    #[serde(default, skip_serializing_if = "Keep::is_everything")]
    pub keep: Keep,
}

impl Default for TrainConfig {
    fn default() -> Self {
        let (pack, optimizer) = (PackConfig::default(), OptimizerConfig::default());
        Self { r: 16, alpha: 32.0, seed: 0, pack, optimizer, keep: Keep::Everything }
    }
}

impl TrainConfig {
    /// The same training with all its random choices made from `seed`.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        (self.seed, self.pack.seed) = (seed, seed);
        self
    }

    pub(crate) fn lora(&self) -> LoraConfig {
        LoraConfig { r: self.r, alpha: self.alpha, seed: self.seed }
    }
}

/// What a training is told and tells while it runs.
pub struct Hooks<'a> {
    /// Called after every step.
    pub watch: &'a mut dyn FnMut(&Progress<'_>) -> Control,
    /// Called between layers, may block while others compute; false stops at once.
    pub pause: &'a dyn Fn() -> bool,
    /// Seconds since any fixed instant.
    pub clock: &'a dyn Fn() -> f64,
}

/// What `watch` decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// End now with what there is.
    Finish,
    /// Stop; the error holds the checkpoint to go on from.
    Stop,
}

/// Where a training stands after a step.
pub struct Progress<'a> {
    /// Steps done.
    pub step: usize,
    /// Steps planned.
    pub steps: usize,
    /// Tokens read.
    pub tokens: usize,
    /// Mean loss of this step's targets, weighted, in nats per token.
    pub loss: f32,
    /// Norm of this step's gradient before clipping.
    pub norm: f64,
    /// The learning rate of this step.
    pub rate: f64,
    /// Seconds so far, those before a resumption included.
    pub seconds: f64,
    run: &'a Run<'a>,
}

impl Progress<'_> {
    /// All that is needed to go on from here.
    pub fn checkpoint(&self) -> Checkpoint {
        self.run.checkpoint(self.seconds)
    }
}

/// A finished training.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The adapter.
    pub lora: Lora,
    /// Mean loss of every step, in nats per target token.
    pub loss: Vec<f32>,
    /// Tokens read.
    pub tokens: usize,
    /// Predictions that carried loss.
    pub target_tokens: usize,
    /// Seconds it took, earlier parts included.
    pub seconds: f64,
    /// `tokens / seconds`.
    pub tokens_per_s: f64,
    /// Most memory this process ever held, where the system says.
    pub peak_rss_mb: Option<u64>,
    /// How often the learning rate was halved after a loss that was not a number.
    pub halvings: u32,
}

/// Why there is no adapter.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Nothing to train on.
    #[error("there is no example to train on")]
    NoExamples,
    /// Not even short examples fit.
    #[error(
        "training needs {needed_mb} MB beside the base and may use {allowed_mb}; sera.memory says \
         how much, else it is half of what is free"
    )]
    Memory {
        /// For examples of [`crate::memory::SHORTEST`] tokens.
        needed_mb: usize,
        /// What it was told.
        allowed_mb: usize,
    },
    /// Stopped on request.
    #[error("stopped after {} steps", .0.step)]
    Stopped(Box<Checkpoint>),
    /// The checkpoint is of another training.
    #[error("the checkpoint is of another base, dataset or configuration")]
    OtherRun,
    /// The loss was not a number even at a quarter of the learning rate.
    #[error("the loss was not a number three times, last at step {step}")]
    Diverged {
        /// The step.
        step: usize,
    },
    /// Parameters that no gradient reaches: an error in the engine or an absurd base.
    #[error("no usable gradient reaches {} of the adapter's tensors, {} first", .0.len(), .0[0])]
    DeadGradient(Vec<String>),
    /// The engine refused a batch.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Tokens per second of forward and backward on this machine now, over the first bins of the plan.
///
/// Runs one bin to warm up, then whole bins until `seconds` have passed.
pub fn measure_speed(
    base: &Base,
    examples: &[Example],
    config: &TrainConfig,
    seconds: f64,
    hooks: &Hooks<'_>,
) -> Result<f64, TrainError> {
    let plan = plan(examples, &config.pack);
    let lora = Lora::new(&base.config, &config.lora());
    let bins: Vec<&Vec<usize>> = plan.steps.iter().flatten().collect();
    let first = bins.first().ok_or(TrainError::NoExamples)?;
    loss_and_gradient(base, &lora, &batch(examples, first), config.keep, hooks.pause)?;
    let (start, mut tokens) = ((hooks.clock)(), 0);
    for bin in bins.iter().cycle().skip(1) {
        let batch = batch(examples, bin);
        loss_and_gradient(base, &lora, &batch, config.keep, hooks.pause)?;
        tokens += batch.tokens.len();
        if (hooks.clock)() - start >= seconds {
            break;
        }
    }
    Ok(tokens as f64 / ((hooks.clock)() - start).max(1e-9))
}

/// Trains an adapter for `base`, from the start or from a checkpoint of the same training.
pub fn train(
    base: &Base,
    examples: &[Example],
    config: &TrainConfig,
    checkpoint: Option<Checkpoint>,
    hooks: Hooks<'_>,
) -> Result<Trained, TrainError> {
    let mut run = Run::new(base, examples, config)?;
    let before = match checkpoint {
        Some(checkpoint) => run.resume(checkpoint)?,
        None => 0.0,
    };
    let Hooks { watch, pause, clock } = hooks;
    let start = clock();
    let seconds = || before + clock() - start;
    while run.step < run.plan.steps.len() {
        let (loss, norm) = match run.step(pause) {
            Ok(Some(done)) => done,
            Ok(None) => continue,
            Err(TrainError::Engine(EngineError::Stopped)) => {
                return Err(TrainError::Stopped(Box::new(run.checkpoint(seconds()))));
            }
            Err(error) => return Err(error),
        };
        let rate = run.rate(run.step - 1);
        let (steps, tokens, seconds) = (run.plan.steps.len(), run.tokens(), seconds());
        let progress =
            Progress { step: run.step, steps, tokens, loss, norm, rate, seconds, run: &run };
        match watch(&progress) {
            Control::Continue => {}
            Control::Finish => break,
            Control::Stop => return Err(TrainError::Stopped(Box::new(run.checkpoint(seconds)))),
        }
    }
    Ok(run.finish(seconds()))
}

/// Parameters and moments at one step.
#[derive(Clone)]
struct State {
    step: usize,
    parameters: Vec<f32>,
    moments: Moments,
}

struct Run<'a> {
    base: &'a Base,
    examples: &'a [Example],
    config: &'a TrainConfig,
    plan: Plan,
    digest: Digest,
    lora: Lora,
    moments: Moments,
    step: usize,
    loss: Vec<f32>,
    halvings: u32,
    snapshot: State,
}

/// Steps between snapshots that a diverged run falls back to.
const SNAPSHOT: usize = 10;

/// How often the learning rate is halved before a run is given up.
const MAX_HALVINGS: u32 = 2;

impl<'a> Run<'a> {
    fn new(
        base: &'a Base,
        examples: &'a [Example],
        config: &'a TrainConfig,
    ) -> Result<Self, TrainError> {
        let plan = plan(examples, &config.pack);
        if plan.targets(examples) == 0 {
            return Err(TrainError::NoExamples);
        }
        let digest = run_digest(base, examples, config, &plan);
        let lora = Lora::new(&base.config, &config.lora());
        let moments = Moments::new(lora.parameters().len());
        let snapshot =
            State { step: 0, parameters: lora.parameters().to_vec(), moments: moments.clone() };
        let (loss, step, halvings) = (Vec::new(), 0, 0);
        Ok(Self {
            base,
            examples,
            config,
            plan,
            digest,
            lora,
            moments,
            step,
            loss,
            halvings,
            snapshot,
        })
    }

    /// Takes a checkpoint over; returns the seconds spent before it.
    fn resume(&mut self, checkpoint: Checkpoint) -> Result<f64, TrainError> {
        let size = self.lora.parameters().len();
        let fits = checkpoint.parameters.len() == size
            && checkpoint.moments.first.len() == size
            && checkpoint.moments.second.len() == size
            && checkpoint.step <= self.plan.steps.len()
            && checkpoint.loss.len() == checkpoint.step;
        if checkpoint.run != self.digest || !fits {
            return Err(TrainError::OtherRun);
        }
        let Checkpoint { step, halvings, loss, parameters, moments, seconds, .. } = checkpoint;
        self.lora.set_parameters(&parameters);
        self.snapshot = State { step, parameters, moments: moments.clone() };
        (self.moments, self.step, self.halvings, self.loss) = (moments, step, halvings, loss);
        Ok(seconds)
    }

    /// One update. `None` where the loss was no number and the run fell back to a snapshot;
    /// otherwise the mean loss and the gradient's norm.
    fn step(&mut self, pause: &dyn Fn() -> bool) -> Result<Option<(f32, f64)>, TrainError> {
        let (loss, mut gradient) = self.gradient(pause)?;
        let norm = self.config.optimizer.clip(&mut gradient);
        if !(loss.is_finite() && norm.is_finite()) {
            self.fall_back()?;
            return Ok(None);
        }
        // Only now are these parameters known to be good ones to fall back to.
        if self.step.is_multiple_of(SNAPSHOT) {
            let parameters = self.lora.parameters().to_vec();
            self.snapshot = State { step: self.step, parameters, moments: self.moments.clone() };
        }
        // B starts at zero, so only the second gradient reaches A.
        if self.step == 1 {
            let dead = dead_slots(&self.lora, &gradient);
            if !dead.is_empty() {
                let name = |s: &&Slot| {
                    format!("{:?} of {:?} in block {}", s.factor, s.projection, s.layer)
                };
                return Err(TrainError::DeadGradient(dead.iter().map(name).collect()));
            }
        }
        let rate = self.rate(self.step);
        let parameters = self.lora.parameters_mut();
        self.config.optimizer.update(parameters, &gradient, &mut self.moments, self.step, rate);
        self.step += 1;
        self.loss.push(loss as f32);
        Ok(Some((loss as f32, norm)))
    }

    /// Mean loss of this step's targets and its gradient: sums over all bins, divided once.
    fn gradient(&self, pause: &dyn Fn() -> bool) -> Result<(f64, Vec<f32>), TrainError> {
        let mut sum = vec![0.0f32; self.lora.parameters().len()];
        let (mut loss, mut weight) = (0.0, 0.0);
        for bin in &self.plan.steps[self.step] {
            let batch = batch(self.examples, bin);
            let part = loss_and_gradient(self.base, &self.lora, &batch, self.config.keep, pause)?;
            loss += part.loss;
            weight += batch.targets.iter().map(|t| f64::from(t.weight.abs())).sum::<f64>();
            sum.iter_mut().zip(&part.gradient).for_each(|(sum, part)| *sum += part);
        }
        let scale = 1.0 / weight.max(f64::MIN_POSITIVE);
        sum.iter_mut().for_each(|g| *g = (f64::from(*g) * scale) as f32);
        Ok((loss * scale, sum))
    }

    fn rate(&self, step: usize) -> f64 {
        let halved = 0.5f64.powi(i32::try_from(self.halvings).unwrap_or(i32::MAX));
        self.config.optimizer.rate(step, self.plan.steps.len()) * halved
    }

    fn fall_back(&mut self) -> Result<(), TrainError> {
        if self.halvings == MAX_HALVINGS {
            return Err(TrainError::Diverged { step: self.step });
        }
        self.halvings += 1;
        self.step = self.snapshot.step;
        self.lora.set_parameters(&self.snapshot.parameters);
        self.moments = self.snapshot.moments.clone();
        self.loss.truncate(self.step);
        Ok(())
    }

    fn tokens(&self) -> usize {
        self.done().tokens(self.examples)
    }

    /// The part of the plan that was carried out.
    fn done(&self) -> Plan {
        Plan { steps: self.plan.steps[..self.step].to_vec() }
    }

    fn checkpoint(&self, seconds: f64) -> Checkpoint {
        Checkpoint {
            run: self.digest.clone(),
            config: *self.config,
            step: self.step,
            halvings: self.halvings,
            seconds,
            loss: self.loss.clone(),
            parameters: self.lora.parameters().to_vec(),
            moments: self.moments.clone(),
        }
    }

    fn finish(self, seconds: f64) -> Trained {
        let done = self.done();
        let tokens = done.tokens(self.examples);
        Trained {
            tokens,
            target_tokens: done.targets(self.examples),
            seconds,
            tokens_per_s: tokens as f64 / seconds.max(1e-9),
            peak_rss_mb: proc_bytes("/proc/self/status", "VmHWM").map(|bytes| bytes >> 20),
            halvings: self.halvings,
            lora: self.lora,
            loss: self.loss,
        }
    }
}

/// Names a training by everything that decides its result.
fn run_digest(base: &Base, examples: &[Example], config: &TrainConfig, plan: &Plan) -> Digest {
    let mut bytes = base.digest.clone().into_bytes();
    bytes.extend(serde_json::to_vec(config).expect("plain data serialises"));
    for index in plan.steps.iter().flatten().flatten() {
        bytes.extend((*index as u64).to_le_bytes());
    }
    for example in examples {
        example.tokens.iter().for_each(|t| bytes.extend(t.to_le_bytes()));
        for target in &example.targets {
            bytes.extend((target.row as u64).to_le_bytes());
            bytes.extend(target.weight.to_le_bytes());
        }
    }
    Digest::of(&bytes)
}

#[cfg(test)]
mod tests;
