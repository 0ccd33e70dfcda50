//! Whose turn it is: what holds computing still, and which work it holds.
use tokio::sync::watch;

/// What holds computing still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holds {
    /// How many people wait for an answer.
    pub(crate) people: usize,
    /// The user said so.
    pub(crate) paused: bool,
    /// The machine is not free, or this is not the time.
    pub(crate) waits: bool,
}

/// What work yields to. Each yields to all before it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Yields {
    /// To nobody: a person waits for it.
    Never,
    /// To people who wait.
    ToPeople,
    /// To a pause, as all that takes minutes.
    ToPause,
    /// To the developer's own work, since nobody asked for it.
    ToSchedule,
}

impl Yields {
    /// Whether work that yields so holds still.
    fn holds_still(self, holds: Holds) -> bool {
        let Holds { people, paused, waits } = holds;
        (self >= Self::ToPeople && people > 0)
            || (self >= Self::ToPause && paused)
            || (self >= Self::ToSchedule && waits)
    }
}

/// A job's view of what holds computing still.
#[derive(Clone)]
pub(crate) struct Turn {
    holds: watch::Receiver<Holds>,
    yields: Yields,
}

impl Turn {
    /// Of work that yields so.
    pub(crate) fn new(holds: &watch::Sender<Holds>, yields: Yields) -> Self {
        Self { holds: holds.subscribe(), yields }
    }

    /// Of what a person waits for: nothing pauses it.
    pub(crate) fn always() -> Self {
        Self { holds: watch::channel(Holds::default()).1, yields: Yields::Never }
    }

    /// Whether the job holds still now.
    pub(crate) fn is_held(&mut self) -> bool {
        let holds = *self.holds.borrow_and_update();
        self.yields.holds_still(holds)
    }

    /// Until that may have changed; for ever where it cannot.
    pub(crate) async fn changed(&mut self) {
        if self.holds.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asked_says_what_is_yielded_to() {
        let check = |people, paused, waits, expect: [bool; 4]| {
            let holds = Holds { people, paused, waits };
            let all = [Yields::Never, Yields::ToPeople, Yields::ToPause, Yields::ToSchedule];
            assert_eq!(all.map(|yields| yields.holds_still(holds)), expect, "{holds:?}");
        };
        check(0, false, false, [false; 4]);
        check(2, false, false, [false, true, true, true]);
        check(0, true, false, [false, false, true, true]);
        check(0, false, true, [false, false, false, true]);
    }
}
