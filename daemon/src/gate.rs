//! The gate that long computations pass between layers: open, shut for a while, or shut for good.
use sera_core::Cancel;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Clones share the gate. Waiting parks the thread: nothing spins.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    cancel: Cancel,
    shut: Arc<(Mutex<bool>, Condvar)>,
}

impl Gate {
    /// Holds everyone who passes until [`Gate::open`].
    pub(crate) fn shut(&self) {
        self.set(true);
    }

    /// Lets everyone go on.
    pub(crate) fn open(&self) {
        self.set(false);
    }

    /// Ends everyone's work, those who wait here included.
    pub(crate) fn cancel(&self) {
        self.cancel.cancel();
        self.set(false);
    }

    /// Waits while the gate is shut; false once cancelled.
    pub(crate) fn pass(&self) -> bool {
        let (shut, changed) = &*self.shut;
        let guard = shut.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |shut: &mut bool| *shut && !self.cancel.is_cancelled();
        drop(changed.wait_while(guard, waiting));
        !self.cancel.is_cancelled()
    }

    /// The flag alone, for code that only needs to know when to end.
    pub(crate) fn as_cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// Whether there is another clone: someone who may pass.
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.shut) > 1
    }

    fn set(&self, value: bool) {
        let (shut, changed) = &*self.shut;
        *shut.lock().unwrap_or_else(PoisonError::into_inner) = value;
        changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shut_gate_holds_until_opened_or_cancelled() {
        for (release, passes) in [(Gate::open as fn(&Gate), true), (Gate::cancel, false)] {
            let gate = Gate::default();
            gate.shut();
            let waiter = std::thread::spawn({
                let gate = gate.clone();
                move || gate.pass()
            });
            release(&gate);
            assert_eq!(waiter.join().unwrap(), passes, "the waiter learns how the gate ended");
        }
    }
}
