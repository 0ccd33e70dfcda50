//! Every repository of the zoo gets the answer that its row in the table demands, from one daemon
//! that lives through all of them and writes nowhere but into its own folder.
use crate::untouched::Snapshot;
use crate::user::{Ended, User, end, poll, print};
use sera_testkit::Repo;
use sera_testkit::zoo::{Answer, Built, Class, Fixture, ZOO, Zoo};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;

/// Repositories that are looked at at the same time.
const THREADS: usize = 2;

const DAMAGED: &str = "`git fsck` says what is damaged or missing; fetch it again, or clone anew";

#[test]
fn every_repository_gets_its_answer() {
    let user = User::of(Repo::new());
    let zoo = Zoo::new(&user.repo);
    let fixtures: Vec<&Fixture> = ZOO.iter().flat_map(|class| class.fixtures).collect();
    let built = shared(&fixtures, |fixture| zoo.build(fixture));
    let left_out: Vec<&str> = built
        .iter()
        .zip(&fixtures)
        .filter(|(built, _)| built.is_none())
        .map(|(_, fixture)| fixture.name)
        .collect();
    if !left_out.is_empty() {
        print(&format!("NOT TESTED, since this user cannot build them: {left_out:?}"));
        assert!(std::env::var_os("CI").is_none(), "{left_out:?}");
    }
    let built: Vec<Built> = built.into_iter().flatten().collect();
    user.sera(&["start"]).well();
    let pid = user.pid();
    let wrong: Vec<String> =
        shared(&built, |built| visit(&user, built)).into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), built.len(), wrong.join("\n"));
    assert_eq!(user.pid(), pid, "one daemon answers to the end");
    let log = std::fs::read_to_string(user.state().join("daemon.log")).unwrap();
    assert!(!log.contains("panicked"), "{log}");
    assert!(built.len() >= 60, "{} repositories", built.len());
    ZOO.iter().for_each(|class| print(&row(class)));
}

/// A class's row in the table of `docs/reliability.md`.
fn row(class: &Class) -> String {
    let (mut mined, mut refused, mut unreadable) = (0, 0, 0);
    for fixture in class.fixtures {
        match fixture.answer {
            Answer::Mined(_) => mined += 1,
            Answer::Refused(..) => refused += 1,
            Answer::Unreadable(_) => unreadable += 1,
        }
    }
    let all = class.fixtures.len();
    format!("| {} | {all} | {mined} | {refused} | {unreadable} |", class.name)
}

/// What is wrong with the answers about one repository.
fn visit(user: &User, built: &Built) -> Option<String> {
    let folders = [built.folder.clone(), user.repo.home()];
    let before = Snapshot::below(&folders, &[]);
    let registered = sera(user, built, &["register", "--json"]);
    let (answer, ours) = if registered.code == 0 {
        let common = registered.json()["common_dir"].as_str().unwrap().to_owned();
        (mine(user, built, &common), vec![PathBuf::from(common).join("sera")])
    } else {
        (refused(user, built, &registered), Vec::new())
    };
    let after = Snapshot::below(&folders, &ours);
    let touched = before.differing(&after);
    let expected = answer_of(built.fixture.answer);
    let fine = answer == expected && touched.is_empty();
    (!fine)
        .then(|| format!("{}\n    {answer}\n    {expected}\n    {touched:?}", built.fixture.name))
}

/// Mines a repository that was registered, and asks how it stands.
fn mine(user: &User, built: &Built, common: &str) -> String {
    let mined = sera(user, built, &["mine", "--json"]);
    let status = sera(user, built, &["status", "--json"]).well().json();
    let is_it = |one: &&Value| one["common_dir"] == *common;
    let known = status["repositories"].as_array().unwrap().iter().find(is_it).unwrap();
    assert_eq!(mined.code == 0, known["mined_head"].is_string(), "{built:?} {mined:?} {known}");
    poll("the repository is given back", || sera(user, built, &["unregister"]).code == 0);
    if mined.code != 0 {
        return format!("unreadable {}", said(built, &mined));
    }
    format!("mined {}", counts(&mined.json()))
}

/// Whatever is asked of a repository that cannot be worked on, the answer is the same.
fn refused(user: &User, built: &Built, registered: &Ended) -> String {
    let answer = said(built, registered);
    assert_eq!(said(built, &sera(user, built, &["mine"])), answer, "{built:?}");
    user.sera(&["status"]).well();
    format!("refused {answer}")
}

fn sera(user: &User, built: &Built, arguments: &[&str]) -> Ended {
    let mut command = user.command("git-sera");
    let (folder, at) = if built.at.is_dir() {
        (built.at.as_path(), Path::new("."))
    } else {
        (built.folder.as_path(), built.at.as_path())
    };
    command.current_dir(folder).envs(built.environment()).args(arguments);
    if built.environment().next().is_none() {
        command.arg("-C").arg(at);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    end(command.spawn().unwrap())
}

/// `functions(held out) functions, …` as the table has it.
fn counts(report: &Value) -> String {
    let number = |name: &str| report[name].as_u64().unwrap();
    let dropped = report["dropped"].as_object().unwrap().iter();
    let dropped: Vec<String> = dropped.map(|(reason, n)| format!("{reason} {n}")).collect();
    format!(
        "{}({}) functions, {}({}) commits; {}",
        number("functions") + number("held_out_functions"),
        number("held_out_functions"),
        number("commits") + number("held_out_commits"),
        number("held_out_commits"),
        dropped.join(", ")
    )
}

/// Exit code, message and hint, without what differs from one run to the next. What is told of the
/// causes is the words of libraries, which may change with them.
fn said(built: &Built, ended: &Ended) -> String {
    let folder = built.folder.display().to_string();
    let told = ended.err.replace(&folder, "");
    let (_, told) = told.trim_end().rsplit_once("error: ").unwrap_or(("", &told));
    let (told, hint) = told.split_once("\nhint: ").map_or((told, None), |(a, b)| (a, Some(b)));
    let mut message = told.split_once("\n  caused by: ").map_or(told, |(message, _)| message);
    if message.starts_with("failed to") {
        message = message.split_once(": ").map_or(message, |(message, _)| message);
    }
    let hint = hint.map_or(String::new(), |hint| format!(" | {hint}"));
    without_ids(&format!("{} {message}{hint}", ended.code))
}

/// Ids stand for what the script made; whoever reads the table cares for the words around them.
fn without_ids(text: &str) -> String {
    let is_id = |run: &str| run.len() >= 10 && run.chars().all(|c| c.is_ascii_hexdigit());
    let mut told = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let after = word + rest[word..].chars().next().map_or(0, char::len_utf8);
        told.push_str(if is_id(&rest[..word]) { "ID" } else { &rest[..word] });
        told.push_str(&rest[word..after]);
        rest = &rest[after..];
    }
    told
}

fn answer_of(answer: Answer) -> String {
    match answer {
        Answer::Mined(text) => format!("mined {text}"),
        Answer::Refused(code, message, "") => format!("refused {code} {message}"),
        Answer::Refused(code, message, hint) => format!("refused {code} {message} | {hint}"),
        Answer::Unreadable(message) => format!("unreadable 128 {message} | {DAMAGED}"),
    }
}

/// `work` on every item, a few at a time, results in order.
fn shared<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let queue = Mutex::new(items.iter().enumerate());
    let share = || {
        let next = || queue.lock().unwrap().next();
        std::iter::from_fn(next).map(|(at, item)| (at, work(item))).collect::<Vec<_>>()
    };
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(share)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
