//! What a training will hold, and how it is laid out to fit: known before its first step.
use crate::examples::Example;
use crate::pack::plan;
use crate::train::{TrainConfig, TrainError};
use sera_model::{Base, Keep, Lora, Precision, Projection};
use serde::{Deserialize, Serialize};

/// Tokens of the examples that have to fit at least.
pub const SHORTEST: usize = 256;

/// Forwards of fewer tokens than this waste the machine; rather are blocks computed twice.
const WORTHWHILE: usize = 512;

/// Parameters, gradient and its sum, two moments, a snapshot of three.
const STATE_COPIES: usize = 8;

/// What a training will read and hold, known before its first step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forecast {
    /// Updates.
    pub steps: usize,
    /// Tokens, repeats included.
    pub tokens: usize,
    /// Predictions that carry loss.
    pub target_tokens: usize,
    /// Tokens of the longest example that is read.
    pub longest: usize,
    /// Tokens of the largest forward.
    pub bin: usize,
    /// Trainable parameters.
    pub parameters: usize,
    /// What a forward leaves behind for its backward.
    pub keep: Keep,
    /// Estimate of the memory needed beside the base's weights.
    pub memory_mb: usize,
}

impl std::fmt::Display for Forecast {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { steps, tokens, target_tokens, longest, bin, parameters, keep, memory_mb } = self;
        let twice = match keep {
            Keep::Everything => "",
            Keep::Inputs => ", blocks computed twice",
        };
        write!(
            f,
            "{steps} steps over {tokens} tokens ({target_tokens} carry loss), longest example \
             {longest}, forwards of at most {bin} tokens{twice}, {parameters} parameters, about \
             {memory_mb} MB beside the base"
        )
    }
}

/// What [`crate::train`] with these arguments will read and hold.
pub fn forecast(base: &Base, examples: &[Example], config: &TrainConfig) -> Forecast {
    let plan = plan(examples, &config.pack);
    let bin = plan.largest_bin(examples);
    let parameters = parameters(base, config);
    let bytes = fixed(base, config) + per_token(base, config.keep) * bin;
    Forecast {
        steps: plan.steps.len(),
        tokens: plan.tokens(examples),
        target_tokens: plan.targets(examples),
        longest: plan.longest(examples),
        bin,
        parameters,
        keep: config.keep,
        memory_mb: bytes >> 20,
    }
}

/// The same training within `allowed_mb` beside the base: forwards of fewer tokens first, then
/// blocks computed twice, then the longest examples left out.
pub fn fit(
    base: &Base,
    examples: &[Example],
    config: &TrainConfig,
    allowed_mb: usize,
) -> Result<TrainConfig, TrainError> {
    // Of all, not of those that this plan reads: how many tokens are wanted is decided later.
    let longest = examples.iter().map(|example| example.tokens.len()).max().unwrap_or(0);
    let room =
        |keep| ((allowed_mb << 20).saturating_sub(fixed(base, config))) / per_token(base, keep);
    let within = |keep, room: usize| {
        let mut config = TrainConfig { keep, ..*config };
        config.pack.bin = config.pack.bin.min(room);
        config.pack.longest = (longest > room).then_some(room);
        config
    };
    let (everything, inputs) = (room(Keep::Everything), room(Keep::Inputs));
    if everything >= longest.max(config.pack.bin.min(WORTHWHILE)) {
        return Ok(within(Keep::Everything, everything));
    }
    if inputs < SHORTEST {
        let needed = fixed(base, config) + per_token(base, Keep::Inputs) * SHORTEST;
        return Err(TrainError::Memory { needed_mb: needed.div_ceil(1 << 20), allowed_mb });
    }
    Ok(within(Keep::Inputs, inputs))
}

