//! Generations by scripted teachers: what becomes of a function in eight steps, and in which order
//! a teacher is asked.
use crate::world::{NOW, World};
use sera_agent::Limits;
use sera_agent::dialect::{Dialect, Reader};
use sera_core::{
    Action, Cancel, Digest, FunctionSeed, Model, ModelError, Prompt, Reply, Role, Seed, Step,
};
use sera_datagen::generate::{Generation, Wanted, plan};
use sera_datagen::{DropReason, Generator, generate_all};
use sera_testkit::{ScriptedModel, python_project};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex};

static SETTINGS: LazyLock<Digest> = LazyLock::new(|| Digest::of(b"scripted"));

fn world() -> World {
    World::new(&python_project())
}

fn functions(world: &World) -> Vec<&FunctionSeed> {
    let functions = world.mined.seeds.iter().filter_map(|seed| match seed {
        Seed::Function(function) => Some(function),
        Seed::Commit(_) => None,
    });
    functions.collect()
}

fn generator<'a>(world: &'a World, plain: &'a AtomicBool) -> Generator<'a> {
    let reader = Reader::Teacher(Dialect::Tools);
    let limits =
        Limits { steps: 6, tokens: 100_000, reply_tokens: 500, reader, ..Limits::default() };
    let bases = &world.bases;
    Generator {
        bases,
        teacher: "scripted",
        settings: &SETTINGS,
        limits,
        max_lines: 40,
        now_ms: NOW,
        earlier: false,
        plain,
        shells: None,
        demanded: false,
    }
}

fn wanted<'a>(world: &'a World) -> Wanted<'a> {
    let functions = functions(world);
    let seed = functions.into_iter().find(|function| !function.held_out).unwrap();
    Wanted { seed, family: "off-by-one", demonstration: Some("Totals are wrong"), rng_seed: 3 }
}

/// The edit that puts comments before the function's first line.
fn edit(world: &World, wanted: &Wanted<'_>, comments: &[&str]) -> String {
    let (path, span) = (&wanted.seed.key.path, wanted.seed.span.clone());
    let text = world.bases.source().read_text(path).unwrap();
    let first = text[span.clone()].lines().next().unwrap();
    let indent = &text[text[..span.start].rfind('\n').map_or(0, |at| at + 1)..span.start];
    let lines: Vec<String> =
        comments.iter().chain([&first]).map(|line| format!("{indent}{line}")).collect();
    let new = lines.join("\n");
    format!("So.\nedit: {path}\n<<<<<<<\n{indent}{first}\n=======\n{new}\n>>>>>>>")
}

fn generate(world: &World, replies: &[&str]) -> (Result<Generation, ModelError>, ScriptedModel) {
    let replies = replies.iter().map(|reply| (*reply).to_owned()).collect();
    let mut model = ScriptedModel::new(replies);
    let plain = AtomicBool::new(false);
    let generation =
        generator(world, &plain).generate(&wanted(world), &mut model, &Cancel::default());
    (generation, model)
}

#[test]
fn a_function_goes_through_eight_steps() {
    let world = world();
    let (first, second) = (
        edit(&world, &wanted(&world), &["# one", "# two"]),
        edit(&world, &wanted(&world), &["# one", "# other"]),
    );
    let description = "The totals that are shown are off for the last entry.";
    let replies =
        [&first, "submit", "It does.\nyes", description, "search: totals", &second, "submit"];
    let (made, model) = generate(&world, &replies);
    let made = made.unwrap();
    assert_eq!((model.left(), made.dropped), (0, None));
    assert_eq!(made.first.len(), 1);
    assert_eq!(made.first[0].as_asked, Some(true));
    assert_eq!(made.first[0].trajectory.steps[0].thought.as_deref(), Some("So."));
    let [vague, told] = &made.attempts[..] else { unreachable!("both rollouts are kept") };
    assert_eq!(vague.task.description, made.request);
    assert_eq!(vague.verdict.overlap.recall, 1.0);
    assert_eq!(told.task.description, description);
    assert_eq!(told.task.reference, vague.task.reference);
    assert_eq!(told.verdict.overlap.recall, 0.5);
    assert!(told.verdict.accepted());
    assert_eq!(told.trajectory.teacher, "scripted");
    let prompted = |at: usize| &model.prompts[at].messages;
    assert!(prompted(0)[1].content.contains("a bound is off by one"));
    assert!(prompted(3)[1].content.contains("Totals are wrong"));
    // The second rollout knows nothing of the first.
    assert_eq!(prompted(4).len(), 2);
    assert_eq!(prompted(4)[1].content, description);
    assert_eq!(made.usage.completion_tokens, model_words(&replies));
}

