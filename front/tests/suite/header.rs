//! What the listener asks of the header of a request, byte by byte.

use guildhall_front::ListenerLimits;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    client::{Server, listen, soon},
    support::free,
};

/// The whole answer to a request with these header fields, after which the connection ends.
async fn answer(server: &Server, version: &str, fields: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!("POST /graphql {version}\r\ncontent-type: application/json\r\n{fields}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn is_refused(answer: &str, status: &str, message: &str) -> bool {
    answer.starts_with(&format!("HTTP/1.1 {status} "))
        && answer.contains("connection: close")
        && answer.contains("x-request-id: ")
        && answer.contains(message)
        && answer.contains(r#""code":"BAD_REQUEST""#)
}

#[tokio::test]
async fn a_request_has_one_host() {
    let server = listen(free(), ListenerLimits::default()).await;
    let body = "content-length: 19\r\n\r\n{\"query\":\"{hello}\"}";
    for (fields, message) in [
        ("", "no `Host`"),
        ("host: a\r\nhost: b\r\n", "more than one `Host`"),
        ("host: a\r\nhost: a\r\n", "more than one `Host`"),
        ("host: a b\r\n", "no host with an optional port"),
        ("host: a/b\r\n", "no host with an optional port"),
        ("host: user@a\r\n", "no host with an optional port"),
        ("host: a:port\r\n", "no host with an optional port"),
    ] {
        let answer = answer(&server, "HTTP/1.1", &format!("{fields}{body}")).await;
        assert!(is_refused(&answer, "400", message), "{fields}: {answer}");
    }
    for (version, fields) in [
        ("HTTP/1.1", "host: a\r\n"),
        ("HTTP/1.1", "host: [::1]:8080\r\n"),
        ("HTTP/1.1", "host:\r\n"),
        ("HTTP/1.0", ""),
        ("HTTP/1.0", "host: a:80\r\n"),
    ] {
        let answer = answer(&server, version, &format!("{fields}{body}")).await;
        assert!(answer.contains(r#"{"data":{"hello":"world"}}"#), "{fields}: {answer}");
    }
    let answer = answer(&server, "HTTP/1.0", &format!("host: a\r\nhost: b\r\n{body}")).await;
    assert!(answer.contains(" 400 "), "{answer}");
}

#[tokio::test]
async fn bodies_are_chunked_once_or_not_at_all() {
    let server = listen(free(), ListenerLimits::default()).await;
    let body = "\r\n13\r\n{\"query\":\"{hello}\"}\r\n0\r\n\r\n";
    for fields in [
        "transfer-encoding: foo, chunked\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: chunked, chunked\r\n",
        "transfer-encoding: identity, chunked\r\n",
        "transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n",
    ] {
        let answer = answer(&server, "HTTP/1.1", &format!("host: a\r\n{fields}{body}")).await;
        assert!(is_refused(&answer, "501", "transfer coding"), "{fields}: {answer}");
    }
    for fields in ["transfer-encoding: chunked\r\n", "transfer-encoding: , Chunked\r\n"] {
        let answer = answer(&server, "HTTP/1.1", &format!("host: a\r\n{fields}{body}")).await;
        assert!(answer.contains(r#"{"data":{"hello":"world"}}"#), "{fields}: {answer}");
    }
}

#[tokio::test]
async fn a_handshake_says_its_version_and_a_key_of_sixteen_bytes() {
    let server = listen(free(), ListenerLimits::default()).await;
    let handshake = async |fields: &str| {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = "GET /graphql HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n";
        stream.write_all(format!("{head}{fields}\r\n").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        soon(stream.read_to_end(&mut answer)).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    };
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for version in
        ["", "sec-websocket-version: 12\r\n", "sec-websocket-version: 13\r\nsec-websocket-version: 8\r\n"]
    {
        let answer = handshake(&format!("{key}{version}")).await;
        assert!(answer.starts_with("HTTP/1.1 426 "), "{version}: {answer}");
        for part in [
            "sec-websocket-version: 13\r\n",
            "upgrade: websocket\r\n",
            "connection: upgrade\r\n",
            "BAD_REQUEST",
        ] {
            assert!(answer.contains(part), "{version}: {part} in {answer}");
        }
    }
    for key in [
        "",
        "sec-websocket-key:\r\n",
        "sec-websocket-key: abc\r\n",
        "sec-websocket-key: SGVsbG8sIHdvcmxkIQ==\r\n",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ\r\n",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    ] {
        let answer = handshake(&format!("{key}sec-websocket-version: 13\r\n")).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 ") && answer.contains("Sec-WebSocket-Key"),
            "{key}: {answer}"
        );
    }
    let answer = handshake(&format!("{key}sec-websocket-version: 13\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
}
