//! HTTP/2 without TLS, as a proxy speaks it.

use guildhall_front::ListenerLimits;
use reqwest::{Client, Version};

use crate::{
    client::{NEW, listen, soon},
    support::free,
};

#[tokio::test]
async fn requests_share_a_connection() {
    let server = listen(free(), ListenerLimits { connections: 1, ..ListenerLimits::default() }).await;
    let client = Client::builder().http2_prior_knowledge().build().unwrap();
    let url = format!("http://{}/graphql", server.address);
    let ask = async |query: &str| {
        let body = format!(r#"{{"query":"{query}"}}"#);
        let request =
            client.post(&url).header("content-type", "application/json").header("accept", NEW).body(body);
        let response = request.send().await.unwrap();
        (response.version(), response.text().await.unwrap())
    };
    // The slow request is answered while others come and go beside it.
    let (slow, quick) = soon(async { tokio::join!(ask("{ slow(ms: 100) }"), ask("{ hello }")) }).await;
    assert_eq!(slow, (Version::HTTP_2, r#"{"data":{"slow":true}}"#.to_owned()));
    assert_eq!(quick, (Version::HTTP_2, r#"{"data":{"hello":"world"}}"#.to_owned()));
}
