//! The blocking client against a scripted daemon on a real socket.
#![cfg(unix)]
use sera_protocol::codec::{decode, encode};
use sera_protocol::job::{Progress, Stage};
use sera_protocol::message::{ErrorCode, Failure, Incoming, Message};
use sera_protocol::method::{
    CancelResult, HelloResult, Notification, Request, RunParams, StatusParams, StatusReport,
    Version,
};
use sera_protocol::{Client, ClientError, FRAME_LIMIT, Job};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread::{JoinHandle, spawn};

/// A daemon that serves one connection with `script` and returns the requests it saw.
struct Scripted {
    folder: tempfile::TempDir,
    thread: JoinHandle<Vec<Request>>,
}

impl Scripted {
    fn start(
        mut script: impl FnMut(&Request, &mut dyn FnMut(Vec<u8>)) -> Option<Vec<u8>> + Send + 'static,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("s")).unwrap();
        let thread = spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            serve(&stream, &mut script)
        });
        Self { folder, thread }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("s")
    }

    fn connect(&self) -> Result<Client, ClientError> {
        Client::connect(&self.socket(), "test", "1")
    }

    fn seen(self) -> Vec<&'static str> {
        self.thread.join().unwrap().iter().map(Request::method).collect()
    }
}

type Script<'a> = dyn FnMut(&Request, &mut dyn FnMut(Vec<u8>)) -> Option<Vec<u8>> + 'a;

fn serve(stream: &UnixStream, script: &mut Script<'_>) -> Vec<Request> {
    let mut seen = Vec::new();
    for line in BufReader::new(stream).split(b'\n') {
        let Ok(line) = line else { break };
        let Incoming::Message(Message::Request { id, request }) = decode(&line) else {
            panic!("the client sent something else")
        };
        let mut writer = stream;
        let mut tell = |bytes: Vec<u8>| drop(writer.write_all(&bytes));
        let answer = match &request {
            Request::Hello(_) => script(&request, &mut tell).or_else(|| Some(hello(id, 1))),
            _ => script(&request, &mut tell),
        };
        seen.push(request);
        match answer {
            Some(bytes) => tell(with_id(bytes, id)),
            None => break,
        }
    }
    seen
}

/// Scripts answer with id 0, which stands for the request's.
fn with_id(bytes: Vec<u8>, id: u64) -> Vec<u8> {
    match decode(&bytes) {
        Incoming::Message(Message::Response { id: Some(0), result }) => {
            encode(&Message::Response { id: Some(id), result }).unwrap()
        }
        _ => bytes,
    }
}

fn answer<T: serde::Serialize>(result: Result<T, Failure>) -> Option<Vec<u8>> {
    Some(encode(&Message::answer(0, result)).unwrap())
}

fn hello(id: u64, major: u16) -> Vec<u8> {
    let result = HelloResult { version: Version { major, minor: 9 }, build: "t".into(), pid: 7 };
    encode(&Message::answer(id, Ok(result))).unwrap()
}

fn progress(done: u64) -> Vec<u8> {
    let progress = Progress {
        job: sera_core::JobId::new(0, b"job"),
        stage: Stage::Train,
        done,
        total: 3,
        unit: "steps".into(),
        message: String::new(),
    };
    encode(&Message::Notification(progress.into())).unwrap()
}

fn run() -> RunParams {
    RunParams { path: "/r".into(), job: Job::Verify {} }
}

#[test]
fn a_call_gets_its_own_answer() {
    let daemon = Scripted::start(|request, _| match request {
        Request::Status(_) => answer(Ok(StatusReport { pid: 5, ..StatusReport::default() })),
        _ => None,
    });
    let mut client = daemon.connect().unwrap();
    assert_eq!(client.daemon().pid, 7, "hello said who answers");
    assert_eq!(client.call(StatusParams::default()).unwrap().pid, 5);
    drop(client);
    assert_eq!(daemon.seen(), ["hello", "status"]);
}

#[test]
fn what_is_told_meanwhile_is_handed_over_in_order() {
    let daemon = Scripted::start(|request, tell| match request {
        Request::Run(_) => {
            (1..=3).for_each(|done| tell(progress(done)));
            tell(
                b"{\"jsonrpc\":\"2.0\",\"method\":\"of-a-later-version\",\"params\":{}}\n".to_vec(),
            );
            answer::<()>(Err(Failure::new(ErrorCode::Busy, "another job runs").hint("wait")))
        }
        _ => None,
    });
    let mut client = daemon.connect().unwrap();
    let mut done = Vec::new();
    let refused = client.call_watching(run(), &mut |notification| match notification {
        Notification::Progress(progress) => done.push(progress.done),
        Notification::Step(_) => {}
    });
    assert_eq!(done, [1, 2, 3]);
    let error = refused.unwrap_err();
    assert!(error.is(ErrorCode::Busy), "{error:?}");
    assert_eq!(error.to_string(), "another job runs");
}

#[test]
fn a_call_is_cancelled_from_another_thread() {
    let daemon = Scripted::start(|request, tell| match request {
        // The job's answer only comes once the cancellation was read.
        Request::Run(_) => {
            tell(progress(1));
            Some(Vec::new())
        }
        Request::Cancel(_) => {
            tell(
                encode(&Message::Response {
                    id: Some(2),
                    result: Err(Failure::new(ErrorCode::Cancelled, "cancelled")),
                })
                .unwrap(),
            );
            answer(Ok(CancelResult { cancelled: true }))
        }
        _ => None,
    });
    let mut client = daemon.connect().unwrap();
    let canceller = client.canceller();
    let error = client
        .call_watching(run(), &mut |_| {
            let canceller = canceller.clone();
            spawn(move || canceller.cancel().unwrap()).join().unwrap();
        })
        .unwrap_err();
    assert!(error.is(ErrorCode::Cancelled), "{error:?}");
    drop((client, canceller));
    assert_eq!(daemon.seen(), ["hello", "job/run", "job/cancel"]);
}

#[test]
fn another_major_version_is_refused_with_a_hint() {
    let daemon = Scripted::start(|request, _| match request {
        Request::Hello(_) => Some(hello(1, 2)),
        _ => None,
    });
    let Err(ClientError::Refused(failure)) = daemon.connect() else { panic!("it connected") };
    assert_eq!(failure.code, ErrorCode::VersionMismatch);
    assert!(failure.hint.unwrap().contains("git sera stop"));
}

#[test]
fn a_missing_and_a_stale_socket_are_absent() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str| {
        let found = Client::connect(&folder.path().join(name), "test", "1");
        assert!(matches!(found, Err(ClientError::Absent { .. })), "{name}: {found:?}");
    };
    check("never");
    drop(UnixListener::bind(folder.path().join("stale")).unwrap());
    check("stale");
}

#[test]
fn a_daemon_that_dies_or_floods_ends_the_call() {
    let dies = Scripted::start(|request, _| match request {
        Request::Status(_) => None,
        _ => None,
    });
    let mut client = dies.connect().unwrap();
    assert!(matches!(client.call(StatusParams::default()), Err(ClientError::Closed)));

    let floods = Scripted::start(|request, _| match request {
        Request::Status(_) => Some(vec![b'x'; FRAME_LIMIT + 1]),
        _ => None,
    });
    let mut client = floods.connect().unwrap();
    assert!(matches!(client.call(StatusParams::default()), Err(ClientError::Codec(_))));
}
