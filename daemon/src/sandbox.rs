//! Where commands run: what the user's settings demand, and the images that were built here.
//!
//! Every key here decides what runs or where code goes, so none is taken from a repository.
use crate::audit::Place;
use crate::{failure, kept};
use anyhow::{Context as _, Result};
use sera_core::Digest;
use sera_core::audit::{Change, Event};
use sera_git::Settings;
use sera_protocol::{ErrorCode, Failure};
use sera_sandbox::container::{LAYERS, Limits, Swept, addresses};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The version in which the file of images is written today.
const VERSION: u32 = 1;

/// Containers as the settings want them, for a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sandbox {
    /// Where engines may listen, the likeliest first.
    pub(crate) addresses: Vec<String>,
    /// The image's name or id, and the id that it must have.
    pub(crate) image: Option<(String, Option<String>)>,
    /// Layers that must be in force beside the usual ones.
    pub(crate) require: Vec<String>,
    /// Without a container, nothing is done at all.
    pub(crate) demanded: bool,
    /// What commands may use.
    pub(crate) limits: Limits,
    /// Names this user's state on the engine.
    pub(crate) instance: String,
    /// Where processes say that they live.
    pub(crate) leases: PathBuf,
}

impl Sandbox {
    /// Containers as these settings want them; none where only overlays are wanted.
    pub(crate) fn of(settings: &Settings, state: &Path, repository: &Path) -> Result<Option<Self>> {
        let kind = settings.value("sera.sandbox.kind");
        let demanded = match kind.as_deref() {
            None | Some("auto") => false,
            Some("container") => true,
            Some("overlay") => return Ok(None),
            Some(other) => {
                let text =
                    format!("sera.sandbox.kind: {other:?} is none of auto, container, overlay");
                return Err(failure::invalid_params(&text));
            }
        };
        let require = settings.values("sera.sandbox.require");
        if let Some(unknown) = require.iter().find(|layer| !LAYERS.contains(&layer.as_str())) {
            let text =
                format!("sera.sandbox.require: {unknown:?} is none of {}", LAYERS.join(", "));
            return Err(failure::invalid_params(&text));
        }
        let named = settings.value("sera.sandbox.image").map(|name| (name, None));
        let image = match named {
            Some(named) => Some(named),
            None => Images::open(state)?
                .of(repository)
                .map(|image| (image.id.clone(), Some(image.id.clone()))),
        };
        Ok(Some(Self {
            addresses: engines(settings),
            image,
            require,
            demanded,
            limits: limits(settings)?,
            instance: instance(state)?,
            leases: leases(state),
        }))
    }

    /// The engine of another machine, where that is the one.
    pub(crate) fn remote(&self) -> Option<&str> {
        let mut remote =
            self.addresses.iter().filter(|address| !sera_sandbox::container::is_local(address));
        remote.next().map(String::as_str)
    }
}

fn engines(settings: &Settings) -> Vec<String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let given = settings.value("sera.sandbox.engine").or_else(|| variable("DOCKER_HOST"));
    let folder = |name: &str| variable(name).map(PathBuf::from);
    addresses(given.as_deref(), folder("HOME").as_deref(), folder("XDG_RUNTIME_DIR").as_deref())
}

fn limits(settings: &Settings) -> Result<Limits> {
    let usual = Limits::default();
    let Some(memory) = settings.value("sera.sandbox.memory") else { return Ok(usual) };
    let wrong = || {
        failure::invalid_params(&format!(
            "sera.sandbox.memory: {memory:?} is no number of MiB, 64 or more"
        ))
    };
    let mebibytes: u64 = memory.trim().parse().map_err(|_| wrong())?;
    let bytes = mebibytes.checked_mul(1 << 20).filter(|_| mebibytes >= 64).ok_or_else(wrong)?;
    // Files are memory, too.
    Ok(Limits { memory: bytes, tree: usual.tree.min(bytes / 2), ..usual })
}

/// Where processes that use containers say that they live.
pub(crate) fn leases(state: &Path) -> PathBuf {
    state.join("containers")
}

/// A name of this user's state that no other has, made once.
pub(crate) fn instance(state: &Path) -> Result<String> {
    let path = state.join("instance");
    let failed = || format!("failed to write {}", path.display());
    match std::fs::read_to_string(&path) {
        Ok(name) if !name.trim().is_empty() => Ok(name.trim().to_owned()),
        Ok(_) | Err(_) => {
            let name = format!("{:032x}", rand::random::<u128>());
            std::fs::write(&path, &name).with_context(failed)?;
            Ok(name)
        }
    }
}

