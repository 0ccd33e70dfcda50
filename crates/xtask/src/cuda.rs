//! `cargo xtask check-cuda`: whether the feature `cuda` compiles, on a machine that need not have a
//! card. What it compiles with comes from NVIDIA's wheels, unpacked below `target`.
use crate::cargo;
use anyhow::{Context as _, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// CUDA 13.0: what it compiles runs under every driver that knows 13. Newer kernels need newer
/// drivers.
const WHEELS: [&str; 8] = [
    "nvidia-cuda-nvcc==13.0.88",
    "nvidia-cuda-runtime==13.0.96",
    "nvidia-cuda-cccl==13.0.85",
    "nvidia-cuda-crt==13.0.88",
    "nvidia-cuda-nvrtc==13.0.88",
    "nvidia-nvvm==13.0.88",
    "nvidia-curand==10.4.0.35",
    "nvidia-cublas==13.1.0.3",
];
/// As candle's bindings want it.
const VERSION: &str = "13000";
/// The oldest cards whose kernels are compiled; newer ones translate them when they load.
const CAPABILITY: &str = "80";

/// Without `--test` only checks; with it, also builds the tests of `sera-model` and runs them on the
/// first card.
pub(crate) fn check_cuda(args: &[String]) -> Result<ExitCode> {
    let toolkit = toolkit()?;
    match args {
        [] => {
            let mut check = with(cargo::cargo(), &toolkit)?;
            check.args(["check", "--release", "--package", "sera-daemon", "--features", "cuda"]);
            cargo::must("checking the feature cuda", &mut check)?;
            cargo::say("the feature cuda compiles; `check-cuda --test` runs its tests on a card");
        }
        [flag] if flag == "--test" => {
            let mut test = with(cargo::cargo(), &toolkit)?;
            test.args(["test", "--release", "--package", "sera-model", "--features", "cuda"]);
            test.args(["decoder::tests", "device::tests"]).env("GIT_SERA_TEST_DEVICE", "cuda:0");
            cargo::must("testing on cuda:0", &mut test)?;
        }
        _ => bail!("usage: cargo xtask check-cuda [--test]"),
    }
    Ok(ExitCode::SUCCESS)
}

/// CUDA's compiler, headers and libraries in one folder.
fn toolkit() -> Result<PathBuf> {
    let scratch = cargo::root().join("target/cuda-toolkit");
    let (wheels, toolkit) = (scratch.join("wheels"), scratch.join("nvidia/cu13"));
    let done = scratch.join("unpacked");
    if !done.is_file() {
        let mut pip = Command::new("pip");
        pip.args(["download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest"]);
        cargo::must("getting NVIDIA's wheels with pip", pip.arg(&wheels).args(WHEELS))?;
        for wheel in std::fs::read_dir(&wheels).context("failed to list the wheels")? {
            let mut unpack = Command::new("python3");
            unpack.args(["-m", "zipfile", "-e"]).arg(wheel?.path()).arg(&scratch);
            cargo::must("unpacking a wheel", &mut unpack)?;
        }
        lay_out(&toolkit)?;
        std::fs::remove_dir_all(&wheels).context("failed to remove the wheels")?;
        std::fs::write(&done, "").context("failed to note that the wheels are unpacked")?;
    }
    Ok(toolkit)
}

/// What a wheel leaves out: programs' permission to run, `lib64`, and libraries by their plain
/// names.
#[cfg(unix)]
fn lay_out(toolkit: &Path) -> Result<()> {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    for folder in ["bin", "nvvm/bin"] {
        for program in std::fs::read_dir(toolkit.join(folder)).context("a wheel lacks programs")? {
            let program = program?.path();
            if program.is_file() {
                std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
            }
        }
    }
    let libraries = toolkit.join("lib");
    for library in std::fs::read_dir(&libraries).context("a wheel lacks libraries")? {
        let name = library?.file_name().to_string_lossy().into_owned();
        if let Some((plain, _)) = name.split_once(".so.") {
            let link = libraries.join(format!("{plain}.so"));
            if !link.exists() {
                symlink(&name, link).with_context(|| format!("failed to link {name}"))?;
            }
        }
    }
    symlink("lib", toolkit.join("lib64")).context("failed to link lib64")
}

#[cfg(not(unix))]
fn lay_out(_: &Path) -> Result<()> {
    bail!("NVIDIA's wheels are laid out for Linux only")
}

fn with(mut command: Command, toolkit: &Path) -> Result<Command> {
    for name in ["CUDA_HOME", "CUDA_PATH", "CUDA_ROOT", "CUDA_TOOLKIT_ROOT_DIR"] {
        command.env(name, toolkit);
    }
    let old = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(toolkit.join("bin")).chain(std::env::split_paths(&old));
    let path: OsString = std::env::join_paths(folders).context("PATH cannot be extended")?;
    command.env("PATH", path).env("LIBRARY_PATH", toolkit.join("lib"));
    command.env("LD_LIBRARY_PATH", toolkit.join("lib"));
    command.env("CUDA_COMPUTE_CAP", CAPABILITY).env("CUDARC_CUDA_VERSION", VERSION);
    // Apart from the usual builds, which would all be thrown away when the features change.
    command.env("CARGO_TARGET_DIR", cargo::root().join("target/cuda"));
    Ok(command)
}
