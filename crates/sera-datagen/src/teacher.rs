//! The procedural teacher: it knows the reference and plays the fix with the student's own tools.
//!
//! What it knows beforehand is only *where to stop looking* and *what to write*. It searches with
//! words that the conversation holds, opens only what a search printed, and edits only lines that
//! were shown; where that does not lead to the reference it gives up and says why.
use crate::{DropReason, texts};
use rand::Rng as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use sera_agent::{dialect, edits_between, words::query_words};
use sera_core::{
    Action, Cancel, Language, Message, Model, ModelError, Origin, Patch, Prompt, Reply, Role, Task,
    TreePath,
};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// A model that solves one task by the book.
#[derive(Clone, Debug)]
pub struct ProceduralTeacher {
    stops: VecDeque<Stop>,
    /// The stop that was opened last, and its edits still to make.
    opened: Option<VecDeque<Action>>,
    checks: Vec<TreePath>,
    queries: VecDeque<Vec<String>>,
    asked: HashSet<String>,
    searches: usize,
    max_searches: usize,
    gave_up: Option<DropReason>,
    rng: ChaCha8Rng,
}

/// One place to open and the edits to make there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    pub(crate) path: TreePath,
    pub(crate) name: Option<String>,
    pub(crate) edits: VecDeque<Action>,
}

impl Stop {
    /// As a hit's line begins when it prints this place.
    fn printed(&self) -> String {
        match &self.name {
            Some(name) => format!("{}::{name}  ", self.path),
            None => format!("{}  ", self.path),
        }
    }
}

impl ProceduralTeacher {
    /// A teacher of `task`; `read` gives the text of a file where the task starts.
    /// Its choices follow `rng_seed`. It gives up after `max_searches` searches.
    pub fn new(
        task: &Task,
        read: &dyn Fn(&TreePath) -> Option<Arc<str>>,
        max_searches: usize,
        rng_seed: u64,
    ) -> Result<Self, DropReason> {
        let mut rng = ChaCha8Rng::seed_from_u64(rng_seed);
        let within = match &task.origin {
            Origin::Mutation { function, .. } => Some(function.name.as_str()),
            Origin::Commit { .. } | Origin::Generated { .. } | Origin::Imported { .. } => None,
        };
        let stops = stops(&task.reference, within, read)?;
        let mut checks: Vec<TreePath> = Vec::new();
        for stop in &stops {
            if !checks.contains(&stop.path) {
                checks.push(stop.path.clone());
            }
        }
        Ok(Self {
            stops,
            opened: None,
            checks,
            queries: queries(&task.description, &mut rng),
            asked: HashSet::new(),
            searches: 0,
            max_searches,
            gave_up: None,
            rng,
        })
    }

    /// Why it submitted without a fix, if it did.
    pub fn gave_up(&self) -> Option<DropReason> {
        self.gave_up
    }

    fn next(&mut self, conversation: &Conversation<'_>) -> Action {
        if self.gave_up.is_some() {
            return Action::Submit;
        }
        if let Some(edit) = self.opened.as_mut().and_then(VecDeque::pop_front) {
            return self.edit(edit, conversation);
        }
        let Some(stop) = self.stops.front().cloned() else {
            return self.checks.pop().map_or(Action::Submit, |path| Action::Check { path });
        };
        if !conversation.printed(&stop.printed()) {
            return self.search(conversation);
        }
        self.stops.pop_front();
        self.opened = Some(stop.edits);
        Action::Open { path: stop.path, name: stop.name }
    }

    /// The edit, if the lines it replaces were shown.
    fn edit(&mut self, edit: Action, conversation: &Conversation<'_>) -> Action {
        let hidden = matches!(&edit, Action::Edit { old, .. } if !conversation.shown(old));
        if hidden { self.give_up(DropReason::NotShown) } else { edit }
    }

    fn give_up(&mut self, reason: DropReason) -> Action {
        self.gave_up = Some(reason);
        Action::Submit
    }

    fn search(&mut self, conversation: &Conversation<'_>) -> Action {
        while self.searches < self.max_searches {
            self.searches += 1;
            let words = self
                .queries
                .pop_front()
                .unwrap_or_else(|| conversation.further_words(&self.asked, &mut self.rng));
            let query = words.join(" ");
            if !query.is_empty() && self.asked.insert(query.clone()) {
                self.asked.extend(words);
                return Action::Search { query };
            }
        }
        self.give_up(DropReason::NotFound)
    }
}

impl Model for ProceduralTeacher {
    fn reply(&mut self, prompt: &Prompt, cancel: &Cancel) -> Result<Reply, ModelError> {
        cancel.check()?;
        let action = self.next(&Conversation { messages: &prompt.messages });
        Ok(Reply { text: dialect::write(&action), finished: true, ..Reply::default() })
    }
}

