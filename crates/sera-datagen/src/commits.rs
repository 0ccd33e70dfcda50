//! Tasks of commits: the message is the description, cleaned of what no reader needs and of
//! whatever would give the change away.
use crate::DropReason;
use crate::change::{Change, Seen};
use crate::synthesize::{Batch, rng_seed_of};
use crate::teacher::stops;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use regex::Regex;
use sera_core::task::{Base, TASK_SCHEMA};
use sera_core::{CommitSeed, Family, Language, Origin, Patch, Register, Task, TaskId, TreePath};
use sera_sandbox::Overlay;
use sera_syntax::parse;
use std::sync::LazyLock;

/// The family of tasks whose kind only their text says.
const FAMILY: &str = "commit";

/// Bytes of body that a description takes.
const MAX_BODY: usize = 400;

/// Bytes of a demonstration.
const MAX_DEMONSTRATION: usize = 1500;

/// Words a description needs to say anything.
const MIN_WORDS: usize = 3;

/// How often the first function concerned is named where the message does not name it.
const NAME_PLACE: f64 = 0.5;

/// What is taken out of messages, and what is put there.
const CLEANING: &[(&str, &str)] = &[
    (
        r"(?i)^(fix|feat|perf|refactor|bug|bugfix|hotfix|improvement|enh|doc|api|cln|mnt|maint)\s*(\([^)]*\))?!?\s*:\s*",
        "",
    ),
    (r"^\s*(\[[^\]]*\]\s*)+", ""),
    (
        r"(?i)\b(fix(e[sd])?|close[sd]?|resolve[sd]?|refs?|see|issue|ticket|bpo|part of)[ :-]*(#\d+|\d{2,}|https?://\S+)[.,;]?",
        "",
    ),
    (r"\s*\(?(#|gh-|GH-|!)\d+\)?", ""),
    (r"https?://\S+", ""),
    (r"\b[0-9a-f]{12,40}\b", ""),
    (r"<[^ >]+@[^ >]+>|@[\w-]+\b", ""),
];

static CLEANING_SET: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let row = |(pattern, by): &(&str, &'static str)| {
        (Regex::new(pattern).expect("the table holds valid patterns"), *by)
    };
    CLEANING.iter().map(row).collect()
});

/// The task of a commit.
pub(crate) fn task(seed: &CommitSeed, batch: &Batch<'_>) -> Result<Task, DropReason> {
    let patch = &seed.patch;
    if patch.files.iter().any(|f| f.binary || f.old.is_none() || f.new != f.old) {
        return Err(DropReason::NotPlayable);
    }
    if patch.changed_lines() > batch.policy.max_task_lines {
        return Err(DropReason::TooLarge);
    }
    let base = batch.bases.at(&seed.parent).map_err(|_| DropReason::NoBase)?;
    let read = |path: &TreePath| base.read_text(path).ok().map(|text| text.to_string());
    let change = Change::of(patch, &read).ok_or(DropReason::NoBase)?;
    let shown = shown(patch, &base)?;
    let rng_seed = rng_seed_of(batch.rng_seed, &seed.id);
    let mut rng = ChaCha8Rng::seed_from_u64(rng_seed);
    let (register, description) = describe(seed, &change, &mut rng)?;
    let description = batch.bases.redactor().redact(&description).0;
    let seen = shown.iter().map(String::as_str).chain([description.as_str()]);
    if !change.determined_by(&Seen::of(seen)) {
        return Err(DropReason::Underdetermined);
    }
    Ok(Task {
        schema: TASK_SCHEMA.to_owned(),
        id: TaskId::new(batch.now_ms, format!("{}/{rng_seed}", seed.id).as_bytes()),
        seed: seed.id.clone(),
        origin: Origin::Commit { commit: seed.commit.clone() },
        base: Base { commit: seed.parent.clone(), bug: None },
        description,
        register,
        family: Family(FAMILY.to_owned()),
        reference: patch.clone(),
        held_out: seed.held_out,
        rng_seed,
    })
}