/// Bytes under `key` in a file of `/proc`, where the system has one.
pub fn proc_bytes(file: &str, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    Some(value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}

fn parameters(base: &Base, config: &TrainConfig) -> usize {
    Lora::new(&base.config, &config.lora()).parameters().len()
}

/// Bytes that are held however few tokens a forward has.
fn fixed(base: &Base, config: &TrainConfig) -> usize {
    transposed(base) + STATE_COPIES * parameters(base, config) * 4
}

/// Bytes of a number that the engine keeps.
fn width(base: &Base) -> usize {
    match base.weights.precision() {
        Precision::F32 => 4,
        Precision::Bf16 => 2,
    }
}

/// Bytes that one token of a forward leaves behind for its backward.
fn per_token(base: &Base, keep: Keep) -> usize {
    let c = &base.config;
    let before_norms = if c.family.norms_heads() { c.qkv_width() } else { 0 };
    let attention = c.qkv_width() + c.query_width() + before_norms;
    let block = width(base) * (4 * c.width + attention + 3 * c.feed_forward);
    match keep {
        Keep::Everything => c.layers * block,
        Keep::Inputs => c.layers * 4 * c.width + block,
    }
}

/// Bytes of the second copy of the weights that a backward in bf16 multiplies with.
fn transposed(base: &Base) -> usize {
    let c = &base.config;
    let block: usize = Projection::ALL.iter().map(|p| p.shape(c)).map(|(i, o)| i * o).sum();
    match base.weights.precision() {
        Precision::F32 => 0,
        // The head, tied or not, is multiplied with in both directions; a mere embedding is not.
        Precision::Bf16 => 2 * (c.layers * block + c.vocabulary * c.width),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::Kind;
    use sera_model::{Config, Target};

    fn examples(lengths: &[usize]) -> Vec<Example> {
        let example = |&length: &usize| Example {
            source: length.to_string(),
            kind: Kind::Complete,
            tokens: vec![7; length],
            targets: vec![Target { row: 0, token: 7, weight: 1.0 }],
        };
        lengths.iter().map(example).collect()
    }

    #[test]
    fn what_does_not_fit_is_laid_out_otherwise() {
        // Wide enough that tokens and not parameters fill the memory.
        let config = Config { layers: 24, feed_forward: 4096, ..Config::tiny() };
        let base = Base::random_with(config, 3, Precision::F32);
        let examples = examples(&[900, 700, 300, 120]);
        let whole = TrainConfig::default();
        let fixed = fixed(&base, &whole) >> 20;
        let mb = |keep, tokens: usize| fixed + 2 + ((per_token(&base, keep) * tokens) >> 20);
        let check = |allowed, expect: Option<(Keep, usize, Option<usize>)>| {
            let fitted = fit(&base, &examples, &whole, allowed);
            let Some((keep, bin, longest)) = expect else {
                return assert!(matches!(fitted, Err(TrainError::Memory { .. })), "{allowed} MB");
            };
            let fitted = fitted.unwrap();
            assert_eq!(fitted.keep, keep, "{allowed} MB");
            assert!(fitted.pack.bin.abs_diff(bin) < 40, "{allowed} MB: {}", fitted.pack.bin);
            assert_eq!(fitted.pack.longest.is_some(), longest.is_some(), "{allowed} MB");
            let forecast = forecast(&base, &examples, &fitted);
            assert!(forecast.memory_mb <= allowed, "{forecast} of {allowed}");
            assert!(forecast.longest <= longest.unwrap_or(900), "{forecast}");
        };
        check(1 << 20, Some((Keep::Everything, 1024, None)));
        check(mb(Keep::Everything, 950), Some((Keep::Everything, 950, None)));
        check(mb(Keep::Everything, 890), Some((Keep::Inputs, 1024, None)));
        check(mb(Keep::Inputs, 720), Some((Keep::Inputs, 720, Some(750))));
        check(mb(Keep::Inputs, 300), Some((Keep::Inputs, 300, Some(340))));
        check(mb(Keep::Inputs, 200), None);
    }
}
