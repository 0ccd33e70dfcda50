//! Building the states that a recording allows.
use super::{Node, Op, ROOT, Recording, Start};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::{fs, io};

/// Bytes that a disk writes whole or not at all.
const SECTOR: u64 = 512;

/// What becomes of calls that nothing has made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Nothing of them is there.
    Nothing,
    /// Each is there or not, names as well as bytes, later ones without earlier ones.
    Half,
    /// Names are there in order, as on a journalled file system; of the bytes each write is there
    /// or not.
    Named,
    /// All is there but for each file's last write, of which some first sectors are.
    Torn,
    /// Each write is there, or not, or in some of its sectors; each name is there or not.
    Reordered,
    /// As before, and sectors that are not there hold rubbish.
    Rubbish,
    /// All is there: the disk writes at once.
    WriteThrough,
    /// All is there, and a part of the call that was going on: the process was killed.
    Kill,
}

impl Model {
    /// Each of them.
    pub const ALL: [Self; 8] = [
        Self::Nothing,
        Self::Half,
        Self::Named,
        Self::Torn,
        Self::Reordered,
        Self::Rubbish,
        Self::WriteThrough,
        Self::Kill,
    ];
}

/// Numbers that decide, from 0 up to but not including the argument.
pub type Chance<'a> = &'a mut dyn FnMut(u64) -> u64;

/// A folder as a disk may hold it.
#[derive(Debug)]
pub struct State {
    files: HashMap<Node, Vec<u8>>,
    folders: HashMap<Node, BTreeMap<Vec<u8>, Node>>,
}

/// What is left of a write.
enum Left {
    All,
    None,
    /// Sectors, by whether each is there; what is not may hold rubbish.
    Sectors {
        rubbish: bool,
    },
    /// So many first bytes.
    First(u64),
}

impl Recording {
    /// A state in which power may have been cut after `cut` calls.
    pub fn cut(&self, cut: usize, model: Model, chance: Chance<'_>) -> State {
        let mut state = self.start();
        let durable = self.durable(cut);
        let last = self.last_writes(cut);
        for (at, op) in self.ops[..cut].iter().enumerate() {
            match op {
                Op::Note(_) | Op::Sync { .. } => {}
                Op::Name(names) => {
                    let safe = at < durable.get(&names[0].0).copied().unwrap_or(0);
                    if safe || keeps_name(model, chance) {
                        state.name(names);
                    }
                }
                Op::Truncate { file, length } => {
                    let safe = at < durable.get(file).copied().unwrap_or(0);
                    if safe || !matches!(left(model, false, *length, chance), Left::None) {
                        state.truncate(*file, *length);
                    }
                }
                Op::Write { file, at: offset, bytes } => {
                    let safe = at < durable.get(file).copied().unwrap_or(0);
                    let length = bytes.len() as u64;
                    let last = last.contains(&at);
                    let left = if safe { Left::All } else { left(model, last, length, chance) };
                    state.write_part(*file, *offset, bytes, &left, chance);
                }
            }
        }
        if let (Model::Kill, Some(Op::Write { file, at, bytes })) = (model, self.ops.get(cut)) {
            let some = &bytes[..chance(bytes.len() as u64 + 1) as usize];
            state.write_part(*file, *at, some, &Left::All, chance);
        }
        state
    }

    /// What stands there in the end.
    pub fn whole(&self) -> State {
        self.cut(self.ops.len(), Model::WriteThrough, &mut |_| 0)
    }

    fn start(&self) -> State {
        let mut state = State { files: HashMap::new(), folders: HashMap::new() };
        for (node, start) in self.nodes.iter().enumerate() {
            match start {
                Start::File(bytes) => drop(state.files.insert(node, bytes.clone())),
                Start::Folder(names) => drop(state.folders.insert(node, names.clone())),
            }
        }
        state
    }

    /// By node, the call before which all is durable.
    fn durable(&self, cut: usize) -> HashMap<Node, usize> {
        let mut durable = HashMap::new();
        for op in &self.ops[..cut] {
            if let Op::Sync { node, began } = op {
                let until = durable.entry(*node).or_insert(0);
                *until = (*until).max(*began);
            }
        }
        durable
    }

