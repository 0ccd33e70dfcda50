//! Trees as archives, in and out: what comes back is untrusted and read with limits.
use super::spec::TREE;
use crate::Overlay;
use crate::overlay::{FILE_LIMIT, FILES_LIMIT, TOTAL_LIMIT};
use sera_core::{Digest, EntryKind, Tree as _, TreeError, TreePath};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use tar::{Archive, Builder, EntryType, Header};

/// Entries of an archive that are looked at.
const ENTRIES: usize = 500_000;
/// Files that are new and not ignored.
const NEW: usize = 10_000;
/// Bytes of a name.
const NAME: u64 = 64 << 10;
/// Bytes of an archive that are looked at.
const BYTES: u64 = 4 << 30;
/// Largest binary file that is sent.
const BINARY: usize = 16 << 20;

/// What is in a container's tree, by what was sent.
pub(super) type Sent = BTreeMap<TreePath, Digest>;

/// What commands made of a tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Texts that are new or other than they were.
    pub written: BTreeMap<TreePath, String>,
    /// Files that are gone.
    pub removed: BTreeSet<TreePath>,
    /// Files that changed and are no text that can be taken: binary, too large, links, odd names.
    pub left_out: usize,
}

/// Why a tree is not taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// More changed than an environment may change.
    #[error("commands changed more than may be changed")]
    TooMuch,
    /// What came is no archive, or not all of one.
    #[error("the tree did not come back whole")]
    Broken,
}

/// The whole of an overlay as an archive, and what it holds. Texts are redacted, deny-listed files
/// are not there, links that lead outside are not either.
pub(super) fn pack(overlay: &Overlay) -> Result<(Vec<u8>, Sent), TreeError> {
    let mut archive = Builder::new(Vec::new());
    let mut sent = Sent::new();
    for entry in overlay.list()?.iter() {
        let executable = entry.kind == EntryKind::Executable;
        match entry.kind {
            EntryKind::File | EntryKind::Executable => {}
            EntryKind::Link | EntryKind::Submodule => continue,
        }
        let bytes = match overlay.read_text(&entry.path) {
            Ok(text) => text.as_bytes().to_vec(),
            Err(TreeError::Unreadable { .. }) => match overlay.read_binary(&entry.path) {
                Ok(bytes) if bytes.len() <= BINARY && !hides(overlay, &bytes) => bytes.to_vec(),
                _ => continue,
            },
            Err(TreeError::Missing(_)) => continue,
            Err(error @ TreeError::Odb { .. }) => return Err(error),
        };
        sent.insert(entry.path.clone(), Digest::of(&bytes));
        append(&mut archive, &entry.path, &bytes, executable);
    }
    Ok((finish(archive), sent))
}

/// Whether bytes that are no text hold a secret, read as text of one byte or two bytes a character.
/// Nothing can be replaced in them, so they stay out.
fn hides(overlay: &Overlay, bytes: &[u8]) -> bool {
    let narrow = String::from_utf8_lossy(bytes);
    let wide: Vec<u8> = bytes.iter().copied().filter(|&byte| byte != 0).collect();
    let found = |text: &str| overlay.redactor().redact(text).1 > 0;
    found(&narrow) || found(&String::from_utf8_lossy(&wide))
}

/// One folder of a tree as the context of a build, with the file that says how to build in it under
/// a name of its own.
pub(super) fn context(
    tree: &Overlay,
    folder: Option<&TreePath>,
    recipe: (&str, &str),
) -> Result<Vec<u8>, TreeError> {
    let mut archive = Builder::new(Vec::new());
    let prefix = folder.map(|folder| format!("{folder}/")).unwrap_or_default();
    for path in tree.files()? {
        let inside = path.as_str().strip_prefix(&prefix).and_then(|path| TreePath::new(path).ok());
        if let (Some(inside), Ok(text)) = (inside, tree.read_text(&path)) {
            append(&mut archive, &inside, text.as_bytes(), text.starts_with("#!"));
        }
    }
    let name = TreePath::new(recipe.0).expect("it is named here");
    append(&mut archive, &name, recipe.1.as_bytes(), false);
    Ok(finish(archive))
}

/// Some files as an archive.
pub(super) fn pack_some<'a>(
    overlay: &Overlay,
    files: impl Iterator<Item = (&'a TreePath, &'a str)>,
) -> Result<Vec<u8>, TreeError> {
    let mut archive = Builder::new(Vec::new());
    let entries = overlay.list()?;
    for (path, text) in files {
        let at = entries.binary_search_by(|entry| entry.path.cmp(path));
        let executable = at.is_ok_and(|at| entries[at].kind == EntryKind::Executable);
        append(&mut archive, path, text.as_bytes(), executable);
    }
    Ok(finish(archive))
}

