//! Observations as text: short, clipped head and tail, and saying so.
use crate::environment::Views;
use sera_core::TreePath;
use sera_sandbox::container::{Ended, Executed};
use sera_syntax::{Function, Hit, Parsed};
use std::collections::BTreeSet;
use std::ops::Range;

/// Bytes of one line beyond which it is clipped.
const LINE: usize = 240;
/// Bytes of a hit's text.
const HIT: usize = 72;

/// One hit as a line: `path::name  line: text`.
fn hit_line(hit: &Hit) -> String {
    let place = match &hit.name {
        Some(name) => format!("{}::{name}", hit.path),
        None => hit.path.to_string(),
    };
    format!("{place}  {}: {}", hit.line, clip_line(hit.text.trim(), HIT))
}

/// As many hits as fit, best first, and how many more there are.
pub(crate) fn hits(hits: &[Hit], views: &Views) -> String {
    if hits.is_empty() {
        return "no match".to_owned();
    }
    let mut lines = Vec::new();
    let mut bytes = 0;
    for hit in hits.iter().take(views.hits) {
        let line = hit_line(hit);
        bytes += line.len() + 1;
        if bytes > views.bytes && !lines.is_empty() {
            break;
        }
        lines.push(line);
    }
    lines.join("\n")
}

/// The functions of a file, one a line with its first line of code.
pub(crate) fn function_list(parsed: &Parsed, functions: &[Function], views: &Views) -> String {
    let text = parsed.text();
    let line = |f: &Function| {
        let first = text[f.span.start..f.span.end].lines().next().unwrap_or_default();
        format!("{}  {}: {}", f.name, f.first_line, clip_line(first.trim(), HIT))
    };
    let lines: Vec<String> = functions.iter().map(line).collect();
    clip(&lines.join("\n"), views.lines, views.open_bytes)
}

/// Lines `first` to `last` of a file, counted from 1, each with its number.
pub(crate) fn numbered(text: &str, first: usize, last: usize, views: &Views) -> String {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    let lines = lines.filter(|(at, _)| (first..=last).contains(at));
    let lines: Vec<String> = lines.map(|(at, line)| format!("{at:6}\t{line}")).collect();
    clip(&lines.join("\n"), views.lines, views.open_bytes)
}

/// What a folder holds, two levels deep. `files` are its files, as seen from it.
pub(crate) fn folder<'a>(files: impl Iterator<Item = &'a str>, views: &Views) -> String {
    let shown: BTreeSet<String> = files
        .flat_map(|file| {
            let (first, rest) = file.split_once('/').map_or((file, None), |(f, r)| (f, Some(r)));
            let second = rest.map(|rest| match rest.split_once('/') {
                Some((folder, _)) => format!("{first}/{folder}/"),
                None => format!("{first}/{rest}"),
            });
            let first = if rest.is_some() { format!("{first}/") } else { first.to_owned() };
            [Some(first), second]
        })
        .flatten()
        .collect();
    let shown: Vec<String> = shown.into_iter().collect();
    clip(&shown.join("\n"), views.lines, views.bytes)
}

/// The whole lines a byte range of `text` lies on, without the last newline.
pub(crate) fn whole_lines<'a>(text: &'a str, span: &Range<usize>) -> &'a str {
    let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at);
    text[start..end].trim_end_matches('\n')
}

/// A function's lines. Where they are too many, its documentation goes first: but for its first
/// and last line nobody needs it to see what the code does.
pub(crate) fn function_text(text: &str, function: &Function, views: &Views) -> String {
    let whole = whole_lines(text, &function.span);
    let fits = |text: &str| text.lines().count() <= views.lines && text.len() <= views.open_bytes;
    let inside = |d: &Range<usize>| function.span.start <= d.start && d.end <= function.span.end;
    match function.docstring.clone().filter(inside) {
        Some(docstring) if !fits(whole) => {
            let shown = whole_lines(text, &docstring);
            let lines: Vec<&str> = shown.lines().collect();
            match lines[..] {
                [first, .., last] if lines.len() > 3 => {
                    let hidden = lines.len() - 2;
                    let short = format!("{first}\n... {hidden} lines not shown ...\n{last}");
                    whole.replacen(shown, &short, 1)
                }
                _ => whole.to_owned(),
            }
        }
        _ => whole.to_owned(),
    }
}

/// The lines around a replaced byte range, two on each side.
pub(crate) fn around(text: &str, span: &Range<usize>, views: &Views) -> String {
    let first = text[..span.start].matches('\n').count();
    let last = text[..span.end].matches('\n').count();
    let lines: Vec<&str> = text
        .lines()
        .skip(first.saturating_sub(2))
        .take(last - first.saturating_sub(2) + 3)
        .collect();
    clip(&lines.join("\n"), views.lines, views.bytes)
}

