//! Objects: immutable files named by the BLAKE3 digest of their bytes.
use crate::StoreError;
use crate::files::{create_folder, entries, sync_folder};
use sera_core::Digest;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The folder of objects: `ab/cdef…`, and `tmp/` for what is being written.
pub(crate) struct Objects {
    root: PathBuf,
    /// Folders in it whose names are durable: that another thread has created one is not enough.
    durable: Mutex<BTreeSet<PathBuf>>,
}

/// What a look at every object found.
#[derive(Default)]
pub(crate) struct Checked {
    /// Objects whose bytes are right.
    pub(crate) sound: usize,
    /// Bytes in them.
    pub(crate) bytes: u64,
    /// Objects whose bytes are wrong; they were moved to the quarantine.
    pub(crate) damaged: Vec<Digest>,
}

impl Objects {
    pub(crate) fn open(dir: &Path) -> Result<Self, StoreError> {
        let root = dir.join("objects");
        let tmp = root.join("tmp");
        // What a killed process was writing was never acknowledged.
        match fs::remove_dir_all(&tmp) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::io(format!("clear {}", tmp.display()))(error));
            }
            Ok(()) | Err(_) => create_folder(&tmp)?,
        }
        sync_folder(dir)?;
        // A killed process may have created some and synced nothing.
        let folders = entries(&root)?.into_iter().collect();
        sync_folder(&root)?;
        Ok(Self { root, durable: Mutex::new(folders) })
    }

    /// Where an object stands, there or not. A digest that is no digest stands nowhere.
    pub(crate) fn path(&self, digest: &Digest) -> Result<PathBuf, StoreError> {
        let hex = digest.as_str();
        let proper = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !proper {
            return Err(StoreError::NoObject(digest.clone()));
        }
        Ok(self.root.join(&hex[..2]).join(&hex[2..]))
    }

    /// Writes objects durably: their bytes, then their names, one sync per folder.
    pub(crate) fn put(&self, contents: &[&[u8]]) -> Result<Vec<Digest>, StoreError> {
        let mut folders = BTreeSet::new();
        let digests: Vec<Digest> = contents.iter().map(|bytes| Digest::of(bytes)).collect();
        for (bytes, digest) in contents.iter().zip(&digests) {
            let path = self.path(digest)?;
            if self.verify(digest).is_ok() {
                // Its bytes were synced before it got its name; the name may not be.
                folders.insert(self.folder_of(&path)?);
                continue;
            }
            let doing = || format!("write {}", path.display());
            let mut file = tempfile::NamedTempFile::new_in(self.root.join("tmp"))
                .map_err(StoreError::io(doing()))?;
            file.write_all(bytes).map_err(StoreError::io(doing()))?;
            file.as_file().sync_all().map_err(StoreError::io(doing()))?;
            folders.insert(self.folder_of(&path)?);
            file.persist(&path).map_err(|error| StoreError::io(doing())(error.error))?;
        }
        folders.iter().try_for_each(|folder| sync_folder(folder))?;
        Ok(digests)
    }

    /// Takes over a file that a worker wrote, if it is what it should be.
    pub(crate) fn adopt(&self, from: &Path, digest: &Digest) -> Result<(), StoreError> {
        let doing = || format!("take over {}", from.display());
        let wrong = || StoreError::WrongDigest { path: from.to_owned(), digest: digest.clone() };
        let path = self.path(digest).map_err(|_| wrong())?;
        let regular = fs::symlink_metadata(from).map_err(StoreError::io(doing()))?.is_file();
        if !regular || hash(from).map_err(StoreError::io(doing()))? != *digest {
            return Err(wrong());
        }
        let folder = self.folder_of(&path)?;
        let writable = File::options().write(true).open(from).map_err(StoreError::io(doing()))?;
        writable.sync_all().map_err(StoreError::io(doing()))?;
        match fs::rename(from, &path) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let bytes = fs::read(from).map_err(StoreError::io(doing()))?;
                if self.put(&[&bytes])? != [digest.clone()] {
                    return Err(wrong());
                }
                fs::remove_file(from).map_err(StoreError::io(doing()))?;
            }
            renamed => renamed.map_err(StoreError::io(doing()))?,
        }
        sync_folder(&folder)
    }

    /// The bytes of an object, checked.
    pub(crate) fn read(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let path = self.path(digest)?;
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::NoObject(digest.clone()));
            }
            read => read.map_err(StoreError::io(format!("read {}", path.display())))?,
        };
        if Digest::of(&bytes) == *digest {
            Ok(bytes)
        } else {
            Err(StoreError::DamagedObject(digest.clone()))
        }
    }

    /// Checks an object without holding it in memory; its length in bytes.
    pub(crate) fn verify(&self, digest: &Digest) -> Result<u64, StoreError> {
        let path = self.path(digest)?;
        let doing = || format!("read {}", path.display());
        match hash(&path) {
            Ok(found) if found == *digest => {
                Ok(fs::metadata(&path).map_err(StoreError::io(doing()))?.len())
            }
            Ok(_) => Err(StoreError::DamagedObject(digest.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(StoreError::NoObject(digest.clone()))
            }
            Err(error) => Err(StoreError::io(doing())(error)),
        }
    }

    /// Checks every object and moves damaged ones out of the way, so that they can be put again.
    pub(crate) fn check(&self, dir: &Path) -> Result<Checked, StoreError> {
        let mut checked = Checked::default();
        for (digest, path) in self.all()? {
            match self.verify(&digest) {
                Ok(bytes) => {
                    checked.sound += 1;
                    checked.bytes += bytes;
                }
                Err(_) => {
                    let aside = dir.join("quarantine");
                    create_folder(&aside)?;
                    fs::rename(&path, aside.join(format!("object-{digest}")))
                        .map_err(StoreError::io(format!("move {}", path.display())))?;
                    checked.damaged.push(digest);
                }
            }
        }
        Ok(checked)
    }

    /// Every object by the digest that its name spells, and its file.
    fn all(&self) -> Result<Vec<(Digest, PathBuf)>, StoreError> {
        let mut all = Vec::new();
        for folder in entries(&self.root)? {
            let Some(first) = folder.file_name().and_then(|name| name.to_str()) else { continue };
            if first.len() != 2 {
                continue;
            }
            for path in entries(&folder)? {
                let Some(rest) = path.file_name().and_then(|name| name.to_str()) else { continue };
                all.push((Digest::from_hex(format!("{first}{rest}")), path.clone()));
            }
        }
        Ok(all)
    }

    /// Removes every object that is not among `kept`; how many there were.
    pub(crate) fn retain(&self, kept: &BTreeSet<Digest>) -> Result<u64, StoreError> {
        let (mut removed, mut folders) = (0, BTreeSet::new());
        for (_, path) in self.all()?.into_iter().filter(|(digest, _)| !kept.contains(digest)) {
            fs::remove_file(&path).map_err(StoreError::io(format!("remove {}", path.display())))?;
            folders.insert(self.folder_of(&path)?);
            removed += 1;
        }
        folders.iter().try_for_each(|folder| sync_folder(folder))?;
        Ok(removed)
    }

    /// The folder of an object, made durable where it is new.
    fn folder_of(&self, path: &Path) -> Result<PathBuf, StoreError> {
        let folder = path.parent().expect("an object has a folder").to_owned();
        let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        if !durable.contains(&folder) {
            create_folder(&folder)?;
            sync_folder(&self.root)?;
            durable.insert(folder.clone());
        }
        Ok(folder)
    }
}

fn hash(path: &Path) -> io::Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(Digest::from_hex(hasher.finalize().to_hex().as_str()))
}
