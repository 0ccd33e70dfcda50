//! What serves: promotions, and all that was decided about adapters.
use super::{Adapter, Records};
use anyhow::Result;
use sera_core::scorecard::Capability;
use sera_core::{AdapterId, CommitId};
use sera_store::{Batch, Kind};
use sera_train::promote::Decision;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What serves one capability.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Promotion {
    /// Serves from now on.
    pub(crate) adapter: AdapterId,
    /// Decided on these numbers.
    pub(crate) decision: Decision,
    /// The user had it serve whatever the numbers said.
    #[serde(default)]
    pub(crate) forced: bool,
}

impl Records {
    /// How many adapters besides this one the held-out set of this cut has decided about.
    pub(crate) fn promotions_at(&self, cut: &CommitId, but: AdapterId) -> Result<usize> {
        let mut decided = self.decided_at(cut)?;
        decided.remove(&but);
        Ok(decided.len())
    }

    /// The adapters that the held-out set of this cut has decided about.
    pub(crate) fn decided_at(&self, cut: &CommitId) -> Result<BTreeSet<AdapterId>> {
        Ok(self.store.get(Kind::Spend, &format!("decided/{cut}"))?.unwrap_or_default())
    }

    /// Makes the decisions real, all at once: each promoted capability is served by `adapter` from
    /// now on.
    pub(crate) fn keep_decisions(
        &self,
        adapter: &Adapter,
        decisions: &BTreeMap<Capability, Decision>,
    ) -> Result<()> {
        let mut batch = Batch::default();
        for (capability, decision) in decisions.iter().filter(|(_, d)| d.promoted()) {
            let decision = decision.clone();
            let promotion = Promotion { adapter: adapter.id, decision, forced: false };
            self.promote(&mut batch, *capability, promotion)?;
        }
        let mut decided = self.decided_at(&adapter.cut)?;
        decided.insert(adapter.id);
        let key = format!("decided/{}", adapter.cut);
        batch.put(Kind::Spend, &key, &decided)?;
        batch.put(Kind::Setting, &decisions_key(adapter.id), decisions)?;
        Ok(self.store.commit(batch)?)
    }

    /// Has a promotion of several capabilities serve from now on.
    pub(crate) fn put_in_front(
        &self,
        promotion: &Promotion,
        capabilities: &[Capability],
    ) -> Result<()> {
        let mut batch = Batch::default();
        for capability in capabilities {
            self.promote(&mut batch, *capability, promotion.clone())?;
        }
        Ok(self.store.commit(batch)?)
    }

    fn promote(
        &self,
        batch: &mut Batch,
        capability: Capability,
        promotion: Promotion,
    ) -> Result<()> {
        let mut promotions = self.promotions(capability)?;
        promotions.retain(|earlier| earlier.adapter != promotion.adapter);
        promotions.push(promotion);
        put_promotions(batch, capability, &promotions)
    }

    /// What was decided about an adapter, refusals included; earlier versions kept only promotions.
    pub(crate) fn decisions(&self, adapter: AdapterId) -> Result<BTreeMap<Capability, Decision>> {
        if let Some(decisions) = self.store.get(Kind::Setting, &decisions_key(adapter))? {
            return Ok(decisions);
        }
        let mut decisions = BTreeMap::new();
        for capability in Capability::ALL {
            let promotions = self.promotions(capability)?;
            let own = promotions.into_iter().find(|promotion| promotion.adapter == adapter);
            decisions.extend(own.map(|promotion| (capability, promotion.decision)));
        }
        Ok(decisions)
    }

    /// Every promotion of a capability, oldest first: the last one serves.
    pub(crate) fn promotions(&self, capability: Capability) -> Result<Vec<Promotion>> {
        let key = format!("promotions/{}", capability.name());
        if let Some(promotions) = self.store.get(Kind::Setting, &key)? {
            return Ok(promotions);
        }
        // From before there was a list.
        let served: Option<Promotion> = self.store.get(Kind::Promotion, capability.name())?;
        Ok(served.into_iter().collect())
    }

    /// The last promotion of each capability serves from now on, the base where there is none. All
    /// change at once.
    pub(crate) fn keep_promotions<'a>(
        &self,
        promotions: impl IntoIterator<Item = (Capability, &'a [Promotion])>,
    ) -> Result<()> {
        let mut batch = Batch::default();
        for (capability, promotions) in promotions {
            put_promotions(&mut batch, capability, promotions)?;
        }
        Ok(self.store.commit(batch)?)
    }

    /// The adapter that serves a capability; `None` is base + retrieval.
    pub(crate) fn served(&self, capability: Capability) -> Result<Option<Adapter>> {
        let promotion: Option<Promotion> = self.store.get(Kind::Promotion, capability.name())?;
        let Some(promotion) = promotion else { return Ok(None) };
        self.adapter(promotion.adapter)
    }
}

/// What decisions about an adapter are stored by.
pub(crate) fn decisions_key(adapter: AdapterId) -> String {
    format!("decisions/{adapter}")
}

fn put_promotions(
    batch: &mut Batch,
    capability: Capability,
    promotions: &[Promotion],
) -> Result<()> {
    let key = format!("promotions/{}", capability.name());
    batch.put(Kind::Setting, &key, &promotions)?;
    match promotions.last() {
        Some(serves) => batch.put(Kind::Promotion, capability.name(), serves)?,
        None => batch.delete(Kind::Promotion, capability.name())?,
    }
    Ok(())
}