/// An image that was built here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Built {
    /// Its id: an image of another one is another image.
    pub(crate) id: String,
    /// What it was built from.
    pub(crate) recipe: Digest,
}

/// The images that were built here, as a file of the user's state: no repository says which it is.
pub(crate) struct Images {
    file: PathBuf,
    known: Known,
}

#[derive(Default, Serialize, Deserialize)]
struct Known {
    version: u32,
    /// The small one for every repository.
    default: Option<Built>,
    /// Those of repositories' own recipes, by common folder.
    repositories: BTreeMap<PathBuf, Built>,
}

impl Images {
    /// Reads the file in `state`; a missing one holds nothing.
    pub(crate) fn open(state: &Path) -> Result<Self> {
        let file = state.join("images.json");
        let none = || Known { version: VERSION, ..Known::default() };
        let known = kept::read_json(&file, VERSION)?.unwrap_or_else(none);
        Ok(Self { file, known })
    }

    /// The image for a repository: its own, or the default one.
    pub(crate) fn of(&self, repository: &Path) -> Option<&Built> {
        self.known.repositories.get(repository).or(self.known.default.as_ref())
    }

    /// Remembers an image, of one repository or the default one. Whole or not at all.
    pub(crate) fn keep(&mut self, repository: Option<&Path>, built: Built) -> Result<()> {
        match repository {
            Some(repository) => drop(self.known.repositories.insert(repository.to_owned(), built)),
            None => self.known.default = Some(built),
        }
        self.write()
    }

    /// The image that was built by a repository's own recipe.
    pub(crate) fn own(&self, repository: &Path) -> Option<&Built> {
        self.known.repositories.get(repository)
    }

    /// Forgets that image: commands run in the default one again. Whole or not at all.
    pub(crate) fn forget(&mut self, repository: &Path) -> Result<()> {
        match self.known.repositories.remove(repository) {
            Some(_) => self.write(),
            None => Ok(()),
        }
    }

    fn write(&self) -> Result<()> {
        let text = serde_json::to_vec_pretty(&self.known).context("failed to write images")?;
        kept::replace(&self.file, &text)
    }
}

/// A container was demanded, and there can be none.
pub(crate) fn refused(why: &str) -> anyhow::Error {
    let text = format!("commands must run in a container (sera.sandbox.kind), and cannot: {why}");
    Failure::new(ErrorCode::NoSandbox, text)
        .hint("`git sera doctor` shows what is there; `git sera sandbox build` makes an image")
        .into()
}

/// Whether a worker that uses containers lives, or died.
pub(crate) fn has_leases(state: &Path) -> bool {
    std::fs::read_dir(leases(state)).is_ok_and(|mut entries| entries.next().is_some())
}

/// Removes containers of workers that died, if any did, and says how many. Engines are asked for
/// nothing otherwise. Which repository one was for nobody knows any more: the user's own audit log
/// tells of it.
pub(crate) fn sweep(state: &Path) -> Result<usize> {
    let now = crate::cycle::now_ms() / 1000;
    let swept = sera_sandbox::container::sweep_dead(&instance(state)?, &leases(state), now)?;
    let count = swept.len();
    if count > 0 {
        let audit = Place::of_user(state)?.audit();
        for Swept { id, image } in swept {
            let why = "its worker died".to_owned();
            audit.record(&Event::Container { change: Change::Removed, id, image, why })?;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_has_its_own_image_or_the_default_one() {
        let state = tempfile::tempdir().unwrap();
        let (here, there) = (Path::new("/a/.git"), Path::new("/b/.git"));
        let built = |id: &str| Built { id: id.to_owned(), recipe: Digest::of(id.as_bytes()) };
        let mut images = Images::open(state.path()).unwrap();
        assert_eq!(images.of(here), None);
        images.keep(None, built("default")).unwrap();
        images.keep(Some(here), built("own")).unwrap();
        let images = Images::open(state.path()).unwrap();
        assert_eq!(images.of(here), Some(&built("own")));
        assert_eq!(images.of(there), Some(&built("default")));
        assert_eq!((images.own(here), images.own(there)), (Some(&built("own")), None));
        Images::open(state.path()).unwrap().forget(here).unwrap();
        assert_eq!(Images::open(state.path()).unwrap().of(here), Some(&built("default")));
    }

    #[test]
    fn a_name_is_made_once() {
        let state = tempfile::tempdir().unwrap();
        let name = instance(state.path()).unwrap();
        assert_eq!((name.len(), &instance(state.path()).unwrap()), (32, &name));
    }
}
