//! Conversations with a real server: llama.cpp's, with real weights. What it answers is weak, so only
//! how it answers is looked at.
use crate::teacher::calling;
use crate::unheard;
use sera_chat::{Budget, Fleet, Patience, Prices, Purse, Spent};
use sera_core::{Cancel, Message, Model as _, ModelError, Prompt, Reply, Role};
use serde_json::Value;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a server that is starting, or a slot, is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// Looks until something should have happened, on any machine.
const LOOKS: usize = 60_000;
/// Starts of a server until one is met while it loads.
const STARTS: usize = 20;
/// More than a test waits for.
const ENDLESS: usize = 100_000;

/// One at a time: each takes all cores.
static ONE: Mutex<()> = Mutex::new(());

/// A server that runs while this lives.
struct Llama {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
    _one: MutexGuard<'static, ()>,
}

impl Llama {
    /// Starts the server that the environment names, if it names one. Once it does, a server that
    /// does not start is a failure.
    fn start(arguments: &[&str]) -> Option<Self> {
        let Some(program) = std::env::var_os("GIT_SERA_TEST_LLAMA") else {
            let text =
                "NOT TESTED: GIT_SERA_TEST_LLAMA names no server (`cargo xtask goldens` does)\n";
            std::io::stderr().write_all(text.as_bytes()).unwrap();
            return None;
        };
        let base = std::env::var_os("GIT_SERA_TEST_BASE").map(PathBuf::from).unwrap();
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(program);
        command.args(["--host", "127.0.0.1", "--threads", "2", "--port", &port.to_string()]);
        command.arg("--model").arg(base).args(arguments).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap();
        let mut server = Self { child, port, folder, _one: one };
        server.poll("it listens", |server| server.get("/health").is_some());
        Some(server)
    }

    /// One that has loaded its weights.
    fn loaded(arguments: &[&str]) -> Option<Self> {
        let mut server = Self::start(arguments)?;
        server.poll("it has loaded", |server| {
            server.get("/health").is_some_and(|(status, _)| status == 200)
        });
        Some(server)
    }

    /// Looks until `reached`, or the server or the test has failed.
    fn poll(&mut self, what: &str, reached: impl Fn(&Self) -> bool) {
        for _ in 0..LOOKS {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the server ended: {ended:?}");
            if reached(self) {
                return;
            }
            std::thread::park_timeout(LOOK);
        }
        unreachable!("never came: {what}");
    }

    /// Status and body of what is asked past our own client; none where nobody answers.
    fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let head = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// Tokens that the first slot has written for a conversation; none while it is free.
    fn writing(&self) -> Option<u64> {
        let (_, body) = self.get("/slots").unwrap();
        let slots: Value = serde_json::from_str(&body).unwrap();
        let busy = slots[0]["is_processing"].as_bool().unwrap();
        busy.then(|| slots[0]["next_token"][0]["n_decoded"].as_u64().unwrap())
    }

    fn fleet(&self, tries: usize) -> Arc<Fleet> {
        let (wait, longest) = (Duration::from_millis(10), Duration::from_millis(100));
        let patience = Patience { wait, longest, tries, ..Patience::default() };
        let prices = Prices { prompt: 1_000_000, cached: None, completion: 2_000_000 };
        let urls = [format!("http://127.0.0.1:{}/v1", self.port)];
        let purse = Purse::new(prices, Budget::default(), None);
        Fleet::new(&urls, "any".to_owned(), &|_| None, patience, purse, unheard()).unwrap()
    }
}

impl Drop for Llama {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            drop(std::io::stderr().write_all(log.as_bytes()));
        }
    }
}

fn says(text: &str, max_tokens: usize) -> Prompt {
    Prompt::greedy(vec![Message::new(Role::User, text)], max_tokens)
}

fn ask(fleet: &Arc<Fleet>, prompt: &Prompt) -> Result<Reply, ModelError> {
    fleet.server().reply(prompt, &Cancel::default())
}

