//! Adapters by hand: served against the numbers, taken back, listed with how old they are.
use crate::user::User;
use sera_testkit::{python_project, tiny_base};

#[test]
fn an_adapter_is_forced_listed_and_rolled_back() {
    let user = User::of(python_project());
    let base = user.repo.root().join("base");
    tiny_base(&base);
    user.repo.git(&["config", "--global", "sera.base", base.to_str().unwrap()]);
    let none = user.sera(&["promote", "--force"]);
    assert!(none.code != 0 && none.err.contains("there is no adapter yet"), "{none:?}");
    assert_eq!(user.json(&["adapters"])["adapters"], serde_json::json!([]));

    user.json(&["train", "--tokens", "512"]);
    let listed = user.json(&["adapters"])["adapters"][0].clone();
    let id = listed["adapter"].as_str().unwrap().to_owned();
    let cut = listed["cut"].as_str().unwrap();
    let behind = user.repo.git(&["rev-list", "--count", &format!("{cut}..HEAD")]);
    assert_eq!(listed["behind"].to_string(), behind);
    assert_eq!(listed["serves"], serde_json::json!([]));

    let end = &id[id.len() - 8..];
    let forced = user.json(&["promote", end, "--force", "--capability", "fix"]);
    assert_eq!(forced["promoted"], serde_json::json!(["fix"]));
    let listed = user.json(&["adapters"])["adapters"][0].clone();
    assert_eq!([&listed["serves"], &listed["forced"]], [&serde_json::json!(["fix"]); 2]);
    let served = |status: &serde_json::Value| status["repositories"][0]["served"].clone();
    assert_eq!(served(&user.status())["fix"], id.as_str());
    user.json(&["fix", "the split is wrong", "stockroom/money.py"]);

    let back = user.json(&["rollback"]);
    let expect = serde_json::json!([{"capability": "fix", "adapter": id, "serves": "base"}]);
    assert_eq!(back["changed"], expect);
    assert_eq!(served(&user.status())["fix"], "base");
    let again = user.sera(&["rollback"]);
    assert!(again.code != 0 && again.err.contains("nothing to go back from"), "{again:?}");
    let told = user.json(&["audit", "--kind", "promoted", "--kind", "rolled-back"]);
    assert_eq!(told["entries"].as_array().unwrap().len(), 2, "{told}");
    let wrong = user.sera(&["promote", "nothing-like-it", "--force"]);
    assert!(wrong.err.contains("hint: `git sera adapters` lists them"), "{wrong:?}");
    let wrong = user.sera(&["rollback", "--capability", "sing"]);
    assert_eq!(wrong.code, 129, "{wrong:?}");
    assert!(wrong.err.contains("it is one of complete, locate, fix"), "{wrong:?}");
}
