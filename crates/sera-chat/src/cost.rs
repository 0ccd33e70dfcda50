//! What calls cost, and what may be spent: a call is made only where its worst case is still
//! within the budget, so that parallel rollouts together never spend more than they may.
use crate::ledger::Ledger;
use sera_core::Usage;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Micro-dollars in a dollar.
pub const DOLLAR: u64 = 1_000_000;

/// Micro-dollars for a million tokens; all zero for a server of one's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prices {
    /// Tokens read.
    pub prompt: u64,
    /// Tokens read that the server had in its cache; the same as others where it says no price.
    pub cached: Option<u64>,
    /// Tokens written.
    pub completion: u64,
}

impl Prices {
    /// What a call costs, micro-dollars, rounded up.
    pub fn of(&self, usage: &Usage) -> u64 {
        let cached = usage.cached_tokens.min(usage.prompt_tokens);
        let parts = [
            (usage.prompt_tokens - cached, self.prompt),
            (cached, self.cached.unwrap_or(self.prompt)),
            (usage.completion_tokens, self.completion),
        ];
        let sum: u128 = parts.iter().map(|(n, price)| u128::from(*n) * u128::from(*price)).sum();
        u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }
}

/// What may be spent at most; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Tokens, read and written.
    pub tokens: Option<u64>,
    /// Micro-dollars.
    pub microdollars: Option<u64>,
}

/// What was spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Tokens, read and written.
    pub tokens: u64,
    /// Micro-dollars.
    pub microdollars: u64,
}

impl Spent {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(other.tokens),
            microdollars: self.microdollars.saturating_add(other.microdollars),
        }
    }

    fn of(usage: &Usage, prices: &Prices) -> Self {
        let tokens = usage.prompt_tokens.saturating_add(usage.completion_tokens);
        Self { tokens, microdollars: prices.of(usage) }
    }
}

impl Budget {
    pub(crate) fn holds(&self, spent: Spent) -> bool {
        self.tokens.is_none_or(|limit| spent.tokens <= limit)
            && self.microdollars.is_none_or(|limit| spent.microdollars <= limit)
    }
}

/// What the calls of one invocation pay from.
#[derive(Debug, Default)]
pub struct Purse {
    prices: Prices,
    budget: Budget,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    paid: Spent,
    /// What calls under way may still come to.
    aside: Spent,
    ledger: Option<Ledger>,
    /// The ledger cannot be written: nothing more is spent.
    unwritten: bool,
}

/// The worst case of a call that is under way. What is not settled by then is paid for when it is
/// dropped: nobody knows what came of the call.
#[derive(Debug)]
#[must_use = "the worst case is paid for when this is dropped"]
pub struct PutAside<'a> {
    purse: &'a Purse,
    most: Usage,
    /// When it was put aside, by the ledger.
    day: Option<u64>,
    paid: Spent,
}

impl Purse {
    /// A full purse. What is paid from it is written into the ledger, and within what that allows.
    pub fn new(prices: Prices, budget: Budget, ledger: Option<Ledger>) -> Self {
        let state = State { ledger, ..State::default() };
        Self { prices, budget, state: Mutex::new(state) }
    }

    /// What was paid so far.
    pub fn spent(&self) -> Spent {
        self.lock().paid
    }

    /// Puts aside what a call costs at most; none where the budget does not hold it.
    pub fn put_aside(&self, most: Usage) -> Option<PutAside<'_>> {
        let mut state = self.lock();
        let paid = Spent::of(&most, &self.prices);
        let aside = state.aside.and(paid);
        if state.unwritten || !self.budget.holds(state.paid.and(aside)) {
            return None;
        }
        let day = match state.ledger.as_mut().map(|ledger| ledger.put_aside(paid)) {
            None => None,
            Some(Ok(Some(day))) => Some(day),
            Some(Ok(None)) => return None,
            Some(Err(_)) => {
                state.unwritten = true;
                return None;
            }
        };
        state.aside = aside;
        Some(PutAside { purse: self, most, day, paid })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PutAside<'_> {
    /// Pays for the worst case, of a call that broke off uncounted.
    pub fn pay_most(self) -> (Usage, u64) {
        (self.most, self.paid.microdollars)
    }

