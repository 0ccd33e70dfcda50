//! Bytes of a socket, however they are cut: whatever they say, what was understood can be said again.
#![no_main]
use libfuzzer_sys::fuzz_target;
use sera_protocol::codec::{decode, encode};
use sera_protocol::{Decoder, Incoming};

fuzz_target!(|bytes: &[u8]| {
    let Some((&size, bytes)) = bytes.split_first() else { return };
    let mut decoder = Decoder::default();
    for chunk in bytes.chunks(usize::from(size) + 1) {
        decoder.push(chunk);
        loop {
            match decoder.next_message() {
                Ok(Some(Incoming::Message(message))) => {
                    let line = encode(&message).expect("it was shorter than a line");
                    assert!(matches!(decode(&line), Incoming::Message(_)), "{message:?}");
                }
                Ok(Some(Incoming::Malformed { .. } | Incoming::Unknown { .. })) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
});
