//! Streams that break: cut connections, a server that restarts, one that stays away.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::{Client, ClientError, Retry};

const QUICK: Retry =
    Retry { attempts: 6, first_wait: Duration::from_millis(40), longest_wait: Duration::from_millis(200) };

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

fn event(number: u32) -> String {
    let data = json!({ "data": { "number": number } });
    format!("id: {number}\nevent: next\ndata: {data}\n\n")
}

const COMPLETE: &str = "event: complete\ndata:\n\n";

/// What is done with a connection.
#[derive(Clone)]
enum Life {
    /// This is written, and the connection ends.
    Says(String),
    /// Nobody listens for so long.
    Away(Duration),
}

impl Life {
    fn says(text: &str) -> Self {
        Self::Says(format!("{HEAD}{text}"))
    }
}

/// A server that lives these lives on one address, and remembers from where it was asked each time.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    async fn living(lives: Vec<Life>) -> Self {
        let mut listener = Some(TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = listener.as_ref().unwrap().local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        tokio::spawn(async move {
            for life in lives {
                match life {
                    Life::Away(time) => {
                        drop(listener.take());
                        tokio::time::sleep(time).await;
                        listener = Some(TcpListener::bind(address).await.unwrap());
                    }
                    Life::Says(text) => {
                        let (mut stream, _) = listener.as_ref().unwrap().accept().await.unwrap();
                        let asked = read(&mut stream).await;
                        seen.lock().unwrap().push(asked["after"].clone());
                        let _ = stream.write_all(text.as_bytes()).await;
                    }
                }
            }
        });
        Self { url: format!("http://{address}"), asked }
    }

    /// The numbers that a follower is told, how that ended, and from where it asked.
    async fn followed(&self, enough: u64) -> (Vec<u64>, Result<(), ClientError>, Vec<Value>) {
        let client = Client::new(&self.url).unwrap().with_retry(QUICK);
        let mut numbers = Vec::new();
        let ended = client
            .follow_any(
                None,
                |after| json!({ "after": after }),
                |data: Value| {
                    let number = data["number"].as_u64().unwrap();
                    numbers.push(number);
                    Ok::<_, ClientError>((number < enough).then(|| number.to_string()))
                },
            )
            .await;
        (numbers, ended, self.asked.lock().unwrap().clone())
    }
}

async fn read(stream: &mut TcpStream) -> Value {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str(body)
        {
            return body;
        }
        let mut buffer = [0; 1024];
        let length = stream.read(&mut buffer).await.unwrap();
        bytes.extend_from_slice(&buffer[..length]);
    }
}

#[tokio::test]
async fn a_stream_ends_with_the_subscription() {
    let server = Server::living(vec![Life::says(&format!(":\n\n{}{}{COMPLETE}", event(1), event(2)))]).await;
    let (numbers, ended, asked) = server.followed(9).await;
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!((numbers, asked), (vec![1, 2], vec![Value::Null]));
}

#[tokio::test]
async fn a_stream_ends_when_enough_was_heard() {
    let server = Server::living(vec![Life::says(&format!("{}{}", event(1), event(2)))]).await;
    assert_eq!(server.followed(1).await.0, [1]);
}

#[tokio::test]
async fn a_cut_connection_is_taken_up_behind_the_last_event() {
    let half = &event(3)[..20];
    let server = Server::living(vec![
        Life::says(&format!("{}{}{half}", event(1), event(2))),
        // Cut before anything is told, and at once.
        Life::says(":\n\n"),
        Life::Says(String::new()),
        Life::says(&format!("{}{COMPLETE}", event(3))),
    ])
    .await;
    let (numbers, ended, asked) = server.followed(9).await;
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(asked, [json!(null), json!("2"), json!("2"), json!("2")]);
}

#[tokio::test]
async fn a_server_that_restarts_is_waited_for() {
    let busy = "HTTP/1.1 503 x\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n\
                {\"errors\":[{\"message\":\"no room\",\"extensions\":{\"code\":\"UNAVAILABLE\"}}]}";
    let server = Server::living(vec![
        Life::says(&event(1)),
        Life::Away(Duration::from_millis(60)),
        Life::Says(busy.to_owned()),
        Life::says(&format!("{}{COMPLETE}", event(2))),
    ])
    .await;
    let (numbers, ended, asked) = server.followed(9).await;
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(numbers, [1, 2]);
    assert_eq!(asked, [json!(null), json!("1"), json!("1")]);
}

#[tokio::test]
async fn a_server_that_stays_away_is_given_up() {
    let server = Server::living(vec![Life::says(&event(1)), Life::Away(Duration::from_secs(600))]).await;
    let (numbers, ended, _) = server.followed(9).await;
    assert_eq!(numbers, [1]);
    assert!(matches!(ended, Err(ClientError::Unreachable { .. })), "{ended:?}");
}

/// Each connection breaks after a sign of life: nothing happens, but the server is there.
#[tokio::test]
async fn a_quiet_stream_may_break_any_number_of_times() {
    let mut lives = vec![Life::says(":\n\n"); 12];
    lives.push(Life::says(&format!("{}{COMPLETE}", event(1))));
    let (numbers, ended, _) = Server::living(lives).await.followed(9).await;
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(numbers, [1]);
}

#[rstest]
#[case::in_the_stream(HEAD, "event: next\ndata: BODY\n\nevent: complete\ndata:\n\n")]
#[case::before_it("HTTP/1.1 401 x\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n", "BODY")]
#[tokio::test]
async fn what_the_server_refuses_ends_it(#[case] head: &str, #[case] text: &str) {
    let body = json!({ "errors": [{ "message": "sign in", "extensions": { "code": "UNAUTHENTICATED" } }] });
    let text = format!("{head}{}", text.replace("BODY", &body.to_string()));
    let (numbers, ended, asked) = Server::living(vec![Life::Says(text)]).await.followed(9).await;
    assert_eq!(ended.unwrap_err().code(), Some("UNAUTHENTICATED"));
    assert_eq!((numbers.len(), asked.len()), (0, 1));
}
