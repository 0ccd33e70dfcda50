//! What a piece of work costs: wall seconds and the most memory held meanwhile.
use std::time::Instant;

/// Of one stage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) seconds: f64,
    /// Peak resident memory of the process, MB, where the system tells; what earlier stages still
    /// hold is counted too.
    pub(super) peak_mb: Option<u64>,
}

impl Cost {
    /// `seconds | peak`, for a table.
    pub(super) fn cells(&self) -> String {
        let peak = self.peak_mb.map_or_else(|| "?".to_owned(), |mb| mb.to_string());
        format!("{:.2} | {peak}", self.seconds)
    }
}

/// Does it and says what it cost.
pub(super) fn cost<T>(work: impl FnOnce() -> T) -> (T, Cost) {
    forget_peak();
    let started = Instant::now();
    let done = work();
    let peak_mb = sera_train::proc_bytes("/proc/self/status", "VmHWM").map(|bytes| bytes >> 20);
    (done, Cost { seconds: started.elapsed().as_secs_f64(), peak_mb })
}

/// Linux starts counting the peak again; elsewhere it stays that of the whole process.
fn forget_peak() {
    drop(std::fs::write("/proc/self/clear_refs", "5"));
}
