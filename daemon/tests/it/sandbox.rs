//! Commands of a teacher in real containers, through the command: run, bounded, refused, swept.
use crate::generate::taught_by;
use crate::user::{User, holding, poll, signal};
use sera_testkit::teacher::{Act, Asked, good, says};
use sera_testkit::{TeacherServer, TestEngine};
use serde_json::Value;
use std::process::Command;
use std::sync::mpsc;

/// The containers of one user: others' tests run beside.
fn containers(address: &str, user: &User) -> Vec<String> {
    let Ok(instance) = std::fs::read_to_string(user.state().join("instance")) else {
        return Vec::new();
    };
    let mut docker = Command::new("docker");
    docker.args([
        "-H",
        address,
        "ps",
        "-aq",
        "--filter",
        &format!("label=sera.instance={instance}"),
    ]);
    let listed = String::from_utf8(docker.output().unwrap().stdout).unwrap();
    listed.lines().map(str::to_owned).collect()
}

/// A key that no file holds as such: only running something shows it.
const KEY: &str = "AKIA2E0A8F3B244C9986";
const ENCODED: &str = "QUtJQTJFMEE4RjNCMjQ0Qzk5ODY=";

/// A teacher that looks as the good one does, and then changes the file with commands.
fn by_commands(asked: &Asked) -> Vec<Act> {
    let answer = || {
        let body: Value = serde_json::from_str(&asked.body).ok()?;
        let messages = body["messages"].as_array()?;
        let said = |at: usize| messages.get(at)?["content"].as_str();
        let works = said(0)?.contains("bash: a command");
        match messages.len() {
            4 if works => {
                let path = said(2)?.split("open: ").nth(1)?.split("::").next()?;
                let first = said(3)?.lines().next()?;
                let edit = format!(
                    "n=$(grep -nF -- '{first}' {path} | head -1 | cut -d: -f1)\n\
                     sed -i \"${{n}}i\\\\{}# Looked at.\" {path}\n\
                     echo {ENCODED} | base64 -d; echo; env; git status; exit 3",
                    &first[..first.len() - first.trim_start().len()]
                );
                Some(format!("bash: {}", serde_json::to_string(&edit).ok()?))
            }
            _ => None,
        }
    };
    answer().map_or_else(|| good(asked), |answer| says(&answer))
}

fn user<'a>(
    server: &'a TeacherServer,
    engine: &'a TestEngine,
    more: &[(&'a str, &'a str)],
) -> User {
    let settings = [
        ("sera.sandbox.engine", engine.address.as_str()),
        ("sera.sandbox.image", engine.image.as_str()),
        ("sera.sandbox.memory", "512"),
        ("sera.teacher.dialect", "plain"),
        ("sera.teacher.parallel", "2"),
    ];
    taught_by(server, &[&settings, more].concat())
}

#[test]
fn a_teacher_works_with_commands() {
    let Some(engine) = TestEngine::named() else { return };
    let server = TeacherServer::new(by_commands);
    let user = user(&server, &engine, &[]);
    let report = user.json(&["rollout", "--limit", "3"]);
    let teacher = &report["teacher"];
    assert_eq!((&teacher["accepted"], &teacher["recall"]), (&3.into(), &1.0.into()), "{report}");
    let log = user.json(&["log", "-n", "1"]);
    let shown = user.json(&["show", log["trajectories"][0]["id"].as_str().unwrap()]);
    let step = &shown["steps"][1];
    assert!(step["action"].as_str().unwrap().starts_with("bash: "), "{shown}");
    let seen = step["observation"].as_str().unwrap();
    assert!(seen.contains("git: command not found") && seen.contains("[exit code 3]"), "{seen}");
    // Neither a secret that a command put together nor the key of the teacher's server is seen.
    assert!(seen.contains("AKIA") && seen.contains("SERA_SANDBOX=1"), "{seen}");
    let told = server.asked().into_iter().map(|asked| asked.body).collect::<String>();
    for text in [seen, &told] {
        assert!(!text.contains(KEY) && !text.contains("canary"), "{text}");
    }
    assert!(holding(&user.sera_folder(), KEY).is_empty());
    // Each container was written down, and nothing of them is left.
    let audit = user.json(&["audit", "--kind", "container"]);
    let changes = |change: &str| -> Vec<String> {
        let entries = audit["entries"].as_array().unwrap().iter();
        let of = entries.filter(|entry| entry["event"]["change"] == change);
        let mut ids: Vec<String> = of.map(|entry| entry["event"]["id"].to_string()).collect();
        ids.sort();
        ids
    };
    assert!(!changes("created").is_empty(), "{audit}");
    assert_eq!(changes("created"), changes("removed"), "{audit}");
    assert_eq!(user.sera(&["doctor"]).well().code, 0);
    let doctor = user.json(&["doctor"]);
    let container = &doctor["environments"][1];
    assert_eq!((&container["kind"], &container["usable"]), (&"container".into(), &true.into()));
    assert_eq!((&container["network"], &container["files"]), (&false.into(), &false.into()));
    for layer in ["no-network", "seccomp", "read-only-root", "limit-memory"] {
        assert!(container["layers"].as_array().unwrap().contains(&layer.into()), "{doctor}");
    }
}

