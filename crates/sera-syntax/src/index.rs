//! A word index over functions, built once per tree: how an environment searches.
use sera_core::TreePath;
use std::ops::Range;
use std::sync::Arc;

/// BM25 over the functions of a tree and, per file, over the code outside them.
#[derive(Debug)]
pub struct Index {}

/// One search result.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The file.
    pub path: TreePath,
    /// The function's qualified name; `None` for code outside functions.
    pub name: Option<String>,
    /// Line of `text` in the file, from 1.
    pub line: usize,
    /// The line that matches best, else the signature; trimmed.
    pub text: String,
    /// BM25 score, higher is better.
    pub score: f64,
}

/// A function as the index knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// The qualified name.
    pub name: String,
    /// Byte span of the definition in the file.
    pub span: Range<usize>,
    /// First line, from 1.
    pub first_line: usize,
    /// Last line, from 1, inclusive.
    pub last_line: usize,
}

impl Index {
    /// Builds the index over files of any kind; those of no known language are one document each.
    pub fn build(files: impl IntoIterator<Item = (TreePath, Arc<str>)>) -> Self {
        let _ = files.into_iter().count();
        todo!()
    }

    /// The same tree with one file replaced or added.
    pub fn with_file(self: &Arc<Self>, _path: &TreePath, _text: &str) -> Arc<Self> {
        todo!()
    }

    /// The best `limit` documents for the words of `query`, best first, ties by path and line.
    pub fn search(&self, _query: &str, _limit: usize) -> Vec<Hit> {
        todo!()
    }

    /// The function `name` of the file at `path`.
    pub fn function(&self, _path: &TreePath, _name: &str) -> Option<&Indexed> {
        todo!()
    }

    /// All functions of the file at `path`, in order.
    pub fn functions_of(&self, _path: &TreePath) -> &[Indexed] {
        todo!()
    }
}
