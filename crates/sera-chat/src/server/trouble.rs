//! What goes wrong with servers, and what may be tried again.
use super::wire::{Event, Fault};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use sera_core::Prompt;
use sera_core::audit::Unrecorded;
use std::time::Duration;

/// Bytes of a server's own words that are passed on.
const SAID: usize = 300;

/// Why a server gave no reply. Hosts are named, addresses are not: nothing of a key can stand in
/// them.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is not one that code is sent to.
    #[error("{url} is refused: {reason}")]
    Refused {
        /// The address.
        url: String,
        /// Why.
        reason: &'static str,
    },
    /// Nobody answers there.
    #[error("no connection to {host}")]
    Unreachable {
        /// The server.
        host: String,
        /// The underlying error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It refuses the request.
    #[error("{host} says {status}{}", words(said))]
    Status {
        /// The server.
        host: String,
        /// The HTTP status.
        status: u16,
        /// In its own words, clipped.
        said: String,
        /// How long it wants us to wait.
        wait: Option<Duration>,
    },
    /// The conversation is longer than the model reads.
    #[error("{host} says that the conversation is too long{}", words(said))]
    Overflow {
        /// The server.
        host: String,
        /// In its own words, clipped.
        said: String,
        /// Tokens in the prompt and in the model's context, where it says so.
        tokens: Option<(usize, usize)>,
    },
    /// It, or its model, can call no tools.
    #[error("{host} calls no tools{}", words(said))]
    NoTools {
        /// The server.
        host: String,
        /// In its own words, clipped.
        said: String,
    },
    /// It failed midway.
    #[error("{host} failed{}", words(said))]
    Failed {
        /// The server.
        host: String,
        /// In its own words, clipped.
        said: String,
    },
    /// The reply ended in the middle.
    #[error("the reply of {0} broke off")]
    BrokeOff(String),
    /// The reply is nothing that can be read.
    #[error("the reply of {0} is garbled")]
    Garbled(String),
    /// More came than any reply may have.
    #[error("the reply of {0} does not end")]
    Endless(String),
    /// It takes too long.
    #[error("{host} gave no whole reply in {seconds} s")]
    Slow {
        /// The server.
        host: String,
        /// How long it had.
        seconds: u64,
    },
    /// The request could not be written down, so it was not sent.
    #[error(transparent)]
    Unrecorded(#[from] Unrecorded),
}

fn words(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Ask again, after so long at least.
    Again(Option<Duration>),
    /// This conversation will not be answered; others may.
    Next,
    /// Nothing will be answered: a wrong key, model or address.
    Never,
}

impl ServerError {
    pub(super) fn remedy(&self) -> Remedy {
        match self {
            Self::Refused { .. } | Self::Unrecorded(_) => Remedy::Never,
            Self::Status { status, wait, .. } => match status {
                408 | 409 | 425 | 429 | 500 | 502..=504 | 520..=529 => Remedy::Again(*wait),
                401..=405 => Remedy::Never,
                _ => Remedy::Next,
            },
            Self::Overflow { .. } | Self::NoTools { .. } | Self::Endless(_) => Remedy::Next,
            Self::Unreachable { .. }
            | Self::Failed { .. }
            | Self::BrokeOff(_)
            | Self::Garbled(_)
            | Self::Slow { .. } => Remedy::Again(None),
        }
    }

    /// What the user can do, in one sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "use an https address, or a server of your own network",
            Self::Unrecorded(_) => "`git sera audit` says what is wrong with the log",
            Self::Unreachable { .. } => "start the server, or see `sera.teacher.url`",
            Self::Status { status: 401..=403, .. } => {
                "put the server's key into GIT_SERA_TEACHER_KEY, or store it with `git credential`"
            }
            Self::Status { status: 404 | 405, .. } => {
                "see `sera.teacher.url` (it ends in /v1) and `sera.teacher.model`"
            }
            Self::Status { .. } | Self::Failed { .. } => "see the server's own log",
            Self::NoTools { .. } => "see `sera.teacher.dialect`",
            Self::Overflow { .. } => "start the server with a longer context",
            Self::BrokeOff(_) | Self::Garbled(_) | Self::Endless(_) | Self::Slow { .. } => {
                "see the server's own log, or raise `sera.teacher.timeout`"
            }
        }
    }

    /// The same, told apart where it is the request's tools that are refused. What may be asked
    /// again is only taken for that by words that are known.
    pub(super) fn or_about_tools(self, prompt: &Prompt) -> Self {
        let lasting = self.remedy() != Remedy::Again(None);
        match self {
            Self::Status { host, said, wait: None, .. } | Self::Failed { host, said }
                if !prompt.tools.is_empty() && is_about_tools(&said, lasting) =>
            {
                Self::NoTools { host, said }
            }
            other => other,
        }
    }

    /// A refusal, from its status, headers and the beginning of its body.
    pub(super) fn refusal(
        host: &str,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        clean: impl Fn(&str) -> String,
    ) -> Self {
        let event = serde_json::from_slice::<Event>(body).ok().and_then(|event| event.error);
        match event {
            Some(fault) if fault.is_overflow() => Self::fault(host, &fault, clean),
            fault => {
                let text = String::from_utf8_lossy(body);
                let said = fault.as_ref().map_or(&*text, |fault| &*fault.message);
                let (host, status, said) = (host.to_owned(), status.as_u16(), clean(said));
                Self::Status { host, status, said, wait: wait_of(headers) }
            }
        }
    }

    /// An error that came as an event.
    pub(super) fn fault(host: &str, fault: &Fault, clean: impl Fn(&str) -> String) -> Self {
        let (host, said) = (host.to_owned(), clean(&fault.message));
        match fault.is_overflow() {
            true => Self::Overflow { host, said, tokens: fault.tokens },
            false => Self::Failed { host, said },
        }
    }
}

