//! Serves the schema of the tests, for conformance suites and load generators: `target [address]`.
#![expect(clippy::print_stdout, reason = "the address is what its caller waits for")]
#![expect(clippy::disallowed_methods, reason = "an example has no configuration and no shutdown of its own")]

#[path = "../tests/support/mod.rs"]
mod support;

use axum::routing::get;
use guildhall_front::{ListenerLimits, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), std::io::Error> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:4999".to_owned());
    let front = support::front(support::free());
    let listener = TcpListener::bind(address).await?;
    println!("http://{}/graphql", listener.local_addr()?);
    let shutdown = CancellationToken::new();
    let (signal, streams) = (shutdown.clone(), front.clone());
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            streams.close_streams();
            streams.streams_closed().await;
            signal.cancel();
        }
    });
    let sdl = support::schema().sdl();
    let router = front.router().route("/schema.graphql", get(async move || sdl));
    serve(listener, router, ListenerLimits::default(), shutdown).await;
    Ok(())
}
