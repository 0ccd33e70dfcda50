//! A model server on this machine that answers as a test tells it to: well, badly, or never.
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// One thing that a server does with a connection. It closes it afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends the same bytes until the client hangs up.
    Forever(Vec<u8>),
    /// Does nothing until the client hangs up.
    Hang,
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Method and path, `POST /v1/chat/completions`.
    pub line: String,
    /// Header lines.
    pub headers: Vec<String>,
    /// The body.
    pub body: String,
}

/// The server.
#[derive(Debug)]
pub struct TeacherServer {
    /// `http://127.0.0.1:<port>/v1`.
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl TeacherServer {
    /// Does with each connection what `script` says of its request. Connections are served at the
    /// same time; `script` is asked one by one.
    ///
    /// # Panics
    /// Where this machine gives out no port.
    pub fn new(script: impl FnMut(&Asked) -> Vec<Act> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/v1", listener.local_addr().expect("it is bound"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (script, seen) = (Arc::new(Mutex::new(script)), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
                std::thread::spawn(move || {
                    let Ok(asked) = read(&stream) else { return };
                    lock(&seen).push(asked.clone());
                    let acts = lock(&script)(&asked);
                    // A client that hangs up early is part of what is tested.
                    drop(play(&stream, &acts));
                    drop(stream.shutdown(Shutdown::Write));
                });
            }
        });
        Self { url, asked }
    }

    /// Every request so far.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.asked).clone()
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read(stream: &TcpStream) -> std::io::Result<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let (mut headers, mut length) = (Vec::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim_end().to_owned();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.parse().unwrap_or(0);
        }
        headers.push(header);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let line = line.rsplit_once(' ').map_or(line.as_str(), |(line, _)| line).to_owned();
    Ok(Asked { line, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

fn play(mut stream: &TcpStream, acts: &[Act]) -> std::io::Result<()> {
    for act in acts {
        match act {
            Act::Send(bytes) => stream.write_all(bytes)?,
            Act::Forever(bytes) => loop {
                stream.write_all(bytes)?;
            },
            Act::Hang => {
                std::io::copy(&mut stream, &mut std::io::sink())?;
            }
        }
    }
    Ok(())
}

/// A response's head; its body ends with the connection.
pub fn head(status: &str, headers: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\n\r\n").into_bytes()
}

/// The head of a stream of events.
pub fn stream_head() -> Vec<u8> {
    head("200 OK", "Content-Type: text/event-stream\r\n")
}

/// One event of a stream.
pub fn event(data: &str) -> Vec<u8> {
    format!("data: {data}\n\n").into_bytes()
}

/// The event that goes on with `text`.
pub fn delta(text: &str) -> Vec<u8> {
    event(&serde_json::json!({"choices": [{"delta": {"content": text}}]}).to_string())
}

/// The events that end a reply, with the tokens counted.
pub fn ending(prompt_tokens: u64, completion_tokens: u64) -> Vec<u8> {
    let stop = event(r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#);
    let usage = serde_json::json!({"choices": [], "usage":
        {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}});
    [stop, event(&usage.to_string()), event("[DONE]")].concat()
}

/// A whole good reply, in pieces.
pub fn says(text: &str) -> Vec<Act> {
    let half = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (first, second) = text.split_at(half);
    [stream_head(), delta(first), delta(second), ending(100, 10)].map(Act::Send).to_vec()
}

/// A teacher that writes words, and puts a remark before the function that it is asked about. What
/// it cannot make sense of it submits unchanged.
pub fn good(asked: &Asked) -> Vec<Act> {
    says(&answer(&asked.body).unwrap_or_else(|| "submit".to_owned()))
}

/// What [`good`] says to a request's body; `None` where it makes no sense of it.
pub fn answer(body: &str) -> Option<String> {
    let body: Value = serde_json::from_str(body).ok()?;
    let messages = body["messages"].as_array()?;
    let said = |at: usize| messages.get(at)?["content"].as_str();
    if said(0)?.starts_with("You judge") {
        return Some("That is what was asked for.\nyes".to_owned());
    }
    if said(0)?.starts_with("You write reports") {
        let told = said(1)?.lines().find_map(|line| line.strip_prefix("> open: "))?;
        let (path, name) = told.split_once("::")?;
        return Some(format!("What {name} in {path} gives is wrong for the last entry."));
    }
    let words = said(1)?.lines().find(|line| line.contains(" in "))?;
    let (before, after) = words.split_once(" in ")?;
    let (name, path) = (before.rsplit(' ').next()?, after.split([',', ' ']).next()?);
    match messages.len() {
        2 => Some(format!("I look there first.\n\nopen: {path}::{name}")),
        4 => {
            let shown: Vec<&str> = said(3)?.lines().take(3).collect();
            let first = shown.first()?;
            let indent = " ".repeat(first.len() - first.trim_start().len());
            let old = shown.join("\n");
            let new = format!("{indent}# Looked at.\n{old}");
            Some(format!("edit: {path}\n<<<<<<<\n{old}\n=======\n{new}\n>>>>>>>"))
        }
        _ => None,
    }
}
