//! The worker that serves: started when someone waits, kept while more may come.
use crate::worker::Worker;
use anyhow::Result;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

/// Orders that are carried out at once. More would only make each other wait, and every one holds
/// a context in memory.
const AT_ONCE: usize = 4;

/// After so long without an order the worker and its weights are given up.
const IDLE: Duration = Duration::from_secs(600);

/// A worker with its weights loaded; shared by all repositories.
pub(crate) struct Serving {
    worker: Mutex<Option<(Arc<Worker>, Instant)>>,
    seats: Arc<Semaphore>,
}

/// A place at the worker, for one order.
pub(crate) struct Seat {
    /// The worker.
    pub(crate) worker: Arc<Worker>,
    _seat: OwnedSemaphorePermit,
}

impl Default for Serving {
    fn default() -> Self {
        Self { worker: Mutex::default(), seats: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Serving {
    /// A place at the worker that is there, or at a new one. Waits while all are taken.
    pub(crate) async fn seat(&self, kind: &str) -> Result<Seat> {
        let seats = Arc::clone(&self.seats);
        let seat = seats.acquire_owned().await.expect("the semaphore is never closed");
        let mut kept = self.worker.lock().await;
        let living = kept.take().map(|(worker, _)| worker).filter(|worker| !worker.has_ended());
        let worker = match living {
            Some(worker) => worker,
            None => Arc::new(Worker::start(kind)?),
        };
        *kept = Some((Arc::clone(&worker), Instant::now()));
        Ok(Seat { worker, _seat: seat })
    }

    /// Ends a worker that nobody needed for a while.
    pub(crate) fn rest(&self) {
        let Ok(mut kept) = self.worker.try_lock() else { return };
        let over = |(worker, used): &mut (Arc<Worker>, Instant)| {
            Arc::strong_count(worker) == 1 && used.elapsed() > IDLE
        };
        drop(kept.take_if(over));
    }
}
