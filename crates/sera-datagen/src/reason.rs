//! Why something was left out: one closed list for every stage, so that counts add up to a whole.
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Counts of what was left out, by reason.
pub type Drops = BTreeMap<DropReason, usize>;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal),* $(,)?) => {
        /// Why a commit, a file, a function, a task or a trajectory was left out.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum DropReason {
            $($(#[doc = $doc])* #[serde(rename = $code)] $name,)*
        }

        impl DropReason {
            /// Every reason, in the order of the pipeline.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The stable code, as in records and on the command line.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// What it means, for `mine --explain`.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),*)),* }
            }
        }
    };
}

reasons! {
    // Commits.
    /// A merge, where the history is not made of merges.
    Merge = "merge",
    /// A commit inside a merged branch, where the history is made of merges.
    InsideMerge = "inside-merge",
    /// The first commit: there is no tree before it.
    Root = "root",
    /// Written by a bot.
    Bot = "bot",
    /// Written or co-written by an assistant, by its own attribution.
    AiAttributed = "ai-attributed",
    /// A release, bump, reformatting, typo or work-in-progress by its subject.
    SubjectClass = "subject-class",
    /// Reverted later, or the revert itself.
    Reverted = "reverted",
    /// Only lockfiles change.
    LockfileOnly = "lockfile-only",
    /// No file of a known language changes.
    NoSource = "no-source",
    /// Only tests change.
    TestsOnly = "tests-only",
    /// Only vendored or generated sources change.
    ForeignOnly = "foreign-only",
    /// Only white space, commas or the order of lines change.
    FormatOnly = "format-only",
    /// Only comments or documentation change.
    CommentOnly = "comment-only",
    /// More source files than the policy allows.
    TooManyFiles = "too-many-files",
    /// More changed lines than the policy allows.
    TooLarge = "too-large",
    /// The same change as a newer commit.
    CherryPick = "cherry-pick",
    /// Not held out, but not in the history of the cut either.
    BesideCut = "beside-cut",
    /// Changes a function that is held out, or contains one, or stands in one.
    TouchesHeldOut = "touches-held-out",
    /// A changed line or its surroundings hold a secret.
    Secret = "secret",
    /// The user wanted it forgotten.
    Forgotten = "forgotten",
    // Files and functions.
    /// On the list of files that are never read.
    Denied = "denied",
    /// A test, by its path or by its markers.
    Test = "test",
    /// Somebody else's code, by its path.
    Vendored = "vendored",
    /// Written by a tool, by its path or its first lines.
    Generated = "generated",
    /// Larger than the policy reads.
    TooLargeFile = "too-large-file",
    /// Not UTF-8 text, or no regular file.
    Unreadable = "unreadable",
    /// The repository lacks it, or holds it damaged.
    Missing = "missing",
    /// The function does not parse.
    Unparsable = "unparsable",
    /// Fewer statements than the policy asks for.
    Trivial = "trivial",
    /// Reads or sets a field, nothing more.
    Accessor = "accessor",
    /// More lines than the policy allows.
    TooLong = "too-long",
    /// Another function of the file has the same name.
    Ambiguous = "ambiguous",
    // Tasks.
    /// No operator fits the function.
    NoMutation = "no-mutation",
    /// The fix inserts a name or literal that a solver could not have seen.
    Underdetermined = "underdetermined",
    /// No wording of the task keeps the fix out of it.
    Leak = "leak",
    /// The fix creates, deletes or renames a file, which the tools cannot play.
    NotPlayable = "not-playable",
    /// The commit's message says too little, or too little that is not the fix itself.
    PoorMessage = "poor-message",
    /// The same change as another task.
    Duplicate = "duplicate",
    /// The operator has its share already.
    OperatorCap = "operator-cap",
    /// The family has its share already.
    FamilyCap = "family-cap",
    /// The function has its tasks already.
    FunctionCap = "function-cap",
    /// What it came from has its share already.
    SourceCap = "source-cap",
    /// The batch is full.
    BatchFull = "batch-full",
    // Trajectories.
    /// The tree the task starts from could not be made.
    NoBase = "no-base",
    /// The searches never printed the place.
    NotFound = "not-found",
    /// The place was opened but the lines to change were not shown.
    NotShown = "not-shown",
    /// An edit did not go through.
    EditFailed = "edit-failed",
    /// The rollout ended without submitting.
    NotSubmitted = "not-submitted",
    /// The teacher gave no reply.
    TeacherFailed = "teacher-failed",
    /// The teacher refuses the conversation, or never ends its reply, and would do so again.
    TeacherRefused = "teacher-refused",
    /// Commands could no longer be run, or what they did is not known.
    EnvironmentLost = "environment-lost",
    /// Commands made something of the tree that cannot be taken.
    EnvironmentUnfit = "environment-unfit",
    /// The conversation became longer than the teacher reads.
    ContextOverflow = "context-overflow",
    /// The teacher found nothing to change.
    NothingChanged = "nothing-changed",
    /// The teacher's own change is not what was asked for, in its own judgement.
    NotAsAsked = "not-as-asked",
    /// No description came that gives nothing away.
    NoDescription = "no-description",
    /// The patch is not exactly the reference.
    NotReproduced = "not-reproduced",
    /// Soft verification rejected it.
    Rejected = "rejected",
    /// The caller cancelled.
    Cancelled = "cancelled",
    /// The observations are too long on average.
    LongObservations = "long-observations",
    /// Too little of it fits the student's length.
    Truncated = "truncated",
    /// Held out, so never trained on.
    HeldOut = "held-out",
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Counts reasons.
pub fn count(reasons: impl IntoIterator<Item = DropReason>) -> Drops {
    reasons.into_iter().fold(Drops::new(), |mut counts, reason| {
        *counts.entry(reason).or_default() += 1;
        counts
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_serialised_form_and_unique() {
        let mut codes: Vec<_> = DropReason::ALL.iter().map(|r| r.code()).collect();
        for reason in DropReason::ALL {
            let json = serde_json::to_string(reason).unwrap();
            assert_eq!(json, format!("{:?}", reason.code()));
            assert!(!reason.meaning().is_empty());
        }
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), DropReason::ALL.len());
    }
}
