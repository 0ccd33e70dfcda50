//! Containers: where commands run. What they see is the tree and nothing else of the machine; what
//! they change comes back as text and passes the overlay's gate like any other edit.
//!
//! [`Engine`] speaks to Docker or Podman, [`Spec`] says field by field what a container is made
//! of, [`Pool`] keeps some warm, [`Shell`] is an environment's own, [`sweep`] removes what dead
//! processes left.
mod archive;
mod engine;
mod exec;
pub mod image;
mod podman;
mod pool;
mod probe;
pub mod recipe;
mod seccomp;
mod shell;
mod spec;
mod sweep;

pub use archive::{Changes, Unfit};
pub use engine::{Engine, EngineError, Facts, addresses, is_local};
pub use exec::{Ended, Executed};
pub use pool::{Order, Pool};
pub use probe::LAYERS;
pub use shell::{Shell, ShellError};
pub use spec::{Limits, Owner, Spec};
pub use sweep::{Lease, Swept, sweep, sweep_dead};

use exec::{Command, HeadAndTail, Sink};
use sera_core::Cancel;
use sera_core::audit::{Audit, Change, Event};
use std::io::Read;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Bytes of a command's output that are kept.
const OUTPUT: usize = 1 << 20;
/// Seconds that resetting, sending and receiving may take.
const TRANSFER: Duration = Duration::from_secs(60);

/// Runs its argument in a login shell, which reads what an image sets up, with both outputs in the
/// order in which they are written. Images without Bash have `sh`.
const SHELL: &str = r#"
exec 2>&1
command -v bash >/dev/null && exec bash -lc "$1"
exec sh -lc "$1"
"#;

/// The tree as an archive, with files of several names as files. Its owner may have made some
/// unreadable for itself.
const PACK: &str = r#"
chmod -R u+rX . 2>/dev/null
tar --help 2>&1 | grep -q hard-dereference && exec tar --hard-dereference -cf - .
exec tar -cf - .
"#;

/// Takes away all that was written, and lists what is left. The folders themselves may have been
/// made unreadable; where that cannot be undone, looking for what is left says so.
const RESET: &str = r#"
chmod 700 /src /home/u 2>/dev/null
for d in /src /tmp /home/u /dev/shm /run /var/tmp; do
  find "$d" -mindepth 1 -user 65534 -type d -exec chmod u+rwx {} + 2>/dev/null
  find "$d" -mindepth 1 -depth -user 65534 -delete 2>/dev/null
  find "$d" -mindepth 1 -user 65534 2>&1 | grep -v "Permission denied" || true
done
for d in /src /home/u; do ls -A "$d" || echo "$d cannot be read"; done
ls -A /dev/mqueue
for f in msg sem shm; do sed 1d /proc/sysvipc/$f; done
"#;

/// A running container. It is removed when this is dropped.
pub struct Container {
    engine: Engine,
    id: String,
    image: String,
    audit: Audit,
}

