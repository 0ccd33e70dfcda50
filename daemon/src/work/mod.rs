//! The worker's side of a job: read the order, do it, leave the result as a file.
//!
//! A worker knows no store and no socket. It exits when its standard input ends.
use crate::gate::Gate;
use crate::order::{Assignment, Order};
use crate::worker_wire::{Line, Progress, Say, Tell};
use anyhow::{Context as _, Result, anyhow};
use sera_core::Digest;
use sera_core::audit::{Audit, Event};
use serde::Serialize;
use std::any::Any;
use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, sync_channel};

mod evaluate;
mod examine;
mod fix;
mod found;
mod generate;
pub(crate) mod import;
mod known;
mod mine;
mod roll_out;
mod sandbox;
mod script;
mod select;
mod synthesize;
mod train;

pub(crate) use fix::Students;

/// The result's name in the job's folder.
pub(crate) const RESULT: &str = "result.json";
/// The order's name in the job's folder.
pub(crate) const ORDER: &str = "order.json";

/// What a stage needs from outside: a way to report and a gate to pass.
pub(crate) struct Desk {
    /// Shut while someone waits, cancelled when the job is.
    pub(crate) gate: Gate,
    /// The job's folder, for results too big for a line.
    pub(crate) folder: PathBuf,
    /// Where what is sent and loaded is written down before it is.
    pub(crate) audit: Audit,
}

impl Desk {
    /// Tells the daemon how far the stage is.
    pub(crate) fn progress(
        &self,
        stage: &str,
        done: u64,
        total: Option<u64>,
        unit: &str,
        message: String,
    ) {
        let progress =
            Progress { stage: stage.to_owned(), done, total, unit: unit.to_owned(), message };
        self.say(Say::Progress(progress));
    }

    /// Tells the person who waits what happens.
    pub(crate) fn step(&self, text: String) {
        self.say(Say::Step { text });
    }

    /// Hands a part of the result over.
    pub(crate) fn part<T: Serialize>(&self, name: &str, part: &T) -> Result<()> {
        let bytes = serde_json::to_vec(part).context("failed to write a part")?;
        write(&self.folder.join(name), &bytes)?;
        self.say(Say::Part { file: name.to_owned(), digest: Digest::of(&bytes) });
        Ok(())
    }

    /// Tells the audit log of weights that are about to be loaded.
    fn loading(&self, path: &Path) -> Result<()> {
        let sha256 = sera_chat::sha256_of(path)
            .with_context(|| format!("failed to read {}", path.display()))?;
        self.audit.record(&Event::Loaded { what: path.display().to_string(), sha256 })?;
        Ok(())
    }

    fn say(&self, what: Say) {
        say(&self.folder, what);
    }
}

/// A line on standard output; if nobody reads it the listener has already cancelled the work.
fn say(folder: &Path, say: Say) {
    let line = Line { folder: folder.to_owned(), say };
    let mut line = serde_json::to_vec(&line).expect("messages are plain data");
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    drop(out.write_all(&line).and_then(|()| out.flush()));
}

/// `sera-daemon work <kind>`: orders in, results out, until standard input ends. Orders are carried
/// out at the same time; the daemon gives more than one only to a worker that serves.
pub(crate) fn serve_orders() -> ExitCode {
    let students = Students::default();
    std::thread::scope(|scope| {
        for (gate, folder) in listen() {
            let students = &students;
            scope.spawn(move || {
                // What panics is this order alone: others go on.
                let done = catch_unwind(AssertUnwindSafe(|| carry_out(gate, &folder, students)));
                let done = done.unwrap_or_else(|panic| Err(anyhow!("panicked: {}", text(&*panic))));
                let ended = match done {
                    Ok(digest) => Say::Done { file: RESULT.to_owned(), digest },
                    Err(error) => failure(&error),
                };
                say(&folder, ended);
            });
        }
    });
    ExitCode::SUCCESS
}

