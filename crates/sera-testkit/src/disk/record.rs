//! Recording by `ptrace`: every call of every thread is seen, also those that no library makes.
#![expect(unsafe_code, reason = "the child asks to be traced, and the kernel answers with a union")]
#![expect(clippy::panic, reason = "a recording that misses something proves nothing")]
use super::{Node, Op, Recording, Start};
use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

impl Recording {
    /// A recording of what happens below `root`, whose content counts as durable now.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn new(root: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        let (nodes, ops, names, lengths) = (Vec::new(), Vec::new(), HashMap::new(), HashMap::new());
        let mut new = Self { nodes, ops, root: root.clone(), names, lengths };
        new.read(&root)?;
        Ok(new)
    }

    /// Runs `command` to its end and records what it does; whether it ended well. Its standard
    /// output goes nowhere but into the recording.
    ///
    /// # Panics
    /// On a call that changes a file below the root in a way this does not know: nothing is missed
    /// in silence.
    ///
    /// # Errors
    /// Where processes cannot be traced.
    pub fn run(&mut self, command: &mut Command) -> io::Result<bool> {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        // SAFETY: the closure makes one system call and allocates nothing.
        unsafe { command.pre_exec(|| ptrace::traceme().map_err(Into::into)) };
        let child = command.spawn()?;
        let child = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
        let mut recorder = Recorder { recording: self, begun: HashMap::new() };
        Ok(recorder.follow(child)? == 0)
    }

    /// Takes over what is there; its node.
    fn read(&mut self, path: &Path) -> io::Result<Node> {
        let node = self.nodes.len();
        self.names.insert(path.to_owned(), node);
        self.nodes.push(Start::Folder(BTreeMap::new()));
        if !path.is_dir() {
            let bytes = fs::read(path)?;
            self.lengths.insert(node, bytes.len() as u64);
            self.nodes[node] = Start::File(bytes);
            return Ok(node);
        }
        let mut held = BTreeMap::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            held.insert(entry.file_name().into_vec(), self.read(&entry.path())?);
        }
        self.nodes[node] = Start::Folder(held);
        Ok(node)
    }

    fn create(&mut self, path: &Path, (folder, name): (Node, Vec<u8>), start: Start) {
        let node = self.nodes.len();
        self.nodes.push(start);
        self.lengths.insert(node, 0);
        self.ops.push(Op::Name(vec![(folder, name, Some(node))]));
        self.names.insert(path.to_owned(), node);
    }

    fn truncate(&mut self, file: Node, length: u64) {
        self.lengths.insert(file, length);
        self.ops.push(Op::Truncate { file, length });
    }
}

/// A call that has begun.
enum Call {
    /// To become this operation if it succeeds, as far as it comes.
    Write {
        path: PathBuf,
        at: u64,
        bytes: Vec<u8>,
    },
    Truncate {
        path: PathBuf,
        length: u64,
    },
    Open {
        path: PathBuf,
        create: bool,
        truncate: bool,
    },
    Folder(PathBuf),
    Remove(PathBuf),
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Link {
        from: PathBuf,
        to: PathBuf,
    },
    Sync {
        path: PathBuf,
        began: usize,
    },
    /// Nothing that matters.
    Other,
}

struct Recorder<'a> {
    recording: &'a mut Recording,
    begun: HashMap<Pid, Call>,
}

