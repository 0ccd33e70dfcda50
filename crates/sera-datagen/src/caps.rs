//! Caps: no operator, family or function may dominate what is trained on.
use crate::select::Source;
use crate::{DropReason, Policy};
use sera_core::{FunctionKey, Origin, Task};
use std::collections::{BTreeMap, HashMap};

/// A cap of a small batch is never below this: shares of a handful mean nothing.
const FLOOR: usize = 2;

/// What the caps need to know of one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share<'a> {
    operator: &'a str,
    family: &'a str,
    function: Option<&'a FunctionKey>,
    /// Where an attempt came from; none before there are attempts.
    source: Option<Source>,
}

impl<'a> Share<'a> {
    /// The share of `task`. Commits and what teachers generate have no operator, and no cap on it.
    pub(crate) fn of(task: &'a Task) -> Self {
        let (operator, function) = match &task.origin {
            Origin::Mutation { operator, function, .. } => (operator.as_str(), Some(function)),
            Origin::Generated { function, .. } => ("", Some(function)),
            Origin::Commit { .. } | Origin::Imported { .. } => ("", None),
        };
        Self { operator, family: &task.family.0, function, source: None }
    }

    /// The same with where an attempt at it came from. A student's own attempts are at tasks that
    /// others have solved and fill no operator's share again: they have a bound of their own.
    pub(crate) fn from(self, source: Source) -> Self {
        let operator = if source == Source::Student { "" } else { self.operator };
        Self { operator, source: Some(source), ..self }
    }
}

/// The caps of a policy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Caps {
    operator: f64,
    family: f64,
    function: usize,
    mix: BTreeMap<Source, f64>,
}

impl Caps {
    /// The caps of `policy`.
    pub(crate) fn of(policy: &Policy) -> Self {
        Self {
            operator: policy.operator_share,
            family: policy.family_share,
            function: policy.tasks_per_function,
            mix: BTreeMap::new(),
        }
    }

    /// The same with bounds on sources.
    pub(crate) fn mixed(self, mix: &BTreeMap<Source, f64>) -> Self {
        Self { mix: mix.clone(), ..self }
    }

