//! Adapters that are kept: what each serves and how old it is, going back to an earlier one, and
//! serving one against the numbers.
//!
//! Whoever waits for an answer is answered by the adapter that served when they asked: weights are
//! chosen as an order is written, and laid-out adapters outlive orders.
use crate::cycle::Cycle;
use crate::engine::Engine;
use crate::failure;
use crate::records::{Adapter, Promotion, Records};
use anyhow::Result;
use sera_core::audit::Event;
use sera_core::scorecard::Capability;
use sera_core::{AdapterId, CommitId};
use sera_protocol::report::{AdapterEntry, AdaptersReport, PromoteReport, RollbackReport, Serves};
use sera_protocol::{ErrorCode, Failure};
use sera_train::promote::Decision;
use std::collections::{BTreeMap, BTreeSet};

/// How many are kept besides those that serve.
const KEPT: usize = 3;

/// Commits since a cut that are counted at most.
const COUNTED: usize = 100_000;

/// Fewer letters of an id's end may be anybody's.
const ID_END: usize = 6;

/// Every adapter, newest first.
pub(crate) fn list(cycle: &Cycle<'_>) -> Result<AdaptersReport> {
    let head = cycle.asked_in.head()?;
    let served = served(cycle.records)?;
    let mut adapters = cycle.records.adapters()?;
    adapters.reverse();
    let entry = |adapter: &Adapter| entry(cycle, adapter, &served, &head);
    Ok(AdaptersReport {
        adapters: adapters.iter().map(entry).collect::<Result<_>>()?,
        kept: KEPT as u64,
    })
}

fn served(records: &Records) -> Result<BTreeMap<Capability, AdapterId>> {
    let of = |capability| -> Result<_> {
        Ok(records.served(capability)?.map(|adapter| (capability, adapter.id)))
    };
    Capability::ALL.into_iter().filter_map(|capability| of(capability).transpose()).collect()
}

fn entry(
    cycle: &Cycle<'_>,
    adapter: &Adapter,
    served: &BTreeMap<Capability, AdapterId>,
    head: &CommitId,
) -> Result<AdapterEntry> {
    let serves = served.iter().filter(|(_, id)| **id == adapter.id).map(|(name, _)| *name);
    let mut promoted = Vec::new();
    for capability in Capability::ALL {
        let of = cycle.records.promotions(capability)?;
        promoted.extend(
            of.into_iter()
                .filter(|one| one.adapter == adapter.id)
                .map(|one| (capability, one.forced)),
        );
    }
    let forced = promoted.iter().filter(|(_, forced)| *forced).map(|(capability, _)| *capability);
    Ok(AdapterEntry {
        adapter: adapter.id,
        trained_ms: adapter.id.unix_ms(),
        base: adapter.base.clone(),
        cut: adapter.cut.to_string(),
        since: adapter.since.as_ref().map(ToString::to_string),
        made_from: adapter.made_from.to_string(),
        seed: adapter.seed,
        behind: behind(cycle, &adapter.cut, head)?,
        examples: adapter.numbers.examples as u64,
        tokens: adapter.numbers.tokens,
        scored: cycle.records.scorecard(adapter.id)?.is_some(),
        serves: serves.collect(),
        promoted: promoted.iter().map(|(capability, _)| *capability).collect(),
        forced: forced.collect(),
    })
}

/// How many commits have come since; none where that history was rewritten.
fn behind(cycle: &Cycle<'_>, cut: &CommitId, head: &CommitId) -> Result<Option<u64>> {
    let repository = &cycle.engine.repository;
    let is_there = repository.is_ancestor(cut, head)?;
    let between = is_there.then(|| repository.commits_between(cut, head, COUNTED)).transpose()?;
    Ok(between.map(|commits| commits.len() as u64))
}

/// The adapter that is named by its id or how that ends.
pub(crate) fn named(records: &Records, what: &str) -> Result<Adapter> {
    let mut met = records.adapters()?;
    met.retain(|adapter| {
        let id = adapter.id.to_string();
        id == what || (what.len() >= ID_END && id.ends_with(what))
    });
    match met.len() {
        1 => Ok(met.remove(0)),
        0 => Err(unknown(format!("there is no adapter {what:?}"))),
        _ => Err(unknown(format!("{what:?} may be {} adapters", met.len()))),
    }
}

fn unknown(text: String) -> anyhow::Error {
    Failure::new(ErrorCode::InvalidParams, text).hint("`git sera adapters` lists them").into()
}

