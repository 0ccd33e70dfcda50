//! Choosing again among what is stored, and taking it elsewhere.
use crate::user::{User, real_base};
use sera_testkit::python_project;
use serde_json::Value;

fn user() -> Option<User> {
    let base = real_base()?;
    let user = User::of(python_project());
    user.repo.git(&["config", "--global", "sera.base", base.to_str()?]);
    Some(user)
}

fn sum(counts: &Value) -> u64 {
    counts.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum()
}

#[test]
fn what_is_trained_on_is_chosen_again_and_written_out() {
    let Some(user) = user() else { return };
    let ended = user.sera(&["select"]);
    assert!(ended.code != 0 && ended.err.contains("git sera rollout"), "{ended:?}");
    user.json(&["rollout", "--procedural"]);
    let usual = user.json(&["select"]);
    let all = sum(&usual["chosen"]);
    assert!(all > 0 && usual["target_tokens"].as_u64().unwrap() > 0, "{usual}");
    let commits = usual["chosen"]["commit"].as_u64().unwrap();
    assert!(commits > 0, "{usual}");

    let none = user.json(&["select", "--mix", "commit=0"]);
    assert_eq!(none["chosen"]["commit"], Value::Null, "{none}");
    assert_eq!(none["dropped"]["source-cap"], commits, "{none}");
    let few = user.json(&["select", "--max-patch", "1"]);
    assert!(few["dropped"]["too-large"].as_u64().unwrap() > 0, "{few}");
    // The choice stays until another is made.
    let still = user.json(&["select"]);
    assert_eq!((&still["chosen"], &still["max_patch"]), (&few["chosen"], &1.into()));
    let rows = user.sera(&["export", "--format", "axolotl"]).well();
    let rows: Vec<Value> = rows.out.lines().map(|row| serde_json::from_str(row).unwrap()).collect();
    assert_eq!(rows.len() as u64, sum(&few["chosen"]));
    assert!(rows.iter().all(|row| row["source"] == "mutation"));

    let again = user.json(&["select", "--reset"]);
    assert_eq!((&again["chosen"], &again["mix"]), (&usual["chosen"], &usual["mix"]));
    let folder = user.repo.root().join("out");
    let to = folder.to_str().unwrap();
    let written = user.json(&["export", "--format", "swe-agent", "-o", to]);
    assert_eq!(written["trajectories"].as_u64(), Some(all));
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len() as u64, all);
    for file in files {
        let text = std::fs::read_to_string(file.path()).unwrap();
        let trajectory: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(trajectory["info"]["exit_status"], "submitted");
    }
    let left = std::fs::read_dir(user.sera_folder().join("exports")).unwrap().count();
    assert_eq!(left, 0, "nothing stays behind");

    let check = |arguments: &[&str], code: i32, says: &str| {
        let ended = user.sera(arguments);
        assert!(ended.code == code && ended.err.contains(says), "{ended:?}");
    };
    check(&["select", "--mix", "tests=1"], 65, "as a source");
    check(&["select", "--mix", "report"], 129, "is not SOURCE=SHARE");
    check(&["select", "--min-recall", "7"], 65, "within 0 and 1");
    check(&["export", "--format", "atif"], 129, "--output");
    check(&["export", "--format", "csv"], 129, "possible values");
}

