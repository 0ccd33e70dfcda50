//! What Podman says of a container, in Docker's words: the same facts are spelt otherwise, and a
//! few are added that change nothing here.
use serde_json::{Map, Value};

/// Folders that Podman makes writable in a read-only container. They are held in memory, bounded
/// by the container's own limit, and wiped like the others.
const ADDED: [&str; 2] = ["/run", "/var/tmp"];
/// Options of mounts that Podman writes out, or takes without writing it out.
const OPTIONS: [&str; 3] = ["rprivate", "tmpcopyup", "notmpcopyup"];
/// Variables that Podman sets.
const VARIABLES: [&str; 2] = ["container=", "HOSTNAME="];

/// The part that is about the machine: what was made, and what was asked for.
pub(super) fn host(made: &mut Value, asked: &mut Value) {
    mounts(asked);
    mounts(made);
    let Some(made) = made.as_object_mut() else { return };
    for (field, says, means) in
        [("CgroupnsMode", "", "private"), ("IpcMode", "shareable", "private")]
    {
        if made.get(field).is_some_and(|value| value == says) {
            made.insert(field.to_owned(), means.into());
        }
    }
    if let Some(options) = made.get_mut("SecurityOpt").and_then(Value::as_array_mut) {
        for option in options.iter_mut().filter(|option| **option == "no-new-privileges") {
            *option = "no-new-privileges:true".into();
        }
    }
    cpus(made, asked);
}

fn mounts(host: &mut Value) {
    if let Some(mounts) = host.get_mut("Tmpfs").and_then(Value::as_object_mut) {
        mounts.retain(|place, _| !ADDED.contains(&place.as_str()));
        mounts.values_mut().for_each(|options| *options = without(options));
    }
}

fn without(options: &Value) -> Value {
    let options = options.as_str().unwrap_or_default().split(',');
    options.filter(|option| !OPTIONS.contains(option)).collect::<Vec<_>>().join(",").into()
}

/// A share of the processors stands as time of a period.
fn cpus(made: &mut Map<String, Value>, asked: &Value) {
    let number = |field: &str| made.get(field).and_then(Value::as_i64);
    if let (Some(quota), Some(period)) = (number("CpuQuota"), number("CpuPeriod"))
        && period > 0
        && asked["NanoCpus"] == quota * 1_000_000_000 / period
    {
        made.insert("NanoCpus".to_owned(), asked["NanoCpus"].clone());
        made.remove("CpuQuota");
        made.remove("CpuPeriod");
    }
}

/// The variables of the process.
pub(super) fn environment(made: &mut Option<Vec<String>>) {
    let added = |variable: &String| VARIABLES.iter().any(|name| variable.starts_with(name));
    made.iter_mut().for_each(|env| env.retain(|variable| !added(variable)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_added_changes_nothing_and_the_rest_stays() {
        let mut asked = json!({"NanoCpus": 2_000_000_000_i64});
        let mut made = json!({
            "CgroupnsMode": "", "IpcMode": "shareable", "SecurityOpt": ["no-new-privileges", "x"],
            "Tmpfs": {"/tmp": "rw,rprivate,tmpcopyup", "/run": "rw", "/etc": "rw"},
            "CpuQuota": 200_000, "CpuPeriod": 100_000,
        });
        host(&mut made, &mut asked);
        let expect = json!({
            "CgroupnsMode": "private", "IpcMode": "private",
            "SecurityOpt": ["no-new-privileges:true", "x"],
            "Tmpfs": {"/tmp": "rw", "/etc": "rw"},
            "NanoCpus": 2_000_000_000_i64,
        });
        assert_eq!(made, expect);
        let mut other = json!({"CpuQuota": 100_000, "CpuPeriod": 100_000, "IpcMode": "host"});
        let same = other.clone();
        host(&mut other, &mut asked);
        assert_eq!(other, same);
    }
}
