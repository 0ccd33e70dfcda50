//! One repository as the daemon holds it: git on one side, our folder beside it on the other.
use crate::audit::{self, Place, Wish};
use crate::cycle::now_ms;
use crate::order::{Counts, Found, Generated, MineDone};
use crate::records::{Adapter, Fresh, Records};
use crate::schedule::Policy;
use crate::{forget, kept};
use anyhow::{Context as _, Result};
use sera_core::audit::{Audit, Event};
use sera_core::scorecard::Capability;
use sera_core::{AdapterId, CommitId, Digest};
use sera_git::Repository;
use sera_protocol::method::RepositoryStatus;
use sera_protocol::report::AuditReport;
use sera_store::AuditLog;
use sera_train::promote::Decision;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// An adapter is trained when one in so many functions and commits is new to it, and not for fewer
/// than the least.
const SHARE_NEW: u64 = 20;
const LEAST_NEW: u64 = 30;

/// A registered repository.
pub(crate) struct Engine {
    /// Its history and trees; what is checked out in its main work tree is mined.
    pub(crate) repository: Repository,
    /// What is known about it.
    pub(crate) records: Records,
    /// Key of this repository's pseudonyms.
    pub(crate) key: [u8; 32],
    /// What was sent, ran and changed.
    pub(crate) log: Arc<AuditLog>,
    /// An adapter was withdrawn and none is trained in its place yet, or there is enough that is
    /// new. Stored, too: this is asked by every poll, which should not open the store.
    due: AtomicBool,
    /// The commit that was mined last. Stored, too, for the same reason.
    mined: Mutex<Option<CommitId>>,
    /// What this daemon's last mining left in the store: the list of it, and how much it is. None
    /// before, and once something was removed: then all that is found is compared with the store.
    found: Mutex<Option<(Option<Digest>, Counts)>>,
    /// Held by whoever mines: twice at once would find the same twice.
    pub(crate) mining: tokio::sync::Mutex<()>,
    /// What was said of the store when it bore a stamp: whoever asks each second must not keep its
    /// index open.
    described: Mutex<Option<(u64, RepositoryStatus)>>,
    /// Held while adapters are laid out, or what was is removed.
    laid_out: Mutex<()>,
    folder: PathBuf,
}

impl Engine {
    /// Opens the repository's store; `state` is the user's.
    pub(crate) fn open(repository: Repository, state: &Path) -> Result<Self> {
        let folder = crate::folder::of(repository.common_dir(), state)?;
        let key = key(&folder.join("key"))?;
        let records = Records::open(&folder.join("store"))?;
        let incoming = folder.join("incoming");
        // What an earlier daemon's workers left half done belongs to nobody.
        drop(std::fs::remove_dir_all(&incoming));
        drop(std::fs::remove_dir_all(folder.join("exports")));
        kept::sweep(&folder.join("reports"));
        private_folder(&incoming)?;
        let due = AtomicBool::new(records.retraining()? || records.fresh()?.due);
        let (laid_out, mining, described, found) = Default::default();
        let mined = Mutex::new(records.mined()?.map(|mined| mined.tip));
        let log = Arc::new(Place::below(&folder, key, records.audited()?).log());
        let engine = Self {
            repository,
            records,
            key,
            log,
            due,
            mined,
            found,
            mining,
            described,
            laid_out,
            folder,
        };
        engine.anchor();
        if let Err(error) = forget::finish(&engine) {
            tracing::warn!(error = format!("{error:#}"), "something is not forgotten yet");
        }
        Ok(engine)
    }

    /// The repository as it is seen from the work tree that `path` lies in, which may be a linked
    /// one.
    pub(crate) fn seen_from(&self, path: &Path) -> Result<Repository> {
        let own = &self.repository;
        Ok(if path == own.work_dir() { own.clone() } else { Repository::discover(path)? })
    }

    /// Where workers write down what they send.
    pub(crate) fn audit_place(&self) -> Result<Place> {
        Ok(Place::below(&self.folder, self.key, self.records.audited()?))
    }

    /// A way to write into the audit log, for what outlives a borrow of this.
    pub(crate) fn audit(&self) -> Audit {
        audit::of(Arc::clone(&self.log))
    }

    /// Writes an event into the audit log, before what it tells of happens.
    pub(crate) fn record(&self, event: &Event) -> Result<u64> {
        let number = self.log.append(now_ms(), event).context("failed to write the audit log")?;
        self.anchor();
        Ok(number)
    }

    /// Stores what a mining found.
    pub(crate) fn keep_mined(&self, tip: &CommitId, done: &MineDone) -> Result<()> {
        let started = Instant::now();
        // Where that fails nobody knows what is there.
        self.forget_found();
        let fresh = self.records.keep_mined(tip, done, self.enough(done.counts))?;
        if fresh.due {
            self.due.store(true, Ordering::Relaxed);
        }
        *lock(&self.found) = Some((done.found.clone(), done.counts));
        let (seeds, blobs, worker_s) = (done.seeds.len(), done.blobs_read, done.seconds);
        let stored_s = started.elapsed().as_secs_f64();
        tracing::debug!(%tip, seeds, blobs, worker_s, stored_s, "mined");
        *lock(&self.mined) = Some(tip.clone());
        Ok(())
    }

