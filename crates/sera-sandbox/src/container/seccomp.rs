//! Which system calls commands may make: what building and testing needs, and nothing else.
//!
//! Like the default profile of the Docker Engine it is a list of what is allowed, and shorter: no
//! `ptrace`, no memory of other processes, no `vmsplice`, no file handles, no clock; sockets only of
//! the local kinds and IP (there is no network beneath); no 32-bit calls, whose numbers and
//! multiplexers go around rules on arguments. What is not listed answers `EPERM`.
use serde_json::{Value, json};

/// Calls that are allowed whatever their arguments, between blanks.
const ALLOWED: &str = include_str!("syscalls.txt");

/// Families of sockets (`socket(2)`): local, IPv4, IPv6.
const SOCKETS: [u64; 3] = [1, 2, 10];

/// Personalities that change nothing, or only how programs are laid out (`personality(2)`).
const PERSONALITIES: [u64; 5] = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// All flags of `clone(2)` that make a namespace.
const NAMESPACES: u64 = 0x7e02_0000;

/// `TIOCSTI`, which types into a terminal (CVE-2017-5226).
const TYPES: u64 = 0x5412;

/// The profile, as `seccomp=` takes it.
pub(super) fn profile() -> String {
    let one = |names: &[&str], args: Value| json!({"names": names, "action": "SCMP_ACT_ALLOW", "args": args});
    let equal = |name: &str, value: &u64| {
        one(&[name], json!([{"index": 0, "value": value, "op": "SCMP_CMP_EQ"}]))
    };
    let allowed: Vec<&str> = ALLOWED.split_whitespace().collect();
    let mut rules = vec![one(&allowed, json!([]))];
    rules.extend(SOCKETS.iter().map(|family| equal("socket", family)));
    rules.extend(PERSONALITIES.iter().map(|personality| equal("personality", personality)));
    rules.push(one(
        &["clone"],
        json!([{"index": 0, "value": NAMESPACES, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]),
    ));
    rules.push(one(&["ioctl"], json!([{"index": 1, "value": TYPES, "op": "SCMP_CMP_NE"}])));
    // Its flags stand in memory, where no rule reads them. "Not implemented" makes C libraries
    // fall back to `clone`; "not permitted" would make them fail.
    rules.push(json!({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}));
    json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 1,
        "archMap": [
            {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []},
            {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": []},
            {"architecture": "SCMP_ARCH_RISCV64", "subArchitectures": []},
        ],
        "syscalls": rules,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_out_is_not_listed() {
        let profile: Value = serde_json::from_str(&profile()).expect("it is written above");
        let rules = profile["syscalls"].as_array().expect("a list");
        let names = |rule: &Value| rule["names"].as_array().cloned().unwrap_or_default();
        let free = names(&rules[0]);
        for never in [
            "ptrace",
            "process_vm_readv",
            "vmsplice",
            "mount",
            "unshare",
            "setns",
            "bpf",
            "keyctl",
            "add_key",
            "io_uring_setup",
            "userfaultfd",
            "perf_event_open",
            "open_by_handle_at",
            "socket",
            "clone",
            "clone3",
            "ioctl",
            "personality",
            "socketcall",
            "reboot",
            "init_module",
            "pivot_root",
            "chroot",
            "kexec_load",
            "pidfd_getfd",
            "process_madvise",
            "modify_ldt",
        ] {
            assert!(!free.contains(&never.into()), "{never}");
        }
        assert!(free.len() > 250, "{}", free.len());
    }
}