    /// Pays for a call, and says what was believed: no server reads or writes more than it was
    /// given and allowed.
    pub fn pay(mut self, usage: Usage) -> (Usage, u64) {
        let prompt_tokens = usage.prompt_tokens.min(self.most.prompt_tokens);
        let usage = Usage {
            prompt_tokens,
            cached_tokens: usage.cached_tokens.min(prompt_tokens),
            completion_tokens: usage.completion_tokens.min(self.most.completion_tokens),
        };
        self.paid = Spent::of(&usage, &self.purse.prices);
        (usage, self.paid.microdollars)
    }
}

impl Drop for PutAside<'_> {
    fn drop(&mut self) {
        let most = Spent::of(&self.most, &self.purse.prices);
        let mut state = self.purse.lock();
        state.aside.tokens -= most.tokens.min(state.aside.tokens);
        state.aside.microdollars -= most.microdollars.min(state.aside.microdollars);
        state.paid = state.paid.and(self.paid);
        let State { ledger, unwritten, .. } = &mut *state;
        let day = self.day.filter(|_| self.paid != most);
        if let Some((ledger, day)) = ledger.as_mut().zip(day) {
            *unwritten |= ledger.settle(day, most, self.paid).is_err();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(prompt_tokens: u64, cached_tokens: u64, completion_tokens: u64) -> Usage {
        Usage { prompt_tokens, cached_tokens, completion_tokens }
    }

    #[test]
    fn prices_are_of_a_million_tokens_and_round_up() {
        let check = |cached: Option<u64>, used: Usage, expect: u64| {
            let prices = Prices { prompt: 600_000, cached, completion: 2_200_000 };
            assert_eq!(prices.of(&used), expect, "{used:?}");
        };
        check(None, usage(1_000_000, 0, 0), 600_000);
        check(None, usage(1_000, 900, 100), 820);
        check(Some(110_000), usage(1_000, 900, 100), 379);
        check(None, usage(1, 0, 0), 1);
        check(None, usage(0, 5, 0), 0);
        assert_eq!(Prices::default().of(&usage(u64::MAX, 0, u64::MAX)), 0);
    }

    #[test]
    fn no_call_is_made_that_the_budget_may_not_hold() {
        let prices = Prices { prompt: 1_000_000, cached: None, completion: 2_000_000 };
        let budget = Budget { tokens: Some(100), microdollars: Some(150) };
        let purse = Purse::new(prices, budget, None);
        let first = purse.put_aside(usage(40, 0, 20)).expect("100 of 150 micro-dollars");
        assert!(purse.put_aside(usage(40, 0, 10)).is_none(), "the first may need its hundred");
        assert_eq!(first.pay(usage(30, 0, 5)), (usage(30, 0, 5), 40));
        assert_eq!(purse.spent(), Spent { tokens: 35, microdollars: 40 });
        let second = purse.put_aside(usage(40, 0, 20)).expect("there is room again");
        assert_eq!(second.pay(usage(u64::MAX, 99, u64::MAX)).0, usage(40, 40, 20));
        assert!(purse.put_aside(usage(6, 0, 0)).is_none(), "95 of 100 tokens are spent");
    }

    /// A process that is killed settles nothing.
    #[test]
    fn a_call_that_was_under_way_is_paid_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spent.jsonl");
        let purse = || {
            let daily = Budget { tokens: Some(100), microdollars: None };
            let ledger = Ledger::open(&path, daily, || 0).unwrap();
            Purse::new(Prices::default(), Budget::default(), Some(ledger))
        };
        let killed = purse();
        assert!(killed.put_aside(usage(50, 0, 10)).map(|call| call.pay(usage(5, 0, 5))).is_some());
        std::mem::forget(killed.put_aside(usage(50, 0, 10)));
        assert!(killed.put_aside(usage(30, 0, 1)).is_none(), "70 of 100 may be spent");
        assert!(purse().put_aside(usage(30, 0, 1)).is_none(), "and are, for all that is known");
        let last = purse().put_aside(usage(30, 0, 0)).map(|call| call.pay(usage(30, 0, 0)));
        assert_eq!(last, Some((usage(30, 0, 0), 0)));
        assert!(purse().put_aside(usage(1, 0, 0)).is_none());
    }
}