/// What a panic said.
pub(crate) fn text(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}

/// Controls arrive while orders are being carried out, so a thread of its own hears them.
/// Every order has a gate of its own: cancelling one must not end another.
fn listen() -> Receiver<(Gate, PathBuf)> {
    let (send, orders) = sync_channel(1);
    std::thread::spawn(move || {
        let mut gates: BTreeMap<PathBuf, Gate> = BTreeMap::new();
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(Tell::Work { folder }) => {
                    gates.retain(|_, gate| gate.is_shared());
                    let gate = Gate::default();
                    gates.insert(folder.clone(), gate.clone());
                    drop(send.send((gate, folder)));
                }
                Ok(Tell::Pause) => gates.values().for_each(Gate::shut),
                Ok(Tell::Resume) => gates.values().for_each(Gate::open),
                Ok(Tell::Cancel { folder }) => {
                    gates.get(&folder).inspect(|gate| gate.cancel());
                }
                Err(error) => tracing::error!(%error, line, "unreadable control"),
            }
        }
        // The daemon is gone: whatever is computed now, nobody will take it over.
        gates.values().for_each(Gate::cancel);
    });
    orders
}

fn carry_out(gate: Gate, folder: &Path, students: &Students) -> Result<Digest> {
    let path = folder.join(ORDER);
    let text =
        std::fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?;
    // It may hold what an editor has not saved, which shall lie nowhere longer than it must.
    std::fs::remove_file(&path).with_context(|| format!("failed to remove {}", path.display()))?;
    let Assignment { order, audit } =
        serde_json::from_slice(&text).context("failed to read the order")?;
    let desk = &Desk { gate, folder: folder.to_owned(), audit: audit.audit() };
    match order {
        Order::Check(order) => leave(desk, &fix::load(&order.base, desk)?.name),
        Order::Mine(order) => leave(desk, &mine::mine(&order, desk)?),
        Order::Synthesize(order) => leave(desk, &synthesize::synthesize(&order, desk)?),
        Order::RollOut(order) => leave(desk, &roll_out::roll_out(&order, desk)?),
        Order::Generate(order) => leave(desk, &generate::generate(&order, desk)?),
        Order::Import(order) => leave(desk, &import::import_rows(&order, desk)?),
        Order::Select(order) => leave(desk, &select::select(&order, desk)?),
        Order::Train(order) => leave(desk, &train::train(&order, desk)?),
        Order::Evaluate(order) => leave(desk, &evaluate::evaluate(&order, desk)?),
        Order::Examine(order) => leave(desk, &examine::examine(&order, desk)?),
        Order::Fix(order) => leave(desk, &fix::fix(&order, desk, students)?),
        Order::Diagnose(order) => leave(desk, &sandbox::diagnose(&order, desk)),
        Order::BuildImage(order) => leave(desk, &sandbox::build(&order, desk)?),
    }
}

fn leave<T: Serialize>(desk: &Desk, result: &T) -> Result<Digest> {
    let bytes = serde_json::to_vec(result).context("failed to write the result")?;
    write(&desk.folder.join(RESULT), &bytes)?;
    Ok(Digest::of(&bytes))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("failed to write {}", path.display()))
}

fn failure(error: &anyhow::Error) -> Say {
    let causes = error.chain().map(ToString::to_string).collect();
    Say::Failed { code: crate::failure::code_of(error).name().to_owned(), causes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Place;
    use crate::order::Check;

    #[test]
    fn an_order_is_gone_once_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let order = Order::Check(Check { base: folder.path().join("missing.gguf") });
        let audit = Place::below(folder.path(), [7; 32], None);
        let text = serde_json::to_vec(&Assignment { order, audit }).unwrap();
        let path = folder.path().join(ORDER);
        std::fs::write(&path, text).unwrap();
        carry_out(Gate::default(), folder.path(), &Students::default()).unwrap_err();
        assert!(!path.exists());
    }
}
