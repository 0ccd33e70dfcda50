//! Ways out of a container, tried from its inside: each must fail, and for its own reason.
//!
//! A probe that could not be tried at all (no such program, a slip in its text) says something
//! else than the reason expected, and fails the test like one that got out.
use crate::container::{engine, run, unheard};
use sera_sandbox::container::{Container, Limits, Order, Owner, Spec};

/// What denies it, as the system words it.
const ROOT: &str = "Read-only file system";
const DENIED: &str = "Operation not permitted";
const FORBIDDEN: &str = "Permission denied";
const ABSENT: &str = "No such file or directory";
const UNREACHABLE: &str = "Network is unreachable";

/// Name, command, what it must say.
const PROBES: &[(&str, &str, &str)] = &[
    // Who one is.
    ("is root", "id -u", "65534"),
    ("is in groups", "id -G", "65534"),
    ("has capabilities", "grep CapEff /proc/self/status", "0000000000000000"),
    ("may gain capabilities", "grep CapBnd /proc/self/status", "0000000000000000"),
    ("inherits capabilities", "grep CapAmb /proc/self/status", "0000000000000000"),
    ("may gain privileges", "grep NoNewPrivs /proc/self/status", "1"),
    ("has no filter", "grep Seccomp: /proc/self/status", "2"),
    ("becomes root", "perl -e '$> = 0; print $! || \"OPEN\"'", DENIED),
    ("changes its groups", "perl -e '$) = \"0 0\"; print $! || \"OPEN\"'", DENIED),
    ("uses sudo or su", "su -c id root < /dev/null 2>&1; true", "su:"),
    ("finds a setuid program", "find / -xdev -perm /6000 -type f 2>/dev/null | wc -l", "0"),
    // Files.
    ("writes the root", "echo x > /x", ROOT),
    ("writes programs", "echo x > /usr/bin/x", ROOT),
    ("writes accounts", "echo x >> /etc/passwd", FORBIDDEN),
    ("writes system folders", "mkdir /var/x", ROOT),
    ("reads password hashes", "cat /etc/shadow", FORBIDDEN),
    ("runs from /tmp", "cp /bin/true /tmp/t && /tmp/t", FORBIDDEN),
    ("finds the engine's socket", "ls /var/run/docker.sock", ABSENT),
    ("finds another engine's socket", "ls /run/containerd /run/podman", ABSENT),
    ("finds a home of the machine", "ls -A /root /home | grep -v : | grep -vx u | wc -l", "0"),
    ("finds a repository", "find / -name .git -not -path '/proc/*' 2>/dev/null | wc -l", "0"),
    (
        "sees files of the machine mounted",
        "grep -E ' (/host|/mnt/.*|/media/.*) ' /proc/self/mounts | wc -l",
        "0",
    ),
    (
        "has a bind of a disk",
        "awk '$2 !~ \"^/(etc/(hosts|hostname|resolv.conf)|usr/sbin/docker-init|sbin/docker-init|run/podman-init|dev/init)$\" && $1 ~ \"^/dev/\"' /proc/self/mounts | wc -l",
        "0",
    ),
    ("writes the name service", "echo x >> /etc/resolv.conf", FORBIDDEN),
    ("mounts", "mount -t tmpfs x /tmp 2>&1", "must be superuser"),
    (
        "mounts by call",
        "perl -e '$d = \"/tmp\"; $t = \"tmpfs\"; syscall(165, 0, $d, $t, 0, 0); print $!'",
        DENIED,
    ),
    ("unmounts", "perl -e '$d = \"/proc\"; syscall(166, $d, 0); print $!'", DENIED),
    ("opens a tree to mount", "perl -e '$d = \"/\"; syscall(428, -100, $d, 1); print $!'", DENIED),
    ("opens a file system", "perl -e '$t = \"tmpfs\"; syscall(430, $t, 0); print $!'", DENIED),
    ("changes the root", "perl -e 'chroot \"/tmp\"; print $!'", DENIED),
    ("pivots the root", "perl -e '$d = \"/tmp\"; syscall(155, $d, $d); print $!'", DENIED),
    ("makes a device", "mknod /tmp/d b 8 0", DENIED),
    ("makes a character device", "mknod /tmp/m c 1 1", DENIED),
    (
        "opens files by handle",
        "perl -e '$h = \"x\" x 128; syscall(304, -100, $h, 0); print $!'",
        DENIED,
    ),
    ("takes a file over", "chown 0 /src 2>&1", DENIED),
    // Processes, kernel.
    (
        "sees processes of the machine",
        "ls -d /proc/[0-9]* | wc -l | awk '{print ($1 < 12) ? \"few\" : \"many\"}'",
        "few",
    ),
    ("ends its keeper", "kill -9 1", DENIED),
    ("stops its keeper", "kill -STOP 1", DENIED),
    ("reads its keeper's environment", "cat /proc/1/environ", FORBIDDEN),
    ("reads its keeper's root", "ls /proc/1/root/", FORBIDDEN),
    ("reads its keeper's files", "ls /proc/1/fd", FORBIDDEN),
    ("traces", "perl -e 'syscall(101, 16, getppid, 0, 0); print $!'", DENIED),
    ("reads memory of others", "perl -e 'syscall(310, getppid, 0, 0, 0, 0, 0); print $!'", DENIED),
    ("writes memory of others", "perl -e 'syscall(311, getppid, 0, 0, 0, 0, 0); print $!'", DENIED),
    ("makes a user namespace", "unshare -U true 2>&1", DENIED),
    ("makes a mount namespace", "unshare -m true 2>&1", DENIED),
    (
        "makes a namespace by clone",
        "perl -e 'syscall(56, 0x10000000, 0, 0, 0, 0); print $!'",
        DENIED,
    ),
    ("enters a namespace", "nsenter -t 1 -n true 2>&1", FORBIDDEN),
    ("enters a namespace by call", "perl -e 'syscall(308, 0, 0); print $!'", DENIED),
    ("loads a program into the kernel", "perl -e 'syscall(321, 0, 0, 0); print $!'", DENIED),
    ("loads a module", "perl -e '$o = \"\"; syscall(313, 0, $o, 0); print $!'", DENIED),
    ("boots another kernel", "perl -e 'syscall(246, 0, 0, 0, 0); print $!'", DENIED),
    ("reboots", "perl -e 'syscall(169, 0xfee1dead, 672274793, 0x1234567, 0); print $!'", DENIED),
    ("reads the kernel's log", "perl -e 'syscall(103, 3, 0, 0); print $!'", DENIED),
    ("counts events", "perl -e 'syscall(298, 0, 0, -1, -1, 0); print $!'", DENIED),
    ("handles page faults", "perl -e 'syscall(323, 0); print $!'", DENIED),
    ("uses io_uring", "perl -e 'syscall(425, 1, 0); print $!'", DENIED),
    ("uses the keyring", "perl -e 'syscall(250, 0, -3, 0); print $!'", DENIED),
    ("adds a key", "perl -e '$u = \"user\"; syscall(248, $u, $u, $u, 4, -3); print $!'", DENIED),
    ("splices its memory away", "perl -e 'syscall(278, 1, 0, 0, 0); print $!'", DENIED),
    ("sets the clock", "date -s @0 2>&1", DENIED),
    ("sets the host's name", "hostname x 2>&1", "hostname:"),
    ("writes kernel settings", "echo 1 > /proc/sys/kernel/panic", ROOT),
    ("reads kernel memory", "cat /proc/kcore | head -c 1 | wc -c", "0"),
    ("reads kernel keys", "cat /proc/keys | wc -c", "0"),
    ("writes device settings", "echo x > /sys/kernel/profiling", ROOT),
    (
        "writes its own limits",
        "for f in /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max; do echo max > $f; done 2>&1",
        ROOT,
    ),
    (
        "escapes by a release agent",
        "mkdir /tmp/c; mount -t cgroup -o rdma x /tmp/c 2>&1",
        "must be superuser",
    ),
    ("raises its limit of files", "ulimit -n 1000000 2>&1", DENIED),
    ("dumps its memory", "ulimit -c", "0"),
    ("types into a terminal", "perl -e '$x = \"x\"; ioctl(STDIN, 0x5412, $x); print $!'", DENIED),
    // Network.
    ("has an interface", "ls /sys/class/net | grep -v '^lo$' | wc -l", "0"),
    ("has a route", "tail -n +2 /proc/net/route | wc -l", "0"),
    (
        "connects by IPv4",
        "perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in(53, inet_aton(\"8.8.8.8\"))); print $!'",
        UNREACHABLE,
    ),
    (
        "sends by UDP",
        "perl -MSocket -e 'socket(S, AF_INET, SOCK_DGRAM, 0); send(S, \"x\", 0, sockaddr_in(53, inet_aton(\"8.8.8.8\"))); print $!'",
        UNREACHABLE,
    ),
    ("reaches the cloud's metadata", "(echo > /dev/tcp/169.254.169.254/80) 2>&1", UNREACHABLE),
    ("reaches the machine", "(echo > /dev/tcp/172.17.0.1/22) 2>&1", UNREACHABLE),
    ("resolves names", "getent hosts example.org || echo nobody", "nobody"),
    ("opens a raw socket", "perl -MSocket -e 'socket(S, AF_INET, SOCK_RAW, 1); print $!'", DENIED),
    ("opens a packet socket", "perl -e 'socket(S, 17, 3, 0); print $!'", DENIED),
    ("opens a netlink socket", "perl -e 'socket(S, 16, 3, 0); print $!'", DENIED),
    ("opens a kernel crypto socket", "perl -e 'socket(S, 38, 5, 0); print $!'", DENIED),
    ("opens a socket of virtual machines", "perl -e 'socket(S, 40, 1, 0); print $!'", DENIED),
    (
        "sees variables of the machine",
        "env | grep -vE '^(HOME|PATH|LANG|TERM|TMPDIR|CI|SERA_SANDBOX|PWD|SHLVL|_|HOSTNAME|OLDPWD)=' | wc -l",
        "0",
    ),
];

#[test]
#[cfg(target_arch = "x86_64")]
fn every_way_out_is_shut() {
    let Some((engine, image)) = engine() else { return };
    let owner = Owner { instance: format!("probes-{}", std::process::id()), run: "a".to_owned() };
    let limits = Limits { memory: 256 << 20, tree: 64 << 20, ..Limits::default() };
    let order = Order { image, limits, owner, require: Vec::new(), audit: unheard() };
    let container = Container::start(&engine, &Spec::of(&order, 0), &order.audit).unwrap();
    assert!(PROBES.len() >= 60);
    let wrong: Vec<String> = PROBES.iter().filter_map(|probe| open(&container, probe)).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} are open or untried:\n{}",
        wrong.len(),
        PROBES.len(),
        wrong.join("\n")
    );
}

/// What a probe said, where it is not what it must.
fn open(container: &Container, (name, command, expect): &(&str, &str, &str)) -> Option<String> {
    let (ended, output) = run(container, &format!("exec 2>&1; {command}"), 20);
    let shut = match *expect {
        reason if reason.contains(' ') || reason.ends_with(':') => output.contains(reason),
        value => output.split_whitespace().next_back() == Some(value),
    };
    (!shut).then(|| format!("{name}: {ended:?} {}", output.trim()))
}
