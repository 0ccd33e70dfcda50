//! What really holds commands back, looked at from inside a container.
use super::engine::{Engine, EngineError};
use super::{Container, Ended};
use crate::EffectiveProtection;
use std::collections::BTreeMap;

/// All layers there may be, by the names that `sera.sandbox.require` takes; first those that must be
/// in force whatever the user demands.
pub const LAYERS: [&str; 12] = [
    "no-network",
    "no-capabilities",
    "no-new-privileges",
    "not-root",
    "read-only-root",
    "seccomp",
    "limit-memory",
    "limit-processes",
    "apparmor",
    "selinux",
    "user-namespace",
    "rootless",
];
const NEEDED: usize = 8;

/// One line a fact. Programs that an image may lack are not called.
const SCRIPT: &str = r#"
while read -r k v; do echo "$k $v"; done < /proc/self/status
echo "net:" /sys/class/net/*
if echo > /.sera 2>/dev/null; then echo "root: writable"; else echo "root: read-only"; fi
read -r v < /proc/self/attr/current; echo "confined: $v"
read -r v < /proc/self/uid_map; echo "uids: $v"
for f in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
  read -r v < $f && echo "memory: $v"
done
for f in /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max; do
  read -r v < $f && echo "pids: $v"
done
"#;

/// Looks at what holds commands in `container`.
pub(super) fn probe(
    engine: &Engine,
    container: &Container,
) -> Result<EffectiveProtection, EngineError> {
    let argv = ["sh", "-c", &format!("{{ {SCRIPT} }} 2>/dev/null; true")];
    let seen = container.own(&argv, None)?;
    if seen.ended != Ended::Exited(0) {
        let said = String::from_utf8_lossy(&seen.output);
        let said = said.lines().next().unwrap_or_default().to_owned();
        let reason = format!("a shell does not run in it ({said})");
        return Err(EngineError::Image { image: container.id.clone(), reason });
    }
    let rootless = engine.facts()?.rootless;
    Ok(protection(&String::from_utf8_lossy(&seen.output), rootless))
}

/// Layers that must be in force and are not.
pub(super) fn missing(protection: &EffectiveProtection, require: &[String]) -> Vec<String> {
    let demanded = LAYERS[..NEEDED].iter().copied().chain(require.iter().map(String::as_str));
    let missing = demanded.filter(|layer| !protection.layers.iter().any(|there| there == layer));
    missing.map(str::to_owned).collect()
}

fn protection(seen: &str, rootless: bool) -> EffectiveProtection {
    let facts: BTreeMap<&str, &str> = seen
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(name, value)| (name, value.trim()))
        .collect();
    let fact = |name: &str| facts.get(name).copied().unwrap_or_default();
    let zero = |name: &str| !fact(name).is_empty() && fact(name).chars().all(|c| c == '0');
    let ids = ["65534"; 4];
    let bounded = |name: &str| fact(name).parse::<u64>().is_ok_and(|n| n < 1 << 62);
    let confined = fact("confined:");
    let network = fact("net:") != "/sys/class/net/lo";
    let layers = [
        ("no-network", !network),
        ("no-capabilities", zero("CapEff:") && zero("CapBnd:")),
        ("no-new-privileges", fact("NoNewPrivs:") == "1"),
        ("not-root", fact("Uid:").split_whitespace().eq(ids)),
        ("read-only-root", fact("root:") == "read-only"),
        ("seccomp", fact("Seccomp:") == "2"),
        ("limit-memory", bounded("memory:")),
        ("limit-processes", bounded("pids:")),
        ("apparmor", confined.ends_with("(enforce)")),
        ("selinux", confined.contains(":container_t:")),
        ("user-namespace", !fact("uids:").is_empty() && !fact("uids:").ends_with("4294967295")),
        ("rootless", rootless),
    ];
    EffectiveProtection {
        kind: "container".to_owned(),
        processes: true,
        files: false,
        network,
        redacted: true,
        layers: layers.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: &str = "Uid: 65534\t65534\t65534\t65534\nCapEff: 0000000000000000\n\
        CapBnd: 0000000000000000\nNoNewPrivs: 1\nSeccomp: 2\nnet: /sys/class/net/lo\n\
        root: read-only\nconfined: docker-default (enforce)\nuids: 0 0 4294967295\n\
        memory: 4294967296\npids: 256\n";

    #[test]
    fn layers_are_those_seen() {
        let all = protection(SEEN, false);
        assert_eq!(missing(&all, &[]), Vec::<String>::new());
        assert_eq!(missing(&all, &["apparmor".to_owned()]), Vec::<String>::new());
        assert_eq!(missing(&all, &["rootless".to_owned()]), ["rootless"]);
        let check = |from: &str, to: &str, lost: &str| {
            let weaker = protection(&SEEN.replace(from, to), false);
            assert_eq!(missing(&weaker, &["apparmor".to_owned()]), [lost], "{from} → {to}");
        };
        check("CapBnd: 0000000000000000", "CapBnd: 00000000a80425fb", "no-capabilities");
        check("NoNewPrivs: 1", "NoNewPrivs: 0", "no-new-privileges");
        check("Seccomp: 2", "Seccomp: 0", "seccomp");
        check("net/lo", "net/eth0 /sys/class/net/lo", "no-network");
        check("root: read-only", "root: writable", "read-only-root");
        check("Uid: 65534", "Uid: 0", "not-root");
        check("pids: 256", "pids: max", "limit-processes");
        check("memory: 4294967296", "memory: 9223372036854771712", "limit-memory");
        check("(enforce)", "(complain)", "apparmor");
        assert_eq!(missing(&protection("", false), &[]).len(), NEEDED);
    }
}
