//! The daemon's socket from the other side: clients that are many, slow, silent, foreign, of other
//! versions, or no clients at all.
#![cfg(unix)]
use crate::user::{User, poll, print};
use sera_protocol::method::StatusParams;
use sera_protocol::{Client, ErrorCode, FRAME_LIMIT};
use sera_testkit::python_project;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A user whose daemon runs.
fn started() -> User {
    let user = User::of(python_project());
    user.sera(&["start"]).well();
    user
}

/// A connection over which anything is said.
struct Raw(BufReader<UnixStream>);

impl Raw {
    fn connect(user: &User) -> Self {
        Self(BufReader::new(UnixStream::connect(user.socket()).unwrap()))
    }

    fn greeted(user: &User) -> Self {
        let mut raw = Self::connect(user);
        raw.say(&hello(1));
        assert_eq!(raw.hear()["result"]["version"]["major"], 1);
        raw
    }

    fn say(&mut self, line: &Value) {
        self.write(format!("{line}\n").as_bytes());
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    /// The next answer, past what is told meanwhile.
    fn answer(&mut self) -> Value {
        loop {
            let heard = self.hear();
            assert!(!heard.is_null(), "the daemon hung up");
            if heard.get("id").is_some() {
                return heard;
            }
        }
    }

    /// The next message; null where the daemon hung up.
    fn hear(&mut self) -> Value {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(1..) => serde_json::from_str(&line).unwrap(),
            Ok(0) | Err(_) => Value::Null,
        }
    }
}

fn hello(major: u16) -> Value {
    let version = json!({"major": major, "minor": 0});
    request(1, "hello", &json!({"version": version, "build": "0", "client": "test"}))
}

fn request(id: u64, method: &str, params: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
}

fn run(id: u64, user: &User, job: &Value) -> Value {
    request(id, "job/run", &json!({"path": user.repo.path(), "job": job}))
}

fn rss(pid: &Value) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn only_its_owner_may_enter() {
    let user = started();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let socket = user.socket();
    assert_eq!((mode(&socket), mode(socket.parent().unwrap())), (0o600, 0o700));
}

/// Whoever gets past the folder and the file is asked by the daemon who it is.
#[test]
fn another_user_hears_nothing() {
    if sera_protocol::paths::own_uid() != 0 {
        assert!(std::env::var_os("CI").is_none(), "only root can be another user");
        return print("NOT TESTED: only root can be another user, to see that nobody answers it");
    }
    let user = started();
    let socket = user.socket();
    for (path, mode) in
        [(user.repo.root(), 0o755), (socket.parent().unwrap(), 0o755), (&socket, 0o666)]
    {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
    let script = "use IO::Socket::UNIX; $SIG{PIPE} = 'IGNORE'; my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die \"$!\";\n\
                  print $s \"$ARGV[1]\\n\"; $s->flush; print \"heard: \", scalar(<$s>) // 'nothing';";
    let mut other = Command::new("setpriv");
    other.args(["--reuid=65534", "--clear-groups", "perl", "-e", script]);
    let heard = other.arg(&socket).arg(hello(1).to_string()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&heard.stdout), "heard: nothing", "{heard:?}");
    let log = std::fs::read_to_string(user.state().join("daemon.log")).unwrap();
    assert!(log.contains("refused a client of another user"), "{log}");
    Raw::greeted(&user);
}

#[test]
fn what_is_no_message_is_answered_and_what_is_too_long_ends_it() {
    let user = started();
    let mut raw = Raw::greeted(&user);
    raw.write(b"\0\xff{]\n\n\n[]\n{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"nothing\"}\n");
    for (id, code) in [
        (Value::Null, "invalid-request"),
        (Value::Null, "invalid-request"),
        (json!(7), "unknown-method"),
    ] {
        let heard = raw.hear();
        assert_eq!((&heard["id"], &heard["error"]["data"]["code"]), (&id, &code.into()));
    }
    raw.write(&vec![b' '; FRAME_LIMIT]);
    assert_eq!(raw.hear()["error"]["data"]["code"], "too-large");
    assert_eq!(raw.hear(), Value::Null, "nothing follows");
}

#[test]
fn a_client_that_reads_nothing_holds_up_nobody() {
    let user = started();
    let pid = user.status()["pid"].clone();
    let before = rss(&pid);
    let mut silent = Raw::greeted(&user);
    silent.0.get_ref().set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let questions = format!("{}\n", request(2, "status", &json!({}))).repeat(1000);
    // Until the daemon, which answers nothing more, hears nothing more either.
    while silent.0.get_mut().write_all(questions.as_bytes()).is_ok() {}
    let mut client = Client::connect(&user.socket(), "test", "0").unwrap();
    client.call(StatusParams::default()).unwrap();
    let grown = rss(&pid).saturating_sub(before);
    assert!(grown < 48 << 10, "{grown} KiB for one silent client");
}

#[test]
fn clients_beyond_the_limit_are_told_so() {
    let user = started();
    let connect = || Client::connect(&user.socket(), "test", "0");
    let mut clients: Vec<Client> = (0..256).map(|_| connect().unwrap()).collect();
    let refused = connect().unwrap_err();
    assert!(refused.is(ErrorCode::Busy), "{refused:?}");
    assert_eq!(refused.to_string(), "256 clients are connected");
    clients[255].call(StatusParams::default()).unwrap();
    clients.pop();
    poll("a place is free", || connect().is_ok());
}

#[test]
fn jobs_beyond_the_limit_are_refused_and_the_others_done() {
    let user = started();
    let mut raw = Raw::greeted(&user);
    let jobs: String =
        (2..102).map(|id| format!("{}\n", run(id, &user, &json!({"kind": "verify"})))).collect();
    raw.write(jobs.as_bytes());
    let mut codes = BTreeMap::<String, u64>::new();
    for _ in 2..102 {
        let code = raw.answer()["error"]["data"]["code"].as_str().unwrap().to_owned();
        *codes.entry(code).or_default() += 1;
    }
    // How many are under way when the last is asked for depends on who is faster.
    assert!(codes["nothing-to-do"] >= 64, "{codes:?}");
    assert_eq!(codes.values().sum::<u64>(), 100);
}

#[test]
fn a_client_of_another_major_version_hears_which_this_is_and_nothing_more() {
    let user = started();
    let mut raw = Raw::connect(&user);
    raw.say(&hello(2));
    assert_eq!(raw.hear()["result"]["version"]["major"], 1);
    raw.say(&request(2, "status", &json!({})));
    assert_eq!(raw.hear()["error"]["data"]["code"], "no-hello");
}

/// What clients of every version said is understood by the daemon of this one: each call is
/// answered, and none as a mistake of the client's.
#[test]
fn every_recorded_client_is_answered() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/sera-protocol/tests/data");
    let user = started();
    let mut versions = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let mut raw = Raw::connect(&user);
        let said = text.lines().filter_map(|line| line.strip_prefix("> "));
        for line in said.filter(|line| !line.contains("\"daemon/stop\"")) {
            raw.write(format!("{line}\n").as_bytes());
            let said: Value = serde_json::from_str(line).unwrap();
            let heard = raw.answer();
            assert_eq!(heard["id"], said["id"], "{heard}");
            let code = heard["error"]["data"]["code"].as_str().unwrap_or_default();
            let mistakes = ["invalid-request", "invalid-params", "unknown-method", "no-hello"];
            assert!(
                !mistakes.contains(&code)
                    || heard["error"]["message"].as_str().unwrap().contains("/home/ada"),
                "{line}: {heard}"
            );
        }
        versions += 1;
    }
    assert!(versions >= 3);
}
