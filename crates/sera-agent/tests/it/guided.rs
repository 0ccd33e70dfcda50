//! The harness with a model that knows the right text: the closer to it, the likelier.
use crate::shop::{DESCRIPTION, environment, fix, fixed, place};
use sera_agent::guided::{self, Event, Source};
use sera_agent::{Guided, Thresholds, dialect, verify};
use sera_core::trajectory::Limit;
use sera_core::{Action, Cancel, Context, Outcome, TrajectoryId};
use sera_testkit::ScriptedModel;

const WRITTEN: &str =
    "edit: shop/price.py\n<<<<<<<\n    total = 0\n=======\n    total = 1\n>>>>>>>";

fn right(open: &str) -> bool {
    open.ends_with("::net_total")
}

/// Nats: minus the letters after the first that the right file has not. Where a task is told,
/// the right function is certain.
fn knowing(replies: &[&str]) -> ScriptedModel {
    let replies = replies.iter().map(|r| (*r).to_owned()).collect();
    ScriptedModel::new(replies).scoring(|context, candidate| match context {
        Context::Chat([.., task]) if !task.content.is_empty() && right(candidate) => 0.0,
        Context::Chat(_) => -10.0,
        Context::Plain(context) => {
            let right = fixed();
            let context = context.rsplit("6.\n").next().unwrap_or_default();
            let Some(at) = right.find(context) else { return -(candidate.len() as f64) };
            let at = at + context.len();
            let same =
                candidate.bytes().zip(right[at..].bytes()).take_while(|(a, b)| a == b).count();
            -((candidate.len() - same) as f64)
        }
    })
}

fn solve(model: &mut ScriptedModel, options: &Guided) -> (guided::Solved, Vec<Event>) {
    let mut events = Vec::new();
    let cancel = Cancel::default();
    let solved = guided::solve(
        DESCRIPTION,
        model,
        environment(),
        options,
        &mut |event| events.push(event),
        &cancel,
    );
    (solved, events)
}

#[test]
fn the_true_edit_comes_first_and_is_submitted() {
    let (solved, events) = solve(&mut knowing(&[WRITTEN]), &Guided::default());
    assert_eq!(solved.outcome, Outcome::Submitted { patch: fix().reference });
    let best = &solved.ranked[0];
    assert_eq!((best.path.clone(), best.name.clone()), (place().path, place().name));
    assert!(matches!(best.source, Source::Enumerated(_)));
    assert_eq!(solved.ranked.len(), 5);
    assert!(solved.ranked.windows(2).all(|pair| pair[0].score >= pair[1].score));
    assert_eq!(solved.valid, (1, 1), "nothing is written where the fault is unlikely");
    let ranked =
        |event: &Event| if let Event::Ranked { edits } = event { Some(*edits) } else { None };
    let edits: Vec<usize> = events.iter().filter_map(ranked).collect();
    assert!(edits[0] > 33 && edits[1..].iter().all(|&few| few <= 32), "{edits:?}");
    assert!(matches!(events.first(), Some(Event::Searching { .. })));
    assert_eq!(events.last(), Some(&Event::Proposals(5)));
    let masked: Vec<bool> = solved.steps.iter().map(|s| s.masked).collect();
    assert_eq!(masked, [true, false, false, false], "search, open, edit, submit");
    let trajectory = solved.trajectory(&fix(), TrajectoryId::new(1, b"t"), "student");
    let verdict = verify(&fix(), &trajectory, &crate::shop::tree(), &Thresholds::default());
    assert!(verdict.accepted(), "{verdict:?}");
}

#[test]
fn the_model_reorders_retrieval() {
    let mut environment = environment();
    let located = guided::locate(
        "stock rate rounded net",
        &mut knowing(&[]),
        &mut environment,
        &Guided::default(),
        &Cancel::default(),
    )
    .unwrap();
    assert_eq!(located.rank(&place()), Some(1));
    assert!(located.retrieved(&place()).unwrap() > 1, "{:?}", located.hits);
    let mut silent = ScriptedModel::new(Vec::new());
    let (options, cancel) = (Guided::default(), Cancel::default());
    let plain =
        guided::locate("stock rate net", &mut silent, &mut environment, &options, &cancel).unwrap();
    assert_eq!(plain.order, (0..plain.hits.len()).collect::<Vec<_>>(), "retrieval's order stays");
    assert_eq!(plain.nats, None);
}

#[test]
fn only_wanted_paths_are_looked_at() {
    let wanted = |path: &str| Guided { paths: vec![path.to_owned()], ..Guided::default() };
    let found = |path: &str| {
        let mut environment = environment();
        let (options, cancel) = (wanted(path), Cancel::default());
        let model = &mut ScriptedModel::new(Vec::new());
        let located =
            guided::locate(DESCRIPTION, model, &mut environment, &options, &cancel).unwrap();
        let mut files: Vec<String> =
            (0..located.hits.len()).map(|hit| located.key(hit).path.to_string()).collect();
        files.sort();
        files.dedup();
        files
    };
    assert_eq!(found("shop/stock.py"), ["shop/stock.py"]);
    assert_eq!(found("shop/"), ["shop/price.py"], "a folder limits what is found");
    assert!(found("sho").is_empty());
}