#[test]
fn what_is_demanded_and_missing_refuses() {
    let server = TeacherServer::new(good);
    let nowhere = TestEngine::nowhere();
    let user = user(&server, &nowhere, &[("sera.sandbox.kind", "container")]);
    let refused = user.sera(&["rollout", "--limit", "1"]);
    assert_eq!(refused.code, 69, "{refused:?}");
    assert!(refused.err.contains("must run in a container"), "{refused:?}");
    assert_eq!(server.asked().len(), 0, "nothing is asked in vain");
    let doctor = user.sera(&["doctor"]);
    assert_eq!(doctor.code, 1, "{doctor:?}");
    assert!(doctor.out.contains("cannot be used"), "{doctor:?}");
    // Not demanded, it is only said.
    user.repo.git(&["config", "--global", "sera.sandbox.kind", "auto"]);
    let without = user.sera(&["rollout", "--limit", "1"]).well();
    assert!(without.err.contains("no commands can be run"), "{without:?}");
    assert_eq!(user.sera(&["doctor"]).code, 0);
    // No repository decides any of it.
    user.repo.git(&["config", "--global", "--unset", "sera.sandbox.image"]);
    user.repo.git(&["config", "sera.sandbox.image", "evil"]);
    user.repo.git(&["config", "sera.sandbox.kind", "container"]);
    let own = user.sera(&["rollout", "--limit", "1"]).well();
    assert!(!own.err.contains("no commands can be run"), "{own:?}");
    for (key, value) in [("kind", "vm"), ("require", "magic"), ("memory", "12")] {
        let key = format!("sera.sandbox.{key}");
        user.repo.git(&["config", "--global", &key, value]);
        let wrong = user.sera(&["doctor"]);
        assert!(wrong.code == 65 && wrong.err.contains(&key), "{wrong:?}");
        user.repo.git(&["config", "--global", "--unset", &key]);
    }
}

#[test]
fn an_engine_that_dies_ends_only_what_it_ran() {
    let Some(named) = TestEngine::named() else { return };
    let doomed = named.another();
    let mut import = doomed.docker();
    import.arg("import").arg(&named.root).arg(&named.image);
    assert!(import.output().unwrap().status.success());
    let engine = named.at(&doomed);
    let (dying, death) = mpsc::channel();
    let server = TeacherServer::new(move |asked| {
        if asked.body.contains("bash: a command") && asked.body.contains("# Looked at") {
            // The first command was run; the reply to it waits until the engine is dead.
            dying.send(()).ok();
        }
        by_commands(asked)
    });
    let user = user(&server, &engine, &[("sera.teacher.parallel", "1")]);
    let running = user.start(&["rollout", "--limit", "3", "--json"]);
    death.recv().unwrap();
    doomed.kill();
    let ended = crate::user::end(running);
    let report = ended.well().json();
    let teacher = &report["teacher"];
    // Those after it go on without commands.
    let accepted = teacher["accepted"].as_u64().unwrap();
    assert!(accepted >= 1, "{report}");
    assert_eq!(
        accepted + teacher["dropped"]["teacher-failed"].as_u64().unwrap_or(0),
        3,
        "{report}"
    );
}

#[test]
fn containers_of_a_killed_daemon_are_swept() {
    let Some(engine) = TestEngine::named() else { return };
    let (asking, asked) = mpsc::channel();
    let server = TeacherServer::new(move |_| {
        asking.send(()).ok();
        vec![Act::Hang]
    });
    let user = user(&server, &engine, &[]);
    let running = user.start(&["rollout", "--limit", "1"]);
    asked.recv().unwrap();
    let workers = user.workers("rollout");
    let own = || containers(&engine.address, &user);
    poll("a container is there", || !own().is_empty());
    for worker in workers {
        signal("KILL", worker);
    }
    user.kill();
    drop(crate::user::end(running));
    let ids = own();
    assert!(!ids.is_empty(), "they are orphans now");
    // Any job starts the daemon again, which sweeps first.
    user.json(&["mine"]);
    poll("the orphans are gone", || own().iter().all(|id| !ids.contains(id)));
    let leases = user.state().join("containers");
    poll("the leases are gone", || std::fs::read_dir(&leases).unwrap().count() == 0);
}

#[test]
fn an_image_is_built_by_the_repository_once_the_user_agrees() {
    let Some(engine) = TestEngine::named() else { return };
    let server = TeacherServer::new(good);
    let user = user(&server, &engine, &[]);
    user.repo.git(&["config", "--global", "--unset", "sera.sandbox.image"]);
    let none = user.sera(&["sandbox", "build", "--repository", "--yes"]);
    assert!(none.code == 1 && none.err.contains("Dockerfile"), "{none:?}");
    let recipe = format!("FROM {}\nCOPY . /copied\nRUN ls /copied > /listed\n", engine.image);
    user.repo.commit("A recipe", &[("Dockerfile", &recipe), (".env", "TOKEN=1\n")]);
    let shown = user.sera(&["sandbox", "build", "--repository", "--dry-run"]).well();
    assert!(shown.out.contains("COPY . /copied"), "{shown:?}");
    let unasked = user.sera(&["sandbox", "build", "--repository"]);
    assert_eq!(unasked.code, 77, "{unasked:?}");
    let built = user.json(&["sandbox", "build", "--repository", "--yes"]);
    assert!(built["id"].as_str().unwrap().starts_with("sha256:"), "{built}");
    let mut run = Command::new("docker");
    run.args(["-H", &engine.address, "run", "--rm", "--network=none"]);
    let seen = run.arg(built["id"].as_str().unwrap()).args(["cat", "/listed"]).output().unwrap();
    let seen = String::from_utf8(seen.stdout).unwrap();
    assert!(
        seen.contains("Dockerfile") && !seen.contains(".env") && !seen.contains(".git\n"),
        "{seen}"
    );
    let doctor = user.json(&["doctor"]);
    assert_eq!(doctor["environments"][1]["usable"], true, "{doctor}");
}
