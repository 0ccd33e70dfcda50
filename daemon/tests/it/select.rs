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
