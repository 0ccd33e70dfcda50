//! Which threads compute: all of the pool, or one fewer while other work keeps a processor busy.
//!
//! An operation ends with its last task. Where another process keeps a processor busy, the thread
//! that shares it comes to its task milliseconds later than all others, which wait; without that
//! thread nobody waits. A token is thousands of such tasks, so it is found out while writing which
//! is faster: sums depend on no number of threads.
use rayon::ThreadPool;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

static PACE: Mutex<Pace> = Mutex::new(Pace { all: None, fewer: None, calls: 0 });

/// Runs `work` on the pool. A thread outside it waits for every operation by itself, asleep until
/// it is woken: that takes as long as reading a token's weights.
pub(crate) fn in_pool<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| work())
}

/// Runs `work` on as many threads as were fastest lately, and learns from how long it takes, about
/// in proportion to `size`, where it is done to its end.
pub(crate) fn paced<T: Send, E: Send>(
    size: f32,
    work: impl FnOnce() -> Result<T, E> + Send,
) -> Result<T, E> {
    let width = with_pace(Pace::choose);
    let start = Instant::now();
    let done = on(width, work);
    let seconds = start.elapsed().as_secs_f32();
    if done.is_ok() {
        with_pace(|pace| pace.learn(width, seconds / size));
    }
    done
}

/// Runs `work` on as many threads as were fastest lately.
pub(crate) fn as_paced<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    on(with_pace(|pace| pace.best()), work)
}

fn with_pace<T>(act: impl FnOnce(&mut Pace) -> T) -> T {
    act(&mut PACE.lock().unwrap_or_else(PoisonError::into_inner))
}

fn on<T: Send>(width: Width, work: impl FnOnce() -> T + Send) -> T {
    let fewer = match width {
        Width::All => None,
        Width::Fewer => fewer(),
    };
    match fewer {
        Some(pool) => pool.install(work),
        None => in_pool(work),
    }
}

/// A pool of one thread fewer than the usual one has; none where that is none.
fn fewer() -> Option<&'static ThreadPool> {
    static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let pool = || {
        let threads = rayon::current_num_threads() - 1;
        let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
        (threads > 0).then(|| builder.build().ok()).flatten()
    };
    POOL.get_or_init(pool).as_ref()
}

/// How many threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    All,
    Fewer,
}

/// One call in so many tries the other number of threads.
const PROBE: usize = 64;
/// How much faster fewer threads have to be.
const CLEARLY: f32 = 0.9;

/// How long work of size 1 took lately, seconds.
#[derive(Debug)]
struct Pace {
    all: Option<f32>,
    fewer: Option<f32>,
    calls: usize,
}

impl Pace {
    fn best(&self) -> Width {
        match (self.all, self.fewer) {
            (Some(all), Some(fewer)) if fewer < CLEARLY * all => Width::Fewer,
            (Some(_) | None, Some(_) | None) => Width::All,
        }
    }

    fn choose(&mut self) -> Width {
        self.calls += 1;
        match (self.calls.is_multiple_of(PROBE), self.best()) {
            (false, best) => best,
            (true, Width::All) => Width::Fewer,
            (true, Width::Fewer) => Width::All,
        }
    }

    /// What is faster than before is believed sooner than what is slower, which may be chance.
    fn learn(&mut self, width: Width, seconds: f32) {
        let slot = match width {
            Width::All => &mut self.all,
            Width::Fewer => &mut self.fewer,
        };
        *slot = Some(match *slot {
            None => seconds,
            Some(known) if seconds < known => 0.5 * (known + seconds),
            Some(known) => 0.75 * known + 0.25 * seconds.min(2.0 * known),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of so many calls, how many ran on fewer threads.
    fn calls(pace: &mut Pace, count: usize, all: f32, fewer: f32) -> usize {
        let call = |_: &usize| {
            let width = pace.choose();
            let took = if width == Width::All { all } else { fewer };
            pace.learn(width, took);
            width == Width::Fewer
        };
        (0..count).filter(call).count()
    }

    #[test]
    fn the_faster_number_of_threads_is_found_and_left_again() {
        let mut pace = Pace { all: None, fewer: None, calls: 0 };
        assert_eq!(calls(&mut pace, 10 * PROBE, 1.0, 1.6), 10, "only to try");
        let busy = calls(&mut pace, 10 * PROBE, 4.0, 1.7);
        assert!(busy > 9 * PROBE, "{busy}");
        let quiet = calls(&mut pace, 10 * PROBE, 1.0, 1.6);
        assert!(quiet < 4 * PROBE, "{quiet}");
        assert_eq!(calls(&mut pace, 10 * PROBE, 1.0, 1.6), 10);
    }

    #[test]
    fn one_slow_call_changes_nothing() {
        let mut pace = Pace { all: None, fewer: None, calls: 0 };
        calls(&mut pace, 2 * PROBE, 1.0, 1.6);
        pace.learn(Width::All, 100.0);
        assert_eq!(pace.best(), Width::All);
    }

    #[test]
    fn work_is_done_on_either() {
        for width in [Width::All, Width::Fewer] {
            assert_eq!(on(width, || (0..100).sum::<usize>()), 4950);
        }
    }
}
