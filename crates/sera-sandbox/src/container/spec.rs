//! What a container is made of, field by field, and whether the engine made it so.
use super::{Engine, Order, podman};
use bollard::models::{
    ContainerConfig, ContainerCreateBody, ContainerInspectResponse, HealthConfig, HostConfig,
    HostConfigCgroupnsModeEnum, HostConfigLogConfig, ResourcesUlimits,
};
use serde_json::Value;
use std::collections::HashMap;

/// Who keeps a container alive. Commands run as somebody else: nothing they do ends it.
pub(super) const KEEPER: &str = "65533:65533";
/// Who commands run as.
pub(super) const USER: &str = "65534:65534";
/// Where the tree stands.
pub(super) const TREE: &str = "/src";
/// Where programs are looked for, in images that do not say.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The same for what we run ourselves: an image may look into folders that commands write.
pub(super) const OWN_PATH: &str =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const MIB: i64 = 1 << 20;

/// What commands in one container may use.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Limits {
    /// Bytes of memory, and no swap beside it. What stands in files counts: all of them are held
    /// in memory.
    pub memory: u64,
    /// Cores.
    pub cpus: u32,
    /// Processes and threads at the same time.
    pub processes: u32,
    /// Bytes of the tree.
    pub tree: u64,
    /// Seconds after which the container ends by itself, whatever became of us.
    pub lifetime: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 4 << 30, cpus: 2, processes: 256, tree: 2 << 30, lifetime: 2 * 3600 }
    }
}

/// Whose a container is: how it is found again when whoever made it is gone.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Owner {
    /// The user's state folder, by a name of its own: one engine may serve several machines.
    pub instance: String,
    /// The process that uses it, by its lease.
    pub run: String,
}

/// A container as it is asked for.
#[derive(Clone, Debug)]
pub struct Spec {
    image: String,
    path: String,
    unset: Vec<String>,
    limits: Limits,
    labels: HashMap<String, String>,
}

pub(super) const INSTANCE: &str = "sera.instance";
pub(super) const RUN: &str = "sera.run";
pub(super) const DEADLINE: &str = "sera.deadline";

impl Spec {
    /// A container as it is ordered. `now` is in unix seconds.
    pub fn of(order: &Order, now: u64) -> Self {
        let Order { image, limits, owner, .. } = order;
        let variables = image.config.env.iter().flatten();
        let variables = variables.map(|v| v.split_once('=').unwrap_or((v, "")));
        let path = variables.clone().find(|(name, _)| *name == "PATH");
        let ours = environment(PATH);
        let own =
            |name: &str| ours.iter().any(|v| v.split_once('=').is_some_and(|(n, _)| n == name));
        let unset = variables.map(|(name, _)| name.to_owned()).filter(|name| !own(name)).collect();
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let labels = HashMap::from([
            label("sera.v", "1"),
            label(INSTANCE, &owner.instance),
            label(RUN, &owner.run),
            label(DEADLINE, &(now + limits.lifetime).to_string()),
        ]);
        let path = path.map_or(PATH, |(_, path)| path).to_owned();
        Self { image: image.id.clone(), path, unset, limits: *limits, labels }
    }

    /// The image's id.
    pub(super) fn image(&self) -> &str {
        &self.image
    }

    /// As the engine's interface takes it.
    pub(super) fn body(&self, engine: &Engine) -> ContainerCreateBody {
        // A name without a value takes the image's own variable away.
        let mut env = environment(&self.path);
        env.extend(self.unset.iter().cloned());
        ContainerCreateBody {
            image: Some(self.image.clone()),
            user: Some(KEEPER.to_owned()),
            entrypoint: Some(Vec::new()),
            cmd: Some(vec!["sleep".to_owned(), self.limits.lifetime.to_string()]),
            env: Some(env),
            working_dir: Some(TREE.to_owned()),
            hostname: Some("sandbox".to_owned()),
            domainname: Some(String::new()),
            network_disabled: Some(true),
            healthcheck: Some(HealthConfig {
                test: Some(vec!["NONE".to_owned()]),
                ..HealthConfig::default()
            }),
            labels: Some(self.labels.clone()),
            host_config: Some(self.host(engine)),
            ..ContainerCreateBody::default()
        }
    }