    /// How many seeds are stored.
    pub(crate) fn counts(&self) -> Result<Counts> {
        let found = lock(&self.found).as_ref().map(|(_, counts)| *counts);
        found.map_or_else(|| self.records.counts(), Ok)
    }

    /// Seeds were removed by somebody else than a mining.
    pub(crate) fn forget_found(&self) {
        *lock(&self.found) = None;
    }

    /// The list of what is stored of the last mining.
    pub(crate) fn found(&self) -> Found {
        let name = lock(&self.found).as_ref().and_then(|(name, _)| name.clone());
        Found { path: self.folder.join("found"), name }
    }

    /// The commit that was mined last.
    pub(crate) fn mined(&self) -> Option<CommitId> {
        lock(&self.mined).clone()
    }

    /// What `describe` says of the store, asked anew only once something was stored.
    pub(crate) fn described(
        &self,
        describe: impl FnOnce() -> Result<RepositoryStatus>,
    ) -> Result<RepositoryStatus> {
        let stamp = self.records.store().stamp();
        if let Some((then, status)) = &*lock(&self.described)
            && *then == stamp
        {
            return Ok(status.clone());
        }
        let status = describe()?;
        *lock(&self.described) = Some((stamp, status.clone()));
        Ok(status)
    }

    /// Makes the decisions about an adapter real, and tells the audit log before.
    pub(crate) fn promote(
        &self,
        adapter: &Adapter,
        decisions: &BTreeMap<Capability, Decision>,
    ) -> Result<()> {
        let _alone = self.records.promoting();
        for (capability, _) in decisions.iter().filter(|(_, decision)| decision.promoted()) {
            let (capability, adapter) = (capability.name().to_owned(), adapter.id.to_string());
            self.record(&Event::Promoted { capability, adapter })?;
        }
        self.records.keep_decisions(adapter, decisions)
    }

    /// What a client wishes to see of the audit log, once all of it is checked.
    pub(crate) fn audited(&self, wish: &Wish<'_>) -> Result<AuditReport> {
        let anchor = self.records.audited()?;
        let (report, restarted) = audit::report(&self.log, anchor.as_slice(), wish)?;
        if restarted {
            self.records.keep_audited(&self.log.head(now_ms())?)?;
        }
        Ok(report)
    }

    /// Keeps in the journal how far the audit log has come. Where that is not to be had, whoever
    /// reads or writes the log is told.
    pub(crate) fn anchor(&self) {
        let kept = || -> Result<()> {
            let head = self.log.head(now_ms())?;
            let before = self.records.audited()?;
            let further = before.as_ref().is_none_or(|before| before.count < head.count);
            if further { self.records.keep_audited(&head) } else { Ok(()) }
        };
        if let Err(error) = kept() {
            tracing::warn!(error = format!("{error:#}"), "the audit log is not well");
        }
    }

    /// Removes what lies beside the store: adapters laid out that are none any more, files that
    /// nobody took away, and pages and replies that were paid for, which may tell of anything.
    pub(crate) fn remove_copies(&self) -> Result<()> {
        self.remove_laid_out()?;
        for copies in [self.folder.join("exports"), self.pages()] {
            gone(std::fs::remove_dir_all(&copies), &copies)?;
        }
        gone(std::fs::remove_file(self.known()), &self.known())?;
        let found = self.found().path;
        gone(std::fs::remove_file(&found), &found)?;
        gone(std::fs::remove_file(self.paid()), &self.paid())
    }

    /// Removes adapters laid out that are none any more.
    pub(crate) fn remove_laid_out(&self) -> Result<()> {
        let _alone = lock(&self.laid_out);
        let known: BTreeSet<String> =
            self.records.adapters()?.iter().map(|adapter| adapter.id.to_string()).collect();
        for entry in std::fs::read_dir(self.folder.join("adapters")).into_iter().flatten() {
            let entry = entry.context("failed to list adapters")?;
            if !known.contains(&*entry.file_name().to_string_lossy()) {
                gone(std::fs::remove_dir_all(entry.path()), &entry.path())?;
            }
        }
        Ok(())
    }

    /// Lays an adapter out to be served. None where it was withdrawn since it was chosen: a person
    /// is answered beside a forgetting, and must not bring back what that removes.
    pub(crate) fn lay_out(&self, id: AdapterId) -> Result<Option<PathBuf>> {
        let _alone = lock(&self.laid_out);
        let Some(adapter) = self.records.adapter(id)? else { return Ok(None) };
        let folder = self.adapter_folder(id);
        if !folder.is_dir() {
            self.lay_out_whole(&adapter, &folder)?;
        }
        Ok(Some(folder))
    }