    /// For every item in order whether it is kept (`None`) or which cap it falls to. The shares
    /// hold over what is kept, rounded up: the bound shrinks until what it lets through fits it.
    /// No more than `most` are kept.
    pub(crate) fn choose(&self, items: &[Share<'_>], most: usize) -> Vec<Option<DropReason>> {
        let mut size = items.len().min(most);
        loop {
            let kept = self.within(items, size, most);
            let count = kept.iter().filter(|k| k.is_none()).count();
            if self.bounds(count) == self.bounds(size) || count == 0 {
                return kept;
            }
            size = count.max(size.saturating_sub(size.div_ceil(50)));
        }
    }

    /// Most tasks an operator, a family and each bounded source may have in a batch of `size`.
    fn bounds(&self, size: usize) -> (usize, usize, BTreeMap<Source, usize>) {
        let bound = |share: f64| ((share * size as f64).ceil() as usize).max(FLOOR);
        // The floor would let a source in that nobody wants.
        let of = |(source, share): (&Source, &f64)| (*source, (share * size as f64) as usize);
        (bound(self.operator), bound(self.family), self.mix.iter().map(of).collect())
    }

    fn within<'i>(
        &self,
        items: &'i [Share<'i>],
        size: usize,
        most: usize,
    ) -> Vec<Option<DropReason>> {
        let (per_operator, per_family, mut left) = self.bounds(size);
        let mut operators = HashMap::<&'i str, usize>::new();
        let mut families = HashMap::<&'i str, usize>::new();
        let mut functions = HashMap::<(&'i FunctionKey, bool), usize>::new();
        let mut kept = 0;
        let keep = |item: &'i Share<'i>| {
            let operator = operators.entry(item.operator).or_default();
            let family = families.entry(item.family).or_default();
            if kept == most {
                return Some(DropReason::BatchFull);
            }
            let mut none = 0;
            let own = item.source == Some(Source::Student);
            let function = match item.function {
                Some(function) => functions.entry((function, own)).or_default(),
                None => &mut none,
            };
            if *function >= self.function {
                return Some(DropReason::FunctionCap);
            }
            if !item.operator.is_empty() && *operator >= per_operator {
                return Some(DropReason::OperatorCap);
            }
            if !item.operator.is_empty() && *family >= per_family {
                return Some(DropReason::FamilyCap);
            }
            if let Some(left) = item.source.and_then(|source| left.get_mut(&source)) {
                if *left == 0 {
                    return Some(DropReason::SourceCap);
                }
                *left -= 1;
            }
            (*operator, *family, *function) = (*operator + 1, *family + 1, *function + 1);
            kept += 1;
            None
        };
        items.iter().map(keep).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_core::TreePath;

    #[test]
    fn shares_hold_over_what_is_kept() {
        let keys: Vec<FunctionKey> = (0..1_000)
            .map(|i| FunctionKey {
                path: TreePath::new("a.py").unwrap(),
                name: format!("f{}", i / 5),
            })
            .collect();
        let operators: Vec<String> = (0..12).map(|i| format!("o{i}")).collect();
        let families: Vec<String> = (0..30).map(|i| format!("f{i}")).collect();
        // Squares make some operators and families far more common than others.
        let items: Vec<Share<'_>> = (0..1_000usize)
            .map(|i| Share {
                operator: &operators[(i * i) % 12],
                family: &families[(i * i * 7) % 30],
                function: Some(&keys[i]),
                source: None,
            })
            .collect();
        let caps = Caps::of(&Policy::default());
        let kept = caps.choose(&items, usize::MAX);
        let chosen: Vec<&Share<'_>> =
            items.iter().zip(&kept).filter(|(_, k)| k.is_none()).map(|(i, _)| i).collect();
        assert!(!chosen.is_empty());
        let most = |key: fn(&Share<'_>) -> String| {
            let mut counts = HashMap::<String, usize>::new();
            chosen.iter().for_each(|s| *counts.entry(key(s)).or_default() += 1);
            counts.into_values().max().unwrap()
        };
        let bound = |share: f64| (share * chosen.len() as f64).ceil() as usize;
        assert!(most(|s| s.operator.to_owned()) <= bound(0.15).max(FLOOR));
        assert!(most(|s| s.family.to_owned()) <= bound(0.05).max(FLOOR));
        assert!(most(|s| s.function.unwrap().name.clone()) <= 3);
    }

    #[test]
    fn a_source_has_its_share_of_what_is_kept() {
        let item = |source| Share { operator: "", family: "f", function: None, source };
        let check = |students: usize, others: usize, share: f64, expect: usize| {
            let mine = std::iter::repeat_n(item(Some(Source::Student)), students);
            let theirs = std::iter::repeat_n(item(Some(Source::Report)), others);
            let items: Vec<_> = mine.chain(theirs).collect();
            let caps = Caps::of(&Policy::default()).mixed(&[(Source::Student, share)].into());
            let kept = caps.choose(&items, usize::MAX);
            let of = |range: std::ops::Range<usize>| {
                kept[range].iter().filter(|kept| kept.is_none()).count()
            };
            assert_eq!(of(students..items.len()), others, "others have no bound");
            assert_eq!(of(0..students), expect, "{students} beside {others} at {share}");
        };
        check(100, 10, 0.5, 10);
        check(100, 100, 0.5, 100);
        check(3, 100, 0.5, 3);
        check(100, 0, 0.5, 0);
        check(100, 10, 0.0, 0);
        check(100, 10, 1.0, 100);
        check(1_000, 300, 0.25, 100);
    }

    #[test]
    fn a_small_batch_is_left_alone() {
        let items: Vec<Share<'_>> = (0..2)
            .map(|_| Share { operator: "o", family: "f", function: None, source: None })
            .collect();
        assert_eq!(Caps::of(&Policy::default()).choose(&items, usize::MAX), [None, None]);
    }
}
