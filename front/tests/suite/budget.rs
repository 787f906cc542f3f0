//! Cost, rate limits and dry runs.

use guildhall_front::Limits;
use http::StatusCode;
use serde_json::json;

use crate::client::{post, query, query_with, router, router_with, send};

#[tokio::test]
async fn a_costly_operation_is_refused_with_its_numbers() {
    let text = "query($n: Int) { people(first: $n) { nodes { friends(first: 100) { nodes { friend { name } } } } } }";
    let reply = query_with(&router(), text, json!({"n": 100})).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::BAD_REQUEST, "QUERY_TOO_COMPLEX"));
    let extensions = &reply.json()["errors"][0]["extensions"];
    assert_eq!(
        (&extensions["limit"], &extensions["actual"]),
        (&json!(10_000), &json!(1 + 100 * (1 + 1 + 100 * 2)))
    );
    assert_eq!(query_with(&router(), text, json!({"n": 2})).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_cost_is_reported_by_path_when_asked_for() {
    let body = json!({"query": "{ people(first: 10) { nodes { name } } }", "extensions": {"cost": true}});
    let reply = send(&router(), post(body.to_string())).await;
    let cost = json!({"requested": 11, "used": 11, "byPath": {"people": 11, "people.nodes": 10}});
    assert_eq!(reply.json()["extensions"]["cost"], cost);
    assert_eq!(reply.header("x-query-cost"), "11");
}

#[tokio::test]
async fn points_run_out_and_what_was_not_used_comes_back() {
    let router = router_with(Limits { rate_points_per_minute: 60, ..Limits::default() });
    // Asks for 51 points and uses 26: two edges short of a page.
    let reply = query(&router, "{ people { nodes { friend { name } } totalCount } }").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!((reply.header("ratelimit-limit"), reply.header("x-query-cost")), ("60", "51"));
    assert_eq!(reply.header("ratelimit-remaining"), "9");
    let reply = query(&router, "{ people(first: 20) { nodes { name } } }").await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"));
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((10..=12).contains(&wait), "{wait}");
    assert_eq!(query(&router, "{ hello }").await.status, StatusCode::OK);
    // The page is announced at 100 and answered with none: all but one point comes back.
    let limits = Limits { rate_points_per_minute: 200, page_default: 100, ..Limits::default() };
    let reply = query(&router_with(limits), "{ people(first: 0, last: 100) { nodes { name } } }").await;
    assert_eq!((reply.header("x-query-cost"), reply.header("ratelimit-remaining")), ("1", "199"));
}

#[tokio::test]
async fn nonsense_costs_points_too() {
    let router = router_with(Limits { rate_points_per_minute: 5, ..Limits::default() });
    for _ in 0..5 {
        assert_eq!(query(&router, "{").await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(query(&router, "{ hello }").await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_dry_run_costs_one_point_and_runs_nothing_else() {
    let router = router_with(Limits { rate_points_per_minute: 100, ..Limits::default() });
    let text = "query($dry: Boolean!) { rateLimit(dryRun: $dry) people(first: 50) { nodes { name } } }";
    let reply = query_with(&router, text, json!({"dry": true})).await;
    assert_eq!(reply.text, r#"{"data":{"rateLimit":"cost 51 remaining 99 dry true"}}"#);
    let reply = query_with(&router, text, json!({"dry": false})).await;
    assert_eq!(reply.json()["data"]["rateLimit"], "cost 51 remaining 48 dry false");
    assert!(reply.json()["data"]["people"].is_object());
    // One of several is enough.
    let text = "query($dry: Boolean!) { a: rateLimit(dryRun: $dry) b: rateLimit(dryRun: true) hello }";
    let reply = query_with(&router, text, json!({"dry": false})).await;
    assert!(reply.json()["data"].get("hello").is_none(), "{}", reply.text);
}

#[tokio::test]
async fn load_is_shed() {
    let router = router_with(Limits { in_flight_cost: 10, rate_points_per_minute: 0, ..Limits::default() });
    let text = "{ slow(ms: 60000) people(first: 6) { nodes { name } } }";
    let running = tokio::spawn({
        let router = router.clone();
        async move { query(&router, text).await }
    });
    // Something is in flight once further queries are refused.
    let refused = crate::client::soon(async {
        loop {
            let reply = query(&router, "{ people(first: 6) { nodes { name } } }").await;
            if reply.status != StatusCode::OK {
                return reply;
            }
            tokio::task::yield_now().await;
        }
    });
    let reply = refused.await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"));
    assert_eq!(reply.header("retry-after"), "1");
    assert_eq!(query(&router, "{ hello }").await.status, StatusCode::OK);
    running.abort();
    crate::client::soon(async {
        while query(
            &router,
            text.trim_start_matches("{ slow(ms: 60000)").replace("people", "{ people").as_str(),
        )
        .await
        .status
            != StatusCode::OK
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn mutations_are_shed_after_queries() {
    let router = router_with(Limits { in_flight_cost: 50, rate_points_per_minute: 0, ..Limits::default() });
    // 36 of the 40 points that queries may have at once.
    let running = tokio::spawn({
        let router = router.clone();
        async move { query(&router, "{ slow(ms: 60000) people(first: 35) { nodes { name } } }").await }
    });
    let page = "{ people(first: 5) { nodes { name } } }";
    crate::client::soon(async {
        while query(&router, page).await.status == StatusCode::OK {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let written = query(&router, "mutation { write { id } }").await;
    assert_eq!((written.status, written.header("x-query-cost")), (StatusCode::OK, "11"));
    assert_eq!(query(&router, page).await.status, StatusCode::SERVICE_UNAVAILABLE);
    running.abort();
}
