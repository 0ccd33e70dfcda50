//! Similar solved tasks: what the *retrieval* arm puts into the prompt.
use sera_core::{LineKind, Origin, Task};
use std::collections::{BTreeMap, HashMap};

/// BM25's usual constants.
const K1: f64 = 1.2;
const B: f64 = 0.75;

/// Solved training tasks, searchable by what they say and what they are about.
#[derive(Debug)]
pub struct Solved<'a> {
    tasks: Vec<&'a Task>,
    /// For every word the tasks that hold it, and how often.
    postings: HashMap<String, Vec<(usize, f64)>>,
    lengths: Vec<f64>,
    mean: f64,
}

impl<'a> Solved<'a> {
    /// Remembers the tasks that may be shown; held-out ones are left out.
    pub fn new(tasks: impl IntoIterator<Item = &'a Task>) -> Self {
        let tasks: Vec<&Task> = tasks.into_iter().filter(|t| !t.held_out).collect();
        let mut postings = HashMap::<String, Vec<(usize, f64)>>::new();
        let mut lengths = Vec::new();
        for (at, task) in tasks.iter().enumerate() {
            let mut counts = BTreeMap::<String, f64>::new();
            for word in words_of(task) {
                *counts.entry(word).or_default() += 1.0;
            }
            lengths.push(counts.values().sum());
            for (word, count) in counts {
                postings.entry(word).or_default().push((at, count));
            }
        }
        let mean = lengths.iter().sum::<f64>() / (lengths.len().max(1) as f64);
        Self { tasks, postings, lengths, mean: mean.max(1.0) }
    }

    /// The `limit` most similar to `description`, best first; none that was made from the seed of
    /// `but`, and none that shares nothing.
    pub fn similar(&self, description: &str, but: Option<&Task>, limit: usize) -> Vec<&'a Task> {
        let mut scores = vec![0.0; self.tasks.len()];
        let mut asked = sera_syntax::words(description);
        asked.sort_unstable();
        asked.dedup();
        for postings in asked.iter().filter_map(|word| self.postings.get(word)) {
            let (n, df) = (self.tasks.len() as f64, postings.len() as f64);
            let idf = (1.0 + (n - df + 0.5) / (df + 0.5)).ln();
            for (at, count) in postings {
                let length = 1.0 - B + B * self.lengths[*at] / self.mean;
                scores[*at] += idf * count * (K1 + 1.0) / (count + K1 * length);
            }
        }
        let mut best: Vec<usize> = (0..scores.len())
            .filter(|at| scores[*at] > 0.0 && but.is_none_or(|b| b.seed != self.tasks[*at].seed))
            .collect();
        best.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
        best.into_iter().take(limit).map(|at| self.tasks[at]).collect()
    }
}

/// What a task says, the function it is about and the lines it changes.
fn words_of(task: &Task) -> Vec<String> {
    let mut text = task.description.clone();
    if let Origin::Mutation { function, .. } = &task.origin {
        text.push(' ');
        text.push_str(&function.name);
    }
    for file in &task.reference.files {
        text.push(' ');
        text.push_str(file.path().as_str());
        let lines = file.hunks.iter().flat_map(|h| &h.lines);
        for line in lines.filter(|l| l.kind == LineKind::Removed) {
            text.push(' ');
            text.push_str(&line.text);
        }
    }
    sera_syntax::words(&text)
}
