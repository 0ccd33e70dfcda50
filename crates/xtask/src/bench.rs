//! `cargo xtask bench`: measurements on real repositories, written where the README points.
use anyhow::{Context as _, Result, bail};
use std::process::ExitCode;

mod asked;
mod cost;
mod evidence;
mod moves;
mod page;
mod pairs;
mod peer;
mod pipeline;
mod ranking;
mod sandbox;
mod secrets;
mod serve;
mod served;
mod side;
mod student;
mod teacher;
mod train;

/// `evidence --base FILE --own PATH --foreign PATH [--counts PATH] [--tokens N] [--tasks N]
/// [--holes N] [--rollouts N] [--out DIR]`,
/// `moves --base FILE --repo PATH --out DIR`, `pipeline --base FILE --repo PATH`,
/// `ranking --base FILE --repo PATH [--adapter DIR]`, `teacher --repo PATH`,
/// `secrets --repo PATH [--show yes]`, `train --base FILE --repo PATH` or `serve --base FILE --repo PATH`.
pub(crate) fn bench(args: &[String]) -> Result<ExitCode> {
    match args.split_first().map(|(what, rest)| (what.as_str(), Options::read(rest))) {
        Some(("evidence", options)) => evidence::evidence(&options?),
        Some(("moves", options)) => moves::moves(&options?),
        Some(("pipeline", options)) => pipeline::pipeline(&options?),
        Some(("ranking", options)) => ranking::ranking(&options?),
        Some(("sandbox", options)) => sandbox::sandbox(&options?),
        Some(("secrets", options)) => secrets::bench(&options?),
        Some(("serve", options)) => serve::serve(&options?),
        Some(("serve-side", options)) => served::own_side(&options?),
        Some(("teacher", options)) => teacher::teacher(&options?),
        Some(("train", options)) => train::train(&options?),
        Some(("train-side", options)) => train::own_side(&options?),
        _ => bail!(
            "cargo xtask bench evidence|moves|pipeline|ranking|sandbox|secrets|serve|teacher|train"
        ),
    }
}

/// `--name value` pairs; the last of a name counts. `--json` changes nothing: the last line that
/// `train` and `serve` write is one object anyhow.
pub(crate) struct Options(Vec<(String, String)>);

impl Options {
    fn read(args: &[String]) -> Result<Self> {
        let mut pairs = Vec::new();
        let mut rest = args.iter();
        while let Some(name) = rest.next() {
            let Some(name) = name.strip_prefix("--") else { bail!("unexpected {name:?}") };
            let value = match name {
                "json" => "yes",
                _ => rest.next().with_context(|| format!("--{name} needs a value"))?,
            };
            pairs.push((name.to_owned(), value.to_owned()));
        }
        Ok(Self(pairs))
    }

    /// The value of a required option.
    pub(crate) fn need(&self, name: &str) -> Result<&str> {
        self.get(name).ok_or_else(|| anyhow::anyhow!("--{name} is needed"))
    }

    /// The value of an option.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// A number, or what stands for it.
    pub(crate) fn number(&self, name: &str, otherwise: usize) -> Result<usize> {
        Ok(self.get(name).map(str::parse).transpose()?.unwrap_or(otherwise))
    }
}
