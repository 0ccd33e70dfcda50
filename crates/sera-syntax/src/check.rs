//! Whether an edited function still parses: only the function is parsed again, incrementally.
use crate::parsed::{LineStarts, parse_tree};
use crate::table::Row;
use std::ops::Range;
use tree_sitter::{InputEdit, Node, Point, Tree};

/// Parses edited versions of one function.
pub(crate) struct Checker {
    row: &'static Row,
    /// The function in its frame, or the whole file where that does not parse by itself.
    text: String,
    /// Where in `text` the byte of the file at `start` stands.
    shift: usize,
    start: usize,
    /// Where the function ends in `text`.
    end: usize,
    tree: Tree,
    lines: LineStarts,
}

impl Checker {
    pub(crate) fn new(
        row: &'static Row,
        file: &str,
        function: &Range<usize>,
        (open, close): (&str, &str),
    ) -> Self {
        let framed = format!("{open}{}{close}", &file[function.clone()]);
        let tree = parse_tree(row.language, &framed, None);
        let (text, shift, start, tree) = if tree.root_node().has_error() {
            (file.to_owned(), 0, 0, parse_tree(row.language, file, None))
        } else {
            (framed, open.len(), function.start, tree)
        };
        let lines = LineStarts::new(&text);
        let end = shift + function.end - start;
        Self { row, text, shift, start, end, tree, lines }
    }

    /// Whether replacing `span` of the file by `replacement` leaves what parses as well as before.
    pub(crate) fn accepts(&self, span: &Range<usize>, replacement: &str) -> bool {
        // Line ends behind the function and comments above it are not part of what is parsed.
        let place = |at: usize| (at.max(self.start) - self.start + self.shift).min(self.end);
        let (from, to) = (place(span.start), place(span.end));
        let edited = [&self.text[..from], replacement, &self.text[to..]].concat();
        let mut old = self.tree.clone();
        let begin = self.point(from);
        old.edit(&InputEdit {
            start_byte: from,
            old_end_byte: to,
            new_end_byte: from + replacement.len(),
            start_position: begin,
            old_end_position: self.point(to),
            new_end_position: advance(begin, replacement),
        });
        let tree = parse_tree(self.row.language, &edited, Some(&old));
        let (before, after) = (self.tree.root_node(), tree.root_node());
        after.named_child_count() == before.named_child_count()
            && (!after.has_error() || (before.has_error() && broken(after) <= broken(before)))
    }

    fn point(&self, at: usize) -> Point {
        let row = self.lines.line(at) - 1;
        Point { row, column: at - self.lines.start(row + 1) }
    }
}

fn broken(node: Node<'_>) -> usize {
    if !node.has_error() {
        return 0;
    }
    let mut cursor = node.walk();
    let below: usize = node.children(&mut cursor).map(broken).sum();
    below + usize::from(node.is_error() || node.is_missing())
}

fn advance(from: Point, text: &str) -> Point {
    match text.rfind('\n') {
        Some(last) => {
            Point { row: from.row + text.matches('\n').count(), column: text.len() - last - 1 }
        }
        None => Point { row: from.row, column: from.column + text.len() },
    }
}
