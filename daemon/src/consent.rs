//! Where the user agreed that code of a repository may be sent: a file of the user's state, so that
//! no repository, copied or cloned, brings a consent with it.
use crate::engine::Engine;
use crate::kept;
use crate::sandbox::Images;
use anyhow::{Context as _, Result};
use sera_core::audit::Event;
use sera_protocol::report::ConsentReport;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The version in which the file is written today.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Agreed {
    version: u32,
    /// Addresses by the repository's common folder.
    repositories: BTreeMap<PathBuf, BTreeSet<String>>,
}

/// What was agreed to.
pub(crate) struct Consents {
    file: PathBuf,
    agreed: Agreed,
}

impl Consents {
    /// Reads the file in `state`; a missing one holds nothing.
    pub(crate) fn open(state: &Path) -> Result<Self> {
        let file = state.join("consents.json");
        let none = || Agreed { version: VERSION, repositories: BTreeMap::new() };
        let agreed = kept::read_json(&file, VERSION)?.unwrap_or_else(none);
        Ok(Self { file, agreed })
    }

    /// Whether code of the repository may be sent to `url`.
    pub(crate) fn has(&self, repository: &Path, url: &str) -> bool {
        self.agreed.repositories.get(repository).is_some_and(|urls| urls.contains(url))
    }

    /// Addresses that code of the repository may be sent to.
    pub(crate) fn of(&self, repository: &Path) -> impl Iterator<Item = &str> {
        self.agreed.repositories.get(repository).into_iter().flatten().map(String::as_str)
    }

    /// Forgets them. Whole or not at all.
    pub(crate) fn withdraw(&mut self, repository: &Path) -> Result<()> {
        match self.agreed.repositories.remove(repository) {
            Some(_) => self.write(),
            None => Ok(()),
        }
    }

    /// Remembers that it may. Whole or not at all.
    pub(crate) fn give(&mut self, repository: &Path, url: &str) -> Result<()> {
        let urls = self.agreed.repositories.entry(repository.to_owned()).or_default();
        if urls.insert(url.to_owned()) { self.write() } else { Ok(()) }
    }

    fn write(&self) -> Result<()> {
        let text = serde_json::to_vec_pretty(&self.agreed).context("failed to write consents")?;
        kept::replace(&self.file, &text)
    }
}

/// Consent to sending code, as the audit log says it.
pub(crate) fn to_send(url: &str) -> String {
    format!("send code to {url}")
}

/// Consent to following a recipe of the repository's, as the audit log says it.
pub(crate) fn to_recipe(recipe: &str) -> String {
    format!("build an image by the repository's own recipe, blake3 {recipe}")
}

/// What the user agreed to for the repository of `engine`; taken back where `withdraw` says so, and
/// written down before it is.
pub(crate) fn report(engine: &Engine, state: &Path, withdraw: bool) -> Result<ConsentReport> {
    let (mut consents, mut images) = (Consents::open(state)?, Images::open(state)?);
    let repository = engine.repository.common_dir();
    let recipe = images.own(repository).map(|image| to_recipe(image.recipe.as_str()));
    let agreed: Vec<String> = consents.of(repository).map(to_send).chain(recipe).collect();
    if withdraw {
        for to in &agreed {
            engine.record(&Event::Consent { given: false, to: to.clone() })?;
        }
        consents.withdraw(repository)?;
        images.forget(repository)?;
    }
    Ok(ConsentReport { withdrawn: withdraw && !agreed.is_empty(), agreed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_consent_is_of_one_repository_and_one_address() {
        let state = tempfile::tempdir().unwrap();
        let (here, there) = (Path::new("/a/.git"), Path::new("/b/.git"));
        Consents::open(state.path()).unwrap().give(here, "https://x/v1").unwrap();
        let consents = Consents::open(state.path()).unwrap();
        assert!(consents.has(here, "https://x/v1"));
        assert!(!consents.has(here, "https://y/v1") && !consents.has(there, "https://x/v1"));
        Consents::open(state.path()).unwrap().give(there, "https://x/v1").unwrap();
        Consents::open(state.path()).unwrap().withdraw(here).unwrap();
        let consents = Consents::open(state.path()).unwrap();
        assert_eq!(consents.of(here).count(), 0);
        assert_eq!(consents.of(there).collect::<Vec<_>>(), ["https://x/v1"]);
    }

    #[test]
    fn a_file_of_a_later_version_is_refused() {
        let state = tempfile::tempdir().unwrap();
        let later = r#"{"version": 2, "repositories": {}}"#;
        std::fs::write(state.path().join("consents.json"), later).unwrap();
        assert!(Consents::open(state.path()).is_err());
    }
}
