//! Lines to messages and back, purely: bytes come from a socket, a pipe or a test alike.
use crate::message::{Incoming, Message};

/// The longest line either side accepts, newline included, bytes. Bulk travels by file.
pub const FRAME_LIMIT: usize = 1 << 20;

/// Why bytes are not a line, or a message cannot be one.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// More bytes than a line may have; the connection cannot go on.
    #[error("a message is longer than {FRAME_LIMIT} bytes")]
    TooLarge,
    /// A message that JSON cannot say.
    #[error("failed to write a message as JSON")]
    Json(#[from] serde_json::Error),
}

/// The line that says `message`, newline included.
pub fn encode(message: &Message) -> Result<Vec<u8>, CodecError> {
    let mut line = serde_json::to_vec(&message.to_json()?)?;
    line.push(b'\n');
    if line.len() > FRAME_LIMIT { Err(CodecError::TooLarge) } else { Ok(line) }
}

/// What one line says; the newline may be there or not.
pub fn decode(line: &[u8]) -> Incoming {
    Incoming::read(line)
}

/// Cuts a stream of bytes into lines while keeping at most one line's worth of them.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
    /// Everything before this was handed out.
    taken: usize,
    /// Everything before this was searched for a newline.
    searched: usize,
}

impl Decoder {
    /// Adds bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        // Here and not line by line: many short lines would each move all that follows.
        self.bytes.drain(..self.taken);
        self.searched -= self.taken;
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next complete line's message, `None` until one is complete. Empty lines are skipped.
    /// After [`CodecError::TooLarge`] the stream has no more messages.
    pub fn next_message(&mut self) -> Result<Option<Incoming>, CodecError> {
        while let Some(offset) = self.bytes[self.searched..].iter().position(|&b| b == b'\n') {
            let (from, end) = (self.taken, self.searched + offset);
            if end - from >= FRAME_LIMIT {
                return Err(CodecError::TooLarge);
            }
            (self.taken, self.searched) = (end + 1, end + 1);
            let line = &self.bytes[from..end];
            if !line.trim_ascii().is_empty() {
                return Ok(Some(decode(line)));
            }
        }
        self.searched = self.bytes.len();
        let held = self.bytes.len() - self.taken;
        if held >= FRAME_LIMIT { Err(CodecError::TooLarge) } else { Ok(None) }
    }

    /// Whether no bytes of an unfinished line are held.
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == self.taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{ErrorCode, Failure};
    use crate::method::{Request, StatusParams};
    use proptest::prelude::*;

    fn status(id: u64) -> Message {
        Message::Request { id, request: Request::Status(StatusParams::default()) }
    }

    #[test]
    fn a_line_is_cut_where_the_newline_is_however_it_arrives() {
        let mut stream = encode(&status(1)).unwrap();
        stream.extend_from_slice(b"\n \r\n");
        stream.extend(encode(&status(2)).unwrap());
        for size in [1, 2, 7, stream.len()] {
            let mut decoder = Decoder::default();
            let mut seen = Vec::new();
            for chunk in stream.chunks(size) {
                decoder.push(chunk);
                while let Some(message) = decoder.next_message().unwrap() {
                    seen.push(message);
                }
            }
            assert_eq!(
                seen,
                [Incoming::Message(status(1)), Incoming::Message(status(2))],
                "chunks of {size} bytes"
            );
            assert!(decoder.is_empty());
        }
    }

    #[test]
    fn a_line_too_long_ends_the_stream_before_its_newline() {
        let mut decoder = Decoder::default();
        decoder.push(&vec![b' '; FRAME_LIMIT - 1]);
        assert!(matches!(decoder.next_message(), Ok(None)), "one byte is left for the newline");
        decoder.push(b" ");
        assert!(matches!(decoder.next_message(), Err(CodecError::TooLarge)));

        let failure = Failure::new(ErrorCode::Internal, "x".repeat(FRAME_LIMIT));
        let message = Message::Response { id: None, result: Err(failure) };
        assert!(matches!(encode(&message), Err(CodecError::TooLarge)), "nor is one written");
    }

