//! Text that shows what it says: which characters a terminal or a browser would obey, or show
//! elsewhere than they stand.

/// Whether a terminal would obey it, or show it or what follows elsewhere than it stands: control
/// characters, marks of direction, what has no width, and letters that only programs see.
pub fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_reader_sees_is_hidden() {
        for c in ['\u{0}', '\r', '\u{1b}', '\u{7f}', '\u{9b}', '\u{200b}', '\u{202e}', '\u{e0041}']
        {
            assert!(is_hidden(c), "{c:?}");
        }
        for c in ['a', ' ', '\n', '\t', 'ß', 'ש', '\u{a0}', '漢', '👍'] {
            assert!(!is_hidden(c), "{c:?}");
        }
    }
}
