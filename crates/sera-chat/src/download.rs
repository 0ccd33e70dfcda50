//! Files over HTTP: resumed where they broke off, and never taken without their checksum.
use crate::address::{self, is_loopback};
use crate::checksum::{Checksum, copy, is_sha256};
use crate::waiting::or_cancel;
use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{Client, Response, StatusCode, Url, redirect};
use sera_core::Cancel;
use sera_core::audit::{Audit, Event, Purpose, Unrecorded};
use std::fs::{self, File, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Called with the bytes so far and, where known, in all.
pub type Progress<'a> = dyn FnMut(u64, Option<u64>) + 'a;

/// The longest silence of a server.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

const MAX_REDIRECTS: usize = 10;

/// Why a file was not downloaded.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The caller cancelled; what came so far is kept for the next time.
    #[error("cancelled")]
    Cancelled,
    /// The address is not one that is fetched from.
    #[error("{url} is refused: {reason}")]
    Refused {
        /// The address.
        url: String,
        /// Why.
        reason: &'static str,
    },
    /// The server could not be reached.
    #[error("no connection to {host}")]
    NoNetwork {
        /// The server, or the tool that tried to reach one.
        host: String,
        /// The underlying error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server has no such file, or wants something of us.
    #[error("{url}: the server says {status}")]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The transfer broke off; what came is kept, and the next call goes on from there.
    #[error("the file broke off after {got} bytes{}", expected.map_or(String::new(), |n| format!(" of {n}")))]
    Truncated {
        /// Bytes that came.
        got: u64,
        /// Bytes there should be, where known.
        expected: Option<u64>,
    },
    /// What came is not the file that was asked for; it is thrown away.
    #[error("wrong checksum: {found} instead of {expected}")]
    WrongChecksum {
        /// SHA-256 of the file that was asked for.
        expected: String,
        /// SHA-256 of what came.
        found: String,
    },
    /// Another process is downloading the same file.
    #[error("{} is being downloaded by another process", .0.display())]
    Busy(PathBuf),
    /// The file could not be written.
    #[error("failed to write {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The transfer failed in another way.
    #[error("failed to download")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The request could not be written down, so it was not sent.
    #[error(transparent)]
    Unrecorded(#[from] Unrecorded),
}

impl DownloadError {
    /// What the user can do, in one sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Cancelled => "run it again: it goes on where it stopped",
            Self::Refused { .. } => "use an https address",
            Self::NoNetwork { .. } => "check the network, or name a local file instead",
            Self::Status { .. } => "check the name of the file, or name a local file instead",
            Self::Truncated { .. } => "run it again: it goes on where it broke off",
            Self::WrongChecksum { .. } => {
                "the file at the source is not the pinned one: try again, or another source"
            }
            Self::Busy(_) => "wait for the other one to end",
            Self::Io { .. } => "check permissions and free space",
            Self::Failed(_) => "try again, or name a local file instead",
            Self::Unrecorded(_) => "`git sera audit` says what is wrong with the log",
        }
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// Gets `url` into `to`, whose content must have this `sha256` (lower-case hex).
///
/// What comes is kept in `<to>.part` until it is complete and right, so a broken transfer goes on
/// where it stopped. Only https is fetched from, and plain http from this machine itself. Every
/// request is written down in `audit` before it is sent, redirected ones too.
pub fn download(
    url: &str,
    to: &Path,
    sha256: &str,
    progress: &mut Progress<'_>,
    cancel: &Cancel,
    audit: &Audit,
) -> Result<(), DownloadError> {
    let refused = |reason| DownloadError::Refused { url: url.to_owned(), reason };
    let parsed = Url::parse(url).map_err(|_| refused("it is not an address"))?;
    if !is_sha256(sha256) {
        return Err(refused("its checksum is not a SHA-256"));
    }
    allowed(&parsed).map_err(refused)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| DownloadError::Failed(Box::new(e)))?;
    let mut transfer = Transfer::open(parsed, to, cancel, audit)?;
    let resumed = transfer.got > 0;
    let mut outcome = runtime.block_on(transfer.run(sha256, progress));
    if resumed && matches!(outcome, Err(DownloadError::WrongChecksum { .. })) {
        // What an earlier run left behind may be of another file: once from the start, then.
        outcome = runtime.block_on(transfer.run(sha256, progress));
    }
    outcome?;
    transfer.finish(to)
}

/// Where `to` grows until it is complete.
pub(crate) fn part(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

/// Opens `<to>.part` and keeps other processes from doing so until it is closed.
pub(crate) fn lock(to: &Path) -> Result<File, DownloadError> {
    let path = part(to);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(DownloadError::io(folder))?;
    }
    let mut options = fs::OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false);
    let part = options.open(&path).map_err(DownloadError::io(&path))?;
    match part.try_lock() {
        Ok(()) => Ok(part),
        Err(TryLockError::WouldBlock) => Err(DownloadError::Busy(to.to_owned())),
        Err(TryLockError::Error(source)) => Err(DownloadError::Io { path, source }),
    }
}

fn allowed(url: &Url) -> Result<(), &'static str> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" => Err("plain http can be changed on the way"),
        _ => Err("only https is fetched from"),
    }
}

fn client(url: &Url, audit: &Audit) -> Result<Client, DownloadError> {
    let (scheme, audit) = (url.scheme().to_owned(), audit.clone());
    let follow = redirect::Policy::custom(move |attempt| {
        let too_many = attempt.previous().len() > MAX_REDIRECTS;
        if too_many || attempt.url().scheme() != scheme || allowed(attempt.url()).is_err() {
            return attempt.stop();
        }
        match audit.record(&sent(attempt.url())) {
            Ok(_) => attempt.follow(),
            Err(error) => attempt.error(error),
        }
    });
    let builder = address::client(url).read_timeout(IDLE_TIMEOUT).redirect(follow);
    builder.build().map_err(|e| DownloadError::Failed(Box::new(e)))
}