/// What the student would be shown.
struct Conversation<'a> {
    messages: &'a [Message],
}

impl<'a> Conversation<'a> {
    fn observations(&self) -> impl Iterator<Item = &'a str> {
        let users = self.messages.iter().filter(|m| m.role == Role::User);
        users.skip(1).map(|m| m.content.as_str())
    }

    fn printed(&self, place: &str) -> bool {
        self.observations().any(|text| text.lines().any(|line| line.starts_with(place)))
    }

    fn shown(&self, lines: &str) -> bool {
        self.observations().any(|text| text.contains(lines))
    }

    /// A few words of names that hits printed and no query used yet.
    fn further_words(&self, asked: &HashSet<String>, rng: &mut ChaCha8Rng) -> Vec<String> {
        let printed: Vec<String> = self
            .observations()
            .flat_map(str::lines)
            .filter_map(|line| line.split_once("  ")?.0.split_once("::"))
            .flat_map(|(_, name)| crate::change::words(name).map(str::to_owned))
            .filter(|word| !asked.contains(word))
            .collect();
        printed.choose_multiple(rng, 2).cloned().collect()
    }
}

/// Queries to try, in order: the guided harness's own, so that a student is trained in the very
/// conversation it will be served in; then the rarest few words, all that say something, the rest.
fn queries(description: &str, rng: &mut ChaCha8Rng) -> VecDeque<Vec<String>> {
    let words = query_words(description);
    let mut ranked: Vec<&String> = words.iter().collect();
    ranked.sort_by_key(|word| std::cmp::Reverse(rarity(word)));
    let telling = ranked.iter().filter(|word| rarity(word) > Rarity::Common).count();
    let few = rng.random_range(2..=4);
    // Kept in the order of the text, as someone would type them.
    let of = |chosen: &[&String]| -> Vec<String> {
        words.iter().filter(|w| chosen.contains(w)).cloned().collect()
    };
    let first = of(&ranked[..telling.min(few)]);
    let rest = of(&ranked[telling.min(few)..telling]);
    [words.clone(), first, of(&ranked[..telling]), rest]
        .into_iter()
        .filter(|query| !query.is_empty())
        .collect()
}

/// How rare a word looks to someone who does not know the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rarity {
    /// A word that any request is made of.
    Common,
    /// A word of prose, rarer the longer it is.
    Prose(usize),
    /// A name of code.
    Name,
}

fn rarity(word: &str) -> Rarity {
    if sera_agent::words::code_like(word) {
        Rarity::Name
    } else if texts::common_word(word) {
        Rarity::Common
    } else {
        Rarity::Prose(word.len().min(8))
    }
}

/// The places to visit, file by file and top to bottom. `within` names the function that holds
/// the whole change, where that is known.
pub(crate) fn stops(
    reference: &Patch,
    within: Option<&str>,
    read: &dyn Fn(&TreePath) -> Option<Arc<str>>,
) -> Result<VecDeque<Stop>, DropReason> {
    let text = |path: &TreePath| read(path).map(|text| text.to_string());
    let changed = reference.apply(&text, 0).map_err(|_| DropReason::NoBase)?;
    let mut stops = VecDeque::<Stop>::new();
    for (path, after) in changed {
        let (Some(before), Some(after)) = (read(&path), after) else {
            return Err(DropReason::NotPlayable);
        };
        let mut current = before.to_string();
        for edit in edits_between(&path, &before, &after) {
            let Action::Edit { old, new, .. } = &edit else { continue };
            let name = match within {
                Some(name) => Some(name.to_owned()),
                None => enclosing(&path, &current, old),
            };
            current = current.replacen(old.as_str(), new, 1);
            match stops.back_mut() {
                Some(last) if last.path == path && last.name == name => last.edits.push_back(edit),
                _ => stops.push_back(Stop {
                    path: path.clone(),
                    name,
                    edits: VecDeque::from([edit]),
                }),
            }
        }
    }
    Ok(stops)
}

/// The innermost function whose lines hold all of `part`.
fn enclosing(path: &TreePath, text: &str, part: &str) -> Option<String> {
    let language = Language::of(path)?;
    let start = text.find(part)?;
    let first = 1 + text[..start].matches('\n').count();
    let last = first + part.matches('\n').count();
    let functions = sera_syntax::parse(language, text).functions();
    functions
        .into_iter()
        .filter(|f| f.first_line <= first && last <= f.last_line)
        .min_by_key(|f| f.last_line - f.first_line)
        .map(|f| f.name)
}