    fn host(&self, engine: &Engine) -> HostConfig {
        let options = std::iter::once("no-new-privileges:true".to_owned()).chain(engine.seccomp());
        let Limits { memory, cpus, processes, tree, .. } = self.limits;
        let mount = |place: &str, options: &str| (place.to_owned(), options.to_owned());
        let ulimit = |name: &str, soft: i64, hard: i64| ResourcesUlimits {
            name: Some(name.to_owned()),
            soft: Some(soft),
            hard: Some(hard),
        };
        let mut ulimits = vec![
            ulimit("nofile", 1024, 2048),
            ulimit("fsize", 1024 * MIB, 1024 * MIB),
            ulimit("core", 0, 0),
            ulimit("memlock", 64 << 10, 64 << 10),
            ulimit("stack", 64 * MIB, 64 * MIB),
        ];
        if engine.is_podman() {
            // It would set a larger one, which fails where the machine's own is smaller. What bounds
            // processes is the group's limit: this one counts all of a user's on the machine.
            ulimits.push(ulimit("nproc", 4096, 4096));
        }
        HostConfig {
            network_mode: Some("none".to_owned()),
            readonly_rootfs: Some(true),
            tmpfs: Some(HashMap::from([
                mount("/tmp", "rw,noexec,nosuid,nodev,size=256m,mode=1777"),
                mount(TREE, &format!("rw,exec,nosuid,nodev,size={tree},{}", engine.owned())),
                mount("/home/u", &format!("rw,exec,nosuid,nodev,size=64m,{}", engine.owned())),
            ])),
            privileged: Some(false),
            publish_all_ports: Some(false),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(options.collect()),
            pids_limit: Some(i64::from(processes)),
            memory: Some(memory as i64),
            memory_swap: Some(memory as i64),
            oom_score_adj: Some(500),
            nano_cpus: Some(i64::from(cpus) * 1_000_000_000),
            cpu_shares: Some(256),
            ulimits: Some(ulimits),
            shm_size: Some(64 * MIB),
            ipc_mode: Some("private".to_owned()),
            cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
            init: Some(true),
            auto_remove: Some(true),
            log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
            ..HostConfig::default()
        }
    }

    /// Where the engine made something else than was asked for, one line each.
    pub(super) fn differences(
        &self,
        engine: &Engine,
        made: &ContainerInspectResponse,
    ) -> Vec<String> {
        let asked = self.body(engine);
        let json = |value: serde_json::Result<Value>| value.expect("engine types are plain data");
        let mut found = Vec::new();
        let mut host = json(serde_json::to_value(&asked.host_config));
        let mut made_host = json(serde_json::to_value(&made.host_config));
        let mut config = made.config.clone().unwrap_or_default();
        if engine.is_podman() {
            podman::host(&mut made_host, &mut host);
            podman::environment(&mut config.env);
        }
        compare("HostConfig", &host, &made_host, &mut found);
        for field in differing(&asked, &config) {
            found.push(format!("Config.{field}"));
        }
        if made.image.as_ref() != Some(&self.image) {
            found.push(format!("Image is {:?}", made.image));
        }
        let mounts = made.mounts.iter().flatten();
        let mounts = mounts.filter(|mount| mount.typ.as_deref() != Some("tmpfs"));
        found.extend(mounts.map(|mount| format!("Mounts has {:?}", mount.destination)));
        found
    }
}

/// All that commands find in their environment.
fn environment(path: &str) -> Vec<String> {
    let own =
        ["HOME=/home/u", "LANG=C.UTF-8", "TERM=dumb", "TMPDIR=/tmp", "CI=1", "SERA_SANDBOX=1"];
    own.iter().map(|&v| v.to_owned()).chain([format!("PATH={path}")]).collect()
}

