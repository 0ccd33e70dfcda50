//! A process that is asked by lines of JSON: either side of a comparison.
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A started process. It ends when it is dropped.
pub(super) struct Peer {
    name: String,
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it and waits for its first line, which says what it is.
    pub(super) fn start(name: &str, command: &mut Command) -> Result<(Self, Value)> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("failed to start {command:?}"))?;
        let to = child.stdin.take();
        let from = BufReader::new(child.stdout.take().context("its output is piped")?);
        let mut peer = Self { name: name.to_owned(), child, to, from };
        let first = peer.line()?;
        Ok((peer, first))
    }

    /// Its answer.
    pub(super) fn ask(&mut self, question: &Value) -> Result<Value> {
        let to = self.to.as_mut().context("its input is piped")?;
        writeln!(to, "{question}").with_context(|| format!("{} no longer listens", self.name))?;
        self.line()
    }

    fn line(&mut self) -> Result<Value> {
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        ensure!(!line.is_empty(), "{} ended without an answer", self.name);
        serde_json::from_str(&line).with_context(|| format!("{} said {line:?}", self.name))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // With its input closed it ends by itself, and takes its own children with it.
        drop(self.to.take());
        drop(self.child.wait());
    }
}

/// A number of an answer.
pub(super) fn number(answer: &Value, name: &str) -> Result<f64> {
    answer[name].as_f64().with_context(|| format!("no {name} in {answer}"))
}
