//! Small tables: columns as wide as their widest cell, two blanks apart.

/// Where a cell's text stands in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows to be aligned.
#[derive(Clone, Debug)]
pub struct Table {
    align: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table whose columns are aligned so; columns beyond them stand left.
    pub fn new(align: impl Into<Vec<Align>>) -> Self {
        Self { align: align.into(), rows: Vec::new() }
    }

    /// Adds a row; rows may differ in length.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The lines, each ended by a newline and indented by `indent` blanks.
    pub fn render(&self, indent: usize) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|c| visible(c))
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let cells = row.iter().enumerate().map(|(at, cell)| self.cell(at, cell, widths[at]));
            let line: Vec<String> = cells.collect();
            text.push_str(&" ".repeat(indent));
            text.push_str(line.join("  ").trim_end());
            text.push('\n');
        }
        text
    }

    fn cell(&self, column: usize, cell: &str, width: usize) -> String {
        let blanks = " ".repeat(width - visible(cell));
        match self.align.get(column) {
            Some(Align::Right) => format!("{blanks}{cell}"),
            Some(Align::Left) | None => format!("{cell}{blanks}"),
        }
    }
}

/// Characters that show: colour codes take no room.
fn visible(cell: &str) -> usize {
    let mut count = 0;
    let mut escaped = false;
    for c in cell.chars() {
        match (escaped, c) {
            (false, '\u{1b}') => escaped = true,
            (true, 'm') => escaped = false,
            (true, _) => {}
            (false, _) => count += 1,
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::{paint, style};

    #[test]
    fn columns_line_up_whatever_their_rows() {
        let mut table = Table::new([Align::Left, Align::Right]);
        table.row(["a", "1"]);
        table.row([paint(style::GOOD, "bcd").as_str(), "10", "größer"]);
        table.row(["e"]);
        let plain = anstream::adapter::strip_str(&table.render(2)).to_string();
        assert_eq!(plain, "  a     1\n  bcd  10  größer\n  e\n");
        assert_eq!(Table::new([]).render(2), "", "no rows, no lines");
    }
}
