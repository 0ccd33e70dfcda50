//! Reading source files from the object database, counted, and saying what is in them.
use crate::known::{FileFacts, FunctionFacts};
use crate::{DropReason, Policy, filters};
use sera_core::redact::holds_secret;
use sera_core::{BlobId, Language};
use sera_git::Repository;
use sera_syntax::Function;
use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Where one function stands in one version of a file, in lines from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) lines: RangeInclusive<usize>,
    pub(crate) documentation: Option<RangeInclusive<usize>>,
}

type Places = Arc<Vec<Place>>;

/// Reads blobs and remembers, for one mining, where the functions of each stand.
pub(crate) struct Sources<'a> {
    pub(crate) repository: &'a Repository,
    pub(crate) policy: &'a Policy,
    read: AtomicUsize,
    places: Mutex<HashMap<(BlobId, Language), Places>>,
}

impl<'a> Sources<'a> {
    pub(crate) fn new(repository: &'a Repository, policy: &'a Policy) -> Self {
        Self { repository, policy, read: AtomicUsize::new(0), places: Mutex::default() }
    }

    /// How many blobs were read so far.
    pub(crate) fn blobs_read(&self) -> usize {
        self.read.load(Ordering::Relaxed)
    }

    /// A blob as text, or why it is none. One that is damaged or gone is left out like any other:
    /// the rest of the history can still be learned from.
    pub(crate) fn text(&self, blob: &BlobId) -> Result<Arc<str>, DropReason> {
        self.read.fetch_add(1, Ordering::Relaxed);
        let limit = self.policy.max_file_bytes as u64;
        let bytes = match self.repository.blob_within(blob, limit) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Err(DropReason::TooLargeFile),
            Err(_) => return Err(DropReason::Missing),
        };
        std::str::from_utf8(&bytes).map(Arc::from).map_err(|_| DropReason::Unreadable)
    }

    /// Where the functions of `text` stand; parsed once per blob.
    pub(crate) fn places(&self, blob: &BlobId, language: Language, text: &Arc<str>) -> Places {
        let key = (blob.clone(), language);
        if let Some(places) = self.lock().get(&key) {
            return places.clone();
        }
        let functions = sera_syntax::parse(language, text.clone()).functions();
        let places: Places = Arc::new(functions.iter().map(|f| place(f, text)).collect());
        self.lock().insert(key, places.clone());
        places
    }

    /// Puts away what was remembered of places: neighbours in history share files, others do not.
    pub(crate) fn rest(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(BlobId, Language), Places>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place(function: &Function, text: &str) -> Place {
    let line = |byte: usize| 1 + text.as_bytes()[..byte].iter().filter(|b| **b == b'\n').count();
    Place {
        name: function.name.clone(),
        lines: function.first_line..=function.last_line,
        documentation: function
            .docstring
            .as_ref()
            .map(|d| line(d.start)..=line(d.end.max(d.start + 1) - 1)),
    }
}

/// What a file offers, judged without its path.
pub(crate) fn facts(policy: &Policy, language: Language, text: &Arc<str>) -> FileFacts {
    if filters::generated_text(text) {
        return FileFacts::Dropped(DropReason::Generated);
    }
    let parsed = sera_syntax::parse(language, text.clone());
    let errors = parsed.error_lines();
    let mut names = BTreeSet::new();
    // A name that holds a secret is told to nobody, and so its function is not there.
    let named = parsed.functions().into_iter().filter(|f| !holds_secret(&f.name));
    let functions = named.map(|function| {
        let first = names.insert(function.name.clone());
        let dropped = dropped(policy, &function, &errors)
            .or_else(|| (!first).then_some(DropReason::Ambiguous));
        FunctionFacts {
            name: function.name,
            span: function.span,
            first_line: function.first_line,
            last_line: function.last_line,
            statements: function.statements,
            complexity: function.complexity,
            dropped,
        }
    });
    FileFacts::Functions(functions.collect())
}

fn dropped(policy: &Policy, function: &Function, errors: &[usize]) -> Option<DropReason> {
    let lines = function.first_line..=function.last_line;
    let reasons = [
        (function.test, DropReason::Test),
        (function.accessor, DropReason::Accessor),
        (function.statements < policy.min_statements, DropReason::Trivial),
        (lines.clone().count() > policy.max_function_lines, DropReason::TooLong),
        (errors.iter().any(|line| lines.contains(line)), DropReason::Unparsable),
    ];
    reasons.into_iter().find_map(|(holds, reason)| holds.then_some(reason))
}
