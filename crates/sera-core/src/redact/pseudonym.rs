//! Pseudonyms: stand-ins that look like the secret, always the same, and known when seen again.
//!
//! The first half of a pseudonym's letters and digits is drawn from the secret, the second half
//! from the first: that makes a pseudonym recognisable to the holder of the key, so it is never
//! replaced again. A secret passes for a pseudonym by accident once in 10⁶ or less.

/// Fewer letters and digits than this are too few to tell a pseudonym by.
const FEWEST: usize = 8;

/// The pseudonym of `secret`; `None` where it is one already or too short to have one.
pub(super) fn of(key: &[u8; 32], secret: &str) -> Option<String> {
    let places = places(secret);
    if places.len() < FEWEST || known(key, secret, &places) {
        return None;
    }
    let half = places.len() / 2;
    (0u64..64).find_map(|attempt| {
        let mut text = secret.as_bytes().to_vec();
        let draw = draw(key, b"secret", secret.as_bytes(), attempt);
        fill(&mut text, &places[..half], draw, Alphabet::of(secret));
        let check = check(key, &text, &places);
        fill(&mut text, &places[half..], check, Alphabet::of(secret));
        let text = String::from_utf8(text).expect("ASCII replaced by ASCII");
        // Chance may spell hexadecimal or, rarer still, the secret's own digits.
        (text != secret && known(key, &text, &places)).then_some(text)
    })
}

/// Whether `text` is a pseudonym made with `key`.
pub(super) fn is_one(key: &[u8; 32], text: &str) -> bool {
    let places = places(text);
    places.len() >= FEWEST && known(key, text, &places)
}

fn known(key: &[u8; 32], text: &str, places: &[usize]) -> bool {
    let mut expect = text.as_bytes().to_vec();
    let check = check(key, &expect, places);
    fill(&mut expect, &places[places.len() / 2..], check, Alphabet::of(text));
    expect == text.as_bytes()
}

/// Where letters and digits stand; everything else keeps its place and value, and so does what an
/// escape is made of: the `n` of `\n` is no part of a secret.
fn places(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let escaped = |at: usize| at > 0 && bytes[at - 1] == b'\\';
    let place = |at: &usize| bytes[*at].is_ascii_alphanumeric() && !escaped(*at);
    (0..bytes.len()).filter(place).collect()
}

/// Draws the second half from everything but itself.
fn check(key: &[u8; 32], text: &[u8], places: &[usize]) -> blake3::OutputReader {
    let mut seen = text.to_vec();
    for &at in &places[places.len() / 2..] {
        seen[at] = b'*';
    }
    draw(key, b"check", &seen, 0)
}

fn draw(key: &[u8; 32], purpose: &[u8], text: &[u8], attempt: u64) -> blake3::OutputReader {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&[purpose.len() as u8]).update(purpose).update(&attempt.to_le_bytes());
    hasher.update(text).finalize_xof()
}

/// Which letters may stand where letters stood.
#[derive(Clone, Copy)]
enum Alphabet {
    Hexadecimal,
    Full,
}

impl Alphabet {
    fn of(text: &str) -> Self {
        let letters = |b: &u8| b.is_ascii_alphabetic();
        let hexadecimal = text.bytes().filter(letters).all(|b| b.is_ascii_hexdigit());
        if hexadecimal { Self::Hexadecimal } else { Self::Full }
    }

    fn letters(self) -> u8 {
        match self {
            Self::Hexadecimal => 6,
            Self::Full => 26,
        }
    }
}

/// Replaces the characters at `places` by others of their class.
fn fill(text: &mut [u8], places: &[usize], mut from: blake3::OutputReader, alphabet: Alphabet) {
    for &at in places {
        let mut byte = [0];
        from.fill(&mut byte);
        // A byte modulo 26 is uneven by a tenth, which hides nothing less.
        text[at] = match text[at] {
            b'0'..=b'9' => b'0' + byte[0] % 10,
            b'a'..=b'z' => b'a' + byte[0] % alphabet.letters(),
            _ => b'A' + byte[0] % alphabet.letters(),
        };
    }
}
