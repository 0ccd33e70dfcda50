//! How long a hundred clients wait for the status, while the daemon rests and while it trains.
#![cfg(unix)]
use crate::user::{User, end, poll, print, real_base};
use sera_protocol::Client;
use sera_protocol::method::StatusParams;
use sera_testkit::python_project;
use std::time::{Duration, Instant};

/// Clients that ask at the same time.
const CLIENTS: u32 = 100;
/// How often each asks.
const PERIOD: Duration = Duration::from_millis(500);
/// How often each asks in all.
const QUESTIONS: u32 = 40;

/// Milliseconds that each answer took, in order.
fn asked(user: &User) -> Vec<f64> {
    let begin = Instant::now() + PERIOD;
    let ask = |number: u32| {
        let mut client = Client::connect(&user.socket(), "test", "0").unwrap();
        let mut waited = Vec::new();
        for question in 0..QUESTIONS {
            // Spread over the period, as clients that know nothing of each other are.
            let due = begin + PERIOD * question + PERIOD * number / CLIENTS;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let started = Instant::now();
            client.call(StatusParams::default()).unwrap();
            waited.push(started.elapsed().as_secs_f64() * 1e3);
        }
        waited
    };
    let mut all: Vec<f64> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || ask(number))).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    all.sort_by(f64::total_cmp);
    all
}

fn told(when: &str, waited: &[f64]) -> String {
    let at = |share: f64| waited[((waited.len() - 1) as f64 * share) as usize];
    format!(
        "| {when} | {} | {:.2} | {:.2} | {:.2} |",
        waited.len(),
        at(0.5),
        at(0.99),
        waited[waited.len() - 1]
    )
}

#[test]
#[ignore = "a measurement: `cargo xtask bench socket` prints it"]
fn status_of_a_hundred_clients() {
    let user = User::of(python_project());
    user.json(&["rollout"]);
    print("| the daemon | answers | median ms | p99 ms | longest ms |\n|---|---|---|---|---|");
    print(&told("rests", &asked(&user)));
    let Some(base) = real_base() else { return };
    user.repo.git(&["config", "--global", "sera.base", base.to_str().unwrap()]);
    let training = user.start(&["train", "--seconds", "600", "--json"]);
    user.wait("it trains", |status| {
        status["job"]["stage"] == "train" && status["job"]["done"].as_u64() > Some(0)
    });
    print(&told("trains", &asked(&user)));
    assert_eq!(user.status()["job"]["stage"], "train", "it trained to the end of it");
    user.sera(&["stop"]);
    end(training);
    poll("it is gone", || user.status().is_null());
}
