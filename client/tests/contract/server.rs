//! A server that answers what a test tells it to, one connection after the other, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One answer.
pub(crate) enum Answer {
    /// Status line and headers, then the body; its length is sent with it.
    Whole { head: String, body: String },
    /// The connection ends without an answer.
    Hangup,
}

impl Answer {
    pub(crate) fn new(status: u16, media_type: &str, body: &str) -> Self {
        Self::Whole {
            head: format!("HTTP/1.1 {status} x\r\ncontent-type: {media_type}\r\n"),
            body: body.to_owned(),
        }
    }

    pub(crate) fn graphql(status: u16, body: &str) -> Self {
        Self::new(status, "application/graphql-response+json; charset=utf-8", body)
    }
}

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Request line and headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(crate) async fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let mut answers = VecDeque::from_iter(answers);
        tokio::spawn(async move {
            while let Some(answer) = answers.pop_front() {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read(&mut stream).await;
                seen.lock().unwrap().push(request);
                if let Answer::Whole { head, body } = answer {
                    let text =
                        format!("{head}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
                    // A client that has seen enough hangs up.
                    let _ = stream.write_all(text.as_bytes()).await;
                }
            }
        });
        Self { url, requests }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

async fn read(stream: &mut TcpStream) -> Request {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Request { head, body: body.to_owned() };
            }
        }
        match stream.read(&mut buffer).await.unwrap() {
            0 => panic!("the client hung up in the middle of a request"),
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}
