//! `sera.*` settings, by the scope they come from.
use crate::Repository;

/// Why a setting was not written.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Only `sera.*` is ours.
    #[error("{0} is not a key of sera")]
    ForeignKey(String),
}

impl Repository {
    /// The value of `key` in any scope, the nearest first.
    pub fn config(&self, key: &str) -> Option<String> {
        let _ = key;
        todo!()
    }

    /// The value of `key` in the user's own scopes, never from the repository.
    pub fn user_config(&self, key: &str) -> Option<String> {
        let _ = key;
        todo!()
    }

    /// Writes a `sera.*` key of this repository, or removes it where `value` is `None`.
    pub fn config_set(&self, key: &str, value: Option<&str>) -> Result<(), ConfigError> {
        let _ = (key, value);
        todo!()
    }
}