    /// Killed in between, half an adapter would lie there for ever.
    fn lay_out_whole(&self, adapter: &Adapter, folder: &Path) -> Result<()> {
        let part = self.incoming().join(adapter.id.to_string());
        let laid = self.records.lay_out(&adapter.files, &part).and_then(|()| {
            private_folder(&self.folder.join("adapters"))?;
            let failed = || format!("failed to make {}", folder.display());
            std::fs::rename(&part, folder).with_context(failed)
        });
        if laid.is_err() {
            drop(std::fs::remove_dir_all(&part));
        }
        laid
    }

    /// Whether an adapter is to be trained: one was withdrawn, or there is enough that is new.
    pub(crate) fn is_due(&self) -> bool {
        self.due.load(Ordering::Relaxed)
    }

    /// Says that one is to be trained in the place of one that was withdrawn; survives this process.
    pub(crate) fn set_retraining(&self) -> Result<()> {
        self.records.keep_retraining(true)?;
        self.due.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// An adapter was trained of all there is.
    pub(crate) fn trained(&self) -> Result<()> {
        self.records.keep_fresh(Fresh::default())?;
        self.due.store(self.records.retraining()?, Ordering::Relaxed);
        Ok(())
    }

    /// One was, and it was decided about.
    pub(crate) fn retrained(&self) -> Result<()> {
        self.records.keep_retraining(false)?;
        self.trained()
    }

    /// How much must be new before an adapter is trained: what the user says, or a share of all.
    fn enough(&self, counts: Counts) -> u64 {
        let settings = self.repository.settings().ok();
        let policy = settings.and_then(|settings| Policy::of(&settings).ok()).unwrap_or_default();
        let share = (counts.functions + counts.commits) / SHARE_NEW;
        policy.seeds.unwrap_or_else(|| share.max(LEAST_NEW))
    }

    /// What mining knows: a file of its own, which holds commits whole.
    pub(crate) fn known(&self) -> PathBuf {
        self.folder.join("known")
    }

    /// Where workers find orders and leave results.
    pub(crate) fn incoming(&self) -> PathBuf {
        self.folder.join("incoming")
    }

    /// Replies of a teacher that are paid for and not part of a record yet.
    pub(crate) fn paid(&self) -> PathBuf {
        self.folder.join("paid.jsonl")
    }

    /// Servers of a teacher that were found to call no tools, for as long as those replies are kept.
    pub(crate) fn toolless(&self) -> PathBuf {
        self.folder.join("toolless.jsonl")
    }

    /// Forgets those replies once all that they went into is stored.
    pub(crate) fn settle(&self, done: &Generated) {
        let whole = done.ended.is_none() && done.failed == 0 && done.unused == 0;
        if whole && done.request.is_none() {
            drop(std::fs::remove_file(self.paid()));
            drop(std::fs::remove_file(self.toolless()));
        }
    }

    /// A fresh folder for files that whoever asked for them takes away; what nobody took is gone
    /// with the next start.
    pub(crate) fn export_folder(&self) -> Result<PathBuf> {
        let folder = self.folder.join("exports").join(format!("{:016x}", rand::random::<u64>()));
        private_folder(&folder)?;
        Ok(folder)
    }

    /// Writes the page about an adapter, in the place of an earlier one; where it lies.
    pub(crate) fn keep_page(&self, id: AdapterId, html: &str) -> Result<PathBuf> {
        private_folder(&self.pages())?;
        let page = self.page(id);
        kept::replace(&page, html.as_bytes())?;
        Ok(page)
    }

    /// Where the page about an adapter lies once it is written.
    pub(crate) fn page(&self, id: AdapterId) -> PathBuf {
        self.pages().join(format!("{id}.html"))
    }

    fn pages(&self) -> PathBuf {
        self.folder.join("reports")
    }

    /// Where a promoted adapter is laid out for serving.
    pub(crate) fn adapter_folder(&self, id: AdapterId) -> PathBuf {
        self.folder.join("adapters").join(id.to_string())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether something is not there any more.
fn gone(removed: std::io::Result<()>, path: &Path) -> Result<()> {
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove {}", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A folder only its owner may enter.
fn private_folder(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .recursive(true)
        .create(path)
        .with_context(|| format!("failed to make {}", path.display()))
}

/// A secret key, made once. It never leaves its folder.
pub(crate) fn key(path: &Path) -> Result<[u8; 32]> {
    if let Ok(bytes) = std::fs::read(path)
        && let Ok(key) = <[u8; 32]>::try_from(bytes)
    {
        return Ok(key);
    }
    let key: [u8; 32] = rand::random();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file =
        options.open(path).with_context(|| format!("failed to write {}", path.display()))?;
    std::io::Write::write_all(&mut file, &key)
        .with_context(|| format!("failed to write {}", path.display()))?;
    Ok(key)
}
