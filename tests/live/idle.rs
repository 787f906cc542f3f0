//! A thousand who follow and hear nothing cost little memory and ask the database next to nothing; and all of them hear what
//! then happens.

use std::time::Duration;

use serde_json::json;

use crate::support::statements::SentLog;
use crate::support::{Backend, TestApp};

const MANY: usize = 1000;
/// Sign-ins of theirs.
const SESSIONS: usize = 50;
const MOST_BYTES: usize = 50 * 1024 * 1024;
/// In eleven seconds the pump looks five times, and those who follow are looked up twice.
const MOST_STATEMENTS: usize = 50;
const FOLLOW: &str =
    "subscription($org: ID!) { organizationEvents(organizationId: $org) { cursor kind resource } }";

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024
}

#[tokio::test]
async fn a_thousand_followers_cost_little() {
    let Some(app) = TestApp::start(Backend::Postgres).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let mut tokens = vec![owner.token.clone()];
    while tokens.len() < SESSIONS {
        tokens.push(app.sign_in(&owner.username).await.token);
    }
    app.settled_cursor(&owner).await;
    // The first pays for what all share.
    let mut streams = vec![app.follow(&owner.token, FOLLOW, json!({ "org": org.id }), None).await];
    assert!(streams[0].is_silent(Duration::from_millis(100)).await);
    let before = resident_bytes();
    for token in tokens.iter().cycle().take(MANY - 1) {
        streams.push(app.follow(token, FOLLOW, json!({ "org": org.id }), None).await);
    }
    for stream in &mut streams {
        assert!(stream.is_silent(Duration::from_millis(1)).await);
    }
    let cost = resident_bytes().saturating_sub(before);

    let log = SentLog::listen();
    // Twice the time after which everybody is looked up again.
    let silence = Duration::from_secs(11);
    assert!(streams[MANY / 2].is_silent(silence).await);
    let sent = log.take();
    drop(log);
    let asked: usize = sent.values().sum();
    println!("{MANY} followers: {} kB each; {asked} statements in {silence:?}", cost / MANY / 1024);
    assert!(cost < MOST_BYTES, "{MANY} followers cost {cost} bytes");
    assert!(asked < MOST_STATEMENTS, "{asked} statements in {silence:?}: {sent:#?}");
    let lookups = sent.iter().filter(|(text, _)| text.contains("FROM \"session\""));
    let lookups: usize = lookups.map(|(_, times)| times).sum();
    assert!((1..=3).contains(&lookups), "all sessions are looked up together, every five seconds: {sent:#?}");

    app.group(&owner, &org, "devs", &[]).await;
    for stream in &mut streams {
        assert_eq!(stream.next().await.data()["resource"], "GROUP");
    }
}
