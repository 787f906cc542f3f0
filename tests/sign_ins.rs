//! Guessing passwords is slow, and locks nobody out.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use chrono::TimeDelta;
use futures_util::future::join_all;
use guildhall::app::Options;
use http::{Request, header};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, PASSWORD, TestApp};

const SIGN_IN: &str = "mutation($input: SignInInput!) {
    signIn(input: $input) { token userErrors { message } }
}";

async fn started(backend: Backend) -> Option<TestApp> {
    TestApp::with(backend, Options { sign_ins_per_minute: 10, ..Options::default() }).await
}

/// Tries to sign in from an address; answers the body.
async fn attempt(app: &TestApp, from: &str, login: &str, password: &str) -> Value {
    let input = json!({ "login": login, "password": password });
    let body = json!({ "query": SIGN_IN, "variables": { "input": input } }).to_string();
    let mut request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/graphql-response+json")
        .body(Body::from(body))
        .unwrap();
    let ip = from.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(ip, 4000)));
    serde_json::from_slice(&app.send(request).await.1).unwrap()
}

fn is_limited(answer: &Value) -> bool {
    answer["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
}

fn is_in(answer: &Value) -> bool {
    answer["data"]["signIn"]["token"].is_string()
}

#[rstest]
#[tokio::test]
async fn an_account_has_ten_attempts_a_minute_from_wherever(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = started(backend).await else { return };
    app.owner().await;
    for i in 0..10 {
        // By either name of the account, in any case.
        let login = [" Olga-Owner", "OLGA@example.com"][i % 2];
        let answer = attempt(&app, &format!("10.0.0.{i}"), login, "a guess").await;
        assert!(!is_limited(&answer) && !is_in(&answer), "{i}: {answer:#}");
    }
    let answer = attempt(&app, "10.0.0.99", "olga-owner", PASSWORD).await;
    assert!(is_limited(&answer), "{answer:#}");
    let extensions = &answer["errors"][0]["extensions"];
    assert_eq!((&extensions["limit"], &extensions["retryAfter"]), (&json!(10), &json!(60)));
    assert!(answer["data"]["signIn"].is_null());

    app.clock.advance(TimeDelta::seconds(59));
    assert!(is_limited(&attempt(&app, "10.0.0.98", "olga-owner", PASSWORD).await));
    app.clock.advance(TimeDelta::seconds(1));
    assert!(is_in(&attempt(&app, "10.0.0.98", "olga-owner", PASSWORD).await));
    assert_eq!(app.tables().count("sign_in_attempt").await, 2, "what is over is forgotten");
}

#[rstest]
#[tokio::test]
async fn an_address_has_ten_attempts_a_minute_at_whichever_account(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = started(backend).await else { return };
    app.owner().await;
    for i in 0..10 {
        // A network of IPv6 is one address.
        assert!(!is_limited(
            &attempt(&app, &format!("2001:db8::{i}"), &format!("nobody-{i}"), "a guess").await
        ));
    }
    assert!(is_limited(&attempt(&app, "2001:db8::ffff", "olga-owner", PASSWORD).await));
    assert!(is_in(&attempt(&app, "2001:db8:0:1::1", "olga-owner", PASSWORD).await));
}

#[rstest]
#[tokio::test]
async fn guessing_from_elsewhere_does_not_lock_out_who_is_signed_in(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = started(backend).await else { return };
    app.owner().await;
    assert!(is_in(&attempt(&app, "192.0.2.1", "olga-owner", PASSWORD).await));
    for i in 0..12 {
        attempt(&app, &format!("10.0.0.{i}"), "olga@example.com", "a guess").await;
        attempt(&app, &format!("10.0.1.{i}"), "olga-owner", "a guess").await;
    }
    assert!(is_limited(&attempt(&app, "10.0.2.1", "olga-owner", PASSWORD).await));
    for login in ["olga-owner", "olga@example.com"] {
        assert!(is_in(&attempt(&app, "192.0.2.1", login, PASSWORD).await));
    }
}

#[rstest]
#[tokio::test]
async fn attempts_at_once_are_all_counted(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = started(backend).await else { return };
    app.owner().await;
    let answers = join_all((0..16).map(|i| {
        let app = &app;
        async move { attempt(app, &format!("10.0.0.{i}"), "olga-owner", PASSWORD).await }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| is_in(answer)).count(), 10);
    assert_eq!(answers.iter().filter(|answer| is_limited(answer)).count(), 6);
}
