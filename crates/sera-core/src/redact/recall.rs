//! How many planted secrets are replaced: kinds written from what the services document, not from
//! the rules, in the places where secrets are found. The count is exact: everything is drawn from one
//! seed.
//!
//! A place without a name beside the secret (a failed assertion, the words of a message) takes only
//! secrets that say themselves what they are: nothing tells bare hexadecimal from a checksum.
use super::Redactor;
use super::kinds::{KINDS, drawn};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use std::fmt::Write as _;

/// Where a secret with a name stands: the name in small letters with underscores, in capitals, in
/// camel case.
const NAMED: &[&str] = &[
    "{NAME} = \"{secret}\"",
    "    {name} = '{secret}'  # noqa",
    "const {camel} = '{secret}';",
    "  {camel}: \"{secret}\",",
    "  {name}: {secret}",
    "  {name}: \"{secret}\"",
    "  \"{name}\": \"{secret}\",",
    "{NAME}={secret}",
    "export {NAME}=\"{secret}\"",
    "app.{name}={secret}",
    "<{camel}>{secret}</{camel}>",
    "<add key=\"{camel}\" value=\"{secret}\" />",
    "# old {name}: {secret}",
    "// {camel} = \"{secret}\"",
    "+{NAME} = \"{secret}\"",
    "-  {name}: {secret}",
    "{camel} := \"{secret}\"",
    "const {NAME}: &str = \"{secret}\";",
    "private static final String {NAME} = \"{secret}\";",
    "declare -x {NAME}=\"{secret}\"",
    "docker run --rm -e {NAME}={secret} image",
    "ENV[\"{NAME}\"] = \"{secret}\"",
    "    '{name}' => '{secret}',",
    "2026-01-05T10:00:00Z WARN retrying, {name}={secret}",
    "os.environ.setdefault(\"{NAME}\", \"{secret}\")",
    "  with {name} = \"{secret}\" the old setup works again",
];

/// Where no name stands beside it.
const BARE: &[&str] = &[
    "Remove {secret} from the settings",
    "E       AssertionError: assert '{secret}' == 'x'",
    "+ curl -s https://api.internal/v1/items --header {secret}",
    "| {secret} | live |",
];

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |all, word| all + &word[..1].to_uppercase() + &word[1..])
}

fn planted(place: &str, name: &str, secret: &str) -> String {
    let line = place.replace("{name}", name).replace("{NAME}", &name.to_uppercase());
    let line = line.replace("{camel}", &camel(name)).replace("{secret}", secret);
    format!("before = 1\n{line}\nafter = 2\n")
}

/// Whether nothing of a random part is left that would help anybody.
fn gone(redacted: &str, random: &str) -> bool {
    let length = random.len().min(16);
    (0..=random.len() - length).all(|at| !redacted.contains(&random[at..at + length]))
}

/// Blocks, which have places of their own.
fn block(at: usize, rng: &mut ChaCha8Rng) -> (&'static str, String, String) {
    let (_, body) = drawn("%800b", rng);
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|c| std::str::from_utf8(c).unwrap()).collect();
    let pem = |kind: &str, newline: &str| {
        let body = lines.join(newline);
        format!(
            "-----BEGIN {kind}PRIVATE KEY-----{newline}{body}{newline}-----END {kind}PRIVATE KEY-----"
        )
    };
    let (kind, text) = match at % 6 {
        0 => ("private key", pem("RSA ", "\n")),
        1 => ("private key in a string", format!("KEY = \"{}\"", pem("EC ", "\\n"))),
        2 => ("private key, added", format!("+{}", pem("OPENSSH ", "\n+"))),
        3 => ("private key, removed", format!("-{}", pem("", "\n-"))),
        4 => ("private key, indented", format!("  key: |\n    {}", pem("ENCRYPTED ", "\n    "))),
        _ => ("private key, cut off", pem("DSA ", "\n")[..500].to_owned()),
    };
    (kind, text, lines[3].to_owned())
}

#[test]
fn at_least_95_of_100_planted_secrets_are_replaced() {
    let redactor = Redactor::new([3; 32]);
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_127);
    let (mut table, mut missed) = (String::new(), String::new());
    let (mut kinds, mut all, mut found) = (0, 0, 0);
    let mut count = |kind: &str, texts: Vec<(String, String)>| {
        let misses: Vec<&String> = texts
            .iter()
            .filter(|(text, random)| !gone(&redactor.redact(text).0, random))
            .map(|(text, _)| text)
            .collect();
        (kinds, all, found) = (kinds + 1, all + texts.len(), found + texts.len() - misses.len());
        writeln!(table, "{kind}: {} of {}", texts.len() - misses.len(), texts.len()).unwrap();
        misses.iter().for_each(|text| {
            writeln!(missed, "{kind}: {}", text.lines().nth(1).unwrap_or(text)).unwrap();
        });
    };
    for (kind, name, form) in KINDS {
        let bare = if form.starts_with('=') { &[] } else { BARE };
        let places = NAMED.iter().chain(bare);
        let texts = places.map(|place| {
            let (secret, random) = drawn(form, &mut rng);
            (planted(place, name, &secret), random)
        });
        count(kind, texts.collect());
    }
    for at in 0..6 {
        let texts = (0..8).map(|_| block(at, &mut rng));
        let texts: Vec<_> = texts.collect();
        count(texts[0].0, texts.into_iter().map(|(_, text, random)| (text, random)).collect());
    }
    insta::assert_snapshot!(format!("{found} of {all} secrets of {kinds} kinds\n\n{table}"));
    assert!(kinds >= 50 && all >= 1_000 && found * 100 >= all * 95, "{found} of {all}: {missed}");
}
