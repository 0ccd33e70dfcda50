//! How much each of several attempts may do so that all of them fit a time.

/// Fewer edits than this are no choice.
const LEAST: usize = 16;

/// Edits that the next attempt ranks: as many as wanted at first, then what the speed of the last
/// one lets hope for. Time is told, never asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    most: usize,
    edits: usize,
    attempts: usize,
    until: f64,
    /// What the last one took.
    seconds: f64,
}

impl Pace {
    /// For so many attempts that should be over `until` seconds after a fixed instant.
    pub fn new(edits: usize, attempts: usize, until: f64) -> Self {
        Self { most: edits, edits, attempts, until, seconds: 0.0 }
    }

    /// Edits that an attempt begun now ranks.
    pub fn edits(&self, now: f64) -> usize {
        if now > self.until { LEAST.min(self.most) } else { self.edits }
    }

    /// Whether another attempt would end too late, if it took as long as the last.
    pub fn is_over(&self, now: f64) -> bool {
        self.attempts == 0 || now + self.seconds > self.until
    }

    /// An attempt took until `now`, `seconds` in all.
    pub fn done(&mut self, seconds: f64, now: f64) {
        self.attempts = self.attempts.saturating_sub(1);
        self.seconds = seconds;
        let left = (self.until - now).max(0.0) / self.attempts.max(1) as f64;
        let fitting = self.edits as f64 * left / seconds.max(f64::MIN_POSITIVE);
        self.edits = (fitting as usize).clamp(LEAST.min(self.most), self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_attempts_rank_fewer_edits() {
        let check = |attempts: usize, took: &[f64], expect: &[usize]| {
            let mut pace = Pace::new(100, attempts, 60.0);
            let mut now = 0.0;
            for (seconds, edits) in took.iter().zip(expect) {
                assert_eq!(pace.edits(now), *edits, "after {now} s of {took:?}");
                now += seconds;
                pace.done(*seconds, now);
            }
        };
        check(6, &[1.0, 1.0, 1.0], &[100, 100, 100]);
        check(5, &[20.0, 10.0, 1.0], &[100, 50, 50]);
        check(5, &[50.0, 1.0, 40.0, 1.0], &[100, 16, 48, 16]);
        check(2, &[61.0, 1.0], &[100, 16]);
    }

    #[test]
    fn it_is_over_when_all_are_done_or_time_is_up() {
        let mut pace = Pace::new(100, 2, 60.0);
        assert!(!pace.is_over(59.0) && pace.is_over(61.0));
        pace.done(5.0, 5.0);
        assert!(!pace.is_over(54.0) && pace.is_over(56.0), "the next takes five seconds too");
        pace.done(1.0, 6.0);
        assert!(pace.is_over(6.0));
    }
}
