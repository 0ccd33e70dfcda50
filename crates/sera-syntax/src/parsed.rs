//! A parsed file: text, tree, tokens, errors.
use crate::facts::Facts;
use crate::node::{Ast, Id};
use crate::table::{Concept, row};
use crate::{Function, functions};
use sera_core::Language;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use tree_sitter::{Parser, Tree};

/// A file's text with its syntax tree. Cheap to clone, may be sent between threads.
#[derive(Clone, Debug)]
pub struct Parsed {
    text: Arc<str>,
    language: Language,
    tree: Tree,
    ast: Arc<OnceLock<Ast>>,
    facts: Arc<OnceLock<Facts>>,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenKind {
    /// A name.
    Identifier,
    /// A number, string, character, boolean or null.
    Literal,
    /// A word of the language.
    Keyword,
    /// Operators and punctuation.
    Symbol,
}

/// One code token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token<'a> {
    /// Its text.
    pub text: &'a str,
    /// Where it stands in the file.
    pub span: Range<usize>,
    /// What it is.
    pub kind: TokenKind,
}

/// Parses `text`, reusing what `old` (already told of the edit) shares with it.
pub(crate) fn parse_tree(language: Language, text: &str, old: Option<&Tree>) -> Tree {
    thread_local! {
        // Making a parser costs more than a small parse: each thread keeps one per language.
        static PARSERS: RefCell<HashMap<Language, Parser>> = RefCell::default();
    }
    PARSERS.with_borrow_mut(|parsers| {
        let parser = parsers.entry(language).or_insert_with(|| {
            let mut parser = Parser::new();
            let grammar = (row(language).grammar)();
            parser
                .set_language(&grammar)
                .expect("the grammars are of the linked runtime's version");
            parser
        });
        parser.parse(text, old).expect("a parser with a language and no time limit yields a tree")
    })
}

/// Texts that [`parsing_once`] keeps: a change of a few files, before and after.
const KEPT: usize = 8;

thread_local! {
    /// What was parsed last, newest last, while it is kept.
    static LAST: RefCell<Option<Vec<Parsed>>> = const { RefCell::new(None) };
}

/// Parses `text`; never fails, errors are in the tree.
pub fn parse(language: Language, text: impl Into<Arc<str>>) -> Parsed {
    let text = text.into();
    LAST.with_borrow_mut(|last| match last {
        None => parsed(language, text),
        Some(last) => {
            let known = |one: &Parsed| one.language == language && *one.text == *text;
            let found = last.iter().position(known).map(|at| last.remove(at));
            let found = found.unwrap_or_else(|| parsed(language, text));
            if last.len() == KEPT {
                last.remove(0);
            }
            last.push(found.clone());
            found
        }
    })
}

fn parsed(language: Language, text: Arc<str>) -> Parsed {
    let tree = parse_tree(language, &text, None);
    Parsed { text, language, tree, ast: Arc::default(), facts: Arc::default() }
}

/// Does `work`, in which this thread parses none of its last few texts again. Whoever judges
/// changes of one tree looks at the same files again and again, each time with other questions.
pub fn parsing_once<T>(work: impl FnOnce() -> T) -> T {
    /// Nothing is kept beyond `work`, however it ends.
    struct Ended(Option<Vec<Parsed>>);
    impl Drop for Ended {
        fn drop(&mut self) {
            LAST.set(self.0.take());
        }
    }
    let _ended = Ended(LAST.replace(Some(Vec::new())));
    work()
}

impl Parsed {
    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The file's language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Whether anything did not parse.
    pub fn has_errors(&self) -> bool {
        self.tree.root_node().has_error()
    }

    /// Lines, from 1, on which something did not parse or is missing; sorted, each once.
    pub fn error_lines(&self) -> Vec<usize> {
        if !self.has_errors() {
            return Vec::new();
        }
        let ast = self.ast();
        let lines = LineStarts::new(&self.text);
        let mut found: Vec<usize> =
            ast.all().filter(|&id| ast.broken(id)).map(|id| lines.line(ast.start(id))).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Every function with a body, in order of appearance.
    pub fn functions(&self) -> Vec<Function> {
        functions::functions(self.ast())
    }

    /// Code tokens in order; comments are left out.
    pub fn tokens(&self) -> Vec<Token<'_>> {
        let ast = self.ast();
        let mut tokens = Vec::new();
        collect(ast, 0, &mut |item| {
            if let Item::Token(span, kind) = item {
                tokens.push(Token { text: &self.text[span.clone()], span, kind });
            }
        });
        tokens
    }

    pub(crate) fn facts(&self) -> &Facts {
        self.facts.get_or_init(|| Facts::new(self.ast()))
    }

    pub(crate) fn ast(&self) -> &Ast {
        self.ast.get_or_init(|| Ast::new(self.language, self.text.clone(), &self.tree))
    }
}

