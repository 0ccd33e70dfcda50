//! Measures the engine: `engine_bench FILE.gguf|random [tokens] [repeats] [device]`; `random` has the
//! default base's shape.

use sera_model::{
    Base, Batch, Branch, Cache, Choice, Config, Device, Family, Keep, Lora, LoraConfig, Target,
    Turn, forward_cached, forward_written, loss_and_gradient, nll, score_branches,
};
use std::error::Error;
use std::path::Path;
use std::time::Instant;

#[expect(clippy::print_stdout, reason = "printing figures is what it is for")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("name a gguf file")?;
    let rows: usize = arguments.next().map_or(Ok(1024), |n| n.parse())?;
    let repeats: usize = arguments.next().map_or(Ok(4), |n| n.parse())?;
    let device = arguments.next().map_or(Ok(Choice::Only(Device::Cpu)), |d| d.parse())?.device()?;
    let start = Instant::now();
    let base = match path.as_str() {
        "random" => Base::random(smollm2(), 1).on(device)?,
        file => Base::load_on(Path::new(file), device)?,
    };
    let precision = base.weights.precision();
    println!("load {:.2} s, {precision:?}, {device}", start.elapsed().as_secs_f64());
    let lora = Lora::new(&base.config, &LoraConfig::default());
    for (sequences, share) in [(1, 4), (4, 4), (4, 1)] {
        let batch = batch(base.config.vocabulary, rows, sequences, share);
        let (forward, training) = batch.operations(&base.config);
        println!("{rows} tokens, {sequences} sequences, {} targets", batch.targets.len());
        for _ in 0..repeats {
            let (cpu, start) = (cpu_seconds(), Instant::now());
            let sum: f32 = nll(&base, None, &batch, &|| true)?.iter().sum();
            report("  nll without adapter", rows, start, cpu, f64::from(sum), forward);
        }
        for _ in 0..repeats {
            let (cpu, start) = (cpu_seconds(), Instant::now());
            let sum: f32 = nll(&base, Some(&lora), &batch, &|| true)?.iter().sum();
            report("  nll with adapter", rows, start, cpu, f64::from(sum), forward);
        }
        for _ in 0..repeats {
            let (cpu, start) = (cpu_seconds(), Instant::now());
            let loss = loss_and_gradient(&base, &lora, &batch, Keep::Everything, &|| true)?.loss;
            report("  loss and gradient", rows, start, cpu, loss, training);
        }
    }
    if device == Device::Cpu {
        serving(&base, &lora, repeats)?;
    }
    println!("peak {:.0} MB resident", peak_megabytes());
    Ok(())
}

/// The shape of SmolLM2-135M.
fn smollm2() -> Config {
    Config {
        family: Family::Llama,
        vocabulary: 49_152,
        width: 576,
        layers: 30,
        heads: 9,
        kv_heads: 3,
        head: 64,
        feed_forward: 1_536,
        context: 8_192,
        rope_base: 100_000.0,
        ..Config::tiny()
    }
}

/// Reading a prompt, writing one token at a time, scoring branches.
fn serving(base: &Base, lora: &Lora, repeats: usize) -> Result<(), Box<dyn Error>> {
    let prompt: Vec<u32> = (0..700).map(|i| (i * 7919) % 49_152).collect();
    for lora in [None, Some(lora)] {
        let mut cache = Cache::new(&base.config);
        let (cpu, start) = (cpu_seconds(), Instant::now());
        forward_cached(base, lora, &prompt, &mut cache, &|| true)?;
        report("prompt", prompt.len(), start, cpu, 0.0, 0.0);
        let branches: Vec<Branch> =
            (0..60).map(|i| Branch { at: 500 + i, tokens: prompt[i..i + 40].to_vec() }).collect();
        for _ in 0..repeats {
            let (cpu, start) = (cpu_seconds(), Instant::now());
            let scores = score_branches(base, lora, &cache, &branches, &|| true)?;
            let sum: f32 = scores.iter().flatten().sum();
            report("60 branches of 40", 60 * 40, start, cpu, f64::from(sum), 0.0);
        }
        for _ in 0..repeats {
            let (cpu, start) = (cpu_seconds(), Instant::now());
            let mut token = 1;
            for _ in 0..64 {
                let turn = Turn { lora, cache: &mut cache, tokens: &[token] };
                forward_written(base, &mut [turn], &|| true)?;
                let logits = cache.logits(base, cache.len() - 1);
                let best = (0u32..).zip(logits).max_by(|a, b| a.1.total_cmp(&b.1));
                token = best.map_or(0, |(token, _)| token);
            }
            report("64 tokens one by one", 64, start, cpu, f64::from(token), 0.0);
            cache.truncate(700);
        }
    }
    Ok(())
}

/// The most memory this process ever held.
fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}

/// Pseudo-random tokens, one target in `share` rows.
fn batch(vocabulary: usize, rows: usize, sequences: usize, share: usize) -> Batch {
    let mut batch = Batch::default();
    for sequence in 0..sequences {
        let token = |i: usize| (((i + sequence) * 7919) % vocabulary) as u32;
        let tokens: Vec<u32> = (0..rows / sequences).map(token).collect();
        let targets = (0..tokens.len()).step_by(share).map(|row| Target {
            row,
            token: token(row + 1),
            weight: 1.0,
        });
        batch.push(&tokens, targets);
    }
    batch
}

/// Processor time of this process: with other work on the machine it tells more than the clock.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(") ").next().unwrap_or_default();
    let ticks: f64 = after.split(' ').skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// Prints what was measured; `check` keeps the work from being left out, and shows that repeats
/// agree.
#[expect(clippy::print_stdout, reason = "printing figures is what it is for")]
fn report(what: &str, rows: usize, start: Instant, cpu: f64, check: f64, operations: f64) {
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let rows = rows as f64;
    println!(
        "{what}: {wall:.2} s, {cpu:.2} cpu s, {:.0} tokens/s, {:.0} at 2 quiet cores, \
         {:.0} GFLOP per cpu s ({check:.3})",
        rows / wall,
        2.0 * rows / cpu,
        operations / cpu / 1e9
    );
}
