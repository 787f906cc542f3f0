//! A small application behind the front, for fuzzing: every request is answered, whatever it is.

use std::sync::{Arc, LazyLock};

use async_graphql::{
    EmptyMutation, EmptySubscription, InputObject, Json, Object, Request, Schema, ValidationMode, Value,
};
use axum::{Router, body::Body};
use guildhall_front::{Ended, Front, Host, Limits, Peer, RateKey, Refusal, RequestMeta, RequestRecord};
use http::{StatusCode, header};
use http_body_util::BodyExt as _;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

struct Everyone;

impl Host for Everyone {
    type Identity = ();
    type Work = ();
    type Audience = ();

    async fn authenticate(&self, _: Option<&str>, _: &Peer) -> Result<(), Refusal> {
        Ok(())
    }

    fn prepare(&self, request: Request, (): &(), _: &Arc<RequestMeta>) -> (Request, ()) {
        (request, ())
    }

    fn ended(&self, (): &()) -> impl Future<Output = Ended> + Send + 'static {
        std::future::pending()
    }

    fn rate_key(&self, (): &(), _: &Peer) -> Option<RateKey> {
        Some(RateKey::of(&()))
    }

    fn audience(&self, (): &()) -> Option<()> {
        Some(())
    }

    fn observe(&self, _: &RequestRecord<'_, Self>) {}
}

#[derive(InputObject)]
struct Filter {
    name: String,
    #[graphql(default = 3)]
    size: i32,
    tags: Option<Vec<String>>,
    inner: Option<Box<Filter>>,
}

struct Node;

#[Object]
impl Node {
    async fn id(&self) -> &'static str {
        "node"
    }
    async fn next(&self) -> Node {
        Node
    }
    async fn page(&self, first: Option<i32>) -> Vec<Node> {
        (0..first.unwrap_or(1).clamp(0, 3)).map(|_| Node).collect()
    }
}

struct Query;

#[Object]
impl Query {
    async fn node(&self) -> Node {
        Node
    }
    async fn echo(&self, text: String) -> String {
        text
    }
    async fn json(&self, value: Json<Value>) -> Json<Value> {
        value
    }
    async fn filter(&self, filter: Filter) -> i32 {
        let depth = std::iter::successors(filter.inner.as_deref(), |inner| inner.inner.as_deref()).count();
        let tags = filter.tags.map_or(0, |tags| tags.len());
        filter.size.saturating_add((filter.name.len() + depth + tags) as i32)
    }
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without threads starts")
});

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    let schema =
        Schema::build(Query, EmptyMutation, EmptySubscription).validation_mode(ValidationMode::Fast).finish();
    let sdl = schema.sdl();
    let limits = Limits { rate_points_per_minute: 0, ..Limits::default() };
    Front::new(Everyone, schema, &sdl, limits).expect("the schema above is valid").router()
});

/// Sends a body and checks what must hold for every answer.
///
/// # Panics
/// When the answer is a fault of the server, is not JSON, or has neither data nor errors with a code.
pub fn send(body: Vec<u8>) {
    let request = http::Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/graphql-response+json")
        .body(Body::from(body))
        .expect("the parts of the request are constants");
    RUNTIME.block_on(async {
        let response = ROUTER.clone().oneshot(request).await.expect("the router does not fail");
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("the body is in memory").to_bytes();
        assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "{}", String::from_utf8_lossy(&bytes));
        let json: serde_json::Value = serde_json::from_slice(&bytes).expect("every answer is JSON");
        for error in json["errors"].as_array().into_iter().flatten() {
            let code = error["extensions"]["code"].as_str().expect("every error has a code");
            assert_ne!(code, "INTERNAL_SERVER_ERROR", "{json}");
        }
        assert!(json.get("data").is_some() || json["errors"].is_array(), "{json}");
        assert_eq!(json.get("data").is_some(), status == StatusCode::OK, "{json}");
    });
}
