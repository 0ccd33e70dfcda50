//! `cargo xtask`: everything this workspace does to itself, without shell scripts.
use std::process::ExitCode;

mod audit;
mod cargo;
mod codegen;
mod cuda;
mod developer;
mod dist;
mod engine;
mod fuzz;
mod goldens;
mod hooks;
mod idle;
mod packages;
mod peers;
mod plot;
mod processes;
mod quickstart;
mod reliability;
mod scale;
mod socket;
mod test;
mod tools;

#[cfg(feature = "bench")]
mod bench;

const USAGE: &str = "usage: cargo xtask <command>

  quickstart [--repo PATH] [ARGS]  build Sera and grow an adapter from a repository
  test                             the whole test suite; what CI runs
  codegen                          write man pages, completions and the TypeScript types
  fuzz [N]                         load N (a million) damaged files of each kind
  fuzz TARGET|all [SECONDS]        look for inputs that panic, guided by what they cover
  check-cuda [--test]              whether the feature cuda compiles; with a card, its tests
  reliability [NAME [N]] [--seed S]
                                   N trials with faults, for docs/reliability.md
  audit [--db FOLDER]              what is known against the dependencies' versions
  dist [twice] [--profile NAME] [--out FOLDER]
                                   archive, Debian package, bill of materials, checksums
  goldens                          write what PyTorch and others compute, for tests to compare
  bench evidence|hooks|idle|moves|pipeline|ranking|sandbox|scale|secrets|serve|socket|teacher|train
                                   measure, for docs/evidence.md and docs/benchmarks.md";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = args.split_first().map_or(("", &[][..]), |(c, r)| (c.as_str(), r));
    let done = match command {
        "quickstart" => quickstart::quickstart(rest),
        "test" => test::test(rest),
        "codegen" => codegen::codegen(),
        "check-cuda" => cuda::check_cuda(rest),
        "goldens" => goldens::goldens(),
        "fuzz" => fuzz::fuzz(rest),
        "reliability" => reliability::reliability(rest),
        "audit" => audit::audit(rest),
        "dist" => dist::dist(rest),
        "bench" => bench_one(rest),
        _ => Err(anyhow::anyhow!("{USAGE}")),
    };
    cargo::exit_code(done)
}

/// Those that only run the product are in the light build, too.
fn bench_one(args: &[String]) -> anyhow::Result<ExitCode> {
    match args.split_first().map(|(what, rest)| (what.as_str(), rest)) {
        Some(("hooks", rest)) => hooks::bench(rest),
        Some(("idle", rest)) => idle::bench(rest),
        Some(("scale", rest)) => scale::bench(rest),
        Some(("socket", rest)) => socket::bench(rest),
        _ => run_bench(args),
    }
}

#[cfg(feature = "bench")]
fn run_bench(args: &[String]) -> anyhow::Result<ExitCode> {
    bench::bench(args)
}

/// Without the feature this is the light build: build the heavy one and become it.
#[cfg(not(feature = "bench"))]
fn run_bench(args: &[String]) -> anyhow::Result<ExitCode> {
    let mut command = cargo::cargo();
    command.args(["run", "--release", "--quiet", "--package", "xtask", "--features", "bench"]);
    command.args(["--", "bench"]).args(args);
    cargo::finish(&mut command)
}
