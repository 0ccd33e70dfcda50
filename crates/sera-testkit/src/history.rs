//! Many commits at once: a history is written as one `git fast-import` stream, which takes
//! milliseconds where `git commit` per commit takes seconds.
use crate::{AUTHOR, EPOCH, Person, Repo, TICK};
use std::collections::BTreeMap;

/// Names a commit of a [`History`] before it has an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark(usize);

/// A history being written down.
#[derive(Debug, Default)]
pub struct History {
    stream: Vec<u8>,
    files: BTreeMap<String, String>,
    commits: usize,
    tip: Option<Mark>,
}

impl History {
    /// No commit yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many commits there are.
    pub fn len(&self) -> usize {
        self.commits
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.commits == 0
    }

    /// The text of a file as the last commit on the main line left it.
    pub fn text(&self, path: &str) -> &str {
        self.files.get(path).expect("the test asks for a file of its own history")
    }

    /// A commit on the main line that writes `files`.
    pub fn commit(&mut self, by: Person, message: &str, files: &[(&str, &str)]) -> Mark {
        let mark = self.begin("main", by, message, self.tip, None);
        for (path, content) in files {
            self.file(path, content);
            self.files.insert((*path).to_owned(), (*content).to_owned());
        }
        self.tip = Some(mark);
        mark
    }

    /// A commit on the main line that replaces the only occurrence of `old` in a file.
    pub fn edit(&mut self, message: &str, path: &str, old: &str, new: &str) -> Mark {
        let text = self.text(path);
        assert_eq!(text.matches(old).count(), 1, "{old:?} occurs once in {path}");
        let text = text.replacen(old, new, 1);
        self.commit(AUTHOR, message, &[(path, &text)])
    }

    /// A commit on a side branch that leaves the main line at its tip.
    pub fn branch(&mut self, message: &str, files: &[(&str, &str)]) -> Mark {
        let mark = self.begin("side", AUTHOR, message, self.tip, None);
        for (path, content) in files {
            self.file(path, content);
        }
        mark
    }

    /// Merges a side commit whose `files` win into the main line.
    pub fn merge(&mut self, message: &str, side: Mark, files: &[(&str, &str)]) -> Mark {
        let mark = self.begin("main", AUTHOR, message, self.tip, Some(side));
        for (path, content) in files {
            self.file(path, content);
            self.files.insert((*path).to_owned(), (*content).to_owned());
        }
        self.tip = Some(mark);
        mark
    }

    /// Builds the repository with `main` checked out.
    pub fn build(&self) -> Repo {
        let repo = Repo::new();
        repo.git_with(
            &["fast-import", "--quiet", "--done"],
            &[&self.stream, &b"done\n"[..]].concat(),
        );
        repo.git(&["reset", "-q", "--hard", "main"]);
        repo.advance(EPOCH + TICK * i64::try_from(self.commits).expect("histories are short"));
        repo
    }

    fn begin(
        &mut self,
        branch: &str,
        by: Person,
        message: &str,
        from: Option<Mark>,
        merge: Option<Mark>,
    ) -> Mark {
        self.commits += 1;
        let mark = Mark(self.commits);
        let time = EPOCH + TICK * i64::try_from(self.commits).expect("histories are short");
        let Person { name, email } = by;
        let Person { name: committer, email: address } = AUTHOR;
        let mut head = format!(
            "commit refs/heads/{branch}\nmark :{}\nauthor {name} <{email}> {time} +0000\n\
             committer {committer} <{address}> {time} +0000\ndata {}\n{message}\n\n",
            mark.0,
            message.len() + 1
        );
        for (word, parent) in [("from", from), ("merge", merge)] {
            if let Some(Mark(parent)) = parent {
                head.push_str(&[word, " :", &parent.to_string(), "\n"].concat());
            }
        }
        self.stream.extend_from_slice(head.as_bytes());
        mark
    }

    fn file(&mut self, path: &str, content: &str) {
        let text = format!("M 100644 inline {path}\ndata {}\n{content}\n", content.len());
        self.stream.extend_from_slice(text.as_bytes());
    }
}
