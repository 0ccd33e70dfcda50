//! How text becomes words: identifiers are kept whole and also split where their writer would.

/// The lower-case words of `text` in order: `parseHTTPHeader_v2` gives itself, `parse`, `http`,
/// `header` and `v2`. Words of one character are left out.
pub fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    each_word(text, &mut |word| found.push(word.to_owned()));
    found
}

/// Calls `emit` with every word of `text`, without allocating for each.
pub(crate) fn each_word(text: &str, emit: &mut impl FnMut(&str)) {
    let mut lower = String::new();
    let identifier = |c: char| c.is_alphanumeric() || c == '_';
    for whole in text.split(|c: char| !identifier(c)) {
        let whole = whole.trim_matches('_');
        if whole.len() < 2 {
            continue;
        }
        lowercase(whole, &mut lower);
        emit(&lower);
        let mut from = 0;
        for to in boundaries(whole) {
            if from == 0 && to == whole.len() {
                break;
            }
            let part = whole[from..to].trim_matches('_');
            if part.len() >= 2 {
                lowercase(part, &mut lower);
                emit(&lower);
            }
            from = to;
        }
    }
}

fn lowercase(word: &str, into: &mut String) {
    into.clear();
    if word.is_ascii() {
        into.push_str(word);
        into.make_ascii_lowercase();
    } else {
        into.extend(word.chars().flat_map(char::to_lowercase));
    }
}

/// The ends of the parts of an identifier, its own end included.
fn boundaries(identifier: &str) -> impl Iterator<Item = usize> + '_ {
    let mut previous = ' ';
    let ends = identifier.char_indices().filter_map(move |(at, c)| {
        let next = identifier[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        let rises = previous.is_lowercase() && c.is_uppercase();
        let acronym_ends = previous.is_uppercase() && c.is_uppercase() && next.is_lowercase();
        let splits = at > 0 && (rises || acronym_ends || c == '_');
        previous = c;
        splits.then_some(at)
    });
    ends.chain(std::iter::once(identifier.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_split_where_their_writer_would() {
        let check = |text: &str, expect: &[&str]| assert_eq!(words(text), expect, "{text}");
        check("parseHTTPHeader_v2", &["parsehttpheader_v2", "parse", "http", "header", "v2"]);
        check("__init__", &["init"]);
        check("max_len x", &["max_len", "max", "len"]);
        check("größeÄndern(naïve)", &["größeändern", "größe", "ändern", "naïve"]);
        check("HTTP 404!", &["http", "404"]);
        check("", &[]);
    }
}