/// What opening the places of the change shows: whole functions. A change outside of functions
/// cannot be opened, and so not be played.
fn shown(patch: &Patch, base: &Overlay) -> Result<Vec<String>, DropReason> {
    let read = |path: &TreePath| base.read_text(path).ok();
    let stops = stops(patch, None, &read)?;
    stops
        .iter()
        .map(|stop| {
            let name = stop.name.as_ref().ok_or(DropReason::NotPlayable)?;
            let text = read(&stop.path).ok_or(DropReason::NoBase)?;
            let language = Language::of(&stop.path).ok_or(DropReason::NotPlayable)?;
            let functions = parse(language, text.clone()).functions();
            let function = functions.iter().find(|f| f.name == *name);
            // A function that an earlier edit of the same task brings is not there yet.
            function.map(|f| text[f.span.clone()].to_owned()).ok_or(DropReason::NotPlayable)
        })
        .collect()
}

/// The subject, what of the body gives nothing away, and sometimes where it is about.
fn describe(
    seed: &CommitSeed,
    change: &Change,
    rng: &mut ChaCha8Rng,
) -> Result<(Register, String), DropReason> {
    let subject = clean(&seed.subject);
    let body = clean(seed.body.split("\n\n").next().unwrap_or(""));
    let mut text = String::new();
    let mut leaked = false;
    let mut add = |part: &str, text: &mut String| {
        let stop = if text.is_empty() || text.ends_with(['.', '!', '?', ':']) { "" } else { "." };
        let gap = if text.is_empty() { "" } else { " " };
        let longer = format!("{text}{stop}{gap}{part}");
        if longer.len() > subject.len() + MAX_BODY {
            return;
        }
        if change.leaks_into(&longer) {
            leaked = true;
        } else {
            *text = longer;
        }
    };
    add(&subject, &mut text);
    let register = if body.is_empty() { Register::Terse } else { Register::Symptom };
    for sentence in sentences(&body) {
        add(sentence, &mut text);
    }
    if crate::change::words(&text).count() < MIN_WORDS {
        return Err(if leaked { DropReason::Leak } else { DropReason::PoorMessage });
    }
    let place = seed.touched.first().map(|key| format!("See `{}`.", key.name));
    if let Some(place) = place.filter(|_| rng.random_bool(NAME_PLACE)) {
        add(&place, &mut text);
    }
    Ok((register, text))
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(". ").map(str::trim).filter(|s| !s.is_empty())
}

/// What a commit's author wrote, as a description is to be like; none where it says too little.
pub fn demonstration(seed: &CommitSeed) -> Option<String> {
    let text = format!("{}\n\n{}", clean(&seed.subject), clean(&seed.body));
    let text = text.trim();
    let end = text.char_indices().map(|(at, _)| at).find(|at| *at >= MAX_DEMONSTRATION);
    (text.split_whitespace().count() >= MIN_WORDS)
        .then(|| text[..end.unwrap_or(text.len())].to_owned())
}

/// A message part on one line, without tags, numbers of issues, addresses and people.
pub(crate) fn clean(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, by) in CLEANING_SET.iter() {
        text = pattern.replace_all(&text, *by).trim().to_owned();
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = text.trim_matches(['-', '*', ',', ' ']);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cleaned() {
        for (message, expect) in [
            ("fix(parser): keep blank lines (#123)", "Keep blank lines"),
            ("[2.x] Keep blank lines", "Keep blank lines"),
            ("Keep blank lines. Fixes #12", "Keep blank lines."),
            ("Refs https://example.org/x keep\nblank lines", "Keep blank lines"),
            ("Thanks to @someone for 0123456789abcdef", "Thanks to for"),
        ] {
            assert_eq!(clean(message), expect, "{message}");
        }
    }
}