#[test]
fn a_rank_is_by_code() {
    let options = Guided { write: false, ..Guided::default() };
    let rank = |model: &mut ScriptedModel, options: &Guided| {
        let cancel = Cancel::default();
        guided::rank_edits(DESCRIPTION, &[], &place(), model, &environment(), options, &cancel)
            .unwrap()
    };
    let ranked = rank(&mut knowing(&[]), &options);
    assert_eq!(ranked.rank_of(&fixed()), Some(1));
    assert_eq!(ranked.rank_of(&fixed().replace("total +=", "total  +=")), Some(1));
    assert_eq!(ranked.rank_of("something else"), None);
    assert_eq!(ranked.candidates.len(), ranked.enumerated);
    assert_eq!(ranked.valid, (0, 0));
    let kept = ranked.candidates.iter().filter(|c| c.kept).count();
    assert_eq!(kept, options.keep.min(ranked.enumerated));
    let unscored = rank(&mut ScriptedModel::new(Vec::new()), &options);
    assert_eq!(unscored.enumerated, ranked.enumerated, "without scores the prior ranks");
    let chatty = rank(&mut knowing(&[]), &Guided { chat: 1.0, describe: true, ..options });
    assert_eq!(chatty.enumerated, ranked.enumerated);
}

#[test]
fn own_writing_counts_when_it_executes() {
    let check = |reply: &str, valid: (usize, usize), written: usize| {
        let ranked = guided::rank_edits(
            DESCRIPTION,
            &[],
            &place(),
            &mut knowing(&[reply]),
            &environment(),
            &Guided::default(),
            &Cancel::default(),
        )
        .unwrap();
        assert_eq!(ranked.valid, valid, "{reply}");
        let own = ranked.candidates.iter().filter(|c| c.source == Source::Written);
        assert_eq!(own.count(), written, "{reply}");
    };
    check(WRITTEN, (1, 1), 1);
    check("gibberish", (0, 1), 0);
    check("diff", (1, 1), 0);
    check(&WRITTEN.replace("total = 0", "absent"), (0, 1), 0);
    let elsewhere = dialect::write(&Action::Edit {
        path: place().path,
        old: "    return net + net * rate".to_owned(),
        new: "    return net".to_owned(),
    });
    check(&elsewhere, (1, 1), 1);
}

#[test]
fn what_cannot_be_solved_is_an_outcome() {
    let code = |outcome: &Outcome| match outcome {
        Outcome::Failed { code, .. } => code.clone(),
        other => format!("{other:?}"),
    };
    let cancel = Cancel::default();
    let ended = |description: &str, model: &mut ScriptedModel, cancel: &Cancel| {
        let options = Guided::default();
        guided::solve(description, model, environment(), &options, &mut |_| {}, cancel)
    };
    assert_eq!(code(&ended("zebra", &mut knowing(&[]), &cancel).outcome), "no-hits");
    let broken = ended(DESCRIPTION, &mut knowing(&[]), &cancel);
    assert_eq!(code(&broken.outcome), "model-failed", "the script is empty");
    assert!(broken.located.is_some(), "what was found is kept");
    cancel.cancel();
    let outcome = ended(DESCRIPTION, &mut knowing(&[]), &cancel).outcome;
    assert_eq!(outcome, Outcome::LimitReached { limit: Limit::Cancelled });
}

#[test]
fn attempts_are_drawn_by_their_odds() {
    let drawn = |temperature: f32, seed: u64, most: usize| {
        let options = Guided { temperature, seed, ..Guided::default() };
        let mut model = knowing(&[WRITTEN]);
        let cancel = Cancel::default();
        guided::sample(DESCRIPTION, &mut model, environment(), &options, most, &cancel).unwrap()
    };
    let patches = |attempts: &[guided::Solved]| -> Vec<String> {
        attempts.iter().map(|solved| solved.ranked[0].patch.to_string()).collect()
    };
    let (best, _) = solve(&mut knowing(&[WRITTEN]), &Guided::default());
    let greedy = drawn(0.0, 1, 3);
    assert_eq!(greedy[0].steps, best.steps);
    assert_eq!(greedy[0].outcome, best.outcome);
    let ranked: Vec<_> = best.ranked.iter().map(|one| one.patch.to_string()).take(3).collect();
    assert_eq!(patches(&greedy), ranked, "without noise they come as they are ranked");
    let hot = drawn(30.0, 1, 4);
    assert_eq!(hot.len(), 4);
    let distinct: std::collections::BTreeSet<_> = patches(&hot).into_iter().collect();
    assert_eq!(distinct.len(), 4, "no edit twice");
    assert!(hot.iter().all(|one| matches!(one.outcome, Outcome::Submitted { .. })));
    assert_eq!(patches(&hot), patches(&drawn(30.0, 1, 4)), "the same seed draws the same");
    let seeds = (0..8).map(|seed| patches(&drawn(30.0, seed, 4)));
    assert!(seeds.collect::<std::collections::BTreeSet<_>>().len() > 4);
}
