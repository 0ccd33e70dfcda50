//! `bench serve`: what serving takes beside llama.cpp's server, on the same prompts.
use super::Options;
use super::asked::{self, Question};
use super::pairs::{PAIRS, Pairs};
use super::peer::{Peer, number};
use super::side;
use crate::cargo;
use crate::peers::{self, Llama};
use anyhow::{Context as _, Result, ensure};
use sera_agent::dialect;
use sera_core::{Message, Role};
use sera_datagen::Attempt;
use sera_model::{Base, Student, Tokenizer};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Tokens of a short and of a long prompt.
const SHORT: usize = 512;
const LONG: usize = 4096;
/// Tokens written after them.
const WRITE: usize = 128;
/// Tokens that come after a long prompt that was read before.
const NEW: usize = 20;
/// Answers in the recorded conversation.
const STEPS: usize = 10;
/// What is measured, each as a rate.
const FIGURES: [&str; 6] = [
    "prompt of 512, tokens/s",
    "prompt of 4,096, tokens/s",
    "writing 128, tokens/s",
    "writing 128 after 4,096, tokens/s",
    "conversation of 10 answers, a minute",
    "first token of 20 new ones after 4,096, a second",
];
/// Flags of llama.cpp's server that may make a conversation faster; the fastest are its best.
const FLAGS: [&[&str]; 6] = [
    &["-fa", "on"],
    &["-fa", "off"],
    &["-fa", "on", "--cache-reuse", "32"],
    &["-fa", "on", "-ub", "128"],
    &["-fa", "on", "-ctk", "q8_0", "-ctv", "q8_0"],
    &["-fa", "on", "--spec-type", "ngram-simple"],
];

/// One rate for each of [`FIGURES`].
type Rates = [f64; FIGURES.len()];

pub(super) fn serve(options: &Options) -> Result<ExitCode> {
    let base = Path::new(options.need("base")?);
    let work = Work::of(base, Path::new(options.need("repo")?))?;
    let python = peers::python()?;
    let Llama { build, .. } = peers::llama(&python)?;
    let quantized = quantized(&build, base)?;
    let start = |file: &Path, flags: &[&str]| theirs(&python, &build, file, flags);

    let mut own = Command::new(std::env::current_exe()?);
    let own = own.args(["bench", "serve-side", "--base"]).arg(base);
    let (mut own, _) = Peer::start("ours", own)?;
    let flags = best_flags(&work, |flags| start(&quantized, flags))?;
    let mut rivals = [start(base, &[])?, start(&quantized, &[])?, start(&quantized, flags)?];
    let mut pairs: [[Pairs; FIGURES.len()]; 3] = Default::default();
    let rounds = options.number("pairs", PAIRS)?;
    for round in 1..=rounds {
        cargo::say(&format!("round {round} of {rounds}"));
        let ours = work.rates(&mut own)?;
        for (rival, pairs) in rivals.iter_mut().zip(&mut pairs) {
            let theirs = work.rates(rival)?;
            let both = ours.iter().zip(theirs);
            pairs
                .iter_mut()
                .zip(both)
                .for_each(|(pairs, (&ours, theirs))| pairs.push(ours, theirs));
        }
    }
    drop(rivals);
    let best = format!("Q4_0, `{}`", flags.join(" "));
    let mut page = String::new();
    for (name, pairs) in ["the same file", "Q4_0", &best].iter().zip(&pairs) {
        table(&mut page, name, pairs)?;
    }
    by_itself(&mut page, &mut own, &work, rounds)?;
    print(&format!("{page}\n{}", last(&pairs)));
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "tables to be pasted, lines for programs")]
pub(super) fn print(text: &str) {
    println!("{text}");
}

/// The prompts of every comparison.
struct Work {
    /// Code of the repository, [`LONG`] tokens and [`NEW`].
    code: Vec<u32>,
    /// What stands before each answer of the conversation, and the answer.
    turns: Vec<(Vec<u32>, Vec<u32>)>,
    /// Edits whose likelihoods are asked for.
    questions: Vec<Question>,
}

