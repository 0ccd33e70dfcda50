//! Bad input gets a clear error, starts nothing and changes nothing.
use crate::bench::Bench;
use insta::assert_snapshot;
use sera_protocol::message::{ErrorCode, Failure};

#[test]
fn outside_a_repository_nothing_is_started() {
    let bench = Bench::new();
    let folder = bench.folders().to_str().unwrap().to_owned();
    assert_snapshot!(bench.run(&["mine", "-C", &folder]));
    assert!(!bench.runtime().exists(), "no folder was made for a daemon");
}

#[test]
fn a_folder_that_is_not_there() {
    assert_snapshot!(Bench::new().run(&["mine", "-C", "nowhere"]));
}

#[test]
fn what_the_daemon_refuses_keeps_its_causes_and_hint() {
    let (bench, _seen) = Bench::scripted(|request, daemon| {
        daemon.answer_as_usual(request);
    });
    assert_snapshot!("refused_internal", bench.run(&["verify"]));

    let check = |name: &str, code: ErrorCode| {
        let (bench, _seen) = Bench::scripted(move |_, daemon| {
            let mut failure = Failure::new(code, "it cannot be done").hint("do something else");
            failure.causes = vec!["one reason".to_owned(), "its own reason".to_owned()];
            daemon.refuse(failure);
        });
        assert_snapshot!(name, bench.run(&["quickstart", "--json"]));
    };
    check("refused_busy", ErrorCode::Busy);
    check("refused_no_eligible", ErrorCode::NoEligible);
    check("refused_base_checksum", ErrorCode::BaseChecksum);
    check("refused_no_network", ErrorCode::NoNetwork);
}

#[test]
fn a_daemon_that_dies_is_said_to_be_gone() {
    // The script says nothing and the connection closes when the listener's thread ends.
    let bench = Bench::new();
    let runtime = bench.runtime();
    sera_protocol::paths::secure_folder(&runtime).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(runtime.join("daemon.sock")).unwrap();
    let thread = std::thread::spawn(move || drop(listener.accept().unwrap()));
    assert_snapshot!(bench.run(&["status"]));
    thread.join().unwrap();
}
