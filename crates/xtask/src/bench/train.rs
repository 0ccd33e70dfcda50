//! `bench train`: steps of our training beside steps of PyTorch and PEFT, on the same sequences.
use super::Options;
use super::pairs::{PAIRS, Pairs};
use super::peer::{Peer, number};
use super::serve::print;
use super::side::{self, Side};
use crate::{cargo, peers};
use anyhow::{Context as _, Result, ensure};
use sera_daemon::prepare;
use sera_datagen::Selection;
use sera_model::{Base, Batch, Keep, Lora, LoraConfig, Target, Tokenizer, loss_and_gradient};
use sera_train::pack::{batch, plan};
use sera_train::{Example, Kind, Moments, OptimizerConfig, PackConfig, proc_bytes};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// Tokens of a sequence of plain text, and of a forward of ours.
const LENGTH: usize = 1024;
/// Tokens of a step, about.
const STEP: usize = 2048;
/// In f32 both sides read the same weights; a larger difference means that they do other work.
const SAME_LOSS: f64 = 1e-3;
/// The ways and types of `python/train.py`.
const WAYS: [&str; 3] = ["padded", "single", "targets"];
const TYPES: [&str; 2] = ["float32", "bfloat16"];

/// Sequences that one update is made from.
type Step = Vec<(Vec<u32>, Vec<Target>)>;

pub(super) fn train(options: &Options) -> Result<ExitCode> {
    let base = options.need("base")?;
    let python = peers::python()?;
    let (text, trajectories) = steps(base, Path::new(options.need("repo")?))?;
    let rounds = options.number("pairs", PAIRS)?;
    let text = compare("plain text", &text, base, &python, rounds)?;
    let trajectories = compare("trajectories", &trajectories, base, &python, rounds)?;
    let mut page = String::from(
        "| | theirs at its best | theirs, tokens/s | ours, tokens/s | ours over theirs | theirs, MB \
         | ours, MB | ours, GFLOP/s |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (name, compared) in [("plain text", &text), ("trajectories", &trajectories)] {
        writeln!(page, "| {name} | {} |", compared.cells())?;
    }
    let peak = text.peak_gflops;
    writeln!(page, "\nA square product of 2,048 in PyTorch: {peak:.0} GFLOP/s.")?;
    let last = json!({
        "plain_ratio": text.pairs.ratio(),
        "trajectory_ratio": trajectories.pairs.ratio(),
        "memory_ratio": text.ours_mb / text.theirs_mb,
        "gemm_fraction": text.gflops() / peak,
    });
    print(&format!("{page}\n{last}"));
    Ok(ExitCode::SUCCESS)
}

/// A step of plain text with every token a target, and one of the repository's own trajectories.
fn steps(base: &str, repository: &Path) -> Result<(Step, Step)> {
    let side = side::prepare(repository, None)?;
    let tokenizer = &Base::load(Path::new(base))?.tokenizer;
    Ok((plain(tokenizer, &side)?, trajectories(tokenizer, &side.solved())))
}

fn plain(tokenizer: &Tokenizer, side: &Side) -> Result<Step> {
    let whole = |tokens: &[u32]| (tokens.to_vec(), Batch::continuation(tokens, 1).targets);
    Ok(side.code(tokenizer, STEP)?.chunks(LENGTH).map(whole).collect())
}

/// With their masks and weights; tokens to be unlearned are left out, which PEFT knows nothing of.
fn trajectories(tokenizer: &Tokenizer, solved: &[sera_datagen::Attempt]) -> Step {
    let (examples, ..) =
        prepare::dataset(tokenizer, solved, (&[], &[]), &Selection::default(), prepare::STRESS);
    let config = PackConfig { tokens: STEP, step: STEP, ..PackConfig::default() };
    let chosen = plan(&examples, &config).steps.into_iter().flatten().flatten();
    let sequence = |index: usize| {
        let Example { tokens, targets, .. } = &examples[index];
        (tokens.clone(), targets.iter().filter(|t| t.weight > 0.0).copied().collect())
    };
    chosen.map(sequence).collect()
}

/// Both sides on one step.
struct Compared {
    way: String,
    pairs: Pairs,
    ours_mb: f64,
    theirs_mb: f64,
    /// Of PyTorch's square product.
    peak_gflops: f64,
    /// Operations of a token, in 10⁹.
    gflop: f64,
}

impl Compared {
    fn gflops(&self) -> f64 {
        self.pairs.ours() * self.gflop
    }

    fn cells(&self) -> String {
        let Self { way, pairs, ours_mb, theirs_mb, .. } = self;
        let (theirs, ours, ratio) = (pairs.theirs(), pairs.ours(), pairs.told());
        let gflops = self.gflops();
        format!(
            "{way} | {theirs:.0} | {ours:.0} | {ratio} | {theirs_mb:.0} | {ours_mb:.0} | {gflops:.0}"
        )
    }
}

