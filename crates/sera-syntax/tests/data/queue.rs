//! A queue of jobs with priorities and retries.
use std::collections::BTreeMap;

const MAX_TRIES: usize = 5;
const MAX_QUEUE: usize = 1000;

/// One job.
pub struct Job {
    id: u64,
    name: String,
    priority: u32,
    weight: u32,
    tries: usize,
    started: u64,
    finished: u64,
}

/// Jobs in order.
pub struct Queue {
    waiting: Vec<Job>,
    failed: Vec<Job>,
    next_id: u64,
    now: u64,
}

impl Queue {
    /// Adds a job, unless the queue is full.
    pub fn push(&mut self, name: &str, priority: u32, weight: u32) -> Option<u64> {
        if self.waiting.len() >= MAX_QUEUE {
            return None;
        }
        let name = normalise(name);
        if name.is_empty() {
            return None;
        }
        let id = self.next_id;
        self.next_id += 1;
        let place = self.waiting.iter().position(|job| job.priority < priority);
        let job = Job { id, name, priority, weight, tries: 0, started: 0, finished: 0 };
        match place {
            Some(place) => self.waiting.insert(place, job),
            None => self.waiting.push(job),
        }
        Some(id)
    }

    pub fn start(&mut self, now: u64) -> Option<&mut Job> {
        self.now = now;
        let job = self.waiting.iter_mut().find(|job| job.started == 0 && job.tries < MAX_TRIES)?;
        job.started = now;
        job.tries += 1;
        Some(job)
    }

    pub fn fail(&mut self, id: u64, retry: bool) -> bool {
        let Some(at) = self.waiting.iter().position(|job| job.id == id) else { return false };
        let mut job = self.waiting.remove(at);
        job.started = 0;
        if retry && job.tries < MAX_TRIES {
            let end = self.waiting.len();
            self.waiting.insert(end, job);
            return true;
        }
        job.finished = self.now;
        self.failed.push(job);
        false
    }

    pub fn load(&self, low: u32, high: u32) -> u32 {
        let mut total = 0;
        for job in &self.waiting {
            if job.priority >= low && job.priority <= high {
                total += job.weight * 2 + 1;
            }
        }
        total.min(100)
    }

    pub fn by_priority(&self, limit: usize) -> BTreeMap<u32, Vec<u64>> {
        let mut groups: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for job in self.waiting.iter().rev().take(limit) {
            let group = groups.entry(job.priority).or_default();
            if group.len() < limit - 1 {
                group.push(job.id);
            }
        }
        groups
    }
}

fn normalise(name: &str) -> String {
    let mut cleaned = String::new();
    for part in name.trim().split(' ') {
        if part.is_empty() {
            continue;
        }
        if !cleaned.is_empty() {
            cleaned.push('-');
        }
        cleaned.push_str(part);
    }
    cleaned
}

fn backoff(tries: u32, base: u64, cap: u64) -> u64 {
    let factor = 1 << tries;
    let delay = base * factor + base / 2;
    if delay > cap {
        return cap;
    }
    delay - delay % 10
}

fn parse_pair(line: &str) -> Result<(u32, u32), std::num::ParseIntError> {
    let mut parts = line.trim().split(',');
    let first = parts.next().unwrap_or("0").trim().parse::<u32>()?;
    let second = parts.next().unwrap_or("1").trim().parse::<u32>()?;
    let (low, high) = if first <= second { (first, second) } else { (second, first) };
    Ok((low, high))
}

fn window(values: &[u32], start: usize, width: usize) -> u32 {
    let end = (start + width).min(values.len());
    let mut best = 0;
    for index in start..end {
        if values[index] > best {
            best = values[index];
        }
    }
    best
}

/// How a job is shown, by its state.
fn label(job: &Job, now: u64) -> String {
    let state = if job.started == 0 { "waiting" } else { "running" };
    let mut text = String::from("job ");
    text.push_str(state);
    let mut marks = 1;
    if job.started > now {
        text.push('!');
        marks = 2;
    }
    text.truncate(80 * marks);
    let age = now.saturating_sub(job.started);
    text.push_str(&age.to_string());
    text
}
