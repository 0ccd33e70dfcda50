//! Conversations with model servers: good, slow, broken, overloaded and malicious ones.
use crate::{heard, unheard, unwritable};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sera_chat::{Budget, Fleet, Patience, Prices, Purse, Spent};
use sera_core::audit::{Audit, Event};
use sera_core::{Call, Cancel, Message, Model as _, ModelError, Prompt, Role, Tool, Usage};
use sera_testkit::TeacherServer;
use sera_testkit::teacher::{Act, Asked, delta, ending, event, head, says, stream_head};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const KEY: &str = "sk-canary-4711";

/// Longer than a server that means well is ever silent here.
fn patience() -> Patience {
    let seconds = Duration::from_secs;
    let wait = Duration::from_millis(1);
    Patience { silence: seconds(3), call: seconds(60), wait, longest: wait, tries: 3 }
}

fn fleet_of(urls: &[&str], budget: Budget) -> Arc<Fleet> {
    patient_fleet(urls, budget, patience())
}

fn patient_fleet(urls: &[&str], budget: Budget, patience: Patience) -> Arc<Fleet> {
    let urls: Vec<String> = urls.iter().map(|url| (*url).to_owned()).collect();
    let prices = Prices { prompt: 1_000_000, cached: None, completion: 2_000_000 };
    let key = |_: &str| Some(KEY.to_owned().into());
    let purse = Purse::new(prices, budget, None);
    Fleet::new(&urls, "teacher-1".to_owned(), &key, patience, purse, unheard()).unwrap()
}

fn fleet(server: &TeacherServer) -> Arc<Fleet> {
    fleet_of(&[&server.url], Budget::default())
}

fn prompt() -> Prompt {
    let messages = vec![Message::new(Role::System, "Fix."), Message::new(Role::User, "Why?")];
    Prompt { temperature: 0.5, seed: 7, ..Prompt::greedy(messages, 50) }
}

fn ask(fleet: &Arc<Fleet>) -> Result<sera_core::Reply, ModelError> {
    fleet.server().reply(&prompt(), &Cancel::default())
}

/// An error and its causes.
fn words(error: &dyn std::error::Error) -> String {
    let source = error.source().map(|source| format!(": {}", words(source)));
    format!("{error}{}", source.unwrap_or_default())
}