    #[test]
    fn what_is_no_message_is_answered_with_its_own_code() {
        let check = |line: &str, id: Option<u64>, code: ErrorCode| match decode(line.as_bytes()) {
            Incoming::Malformed { id: found, failure } => {
                assert_eq!((found, failure.code), (id, code), "{line}");
            }
            other => panic!("{line} was read as {other:?}"),
        };
        check("{", None, ErrorCode::InvalidRequest);
        check("[]", None, ErrorCode::InvalidRequest);
        check(r#"{"jsonrpc":"1.0","id":1,"method":"status"}"#, Some(1), ErrorCode::InvalidRequest);
        check(r#"{"jsonrpc":"2.0","id":"a","method":"status"}"#, None, ErrorCode::InvalidRequest);
        check(r#"{"jsonrpc":"2.0","id":-1,"method":"status"}"#, None, ErrorCode::InvalidRequest);
        check(r#"{"jsonrpc":"2.0","id":3}"#, Some(3), ErrorCode::InvalidRequest);
        check(
            r#"{"jsonrpc":"2.0","id":3,"method":"status","result":1}"#,
            Some(3),
            ErrorCode::InvalidRequest,
        );
        check(r#"{"jsonrpc":"2.0","id":4,"method":"nothing"}"#, Some(4), ErrorCode::UnknownMethod);
        check(r#"{"jsonrpc":"2.0","id":5,"method":"job/run"}"#, Some(5), ErrorCode::InvalidParams);
    }

    #[test]
    fn what_a_later_version_adds_is_skipped() {
        let known = decode(
            br#"{"jsonrpc":"2.0","id":7,"method":"status","params":{"path":null,"more":1},"x":2}"#,
        );
        assert_eq!(known, Incoming::Message(status(7)), "unknown members and parameters");
        assert_eq!(
            decode(br#"{"jsonrpc":"2.0","method":"weather","params":[1]}"#),
            Incoming::Unknown { method: "weather".to_owned() },
            "an unknown notification"
        );
        let code = decode(
            br#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"m","data":{"code":"new","causes":[]}}}"#,
        );
        let failure = Failure::new(ErrorCode::Internal, "m");
        assert_eq!(
            code,
            Incoming::Message(Message::Response { id: Some(1), result: Err(failure) }),
            "an unknown error code"
        );
    }

    fn failures() -> impl Strategy<Value = Failure> {
        let code = proptest::sample::select(ErrorCode::ALL);
        let hint = proptest::option::of(any::<String>());
        (code, any::<String>(), hint, proptest::collection::vec(any::<String>(), 0..3))
            .prop_map(|(code, message, hint, causes)| Failure { code, message, hint, causes })
    }

    fn messages() -> impl Strategy<Value = Message> {
        let path = proptest::option::of(any::<String>());
        prop_oneof![
            (any::<u64>(), path).prop_map(|(id, path)| Message::Request {
                id,
                request: Request::Status(StatusParams { path })
            }),
            (proptest::option::of(any::<u64>()), failures())
                .prop_map(|(id, failure)| Message::Response { id, result: Err(failure) }),
            (any::<u64>(), any::<i64>())
                .prop_map(|(id, value)| Message::answer(id, Ok::<_, Failure>(value))),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(message in messages()) {
            let line = encode(&message).unwrap();
            prop_assert_eq!(line.iter().filter(|&&b| b == b'\n').count(), 1, "one line");
            prop_assert_eq!(decode(&line), Incoming::Message(message));
        }

        #[test]
        fn garbage_never_panics(chunks in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..200), 0..8,
        )) {
            let mut decoder = Decoder::default();
            for chunk in &chunks {
                decoder.push(chunk);
                while let Ok(Some(_)) = decoder.next_message() {}
            }
        }

        #[test]
        fn damaged_messages_never_panic(
            message in messages(), at in any::<proptest::sample::Index>(), byte in any::<u8>(),
        ) {
            let mut line = encode(&message).unwrap();
            let at = at.index(line.len());
            line[at] = byte;
            drop(decode(&line));
        }
    }
}
