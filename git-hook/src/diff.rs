//! Diffs in colour, by what each line means.
use crate::ui::{paint, style};
use sera_core::{LineKind, Patch};

/// `patch` as `git diff` prints it, in colour.
pub fn show(patch: &Patch) -> String {
    let mut text = String::new();
    for file in &patch.files {
        let one = Patch { files: vec![file.clone()] }.to_string();
        // Hunk lines are coloured by their place in the patch: a removed line may begin with `--`.
        let mut kinds = file.hunks.iter().flat_map(|hunk| {
            std::iter::once(None).chain(hunk.lines.iter().map(|line| Some(line.kind)))
        });
        let mut header = true;
        for line in one.lines() {
            header &= !line.starts_with("@@");
            let styled = if header {
                paint(style::HEADING, line)
            } else if line.starts_with('\\') {
                paint(style::FAINT, line)
            } else {
                match kinds.next().flatten() {
                    None => paint(style::PLACE, line),
                    Some(LineKind::Removed) => paint(style::BAD, line),
                    Some(LineKind::Added) => paint(style::GOOD, line),
                    Some(LineKind::Context) => line.to_owned(),
                }
            };
            text.push_str(&styled);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_follows_the_line_and_changes_no_byte() {
        let plain = "diff --git a/q.sql b/q.sql\n--- a/q.sql\n+++ b/q.sql\n\
                     @@ -1,2 +1,2 @@\n select 1\n--- old\n+++ new\n\\ No newline at end of file\n";
        let shown = show(&Patch::parse(plain).unwrap());
        assert_eq!(anstream::adapter::strip_str(&shown).to_string(), plain);
        assert!(shown.contains(&paint(style::BAD, "--- old")), "a removed line: {shown:?}");
        assert!(shown.contains(&paint(style::GOOD, "+++ new")), "an added line: {shown:?}");
        assert!(shown.contains(&paint(style::HEADING, "--- a/q.sql")), "a header: {shown:?}");
    }
}
