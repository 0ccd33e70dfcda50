//! How much likelier a piece of a file gets by an edit, window by window, in one scoring call.
use super::Guided;
use crate::words::is_word;
use sera_core::{Cancel, Context, Model, ModelError, Score};
use std::ops::Range;

/// One replacement in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Splice {
    /// Bytes of the file.
    pub(super) span: Range<usize>,
    /// What stands there afterwards.
    pub(super) text: String,
}

impl Splice {
    /// The smallest replacement that turns `before` into `after`, at character boundaries.
    pub(super) fn between(before: &str, after: &str) -> Self {
        let head: usize = before
            .chars()
            .zip(after.chars())
            .take_while(|(a, b)| a == b)
            .map(|(c, _)| c.len_utf8())
            .sum();
        let tail: usize = before[head..]
            .chars()
            .rev()
            .zip(after[head..].chars().rev())
            .take_while(|(a, b)| a == b)
            .map(|(c, _)| c.len_utf8())
            .sum();
        let text = after[head..after.len() - tail].to_owned();
        Self { span: head..before.len() - tail, text }
    }

    /// The same replacement, grown until it neither begins nor ends inside a word.
    pub(super) fn of_whole_words(&self, before: &str) -> Self {
        let run = |c: &char| is_word(*c);
        let head: usize =
            before[..self.span.start].chars().rev().take_while(run).map(char::len_utf8).sum();
        let tail: usize = before[self.span.end..].chars().take_while(run).map(char::len_utf8).sum();
        let span = self.span.start - head..self.span.end + tail;
        let text =
            [&before[span.start..self.span.start], &self.text, &before[self.span.end..span.end]]
                .concat();
        Self { span, text }
    }

    pub(super) fn apply(&self, before: &str) -> String {
        [&before[..self.span.start], &self.text, &before[self.span.end..]].concat()
    }
}

/// A run of whole lines of a file and what the model reads before it.
///
/// The whitespace between both belongs to the candidates: a text cut right after a visible
/// character splits into the same tokens as the whole.
pub(super) struct Region<'a> {
    file: &'a str,
    context: String,
    /// From the end of the context; where the lines start; where they end.
    lead: usize,
    lines: Range<usize>,
}

impl<'a> Region<'a> {
    /// The lines of `file` that `span` lies on; `note` is read first.
    pub(super) fn new(file: &'a str, span: &Range<usize>, note: &str, options: &Guided) -> Self {
        let start = line_start(file, span.start);
        let lines = start..line_end(file, span.end);
        let above = &file[..start];
        let shown =
            above.rmatch_indices('\n').nth(options.context_lines).map_or(0, |(at, _)| at + 1);
        let shown = match above.len() - shown <= options.context_bytes {
            true => shown,
            false => {
                let from = above.len() - options.context_bytes;
                above.bytes().skip(from).position(|b| b == b'\n').map_or(start, |at| from + at + 1)
            }
        };
        let lead = shown + file[shown..start].trim_end().len();
        let context = format!("{}{note}{}", options.preamble, &file[shown..lead]);
        Self { file, context, lead, lines }
    }

    /// The bytes of its lines in the file, and their text.
    pub(super) fn lines(&self) -> Range<usize> {
        self.lines.clone()
    }

