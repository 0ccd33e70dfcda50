//! Diffs of anybody: what is read prints as itself, undoes itself, and applies wholly or not at all.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sera_core::Patch;
use sera_core::overlap::overlap;

fuzz_target!(|text: &str| {
    let Ok(patch) = Patch::parse(text) else { return };
    let printed = patch.to_string();
    assert_eq!(Patch::parse(&printed).as_ref(), Ok(&patch), "{printed}");
    // The first turn puts removed lines before added ones.
    let undone = patch.inverse();
    assert_eq!(undone.inverse().inverse(), undone);
    if let Some(own) = overlap(&patch, &patch) {
        assert_eq!(own.recall, 1.0, "{printed}");
    }
    let lines = text.to_owned();
    drop(patch.apply(&|_| Some(lines.clone()), 3));
});