fn append(archive: &mut Builder<Vec<u8>>, path: &TreePath, bytes: &[u8], executable: bool) {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(bytes.len() as u64);
    header.set_mode(if executable { 0o755 } else { 0o644 });
    header.set_uid(65534);
    header.set_gid(65534);
    header.set_mtime(0);
    // A path too long for any archive is one file less.
    drop(archive.append_data(&mut header, path.as_str(), bytes));
}

fn finish(archive: Builder<Vec<u8>>) -> Vec<u8> {
    archive.into_inner().expect("archives in memory take all")
}

/// What an archive of the tree says has changed since `sent`. `ignored` are new files that are
/// nobody's: what a build makes.
pub(super) fn changes(
    archive: &mut dyn Read,
    sent: &Sent,
    ignored: &dyn Fn(&TreePath) -> bool,
) -> Result<Changes, Unfit> {
    let mut archive = Archive::new(archive.take(BYTES));
    let mut found = Changes::default();
    // Of what was sent, what is still there.
    let (mut there, mut bytes) = (BTreeSet::new(), 0);
    // Raw: otherwise whatever an extension claims to hold is read into memory.
    let entries = archive.entries().map_err(|_| Unfit::Broken)?.raw(true);
    let (mut named, mut new) = (None, 0);
    for (at, entry) in entries.enumerate() {
        let mut entry = entry.map_err(|_| Unfit::Broken)?;
        if at > ENTRIES {
            return Err(Unfit::TooMuch);
        }
        if let Some(name) = extension(&mut entry)? {
            named = name.or(named);
            continue;
        }
        let name = named.take().unwrap_or_else(|| entry.path_bytes().into_owned());
        if entry.header().entry_type() == EntryType::Directory {
            continue;
        }
        let Some(path) = path_of(&name) else {
            found.left_out += 1;
            continue;
        };
        let before = sent.get(&path);
        if before.is_none() {
            if ignored(&path) {
                continue;
            }
            new += 1;
        } else {
            there.insert(path.clone());
        }
        match text(&mut entry, before) {
            Content::Same => {}
            Content::Other => found.left_out += 1,
            Content::Text(text) => {
                bytes += text.len();
                found.written.insert(path, text);
            }
        }
        if bytes > TOTAL_LIMIT || found.written.len() > FILES_LIMIT || new > NEW {
            return Err(Unfit::TooMuch);
        }
    }
    found.removed = sent.keys().filter(|path| !there.contains(*path)).cloned().collect();
    if found.removed.len() > FILES_LIMIT { Err(Unfit::TooMuch) } else { Ok(found) }
}

/// What an entry says of the next one: its name, if that; none where it is an entry of its own.
fn extension<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<Option<Option<Vec<u8>>>, Unfit> {
    let kind = entry.header().entry_type();
    let pax = matches!(kind, EntryType::XHeader | EntryType::XGlobalHeader);
    if !pax && !matches!(kind, EntryType::GNULongName | EntryType::GNULongLink) {
        return Ok(None);
    }
    if entry.size() > NAME {
        return Err(Unfit::Broken);
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(|_| Unfit::Broken)?;
    if kind == EntryType::GNULongName {
        bytes.truncate(bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len()));
        return Ok(Some(Some(bytes)));
    }
    let said = if kind == EntryType::XHeader {
        tar::PaxExtensions::new(&bytes)
    } else {
        return Ok(Some(None));
    };
    let path = said.flatten().find(|one| one.key_bytes() == b"path");
    Ok(Some(path.map(|path| path.value_bytes().to_vec())))
}

enum Content {
    Same,
    Text(String),
    Other,
}

fn text<R: Read>(entry: &mut tar::Entry<'_, R>, before: Option<&Digest>) -> Content {
    let size = entry.size();
    let regular = matches!(entry.header().entry_type(), EntryType::Regular | EntryType::Continuous);
    // Binary files are sent up to a larger size, and are only ever compared.
    if !regular || size > BINARY as u64 {
        return Content::Other;
    }
    let mut bytes = Vec::with_capacity(size as usize);
    if entry.read_to_end(&mut bytes).is_err() {
        return Content::Other;
    }
    if before == Some(&Digest::of(&bytes)) {
        return Content::Same;
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.len() <= FILE_LIMIT && !text.contains('\0') => Content::Text(text),
        _ => Content::Other,
    }
}

fn path_of(bytes: &[u8]) -> Option<TreePath> {
    let path = std::str::from_utf8(bytes).ok()?;
    let path = path.strip_prefix("./").unwrap_or(path);
    let inside = path.strip_prefix(TREE).is_none_or(|rest| !rest.starts_with('/'));
    inside.then(|| TreePath::new(path).ok()).flatten()
}
