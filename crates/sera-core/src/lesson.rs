//! Lessons: conversations made from the code or the history before the cut alone. Nothing was
//! attempted, so nothing is judged.
use crate::{Action, CommitId, FunctionKey, Step};
use serde::{Deserialize, Serialize};

/// The schema word every stored lesson opens with.
pub const LESSON_SCHEMA: &str = "sera-lesson/1";

/// What a lesson teaches, and of what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Subject {
    /// To find a function from what its documentation says.
    Locate {
        /// The function.
        function: FunctionKey,
    },
    /// To find what a function calls.
    Dependencies {
        /// The function.
        function: FunctionKey,
    },
    /// To go on with a change that was begun.
    NextEdit {
        /// The commit whose change it is.
        commit: CommitId,
    },
}

impl Subject {
    /// The kind's word, as it is stored.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Locate { .. } => "locate",
            Self::Dependencies { .. } => "dependencies",
            Self::NextEdit { .. } => "next-edit",
        }
    }
}

impl std::fmt::Display for Subject {
    /// `locate src/a.py::f`, `next-edit 1f2e3d4c5b`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Locate { function } | Self::Dependencies { function } => {
                write!(f, "{} {}::{}", self.kind(), function.path, function.name)
            }
            Self::NextEdit { commit } => write!(f, "{} {}", self.kind(), commit.short()),
        }
    }
}

/// One lesson.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// [`LESSON_SCHEMA`].
    pub schema: String,
    /// What it teaches.
    pub subject: Subject,
    /// The commit whose tree it happens in; what is held out is not in that.
    pub base: CommitId,
    /// Edits executed before it begins, in order. They are no part of the conversation.
    pub prepared: Vec<Action>,
    /// What is asked.
    pub description: String,
    /// What is done, each step executed and its observation stored as it came.
    pub steps: Vec<Step>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TreePath;

    /// What is stored once is read for ever.
    #[test]
    fn a_lesson_is_written_so() {
        let path = TreePath::new("a.py").unwrap();
        let function = FunctionKey { path, name: "f".to_owned() };
        for (subject, kind) in [
            (Subject::Locate { function: function.clone() }, "locate"),
            (Subject::Dependencies { function }, "dependencies"),
            (Subject::NextEdit { commit: CommitId::from_hex("c0") }, "next-edit"),
        ] {
            assert_eq!(subject.kind(), kind);
            assert_eq!(serde_json::to_value(&subject).unwrap()["kind"], kind);
        }
        let text = r#"{"schema":"sera-lesson/1","subject":{"kind":"locate","function":{"path":"a.py","name":"f"}},"base":"c0","prepared":[],"description":"Where?","steps":[]}"#;
        let lesson: Lesson = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&lesson).unwrap(), text);
    }
}