/// The newest adapter, or the one that is named.
pub(crate) fn chosen(records: &Records, named: Option<&str>) -> Result<Adapter> {
    match named {
        Some(what) => self::named(records, what),
        None => records.adapters()?.pop().ok_or_else(failure::nothing_trained),
    }
}

/// Has an adapter serve whatever the numbers say, because the user says so.
pub(crate) fn force(
    cycle: &Cycle<'_>,
    what: Option<&str>,
    capabilities: &[Capability],
) -> Result<PromoteReport> {
    let adapter = chosen(cycle.records, what)?;
    let base = cycle.base_source()?.unwrap_or_else(|| crate::base::PRESET.to_owned());
    if adapter.base != base {
        let text = format!("adapter {} belongs to another base: {}", adapter.id, adapter.base);
        return Err(failure::invalid_params(&text));
    }
    let all = if capabilities.is_empty() { &Capability::ALL[..] } else { capabilities };
    cycle.engine.force(&adapter, all)?;
    let reason = |capability: &Capability| (*capability, "you said so".to_owned());
    Ok(PromoteReport {
        promoted: all.to_vec(),
        reasons: all.iter().map(reason).collect(),
        adapter: Some(adapter.id),
    })
}

/// Has what served before serve again, or the base.
pub(crate) fn roll_back(cycle: &Cycle<'_>, only: Option<Capability>) -> Result<RollbackReport> {
    let capabilities: Vec<_> = only.map_or(Capability::ALL.to_vec(), |one| vec![one]);
    let changed = cycle.engine.roll_back(&capabilities, "you said so")?;
    if changed.is_empty() {
        let text = "the base serves: there is nothing to go back from";
        return Err(Failure::new(ErrorCode::NothingToDo, text)
            .hint("`git sera status` shows what serves")
            .into());
    }
    Ok(RollbackReport { changed })
}

impl Engine {
    /// Has an adapter serve, and tells the audit log before.
    fn force(&self, adapter: &Adapter, capabilities: &[Capability]) -> Result<()> {
        let _alone = self.records.promoting();
        // It may have been withdrawn since it was looked up.
        named(&self.records, &adapter.id.to_string())?;
        for capability in capabilities {
            let (capability, adapter) = (capability.name().to_owned(), adapter.id.to_string());
            self.record(&Event::Promoted { capability, adapter })?;
        }
        let decision = Decision { gap: None, items: 0, refusal: None };
        let promotion = Promotion { adapter: adapter.id, decision, forced: true };
        self.records.put_in_front(&promotion, capabilities)
    }

    /// Takes the newest promotion of each capability back. What changed.
    pub(crate) fn roll_back(&self, capabilities: &[Capability], why: &str) -> Result<Vec<Serves>> {
        let _alone = self.records.promoting();
        let mut changed = Vec::new();
        for capability in capabilities {
            let mut left = self.records.promotions(*capability)?;
            let Some(newest) = left.pop() else { continue };
            let serves = left.last().map_or("base".to_owned(), |one| one.adapter.to_string());
            changed
                .push((left, Serves { capability: *capability, adapter: newest.adapter, serves }));
        }
        for (_, Serves { capability, adapter, serves }) in &changed {
            let (capability, adapter) = (capability.name().to_owned(), adapter.to_string());
            let (serves, why) = (serves.clone(), why.to_owned());
            self.record(&Event::RolledBack { capability, adapter, serves, why })?;
        }
        let lists = changed.iter().map(|(left, serves)| (serves.capability, left.as_slice()));
        self.records.keep_promotions(lists)?;
        Ok(changed.into_iter().map(|(_, serves)| serves).collect())
    }

    /// Lets go of adapters that are neither among the newest nor serve, with what lies beside the
    /// store. What is going to be served meanwhile is not touched: it serves.
    pub(crate) fn prune(&self) -> Result<()> {
        let gone = {
            let _alone = self.records.promoting();
            let gone = superfluous(&self.records)?;
            if gone.is_empty() {
                return Ok(());
            }
            self.records.withdraw(&gone)?;
            gone
        };
        tracing::info!(count = gone.len(), "adapters that were superseded are removed");
        self.remove_laid_out()
    }
}

