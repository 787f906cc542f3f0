//! What clients learn of prices and budgets: `rateLimit`, dry or not.

use guildhall::app::Options;
use guildhall_front::Limits;
use serde_json::{Value, json};

use crate::serving::ask;

fn limited(points: u64) -> Options {
    Options { limits: Limits { rate_points_per_minute: points, ..Limits::default() }, ..Options::default() }
}

async fn query(options: Options, text: &str, variables: Value) -> (u16, Value) {
    ask(options, json!({ "query": text, "variables": variables })).await
}

const PRICED: &str = "query Priced($dry: Boolean!, $first: Int!) {
    rateLimit(dryRun: $dry) { cost limit remaining used resetAt breakdown { path cost } }
    organizations(first: $first) { nodes { name members(first: 100) { nodes { user { username } } } } }
}";

#[tokio::test]
async fn a_dry_run_prices_by_path_what_would_be_refused_and_runs_nothing() {
    let (status, answer) = query(limited(200), PRICED, json!({ "dry": true, "first": 100 })).await;
    // A connection, 100 organizations with a connection each, and 100 members of each with their users.
    let members = 100 * (1 + 100 * 2);
    let expected = json!({ "data": { "rateLimit": {
        "cost": 1 + 100 + members,
        "limit": 200,
        "remaining": 199,
        "used": 1,
        // Of 200 points a minute, one takes 0.3 s to come back; told in whole seconds.
        "resetAt": "2026-11-24T08:00:01.000000Z",
        "breakdown": [
            { "path": "organizations", "cost": 1 + 100 + members },
            { "path": "organizations.nodes", "cost": 100 + members },
            { "path": "organizations.nodes.members", "cost": members },
            { "path": "organizations.nodes.members.nodes", "cost": 100 * 100 * 2 },
            { "path": "organizations.nodes.members.nodes.user", "cost": 100 * 100 },
        ],
    } } });
    assert_eq!((status, answer), (200, expected));
    let (status, answer) = query(limited(200), PRICED, json!({ "dry": false, "first": 100 })).await;
    assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (400, &json!("QUERY_TOO_COMPLEX")));
}

#[tokio::test]
async fn the_price_is_told_beside_the_answer() {
    let text = "{ rateLimit { cost limit remaining used } deployment { version } viewer { id } }";
    let (status, answer) = query(limited(100), text, json!({})).await;
    assert_eq!(status, 200);
    assert_eq!(answer["data"]["rateLimit"], json!({ "cost": 2, "limit": 100, "remaining": 98, "used": 2 }));
    assert!(answer["data"]["deployment"]["version"].is_string());
}

#[tokio::test]
async fn there_is_no_budget_where_there_is_no_limit() {
    let text = "{ rateLimit { cost limit remaining used resetAt breakdown { path } } }";
    let (_, answer) = query(limited(0), text, json!({})).await;
    let nothing = json!({ "cost": 1, "limit": null, "remaining": null, "used": null, "resetAt": null, "breakdown": [] });
    assert_eq!(answer["data"]["rateLimit"], nothing);
}