impl Recorder<'_> {
    /// Follows a child and all it starts; the child's exit code.
    fn follow(&mut self, child: Pid) -> io::Result<i32> {
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        let options = ptrace::Options::PTRACE_O_TRACESYSGOOD
            | ptrace::Options::PTRACE_O_TRACECLONE
            | ptrace::Options::PTRACE_O_TRACEFORK
            | ptrace::Options::PTRACE_O_TRACEVFORK
            | ptrace::Options::PTRACE_O_EXITKILL;
        let (mut known, mut code) = (HashSet::from([child]), -1);
        waitpid(child, Some(flags))?;
        ptrace::setoptions(child, options)?;
        go_on(child, None);
        loop {
            match waitpid(None, Some(flags)) {
                Err(Errno::ECHILD) => return Ok(code),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
                Ok(WaitStatus::Exited(pid, ended)) if pid == child => code = ended,
                Ok(WaitStatus::PtraceSyscall(pid)) => {
                    known.insert(pid);
                    self.call(pid);
                    go_on(pid, None);
                }
                // A new thread begins by stopping; that is no signal of its own.
                Ok(WaitStatus::Stopped(pid, signal)) => {
                    let new = known.insert(pid) && signal == Signal::SIGSTOP;
                    let step = signal == Signal::SIGTRAP;
                    go_on(pid, (!new && !step).then_some(signal));
                }
                Ok(WaitStatus::PtraceEvent(pid, ..)) => go_on(pid, None),
                Ok(_) => {}
            }
        }
    }

    fn call(&mut self, pid: Pid) {
        let Ok(info) = ptrace::syscall_info(pid) else { return };
        match info.op {
            libc::PTRACE_SYSCALL_INFO_ENTRY => {
                // SAFETY: this is what the kernel filled in for this kind of stop.
                let entry = unsafe { info.u.entry };
                let number = i64::try_from(entry.nr).expect("a call's number is small");
                let call = Caller { pid, arguments: entry.args }.begin(number, self);
                self.begun.insert(pid, call);
            }
            libc::PTRACE_SYSCALL_INFO_EXIT => {
                // SAFETY: as above.
                let exit = unsafe { info.u.exit };
                if let Some(call) = self.begun.remove(&pid)
                    && exit.is_error == 0
                {
                    self.end(call, exit.sval);
                }
            }
            _ => {}
        }
    }

    /// The node of a path, if it is below the root and has a name.
    fn node(&self, path: &Path) -> Option<Node> {
        let renamed = |call: &Call| match call {
            // Renamed already, but the call has not ended.
            Call::Rename { from, to } => Some(from.join(path.strip_prefix(to).ok()?)),
            _ => None,
        };
        let named = |path: &Path| self.recording.names.get(path).copied();
        named(path).or_else(|| self.begun.values().find_map(|call| named(&renamed(call)?)))
    }

    fn slot(&self, path: &Path) -> (Node, Vec<u8>) {
        let folder = path.parent().and_then(|folder| self.node(folder));
        let name = path.file_name().expect("what is below the root has a name");
        (
            folder.unwrap_or_else(|| panic!("no folder of {}", path.display())),
            name.as_bytes().into(),
        )
    }

    fn create(&mut self, path: &Path, start: Start) {
        let slot = self.slot(path);
        self.recording.create(path, slot, start);
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        let node = self.node(from).unwrap_or_else(|| panic!("{} is unknown", from.display()));
        let ((old, old_name), (new, new_name)) = (self.slot(from), self.slot(to));
        self.recording.ops.push(Op::Name(vec![(new, new_name, Some(node)), (old, old_name, None)]));
        let moved: Vec<_> =
            self.recording.names.keys().filter(|path| path.starts_with(from)).cloned().collect();
        for path in moved {
            let node = self.recording.names.remove(&path).expect("it was listed");
            let rest = path.strip_prefix(from).expect("it starts with it");
            // Joining nothing would add a slash.
            let path = if rest.as_os_str().is_empty() { to.to_owned() } else { to.join(rest) };
            self.recording.names.insert(path, node);
        }
    }

    fn end(&mut self, call: Call, value: i64) {
        match call {
            Call::Other => {}
            Call::Write { path, at, mut bytes } => {
                bytes.truncate(usize::try_from(value).unwrap_or(0));
                let Some(file) = self.node(&path) else { return };
                let length = self.recording.lengths.entry(file).or_default();
                *length = (*length).max(at + bytes.len() as u64);
                self.recording.ops.push(Op::Write { file, at, bytes });
            }
            Call::Truncate { path, length } => {
                let Some(file) = self.node(&path) else { return };
                self.recording.truncate(file, length);
            }
            Call::Open { path, create, truncate } => match self.node(&path) {
                Some(file)
                    if truncate && self.recording.lengths.get(&file).is_some_and(|&l| l > 0) =>
                {
                    self.recording.truncate(file, 0);
                }
                None if create => self.create(&path, Start::File(Vec::new())),
                Some(_) | None => {}
            },
            Call::Folder(path) => self.create(&path, Start::Folder(BTreeMap::new())),
            Call::Remove(path) => {
                let (folder, name) = self.slot(&path);
                self.recording.ops.push(Op::Name(vec![(folder, name, None)]));
                self.recording.names.remove(&path);
            }
            Call::Rename { from, to } => self.rename(&from, &to),
            Call::Link { from, to } => {
                let node =
                    self.node(&from).unwrap_or_else(|| panic!("{} is unknown", from.display()));
                let (folder, name) = self.slot(&to);
                self.recording.ops.push(Op::Name(vec![(folder, name, Some(node))]));
                self.recording.names.insert(to, node);
            }
            Call::Sync { path, began } => {
                if let Some(node) = self.node(&path) {
                    self.recording.ops.push(Op::Sync { node, began });
                }
            }
        }
    }
}

