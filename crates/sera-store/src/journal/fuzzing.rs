//! The journal alone, for the fuzz target: a store opens an index beside it, which takes most of a
//! second.
use super::{Change, Form, Journal, Record};
use crate::StoreError;
use std::path::Path;

/// Opens the journal in `folder`, whatever it holds: what it says that it holds can be read, what is
/// appended is there when it is opened again, and so is everything else.
///
/// # Panics
/// Where one of these is not so.
pub fn journal_survives(folder: &Path) -> Result<(), StoreError> {
    let (journal, scanned) = Journal::open(folder)?;
    for change in &scanned.changes {
        let Some(place) = change.place else { continue };
        let record = journal.read(place)?.expect("what was scanned can be read");
        assert_eq!(
            (record.seq, record.kind, record.key),
            (change.seq, change.kind, change.key.clone())
        );
    }
    let (key, body) = ("here".to_owned(), b"1".to_vec());
    let record = Record { seq: 0, kind: 1, schema: 1, form: Form::Inline, key, body };
    journal.append(vec![record])?;
    drop(journal);
    let (_, again) = Journal::open(folder)?;
    let names = |changes: &[Change]| -> Vec<_> {
        changes.iter().map(|change| (change.seq, change.key.clone())).collect()
    };
    let (before, mut after) = (names(&scanned.changes), names(&again.changes));
    assert_eq!(after.pop().map(|(_, key)| key).as_deref(), Some("here"));
    assert_eq!(before, after, "what could be read before can be read");
    assert_eq!(again.torn, 0, "a torn end is cut once");
    Ok(())
}