impl Work {
    fn of(base: &Path, repository: &Path) -> Result<Self> {
        let side = side::prepare(repository, None)?;
        let base = Base::load(base)?;
        let code = side.code(&base.tokenizer, LONG + NEW)?;
        let turns = turns(&base.tokenizer, &side.solved());
        ensure!(turns.len() == STEPS, "the repository has too few trajectories");
        let questions = asked::questions(&side, Student::new(base, None))?;
        ensure!(!questions.is_empty(), "the repository has no held-out task with edits");
        Ok(Self { code, turns, questions })
    }

    fn rates(&self, peer: &mut Peer) -> Result<Rates> {
        let short = ask(peer, &self.code[..SHORT], WRITE, false)?;
        let long = ask(peer, &self.code[..LONG], WRITE, false)?;
        let next = ask(peer, &self.code, 1, true)?;
        Ok([
            SHORT as f64 / short.prompt,
            LONG as f64 / long.prompt,
            WRITE as f64 / short.writing,
            WRITE as f64 / long.writing,
            60.0 / self.conversation(peer)?,
            1.0 / next.whole,
        ])
    }

    /// Seconds of all its answers, from nothing read. Ours writes the recorded answers; the server
    /// cannot be told what to write, so it writes as much, and the recorded answer is read before
    /// the next.
    fn conversation(&self, peer: &mut Peer) -> Result<f64> {
        let turn = |(prompt, answer): &(Vec<u32>, Vec<u32>)| json!({"tokens": prompt, "answer": answer, "write": answer.len(), "keep": true});
        let (first, _) = &self.turns[0];
        peer.ask(&turn(&(first[..1].to_vec(), first[..1].to_vec())))?;
        self.turns.iter().map(|each| number(&peer.ask(&turn(each))?, "whole")).sum()
    }
}

/// The recorded conversation: trajectories of the repository one after the other, every action a
/// message, with what was seen after it.
fn turns(tokenizer: &Tokenizer, solved: &[Attempt]) -> Vec<(Vec<u32>, Vec<u32>)> {
    let mut messages: Vec<Message> = Vec::new();
    for attempt in solved {
        let told = dialect::render(&attempt.trajectory.description, &attempt.trajectory.steps);
        let first = messages.is_empty();
        messages.extend(told.into_iter().filter(|m| first || m.role != Role::System));
    }
    let answers = (0..messages.len()).filter(|&at| messages[at].role == Role::Assistant);
    let turn = |at: usize| {
        let prompt = tokenizer.chat(&messages[..at], true).tokens;
        (prompt, tokenizer.encode(&messages[at].content))
    };
    answers.take(STEPS).map(turn).collect()
}

/// Seconds of one answer: the prompt, the writing, and all of it as a client waits.
struct Took {
    prompt: f64,
    writing: f64,
    whole: f64,
}

fn ask(peer: &mut Peer, tokens: &[u32], write: usize, keep: bool) -> Result<Took> {
    let answer = peer.ask(&json!({"tokens": tokens, "write": write, "keep": keep}))?;
    let seconds = |name| number(&answer, name);
    Ok(Took { prompt: seconds("prompt")?, writing: seconds("writing")?, whole: seconds("whole")? })
}

fn theirs(python: &Path, build: &Path, file: &Path, flags: &[&str]) -> Result<Peer> {
    let mut command = Command::new(python);
    command.arg(cargo::root().join("crates/xtask/python/serve.py"));
    command.args([build, file]);
    let threads = std::thread::available_parallelism()?.to_string();
    let (peer, ready) = Peer::start("llama-server", command.arg(threads).args(flags))?;
    ensure!(ready["ready"] == true, "llama-server does not start with {flags:?}");
    Ok(peer)
}

fn best_flags(
    work: &Work,
    start: impl Fn(&[&str]) -> Result<Peer>,
) -> Result<&'static [&'static str]> {
    let mut best: Option<(f64, &[&str])> = None;
    for flags in FLAGS {
        let Ok(mut peer) = start(flags) else {
            cargo::say(&format!("llama-server does not take {flags:?}"));
            continue;
        };
        let seconds = work.conversation(&mut peer)?;
        cargo::say(&format!("{flags:?}: the conversation takes {seconds:.1} s"));
        if best.is_none_or(|(least, _)| seconds < least) {
            best = Some((seconds, flags));
        }
    }
    Ok(best.context("llama-server takes none of the flags")?.1)
}

