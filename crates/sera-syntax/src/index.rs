//! A word index over functions, built once per tree: how an environment searches.
use crate::parsed::LineStarts;
use crate::words::each_word;
use crate::{Function, parse};
use sera_core::{Language, TreePath};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// How fast repeated words stop adding to the score (Robertson and Zaragoza, 2009).
const K1: f64 = 1.2;
/// How much long documents are discounted.
const B: f64 = 0.75;
/// A word of the name counts as this many in the body.
const NAME_WEIGHT: u32 = 3;

/// BM25 over the functions of a tree and, per file, over the code outside them.
#[derive(Debug)]
pub struct Index {
    base: Arc<Base>,
    /// Files that differ from the base, by path.
    replaced: BTreeMap<TreePath, Arc<File>>,
}

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

/// The unchanging part: every file of the tree, and where each word occurs.
#[derive(Debug)]
struct Base {
    files: Vec<File>,
    by_path: HashMap<TreePath, usize>,
    postings: HashMap<Box<str>, Vec<Posting>>,
    documents: f64,
    mean_length: f64,
}

#[derive(Clone, Copy, Debug)]
struct Posting {
    file: u32,
    document: u32,
    count: u32,
}

#[derive(Debug)]
struct File {
    path: TreePath,
    text: Arc<str>,
    functions: Vec<Indexed>,
    /// Lengths in words: one per function, then one for the code outside.
    lengths: Vec<u32>,
    /// Occurrences by word and document. Empty in the base, where postings hold them.
    counts: HashMap<Box<str>, Vec<(u32, u32)>>,
}

impl File {
    fn new(path: &TreePath, text: Arc<str>) -> Self {
        let functions = Language::of(path)
            .map_or_else(Vec::new, |language| parse(language, text.clone()).functions());
        let mut file = Self {
            path: path.clone(),
            text,
            functions: functions.into_iter().map(Indexed::from).collect(),
            lengths: Vec::new(),
            counts: HashMap::new(),
        };
        file.count();
        file
    }

    fn count(&mut self) {
        let text = self.text.clone();
        let functions = std::mem::take(&mut self.functions);
        let mut outside = 0;
        let own = u32::try_from(functions.len()).unwrap_or(u32::MAX);
        self.lengths = vec![0; functions.len() + 1];
        for (document, function) in (0..own).zip(&functions) {
            self.add(document, self.path.as_str().to_owned().as_str(), 1);
            self.add(document, &function.name, NAME_WEIGHT);
            self.add(document, &text[function.span.clone()], 1);
            if function.span.start >= outside {
                self.add(own, &text[outside..function.span.start], 1);
                outside = function.span.end;
            }
        }
        self.add(own, &text[outside.min(text.len())..], 1);
        self.add(own, self.path.as_str().to_owned().as_str(), 1);
        self.functions = functions;
    }

    fn add(&mut self, document: u32, text: &str, weight: u32) {
        let Self { lengths, counts, .. } = self;
        each_word(text, &mut |word| {
            let word = stem(word);
            lengths[document as usize] += weight;
            let entry = match counts.get_mut(word) {
                Some(entry) => entry,
                None => counts.entry(word.into()).or_default(),
            };
            match entry.last_mut().filter(|(last, _)| *last == document) {
                Some((_, count)) => *count += weight,
                None => match entry.iter_mut().find(|(of, _)| *of == document) {
                    Some((_, count)) => *count += weight,
                    None => entry.push((document, weight)),
                },
            }
        });
    }
}

impl From<Function> for Indexed {
    fn from(function: Function) -> Self {
        let Function { name, span, first_line, last_line, .. } = function;
        Self { name, span, first_line, last_line }
    }
}

/// Plural and singular are one word.
fn stem(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(singular) if singular.len() > 2 && !singular.ends_with('s') => singular,
        _ => word,
    }
}

impl Index {
    /// Builds the index over files of any kind; one of no known language is a single document.
    pub fn build(files: impl IntoIterator<Item = (TreePath, Arc<str>)>) -> Self {
        let mut files: Vec<File> =
            files.into_iter().map(|(path, text)| File::new(&path, text)).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut postings: HashMap<Box<str>, Vec<Posting>> = HashMap::new();
        for (file, of) in (0u32..).zip(&mut files) {
            for (word, counts) in of.counts.drain() {
                postings.entry(word).or_default().extend(
                    counts.into_iter().map(|(document, count)| Posting { file, document, count }),
                );
            }
        }
        let documents = files.iter().map(|file| file.lengths.len()).sum::<usize>() as f64;
        let words: u64 = files.iter().flat_map(|file| &file.lengths).map(|&n| u64::from(n)).sum();
        let by_path = files.iter().enumerate().map(|(at, file)| (file.path.clone(), at)).collect();
        let mean_length = (words as f64 / documents.max(1.0)).max(1.0);
        let base = Base { files, by_path, postings, documents, mean_length };
        Self { base: Arc::new(base), replaced: BTreeMap::new() }
    }