fn superfluous(records: &Records) -> Result<Vec<AdapterId>> {
    let ids: Vec<AdapterId> = records.adapters()?.iter().map(|adapter| adapter.id).collect();
    let serve: BTreeSet<AdapterId> = served(records)?.into_values().collect();
    let older = &ids[..ids.len().saturating_sub(KEPT)];
    Ok(older.iter().copied().filter(|id| !serve.contains(id)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::TrainNumbers;
    use sera_core::Digest;
    use sera_git::Repository;
    use sera_store::Kind;
    use sera_testkit::{Repo, python_project};

    fn engine_of(repo: &Repo) -> Engine {
        let repository = Repository::discover(repo.path()).expect("a repository");
        Engine::open(repository, repo.root()).expect("a store")
    }

    /// Adapters as earlier versions stored them, oldest first.
    fn trained(engine: &Engine, count: u64) -> Vec<AdapterId> {
        let train = |n: u64| {
            let id = AdapterId::new(n, &n.to_le_bytes());
            let value = serde_json::json!({
                "id": id, "base": "any", "cut": "c0", "made_from": Digest::of(b"made from"),
                "files": [], "siblings": [], "numbers": TrainNumbers::default(), "notes": [],
                "dropped": {},
            });
            let store = engine.records.store();
            store.put(Kind::Adapter, &id.to_string(), &value).expect("it is stored");
            id
        };
        (1..=count).map(train).collect()
    }

    fn serving(engine: &Engine) -> Vec<String> {
        let served = served(&engine.records).expect("the store is read");
        served.into_iter().map(|(capability, id)| format!("{} {id}", capability.name())).collect()
    }

    #[test]
    fn what_was_promoted_before_serves_again() {
        let repo = python_project();
        let engine = engine_of(&repo);
        let [first, second] = trained(&engine, 2)[..] else { unreachable!("two are trained") };
        let adapter = |id| engine.records.adapter(id).expect("read").expect("stored");
        engine.force(&adapter(first), &Capability::ALL).expect("it serves");
        engine.force(&adapter(second), &[Capability::Fix]).expect("it serves");
        let check = |expect: &[(&str, AdapterId)]| {
            let expect: Vec<_> = expect.iter().map(|(name, id)| format!("{name} {id}")).collect();
            assert_eq!(serving(&engine), expect);
        };
        check(&[("complete", first), ("locate", first), ("fix", second)]);
        let changed = engine.roll_back(&[Capability::Fix], "a test").expect("it goes back");
        let expect =
            Serves { capability: Capability::Fix, adapter: second, serves: first.to_string() };
        assert_eq!(changed, [expect]);
        check(&[("complete", first), ("locate", first), ("fix", first)]);
        engine.roll_back(&Capability::ALL, "a test").expect("it goes back");
        check(&[]);
        assert_eq!(engine.roll_back(&Capability::ALL, "a test").expect("none is left"), []);
        engine.force(&adapter(second), &[Capability::Fix]).expect("it serves again");
        check(&[("fix", second)]);
    }

    #[test]
    fn three_are_kept_and_what_serves() {
        let check = |count: u64, serves: &[usize], expect: &[usize]| {
            let repo = python_project();
            let engine = engine_of(&repo);
            let ids = trained(&engine, count);
            for at in serves {
                let adapter = engine.records.adapter(ids[*at]).expect("read").expect("stored");
                engine.force(&adapter, &Capability::ALL).expect("it serves");
            }
            engine.prune().expect("the store is written");
            let left: Vec<_> =
                engine.records.adapters().expect("read").iter().map(|adapter| adapter.id).collect();
            let expect: Vec<_> = expect.iter().map(|at| ids[*at]).collect();
            assert_eq!(left, expect, "of {count}, {serves:?} served");
            // What is gone is not gone back to.
            for promotion in engine.records.promotions(Capability::Fix).expect("read") {
                assert!(expect.contains(&promotion.adapter));
            }
        };
        check(2, &[], &[0, 1]);
        check(3, &[0], &[0, 1, 2]);
        check(5, &[], &[2, 3, 4]);
        check(5, &[0], &[0, 2, 3, 4]);
        check(6, &[0, 1, 4], &[3, 4, 5]);
    }

    #[test]
    fn an_adapter_is_named_by_its_end() {
        let repo = python_project();
        let engine = engine_of(&repo);
        let ids = trained(&engine, 2);
        let id = ids[0].to_string();
        let of = |what: &str| named(&engine.records, what).map(|adapter| adapter.id).ok();
        assert_eq!(of(&id), Some(ids[0]));
        assert_eq!(of(&id[id.len() - 8..]), Some(ids[0]));
        assert_eq!(of(&id[id.len() - 3..]), None, "too short");
        assert_eq!(of("no such id"), None);
        assert_eq!(chosen(&engine.records, None).map(|adapter| adapter.id).ok(), Some(ids[1]));
    }
}
