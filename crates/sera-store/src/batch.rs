//! Facts of several kinds that change together: all of them, or none.
use crate::store::check_key;
use crate::{Kind, StoreError};
use serde::Serialize;

/// One change; without a body the fact goes.
pub(crate) struct Planned {
    pub(crate) kind: Kind,
    pub(crate) key: String,
    pub(crate) body: Option<Vec<u8>>,
}

/// What [`crate::Store::commit`] makes true at once. Of two changes of a key the later counts.
#[derive(Default)]
pub struct Batch(pub(crate) Vec<Planned>);

impl Batch {
    /// Stores a fact.
    pub fn put<T: Serialize>(
        &mut self,
        kind: Kind,
        key: &str,
        value: &T,
    ) -> Result<(), StoreError> {
        let key = check_key(key)?.to_owned();
        let encode = |source| StoreError::Encode { kind, key: key.clone(), source };
        let body = Some(serde_json::to_vec(value).map_err(encode)?);
        self.0.push(Planned { kind, key, body });
        Ok(())
    }

    /// Deletes a fact.
    pub fn delete(&mut self, kind: Kind, key: &str) -> Result<(), StoreError> {
        let key = check_key(key)?.to_owned();
        self.0.push(Planned { kind, key, body: None });
        Ok(())
    }
}
