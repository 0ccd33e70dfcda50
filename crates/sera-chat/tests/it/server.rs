//! A web server on this machine that does what a test tells it to, one connection after another.
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What to answer to one request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// The file, or the range of it that was asked for.
    File(Vec<u8>),
    /// The whole file even where a range was asked for.
    Whole(Vec<u8>),
    /// The file's length, but only so many of its bytes.
    Cut(Vec<u8>, usize),
    /// Another address.
    Redirect(String),
    /// An error.
    Status(u16),
}

pub(crate) struct Server {
    /// `http://127.0.0.1:<port>`.
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers each request with the next answer, then with the last one again and again.
    pub(crate) fn new(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for (index, stream) in listener.incoming().enumerate() {
                let answer = &answers[index.min(answers.len() - 1)];
                // A client that hangs up early is part of what is tested.
                let _result = stream.and_then(|stream| serve(stream, answer, &seen));
            }
        });
        Self { url, requests }
    }

    /// First line and range of every request so far, `GET /x HTTP/1.1 bytes=5-`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, answer: &Answer, seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut request = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut start = 0;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(range) = line.strip_prefix("range: ") {
            request = format!("{request} {range}");
            start = range["bytes=".len()..range.len() - 1].parse().unwrap();
        }
    }
    seen.lock().unwrap().push(request);
    let head = |status: &str, length: usize| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n")
    };
    let (head, body) = match answer {
        Answer::File(file) if start > 0 && start >= file.len() => {
            (head("416 Range Not Satisfiable", 0), &[][..])
        }
        Answer::File(file) if start > 0 => {
            let range =
                format!("Content-Range: bytes {start}-{}/{}\r\n", file.len() - 1, file.len());
            (head("206 Partial Content", file.len() - start) + &range, &file[start..])
        }
        Answer::File(file) | Answer::Whole(file) => (head("200 OK", file.len()), file.as_slice()),
        Answer::Cut(file, sent) => (head("200 OK", file.len()), &file[..*sent]),
        Answer::Redirect(to) => (head("302 Found", 0) + &format!("Location: {to}\r\n"), &[][..]),
        Answer::Status(status) => (head(&format!("{status} No"), 0), &[][..]),
    };
    stream.write_all(head.as_bytes())?;
    stream.write_all(b"\r\n")?;
    stream.write_all(body)
}
