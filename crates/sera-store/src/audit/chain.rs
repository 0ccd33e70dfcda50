//! Lines and how each holds on to the one before it; no file is touched here.
use super::Head;
use sera_core::audit::Event;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The schema word of every record.
const SCHEMA: &str = "sera-audit/1";
/// What stands between a record and its mac.
const JOINT: &[u8] = br#","mac":""#;
/// Digits of a mac.
const DIGITS: usize = 64;
/// What ends a record.
const CLOSE: &[u8] = br#""}"#;

/// The key of one log. It never leaves this.
pub(super) struct Chain([u8; 32]);

/// All of a record but its mac.
#[derive(Serialize)]
struct Body<'a> {
    audit: &'a str,
    number: u64,
    time_ms: u64,
    event: &'a Event,
    prev: &'a str,
}

/// A record that was read and bears the right mac.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    audit: String,
    pub(super) number: u64,
    pub(super) time_ms: u64,
    pub(super) event: Value,
    /// The mac of the record before it.
    pub(super) prev: String,
    pub(super) mac: String,
}

impl Chain {
    /// A key of its own: what it signs is of no use where the secret signs something else.
    pub(super) fn of(secret: &[u8; 32]) -> Self {
        Self(blake3::derive_key("sera-audit/1: the chain of records", secret))
    }

    fn mac(&self, bytes: &[u8]) -> String {
        blake3::keyed_hash(&self.0, bytes).to_hex().to_string()
    }

    /// The head of a log without records.
    pub(super) fn empty(&self) -> Head {
        Head { count: 0, mac: self.mac(SCHEMA.as_bytes()) }
    }

    /// The line of a record, its end included, and its mac.
    pub(super) fn write(
        &self,
        number: u64,
        time_ms: u64,
        event: &Event,
        prev: &str,
    ) -> (String, String) {
        let body = Body { audit: SCHEMA, number, time_ms, event, prev };
        let mut line = serde_json::to_string(&body).expect("events are plain data");
        line.pop();
        let mac = self.mac(line.as_bytes());
        (format!("{line},\"mac\":\"{mac}\"}}\n"), mac)
    }

    /// Reads a line without its end; what is wrong with it.
    pub(super) fn read(&self, line: &[u8]) -> Result<Line, String> {
        let changed = || "the record is not what was written".to_owned();
        let (body, mac) = split(line).ok_or_else(changed)?;
        if blake3::keyed_hash(&self.0, body)
            != blake3::Hash::from_hex(mac).map_err(|_| changed())?
        {
            return Err(changed());
        }
        let line: Line = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        match line.audit.as_str() {
            SCHEMA => Ok(line),
            other => Err(format!("the record is of version {other}, which is not known here")),
        }
    }

    /// Goes on from `head` to the record of `line`, if that is the next.
    pub(super) fn next(&self, head: &mut Head, line: &Line) -> Result<(), String> {
        if line.number != head.count + 1 {
            return Err(format!("record {} where {} should be", line.number, head.count + 1));
        }
        if line.prev != head.mac {
            return Err(format!("record {} does not follow the one before it", line.number));
        }
        *head = Head { count: line.number, mac: line.mac.clone() };
        Ok(())
    }

    /// A head as it is kept beside the log.
    pub(super) fn head(&self, head: &Head) -> String {
        let text = format!("{SCHEMA} {} {}", head.count, head.mac);
        let mac = self.mac(text.as_bytes());
        format!("{text} {mac}\n")
    }

    /// Reads what [`Self::head`] writes.
    pub(super) fn read_head(&self, text: &str) -> Option<Head> {
        let (rest, mac) = text.strip_suffix('\n')?.rsplit_once(' ')?;
        let (count, last) = rest.strip_prefix(SCHEMA)?.strip_prefix(' ')?.split_once(' ')?;
        let right = blake3::keyed_hash(&self.0, rest.as_bytes());
        let head = Head { count: count.parse().ok()?, mac: last.to_owned() };
        (blake3::Hash::from_hex(mac).ok()? == right && mac == right.to_hex().as_str())
            .then_some(head)
    }
}

/// What is signed, and the digits of the mac.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = line.strip_suffix(CLOSE)?;
    let (rest, mac) = rest.split_at_checked(rest.len().checked_sub(DIGITS)?)?;
    let lower = mac.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
    Some((rest.strip_suffix(JOINT)?, mac)).filter(|_| lower)
}
