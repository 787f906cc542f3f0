//! The listener: timers, header limits, draining.

use std::time::Duration;

use guildhall_front::ListenerLimits;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

use crate::{
    client::{listen, soon},
    support::free,
};

fn quick() -> ListenerLimits {
    ListenerLimits {
        header_read_ms: 100,
        idle_ms: 400,
        write_stall_ms: 100,
        drain_ms: 2_000,
        ..ListenerLimits::default()
    }
}

fn request(query: &str) -> String {
    let body = format!(r#"{{"query":"{query}"}}"#);
    let head = "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length";
    format!("{head}: {}\r\n\r\n{body}", body.len())
}

/// Reads until the text is there.
async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut seen = Vec::new();
    soon(async {
        loop {
            let mut chunk = [0; 4_096];
            let count = stream.read(&mut chunk).await.unwrap();
            assert!(count > 0, "closed after {}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&chunk[..count]);
            let read = String::from_utf8_lossy(&seen).into_owned();
            if read.contains(text) {
                return read;
            }
        }
    })
    .await
}

/// How long the other end stays open.
async fn closes(stream: &mut TcpStream) -> Duration {
    let started = Instant::now();
    let mut rest = Vec::new();
    // A reset is an end, too.
    let _ = soon(stream.read_to_end(&mut rest)).await;
    started.elapsed()
}

#[tokio::test]
async fn a_header_that_trickles_in_is_cut_off() {
    let server = listen(free(), quick()).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    assert!(closes(&mut silent).await < Duration::from_secs(2));
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    let started = Instant::now();
    let trickle = async {
        for byte in request("{hello}").bytes().take(100) {
            if slow.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(trickle).await;
    assert!(closes(&mut slow).await + started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_preface_that_trickles_in_is_cut_off() {
    let server = listen(free(), ListenerLimits { idle_ms: 20_000, ..quick() }).await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let whole = [preface.as_slice(), &settings].concat();
    for sent in [&whole[..3], &whole[..8], &whole[..24], &whole[..30]] {
        let mut silent = TcpStream::connect(server.address).await.unwrap();
        silent.write_all(sent).await.unwrap();
        assert!(closes(&mut silent).await < Duration::from_secs(2), "{sent:?}");
    }
    let mut slow = TcpStream::connect(server.address).await.unwrap();
    let started = Instant::now();
    slow.write_all(&whole[..3]).await.unwrap();
    for byte in &whole[3..] {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if slow.write_all(&[*byte]).await.is_err() {
            break;
        }
    }
    assert!(closes(&mut slow).await + started.elapsed() < Duration::from_secs(2));
    let mut quick = TcpStream::connect(server.address).await.unwrap();
    quick.write_all(&whole).await.unwrap();
    // Longer than the time for a header.
    tokio::time::sleep(Duration::from_millis(300)).await;
    quick.write_all(&[0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]).await.unwrap();
    let mut frames = Vec::new();
    soon(async {
        // The answer to the ping.
        while !frames.ends_with(&[0, 0, 8, 6, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]) {
            assert!(quick.read_buf(&mut frames).await.unwrap() > 0, "{frames:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_connection_lives_between_requests_and_while_one_runs() {
    let server = listen(free(), quick()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // Longer than the timers for headers and silence.
    stream.write_all(request("{ slow(ms: 600) }").as_bytes()).await.unwrap();
    read_until(&mut stream, r#"{"slow":true}"#).await;
    for _ in 0..2 {
        // Longer than the time for a header, shorter than the time for silence.
        tokio::time::sleep(Duration::from_millis(200)).await;
        stream.write_all(request("{hello}").as_bytes()).await.unwrap();
        read_until(&mut stream, r#"{"hello":"world"}"#).await;
    }
    let open = closes(&mut stream).await;
    assert!(open > Duration::from_millis(200) && open < Duration::from_secs(2), "{open:?}");
}

#[tokio::test]
async fn large_headers_are_431_with_a_body() {
    let server = listen(free(), ListenerLimits::default()).await;
    for headers in ["a: b\r\n".repeat(80), "a: b\r\n".repeat(200), format!("a: {}\r\n", "b".repeat(40_000))] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream
            .write_all(format!("POST /graphql HTTP/1.1\r\nhost: x\r\n{headers}\r\n").as_bytes())
            .await
            .unwrap();
        let reply = read_until(&mut stream, "requestId").await;
        assert!(reply.starts_with("HTTP/1.1 431") && reply.contains("BAD_REQUEST"), "{reply}");
    }
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // Past what is read at all, the answer has no body.
    let _ =
        stream.write_all(format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(1 << 20)).as_bytes()).await;
    assert!(closes(&mut stream).await < Duration::from_secs(5));
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request("{hello}").as_bytes()).await.unwrap();
    read_until(&mut stream, "world").await;
}

#[tokio::test]
async fn an_answer_that_is_not_read_is_given_up() {
    let server = listen(free(), quick()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request("{ big(bytes: 30000000) }").as_bytes()).await.unwrap();
    read_until(&mut stream, "HTTP/1.1 200").await;
    // Longer than the time an answer may lie unread.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut rest = Vec::new();
    let _ = soon(stream.read_to_end(&mut rest)).await;
    assert!(rest.len() < 30_000_000, "{}", rest.len());
}

#[tokio::test]
async fn shutdown_lets_requests_end() {
    let server = listen(free(), quick()).await;
    let mut running = TcpStream::connect(server.address).await.unwrap();
    running.write_all(request("{ slow(ms: 300) }").as_bytes()).await.unwrap();
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    idle.write_all(request("{hello}").as_bytes()).await.unwrap();
    read_until(&mut idle, "world").await;
    server.shutdown.cancel();
    read_until(&mut running, r#"{"slow":true}"#).await;
    soon(server.task).await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}
