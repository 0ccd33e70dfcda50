//! Trajectories of others, row by row, and what is asked of a row before it is looked at.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sera_datagen::import::Row;

fuzz_target!(|text: &str| {
    if let Ok(row) = Row::read(text) {
        row.revision();
        assert!(!row.name().contains('\0'));
    }
});