    pub(super) fn text(&self) -> &'a str {
        &self.file[self.lines.clone()]
    }

    pub(super) fn contains(&self, splice: &Splice) -> bool {
        self.lines.start <= splice.span.start && splice.span.end <= self.lines.end
    }

    /// The text up to the end of the line that lies `window` bytes after `splice`, after it and
    /// before it.
    fn window(&self, splice: &Splice, window: usize) -> (String, Range<usize>) {
        let from = splice.span.end.saturating_add(window).min(self.lines.end);
        let end = line_end(self.file, floor(self.file, from)).min(self.lines.end);
        let (head, tail) = (self.lead..splice.span.start, splice.span.end..end);
        let edited = [&self.file[head], splice.text.as_str(), &self.file[tail]].concat();
        (edited, self.lead..end)
    }

    /// Nats and tokens gained by each splice within its window.
    pub(super) fn gains(
        &self,
        splices: &[&Splice],
        window: usize,
        model: &mut dyn Model,
        cancel: &Cancel,
    ) -> Result<Vec<(f64, f64)>, ModelError> {
        let windows: Vec<_> = splices.iter().map(|s| self.window(s, window)).collect();
        let mut ends: Vec<usize> = windows.iter().map(|(_, before)| before.end).collect();
        ends.sort_unstable();
        ends.dedup();
        // The trunk first; what stands before the edits are prefixes of it and cost nothing.
        let trunk = self.lead..ends.last().copied().unwrap_or(self.lines.end);
        let mut candidates = vec![self.file[trunk].to_owned()];
        candidates.extend(ends.iter().map(|&end| self.file[self.lead..end].to_owned()));
        candidates.extend(windows.iter().map(|(edited, _)| edited.clone()));
        let scores = model.score(self.context(), &candidates, cancel)?;
        let edited = scores.get(1 + ends.len()..).unwrap_or_default();
        let gain = |(edited, (_, before)): (&Score, &(String, Range<usize>))| {
            let at = ends.binary_search(&before.end).expect("every window's end was collected");
            let before = &scores[1 + at];
            let longer = edited.tokens as f64 - before.tokens as f64;
            (edited.nats - before.nats, longer)
        };
        Ok(edited.iter().zip(&windows).map(gain).collect())
    }

    fn context(&self) -> Context<'_> {
        // A model needs something to continue.
        Context::Plain(if self.context.is_empty() { "\n" } else { &self.context })
    }
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sera_testkit::ScriptedModel;

    const FILE: &str = "import a\n\n\ndef f(x):\n    y = x\n    return y\n\n\ndef g():\n    pass\n";

    #[test]
    fn splices_are_small_and_lead_there() {
        let check = |before: &str, after: &str, span: Range<usize>, text: &str| {
            let splice = Splice::between(before, after);
            assert_eq!(splice, Splice { span, text: text.to_owned() }, "{before} to {after}");
            assert_eq!(splice.apply(before), after);
        };
        check("a + b", "a - b", 2..3, "-");
        check("aa", "aaa", 2..2, "a");
        check("é", "è", 0..2, "è");
        check("abc", "abc", 3..3, "");
        let grown = Splice::between("f(tax, 1)", "f(net_tax, 1)").of_whole_words("f(tax, 1)");
        assert_eq!(grown, Splice { span: 2..5, text: "net_tax".to_owned() });
    }

    #[test]
    fn windows_end_with_a_line_and_start_with_the_lead() {
        let options = Guided::default();
        let at = FILE.find("def f").unwrap();
        let end = FILE.find("return y").unwrap() + 8;
        let region = Region::new(FILE, &(at..end), "", &options);
        assert_eq!(region.context, "import a");
        let splice = Splice { span: at + 18..at + 19, text: "z".to_owned() };
        assert_eq!(&FILE[splice.span.clone()], "x");
        let (edited, before) = region.window(&splice, 0);
        assert_eq!(edited, "\n\n\ndef f(x):\n    y = z");
        assert_eq!(&FILE[before], "\n\n\ndef f(x):\n    y = x");
        let (edited, _) = region.window(&splice, 4000);
        assert_eq!(edited, "\n\n\ndef f(x):\n    y = z\n    return y", "never past the region");
        assert!(!region.contains(&Splice { span: 0..1, text: String::new() }));
    }

    #[test]
    fn long_contexts_are_cut_at_lines() {
        let file = "one = 1\ntwo = 2\nthree = 3\ndef f():\n    pass\n";
        let at = file.find("def").unwrap();
        let check = |context_lines, context_bytes, expect: &str| {
            let options = Guided { context_lines, context_bytes, ..Guided::default() };
            assert_eq!(Region::new(file, &(at..at + 3), "", &options).context, expect);
        };
        check(30, 1200, "one = 1\ntwo = 2\nthree = 3");
        check(2, 1200, "two = 2\nthree = 3");
        check(30, 12, "three = 3");
        check(30, 2, "");
    }

    #[test]
    fn gains_are_differences_to_the_same_place_unedited() {
        let options = Guided::default();
        let at = FILE.find("def f").unwrap();
        let end = FILE.find("return y").unwrap() + 8;
        let region = Region::new(FILE, &(at..end), "", &options);
        let splice = |old: &str, text: &str| {
            let at = FILE.find(old).unwrap();
            Splice { span: at..at + old.len(), text: text.to_owned() }
        };
        // One nat a character, but the letter q costs ten.
        let mut model = ScriptedModel::new(Vec::new())
            .scoring(|_, text| -(text.len() as f64) - 9.0 * text.matches('q').count() as f64);
        let splices =
            [splice("y = x", "y = q"), splice("return y", "y"), splice("f(x)", "f(x, z)")];
        let gains = region.gains(&splices.each_ref(), 0, &mut model, &Cancel::default()).unwrap();
        let nats: Vec<f64> = gains.into_iter().map(|(nats, _)| nats).collect();
        assert_eq!(nats, [-9.0, 7.0, -3.0]);
    }
}