fn compare(name: &str, step: &Step, base: &str, python: &Path, rounds: usize) -> Result<Compared> {
    let question = question(step);
    let tokens: usize = step.iter().map(|(tokens, _)| tokens.len()).sum();
    let mut own = Command::new(std::env::current_exe()?);
    let (mut own, _) = Peer::start("ours", own.args(["bench", "train-side", "--base", base]))?;
    let loss = number(&own.ask(&question)?, "loss")?;

    let mut best: Option<(f64, String)> = None;
    for way in WAYS.iter().flat_map(|way| TYPES.map(|kind| format!("{way} {kind}"))) {
        let (mut peer, _) = theirs(python, base, &way)?;
        let answer = peer.ask(&question)?;
        let (first, seconds) = (number(&answer, "loss")?, number(&answer, "seconds")?);
        let same = (first / loss - 1.0).abs() < SAME_LOSS || way.ends_with("bfloat16");
        ensure!(same, "{way} has a loss of {first} where ours is {loss}");
        cargo::say(&format!("{name}, {way}: {:.0} tokens/s", tokens as f64 / seconds));
        if best.as_ref().is_none_or(|(least, _)| seconds < *least) {
            best = Some((seconds, way));
        }
    }
    let (_, way) = best.context("no way was tried")?;
    let (mut peer, ready) = theirs(python, base, &way)?;
    let peak_gflops = number(&ready, "peak_gflops")?;
    peer.ask(&question)?;
    let (mut pairs, mut ours_mb, mut theirs_mb, mut gflop) = (Pairs::default(), 0.0, 0.0, 0.0);
    for _ in 0..rounds {
        let (ours, theirs) = (own.ask(&question)?, peer.ask(&question)?);
        let rate = |answer| Ok::<_, anyhow::Error>(tokens as f64 / number(answer, "seconds")?);
        pairs.push(rate(&ours)?, rate(&theirs)?);
        (ours_mb, theirs_mb) = (number(&ours, "peak_mb")?, number(&theirs, "peak_mb")?);
        gflop = number(&ours, "gflop")? / tokens as f64;
    }
    Ok(Compared { way, pairs, ours_mb, theirs_mb, peak_gflops, gflop })
}

fn theirs(python: &Path, base: &str, way: &str) -> Result<(Peer, Value)> {
    let mut command = Command::new(python);
    command.arg(cargo::root().join("crates/xtask/python/train.py")).arg(base);
    let threads = std::thread::available_parallelism()?.to_string();
    Peer::start(way, command.args(way.split(' ')).arg(threads))
}

fn question(step: &Step) -> Value {
    let target = |t: &Target| json!([t.row, t.token, t.weight]);
    let sequence = |(tokens, targets): &(Vec<u32>, Vec<Target>)| {
        json!([tokens, targets.iter().map(target).collect::<Vec<_>>()])
    };
    step.iter().map(sequence).collect()
}

/// `bench train-side`: our side of it, which answers as `python/train.py` does.
pub(super) fn own_side(options: &Options) -> Result<ExitCode> {
    let base = Base::load(Path::new(options.need("base")?))?;
    let mut lora = Lora::new(&base.config, &LoraConfig::default());
    let mut moments = Moments::new(lora.parameters().len());
    print(&json!({"ready": true}).to_string());
    for (at, line) in std::io::stdin().lines().enumerate() {
        let examples: Vec<Example> = serde_json::from_str::<Vec<Value>>(&line?)?
            .iter()
            .map(example)
            .collect::<Result<_>>()?;
        let start = Instant::now();
        let (loss, operations) = update(&base, &mut lora, &mut moments, at, &examples)?;
        let seconds = start.elapsed().as_secs_f64();
        let held = proc_bytes("/proc/self/status", "VmHWM").unwrap_or(0) >> 20;
        let answer = json!({
            "seconds": seconds, "loss": loss, "peak_mb": held, "gflop": operations / 1e9,
        });
        print(&answer.to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// One update as `sera_train::train` makes it; returns the mean loss and the operations.
fn update(
    base: &Base,
    lora: &mut Lora,
    moments: &mut Moments,
    at: usize,
    examples: &[Example],
) -> Result<(f64, f64)> {
    let tokens = examples.iter().map(|example| example.tokens.len()).sum();
    let config = PackConfig { tokens, step: tokens, epochs: 1, bin: LENGTH, ..Default::default() };
    let mut sum = vec![0.0f32; lora.parameters().len()];
    let (mut loss, mut weight, mut operations) = (0.0, 0.0, 0.0);
    for bin in plan(examples, &config).steps.iter().flatten() {
        let batch = batch(examples, bin);
        let part = loss_and_gradient(base, lora, &batch, Keep::Everything, &|| true)?;
        loss += part.loss;
        weight += batch.targets.iter().map(|target| f64::from(target.weight)).sum::<f64>();
        operations += batch.operations(&base.config).1;
        sum.iter_mut().zip(&part.gradient).for_each(|(sum, part)| *sum += part);
    }
    let scale = 1.0 / weight.max(f64::MIN_POSITIVE);
    sum.iter_mut().for_each(|g| *g = (f64::from(*g) * scale) as f32);
    let optimizer = OptimizerConfig::default();
    optimizer.clip(&mut sum);
    optimizer.update(lora.parameters_mut(), &sum, moments, at, 1e-4);
    Ok((loss * scale, operations))
}

/// A sequence as [`question`] wrote it.
fn example(sequence: &Value) -> Result<Example> {
    let tokens: Vec<u32> = serde_json::from_value(sequence[0].clone())?;
    let targets: Vec<(usize, u32, f32)> = serde_json::from_value(sequence[1].clone())?;
    let target = |(row, token, weight)| Target { row, token, weight };
    let targets = targets.into_iter().map(target).collect();
    Ok(Example { source: String::new(), kind: Kind::Complete, tokens, targets })
}