/// A thread at the beginning of a call.
struct Caller {
    pid: Pid,
    arguments: [u64; 6],
}

impl Caller {
    fn begin(&self, number: i64, recorder: &mut Recorder<'_>) -> Call {
        let root = recorder.recording.root.clone();
        let below = |path: &PathBuf| path.starts_with(&root);
        let a = &self.arguments;
        let call = match number {
            libc::SYS_write if a[0] == 1 && !self.file(0).is_some_and(|path| below(&path)) => {
                let text = String::from_utf8_lossy(&self.bytes(a[1], a[2])).into_owned();
                recorder.recording.ops.push(Op::Note(text));
                return Call::Other;
            }
            libc::SYS_write => self.file(0).filter(below).map(|path| {
                let at = self.position(recorder.node(&path), recorder);
                Call::Write { path, at, bytes: self.bytes(a[1], a[2]) }
            }),
            libc::SYS_pwrite64 => self.file(0).filter(below).map(|path| Call::Write {
                path,
                at: a[3],
                bytes: self.bytes(a[1], a[2]),
            }),
            libc::SYS_ftruncate => {
                self.file(0).filter(below).map(|path| Call::Truncate { path, length: a[1] })
            }
            libc::SYS_fsync | libc::SYS_fdatasync => {
                let began = recorder.recording.ops.len();
                self.file(0).filter(below).map(|path| Call::Sync { path, began })
            }
            libc::SYS_openat => self.path(0, 1).filter(below).map(|path| {
                let set = |flag: i32| a[2] & u64::from(flag.unsigned_abs()) != 0;
                let (create, truncate) = (set(libc::O_CREAT), set(libc::O_TRUNC));
                Call::Open { path, create, truncate }
            }),
            libc::SYS_mkdirat => self.path(0, 1).filter(below).map(Call::Folder),
            libc::SYS_unlinkat => self.path(0, 1).filter(below).map(Call::Remove),
            libc::SYS_renameat | libc::SYS_renameat2 => self
                .two(self.path(0, 1), self.path(2, 3))
                .filter(|(from, _)| below(from))
                .map(rename),
            libc::SYS_linkat => self
                .two(self.path(0, 1), self.path(2, 3))
                .filter(|(_, to)| below(to))
                .map(|(from, to)| Call::Link { from, to }),
            number => self.old(number).filter(|call| call.touches(&root)).or_else(|| {
                let unknown = self.unknown(number).is_some_and(|path| below(&path));
                assert!(!unknown, "call {number} on a recorded file is not known here");
                None
            }),
        };
        call.unwrap_or(Call::Other)
    }

