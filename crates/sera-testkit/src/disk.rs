//! What a power cut leaves behind: what a process does to a folder is recorded call by call, and
//! the folder is built again as a disk may hold it that was cut off at any of these calls.
//!
//! Only `fsync` and `fdatasync` promise anything, and only of the file or folder they were called
//! on: a new name is lost until its folder is synced, whatever was synced in the file.
mod record;
mod replay;

pub use replay::{Chance, Model, State};

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

/// A file or folder of the recording, whatever it is called.
type Node = usize;

/// What a file or folder was when the recording began.
#[derive(Clone, Debug)]
enum Start {
    File(Vec<u8>),
    Folder(BTreeMap<Vec<u8>, Node>),
}

/// One thing that was done, in the order in which it ended.
#[derive(Clone, Debug)]
enum Op {
    /// Bytes were written to a file.
    Write { file: Node, at: u64, bytes: Vec<u8> },
    /// A file was given this length.
    Truncate { file: Node, length: u64 },
    /// Names were given or, without a node, taken, all or none.
    Name(Vec<(Node, Vec<u8>, Option<Node>)>),
    /// What was done to a node before the call began is durable.
    Sync { node: Node, began: usize },
    /// The process wrote this to its standard output.
    Note(String),
}

/// Everything that processes did to a folder, one after the other.
#[derive(Debug)]
pub struct Recording {
    nodes: Vec<Start>,
    ops: Vec<Op>,
    root: PathBuf,
    /// The names as they are now.
    names: HashMap<PathBuf, Node>,
    /// The lengths of files as they are now.
    lengths: HashMap<Node, u64>,
}

/// The folder itself.
const ROOT: Node = 0;

impl Recording {
    /// How many calls there were; a power may be cut before the first and after each.
    pub fn calls(&self) -> usize {
        self.ops.len()
    }

    /// What the process had said on its standard output before call `cut`, line by line.
    pub fn said(&self, cut: usize) -> impl Iterator<Item = &str> {
        let notes = self.ops[..cut].iter().filter_map(|op| match op {
            Op::Note(text) => Some(text.as_str()),
            Op::Write { .. } | Op::Truncate { .. } | Op::Name(_) | Op::Sync { .. } => None,
        });
        notes.flat_map(str::lines)
    }
}
