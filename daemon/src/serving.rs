//! The worker that serves: started when someone waits, kept while more may come.
use crate::worker::Worker;
use anyhow::Result;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

/// Orders that are carried out at once. More would only make each other wait, and every one holds
/// a context in memory.
const AT_ONCE: usize = 4;

/// After so long without an order the worker and its weights are given up.
const IDLE: Duration = Duration::from_secs(600);

/// A worker with its weights loaded; shared by all repositories.
pub(crate) struct Serving {
    worker: Mutex<Option<Arc<Worker>>>,
    seats: Arc<Semaphore>,
    /// When the last order ended.
    used: Arc<Moment>,
}

type Moment = std::sync::Mutex<Option<Instant>>;

/// A place at the worker, for one order.
pub(crate) struct Seat {
    /// The worker.
    pub(crate) worker: Arc<Worker>,
    used: Arc<Moment>,
    _seat: OwnedSemaphorePermit,
}

impl Drop for Seat {
    fn drop(&mut self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

impl Default for Serving {
    fn default() -> Self {
        let (worker, used) = (Mutex::default(), Arc::default());
        Self { worker, seats: Arc::new(Semaphore::new(AT_ONCE)), used }
    }
}

impl Serving {
    /// A place at the worker that is there, or at a new one. Waits while all are taken.
    pub(crate) async fn seat(&self, kind: &str) -> Result<Seat> {
        let seats = Arc::clone(&self.seats);
        let seat = seats.acquire_owned().await.expect("the semaphore is never closed");
        let mut kept = self.worker.lock().await;
        let living = kept.take().filter(|worker| !worker.has_ended());
        let worker = match living {
            Some(worker) => worker,
            None => Arc::new(Worker::start(kind)?),
        };
        *kept = Some(Arc::clone(&worker));
        Ok(Seat { worker, used: Arc::clone(&self.used), _seat: seat })
    }

    /// Lets the worker go with all that it holds in memory. Orders that it carries out are carried
    /// out; the next one is another worker's.
    pub(crate) async fn retire(&self) {
        drop(self.worker.lock().await.take());
    }

    /// Ends a worker that nobody needed for a while; whether there is none now.
    pub(crate) fn rest(&self) -> bool {
        let Ok(mut kept) = self.worker.try_lock() else { return false };
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let long_ago = used.is_some_and(|used| used.elapsed() > IDLE);
        drop(kept.take_if(|worker| long_ago && Arc::strong_count(worker) == 1));
        kept.is_none()
    }
}
