//! The request for the next edit: what was edited so far, shortly.
use super::OF;
use super::numbered::{COMES, GOES};
use sera_core::TreePath;

/// Before what was edited, and after it.
pub(super) const EDITED: &str = "Edited so far:";
pub(super) const NEXT: &str = "Make the next edit.";

/// Bytes of what was edited, at most: the place of the next edit must fit beside it.
const BYTES: usize = 900;

/// An edit that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The file.
    pub path: TreePath,
    /// The function it was made in, if it was one.
    pub name: Option<String>,
    /// The lines before it.
    pub old: String,
    /// The lines after it.
    pub new: String,
}

impl Made {
    /// Its place and its lines that differ: those around them may be of anything.
    fn told(&self) -> String {
        let (old, new): (Vec<&str>, Vec<&str>) =
            (self.old.lines().collect(), self.new.lines().collect());
        let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        let tails = old[head..].iter().rev().zip(new[head..].iter().rev());
        let tail = tails.take_while(|(a, b)| a == b).count();
        let name = self.name.as_ref().map(|name| format!("{OF}{name}")).unwrap_or_default();
        let gone = old[head..old.len() - tail].iter().map(|line| format!("{GOES} {line}"));
        let come = new[head..new.len() - tail].iter().map(|line| format!("{COMES} {line}"));
        let lines = gone.chain(come).map(|line| format!("\n{}", line.trim_end()));
        format!("{}{name}{}", self.path, lines.collect::<String>())
    }
}

/// What a student is asked: the newest edits that fit, in their order. `None` where there are none.
pub fn next_edit(made: &[Made]) -> Option<String> {
    let mut room = BYTES;
    let fits = |told: &String| {
        let left = room.checked_sub(told.len() + 1);
        room = left.unwrap_or(0);
        left.is_some()
    };
    let mut newest: Vec<String> = made.iter().rev().map(Made::told).take_while(fits).collect();
    newest.reverse();
    (!newest.is_empty()).then(|| format!("{EDITED}\n{}\n{NEXT}", newest.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(name: Option<&str>, old: &str, new: &str) -> Made {
        let path = TreePath::new("a.py").expect("a path inside the tree");
        Made { path, name: name.map(str::to_owned), old: old.to_owned(), new: new.to_owned() }
    }

    #[test]
    fn only_what_differs_is_told() {
        let check = |made: &[Made], expect: &str| {
            let told = next_edit(made).expect("it fits");
            assert_eq!(told, format!("Edited so far:\n{expect}\nMake the next edit."));
        };
        let renamed = made(Some("A.f"), "    a\n    b\n    c", "    a\n    d\n    c");
        check(std::slice::from_ref(&renamed), "a.py::A.f\n-     b\n+     d");
        let import = made(None, "import a", "import a\n\nimport b");
        check(&[import, renamed], "a.py\n+\n+ import b\na.py::A.f\n-     b\n+     d");
        check(&[made(None, "a\na", "a")], "a.py\n- a");
    }

    #[test]
    fn the_newest_are_told() {
        let large = made(None, "", &"x = 1\n".repeat(60));
        let small = made(None, "", "y = 1");
        let check = |made: &[Made], expect: Option<(usize, usize)>| {
            let told = next_edit(made);
            let count = |line: &str| told.as_ref().map(|told| told.matches(line).count());
            assert_eq!(count("x = 1").zip(count("y = 1")), expect);
        };
        check(&[], None);
        check(std::slice::from_ref(&small), Some((0, 1)));
        check(&[large.clone(), small.clone()], Some((60, 1)));
        check(&[small.clone(), large.clone()], Some((60, 1)));
        check(&[small.clone(), large.clone(), large.clone()], Some((60, 0)));
        check(&[small, made(None, "", &"x".repeat(BYTES))], None);
    }
}