/// Refuses to be told of tools, as servers do that know none.
struct Wordy(ScriptedModel);

impl Model for Wordy {
    fn reply(&mut self, prompt: &Prompt, cancel: &Cancel) -> Result<Reply, ModelError> {
        match prompt.tools.is_empty() {
            true => self.0.reply(prompt, cancel),
            false => Err(ModelError::Unsupported("call tools")),
        }
    }
}

#[test]
fn a_teacher_without_tools_is_told_words() {
    let world = world();
    let edit = edit(&world, &wanted(&world), &["# one"]);
    let description = "The totals that are shown are off for the last entry.";
    let replies = [&edit, "submit", "yes", description, &edit, "submit"];
    let mut model = Wordy(ScriptedModel::new(replies.map(str::to_owned).to_vec()));
    let plain = AtomicBool::new(false);
    let generator = generator(&world, &plain);
    let made = generator.generate(&wanted(&world), &mut model, &Cancel::default()).unwrap();
    assert_eq!((model.0.left(), made.dropped, made.attempts.len()), (0, None, 2));
    assert!(plain.load(Ordering::Relaxed), "it is not asked again");
    assert!(model.0.prompts[0].messages[0].content.contains("open: src/file.py"));
}

/// Refuses every conversation.
struct Refusing;

impl Model for Refusing {
    fn reply(&mut self, _: &Prompt, _: &Cancel) -> Result<Reply, ModelError> {
        Err(ModelError::Refused("filtered".into()))
    }
}

#[test]
fn a_refusal_is_what_came_of_it_until_something_else_is_set() {
    let world = world();
    let plain = AtomicBool::new(false);
    let made =
        generator(&world, &plain).generate(&wanted(&world), &mut Refusing, &Cancel::default());
    let made = made.unwrap();
    assert_eq!(made.dropped, Some(DropReason::TeacherRefused));
    assert!(made.is_refused() && !made.is_stale(&SETTINGS));
    assert!(made.is_stale(&Digest::of(b"warmer")));
    let other = Generation { dropped: Some(DropReason::NotAsAsked), ..made };
    assert!(!other.is_stale(&Digest::of(b"warmer")), "all else stays what came of it");
}

#[test]
fn what_a_guided_student_learns_ends_in_the_same_patch() {
    let world = world();
    let edit = edit(&world, &wanted(&world), &["# one"]);
    let path = wanted(&world).seed.key.path.clone();
    let view = format!(
        "<function=str_replace_editor>\n<parameter=command>\nview\n</parameter>\n\
         <parameter=path>\n{path}\n</parameter>\n</function>"
    );
    let description = "The totals that are shown are off for the last entry.";
    let replies = [&view, &edit, "submit", "yes", description, &view, &view, &edit, "submit"];
    let (made, _) = generate(&world, &replies);
    let made = made.unwrap();
    assert_eq!(made.attempts[1].trajectory.steps.len(), 4);
    let guided = made.clone().for_guided();
    assert_eq!(guided.len(), 2);
    for (attempt, told) in guided.iter().zip(&made.attempts) {
        let actions: Vec<&str> = attempt.trajectory.steps.iter().map(kind).collect();
        assert_eq!(actions, ["search", "open", "edit"]);
        assert_eq!(attempt.trajectory.outcome, told.trajectory.outcome);
        assert!(attempt.trajectory.steps.iter().all(|step| step.observation.ok));
    }
}

