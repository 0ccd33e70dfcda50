//! Container engines for tests: the one that the test command started, and ones that may be ended.
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What tests are told of an engine that `cargo xtask test` started.
#[derive(Clone, Debug)]
pub struct TestEngine {
    /// Its address.
    pub address: String,
    /// An image that it has.
    pub image: String,
    /// That image's root file system, as an archive.
    pub root: PathBuf,
    flags: String,
}

impl TestEngine {
    /// The engine that the environment names. Where nobody would read that a test was left out,
    /// leaving it out is a failure.
    ///
    /// # Panics
    /// Where it names none and this is CI.
    pub fn named() -> Option<Self> {
        let named = |name: &str| std::env::var(name).ok();
        let engine = (|| {
            Some(Self {
                address: named("GIT_SERA_TEST_ENGINE")?,
                image: named("GIT_SERA_TEST_IMAGE")?,
                root: named("GIT_SERA_TEST_ROOT")?.into(),
                flags: named("GIT_SERA_TEST_DOCKERD")?,
            })
        })();
        if engine.is_none() {
            assert!(std::env::var_os("CI").is_none(), "GIT_SERA_TEST_ENGINE names no engine");
            let text = "NOT TESTED: GIT_SERA_TEST_ENGINE names no engine (`cargo xtask test` starts one)\n";
            drop(std::io::stderr().write_all(text.as_bytes()));
        }
        engine
    }

    /// An engine that is not there.
    pub fn nowhere() -> Self {
        let address = "unix:///nonexistent/socket".to_owned();
        let (image, root, flags) = ("none".to_owned(), PathBuf::new(), String::new());
        Self { address, image, root, flags }
    }

    /// The same, at another engine.
    pub fn at(&self, engine: &Dockerd) -> Self {
        Self { address: engine.address(), ..self.clone() }
    }

    /// Starts another one like it, which has no image yet.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn another(&self) -> Dockerd {
        let folder = tempfile::Builder::new().prefix("sera").tempdir_in("/tmp");
        let folder = folder.expect("/tmp can be written");
        let at = |name: &str| folder.path().join(name).display().to_string();
        let mut daemon = Command::new("dockerd");
        daemon.args(self.flags.split(' ')).args(["--host", &format!("unix://{}", at("socket"))]);
        daemon.args(["--data-root", &at("data"), "--exec-root", &at("exec")]);
        daemon.args(["--pidfile", &at("pid")]).stdin(Stdio::null());
        daemon.stdout(Stdio::null()).stderr(Stdio::null());
        let started = Dockerd { daemon: daemon.spawn().expect("dockerd is installed"), folder };
        let until = Instant::now() + Duration::from_secs(60);
        while !answers(&started.socket()) {
            assert!(Instant::now() < until, "dockerd does not answer");
            std::thread::yield_now();
        }
        started
    }
}

fn answers(socket: &Path) -> bool {
    let asked = UnixStream::connect(socket).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"GET /_ping HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    });
    asked.is_ok_and(|answer| answer.contains(" 200 "))
}

/// An engine that a test may end. It is ended, with all it started, when this is dropped.
#[derive(Debug)]
pub struct Dockerd {
    daemon: Child,
    folder: tempfile::TempDir,
}

impl Dockerd {
    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Its address.
    pub fn address(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Docker's own command, at this engine.
    pub fn docker(&self) -> Command {
        let mut docker = Command::new("docker");
        docker.env("DOCKER_HOST", self.address()).env_remove("DOCKER_CONTEXT");
        docker
    }

    /// Kills it. What it had started goes on until this is dropped.
    ///
    /// # Panics
    /// Where it is gone already.
    pub fn kill(&self) {
        let sent = Command::new("kill").args(["-9", &self.daemon.id().to_string()]).status();
        assert!(sent.is_ok_and(|sent| sent.success()), "dockerd is gone already");
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.daemon.id().to_string()).status());
        drop(self.daemon.wait());
        // Killed, it cannot end what it started.
        let started = self.folder.path().display().to_string();
        drop(Command::new("pkill").args(["-9", "-f", &started]).status());
        let unmount =
            "awk '{print $2}' /proc/mounts | grep -F \"$1\" | sort -r | xargs -r umount -l";
        drop(Command::new("sh").args(["-c", unmount, "sh", &started]).status());
    }
}
