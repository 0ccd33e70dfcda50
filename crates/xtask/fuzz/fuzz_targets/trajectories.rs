//! Stored trajectories and tasks, as a damaged object or another version may hold them.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sera_core::{Task, Trajectory};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(trajectory) = serde_json::from_slice::<Trajectory>(bytes) {
        let text = serde_json::to_vec(&trajectory).expect("what was read can be written");
        serde_json::from_slice::<Trajectory>(&text).expect("what was written can be read");
    }
    if let Ok(task) = serde_json::from_slice::<Task>(bytes) {
        let text = serde_json::to_vec(&task).expect("what was read can be written");
        serde_json::from_slice::<Task>(&text).expect("what was written can be read");
    }
});
