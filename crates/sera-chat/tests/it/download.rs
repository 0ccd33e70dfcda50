//! Getting one file: whole, resumed, broken, wrong, refused, cancelled.
use crate::server::{Answer, Server};
use crate::{content, heard, never, sha256, unheard, unwritable};
use sera_chat::{DownloadError, download};
use sera_core::Cancel;
use std::path::PathBuf;
use tempfile::TempDir;

struct Place {
    folder: TempDir,
    bytes: Vec<u8>,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), bytes: content(300_000) }
    }

    fn to(&self) -> PathBuf {
        self.folder.path().join("cache/file.gguf")
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join("cache/file.gguf.part")
    }

    fn leave_part(&self, bytes: &[u8]) {
        std::fs::create_dir_all(self.folder.path().join("cache")).unwrap();
        std::fs::write(self.part(), bytes).unwrap();
    }

    fn get(&self, url: &str) -> Result<(), DownloadError> {
        download(url, &self.to(), &sha256(&self.bytes), &mut |_, _| {}, &never(), &unheard())
    }

    fn complete(&self) -> bool {
        std::fs::read(self.to()).unwrap() == self.bytes && !self.part().exists()
    }
}

#[test]
fn whole() {
    let place = Place::new();
    let server = Server::new(vec![Answer::File(place.bytes.clone())]);
    let mut steps = Vec::new();
    let mut progress = |got, total| steps.push((got, total));
    let url = format!("{}/file.gguf", server.url);
    download(&url, &place.to(), &sha256(&place.bytes), &mut progress, &never(), &unheard())
        .unwrap();
    assert!(place.complete());
    assert_eq!(steps.first(), Some(&(0, Some(300_000))));
    assert_eq!(steps.last(), Some(&(300_000, Some(300_000))));
    assert!(steps.is_sorted());
    assert_eq!(server.requests(), ["GET /file.gguf HTTP/1.1"]);
}

#[test]
fn goes_on_where_it_broke_off() {
    let place = Place::new();
    let bytes = place.bytes.clone();
    let server = Server::new(vec![Answer::Cut(bytes.clone(), 120_000), Answer::File(bytes)]);
    let error = place.get(&server.url).unwrap_err();
    let DownloadError::Truncated { got, expected } = error else { panic!("{error}") };
    assert!(got <= 120_000);
    assert_eq!(expected, Some(300_000));
    assert!(!place.to().exists());
    let kept = std::fs::metadata(place.part()).unwrap().len();
    assert_eq!(kept, got, "what came is kept");
    place.get(&server.url).unwrap();
    assert!(place.complete());
    assert_eq!(server.requests()[1], format!("GET / HTTP/1.1 bytes={got}-"));
}

#[test]
fn what_was_left_behind_may_be_anything() {
    let check = |left: &[u8], answer: fn(Vec<u8>) -> Answer, requests: usize| {
        let place = Place::new();
        place.leave_part(left);
        let server = Server::new(vec![answer(place.bytes.clone())]);
        place.get(&server.url).unwrap();
        assert!(place.complete());
        assert_eq!(server.requests().len(), requests);
    };
    let bytes = content(300_000);
    check(&bytes[..1_000], Answer::File, 1);
    check(&bytes[..1_000], Answer::Whole, 1);
    // All of it was there already: the server has nothing to add.
    check(&bytes, Answer::File, 1);
    // The beginning of another file, and more than there is: once more from the start.
    check(&[7; 1_000], Answer::File, 2);
    check(&[7; 300_001], Answer::File, 2);
}

#[test]
fn wrong_content_is_thrown_away() {
    let place = Place::new();
    let server = Server::new(vec![Answer::File(content(10))]);
    let error = place.get(&server.url).unwrap_err();
    assert!(matches!(error, DownloadError::WrongChecksum { .. }), "{error}");
    assert!(!place.to().exists());
    assert_eq!(std::fs::read(place.part()).unwrap(), b"", "nothing wrong is gone on with");
    assert_eq!(server.requests().len(), 1, "a fresh wrong file is not fetched twice");
}

