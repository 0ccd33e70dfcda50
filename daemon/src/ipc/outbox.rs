//! What waits to be read by one client, in bounded room.
//!
//! A client that reads slowly misses progress and gets its answers late; one that reads nothing for
//! a while is hung up on. Neither holds up anybody else, nor makes the daemon grow.
use interprocess::local_socket::tokio::Stream;
use sera_protocol::codec::encode;
use sera_protocol::{ErrorCode, FRAME_LIMIT, Failure, Message};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;

/// Bytes that may wait for one client. The longest message fits in.
const ROOM: usize = 4 * FRAME_LIMIT;

/// Where one client's messages wait. Clones are of the same client.
#[derive(Clone)]
pub(super) struct Outbox {
    lines: mpsc::UnboundedSender<Line>,
    room: Arc<Semaphore>,
}

/// A message, and the room that it takes until it is written.
struct Line {
    bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl Outbox {
    /// An outbox that is written to `stream` until its last clone is gone, which the task waits for.
    pub(super) fn open(stream: Arc<Stream>, patience: Duration) -> (Self, JoinHandle<()>) {
        let (lines, queue) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(ROOM));
        let writing = tokio::spawn(write((stream, patience), queue, Arc::clone(&room)));
        (Self { lines, room }, writing)
    }

    /// Sends an answer; waits while there is no room for it.
    pub(super) async fn send(&self, message: &Message) {
        let bytes = line(message);
        let room = Arc::clone(&self.room).acquire_many_owned(size(&bytes)).await;
        // Where there is no room any more, there is nobody who could read it.
        if let Ok(room) = room {
            drop(self.lines.send(Line { bytes, _room: room }));
        }
    }

    /// Sends what may be missed; dropped where there is no room for it.
    pub(super) fn offer(&self, message: &Message) {
        let bytes = line(message);
        if let Ok(room) = Arc::clone(&self.room).try_acquire_many_owned(size(&bytes)) {
            drop(self.lines.send(Line { bytes, _room: room }));
        }
    }

    /// Waits until nothing is written any more: the client hung up, or was hung up on.
    pub(super) async fn closed(&self) {
        self.lines.closed().await;
    }
}

async fn write(
    (stream, patience): (Arc<Stream>, Duration),
    mut queue: mpsc::UnboundedReceiver<Line>,
    room: Arc<Semaphore>,
) {
    while let Some(line) = queue.recv().await {
        let written = tokio::time::timeout(patience, (&*stream).write_all(&line.bytes)).await;
        match written {
            Ok(Ok(())) => {}
            Ok(Err(_)) => break,
            Err(_) => {
                tracing::warn!("hung up on a client that reads nothing");
                break;
            }
        }
    }
    room.close();
}

/// The line that says `message`; where it is too long for one, why there is no answer.
fn line(message: &Message) -> Vec<u8> {
    encode(message).unwrap_or_else(|error| {
        let id = match message {
            Message::Response { id, .. } => *id,
            Message::Request { .. } | Message::Notification(_) => None,
        };
        let failure = Failure::of(ErrorCode::TooLarge, &error);
        let refusal = Message::Response { id, result: Err(failure) };
        encode(&refusal).expect("a few words are a line")
    })
}

fn size(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use interprocess::local_socket::tokio::prelude::*;
    use interprocess::local_socket::{GenericFilePath, ListenerOptions};
    use serde_json::Value;

    /// An outbox to a client that reads nothing, and that client.
    async fn unread(patience: Duration) -> (Outbox, JoinHandle<()>, Stream) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let name = || path.as_path().to_fs_name::<GenericFilePath>().unwrap();
        let listener = ListenerOptions::new().name(name()).create_tokio().unwrap();
        let (client, ours) = tokio::join!(Stream::connect(name()), listener.accept());
        let (outbox, writing) = Outbox::open(Arc::new(ours.unwrap()), patience);
        (outbox, writing, client.unwrap())
    }

    fn message(bytes: usize) -> Message {
        Message::answer(1, Ok::<_, Failure>(Value::from("x".repeat(bytes))))
    }

    #[tokio::test]
    async fn what_may_be_missed_is_dropped_where_there_is_no_room() {
        let (outbox, writing, client) = unread(Duration::MAX).await;
        for _ in 0..100 {
            outbox.offer(&message(FRAME_LIMIT / 2));
        }
        let taken = ROOM - outbox.room.available_permits();
        assert!(taken > ROOM - FRAME_LIMIT, "{taken} bytes wait");
        drop(client);
        writing.await.unwrap();
        outbox.send(&message(1)).await;
        assert!(outbox.lines.is_closed(), "nothing waits for a client that is gone");
    }

    #[tokio::test]
    async fn whoever_reads_nothing_is_hung_up_on() {
        let (outbox, writing, _client) = unread(Duration::from_millis(50)).await;
        for _ in 0..20 {
            outbox.send(&message(FRAME_LIMIT / 2)).await;
        }
        outbox.closed().await;
        writing.await.unwrap();
    }

    #[test]
    fn an_answer_that_is_too_long_says_so() {
        let said = line(&message(FRAME_LIMIT));
        let said: Value = serde_json::from_slice(&said).unwrap();
        assert_eq!((&said["id"], &said["error"]["data"]["code"]), (&1.into(), &"too-large".into()));
    }
}
