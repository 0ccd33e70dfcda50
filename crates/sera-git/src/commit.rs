//! One commit as it stands. Read leniently, as git itself does: histories that came from other
//! systems hold commits without an author, dates that are no numbers and headers of their own.
use crate::CommitInfo;
use encoding_rs::Encoding;
use gix::ObjectId;
use sera_core::CommitId;

/// Reads the data of a commit; what it lacks is empty, and what is not understood is left out.
pub(crate) fn parse(id: ObjectId, data: &[u8]) -> CommitInfo {
    let (head, message) = split(data, b"\n\n").unwrap_or((data, b""));
    let lines = || head.split(|&byte| byte == b'\n');
    let header = |name: &[u8]| lines().find_map(|line| line.strip_prefix(name));
    let encoding = header(b"encoding ").and_then(Encoding::for_label);
    let author = person(header(b"author ").unwrap_or_default(), encoding);
    let committer = person(header(b"committer ").unwrap_or_default(), encoding);
    let parents =
        lines().filter_map(|line| ObjectId::from_hex(line.strip_prefix(b"parent ")?).ok());
    CommitInfo {
        id: CommitId::from_hex(id.to_string()),
        parents: parents.map(|parent| CommitId::from_hex(parent.to_string())).collect(),
        author_name: author.name,
        author_email: author.email,
        committer_name: committer.name,
        committer_email: committer.email,
        time: committer.time,
        message: text(message, encoding),
    }
}

struct Person {
    name: String,
    email: String,
    time: i64,
}

/// `name <address> seconds zone`: the address ends with the first `>`, the date follows the last.
fn person(line: &[u8], encoding: Option<&'static Encoding>) -> Person {
    let (name, rest) = split(line, b"<").unwrap_or((line, b""));
    let (email, _) = split(rest, b">").unwrap_or((rest, b""));
    let date = line.rsplit(|&byte| byte == b'>').next().unwrap_or_default();
    let seconds = std::str::from_utf8(date).ok().and_then(|date| date.split_whitespace().next());
    Person {
        name: text(name.trim_ascii(), encoding),
        email: text(email.trim_ascii(), encoding),
        time: seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or(0),
    }
}

fn text(bytes: &[u8], encoding: Option<&'static Encoding>) -> String {
    match encoding {
        Some(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        None => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn split<'a>(text: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = text.windows(at.len()).position(|window| window == at)?;
    Some((&text[..place], &text[place + at.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(data: &[u8], expect: &str) {
        let info = parse(ObjectId::null(gix::hash::Kind::Sha1), data);
        let parents: Vec<&str> = info.parents.iter().map(CommitId::short).collect();
        let fields = [
            &*parents.join(" "),
            &info.author_name,
            &info.author_email,
            &info.committer_name,
            &info.committer_email,
            &info.time.to_string(),
            &info.message,
        ];
        assert_eq!(fields.join("|"), expect);
    }

    #[test]
    fn commits_of_all_times() {
        let parent = "parent 1234567890123456789012345678901234567890\n";
        let usual =
            format!("tree x\n{parent}author A B <a@b> 1 +0100\ncommitter C <c@d> -2 +0000\n\nm\n");
        check(usual.as_bytes(), "1234567890|A B|a@b|C|c@d|-2|m\n");
        check(b"rubbish", "|||||0|");
        check(b"author  <> 1\ncommitter A <a@b <c>> 5 +0000\n\n", "|||A|a@b <c|5|");
        check(b"author Ada 1\ncommitter A <a@b> soon\n\n\xe9", "|Ada 1||A|a@b|0|\u{fffd}");
        check(
            b"committer Ren\xe9 <a@b> 5\nencoding ISO-8859-1\n\ncaf\xe9",
            "|||Ren\u{e9}|a@b|5|caf\u{e9}",
        );
        check(b"committer A <a@b> 5\nencoding rubbish\n\ncaf\xe9", "|||A|a@b|5|caf\u{fffd}");
        check(b"committer A <a@b> 99999999999999999999999\n\nparent x", "|||A|a@b|0|parent x");
    }
}