/// The base in the format that llama.cpp has its fastest kernels for.
fn quantized(build: &Path, base: &Path) -> Result<PathBuf> {
    let file = peers::scratch().join("base-q4_0.gguf");
    if !file.is_file() {
        let mut quantize = Command::new(build.join("bin/llama-quantize"));
        quantize.arg("--allow-requantize").arg(base).arg(&file).arg("Q4_0");
        cargo::must("making a Q4_0 of the base", &mut quantize)?;
    }
    Ok(file)
}

fn table(page: &mut String, name: &str, pairs: &[Pairs]) -> Result<()> {
    writeln!(page, "| {name} | llama-server | ours | ours over theirs |\n|---|---|---|---|")?;
    for (figure, pairs) in FIGURES.iter().zip(pairs) {
        let (theirs, ours, told) = (pairs.theirs(), pairs.ours(), pairs.told());
        writeln!(page, "| {figure} | {theirs:.1} | {ours:.1} | {told} |")?;
    }
    writeln!(page)?;
    Ok(())
}

/// Answers written at the same time, after so many tokens each.
const AT_ONCE: usize = 4;
const BEFORE: usize = 256;

/// Prompts and answers that have nothing in common: pieces of the code.
fn at_once(code: &[u32]) -> Vec<(Vec<u32>, Vec<u32>)> {
    let pieces = code.chunks_exact(BEFORE + WRITE).take(AT_ONCE);
    pieces.map(|piece| (piece[..BEFORE].to_vec(), piece[BEFORE..].to_vec())).collect()
}

/// Ours alone: beside a process that keeps one core busy, answers at the same time, and edits that
/// share their beginning.
fn by_itself(page: &mut String, own: &mut Peer, work: &Work, rounds: usize) -> Result<()> {
    let [mut prompt, mut writing, mut answers, mut edits] = <[Pairs; 4]>::default();
    for _ in 0..rounds {
        let quiet = ask(own, &work.code[..SHORT], WRITE, false)?;
        let mut busy = Command::new("sh").args(["-c", "while :; do :; done"]).spawn()?;
        let beside = ask(own, &work.code[..SHORT], WRITE, false);
        busy.kill()?;
        busy.wait()?;
        let beside = beside?;
        prompt.push(SHORT as f64 / beside.prompt, SHORT as f64 / quiet.prompt);
        writing.push(WRITE as f64 / beside.writing, WRITE as f64 / quiet.writing);
        let written = own.ask(&json!({"turns": at_once(&work.code)}))?;
        answers.push(number(&written, "together")?, number(&written, "alone")?);
        let scored = own.ask(&json!({"score": work.questions}))?;
        edits.push(number(&scored, "together")?, number(&scored, "alone")?);
    }
    writeln!(page, "| ours | | | ratio |\n|---|---|---|---|")?;
    for (what, pairs) in [
        ("prompt of 512, tokens/s: quiet, one core busy", &prompt),
        ("writing 128, tokens/s: quiet, one core busy", &writing),
        ("writing four answers, tokens/s: in turn, at the same time", &answers),
        ("candidate edits scored a second: each alone, those of a function together", &edits),
    ] {
        let (before, after, told) = (pairs.theirs(), pairs.ours(), pairs.told());
        writeln!(page, "| {what} | {before:.1} | {after:.1} | {told} |")?;
    }
    Ok(())
}

/// Against the faster of both files; the last is ours over a prompt read from its start.
fn last(pairs: &[[Pairs; FIGURES.len()]; 3]) -> Value {
    let least = |figure: usize| pairs[0][figure].ratio().min(pairs[1][figure].ratio());
    let (first, cold) = (1.0 / pairs[0][5].ours(), LONG as f64 / pairs[0][1].ours());
    json!({
        "prefill_512_ratio": least(0),
        "prefill_4096_ratio": least(1),
        "decode_ratio": least(2),
        "decode_4k_ratio": least(3),
        "conversation_ratio": least(4),
        "conversation_best_ratio": pairs[2][4].ratio(),
        "first_token_ratio": first / cold,
    })
}
