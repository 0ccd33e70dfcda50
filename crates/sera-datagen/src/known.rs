//! What earlier mining found, so that mining again costs what changed and not what is there.
//!
//! Functions are remembered by blob (and language), commits by id. Neither can go stale: both are
//! named by content. Only another policy or another version of the rules forgets everything.
use crate::{DropReason, Forgotten, Policy};
use sera_core::{BlobId, CommitId, CommitSeed, Digest, Language, Seed};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;

/// Bumped when the rules of this crate change what is found in the same bytes.
pub const KNOWN_VERSION: u32 = 2;

/// A cache of what was found. Start from `Known::default()`; hand the one in `Mined` back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Known {
    version: u32,
    policy: String,
    blobs: BTreeMap<String, FileFacts>,
    commits: BTreeMap<CommitId, Judged>,
}

/// What one file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFacts {
    /// Nothing to mine in it.
    Dropped(DropReason),
    /// Its functions.
    Functions(Vec<FunctionFacts>),
}

/// What one function is, wherever its file stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionFacts {
    /// Qualified name.
    pub name: String,
    /// Byte span in the file.
    pub span: Range<usize>,
    /// First line, from 1.
    pub first_line: usize,
    /// Last line, from 1, inclusive.
    pub last_line: usize,
    /// Body statements.
    pub statements: usize,
    /// Cyclomatic complexity.
    pub complexity: usize,
    /// Why it is not a seed, judged without its path.
    pub dropped: Option<DropReason>,
}

/// What one commit is, judged without the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Judged {
    /// Not eligible.
    Dropped(DropReason),
    /// Eligible; `held_out` is set later.
    Eligible {
        /// The seed.
        seed: Box<CommitSeed>,
        /// Names the change whatever it was applied to, as `git patch-id` does.
        patch_id: Digest,
    },
}

impl Known {
    /// The same cache where it was made under `policy` and these rules, else an empty one.
    pub(crate) fn under(&self, policy: &Policy) -> Self {
        let name = policy_name(policy);
        if self.version == KNOWN_VERSION && self.policy == name {
            self.clone()
        } else {
            Self { version: KNOWN_VERSION, policy: name, ..Self::default() }
        }
    }

    /// Without the commits that the user wants forgotten: they are judged anew each time.
    pub(crate) fn forget(&mut self, forgotten: &Forgotten) {
        self.commits.retain(|_, judged| match judged {
            Judged::Dropped(_) => true,
            Judged::Eligible { seed, .. } => {
                !forgotten.meets_seed(&Seed::Commit(CommitSeed::clone(seed)))
            }
        });
    }

    /// An empty cache under the same policy.
    pub(crate) fn emptied(&self) -> Self {
        Self { version: self.version, policy: self.policy.clone(), ..Self::default() }
    }

    pub(crate) fn file(&self, blob: &BlobId, language: Language) -> Option<&FileFacts> {
        self.blobs.get(&blob_key(blob, language))
    }

    pub(crate) fn keep_file(&mut self, blob: &BlobId, language: Language, facts: FileFacts) {
        self.blobs.insert(blob_key(blob, language), facts);
    }

    pub(crate) fn commit(&self, id: &CommitId) -> Option<&Judged> {
        self.commits.get(id)
    }

    pub(crate) fn keep_commit(&mut self, id: CommitId, judged: Judged) {
        self.commits.insert(id, judged);
    }
}

fn blob_key(blob: &BlobId, language: Language) -> String {
    format!("{blob}:{language}")
}

fn policy_name(policy: &Policy) -> String {
    let text = serde_json::to_string(policy).expect("numbers serialise");
    Digest::of(text.as_bytes()).short().to_owned()
}