    /// The last write of each file.
    fn last_writes(&self, cut: usize) -> HashSet<usize> {
        let mut last = HashMap::new();
        for (at, op) in self.ops[..cut].iter().enumerate() {
            if let Op::Write { file, .. } = op {
                last.insert(*file, at);
            }
        }
        last.into_values().collect()
    }
}

fn keeps_name(model: Model, chance: Chance<'_>) -> bool {
    match model {
        Model::Nothing => false,
        Model::Half | Model::Reordered | Model::Rubbish => chance(2) == 0,
        Model::Named | Model::Torn | Model::WriteThrough | Model::Kill => true,
    }
}

fn left(model: Model, last: bool, length: u64, chance: Chance<'_>) -> Left {
    match model {
        Model::Nothing => Left::None,
        Model::Half | Model::Named if chance(2) == 0 => Left::None,
        Model::Torn if last => Left::First(chance(length / SECTOR + 2) * SECTOR),
        Model::Reordered | Model::Rubbish => match chance(3) {
            0 => Left::All,
            1 => Left::None,
            _ => Left::Sectors { rubbish: model == Model::Rubbish },
        },
        Model::Half | Model::Named | Model::Torn | Model::WriteThrough | Model::Kill => Left::All,
    }
}

impl State {
    fn name(&mut self, names: &[(Node, Vec<u8>, Option<Node>)]) {
        for (folder, name, node) in names {
            let held = self.folders.entry(*folder).or_default();
            match node {
                Some(node) => drop(held.insert(name.clone(), *node)),
                None => drop(held.remove(name)),
            }
        }
    }

    fn truncate(&mut self, file: Node, length: u64) {
        let length = usize::try_from(length).expect("a recorded file is small");
        self.files.entry(file).or_default().resize(length, 0);
    }

    fn write_part(&mut self, file: Node, at: u64, bytes: &[u8], left: &Left, chance: Chance<'_>) {
        let held = self.files.entry(file).or_default();
        let at = usize::try_from(at).expect("a recorded file is small");
        let mut put = |from: usize, bytes: &[u8]| {
            let end = at + from + bytes.len();
            if held.len() < end {
                held.resize(end, 0);
            }
            held[at + from..end].copy_from_slice(bytes);
        };
        match left {
            Left::None => {}
            Left::All => put(0, bytes),
            Left::First(length) => {
                // Up to the border of a sector of the file, not of the write.
                let border = (at as u64 % SECTOR) as usize;
                let length = (*length as usize).saturating_sub(border).min(bytes.len());
                put(0, &bytes[..length]);
            }
            Left::Sectors { rubbish } => {
                let mut from = 0;
                while from < bytes.len() {
                    let sector = SECTOR as usize - (at + from) % SECTOR as usize;
                    let to = bytes.len().min(from + sector);
                    if chance(2) == 0 {
                        put(from, &bytes[from..to]);
                    } else if *rubbish {
                        let rubbish: Vec<u8> = (from..to).map(|_| chance(256) as u8).collect();
                        put(from, &rubbish);
                    }
                    from = to;
                }
            }
        }
    }

    /// Writes the state into an empty folder.
    ///
    /// # Errors
    /// Where the file system refuses.
    pub fn write(&self, to: &Path) -> io::Result<()> {
        self.write_folder(ROOT, to)
    }

    fn write_folder(&self, folder: Node, to: &Path) -> io::Result<()> {
        for (name, node) in self.folders.get(&folder).into_iter().flatten() {
            use std::os::unix::ffi::OsStrExt as _;
            let path = to.join(std::ffi::OsStr::from_bytes(name));
            if self.folders.contains_key(node) {
                fs::create_dir(&path)?;
                self.write_folder(*node, &path)?;
            } else {
                fs::write(&path, self.files.get(node).map_or(&[][..], Vec::as_slice))?;
            }
        }
        Ok(())
    }
}