/// Whether both texts hold the same code tokens in the same structure: comments and whitespace
/// do not count, indentation and line ends that mean something do.
pub fn same_code(language: Language, a: &str, b: &str) -> bool {
    a == b || stream(language, a) == stream(language, b)
}

fn stream(language: Language, text: &str) -> Vec<String> {
    let parsed = parse(language, text);
    let mut items = Vec::new();
    collect(parsed.ast(), 0, &mut |item| {
        items.push(match item {
            Item::Token(span, _) => text[span].to_owned(),
            // No token begins with a NUL, so marks cannot be mistaken for code.
            Item::Open => "\0open".to_owned(),
            Item::Close => "\0close".to_owned(),
            Item::Statement => "\0statement".to_owned(),
        });
    });
    items
}

enum Item {
    Token(Range<usize>, TokenKind),
    Open,
    Close,
    Statement,
}

fn collect(ast: &Ast, id: Id, emit: &mut impl FnMut(Item)) {
    if ast.is(id, Concept::Comment) {
        return;
    }
    if let Some(kind) = whole_token(ast, id) {
        if !ast.text(id).trim().is_empty() {
            emit(Item::Token(ast.span(id), kind));
        }
        return;
    }
    let block = ast.is(id, Concept::Statements);
    if block {
        emit(Item::Open);
    }
    // Text of a string between its named pieces belongs to no node in some grammars.
    let gaps = ast.is(id, Concept::String);
    let mut at = ast.start(id);
    for child in ast.children(id) {
        if gaps && ast.start(child) > at {
            emit(Item::Token(at..ast.start(child), TokenKind::Literal));
        }
        at = ast.end(child);
        if block && ast.named(child) && !ast.is(child, Concept::Comment) {
            emit(Item::Statement);
        }
        // Between statements it says no more than the mark of the next one.
        if !(block && ast.text(child) == ";") {
            collect(ast, child, emit);
        }
    }
    if gaps && ast.end(id) > at {
        emit(Item::Token(at..ast.end(id), TokenKind::Literal));
    }
    if block {
        emit(Item::Close);
    }
}

/// The kind of token the node is as a whole, if it is one.
fn whole_token(ast: &Ast, id: Id) -> Option<TokenKind> {
    use Concept::{Boolean, Null, Number, OtherLiteral};
    if ast.is(id, Concept::String) {
        let plain = !ast.subtree(id).skip(1).any(|node| ast.is(node, Concept::Interpolation));
        return plain.then_some(TokenKind::Literal);
    }
    if ast.any(id, &[Boolean, Null, Number, OtherLiteral]) {
        return Some(TokenKind::Literal);
    }
    if !ast.leaf(id) {
        return None;
    }
    if ast.named(id) {
        let word = ast.text(id).starts_with(|c: char| c.is_alphanumeric() || c == '_');
        return Some(if word { TokenKind::Identifier } else { TokenKind::Symbol });
    }
    let word = ast.text(id).starts_with(|c: char| c.is_alphabetic());
    Some(if word { TokenKind::Keyword } else { TokenKind::Symbol })
}

/// Where the lines of a text start.
pub(crate) struct LineStarts(Vec<usize>);

impl LineStarts {
    pub(crate) fn new(text: &str) -> Self {
        let breaks = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        Self(std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect())
    }

    /// The line of byte `at`, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.0.partition_point(|&start| start <= at)
    }

    /// The text of line `line`, from 1, with its end.
    pub(crate) fn text<'a>(&self, text: &'a str, line: usize) -> &'a str {
        let start =
            line.checked_sub(1).and_then(|at| self.0.get(at)).copied().unwrap_or(text.len());
        let end = self.0.get(line).copied().unwrap_or(text.len());
        &text[start..end]
    }

    /// Where line `line`, from 1, starts.
    pub(crate) fn start(&self, line: usize) -> usize {
        self.0[line - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_few_texts_are_parsed_once_while_that_is_asked_for() {
        let is_kept = |name: usize| {
            let text = format!("def f{name}(): pass\n");
            let (first, second) =
                (parse(Language::Python, &*text), parse(Language::Python, &*text));
            Arc::ptr_eq(&first.ast, &second.ast)
        };
        assert!(!is_kept(0));
        parsing_once(|| {
            let first = parse(Language::Python, "x = 1\n");
            assert!((0..KEPT - 1).all(is_kept));
            let again = |text: &str| Arc::ptr_eq(&first.ast, &parse(Language::Python, text).ast);
            assert!(again("x = 1\n") && !again("x = 2\n"), "it became the newest");
            let other = parse(Language::TypeScript, "x = 1\n");
            assert!(!Arc::ptr_eq(&first.ast, &other.ast));
            assert!((0..KEPT).all(is_kept));
            assert!(!again("x = 1\n"), "only the last few are kept");
        });
        assert!(!is_kept(0), "nothing is kept afterwards");
    }
}
