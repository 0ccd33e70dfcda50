//! Containers on a real engine: made as specified, bounded, reused clean, and never left behind.
use crate::overlay::{overlay, path};
use sera_core::Cancel;
use sera_core::audit::Audit;
use sera_sandbox::Overlay;
use sera_sandbox::container::{
    Container, Ended, Engine, EngineError, Lease, Limits, Order, Owner, Pool, Shell, ShellError,
    Spec, Unfit, image, sweep,
};
use sera_testkit::TestEngine;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The engine that `cargo xtask test` started, and its image; none where it could not.
pub(crate) fn engine() -> Option<(Engine, image::Image)> {
    let named = TestEngine::named()?;
    let engine = Engine::connect(&[named.address]).unwrap();
    let image = image::find(&engine, &named.image, None).unwrap();
    Some((engine, image))
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn owner(test: &str) -> Owner {
    Owner { instance: format!("test-{test}-{}", std::process::id()), run: "a-run".to_owned() }
}

/// A log that nobody reads.
pub(crate) fn unheard() -> Audit {
    Audit::new(|_| Ok(0))
}

fn order(test: &str, image: &image::Image) -> Order {
    let limits = Limits { memory: 256 << 20, tree: 64 << 20, processes: 64, ..Limits::default() };
    Order {
        image: image.clone(),
        limits,
        owner: owner(test),
        require: Vec::new(),
        audit: unheard(),
    }
}

fn pool(test: &str) -> Option<Arc<Pool>> {
    let (engine, image) = engine()?;
    Some(Arc::new(Pool::open(engine, order(test, &image), now).unwrap()))
}

/// Runs a command of at most so many seconds, and returns its end and its output.
pub(crate) fn run(container: &Container, command: &str, seconds: u64) -> (Ended, String) {
    let ran = container.run(command, Duration::from_secs(seconds), &Cancel::default()).unwrap();
    (ran.ended, String::from_utf8_lossy(&ran.output).into_owned())
}

fn says(container: &Container, command: &str) -> String {
    let (ended, output) = run(container, command, 60);
    assert_eq!(ended, Ended::Exited(0), "{command}: {output}");
    output
}

#[test]
fn what_is_made_is_what_is_specified() {
    let Some((engine, image)) = engine() else { return };
    let order = order("inspect", &image);
    let spec = Spec::of(&order, now());
    let container = Container::start(&engine, &spec, &order.audit).unwrap();
    let made = container.inspected().unwrap();
    let check = |field: &str, expect: serde_json::Value| {
        assert_eq!(made.pointer(field), Some(&expect), "{field}: {made:#}");
    };
    check("/Config/User", "65533:65533".into());
    check("/Config/Cmd", serde_json::json!(["sleep", "7200"]));
    check("/Config/WorkingDir", "/src".into());
    check("/Config/Hostname", "sandbox".into());
    check("/Config/NetworkDisabled", true.into());
    check("/Config/Healthcheck/Test", serde_json::json!(["NONE"]));
    check("/HostConfig/NetworkMode", "none".into());
    check("/HostConfig/ReadonlyRootfs", true.into());
    check("/HostConfig/Privileged", false.into());
    check("/HostConfig/CapDrop", serde_json::json!(["ALL"]));
    check("/HostConfig/PidsLimit", 64.into());
    check("/HostConfig/Memory", (256 << 20).into());
    check("/HostConfig/MemorySwap", (256 << 20).into());
    check("/HostConfig/NanoCpus", 2_000_000_000u64.into());
    check("/HostConfig/CpuShares", 256.into());
    check("/HostConfig/OomScoreAdj", 500.into());
    check("/HostConfig/ShmSize", (64 << 20).into());
    check("/HostConfig/IpcMode", "private".into());
    check("/HostConfig/Init", true.into());
    check("/HostConfig/AutoRemove", true.into());
    check("/HostConfig/LogConfig/Type", "none".into());
    check("/HostConfig/PublishAllPorts", false.into());
    let options = made.pointer("/HostConfig/SecurityOpt").unwrap().to_string();
    assert!(
        options.contains("no-new-privileges:true") && options.contains("seccomp="),
        "{options}"
    );
    for nothing in
        ["Binds", "Mounts", "VolumesFrom", "Devices", "DeviceRequests", "CapAdd", "Links"]
    {
        let value = made.pointer(&format!("/HostConfig/{nothing}"));
        assert!(
            value.is_none_or(|v| v.is_null() || *v == serde_json::json!([])),
            "{nothing}: {value:?}"
        );
    }
    for place in ["/tmp", "/src", "/home/u"] {
        let options = &made["HostConfig"]["Tmpfs"][place];
        assert!(options.as_str().unwrap().contains("nosuid,nodev"), "{place}: {options}");
    }
    let mut environment: Vec<&str> =
        made["Config"]["Env"].as_array().unwrap().iter().filter_map(|v| v.as_str()).collect();
    environment.sort_unstable();
    insta::assert_debug_snapshot!(environment);
}

#[test]
fn a_container_ends_by_itself() {
    let Some((engine, image)) = engine() else { return };
    let mut order = order("ends", &image);
    order.limits.lifetime = 1;
    let container = Container::start(&engine, &Spec::of(&order, now()), &order.audit).unwrap();
    let until = SystemTime::now() + Duration::from_secs(30);
    while container.inspected().is_ok() {
        assert!(SystemTime::now() < until, "it is still there");
        std::thread::yield_now();
    }
}

#[test]
fn what_is_unbounded_is_stopped_and_the_container_lives() {
    let Some(pool) = pool("bombs") else { return };
    let (container, _) = pool.take().unwrap();
    // Time, with processes in sessions of their own, and ones that ignore what they can.
    let tree = "trap '' TERM INT HUP; (setsid sleep 600 &); nohup sleep 600 & sleep 600";
    let (ended, _) = run(&container, tree, 1);
    assert_eq!(ended, Ended::TimedOut);
    assert_eq!(says(&container, "pgrep sleep -u 65534 | wc -l").trim(), "0");
    // Processes.
    let (ended, output) = run(&container, ":(){ :|:& };:; wait", 3);
    assert!(ended != Ended::Exited(0) || output.contains("Resource"), "{ended:?} {output}");
    let (container, _) = pool.take().unwrap();
    // Memory.
    let (ended, output) = run(&container, "perl -e '$x = \"a\" x (1 << 30); print length $x'", 60);
    assert!(matches!(ended, Ended::Exited(code) if code != 0), "{ended:?} {output}");
    let (container, _) = pool.take().unwrap();
    // Disk, of which there is none: the tree's own size bounds it, then memory.
    let (ended, output) = run(&container, "head -c 100M /dev/zero > big", 60);
    assert!(matches!(ended, Ended::Exited(code) if code != 0), "{ended:?} {output}");
    // Output.
    let ran = container.run(
        "head -c 8M /dev/zero | tr '\\0' a",
        Duration::from_secs(60),
        &Cancel::default(),
    );
    let ran = ran.unwrap();
    assert_eq!(ran.ended, Ended::Exited(0));
    assert!(ran.output.len() < (1 << 20) + 100 && ran.lost > 6 << 20, "{}", ran.lost);
    assert_eq!(says(&container, "rm -f big; echo still here"), "still here\n");
}

#[test]
fn whoever_cancels_waits_no_longer() {
    let Some(pool) = pool("cancel") else { return };
    let (container, _) = pool.take().unwrap();
    let cancel = Cancel::default();
    cancel.cancel();
    let ran = container.run("sleep 600", Duration::from_secs(60), &cancel).unwrap();
    assert_eq!(ran.ended, Ended::Cancelled);
}

#[test]
fn what_is_left_running_holds_nobody_up() {
    let Some(pool) = pool("background") else { return };
    let (container, _) = pool.take().unwrap();
    assert_eq!(says(&container, "sleep 600 & echo started"), "started\n");
    assert_eq!(says(&container, "pgrep -c sleep -u 65534"), "1\n");
}

#[test]
fn nothing_of_the_last_user_is_left() {
    let Some(pool) = pool("reset") else { return };
    let taken = pool.take().unwrap();
    let id = taken.0.id().to_owned();
    let traces = "echo a > /tmp/.a; mkdir -p d/e; echo b > d/e/b; chmod 000 d; echo c > ~/..c; \
        echo d > /dev/shm/d; touch -- '-rf' '*'; sleep 600 & (setsid sleep 600 &) ; echo done";
    assert_eq!(says(&taken.0, traces), "done\n");
    pool.give_back(taken);
    let (container, _) = pool.take().unwrap();
    assert_eq!(container.id(), id, "it was clean");
    assert_eq!(
        says(&container, "ls -A /src /tmp ~ /dev/shm | grep -v :; pgrep sleep -u 65534; true")
            .trim(),
        ""
    );
    // Folders that were made unreadable.
    says(
        &container,
        "echo 'echo caught' > ~/.bash_profile; echo x > x; (chmod 300 ~; chmod 000 /src) 2>/dev/null; true",
    );
    pool.give_back((container, std::time::Instant::now() + Duration::from_secs(600)));
    let (container, _) = pool.take().unwrap();
    assert_eq!(says(&container, "ls -A /src ~ | grep -v :; true").trim(), "");
    // What cannot be taken away: shared memory of the System V kind.
    let shared = "perl -e 'defined(shmget(42, 4096, 01600)) or die $!'";
    says(&container, shared);
    pool.give_back((container, std::time::Instant::now() + Duration::from_secs(600)));
    let (container, _) = pool.take().unwrap();
    assert_ne!(container.id(), id, "what it holds is nobody else's");
}

#[test]
fn an_unmet_demand_refuses() {
    let Some((engine, image)) = engine() else { return };
    let mut order = order("demand", &image);
    order.require = vec!["rootless".to_owned(), "no-network".to_owned()];
    // The engine of the tests runs as root.
    let refused = Pool::open(engine, order, now).unwrap_err();
    assert!(
        matches!(&refused, EngineError::Weak(missing) if missing == &["rootless"]),
        "{refused}"
    );
}

#[test]
fn containers_of_the_dead_are_swept() {
    let Some((engine, image)) = engine() else { return };
    let leases = tempfile::tempdir().unwrap();
    let mine = Lease::take(leases.path(), "alive", engine.address()).unwrap();
    let theirs = Lease::take(leases.path(), "dead", engine.address()).unwrap();
    assert!(Lease::take(leases.path(), "alive", "").is_err(), "a lease is one process's");
    let start = |run: &str| {
        let mut order = order("sweep", &image);
        run.clone_into(&mut order.owner.run);
        Container::start(&engine, &Spec::of(&order, now()), &order.audit).unwrap()
    };
    let (alive, dead) = (start(mine.run()), start(theirs.run()));
    let instance = owner("sweep").instance;
    let swept = |at| -> Vec<String> {
        let swept = sweep(&engine, &instance, leases.path(), at).unwrap();
        swept.into_iter().map(|swept| swept.id).collect()
    };
    assert_eq!(swept(now()), Vec::<String>::new());
    drop(theirs);
    assert_eq!(sweep(&engine, "another", leases.path(), now()).unwrap(), []);
    // Another instance's sweep has taken the lease away; the container is an orphan still.
    assert_eq!(swept(now()), [dead.id()]);
    assert!(alive.inspected().is_ok() && dead.inspected().is_err());
    assert_eq!(swept(now() + 3 * 3600), [alive.id()], "its time is over");
    drop(alive);
    mine.end(&instance, now()).unwrap();
    assert_eq!(std::fs::read_dir(leases.path()).unwrap().count(), 0);
}

#[test]
fn an_engine_that_dies_is_an_answer() {
    let Some(named) = TestEngine::named() else { return };
    let doomed = named.another();
    let engine = Engine::connect(&[doomed.address()]).unwrap();
    let id = image::import(&engine, &named.root, "sera-sandbox:doomed").unwrap();
    let image = image::find(&engine, "sera-sandbox:doomed", Some(&id)).unwrap();
    let other = image::find(&engine, "sera-sandbox:doomed", Some("sha256:0")).unwrap_err();
    assert!(matches!(other, EngineError::Image { .. }), "{other}");
    let absent = image::find(&engine, "nobody/nothing", None).unwrap_err();
    assert!(absent.to_string().contains("does not have it"), "{absent}");
    let pool = Arc::new(Pool::open(engine, order("doomed", &image), now).unwrap());
    let overlay = overlay(&[("a.py", b"x = 1\n")]);
    let mut shell = Shell::new(pool).unwrap();
    assert_eq!(run_in(&mut shell, &overlay, "cat a.py"), "x = 1\n");
    let error = std::thread::scope(|scope| {
        let ran = scope.spawn(|| shell.run(&overlay, "sleep 600", &Cancel::default()));
        // Killed whenever: before the command, as it starts, or while it runs.
        doomed.kill();
        ran.join().unwrap().unwrap_err()
    });
    assert!(matches!(error, ShellError::Engine(_)), "{error}");
    assert!(matches!(shell.changes(), Err(ShellError::Engine(_)) | Ok(_)));
    let again = shell.run(&overlay, "true", &Cancel::default()).unwrap_err();
    assert!(matches!(again, ShellError::Engine(_)), "{again}");
}

fn shell(test: &str, files: &[(&str, &[u8])]) -> Option<(Shell, Overlay)> {
    Some((Shell::new(pool(test)?).unwrap(), overlay(files)))
}

/// Runs a command in an environment and returns what it says.
fn run_in(shell: &mut Shell, overlay: &Overlay, command: &str) -> String {
    let ran = shell.run(overlay, command, &Cancel::default()).unwrap();
    String::from_utf8_lossy(&ran.output).into_owned()
}

#[test]
fn the_tree_follows_both_ways() {
    let key = "AKIA2E0A8F3B244C9986";
    let secret = format!("key = \"{key}\"\n");
    let files: &[(&str, &[u8])] = &[
        ("a.py", b"x = 1\n"),
        ("dir/b.py", b"y = 1\n"),
        ("gone.py", b"z = 1\n"),
        ("run.sh", b"#!/bin/sh\necho ran\n"),
        ("s.py", secret.as_bytes()),
        (".env", b"TOKEN=1\n"),
        ("data.bin", b"\x00\x01\x02"),
        (".gitignore", b"*.log\n/build/\n"),
    ];
    let Some((mut shell, mut overlay)) = shell("both", files) else { return };
    overlay.write(path("a.py"), "x = 2\n".to_owned()).unwrap();
    assert_eq!(
        run_in(&mut shell, &overlay, "cat a.py dir/b.py; ./run.sh; ls .env"),
        "x = 2\ny = 1\nran\nls: cannot access '.env': No such file or directory\n"
    );
    let seen = run_in(&mut shell, &overlay, "cat s.py; od -An -tx1 data.bin");
    assert!(!seen.contains(key) && seen.contains("key = ") && seen.contains("00 01 02"), "{seen}");
    assert_eq!(shell.changes().unwrap().written.len(), 0, "nothing changed");
    let work = "echo 'x = 3' > a.py; rm gone.py; mkdir -p build new; echo o > build/o; echo l > x.log; \
        echo n > new/n.py; head -c 10 /dev/urandom > noise; printf '\\0' >> noise; ln -s /etc/passwd link";
    run_in(&mut shell, &overlay, work);
    let changes = shell.changes().unwrap();
    let written: Vec<(&str, &str)> =
        changes.written.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    assert_eq!(written, [("a.py", "x = 3\n"), ("new/n.py", "n\n")]);
    assert_eq!(
        changes.removed.iter().map(sera_core::TreePath::as_str).collect::<Vec<_>>(),
        ["gone.py"]
    );
    // The noise; the link's target is text of nobody's.
    assert_eq!(changes.left_out, 2);
    // Edits after that, and files taken away, reach the next command.
    overlay.write(path("a.py"), "x = 4\n".to_owned()).unwrap();
    overlay.remove(path("dir/b.py")).unwrap();
    assert_eq!(run_in(&mut shell, &overlay, "cat a.py; ls dir | wc -l"), "x = 4\n0\n");
}

#[test]
fn more_than_may_change_is_not_taken() {
    let Some((mut shell, overlay)) = shell("much", &[("a.py", b"x = 1\n")]) else { return };
    run_in(&mut shell, &overlay, "for i in $(seq 2100); do echo x > f$i; done");
    let error = shell.changes().unwrap_err();
    assert!(matches!(error, ShellError::Unfit(Unfit::TooMuch)), "{error}");
}

#[test]
fn names_that_would_lead_out_are_left_out() {
    let Some((mut shell, overlay)) = shell("names", &[("a.py", b"x = 1\n")]) else { return };
    let names = "mkdir -p .git sub/.GIT 'a:b' ; echo x > .git/config; echo x > sub/.GIT/hooks; \
        echo x > 'new\nline'; echo x > 'back\\slash'; mkfifo fifo; ln a.py hard; echo y > b.py";
    run_in(&mut shell, &overlay, names);
    let changes = shell.changes().unwrap();
    let written: Vec<&str> = changes.written.keys().map(sera_core::TreePath::as_str).collect();
    assert!(
        written.contains(&"b.py") && written.iter().all(|p| !p.to_lowercase().contains(".git")),
        "{written:?}"
    );
    assert_eq!(changes.removed.len(), 0);
}