/// What a command printed, and how it ended where that was not well.
pub(crate) fn ran(ran: &Executed, views: &Views) -> String {
    let printed = clip(&ran.text(), views.lines, views.bytes);
    let end = match ran.ended {
        Ended::Exited(0) => String::new(),
        // 128 and 9: killed, and it was not us.
        Ended::Exited(137) => "[killed: it may have used too much memory]".to_owned(),
        Ended::Exited(code) => format!("[exit code {code}]"),
        Ended::TimedOut => "[stopped: it took too long]".to_owned(),
        Ended::Cancelled => "[stopped]".to_owned(),
    };
    let gone = match ran.container_gone {
        true => "[all that ran is ended, and changes since the last look at the tree are lost]",
        false => "",
    };
    let parts = [printed.trim_end_matches('\n'), end.as_str(), gone];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// What a syntax check found.
pub(crate) fn check(path: &TreePath, error_lines: &[usize]) -> String {
    match error_lines {
        [] => format!("{path}: no syntax errors"),
        lines => {
            let shown: Vec<String> = lines.iter().take(8).map(usize::to_string).collect();
            format!("{path}: syntax errors in lines {}", shown.join(", "))
        }
    }
}

/// At most `bytes` (3 or more) of a line, cut at a character and marked.
pub(crate) fn clip_line(line: &str, bytes: usize) -> String {
    if line.len() <= bytes {
        return line.to_owned();
    }
    let room = bytes.saturating_sub(3);
    let end = (0..=room).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
    format!("{}...", &line[..end])
}

/// Head and tail of `text` within both limits, and how many lines between them are left out.
pub(crate) fn clip(text: &str, lines: usize, bytes: usize) -> String {
    let all: Vec<String> = text.lines().map(|l| clip_line(l, LINE.min(bytes))).collect();
    let size = |part: &[String]| part.iter().map(|l| l.len() + 1).sum::<usize>();
    if all.len() <= lines && size(&all) <= bytes + 1 {
        return all.join("\n");
    }
    let (mut head, mut tail) = (0, 0);
    let mut used = 0;
    // Two lines of the head for each of the tail: the signature and what follows it matter more.
    while head + tail < all.len().min(lines) {
        let from_tail = (head + tail) % 3 == 2;
        let next = if from_tail { &all[all.len() - 1 - tail] } else { &all[head] };
        used += next.len() + 1;
        if used > bytes {
            break;
        }
        if from_tail { tail += 1 } else { head += 1 }
    }
    let left_out = all.len() - head - tail;
    let mut shown = all[..head].to_vec();
    shown.push(format!("... {left_out} lines not shown ..."));
    shown.extend_from_slice(&all[all.len() - tail..]);
    shown.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping_keeps_head_and_tail_and_says_so() {
        let check = |text: &str, lines, bytes, expect: &str| {
            assert_eq!(clip(text, lines, bytes), expect, "{text:?}");
        };
        check("a\nb", 10, 100, "a\nb");
        check("a\nb\n", 10, 3, "a\nb");
        check("1\n2\n3\n4\n5\n6", 3, 100, "1\n2\n... 3 lines not shown ...\n6");
        check("11\n22\n33\n44\n55", 9, 9, "11\n22\n... 2 lines not shown ...\n55");
        check("ääää", 9, 5, "ä...");
    }

    #[test]
    fn long_documentation_gives_way_to_code() {
        let text = "def f():\n    \"\"\"Say.\n\n    More.\n    Much.\n    \"\"\"\n    return 1\n";
        let parsed = sera_syntax::parse(sera_core::Language::Python, text);
        let function = &parsed.functions()[0];
        let short = Views { open_bytes: 40, ..Views::default() };
        let expect =
            "def f():\n    \"\"\"Say.\n... 3 lines not shown ...\n    \"\"\"\n    return 1";
        assert_eq!(function_text(text, function, &short), expect);
        assert_eq!(function_text(text, function, &Views::default()), text.trim_end());
    }

    #[test]
    fn lines_around_an_edit() {
        let text = "1\n2\n3\n4\n5\n6\n7\n";
        let views = Views::default();
        assert_eq!(around(text, &(6..7), &views), "2\n3\n4\n5\n6");
        assert_eq!(around(text, &(0..1), &views), "1\n2\n3");
        assert_eq!(around(text, &(12..13), &views), "5\n6\n7");
        assert_eq!(whole_lines(text, &(3..5)), "2\n3");
    }
}