/// What of the process is not as asked.
fn differing(asked: &ContainerCreateBody, made: &ContainerConfig) -> Vec<String> {
    let sorted = |env: &Option<Vec<String>>| {
        let mut env: Vec<String> =
            env.iter().flatten().filter(|v| v.contains('=')).cloned().collect();
        env.sort();
        env
    };
    let labels = |labels: &Option<HashMap<String, String>>| labels.clone().unwrap_or_default();
    let kept = |(name, value): (&String, &String)| labels(&made.labels).get(name) == Some(value);
    let empty = |list: &Option<Vec<String>>| list.iter().flatten().next().is_none();
    let checks = [
        ("User", asked.user == made.user),
        ("Cmd", asked.cmd == made.cmd),
        ("Entrypoint", empty(&made.entrypoint)),
        ("Env", sorted(&asked.env) == sorted(&made.env)),
        ("WorkingDir", asked.working_dir == made.working_dir),
        ("Hostname", asked.hostname == made.hostname),
        ("Volumes", made.volumes.iter().flatten().next().is_none()),
        ("ExposedPorts", made.exposed_ports.iter().flatten().next().is_none()),
        ("Labels", labels(&asked.labels).iter().all(kept)),
    ];
    checks.iter().filter(|(_, same)| !same).map(|(name, _)| (*name).to_owned()).collect()
}

/// What an engine may say of what was not asked for.
const USUAL: &[(&str, &[&str])] = &[
    ("Runtime", &["runc", "crun", "oci", "runsc"]),
    ("Isolation", &["default"]),
    ("VolumeDriver", &["local"]),
    ("PidMode", &["private"]),
    ("UTSMode", &["private"]),
    ("UsernsMode", &["private"]),
    ("Cgroup", &["private"]),
];

/// Where two objects differ: what was asked must be there, and what was not must be nothing. So a
/// field that a later engine adds and fills is found.
fn compare(at: &str, asked: &Value, made: &Value, found: &mut Vec<String>) {
    let none = serde_json::Map::new();
    let (asked, made) = (asked.as_object().unwrap_or(&none), made.as_object().unwrap_or(&none));
    let fields = asked.keys().chain(made.keys().filter(|field| !asked.contains_key(*field)));
    for field in fields {
        let wanted = asked.get(field).unwrap_or(&Value::Null);
        let got = made.get(field).unwrap_or(&Value::Null);
        let same = match field.as_str() {
            // These are only ever added to, and their absence would be the danger.
            "MaskedPaths" | "ReadonlyPaths" => got.as_array().is_none_or(|paths| !paths.is_empty()),
            // No terminal, and no swap that one could prefer: engines fill something in.
            "MemorySwappiness" | "ConsoleSize" => true,
            "RestartPolicy" => matches!(got["Name"].as_str(), None | Some("" | "no")),
            "CapDrop" => is_all(got),
            "Ulimits" => normal(wanted) == normal(got),
            _ if nothing(wanted) => nothing(got) || usual(field, got),
            _ => alike(wanted, got),
        };
        if !same {
            found.push(format!("{at}.{field} is {got}, not {wanted}"));
        }
    }
}

/// Podman writes every capability out.
fn is_all(dropped: &Value) -> bool {
    let dropped = dropped.as_array().map_or(&[][..], Vec::as_slice);
    dropped.iter().any(|one| one == "ALL") || dropped.len() >= 11
}

fn usual(field: &str, value: &Value) -> bool {
    let known = USUAL.iter().find(|(name, _)| *name == field).map_or(&[][..], |(_, values)| values);
    value.as_str().is_some_and(|value| known.contains(&value))
}

fn nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(set) => !set,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(fields) => fields.values().all(nothing),
    }
}

/// The same, where what an object does not say is nothing.
fn alike(wanted: &Value, got: &Value) -> bool {
    match (wanted, got) {
        (Value::Object(wanted), Value::Object(got)) => {
            let of = |fields: &serde_json::Map<String, Value>, name: &str| {
                fields.get(name).cloned().unwrap_or(Value::Null)
            };
            let mut names = wanted.keys().chain(got.keys());
            names.all(|name| alike(&of(wanted, name), &of(got, name)))
        }
        _ => wanted == got || (nothing(wanted) && nothing(got)),
    }
}

/// The same limits in any order and spelling.
fn normal(ulimits: &Value) -> Vec<String> {
    let one = |u: &Value| {
        let name = u["Name"].as_str().unwrap_or_default().to_lowercase();
        format!("{} {} {}", name.trim_start_matches("rlimit_"), u["Soft"], u["Hard"])
    };
    let mut all: Vec<String> = ulimits.as_array().into_iter().flatten().map(one).collect();
    all.sort();
    all
}