#[test]
fn a_reply_comes_as_it_was_said() {
    let server = TeacherServer::new(|_| says("<think>why</think>\nsearch: wörds"));
    let fleet = fleet(&server);
    let reply = ask(&fleet).unwrap();
    assert_eq!((&*reply.text, reply.thought.as_deref()), ("search: wörds", Some("why")));
    assert!(reply.finished);
    // The server counted more than it was given: that is not believed.
    let most = "Fix.Why?".len() as u64 + 2 * 64;
    assert_eq!(
        reply.usage,
        Usage { prompt_tokens: 100, completion_tokens: 10, ..Usage::default() }
    );
    assert!(reply.usage.prompt_tokens < most);
    assert_eq!(reply.microdollars, 120);
    assert_eq!(fleet.spent(), Spent { tokens: 110, microdollars: 120 });
    let [asked] = &server.asked()[..] else { unreachable!("one request") };
    assert_eq!(asked.line, "POST /v1/chat/completions");
    assert!(asked.headers.contains(&format!("authorization: Bearer {KEY}")));
    insta::assert_snapshot!(asked.body, @r#"{"model":"teacher-1","messages":[{"role":"system","content":"Fix."},{"role":"user","content":"Why?"}],"temperature":0.5,"seed":7,"max_tokens":50,"stream":true,"stream_options":{"include_usage":true}}"#);
}

/// The second request of a conversation in which a tool was called.
pub(crate) fn calling() -> Prompt {
    let call = Call {
        id: "call00000".to_owned(),
        name: "search".to_owned(),
        arguments: r#"{"query":"tax"}"#.to_owned(),
    };
    let parameters = serde_json::json!({"type": "object", "properties": {}});
    let (name, description) = ("search".to_owned(), "Finds.".to_owned());
    let messages = vec![
        Message::new(Role::User, "Why?"),
        Message::call(call),
        Message::answer("call00000", "no match"),
    ];
    let tools = vec![Tool { name, description, parameters }];
    Prompt { tools, ..Prompt::greedy(messages, 50) }
}

#[test]
fn tools_are_called_where_the_server_can() {
    let piece = |json: &str| {
        Act::Send(event(&format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{json}]}}}}]}}"#)))
    };
    let server = TeacherServer::new(move |_| {
        vec![
            Act::Send(stream_head()),
            piece(
                r#"{"index":0,"id":"x1","type":"function","function":{"name":"submit","arguments":""}}"#,
            ),
            piece(r#"{"index":0,"function":{"arguments":"{}"}}"#),
            Act::Send(event(r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#)),
            Act::Send(event("[DONE]")),
        ]
    });
    let reply = fleet(&server).server().reply(&calling(), &Cancel::default()).unwrap();
    let call = Call { id: "x1".to_owned(), name: "submit".to_owned(), arguments: "{}".to_owned() };
    assert_eq!((reply.calls, &*reply.text, reply.finished), (vec![call], "", true));
    insta::assert_snapshot!(server.asked()[0].body);
}

#[test]
fn a_server_without_tools_says_so_at_once() {
    for (status, said) in [
        ("500 Internal Server Error", "tools param requires --jinja flag"),
        ("400 Bad Request", "smollm does not support tools"),
    ] {
        let body = format!(r#"{{"error":{{"message":"{said}"}}}}"#);
        let server = TeacherServer::new(move |_| refuses(status, "", &body));
        let fleet = fleet(&server);
        let asked = fleet.server().reply(&calling(), &Cancel::default());
        assert!(matches!(asked, Err(ModelError::Unsupported("call tools"))), "{asked:?}");
        assert_eq!(server.asked().len(), 1);
        assert!(fleet.given_up().is_none(), "words may serve");
        assert_eq!(fleet.spent(), Spent::default(), "a refusal costs nothing");
    }
}

#[test]
fn servers_with_tools_answer_for_those_without() {
    let said = r#"{"error":{"message":"this model does not support tools"}}"#;
    let [without, other] = [(), ()].map(|()| {
        TeacherServer::new(move |asked: &Asked| match asked.body.contains("\"tools\"") {
            true => refuses("400 Bad Request", "", said),
            false => says("submit"),
        })
    });
    let with = TeacherServer::new(|_| says("submit"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("toolless.jsonl");
    // Whichever it meets first, and on its own or beside others: a conversation calls tools.
    let urls = [&*without.url, &with.url];
    for _ in 0..2 {
        let fleet = fleet_of(&urls, Budget::default());
        fleet.remember_toolless(&path).unwrap();
        let mut servers: Vec<_> = (0..4).map(|_| fleet.server()).collect();
        for server in &mut servers {
            server.reply(&calling(), &Cancel::default()).unwrap();
        }
        assert_eq!(fleet.toolless(), (1, 2));
    }
    assert_eq!((without.asked().len(), with.asked().len()), (1, 8), "asked once, in both runs");
    // What needs no tools is shared.
    let fleet = fleet_of(&urls, Budget::default());
    fleet.remember_toolless(&path).unwrap();
    let mut servers: Vec<_> = (0..4).map(|_| fleet.server()).collect();
    servers.iter_mut().for_each(|server| drop(server.reply(&prompt(), &Cancel::default())));
    assert_eq!((without.asked().len(), with.asked().len()), (3, 10));
    // None of them can: words serve.
    let fleet = fleet_of(&[&without.url, &other.url], Budget::default());
    fleet.remember_toolless(&path).unwrap();
    for _ in 0..2 {
        let asked = fleet.server().reply(&calling(), &Cancel::default());
        assert!(matches!(asked, Err(ModelError::Unsupported(_))), "{asked:?}");
    }
    assert_eq!((without.asked().len(), other.asked().len()), (3, 1));
}

/// What becomes of a server's behaviour, and after how many requests.
fn check(script: impl Fn(usize) -> Vec<Act> + Send + 'static, expect: &str, requests: usize) {
    let mut count = 0;
    let server = TeacherServer::new(move |_| {
        count += 1;
        script(count - 1)
    });
    let said = match ask(&fleet(&server)) {
        Ok(reply) => format!("{}{}", reply.text, if reply.finished { "" } else { " (cut)" }),
        Err(error) => words(&error),
    };
    assert_eq!(said, expect);
    assert_eq!(server.asked().len(), requests, "{expect}");
    assert!(!said.contains(KEY));
}

fn refuses(status: &str, headers: &str, body: &str) -> Vec<Act> {
    vec![Act::Send(head(status, headers)), Act::Send(body.as_bytes().to_vec())]
}

fn begins(rest: Act) -> Vec<Act> {
    vec![Act::Send(stream_head()), Act::Send(delta("sub")), rest]
}

#[test]
fn what_can_be_tried_again_is() {
    let after = |bad: Vec<Act>| move |at: usize| if at == 0 { bad.clone() } else { says("submit") };
    let nothing = || Act::Send(Vec::new());
    for bad in [
        refuses("429 Too Many Requests", "Retry-After: 0\r\n", ""),
        refuses("503 Service Unavailable", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", "x"),
        refuses("500 Internal Server Error", "", r#"{"error":"out of memory"}"#),
        begins(nothing()),
        begins(Act::Send(b"data: {\n\n".to_vec())),
        begins(Act::Send(event(r#"{"error":{"message":"preempted"}}"#))),
        begins(Act::Send(b"data: \xff\xfe\n\n".to_vec())),
        begins(Act::Hang),
        vec![Act::Hang],
        vec![nothing()],
        vec![Act::Send(b"\x16\x03\x01 no http at all".to_vec())],
    ] {
        check(after(bad), "submit", 2);
    }
}

#[test]
fn what_cannot_is_said_at_once() {
    let said = |status: &'static str, body: &'static str| move |_: usize| refuses(status, "", body);
    let failed = |words: &str| format!("the model failed: 127.0.0.1 says {words}");
    let refused =
        |words: &str| format!("the model refuses the conversation: 127.0.0.1 says {words}");
    check(
        said("401 Unauthorized", r#"{"error":{"message":"Incorrect key sk-canary-4711"}}"#),
        "the model is gone: 127.0.0.1 says 401: Incorrect key <key>",
        1,
    );
    let gone = "the model is gone: 127.0.0.1 says 404: no such model";
    check(said("404 Not Found", "no such model"), gone, 1);
    check(said("400 Bad Request", "{}"), &refused("400: {}"), 1);
    let elsewhere = |_: usize| refuses("302 Found", "Location: http://127.0.0.1:9/\r\n", "");
    check(elsewhere, &refused("302"), 1);
    let long = r#"{"error":{"message":"too long for the context","type":"exceed_context_size_error",
        "n_prompt_tokens":900,"n_ctx":512}}"#;
    check(said("400 Bad Request", long), "the prompt has 900 tokens and the model reads 512", 1);
    let overloaded = said("503 Service Unavailable", "overloaded");
    check(overloaded, &failed("503: overloaded"), 3);
}

#[test]
fn replies_without_end_are_cut_or_refused() {
    let long = |_: usize| begins(Act::Forever(delta("and so on, ")));
    let mut count = 0;
    let server = TeacherServer::new(move |_| {
        count += 1;
        long(count)
    });
    let reply = ask(&fleet(&server)).unwrap();
    assert!(!reply.finished && reply.text.len() < 50 * 16 + 20, "{}", reply.text.len());
    let endless = "the model refuses the conversation: the reply of 127.0.0.1 does not end";
    check(|_| begins(Act::Forever(vec![b'x'; 1 << 16])), endless, 1);
    let ping = [b": ".to_vec(), vec![b'.'; 1 << 14], b"\n\n".to_vec()].concat();
    check(move |_| begins(Act::Forever(ping.clone())), endless, 1);
    let whole = "Content-Type: application/json\r\n";
    let huge = move |_| vec![Act::Send(head("200 OK", whole)), Act::Forever(vec![b' '; 1 << 16])];
    check(huge, endless, 1);
}

#[test]
fn a_call_has_its_time() {
    let server = TeacherServer::new(|_| begins(Act::Hang));
    let patience = Patience { call: Duration::from_millis(50), tries: 2, ..patience() };
    let fleet = patient_fleet(&[&server.url], Budget::default(), patience);
    let error = words(&ask(&fleet).unwrap_err());
    assert_eq!(error, "the model failed: 127.0.0.1 gave no whole reply in 0 s");
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn servers_that_do_not_stream_are_understood() {
    let body = r#"{"choices":[{"message":{"role":"assistant","content":"diff"},
        "finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#;
    check(|_| refuses("200 OK", "Content-Type: application/json\r\n", body), "diff", 1);
}

#[test]
fn a_wrong_key_or_a_lost_server_ends_all_calls() {
    let server = TeacherServer::new(|_| refuses("403 Forbidden", "", "no"));
    let fleet = fleet(&server);
    for _ in 0..3 {
        assert!(ask(&fleet).is_err());
    }
    assert_eq!(server.asked().len(), 1);
    assert_eq!(fleet.given_up().map(ToString::to_string).unwrap(), "127.0.0.1 says 403: no");
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let fleet = fleet_of(&[&format!("http://{free}/v1")], Budget::default());
    let error = words(&ask(&fleet).unwrap_err());
    assert!(error.starts_with("the model is gone: no connection to 127.0.0.1"), "{error}");
    assert!(fleet.given_up().is_some());
}

#[test]
fn a_failing_server_is_left_for_another() {
    let bad = TeacherServer::new(|_| refuses("500 Internal Server Error", "", ""));
    let good = TeacherServer::new(|_| says("submit"));
    let fleet = fleet_of(&[&bad.url, &good.url], Budget::default());
    let mut server = fleet.server();
    for _ in 0..3 {
        assert_eq!(server.reply(&prompt(), &Cancel::default()).unwrap().text, "submit");
    }
    assert_eq!((bad.asked().len(), good.asked().len()), (1, 3));
    // The next conversation goes where nobody else is.
    let mut other = fleet.server();
    other.reply(&prompt(), &Cancel::default()).unwrap();
    assert_eq!((bad.asked().len(), good.asked().len()), (2, 4));
}

#[test]
fn a_call_ends_when_the_caller_cancels() {
    for acts in [begins(Act::Hang), vec![Act::Hang]] {
        let (send, begun) = std::sync::mpsc::channel();
        let server = TeacherServer::new(move |_| {
            send.send(()).unwrap();
            acts.clone()
        });
        let fleet = fleet(&server);
        let cancel = Cancel::default();
        let other = cancel.clone();
        std::thread::spawn(move || {
            begun.recv().unwrap();
            other.cancel();
        });
        let result = fleet.server().reply(&prompt(), &cancel);
        assert!(matches!(result, Err(ModelError::Cancelled)), "{result:?}");
        assert!(fleet.spent().tokens > 0, "what the server took is paid");
    }
}

#[test]
fn addresses_that_are_not_sent_to() {
    let check = |url: &str, expect: &str| {
        let urls = [url.to_owned()];
        let purse = Purse::default();
        let error =
            Fleet::new(&urls, String::new(), &|_| None, patience(), purse, unheard()).unwrap_err();
        assert_eq!(error.to_string(), expect);
    };
    let open = "http://example.com/v1 is refused: plain http can be read on the way";
    check("http://example.com/v1", open);
    check("ftp://localhost/v1", "ftp://localhost/v1 is refused: only http and https are spoken");
    check("localhost", "the address is refused: it is none");
    let key = "the address is refused: a key belongs into GIT_SERA_TEACHER_KEY";
    check("https://me:sk-1@example.com/v1", key);
    check("https://example.com/v1?key=sk-1", key);
}

/// A behaviour drawn at random.
fn random_acts(random: &mut ChaCha8Rng) -> Vec<Act> {
    let good: Vec<u8> = [stream_head(), delta("diff"), ending(9, 2)].concat();
    let at = random.random_range(0..=good.len());
    match random.random_range(0..16) {
        0..=4 => vec![Act::Send(good)],
        5 => vec![Act::Send(good[..at].to_vec())],
        6 => vec![Act::Send(good[..at].to_vec()), Act::Forever(good)],
        7 => {
            let mut bad = good;
            let place = at.min(bad.len() - 1);
            bad[place] ^= 1 << random.random_range(0..8);
            vec![Act::Send(bad)]
        }
        8 => {
            let noise: Vec<u8> =
                (0..random.random_range(0..4000)).map(|_| random.random()).collect();
            vec![Act::Send(stream_head()), Act::Send(noise)]
        }
        9 => refuses("429 Too Many Requests", "Retry-After: 0\r\n", ""),
        10 => refuses("502 Bad Gateway", "", "<html>"),
        11 => refuses("400 Bad Request", "", "\u{202e}\u{0}"),
        12 => begins(Act::Send(event(r#"{"usage":{"prompt_tokens":18446744073709551615}}"#))),
        13 => begins(Act::Forever(delta("\u{200b}\u{feff}"))),
        14 => begins(Act::Send(vec![b'y'; 10_000_000])),
        _ => vec![Act::Send(good[..at].to_vec()), Act::Hang],
    }
}

/// A thousand scripts of faults: every call ends, with the reply or with a reason, nothing costs
/// more than the budget, and the key is never said.
#[test]
fn a_thousand_scripts_of_faults() {
    const SCRIPTS: u64 = 1000;
    let (next, good) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed) as u64;
            if seed >= SCRIPTS {
                break;
            }
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let server = TeacherServer::new(move |_: &Asked| random_acts(&mut random));
            let budget = Budget { tokens: Some(700), microdollars: Some(900) };
            let patience = Patience { silence: Duration::from_millis(200), ..patience() };
            let fleet = patient_fleet(&[&server.url], budget, patience);
            for _ in 0..2 {
                match ask(&fleet) {
                    Ok(reply) => {
                        good.fetch_add(1, Ordering::Relaxed);
                        assert!(reply.text.len() <= 50 * 16 + (1 << 16), "{seed}");
                    }
                    Err(error) => assert!(!words(&error).contains(KEY), "{seed}"),
                }
            }
            let spent = fleet.spent();
            assert!(spent.tokens <= 700 && spent.microdollars <= 900, "{seed}: {spent:?}");
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(work);
        }
    });
    let good = good.into_inner();
    assert!((500..2000).contains(&good), "{good} of 2000 calls were answered");
}

fn audited(server: &TeacherServer, audit: Audit) -> Arc<Fleet> {
    let urls = std::slice::from_ref(&server.url);
    let prices = Prices { prompt: 1_000_000, cached: None, completion: 2_000_000 };
    let purse = Purse::new(prices, Budget::default(), None);
    Fleet::new(urls, "m".to_owned(), &|_| None, patience(), purse, audit).unwrap()
}

/// Every try is a request of its own, and stands in the log before the server sees it.
#[test]
fn every_request_is_written_down_before_it_is_sent() {
    let (audit, events) = heard();
    let seen = Arc::clone(&events);
    let mut tries = 0;
    let server = TeacherServer::new(move |asked| {
        tries += 1;
        let last = seen.lock().unwrap().last().cloned();
        let Some(Event::Sent { bytes, body, .. }) = last else { panic!("{last:?}") };
        let digest = sera_core::Digest::of(asked.body.as_bytes());
        assert_eq!((bytes, body), (asked.body.len() as u64, Some(digest)));
        if tries == 1 { vec![Act::Send(head("503 Busy", ""))] } else { says("submit") }
    });
    ask(&audited(&server, audit)).unwrap();
    assert_eq!(server.asked().len(), 2);
    let told: Vec<String> = events.lock().unwrap().iter().map(ToString::to_string).collect();
    let url = format!("{}/chat/completions", server.url);
    assert!(told[0].contains(&format!("bytes to {url}, m, teacher, blake3 ")), "{told:?}");
    assert_eq!(told[1], "request 1: 127.0.0.1 says 503, 0 tokens, $0.000000");
    assert_eq!(told[2], told[0]);
    assert_eq!(told[3], "request 3: answered, 110 tokens, $0.000120");
    assert_eq!(told.len(), 4);
}

#[test]
fn what_cannot_be_written_down_is_not_sent() {
    let server = TeacherServer::new(|_| says("submit"));
    let error = ask(&audited(&server, unwritable())).unwrap_err();
    assert!(words(&error).contains("failed to write the audit log: the disk is full"), "{error:?}");
    assert_eq!(server.asked().len(), 0);
}
