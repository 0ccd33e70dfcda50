//! A Docker Engine of the tests' own: on a private socket, without a network, gone afterwards.
use crate::{cargo, packages};
use anyhow::{Context as _, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// It neither needs nor changes the network of the machine.
const FLAGS: [&str; 4] =
    ["--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"];

/// The image that the tests' containers are made of.
pub(crate) const IMAGE: &str = "sera-sandbox:test";

/// A running engine. It is stopped, and its folder removed, when this is dropped.
pub(crate) struct Engine {
    daemon: Child,
    folder: PathBuf,
    root: PathBuf,
}

impl Engine {
    /// Installs what an engine needs, builds the default image and starts one. An error where that
    /// cannot be had here: engines of one's own need Linux, root and Debian's packages.
    pub(crate) fn start() -> Result<Self> {
        ensure!(cfg!(target_os = "linux"), "containers are tested on Linux");
        packages::install(&[
            ("dockerd", "docker.io"),
            ("docker", "docker.io"),
            ("debootstrap", "debootstrap"),
        ])?;
        let root = root()?;
        // Sockets have short names, and sockets and mounts do not belong into a build folder.
        let folder = PathBuf::from(format!("/tmp/sera-test-engine-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let log = std::fs::File::create(folder.join("log"))?;
        let daemon = dockerd(&folder).stdout(log.try_clone()?).stderr(log).spawn();
        let daemon = daemon.context("failed to start dockerd")?;
        let mut engine = Self { daemon, folder, root };
        engine.wait()?;
        let mut import = engine.docker();
        import.arg("import").arg(&engine.root).arg(IMAGE).stdout(Stdio::null());
        cargo::must("importing the image of the tests' containers", &mut import)?;
        Ok(engine)
    }

    /// Tells tests where it is, and how to start one that they may end.
    pub(crate) fn tell(&self, tests: &mut Command) {
        tests.env("GIT_SERA_TEST_ENGINE", self.address()).env("GIT_SERA_TEST_IMAGE", IMAGE);
        tests.env("GIT_SERA_TEST_ROOT", &self.root).env("GIT_SERA_TEST_DOCKERD", FLAGS.join(" "));
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.folder.join("socket").display())
    }

    /// Docker's own command, at this engine.
    pub(crate) fn docker(&self) -> Command {
        let mut docker = Command::new("docker");
        docker.env("DOCKER_HOST", self.address()).env_remove("DOCKER_CONTEXT");
        docker
    }

    fn wait(&mut self) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(60);
        while !self
            .docker()
            .arg("info")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?
            .success()
        {
            let ended = self.daemon.try_wait()?;
            if ended.is_some() || Instant::now() > until {
                let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                let from = log.len().saturating_sub(2000);
                bail!("dockerd does not answer: {}", log.get(from..).unwrap_or(&log));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Asked to end, it ends its containers and unmounts what it mounted.
        let pid = self.daemon.id().to_string();
        let asked = Command::new("kill").arg(&pid).status();
        if asked.is_ok_and(|status| status.success()) {
            drop(self.daemon.wait());
        }
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn dockerd(folder: &Path) -> Command {
    let at = |name: &str| folder.join(name);
    let mut daemon = Command::new("dockerd");
    daemon.args(FLAGS).arg("--host").arg(format!("unix://{}", at("socket").display()));
    daemon.arg("--data-root").arg(at("data")).arg("--exec-root").arg(at("exec"));
    daemon.arg("--pidfile").arg(at("pid")).stdin(Stdio::null());
    daemon
}

/// The default image's root file system, built once for each state of what it is built from.
fn root() -> Result<PathBuf> {
    let recipe = cargo::root().join("packaging/sandbox");
    let text = |name: &str| std::fs::read_to_string(recipe.join(name));
    let of = format!("{}{}", text("build")?, text("packages")?);
    let digest = of.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let archive = cargo::root().join(format!("target/sandbox/root-{digest:016x}.tar"));
    if !archive.is_file() {
        std::fs::create_dir_all(archive.with_file_name(""))?;
        let mut build = Command::new(recipe.join("build"));
        build.arg(&archive).stdout(Stdio::null());
        cargo::must("building the image of the tests' containers", &mut build)?;
    }
    Ok(archive)
}