    /// The same tree with one file replaced or added. Cheap: only that file is read; how rare a
    /// word is stays what it was in the tree the index was built over.
    pub fn with_file(self: &Arc<Self>, path: &TreePath, text: &str) -> Arc<Self> {
        let mut replaced = self.replaced.clone();
        replaced.insert(path.clone(), Arc::new(File::new(path, text.into())));
        Arc::new(Self { base: self.base.clone(), replaced })
    }

    /// The best `limit` documents for the words of `query`, best first, ties by path and line.
    pub fn search(&self, query: &str, limit: usize) -> Vec<Hit> {
        let terms = self.terms(query);
        let mut scores: HashMap<(&TreePath, u32), (f64, &File)> = HashMap::new();
        for (term, rarity) in &terms {
            self.each_posting(term, |file, document, count| {
                let score = rarity * self.saturation(count, file.lengths[document as usize]);
                scores.entry((&file.path, document)).or_insert((0.0, file)).0 += score;
            });
        }
        let mut ranked: Vec<(f64, &File, u32)> = scores
            .into_iter()
            .map(|((_, document), (score, file))| (score, file, document))
            .collect();
        ranked.sort_by(|a, b| {
            b.0.total_cmp(&a.0).then_with(|| a.1.path.cmp(&b.1.path)).then(a.2.cmp(&b.2))
        });
        ranked.truncate(limit);
        ranked
            .into_iter()
            .map(|(score, file, document)| file.hit(document, &terms, score))
            .collect()
    }

    /// The function `name` of the file at `path`.
    pub fn function(&self, path: &TreePath, name: &str) -> Option<&Indexed> {
        self.functions_of(path).iter().find(|function| function.name == name)
    }

    /// All functions of the file at `path`, in order; none for a file the index does not hold.
    pub fn functions_of(&self, path: &TreePath) -> &[Indexed] {
        self.file(path).map_or(&[], |file| &file.functions)
    }

    /// Every file as it is now.
    pub fn texts(&self) -> impl Iterator<Item = (&TreePath, &str)> {
        let kept = |file: &&File| !self.replaced.contains_key(&file.path);
        let files = self.base.files.iter().filter(kept);
        files.chain(self.replaced.values().map(Arc::as_ref)).map(|file| (&file.path, &*file.text))
    }

    fn file(&self, path: &TreePath) -> Option<&File> {
        let replaced = self.replaced.get(path).map(Arc::as_ref);
        replaced.or_else(|| self.base.by_path.get(path).map(|&at| &self.base.files[at]))
    }

    /// The distinct words of a query in a fixed order, each with how much finding it says.
    fn terms(&self, query: &str) -> Vec<(String, f64)> {
        let mut terms: Vec<String> = Vec::new();
        each_word(query, &mut |word| terms.push(stem(word).to_owned()));
        terms.sort_unstable();
        terms.dedup();
        let rarity = |term: &str| {
            let found = self.base.postings.get(term).map_or(0, Vec::len) as f64;
            (1.0 + (self.base.documents - found + 0.5).max(0.5) / (found + 0.5)).ln()
        };
        terms.into_iter().map(|term| (rarity(&term), term)).map(|(r, t)| (t, r)).collect()
    }

    fn each_posting<'a>(&'a self, term: &str, mut visit: impl FnMut(&'a File, u32, u32)) {
        for posting in self.base.postings.get(term).into_iter().flatten() {
            let file = &self.base.files[posting.file as usize];
            if !self.replaced.contains_key(&file.path) {
                visit(file, posting.document, posting.count);
            }
        }
        for file in self.replaced.values() {
            for &(document, count) in file.counts.get(term).into_iter().flatten() {
                visit(file, document, count);
            }
        }
    }

    fn saturation(&self, count: u32, length: u32) -> f64 {
        let count = f64::from(count);
        let relative = f64::from(length) / self.base.mean_length;
        count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * relative))
    }
}

impl File {
    fn hit(&self, document: u32, terms: &[(String, f64)], score: f64) -> Hit {
        let function = self.functions.get(document as usize);
        let starts = LineStarts::new(&self.text);
        let lines = match function {
            Some(function) => function.first_line..function.last_line + 1,
            None => 1..self.text.lines().count() + 1,
        };
        let inside =
            |line| self.functions.iter().any(|f| f.first_line <= line && line <= f.last_line);
        let mut best = (f64::MIN, lines.start, "");
        for line in lines.filter(|&line| function.is_some() || !inside(line)) {
            let text = starts.text(&self.text, line);
            let score = matched(text, terms);
            if score > best.0 {
                best = (score, line, text);
            }
        }
        let (_, line, text) = best;
        let name = function.map(|function| function.name.clone());
        Hit { path: self.path.clone(), name, line, text: text.trim().to_owned(), score }
    }
}

/// What the distinct query words found in a line say together.
fn matched(line: &str, terms: &[(String, f64)]) -> f64 {
    let mut found = vec![false; terms.len()];
    each_word(line, &mut |word| {
        if let Ok(at) = terms.binary_search_by(|(term, _)| term.as_str().cmp(stem(word))) {
            found[at] = true;
        }
    });
    terms.iter().zip(found).filter(|(_, found)| *found).map(|((_, rarity), _)| rarity).sum()
}