/// Whether a server says that it or its model can call no tools: llama.cpp without templates,
/// models of Ollama that were not trained to, vLLM that was not told how its model spells calls,
/// routers that know no host which does.
fn is_about_tools(said: &str, lasting: bool) -> bool {
    let known = ["requires --jinja", "cannot use tools", "not support tools"];
    let refused = [
        "requires",
        "support",
        "cannot",
        "unrecognized",
        "unknown",
        "not enabled",
        "not permitted",
    ];
    let said = said.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|words| said.contains(words));
    any(&known) || lasting && said.contains("tool") && any(&refused)
}

/// How long a server asks us to wait. Dates are not understood; our own waits serve then.
fn wait_of(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// A server's words on one line, clipped, without anything a terminal would obey and without `keys`
/// where it echoes them.
pub(super) fn clean(said: &str, keys: &[&str]) -> String {
    let mut said = said.to_owned();
    for key in keys.iter().filter(|key| !key.is_empty()) {
        said = said.replace(key, "<key>");
    }
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let line: String = said.chars().map(plain).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().find(|(at, _)| *at >= SAID) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_servers_are_harmless() {
        let check = |said: &str, expect: &str| assert_eq!(clean(said, &["sk-1"]), expect);
        check("Incorrect API key provided: sk-1.", "Incorrect API key provided: <key>.");
        check("a\n\u{1b}[31mb\u{7}", "a [31mb");
        assert_eq!(clean(&"é".repeat(400), &[]).len(), SAID + "…".len());
        assert_eq!(clean("any", &[""]), "any");
    }

    #[test]
    fn remedies() {
        let status = |status| {
            let (host, said) = (String::new(), String::new());
            ServerError::Status { host, status, said, wait: Some(Duration::from_secs(3)) }.remedy()
        };
        for (code, expect) in [
            (429, Remedy::Again(Some(Duration::from_secs(3)))),
            (503, Remedy::Again(Some(Duration::from_secs(3)))),
            (401, Remedy::Never),
            (404, Remedy::Never),
            (400, Remedy::Next),
            (413, Remedy::Next),
            (301, Remedy::Next),
        ] {
            assert_eq!(status(code), expect, "{code}");
        }
    }

    #[test]
    fn servers_without_tools_are_known() {
        let check = |said: &str, lasting: bool, expect: bool| {
            assert_eq!(is_about_tools(said, lasting), expect, "{said}");
        };
        check("tools param requires --jinja flag", false, true);
        check("registry.ollama.ai/library/smollm:135m does not support tools", false, true);
        check("Cannot use tools with stream", false, true);
        check("\"auto\" tool choice requires --enable-auto-tool-choice to be set", true, true);
        check("No endpoints found that support tool use", true, true);
        check("Unrecognized request argument supplied: tools", true, true);
        check("tools: Extra inputs are not permitted", true, true);
        check("unknown error in the tool parser", false, false);
        check("overloaded", true, false);
        check("requires a key", true, false);
    }

    #[test]
    fn refusals_are_read() {
        let check = |body: &str, expect: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, "7".parse().unwrap());
            let plain = |said: &str| clean(said, &[]);
            let status = StatusCode::BAD_REQUEST;
            let found = ServerError::refusal("h", status, &headers, body.as_bytes(), plain);
            assert_eq!(found.to_string(), expect);
        };
        check(r#"{"error":{"message":"no such model"}}"#, "h says 400: no such model");
        check(r#"{"error":"no such model"}"#, "h says 400: no such model");
        check("<html>\n bad </html>", "h says 400: <html> bad </html>");
        check("", "h says 400");
        let long = r#"{"error":{"message":"the context is 8","type":"exceed_context_size_error"}}"#;
        check(long, "h says that the conversation is too long: the context is 8");
    }
}
