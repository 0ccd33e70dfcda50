//! Settings, by the scope they come from.
use crate::command::output;
use crate::open::options;
use crate::settings::{Scope, setting};
use crate::{GitError, Repository};
use gix::config::Source;
use gix::sec::Trust;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The section that is ours.
const OURS: &str = "sera";

/// Why a setting was not written.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Only `sera.*` is ours.
    #[error("{0} is not a key of sera")]
    ForeignKey(String),
    /// The config file could not be written.
    #[error(transparent)]
    Git(#[from] GitError),
}

/// All settings at one moment.
pub struct Settings(gix::Repository);

impl Settings {
    /// The value of a setting, from the scopes that its row allows; none without a row.
    pub fn value(&self, key: &str) -> Option<String> {
        match setting(key)?.scope {
            Scope::Any => self.0.config_snapshot().string(key).map(|value| value.to_string()),
            Scope::User => self.user(key),
        }
    }

    /// All values of a setting that may have several, in order.
    pub fn values(&self, key: &str) -> Vec<String> {
        match setting(key).map(|setting| setting.scope) {
            Some(Scope::User) => self.user_all(key),
            Some(Scope::Any) => self.value(key).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// The value of `key` in the user's own scopes (system and global), never from the repository
    /// and never from the environment.
    pub(crate) fn user(&self, key: &str) -> Option<String> {
        self.user_all(key).pop()
    }

    fn user_all(&self, key: &str) -> Vec<String> {
        let snapshot = self.0.config_snapshot();
        let values = snapshot.plumbing().strings_filter(key, is_own);
        values.unwrap_or_default().into_iter().map(|value| value.to_string()).collect()
    }

    /// All `sera.*` settings of the user's own scopes by their full names; several values of one are
    /// joined by blanks.
    pub fn own(&self) -> BTreeMap<String, String> {
        let snapshot = self.0.config_snapshot();
        let mut own: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let sections = snapshot.plumbing().sections().filter(|section| is_own(section.meta()));
        for section in
            sections.filter(|section| section.header().name().eq_ignore_ascii_case(OURS.as_bytes()))
        {
            let middle = section.header().subsection_name().map(|name| format!("{name}."));
            let middle = middle.unwrap_or_default();
            let names: BTreeSet<String> =
                section.value_names().map(|name| name.to_ascii_lowercase()).collect();
            for name in names {
                let values = section.values(&name).into_iter().map(|value| value.to_string());
                own.entry(format!("{OURS}.{middle}{name}")).or_default().extend(values);
            }
        }
        own.into_iter().map(|(key, values)| (key, values.join(" "))).collect()
    }

    /// The folder of hooks that config names, as git reads paths: `~` is the user's home.
    pub(crate) fn hooks_path(&self) -> Result<Option<PathBuf>, GitError> {
        let path = self.0.config_snapshot().trusted_path("core.hooksPath");
        path.map_err(|e| GitError::read("read core.hooksPath", e))
    }

    /// A setting that any scope may hold as git reads whole numbers: `512`, `512m`, `4g`.
    pub fn integer(&self, key: &str) -> Result<Option<i64>, GitError> {
        if setting(key).is_none_or(|setting| setting.scope != Scope::Any) {
            return Ok(None);
        }
        let value = self.0.config_snapshot().try_integer(key);
        value.map_err(|e| GitError::read(format!("read {key} as a number"), e))
    }
}

impl Repository {
    /// Reads all layers of config.
    pub fn settings(&self) -> Result<Settings, GitError> {
        let opened = options()
            .open_path_as_is(true)
            .with(Trust::Full)
            .open(self.git_dir())
            .map_err(|e| GitError::read("read the config", e))?;
        Ok(Settings(opened.to_thread_local()))
    }

    /// [`Settings::value`] for one key; `None` where the config cannot be read.
    pub fn config(&self, key: &str) -> Option<String> {
        self.settings().ok()?.value(key)
    }

    /// Writes a `sera.*` key of this repository, or removes it where `value` is `None`.
    pub fn config_set(&self, key: &str, value: Option<&str>) -> Result<(), ConfigError> {
        if !is_ours(key) {
            return Err(ConfigError::ForeignKey(key.to_owned()));
        }
        let mut command = self.git();
        command.args(["config", "--local"]);
        match value {
            Some(value) => command.args(["--replace-all", key, value]),
            None if self.local(key)?.is_none() => return Ok(()),
            None => command.args(["--unset-all", key]),
        };
        output(&mut command, "config")?;
        Ok(())
    }

    fn local(&self, key: &str) -> Result<Option<String>, GitError> {
        let file = self.common_dir().join("config");
        let config = gix::config::File::from_path_no_includes(file, Source::Local)
            .map_err(|e| GitError::read("read the config", e))?;
        Ok(config.string(key).map(|value| value.to_string()))
    }
}

/// Whether a section is the user's, not a repository's.
fn is_own(section: &gix::config::file::Metadata) -> bool {
    match section.source {
        Source::GitInstallation | Source::System | Source::Git | Source::User => true,
        Source::Local
        | Source::Worktree
        | Source::Env
        | Source::Cli
        | Source::Api
        | Source::EnvOverride => false,
    }
}

fn is_ours(key: &str) -> bool {
    let name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    key.strip_prefix("sera.").is_some_and(|rest| rest.split('.').all(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_of_ours() {
        for ours in ["sera.teacher", "sera.train.seconds", "sera.max-steps"] {
            assert!(is_ours(ours), "{ours} may be written");
        }
        for foreign in
            ["core.pager", "sera", "sera.", "seraphim.x", "sera.a b", "sera.x.", "SERA.x"]
        {
            assert!(!is_ours(foreign), "{foreign:?} may not be written");
        }
    }
}