#[test]
fn replies_are_read_and_counted() {
    let Some(server) = Llama::loaded(&["--parallel", "1", "--ctx-size", "1024"]) else { return };
    let fleet = server.fleet(1);
    let tools = Prompt { max_tokens: 16, ..calling() };
    let (mut tokens, mut microdollars) = (0, 0);
    for prompt in [says("Name a color.", 16), says("Name a color.", 200), tools.clone(), tools] {
        let reply = ask(&fleet, &prompt).unwrap();
        let (read, written) = (reply.usage.prompt_tokens, reply.usage.completion_tokens);
        assert!(!reply.text.is_empty() || !reply.calls.is_empty(), "{reply:?}");
        assert!(read > 0 && written > 0 && written <= prompt.max_tokens as u64, "{reply:?}");
        assert_eq!(reply.finished, written < prompt.max_tokens as u64, "{reply:?}");
        assert_eq!(reply.microdollars, read + 2 * written);
        tokens += read + written;
        microdollars += reply.microdollars;
        assert_eq!(fleet.spent(), Spent { tokens, microdollars });
    }
    // The last one was asked the same as the one before.
    let again = ask(&fleet, &Prompt { max_tokens: 16, ..calling() }).unwrap();
    assert!(again.usage.cached_tokens > 0, "{again:?}");
    let spent = fleet.spent();
    let long = ask(&fleet, &says(&"a b c ".repeat(500), 16));
    let Err(ModelError::ContextOverflow { tokens, limit }) = long else { unreachable!("{long:?}") };
    assert!((limit, tokens > limit) == (1024, true), "{tokens} of {limit}");
    assert_eq!(fleet.spent(), spent, "a refusal costs nothing");
    assert!(fleet.given_up().is_none());
    ask(&fleet, &says("Name a color.", 4)).unwrap();
}

#[test]
fn tools_are_refused_by_a_server_without_templates() {
    let Some(server) = Llama::loaded(&["--no-jinja", "--parallel", "1"]) else { return };
    let fleet = server.fleet(1);
    let refused = ask(&fleet, &calling());
    assert!(matches!(refused, Err(ModelError::Unsupported(_))), "{refused:?}");
    assert!(fleet.given_up().is_none() && fleet.spent() == Spent::default());
    ask(&fleet, &says("Name a color.", 4)).unwrap();
}

#[test]
fn a_cancelled_reply_frees_its_slot() {
    let endless = ["--parallel", "1", "--ignore-eos", "--ctx-size", "8192"];
    let Some(mut server) = Llama::loaded(&endless) else { return };
    let (fleet, cancel) = (server.fleet(1), Cancel::default());
    let reply = std::thread::scope(|scope| {
        let asked = scope.spawn(|| fleet.server().reply(&says("Name a color.", ENDLESS), &cancel));
        server.poll("it writes", |server| server.writing().is_some_and(|written| written > 0));
        cancel.cancel();
        asked.join().unwrap()
    });
    assert!(matches!(reply, Err(ModelError::Cancelled)), "{reply:?}");
    assert!(fleet.spent().tokens > 0, "what the server took is paid");
    server.poll("the slot is free", |server| server.writing().is_none());
    let log = std::fs::read_to_string(server.folder.path().join("log")).unwrap();
    assert!(log.contains("cancel task"), "it did not write to its end");
    assert_eq!(ask(&fleet, &says("Name a color.", 4)).unwrap().usage.completion_tokens, 4);
}

#[test]
fn more_conversations_than_slots_are_all_answered() {
    const WIDTH: usize = 12;
    let slots = ["--parallel", "2", "--ignore-eos", "--ctx-size", "1024"];
    let Some(server) = Llama::loaded(&slots) else { return };
    let (fleet, together) = (server.fleet(1), Barrier::new(WIDTH));
    let asked = |at: usize| {
        together.wait();
        ask(&fleet, &says(&format!("Name color {at}."), 8))
    };
    let replies: Vec<_> = std::thread::scope(|scope| {
        let asked = &asked;
        let under_way: Vec<_> = (0..WIDTH).map(|at| scope.spawn(move || asked(at))).collect();
        under_way.into_iter().map(|one| one.join().unwrap().unwrap()).collect()
    });
    let of = |reply: &Reply| reply.usage.prompt_tokens + reply.usage.completion_tokens;
    assert!(replies.iter().all(|reply| reply.usage.completion_tokens == 8), "{replies:?}");
    assert_eq!(fleet.spent().tokens, replies.iter().map(of).sum::<u64>());
}

#[test]
fn a_server_that_loads_is_waited_for() {
    for _ in 0..STARTS {
        let Some(server) = Llama::start(&["--parallel", "1"]) else { return };
        let prompt = says("Name a color.", 4);
        // One that was done with it already is no proof.
        let Err(ModelError::Failed(error)) = ask(&server.fleet(1), &prompt) else { continue };
        assert!(error.to_string().contains("says 503"), "{error}");
        ask(&server.fleet(LOOKS), &prompt).unwrap();
        return;
    }
    unreachable!("no server was met while it loaded");
}
