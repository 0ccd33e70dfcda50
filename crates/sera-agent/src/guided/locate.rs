//! Finding the place: retrieval's functions, re-ranked by the likelihood of opening them.
use super::Guided;
use crate::dialect;
use crate::environment::Environment;
use crate::ideal::search;
use sera_core::{Action, Cancel, Context, FunctionKey, Model, ModelError, Step, TreePath};
use sera_syntax::Hit;
use std::collections::HashSet;

/// How many documents are asked of the index for each function wanted: some are not functions.
const SPARE: usize = 4;

/// Retrieval's hits and the model's order of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// The search step, written by the harness and masked.
    pub step: Step,
    /// Functions in retrieval's order, each once.
    pub hits: Vec<Hit>,
    /// Indices into `hits`, the model's best first; retrieval's order where it cannot score.
    pub order: Vec<usize>,
    /// What `order` was made from, parallel to `hits`, in nats; `None` where the model cannot
    /// score.
    pub nats: Option<Vec<f64>>,
}

impl Located {
    /// The function of a hit.
    pub fn key(&self, hit: usize) -> FunctionKey {
        key(&self.hits[hit])
    }

    /// Rank (1-based) of a function in the model's order.
    pub fn rank(&self, place: &FunctionKey) -> Option<usize> {
        self.order.iter().position(|&hit| self.key(hit) == *place).map(|at| at + 1)
    }

    /// Rank (1-based) of a function in retrieval's order.
    pub fn retrieved(&self, place: &FunctionKey) -> Option<usize> {
        self.hits.iter().position(|hit| key(hit) == *place).map(|at| at + 1)
    }

    /// Logarithm of a hit's share among all; 0 where the model did not score.
    pub(super) fn log_share(&self, hit: usize) -> f64 {
        let Some(nats) = &self.nats else { return 0.0 };
        let top = nats.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let all: f64 = nats.iter().map(|n| (n - top).exp()).sum();
        nats[hit] - top - all.ln()
    }
}

pub(super) fn key(hit: &Hit) -> FunctionKey {
    FunctionKey { path: hit.path.clone(), name: hit.name.clone().unwrap_or_default() }
}

/// Searches with the task's words and lets the model re-rank the functions found.
pub fn locate(
    description: &str,
    model: &mut dyn Model,
    environment: &mut Environment,
    options: &Guided,
    cancel: &Cancel,
) -> Result<Located, ModelError> {
    let step = search(description, environment);
    let hits = functions(&step, environment, options);
    let nats = match score(description, &hits, model, options, cancel) {
        Ok(nats) => Some(nats),
        Err(ModelError::Unsupported(_) | ModelError::ContextOverflow { .. }) => None,
        Err(error) => return Err(error),
    };
    let mut order: Vec<usize> = (0..hits.len()).collect();
    if let Some(nats) = &nats {
        order.sort_by(|&a, &b| nats[b].total_cmp(&nats[a]).then(a.cmp(&b)));
    }
    Ok(Located { step, hits, order, nats })
}

/// The functions that the step's query finds, within the wanted paths.
fn functions(step: &Step, environment: &Environment, options: &Guided) -> Vec<Hit> {
    let Action::Search { query } = &step.action else { return Vec::new() };
    let index = environment.index();
    let wanted = if options.paths.is_empty() { options.hits * SPARE } else { usize::MAX };
    let mut hits = index.search(query, wanted);
    // What the user named is looked at even when no word of the task occurs in it.
    for path in options.paths.iter().filter_map(|p| TreePath::new(p.as_str()).ok()) {
        let unnamed = |f: &sera_syntax::Indexed| Hit {
            path: path.clone(),
            name: Some(f.name.clone()),
            line: f.first_line,
            text: String::new(),
            score: 0.0,
        };
        hits.extend(index.functions_of(&path).iter().map(unnamed));
    }
    let mut seen = HashSet::new();
    hits.retain(|hit| {
        hit.name.is_some() && within(&hit.path, &options.paths) && seen.insert(key(hit))
    });
    hits.truncate(options.hits);
    hits
}

fn within(path: &TreePath, wanted: &[String]) -> bool {
    wanted.is_empty()
        || wanted.iter().any(|w| {
            let rest = path.as_str().strip_prefix(w.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
}

/// Nats by hit: of opening it, less a share of what it would have without the task, and
/// retrieval's own score. The list of hits is not shown to the model: it would rather repeat the
/// list's order than weigh the task (7 of 29 training tasks first with it, 18 without).
fn score(
    description: &str,
    hits: &[Hit],
    model: &mut dyn Model,
    options: &Guided,
    cancel: &Cancel,
) -> Result<Vec<f64>, ModelError> {
    if hits.is_empty() {
        return Ok(Vec::new());
    }
    let open = |hit: &Hit| {
        dialect::write(&Action::Open { path: hit.path.clone(), name: hit.name.clone() })
    };
    let candidates: Vec<String> = hits.iter().map(open).collect();
    let task = dialect::guided(&options.shots, description, &[]).messages;
    let told = model.score(Context::Chat(&task), &candidates, cancel)?;
    let plain = if options.calibrate == 0.0 {
        None
    } else {
        let nothing = dialect::guided(&[], "", &[]).messages;
        Some(model.score(Context::Chat(&nothing), &candidates, cancel)?)
    };
    let nats = told.iter().enumerate().map(|(i, told)| {
        let plain = plain.as_ref().map_or(0.0, |plain| plain[i].nats);
        told.nats - options.calibrate * plain + options.retrieval * hits[i].score
    });
    Ok(nats.collect())
}