fn kind(step: &Step) -> &'static str {
    match step.action {
        Action::Search { .. } => "search",
        Action::Open { .. } => "open",
        Action::Edit { .. } => "edit",
        Action::View { .. }
        | Action::Create { .. }
        | Action::Insert { .. }
        | Action::Undo { .. }
        | Action::Check { .. }
        | Action::Bash { .. }
        | Action::Diff
        | Action::Submit
        | Action::Unreadable { .. } => "other",
    }
}

fn model_words(replies: &[&str]) -> u64 {
    replies.iter().map(|reply| reply.split_whitespace().count() as u64).sum()
}

#[test]
fn what_ends_a_generation_early() {
    let world = world();
    let one = edit(&world, &wanted(&world), &["# a comment that says quite a lot of things here"]);
    let long = edit(&world, &wanted(&world), &["# line"; 50]);
    let quoted = "It lacks # a comment that says quite a lot of things here, I think.";
    let check = |replies: &[&str], reason: DropReason, first: usize, attempts: usize| {
        let (made, model) = generate(&world, replies);
        let made = made.unwrap();
        assert_eq!(made.dropped, Some(reason), "{replies:?}");
        assert_eq!((made.first.len(), made.attempts.len()), (first, attempts), "{reason:?}");
        assert_eq!(model.left(), 0, "{reason:?}");
    };
    check(&["submit"; 3], DropReason::NothingChanged, 3, 0);
    check(&["what?"; 18], DropReason::NothingChanged, 3, 0);
    check(&[&long, "submit", &long, "submit", &long, "submit"], DropReason::TooLarge, 3, 0);
    let refused: Vec<&str> = [&*one, "submit", "no"].repeat(3);
    check(&refused, DropReason::NotAsAsked, 3, 0);
    check(&[&one, "submit", "yes", quoted, "", "short"], DropReason::NoDescription, 1, 1);
    check(&[], DropReason::TeacherFailed, 0, 0);
    let good = "The totals that are shown are off for the last entry.";
    check(&[&one, "submit", "yes", good, "submit"], DropReason::Rejected, 1, 2);
}

/// A model that changes nothing, until its budget is spent.
struct Idle<'a>(&'a Mutex<usize>);

impl Model for Idle<'_> {
    fn reply(&mut self, prompt: &Prompt, _: &Cancel) -> Result<Reply, ModelError> {
        assert_eq!(prompt.messages[0].role, Role::System);
        let mut left = self.0.lock().unwrap();
        *left = left.checked_sub(1).ok_or(ModelError::Exhausted)?;
        Ok(Reply { text: "submit".to_owned(), finished: true, ..Reply::default() })
    }
}

#[test]
fn a_run_ends_with_its_budget_and_keeps_what_is_whole() {
    let world = world();
    let demonstrations = ["Totals are wrong".to_owned()];
    let functions = functions(&world);
    let all = plan(&functions, &demonstrations, &|_| 1.0, usize::MAX, 1, &|_, _| false);
    assert!(all.len() > 8 && all.iter().all(|wanted| !wanted.seed.held_out));
    assert_eq!(all, plan(&functions, &demonstrations, &|_| 1.0, usize::MAX, 1, &|_, _| false));
    let done = |seed: &_, family: &str| *seed == all[0].seed.id && family == all[0].family;
    assert_eq!(plan(&functions, &demonstrations, &|_| 1.0, 4, 1, &done), all[1..5]);
    let check = |calls: usize, whole: usize, fails: bool| {
        let (left, kept) = (Mutex::new(calls), Mutex::new(Vec::new()));
        let keep = |generation| kept.lock().unwrap().push(generation);
        let model = |_: &Wanted<'_>| Idle(&left);
        let cancel = Cancel::default();
        let plain = AtomicBool::new(false);
        let generator = generator(&world, &plain);
        let result = generate_all(&all[..6], &generator, 1, &model, &cancel, &keep);
        assert_eq!(result.is_err(), fails);
        assert_eq!(kept.into_inner().unwrap().len(), whole);
    };
    check(18, 6, false);
    check(10, 3, true);
}
