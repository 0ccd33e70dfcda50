//! What is forgotten stands nowhere, comes not back, and takes adapters with it.
use crate::user::{User, holding, poll, real_base};
use sera_testkit::python_project;
use serde_json::Value;

fn user() -> Option<User> {
    let base = real_base()?;
    let user = User::of(python_project());
    user.repo.git(&["config", "--global", "sera.base", base.to_str()?]);
    Some(user)
}

fn trained_on(why: &Value) -> usize {
    let known = why["known"].as_array().unwrap().iter();
    known.filter(|because| because["trained_on"] == true).count()
}

/// What serves may hold the weights that were withdrawn, and lines of what is forgotten.
#[cfg(target_os = "linux")]
#[test]
fn the_worker_that_served_is_gone_at_once() {
    let Some(user) = user() else { return };
    user.json(&["fix", "the split is wrong", "stockroom/money.py"]);
    let serving = user.workers("serve");
    assert_eq!(serving.len(), 1);
    user.json(&["forget", "stockroom/money.py", "--dry-run"]);
    assert_eq!(user.workers("serve"), serving);
    user.json(&["forget", "stockroom/money.py"]);
    poll("it is gone", || user.workers("serve").is_empty());
    user.json(&["fix", "the split is wrong", "stockroom/stats.py"]);
}

#[test]
fn a_file_is_forgotten_with_all_that_learnt_from_it() {
    let Some(user) = user() else { return };
    user.always();
    let file = "stockroom/money.py";
    assert!(user.repo.path().join(file).exists());
    user.json(&["train", "--tokens", "512"]);
    let adapter = user.status()["repositories"][0]["adapters"][0].clone();
    let why = user.json(&["why", file]);
    assert!(trained_on(&why) > 1, "{why}");
    let learnt = format!("adapter {}", adapter.as_str().unwrap());
    assert!(why["known"].as_array().unwrap().iter().any(|one| one["what"] == learnt), "{why}");
    // One of its trajectories says what it was made of.
    let of_it = why["known"].as_array().unwrap().iter().find_map(|one| {
        let (id, _) = one["what"].as_str()?.strip_prefix("trajectory ")?.split_once(',')?;
        Some(id.to_owned())
    });
    let of_it = of_it.unwrap();
    user.sera(&["why", &of_it[of_it.len() - 10..]]).well();

    let before = user.status();
    let planned = user.json(&["forget", file, "--dry-run"]);
    assert_eq!(planned["adapters"][0], adapter);
    assert_eq!(user.status()["repositories"], before["repositories"], "nothing was done");

    let done = user.json(&["forget", file]);
    for counted in ["seeds", "tasks", "trajectories", "holes", "lessons", "adapters"] {
        assert_eq!(done[counted], planned[counted], "{counted}");
    }
    assert!(done["trajectories"].as_u64().unwrap() > 0 && done["retraining"] == true, "{done}");
    assert!(done["lessons"].as_u64().unwrap() > 0, "{done}");
    poll("an adapter is trained anew", || {
        let job = &user.status()["job"]["kind"];
        job == "retrain"
    });
    user.sera(&["stop"]).well();
    let sera = user.sera_folder();
    // The list of what is forgotten names it, and nothing else does.
    for text in ["def split_evenly", "stockroom/money.py::"] {
        assert_eq!(holding(&sera.join("store"), text), [""; 0], "{text}");
    }
    user.sera(&["fsck"]).well();
    // It does not come back with the next cycle.
    user.repo.commit("Say more", &[("README.md", "More.\n")]);
    user.json(&["mine"]);
    let why = user.json(&["why", file]);
    assert_eq!(trained_on(&why), 0, "{why}");
    assert!(why["known"][0]["because"].as_str().unwrap().contains("forgotten"), "{why}");
    for nothing in ["no/such/file.py::f", "stockroom/stats.py::no_such_function"] {
        assert_eq!(user.sera(&["forget", nothing]).code, 65, "{nothing}");
    }
    let again = user.sera(&["forget", file, "--json"]).well().json();
    assert_eq!(again["trajectories"], 0, "{again}");
    let ended = user.sera(&["forget", "no/such/file.py"]);
    assert_eq!(ended.code, 65, "{ended:?}");
    assert_eq!(user.sera(&["forget"]).code, 129);
}