#[test]
fn what_was_made_elsewhere_is_taken_in_after_checks() {
    let (Some(there), Some(here)) = (user(), user()) else { return };
    let file = here.repo.root().join("rows.jsonl");
    there.json(&["rollout", "--procedural"]);
    let exported = there.sera(&["export", "--format", "hermes"]).well().out;
    let rows = exported.lines().count() as u64;
    std::fs::write(&file, &exported).unwrap();
    let file = file.to_str().unwrap();
    // A mine of its own, of the same history.
    let report = here.json(&["import", file]);
    assert_eq!((&report["rows"], &report["taken"]), (&rows.into(), &rows.into()), "{report}");
    assert_eq!(report["accepted"], rows, "{report}");
    let again = here.json(&["import", file]);
    assert_eq!((&again["taken"], &again["dropped"]["duplicate"]), (&0.into(), &rows.into()));
    let id = here.json(&["log", "-n", "1"])["trajectories"][0]["id"].clone();
    let shown = here.json(&["show", id.as_str().unwrap()]);
    assert!(shown["logged"]["of"].as_str().unwrap().starts_with("imported "), "{shown}");
    assert!(shown["steps"].as_array().unwrap().iter().any(|step| step["ok"] == true));
    here.json(&["rollout", "--procedural"]);
    // What was exported here comes in no second time as somebody else's.
    let own = here.sera(&["export", "--format", "hermes"]).well().out;
    std::fs::write(file, own).unwrap();
    assert_eq!(here.json(&["import", file])["taken"], 0);
    let chosen = here.json(&["select"]);
    assert!(chosen["chosen"]["imported"].as_u64().unwrap() > 0, "{chosen}");

    // What would leave the tree, does not apply, is held out, or is no row.
    // Not the first row: which rollout ended first differs from run to run,
    // and a patch that only takes lines away has no place for a secret.
    let mut rows = exported.lines().map(|row| serde_json::from_str::<Value>(row).unwrap());
    let adds = |row: &Value| row["rollout_patch"].as_str().unwrap().contains("\n+    ");
    let good = rows.find(adds).expect("a repair adds an indented line");
    let patch = good["rollout_patch"].as_str().unwrap();
    let path = patch.split(" b/").nth(1).unwrap();
    let path = path.lines().next().unwrap();
    let with = |field: &str, value: &str| {
        let mut row = good.clone();
        row[field] = value.into();
        (row["instance_id"], row["problem_statement"]) = (value.into(), "Other words".into());
        row.to_string()
    };
    let head = there.repo.git(&["rev-parse", "HEAD"]);
    let key = "AKIA2E0A8F3B244C9986";
    let hostile = [
        (with("rollout_patch", &patch.replace(path, "../../etc/passwd")), "unreadable"),
        (with("rollout_patch", &patch.replace(path, "no/such.py")), "no-base"),
        (with("rollout_patch", "not a patch"), "nothing-changed"),
        (with("rollout_patch", ""), "nothing-changed"),
        (
            with(
                "rollout_patch",
                &patch.replacen("\n+    ", &format!("\n+    k = \"{key}\" # "), 1),
            ),
            "secret",
        ),
        (with("base_commit", head.trim()), "beside-cut"),
        (with("base_commit", "--upload-pack=touch x"), "no-base"),
        ("{\"messages\": 1}".to_owned(), "unreadable"),
        ("nonsense".to_owned(), "unreadable"),
    ];
    for (row, reason) in hostile {
        std::fs::write(file, format!("{row}\n")).unwrap();
        let report = here.json(&["import", file]);
        assert_eq!(report["dropped"][reason], 1, "{reason}: {report}");
    }
    assert_eq!(here.sera(&["import", "no-such-file"]).code, 65);
    assert_eq!(here.sera(&["import", file, "--base", "no-such-revision"]).code, 65);
}

#[test]
fn a_student_is_trained_on_what_it_did_itself() {
    let Some(user) = user() else { return };
    user.json(&["rollout", "--procedural"]);
    let report = user.json(&["rollout", "--attempts", "3", "--limit", "3"]);
    let student = &report["student"];
    let accepted = student["accepted"].as_u64().unwrap();
    let made = accepted + sum(&student["rejected"]);
    assert_eq!(made, 9, "{report}");
    let log = user.json(&["log", "-n", "1000"]);
    let own = |one: &&Value| one["teacher"].as_str().unwrap().starts_with("student:");
    let kept = log["trajectories"].as_array().unwrap().iter().filter(own).count() as u64;
    assert_eq!(kept, accepted, "{report}");
    let chosen = user.json(&["select"]);
    let of_student = chosen["chosen"]["student"].as_u64().unwrap_or(0);
    assert!(of_student <= accepted && 2 * of_student <= sum(&chosen["chosen"]), "{chosen}");
    assert_eq!(of_student > 0, accepted > 0, "{chosen}");
}
