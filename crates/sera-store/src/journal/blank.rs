//! Overwriting what no longer counts, where it stands.
//!
//! A record that power or a kill leaves half overwritten would be damage, so what is to be
//! overwritten is written down beside the journal first, and done again at the next opening.
use super::{
    Change, Form, HEAD, Journal, MARK, Place, Record, checksum, decode, encode, lock, scan,
};
use crate::StoreError;
use crate::files::sync_folder;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// The list of what is being overwritten: `offset, body length, record without its body` each,
/// after the checksum of all that follows.
const LIST: &str = "journal.blank";

/// A record that takes the place of another, as long as that.
struct Blank {
    offset: u64,
    body: u32,
    /// Without its body.
    record: Record,
    flags: u8,
}

impl Journal {
    /// Overwrites what no longer counts in place: the bodies of records that are not `live`, by
    /// number, and what is damaged. The records stay, as tombstones of what was overwritten long
    /// ago, so that nothing that is numbered is missing. What a newer version wrote is left as it
    /// is. How many there were, and the records that stay.
    pub(crate) fn blank(
        &self,
        live: &dyn Fn(&Change) -> bool,
    ) -> Result<(u64, Vec<Record>), StoreError> {
        let failed = || StoreError::io(format!("overwrite in {}", self.path.display()));
        // Nobody appends meanwhile.
        let mut writer = lock(&self.writer);
        let scanned = scan(&self.path)?;
        let (mut blanks, mut stay) = (Vec::new(), Vec::new());
        for change in &scanned.changes {
            let Some(place) = change.place else { continue };
            let bytes = read(&mut writer.file, place.offset, u64::from(place.length));
            let Some((record, flags)) = decode(&bytes.map_err(failed())?) else { continue };
            if live(change) {
                stay.push(record);
            } else {
                blanks.push(Blank::of(place, record, flags));
            }
        }
        let dir = self.path.parent().expect("a journal has a folder");
        if let Err(error) = write_down(dir, &blanks) {
            drop(remove(dir));
            return Err(error);
        }
        for blank in &blanks {
            blank.write(&mut writer.file).map_err(failed())?;
        }
        for damaged in &scanned.damaged {
            let length = damaged.end - damaged.start;
            let mut bytes = read(&mut writer.file, damaged.start, length).map_err(failed())?;
            if !is_intact(&bytes) {
                bytes.fill(0);
                write(&mut writer.file, damaged.start, &bytes).map_err(failed())?;
            }
        }
        writer.file.sync_data().map_err(failed())?;
        remove(dir)?;
        Ok((blanks.len() as u64, stay))
    }
}

/// Finishes what a killed process was overwriting.
pub(super) fn resume(dir: &Path, journal: &mut File) -> Result<(), StoreError> {
    let path = dir.join(LIST);
    let doing = || StoreError::io(format!("read {}", path.display()));
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        read => read.map_err(doing())?,
    };
    for blank in written_down(&bytes).unwrap_or_default() {
        let place = (blank.offset, blank.length());
        let end = journal.metadata().map_err(doing())?.len();
        if place.0 + place.1 <= end {
            blank.write(journal).map_err(StoreError::io("overwrite in the journal"))?;
        }
    }
    journal.sync_data().map_err(StoreError::io("sync the journal"))?;
    remove(dir)
}

impl Blank {
    fn of(place: Place, record: Record, flags: u8) -> Self {
        let body = record.body.len() as u32;
        let record = Record { form: Form::Tombstone, body: Vec::new(), ..record };
        Self { offset: place.offset, body, record, flags }
    }

    fn length(&self) -> u64 {
        (HEAD + super::FIXED + self.record.key.len()) as u64 + u64::from(self.body)
    }

    fn write(&self, journal: &mut File) -> std::io::Result<()> {
        let body = vec![0; self.body as usize];
        let mut bytes = Vec::new();
        encode(&Record { body, ..self.record.clone() }, self.flags, &mut bytes);
        write(journal, self.offset, &bytes)
    }
}

/// Writes the list, durably.
fn write_down(dir: &Path, blanks: &[Blank]) -> Result<(), StoreError> {
    let mut bytes = vec![0; 4];
    for blank in blanks {
        bytes.extend_from_slice(&blank.offset.to_le_bytes());
        bytes.extend_from_slice(&blank.body.to_le_bytes());
        encode(&blank.record, blank.flags, &mut bytes);
    }
    let crc = crc32c::crc32c(&bytes[4..]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    let path = dir.join(LIST);
    let failed = || StoreError::io(format!("write {}", path.display()));
    let mut file = File::create(&path).map_err(failed())?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed())?;
    sync_folder(dir)
}

/// The list, if it was written to its end; before that nothing was overwritten.
fn written_down(bytes: &[u8]) -> Option<Vec<Blank>> {
    let crc = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?);
    let mut rest = bytes.get(4..).filter(|rest| crc32c::crc32c(rest) == crc)?;
    let mut blanks = Vec::new();
    while !rest.is_empty() {
        let offset = u64::from_le_bytes(rest.get(..8)?.try_into().ok()?);
        let body = u32::from_le_bytes(rest.get(8..12)?.try_into().ok()?);
        let length = super::whole(&rest[12..])?;
        let (record, flags) = decode(rest.get(12..12 + length)?)?;
        blanks.push(Blank { offset, body, record, flags });
        rest = &rest[12 + length..];
    }
    Some(blanks)
}

fn remove(dir: &Path) -> Result<(), StoreError> {
    let path = dir.join(LIST);
    fs::remove_file(&path).map_err(StoreError::io(format!("remove {}", path.display())))
}

fn read(file: &mut File, offset: u64, length: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn write(file: &mut File, offset: u64, bytes: &[u8]) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

/// Whether bytes that cannot be read here open with a record all the same: a newer version's.
fn is_intact(bytes: &[u8]) -> bool {
    let number = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (Some(length), Some(crc)) = (number(4), number(8)) else { return false };
    let whole = bytes.get(..HEAD + length as usize);
    bytes.starts_with(MARK) && whole.is_some_and(|whole| checksum(whole) == crc)
}
