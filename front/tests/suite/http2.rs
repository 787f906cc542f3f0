//! HTTP/2 without TLS, as a proxy speaks it.

use std::time::Duration;

use guildhall_front::ListenerLimits;
use reqwest::{Client, Version};
use tokio::time::Instant;

use crate::{
    client::{NEW, Server, listen, soon},
    support::free,
};

async fn ask(
    client: &Client,
    server: &Server,
    accept: &str,
    query: &str,
) -> reqwest::Result<reqwest::Response> {
    let body = format!(r#"{{"query":"{query}"}}"#);
    let request = client.post(format!("http://{}/graphql", server.address));
    request.header("content-type", "application/json").header("accept", accept).body(body).send().await
}

#[tokio::test]
async fn requests_share_a_connection() {
    let server = listen(free(), ListenerLimits { connections: 1, ..ListenerLimits::default() }).await;
    let client = Client::builder().http2_prior_knowledge().build().unwrap();
    let ask = async |query: &str| {
        let response = ask(&client, &server, NEW, query).await.unwrap();
        (response.version(), response.text().await.unwrap())
    };
    // The slow request is answered while others come and go beside it.
    let (slow, quick) = soon(async { tokio::join!(ask("{ slow(ms: 100) }"), ask("{ hello }")) }).await;
    assert_eq!(slow, (Version::HTTP_2, r#"{"data":{"slow":true}}"#.to_owned()));
    assert_eq!(quick, (Version::HTTP_2, r#"{"data":{"hello":"world"}}"#.to_owned()));
}

#[tokio::test]
async fn an_answer_that_is_not_taken_is_given_up() {
    for window in [0, 65_535] {
        let limits = ListenerLimits { connections: 1, write_stall_ms: 200, ..ListenerLimits::default() };
        let server = listen(free(), limits).await;
        let client = Client::builder()
            .http2_prior_knowledge()
            .http2_initial_stream_window_size(window)
            .build()
            .unwrap();
        let started = Instant::now();
        let mut unread = Vec::new();
        for _ in 0..3 {
            unread.push(soon(ask(&client, &server, NEW, "{ big(bytes: 1000000) }")).await.unwrap());
        }
        // There is room for one connection: another is served when this one has ended.
        let other = Client::new();
        let answer = soon(ask(&other, &server, NEW, "{ hello }")).await.unwrap();
        assert_eq!(soon(answer.text()).await.unwrap(), r#"{"data":{"hello":"world"}}"#);
        assert!(started.elapsed() >= Duration::from_millis(200), "{:?}", started.elapsed());
        assert!(soon(unread.pop().unwrap().text()).await.is_err());
    }
}

#[tokio::test]
async fn answers_beside_one_that_is_not_taken_end() {
    let limits = ListenerLimits { write_stall_ms: 1_000, ..ListenerLimits::default() };
    let server = listen(free(), limits).await;
    let client = Client::builder().http2_prior_knowledge().http2_initial_stream_window_size(1_000);
    let client = client.build().unwrap();
    let unread = soon(ask(&client, &server, NEW, "{ big(bytes: 1000000) }")).await.unwrap();
    // It ends when the connection takes no further request, and has not been closed.
    let answer = soon(ask(&client, &server, NEW, "{ slow(ms: 700) }")).await.unwrap();
    assert_eq!(soon(answer.text()).await.unwrap(), r#"{"data":{"slow":true}}"#);
    drop(unread);
}

#[tokio::test]
async fn a_stream_that_has_nothing_to_send_is_not_unread() {
    let limits = ListenerLimits { write_stall_ms: 100, ..ListenerLimits::default() };
    let server = listen(free(), limits).await;
    let client = Client::builder().http2_prior_knowledge().build().unwrap();
    let query = "subscription { ticks(count: 2, intervalMs: 300) }";
    let answer = soon(ask(&client, &server, "text/event-stream", query)).await.unwrap();
    let text = soon(answer.text()).await.unwrap();
    assert!(text.contains(r#""ticks":2"#) && text.contains("event: complete"), "{text}");
}
