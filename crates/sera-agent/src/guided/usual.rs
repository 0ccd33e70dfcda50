//! How usual an edit makes its lines in the repository it is made in.
use super::likelihood::Splice;
use crate::environment::Environment;
use sera_core::Language;
use sera_syntax::{Ngrams, Piece, Run, pieces};
use std::ops::Range;

/// Nats and pieces beyond which an edit gains nothing more: whoever deletes half a function spares
/// itself every unusual line of it.
const MOST: f64 = 20.0;

/// Nats by which each edit of `before`, a file of the environment as it is now, makes what it
/// changes and what follows more usual there than it was, and pieces by which it makes it longer.
pub(super) fn usual(
    before: &str,
    language: Language,
    edits: &[Splice],
    environment: &Environment,
) -> Vec<(f64, f64)> {
    let own = pieces(before);
    let runs: Vec<(Run, Run)> = edits.iter().map(|edit| runs(before, &own, edit)).collect();
    let texts = environment.index().texts();
    let texts = texts.filter(|(path, _)| Language::of(path) == Some(language));
    let asked = runs.iter().flat_map(|(old, new)| [old, new]);
    let ngrams = Ngrams::count(asked, texts.map(|(_, text)| text));
    let gain = |(old, new): &(Run, Run)| {
        let nats = ngrams.nats(new, false) - ngrams.nats(old, true);
        let longer = new.middle.len() as f64 - old.middle.len() as f64;
        (nats.clamp(-MOST, MOST), longer.clamp(-MOST, MOST))
    };
    runs.iter().map(gain).collect()
}

/// What stands and what the edit puts there, both of whole pieces and without what they begin and
/// end with in common.
fn runs(before: &str, own: &[Piece], edit: &Splice) -> (Run, Run) {
    let Range { start, end } = edit.span;
    // A piece that the edit cuts or touches may be another one afterwards.
    let first = own.partition_point(|piece| piece.span.end < start);
    let last = own.partition_point(|piece| piece.span.start <= end);
    let from = own.get(first).map_or(start, |piece| piece.span.start.min(start));
    let to = last.checked_sub(1).map_or(end, |at| own[at].span.end.max(end));
    let text = [&before[from..start], &edit.text, &before[end..to]].concat();
    let hashes = |pieces: &[Piece]| pieces.iter().map(|piece| piece.hash).collect::<Vec<_>>();
    let (old, new) = (hashes(&own[first..last]), hashes(&pieces(&text)));
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - head;
    let same = |(a, b): &(&u64, &u64)| a == b;
    let tail = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(same).count();
    let (left, right) = (&own[..first + head], &own[last - tail..]);
    let run = |all: &[u64]| Run::new(left, all[head..all.len() - tail].to_vec(), right);
    (run(&old), run(&new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_what_differs_in_whole_pieces() {
        let before = "def f(xs):\n    return sum(xs) + 1\n";
        let check = |old: &str, new: &str, expect: (&str, &str)| {
            let at = before.find(old).unwrap();
            let edit = Splice { span: at..at + old.len(), text: new.to_owned() };
            let (old, new) = runs(before, &pieces(before), &edit);
            let middle = |text| pieces(text).into_iter().map(|p| p.hash).collect::<Vec<_>>();
            assert_eq!((old.middle, new.middle), (middle(expect.0), middle(expect.1)), "{edit:?}");
            assert_eq!((&old.left, &old.right), (&new.left, &new.right));
        };
        check("sum", "max", ("sum", "max"));
        check("um", "et", ("sum", "set"));
        check("sum(xs)", "max(xs)", ("sum", "max"));
        check(" + 1", "", ("+ 1", ""));
        check("+ 1\n", "+ 2\n", ("1", "2"));
        check("    return", "    xs = []\n    return", ("", "xs = []\n"));
        check("sum(xs)", "s(xs)", ("sum", "s"));
    }
}