    /// Calls that newer machines do not have.
    #[cfg(target_arch = "x86_64")]
    fn old(&self, number: i64) -> Option<Call> {
        let path = |at| self.resolve(libc::AT_FDCWD as u64, self.arguments[at]);
        let set = |flag: i32| self.arguments[1] & u64::from(flag.unsigned_abs()) != 0;
        match number {
            libc::SYS_open => {
                let (create, truncate) = (set(libc::O_CREAT), set(libc::O_TRUNC));
                Some(Call::Open { path: path(0)?, create, truncate })
            }
            libc::SYS_creat => Some(Call::Open { path: path(0)?, create: true, truncate: true }),
            libc::SYS_mkdir => path(0).map(Call::Folder),
            libc::SYS_unlink | libc::SYS_rmdir => path(0).map(Call::Remove),
            libc::SYS_rename => self.two(path(0), path(1)).map(rename),
            libc::SYS_link => self.two(path(0), path(1)).map(|(from, to)| Call::Link { from, to }),
            _ => None,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn old(&self, _number: i64) -> Option<Call> {
        None
    }

    /// The file that a call changes in a way that is not recorded.
    fn unknown(&self, number: i64) -> Option<PathBuf> {
        match number {
            libc::SYS_writev | libc::SYS_pwritev | libc::SYS_pwritev2 | libc::SYS_fallocate => {
                self.file(0)
            }
            libc::SYS_copy_file_range => self.file(2),
            libc::SYS_sendfile => self.file(0),
            libc::SYS_mmap => {
                let shared = self.arguments[3] & libc::MAP_SHARED as u64 != 0;
                let writes = self.arguments[2] & libc::PROT_WRITE as u64 != 0;
                if shared && writes { self.file(4) } else { None }
            }
            libc::SYS_truncate => self.resolve(libc::AT_FDCWD as u64, self.arguments[0]),
            libc::SYS_symlinkat => self.path(1, 2),
            libc::SYS_openat2 => self.path(0, 1),
            _ => None,
        }
    }

    fn two(&self, from: Option<PathBuf>, to: Option<PathBuf>) -> Option<(PathBuf, PathBuf)> {
        Some((from?, to?))
    }

    /// The file that an argument is open on.
    fn file(&self, argument: usize) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{}/fd/{}", self.pid, self.arguments[argument] as i32)).ok()
    }

    /// Where the next write of the first argument goes.
    fn position(&self, node: Option<Node>, recorder: &Recorder<'_>) -> u64 {
        let path = format!("/proc/{}/fdinfo/{}", self.pid, self.arguments[0] as i32);
        let info = fs::read_to_string(path).unwrap_or_default();
        let field = |name| info.lines().find_map(|line| Some(line.strip_prefix(name)?.trim()));
        let flags = field("flags:").and_then(|flags| i32::from_str_radix(flags, 8).ok());
        match flags {
            Some(flags) if flags & libc::O_APPEND != 0 => {
                node.and_then(|node| recorder.recording.lengths.get(&node)).copied().unwrap_or(0)
            }
            _ => field("pos:").and_then(|at| at.parse().ok()).expect("an open file has a place"),
        }
    }

    /// The path that two arguments, folder and name, mean.
    fn path(&self, folder: usize, name: usize) -> Option<PathBuf> {
        self.resolve(self.arguments[folder], self.arguments[name])
    }

    fn resolve(&self, folder: u64, name: u64) -> Option<PathBuf> {
        let mut name = self.bytes(name, 4096);
        name.truncate(name.iter().position(|byte| *byte == 0)?);
        let name = PathBuf::from(std::ffi::OsString::from_vec(name));
        let folder = match folder as i32 {
            _ if name.is_absolute() => PathBuf::new(),
            libc::AT_FDCWD => fs::read_link(format!("/proc/{}/cwd", self.pid)).ok()?,
            open => fs::read_link(format!("/proc/{}/fd/{open}", self.pid)).ok()?,
        };
        let mut path = PathBuf::new();
        for part in folder.join(name).components() {
            match part {
                Component::ParentDir => drop(path.pop()),
                Component::CurDir => {}
                part => path.push(part),
            }
        }
        Some(path)
    }

    /// Bytes of the caller's memory; fewer where it ends.
    fn bytes(&self, at: u64, length: u64) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let memory =
            File::open(format!("/proc/{}/mem", self.pid)).expect("a traced process is open");
        let mut read = 0;
        while read < bytes.len() {
            // A page at a time: what follows the last one may not be there.
            let next = (at + read as u64) % 4096;
            let end = bytes.len().min(read + 4096 - next as usize);
            match memory.read_at(&mut bytes[read..end], at + read as u64) {
                Ok(some) if some > 0 => read += some,
                _ => break,
            }
        }
        bytes.truncate(read);
        bytes
    }
}

impl Call {
    fn touches(&self, root: &Path) -> bool {
        match self {
            Self::Write { path, .. }
            | Self::Truncate { path, .. }
            | Self::Open { path, .. }
            | Self::Folder(path)
            | Self::Remove(path)
            | Self::Sync { path, .. }
            | Self::Rename { from: path, .. }
            | Self::Link { to: path, .. } => path.starts_with(root),
            Self::Other => false,
        }
    }
}

fn rename((from, to): (PathBuf, PathBuf)) -> Call {
    Call::Rename { from, to }
}

/// Lets a thread go on to its next call; it may be gone.
fn go_on(pid: Pid, signal: Option<Signal>) {
    let _ = ptrace::syscall(pid, signal);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_processes_did_is_what_stands_there() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("old"), "before").unwrap();
        let mut recording = Recording::new(root.path()).unwrap();
        let script = "mkdir a; printf one > a/x; printf two >> a/x; mv a b; echo said; rm old; \
                      printf three > b/y; mv b/y b/x; : > empty; kill -9 $$";
        let mut sh = |script| {
            let mut command = Command::new("sh");
            recording.run(command.args(["-c", script]).current_dir(root.path())).unwrap()
        };
        assert!(!sh(script), "it was killed");
        assert!(sh("printf four >> b/x"));
        assert_eq!(recording.said(recording.calls()).collect::<Vec<_>>(), ["said"]);
        let to = tempfile::tempdir().unwrap();
        recording.whole().write(to.path()).unwrap();
        let read = |name| fs::read_to_string(to.path().join(name)).ok();
        let found = ["b/x", "empty", "b/y", "old", "a"].map(read);
        assert_eq!(found, [Some("threefour".to_owned()), Some(String::new()), None, None, None]);
    }
}