/// A request for a file. What may stand after the path of a redirected one is a key to it.
fn sent(url: &Url) -> Event {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    let to = bare.to_string();
    let (model, body, redactions) = (None, None, None);
    Event::Sent { purpose: Purpose::Download, to, model, bytes: 0, body, redactions }
}

/// One file on its way.
struct Transfer<'a> {
    url: Url,
    client: Client,
    path: PathBuf,
    part: File,
    got: u64,
    checksum: Checksum,
    cancel: &'a Cancel,
    audit: &'a Audit,
}

impl<'a> Transfer<'a> {
    fn open(
        url: Url,
        to: &Path,
        cancel: &'a Cancel,
        audit: &'a Audit,
    ) -> Result<Self, DownloadError> {
        let path = part(to);
        let mut part = lock(to)?;
        let mut checksum = Checksum::default();
        let got = copy(&mut part, &mut io::sink(), &mut checksum, &mut |_| {}, cancel)
            .map_err(DownloadError::io(&path))?
            .ok_or(DownloadError::Cancelled)?;
        Ok(Self { client: client(&url, audit)?, url, path, part, got, checksum, cancel, audit })
    }

    /// Fetches what is missing and checks the whole. A wrong file is emptied.
    async fn run(
        &mut self,
        sha256: &str,
        progress: &mut Progress<'_>,
    ) -> Result<(), DownloadError> {
        if let Some(response) = self.request().await? {
            self.receive(response, progress).await?;
        }
        let found = self.checksum.clone().finish();
        if found == sha256 {
            return Ok(());
        }
        self.restart()?;
        Err(DownloadError::WrongChecksum { expected: sha256.to_owned(), found })
    }

    /// Asks for what is missing; `None` when the server says that nothing is.
    async fn request(&mut self) -> Result<Option<Response>, DownloadError> {
        let mut request = self.client.get(self.url.clone());
        if self.got > 0 {
            request = request.header(RANGE, format!("bytes={}-", self.got));
        }
        let number = self.audit.record(&sent(&self.url))?;
        let answer = self.or_cancel(request.send()).await?;
        self.audit.record(&Event::Answered {
            request: number,
            outcome: answer.as_ref().map_or("no answer".to_owned(), |r| r.status().to_string()),
            tokens: None,
            microdollars: None,
        })?;
        let response = answer.map_err(|e| self.failed(e))?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT if range_start(&response) == Some(self.got) => {
                Ok(Some(response))
            }
            StatusCode::OK => {
                self.restart()?;
                Ok(Some(response))
            }
            StatusCode::RANGE_NOT_SATISFIABLE if self.got > 0 => Ok(None),
            status if status.is_redirection() => {
                let reason = "it leads to an address that is not fetched from";
                Err(DownloadError::Refused { url: self.url.to_string(), reason })
            }
            status => {
                let status = status.as_u16();
                Err(DownloadError::Status { url: self.url.to_string(), status })
            }
        }
    }

    async fn receive(
        &mut self,
        mut response: Response,
        progress: &mut Progress<'_>,
    ) -> Result<(), DownloadError> {
        let expected = response.content_length().map(|rest| self.got + rest);
        progress(self.got, expected);
        loop {
            let chunk = match self.or_cancel(response.chunk()).await? {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(_) => return Err(DownloadError::Truncated { got: self.got, expected }),
            };
            self.part.write_all(&chunk).map_err(DownloadError::io(&self.path))?;
            self.checksum.update(&chunk);
            self.got += chunk.len() as u64;
            progress(self.got, expected);
        }
        match expected {
            Some(total) if self.got < total => {
                Err(DownloadError::Truncated { got: self.got, expected })
            }
            _ => Ok(()),
        }
    }

    async fn or_cancel<T>(&self, work: impl Future<Output = T>) -> Result<T, DownloadError> {
        or_cancel(self.cancel, work).await.ok_or(DownloadError::Cancelled)
    }

    fn failed(&self, error: reqwest::Error) -> DownloadError {
        if error.is_connect() || error.is_timeout() {
            let host = self.url.host_str().unwrap_or_default().to_owned();
            return DownloadError::NoNetwork { host, source: Box::new(error) };
        }
        DownloadError::Failed(Box::new(error))
    }

    fn restart(&mut self) -> Result<(), DownloadError> {
        let failed = DownloadError::io(&self.path);
        self.part.set_len(0).and_then(|()| self.part.seek(SeekFrom::Start(0))).map_err(failed)?;
        self.got = 0;
        self.checksum = Checksum::default();
        Ok(())
    }

    fn finish(self, to: &Path) -> Result<(), DownloadError> {
        self.part.sync_all().map_err(DownloadError::io(&self.path))?;
        fs::rename(&self.path, to).map_err(DownloadError::io(to))
    }
}

/// Where a partial answer begins, from `Content-Range: bytes <start>-<end>/<total>`.
fn range_start(response: &Response) -> Option<u64> {
    let range = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_this_machine() {
        let check = |url: &str, expect: bool| {
            assert_eq!(allowed(&Url::parse(url).unwrap()).is_ok(), expect, "{url}");
        };
        check("https://example.com/x", true);
        check("http://localhost:80/x", true);
        check("http://127.0.0.9/x", true);
        check("http://[::1]:80/x", true);
        check("http://example.com/x", false);
        check("http://localhost.example.com/x", false);
        check("http://127.0.0.1.example.com/x", false);
        check("http://10.0.0.1/x", false);
        check("ftp://localhost/x", false);
        check("file:///etc/passwd", false);
    }
}
