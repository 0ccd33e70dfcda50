//! A container engine: Docker or Podman, on this machine or another, every call under a deadline.
use super::seccomp;
use bollard::models::SystemInfo;
use bollard::{API_DEFAULT_VERSION, Docker};
use sera_core::audit::Unrecorded;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Seconds that a call may take which starts no program.
pub(super) const CALL: u64 = 20;

/// Why an engine does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nothing answers.
    #[error("no container engine answers{}", tried(.0))]
    None(Vec<String>),
    /// The address is none that is spoken here.
    #[error("{address} is no address of a container engine: {reason}")]
    Address {
        /// The address as it was given.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The engine answered with an error, or not at all.
    #[error("the container engine failed to {call}")]
    Call {
        /// What was asked of it.
        call: &'static str,
        /// What came back.
        #[source]
        source: Box<bollard::errors::Error>,
    },
    /// The engine took too long.
    #[error("the container engine took more than {seconds} s to {call}")]
    Timeout {
        /// What was asked of it.
        call: &'static str,
        /// Its deadline.
        seconds: u64,
    },
    /// The engine cannot hold commands back as it must.
    #[error("the container engine does not enforce {}", .0.join(", "))]
    Weak(Vec<String>),
    /// The engine made another container than was asked for.
    #[error("the container engine made another container than was asked for: {}", .0.join("; "))]
    Differs(Vec<String>),
    /// The image is not there, or not what it was.
    #[error("the image {image} cannot be used: {reason}")]
    Image {
        /// Its name or id.
        image: String,
        /// Why not.
        reason: String,
    },
    /// What happens must be written down, and cannot be.
    #[error(transparent)]
    Unrecorded(#[from] Unrecorded),
    /// The machine failed us.
    #[error("failed to {call}")]
    Io {
        /// What was tried.
        call: &'static str,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

fn tried(addresses: &[String]) -> String {
    if addresses.is_empty() { String::new() } else { format!(" at {}", addresses.join(", ")) }
}

impl EngineError {
    pub(super) fn call(call: &'static str, source: bollard::errors::Error) -> Self {
        Self::Call { call, source: Box::new(source) }
    }

    /// Whether what was asked about is not there, or does not run.
    pub(super) fn is_gone(&self) -> bool {
        use bollard::errors::Error::DockerResponseServerError;
        self.is_absent()
            || matches!(self, Self::Call { source, .. }
                if matches!(**source, DockerResponseServerError { status_code: 409 | 500, .. }))
    }

    /// Whether what was asked about is not there.
    pub(super) fn is_absent(&self) -> bool {
        use bollard::errors::Error::DockerResponseServerError;
        match self {
            Self::Call { source, .. } => {
                matches!(**source, DockerResponseServerError { status_code: 404, .. })
            }
            Self::None(_)
            | Self::Address { .. }
            | Self::Timeout { .. }
            | Self::Weak(_)
            | Self::Differs(_)
            | Self::Image { .. }
            | Self::Unrecorded(_)
            | Self::Io { .. } => false,
        }
    }
}

/// Where engines listen, likeliest first: `given` alone where there is one; else the usual sockets
/// of this user and of the machine that exist.
pub fn addresses(given: Option<&str>, home: Option<&Path>, runtime: Option<&Path>) -> Vec<String> {
    if let Some(given) = given {
        return vec![given.to_owned()];
    }
    // A user's own engine before the machine's: whoever may use that one is root there.
    let own = [
        runtime.map(|folder| folder.join("docker.sock")),
        runtime.map(|folder| folder.join("podman/podman.sock")),
        home.map(|folder| folder.join(".docker/run/docker.sock")),
        Some("/var/run/docker.sock".into()),
        Some("/run/podman/podman.sock".into()),
    ];
    let there = own.into_iter().flatten().filter(|socket| socket.exists());
    let mut found: Vec<String> =
        there.map(|socket| format!("unix://{}", socket.display())).collect();
    if cfg!(windows) {
        found.push("npipe:////./pipe/docker_engine".to_owned());
    }
    found
}

/// Whether what is sent to an address stays on this machine.
pub fn is_local(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once("://") else { return false };
    let host = rest.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let loopback = matches!(host, "localhost" | "[::1]")
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback());
    matches!(scheme, "unix" | "npipe") || loopback
}

/// What an engine says of itself.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Facts {
    /// Its version.
    pub version: String,
    /// Layers that it says it can put around a container.
    pub layers: Vec<String>,
    /// It runs as the user, not as root: whoever may use its socket is not root by that.
    pub rootless: bool,
    /// Limits that it says it cannot enforce, one word each.
    pub lacking: Vec<String>,
}

/// An engine that answers. Clones share the connection.
#[derive(Clone)]
pub struct Engine {
    pub(super) docker: Docker,
    runtime: Arc<Runtime>,
    address: String,
    podman: bool,
    seccomp: Arc<Seccomp>,
}

/// How an engine is given the list of system calls.
enum Seccomp {
    /// As text (Docker).
    Text(String),
    /// As a file that it reads itself (Podman), and that is gone with us.
    File(tempfile::NamedTempFile),
    /// Not at all: Podman on another machine, which has files of its own. Its own list holds.
    Own,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Engine {
    /// The first of `addresses` that answers.
    ///
    /// # Errors
    /// Where none does; the first one's own error where there is only that one.
    pub fn connect(addresses: &[String]) -> Result<Self, EngineError> {
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        let runtime = threads.worker_threads(1).enable_all().build();
        let runtime =
            Arc::new(runtime.map_err(|source| EngineError::Io { call: "start a thread", source })?);
        let mut errors = Vec::new();
        for address in addresses {
            match Self::at(address, &runtime) {
                Ok(engine) => return Ok(engine),
                Err(error) => errors.push(error),
            }
        }
        match (errors.pop(), errors.is_empty()) {
            (Some(only), true) => Err(only),
            _ => Err(EngineError::None(addresses.to_vec())),
        }
    }

    fn at(address: &str, runtime: &Arc<Runtime>) -> Result<Self, EngineError> {
        if address.starts_with("ssh://") {
            let reason = "forward its socket, `ssh -L /path/docker.sock:/var/run/docker.sock`";
            return Err(EngineError::Address { address: address.to_owned(), reason });
        }
        let docker = connect(address).map_err(|error| EngineError::call("be reached", error))?;
        let docker = within(runtime, 10, "tell its version", docker.negotiate_version())?;
        let version = within(runtime, 10, "tell its version", docker.version())?;
        let parts = version.components.iter().flatten();
        let podman = parts.into_iter().any(|part| part.name.contains("Podman"));
        let seccomp = Arc::new(Seccomp::of(podman, is_local(address))?);
        let (runtime, address) = (runtime.clone(), address.to_owned());
        Ok(Self { docker, runtime, address, podman, seccomp })
    }

    pub(super) fn is_podman(&self) -> bool {
        self.podman
    }

    /// What makes a mounted folder the commands' own: Podman's folders are everybody's instead, and
    /// there is nobody else who writes.
    pub(super) fn owned(&self) -> &'static str {
        if self.podman { "mode=1777,notmpcopyup" } else { "uid=65534,gid=65534,mode=0700" }
    }

    /// What keeps system calls back, as the engine takes it; none where its own list must do.
    pub(super) fn seccomp(&self) -> Option<String> {
        match &*self.seccomp {
            Seccomp::Text(text) => Some(format!("seccomp={text}")),
            Seccomp::File(file) => Some(format!("seccomp={}", file.path().display())),
            Seccomp::Own => None,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What it says of itself.
    pub fn facts(&self) -> Result<Facts, EngineError> {
        let info = self.call("describe itself", CALL, self.docker.info())?;
        Ok(facts(&info))
    }

    /// One call, under a deadline in seconds.
    pub(super) fn call<T>(
        &self,
        call: &'static str,
        seconds: u64,
        future: impl Future<Output = Result<T, bollard::errors::Error>>,
    ) -> Result<T, EngineError> {
        within(&self.runtime, seconds, call, future)
    }

    /// Waits for something that keeps its deadlines itself.
    pub(super) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

impl Seccomp {
    fn of(podman: bool, local: bool) -> Result<Self, EngineError> {
        match (podman, local) {
            (false, _) => Ok(Self::Text(seccomp::profile())),
            (true, false) => Ok(Self::Own),
            (true, true) => {
                let written = tempfile::Builder::new().prefix("sera-seccomp").tempfile().and_then(
                    |mut file| file.write_all(seccomp::profile().as_bytes()).map(|()| file),
                );
                let failed = |source| EngineError::Io { call: "write the list of calls", source };
                Ok(Self::File(written.map_err(failed)?))
            }
        }
    }
}

fn connect(address: &str) -> Result<Docker, bollard::errors::Error> {
    match address.strip_prefix("unix://") {
        // Longer than any command: each call has a deadline of its own.
        Some(socket) => Docker::connect_with_unix(socket, 24 * 3600, API_DEFAULT_VERSION),
        None => {
            Ok(Docker::connect_with_host(address)?.with_timeout(Duration::from_secs(24 * 3600)))
        }
    }
}

fn within<T>(
    runtime: &Runtime,
    seconds: u64,
    call: &'static str,
    future: impl Future<Output = Result<T, bollard::errors::Error>>,
) -> Result<T, EngineError> {
    let deadline = Duration::from_secs(seconds);
    match runtime.block_on(async { tokio::time::timeout(deadline, future).await }) {
        Ok(done) => done.map_err(|error| EngineError::call(call, error)),
        Err(_) => Err(EngineError::Timeout { call, seconds }),
    }
}

fn facts(info: &SystemInfo) -> Facts {
    // `name=seccomp,profile=default`
    let options = info.security_options.iter().flatten();
    let named = options.filter_map(|option| {
        option.split(',').find_map(|part| part.strip_prefix("name=")).map(str::to_owned)
    });
    let layers: Vec<String> = named.collect();
    let limits = [
        ("memory", info.memory_limit),
        ("swap", info.swap_limit),
        ("cpus", info.cpu_cfs_quota),
        ("processes", info.pids_limit),
    ];
    // Podman says nothing of swap.
    let lacking = limits.iter().filter(|(_, can)| *can == Some(false));
    Facts {
        version: info.server_version.clone().unwrap_or_default(),
        rootless: layers.iter().any(|layer| layer == "rootless"),
        layers,
        lacking: lacking.map(|(name, _)| (*name).to_owned()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_bytes_stay_here() {
        let check = |address: &str, local: bool| assert_eq!(is_local(address), local, "{address}");
        check("unix:///var/run/docker.sock", true);
        check("tcp://127.0.0.1:2375", true);
        check("tcp://localhost:2375/", true);
        check("tcp://[::1]:2375", true);
        check("tcp://127.0.0.1.example.org:2375", false);
        check("tcp://localhost.example.org", false);
        check("https://10.0.0.1:2376", false);
        check("tcp://127.evil:2375", false);
        check("/var/run/docker.sock", false);
    }

    #[test]
    fn a_given_address_is_the_only_one() {
        assert_eq!(addresses(Some("tcp://x:1"), None, None), ["tcp://x:1"]);
        let folder = std::env::temp_dir();
        assert!(addresses(None, Some(&folder.join("none")), Some(&folder.join("none"))).len() <= 3);
    }
}
