//! SHA-256 over streams, in the lower-case hexadecimal everybody publishes.
use sera_core::Cancel;
use sha2::{Digest as _, Sha256};
use std::io::{self, Read, Write};

/// Bytes moved between two looks at the cancel flag.
const BLOCK: usize = 1 << 20;

/// A checksum being computed.
#[derive(Clone, Default)]
pub(crate) struct Checksum(Sha256);

impl Checksum {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Whether `text` is a SHA-256 as we write them.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Copies everything, hashing it on the way; `None` when cancelled. `moved` is told the bytes so far.
pub(crate) fn copy(
    from: &mut dyn Read,
    to: &mut dyn Write,
    checksum: &mut Checksum,
    moved: &mut dyn FnMut(u64),
    cancel: &Cancel,
) -> io::Result<Option<u64>> {
    let mut block = vec![0; BLOCK];
    let mut total = 0;
    loop {
        if cancel.is_cancelled() {
            return Ok(None);
        }
        let count = match from.read(&mut block) {
            Ok(0) => return Ok(Some(total)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        checksum.update(&block[..count]);
        to.write_all(&block[..count])?;
        total += count as u64;
        moved(total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answer() {
        // FIPS 180-2, appendix B.1.
        let expect = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let mut checksum = Checksum::default();
        checksum.update(b"a");
        checksum.update(b"bc");
        assert_eq!(checksum.finish(), expect);
        assert!(is_sha256(expect));
        assert!(!is_sha256(&expect.to_uppercase()));
        assert!(!is_sha256(&expect[1..]));
    }
}
