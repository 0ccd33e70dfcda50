//! The index of many records, built again from the journal and the objects alone.
use crate::child::open;
use crate::reliability::Goal;
use sera_store::{IndexState, Kind, Store};
use std::fs;
use std::time::Instant;

/// The `i`-th fact: most are small, some are objects.
fn value(i: usize) -> String {
    format!("{i}/").repeat(if i.is_multiple_of(100) { 2_000 } else { 20 })
}

/// Everything in a store, as it would be exported.
fn export(store: &Store) -> Vec<(Kind, String, String)> {
    let of = |kind: Kind| {
        let facts = store.scan::<String>(kind).unwrap();
        facts.map(move |fact| fact.map(|(key, value)| (kind, key, value)).unwrap())
    };
    Kind::ALL.into_iter().flat_map(of).collect()
}

#[test]
fn an_index_is_built_again_from_journal_and_objects() {
    let mut goal = Goal::new("rebuild", ["records", "rebuild"], 2_000);
    let dir = goal.folder();
    let store = open(dir.path());
    let kinds = [Kind::Task, Kind::Trajectory, Kind::Seed];
    for (kind, from) in kinds.iter().cycle().zip((0..goal.trials()).step_by(100)) {
        let facts = (from..goal.trials().min(from + 100)).map(|i| (format!("{i:08}"), value(i)));
        store.put_all(*kind, &facts.collect::<Vec<_>>()).unwrap();
    }
    let before = export(&store);
    assert_eq!(before.len(), goal.trials());
    drop(store);
    fs::write(dir.path().join("index/conf"), "").unwrap();
    goal.count_all("the one", || {
        let started = Instant::now();
        let store = open(dir.path());
        let seconds = started.elapsed().as_secs_f64();
        assert!(matches!(store.opened().index, IndexState::Rebuilt { .. }), "{:?}", store.opened());
        assert!(export(&store) == before, "the export is another");
        Ok(seconds)
    });
    goal.reached();
}