impl std::fmt::Debug for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Container").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Container {
    /// Makes a container and starts it.
    ///
    /// # Errors
    /// Where the engine fails, or made something else than was asked for, or that cannot be written
    /// down: such a container is never started.
    pub fn start(engine: &Engine, spec: &Spec, audit: &Audit) -> Result<Self, EngineError> {
        let created = engine.docker.create_container(None, spec.body(engine));
        let id = engine.call("make a container", 60, created)?.id;
        let (image, audit) = (spec.image().to_owned(), audit.clone());
        let made = Self { engine: engine.clone(), id, image, audit };
        made.record(Change::Created, "commands of a model")?;
        let differences = spec.differences(engine, &made.inspect()?);
        if !differences.is_empty() {
            return Err(EngineError::Differs(differences));
        }
        let started = engine.docker.start_container(&made.id, None);
        engine.call("start a container", 60, started)?;
        if engine.is_podman() {
            made.open_folders()?;
        }
        Ok(made)
    }

    /// Gives the mounted folders to everybody. Podman mounts them as the image has them, whatever it
    /// is asked for; their owner, who has no other right in here, may change that.
    fn open_folders(&self) -> Result<(), EngineError> {
        let argv = ["chmod", "1777", spec::TREE, "/home/u"];
        let (deadline, cancel, env) = (TRANSFER, Cancel::default(), &[spec::OWN_PATH][..]);
        let user = "0:0";
        let command = Command { argv: &argv, user, env, input: None, deadline, cancel: &cancel };
        exec::run(&self.engine, &self.id, &command, &mut HeadAndTail::new(OUTPUT)).map(drop)
    }

    fn record(&self, change: Change, why: &str) -> Result<(), EngineError> {
        let (id, image, why) = (self.id.clone(), self.image.clone(), why.to_owned());
        self.audit.record(&Event::Container { change, id, image, why })?;
        Ok(())
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the engine says it made, as it says it.
    pub fn inspected(&self) -> Result<serde_json::Value, EngineError> {
        Ok(serde_json::to_value(self.inspect()?).expect("engine types are plain data"))
    }

    fn inspect(&self) -> Result<bollard::models::ContainerInspectResponse, EngineError> {
        let inspected = self.engine.docker.inspect_container(&self.id, None);
        self.engine.call("describe a container", engine::CALL, inspected)
    }

    /// Runs a command of the shell in the tree.
    pub fn run(
        &self,
        command: &str,
        deadline: Duration,
        cancel: &Cancel,
    ) -> Result<Executed, EngineError> {
        self.execute((&["sh", "-c", SHELL, "sh", command], &[]), None, deadline, cancel)
    }

    /// Something of our own: programs are those of the image.
    fn own(&self, argv: &[&str], input: Option<&[u8]>) -> Result<Executed, EngineError> {
        self.execute((argv, &[spec::OWN_PATH]), input, TRANSFER, &Cancel::default())
    }

    fn execute(
        &self,
        (argv, env): (&[&str], &[&str]),
        input: Option<&[u8]>,
        deadline: Duration,
        cancel: &Cancel,
    ) -> Result<Executed, EngineError> {
        let mut kept = HeadAndTail::new(OUTPUT);
        let command = Command { argv, user: spec::USER, env, input, deadline, cancel };
        let (ended, container_gone) = exec::run(&self.engine, &self.id, &command, &mut kept)?;
        let (output, lost) = kept.finish();
        Ok(Executed { ended, output, lost, container_gone })
    }

    /// Unpacks an archive over the tree.
    fn send(&self, archive: &[u8]) -> Result<Executed, EngineError> {
        self.own(&["tar", "-xmf", "-", "-C", spec::TREE], Some(archive))
    }

    /// Takes files of the tree away.
    fn remove_files(&self, paths: &[sera_core::TreePath]) -> Result<Executed, EngineError> {
        let names: Vec<&str> = paths.iter().map(sera_core::TreePath::as_str).collect();
        self.own(&["xargs", "-0", "rm", "-f", "--"], Some(names.join("\0").as_bytes()))
    }

    /// The tree as it is now, as an archive that `read` reads.
    fn receive<T: Send>(
        &self,
        read: impl FnOnce(&mut Incoming) -> T + Send,
    ) -> Result<(Ended, T), EngineError> {
        let (sender, receiver) = sync_channel(16);
        let cancel = Cancel::default();
        let argv = ["sh", "-c", PACK];
        let (deadline, user, env) = (TRANSFER, spec::USER, &[spec::OWN_PATH][..]);
        let command = Command { argv: &argv, user, env, input: None, deadline, cancel: &cancel };
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut incoming = Incoming { receiver, part: Vec::new(), at: 0 };
                let read = read(&mut incoming);
                // Whoever has read enough lets the rest go.
                cancel_rest(&mut incoming, &cancel);
                read
            });
            let mut sink = Outgoing(Some(sender));
            let ran = exec::run(&self.engine, &self.id, &command, &mut sink);
            drop(sink);
            let read = reader.join().expect("readers of archives do not panic");
            ran.map(|(ended, _)| (ended, read))
        })
    }

    /// Makes it as it was when it began, and says whether that worked: what cannot be taken away
    /// is no reason to let somebody else see it.
    fn reset(&self) -> Result<bool, EngineError> {
        self.own(&["sh", "-c", "kill -9 -1"], None)?;
        // Nobody may be left who could disturb the cleaning.
        if !exec::alone(&self.engine, &self.id)? {
            return Ok(false);
        }
        let done = self.own(&["sh", "-c", RESET], None)?;
        Ok(done.ended == Ended::Exited(0) && done.output.is_empty())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // The engine may be gone; then the container ends by itself, or is swept.
        if exec::remove(&self.engine, &self.id).is_ok() {
            drop(self.record(Change::Removed, "no longer needed"));
        }
    }
}

/// Standard output, part by part, to whoever reads it.
struct Outgoing(Option<SyncSender<Vec<u8>>>);

impl Sink for Outgoing {
    fn take(&mut self, output: &bollard::container::LogOutput) {
        if let bollard::container::LogOutput::StdOut { message } = output
            && let Some(sender) = &self.0
            && sender.send(message.to_vec()).is_err()
        {
            self.0 = None;
        }
    }
}

/// Standard output as a reader.
struct Incoming {
    receiver: Receiver<Vec<u8>>,
    part: Vec<u8>,
    at: usize,
}

impl Read for Incoming {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.part.len() {
            match self.receiver.recv() {
                Ok(part) => (self.part, self.at) = (part, 0),
                Err(_) => return Ok(0),
            }
        }
        let size = into.len().min(self.part.len() - self.at);
        into[..size].copy_from_slice(&self.part[self.at..self.at + size]);
        self.at += size;
        Ok(size)
    }
}

/// Ends the command where there is more than the last blocks of an archive.
fn cancel_rest(incoming: &mut Incoming, cancel: &Cancel) {
    let rest = std::io::copy(&mut incoming.take(1 << 20), &mut std::io::sink());
    if rest.is_ok_and(|rest| rest == 1 << 20) {
        cancel.cancel();
    }
}
