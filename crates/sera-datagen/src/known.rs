//! What earlier mining found, so that mining again costs what changed and not what is there.
//!
//! Functions are remembered by blob (and language), commits by id. Neither can go stale: both are
//! named by content. Only another policy or another version of the rules forgets everything.
use crate::{DropReason, Forgotten, Policy};
use sera_core::{BlobId, CommitId, CommitSeed, Digest, Language, Seed};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

/// Bumped when the rules of this crate change what is found in the same bytes.
pub const KNOWN_VERSION: u32 = 2;

/// A cache of what was found. Start from `Known::default()`; mining adds what it learns.
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

/// One thing that mining learnt: what a cache on disk is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fact {
    /// What a commit is.
    Commit(CommitId, Judged),
    /// What a file holds, under its blob and language.
    File(String, FileFacts),
}

/// What one mining asked of a cache. The rest belongs to other branches, or to nothing any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    pub(crate) commits: HashSet<CommitId>,
    pub(crate) files: HashSet<String>,
}

impl Used {
    /// How many facts.
    pub fn count(&self) -> usize {
        self.commits.len() + self.files.len()
    }
}

impl Known {
    /// An empty cache for these rules and `policy`.
    pub fn under(policy: &Policy) -> Self {
        Self { version: KNOWN_VERSION, policy: policy_name(policy), ..Self::default() }
    }

    /// Names the rules and the policy that everything in it was found under.
    pub fn rules(&self) -> String {
        format!("{}/{}", self.version, self.policy)
    }

    /// How many facts it holds.
    pub fn count(&self) -> usize {
        self.commits.len() + self.blobs.len()
    }

    /// Adds a fact; a later one of the same thing replaces an earlier.
    pub fn learn(&mut self, fact: Fact) {
        match fact {
            Fact::Commit(id, judged) => drop(self.commits.insert(id, judged)),
            Fact::File(key, facts) => drop(self.blobs.insert(key, facts)),
        }
    }

    /// Everything it holds.
    pub fn facts(&self) -> impl Iterator<Item = Fact> + '_ {
        let commit = |(id, judged): (&CommitId, &Judged)| Fact::Commit(id.clone(), judged.clone());
        let file = |(key, facts): (&String, &FileFacts)| Fact::File(key.clone(), facts.clone());
        self.commits.iter().map(commit).chain(self.blobs.iter().map(file))
    }

    /// Leaves out what a mining did not ask for.
    pub fn retain(&mut self, used: &Used) {
        self.commits.retain(|id, _| used.commits.contains(id));
        self.blobs.retain(|key, _| used.files.contains(key));
    }

    /// Without what was missing: it may have come back, with a fetch or by repair.
    pub(crate) fn ask_again(&mut self) {
        let missing = DropReason::Missing;
        self.commits.retain(|_, judged| *judged != Judged::Dropped(missing));
        self.blobs.retain(|_, facts| *facts != FileFacts::Dropped(missing));
    }

    /// Without the commits that the user wants forgotten: they are judged anew each time.
    pub fn forget(&mut self, forgotten: &Forgotten) {
        self.commits.retain(|_, judged| !judged.is_forgotten(forgotten));
    }

    pub(crate) fn file(&self, blob: &BlobId, language: Language) -> Option<&FileFacts> {
        self.blobs.get(&blob_key(blob, language))
    }

    pub(crate) fn commit(&self, id: &CommitId) -> Option<&Judged> {
        self.commits.get(id)
    }
}

impl Judged {
    fn is_forgotten(&self, forgotten: &Forgotten) -> bool {
        match self {
            Self::Dropped(_) => false,
            Self::Eligible { seed, .. } => {
                forgotten.meets_seed(&Seed::Commit(CommitSeed::clone(seed)))
            }
        }
    }
}

impl Fact {
    /// Whether it holds what the user wants forgotten, and so must not be kept.
    pub fn is_forgotten(&self, forgotten: &Forgotten) -> bool {
        match self {
            Self::Commit(_, judged) => judged.is_forgotten(forgotten),
            Self::File(..) => false,
        }
    }
}

pub(crate) fn blob_key(blob: &BlobId, language: Language) -> String {
    format!("{blob}:{language}")
}

/// What is found in a commit or a file does not depend on how many there are, nor on who looks.
fn policy_name(policy: &Policy) -> String {
    let policy = Policy { max_commits: 0, threads: 0, ..policy.clone() };
    let text = serde_json::to_string(&policy).expect("numbers serialise");
    Digest::of(text.as_bytes()).short().to_owned()
}