#[test]
fn redirects_within_the_scheme() {
    let place = Place::new();
    let file = Server::new(vec![Answer::File(place.bytes.clone())]);
    let near = Server::new(vec![Answer::Redirect(format!("{}/moved", file.url))]);
    place.get(&near.url).unwrap();
    assert!(place.complete());
    assert_eq!(file.requests(), ["GET /moved HTTP/1.1"]);
}

#[test]
fn refusals() {
    let check = |url: &str| {
        let place = Place::new();
        let error = place.get(url).unwrap_err();
        assert!(matches!(error, DownloadError::Refused { .. }), "{url}: {error}");
        assert!(!error.hint().is_empty());
        assert!(!place.to().exists());
    };
    check("http://example.invalid/file");
    check("ftp://127.0.0.1/file");
    check("file:///etc/hostname");
    check("not an address");
    for to in ["https://example.invalid/x", "ftp://127.0.0.1/x", "http://example.invalid/x"] {
        check(&Server::new(vec![Answer::Redirect(to.to_owned())]).url);
    }
    let place = Place::new();
    let outcome =
        download("http://127.0.0.1/", &place.to(), "12", &mut |_, _| {}, &never(), &unheard());
    assert!(matches!(outcome, Err(DownloadError::Refused { .. })));
}

#[test]
fn servers_that_have_nothing() {
    for status in [403, 404, 500] {
        let server = Server::new(vec![Answer::Status(status)]);
        let error = Place::new().get(&server.url).unwrap_err();
        let DownloadError::Status { status: said, .. } = error else { panic!("{error}") };
        assert_eq!(said, status);
    }
}

#[test]
fn no_server() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = Place::new().get(&format!("http://{closed}/")).unwrap_err();
    assert!(matches!(error, DownloadError::NoNetwork { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1"));
}

#[test]
fn cancelled_in_the_middle_and_gone_on() {
    let place = Place::new();
    let server = Server::new(vec![Answer::File(place.bytes.clone())]);
    let cancel = Cancel::default();
    let flag = cancel.clone();
    let mut progress = |got: u64, _| {
        if got > 0 {
            flag.cancel();
        }
    };
    let sum = sha256(&place.bytes);
    let outcome = download(&server.url, &place.to(), &sum, &mut progress, &cancel, &unheard());
    assert!(matches!(outcome, Err(DownloadError::Cancelled)), "{outcome:?}");
    assert!(std::fs::metadata(place.part()).unwrap().len() > 0);
    place.get(&server.url).unwrap();
    assert!(place.complete());
}

#[test]
fn one_process_at_a_time() {
    let place = Place::new();
    place.leave_part(b"");
    let other = std::fs::File::open(place.part()).unwrap();
    other.lock().unwrap();
    let error = place.get("http://127.0.0.1:9/").unwrap_err();
    assert!(matches!(error, DownloadError::Busy(_)), "{error}");
}

/// Each hop of a redirection is a request of its own.
#[test]
fn every_request_is_written_down() {
    let place = Place::new();
    let file = Server::new(vec![Answer::File(place.bytes.clone())]);
    let first = Server::new(vec![Answer::Redirect(format!("{}/b?key=1", file.url))]);
    let (audit, events) = heard();
    let sum = sha256(&place.bytes);
    let url = format!("{}/a", first.url);
    download(&url, &place.to(), &sum, &mut |_, _| {}, &never(), &audit).unwrap();
    let told: Vec<String> = events.lock().unwrap().iter().map(ToString::to_string).collect();
    let sent = |url: &str| format!("0 bytes to {url}, download");
    let hop = format!("{}/b", file.url);
    assert_eq!(told, [sent(&url), sent(&hop), "request 1: 200 OK".to_owned()]);
}

#[test]
fn what_cannot_be_written_down_is_not_asked_for() {
    let place = Place::new();
    let server = Server::new(vec![Answer::File(place.bytes.clone())]);
    let sum = sha256(&place.bytes);
    let done = download(&server.url, &place.to(), &sum, &mut |_, _| {}, &never(), &unwritable());
    assert!(matches!(done, Err(DownloadError::Unrecorded(_))), "{done:?}");
    assert_eq!(server.requests(), [""; 0]);
}
