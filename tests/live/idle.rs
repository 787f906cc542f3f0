//! A thousand who follow and hear nothing cost little memory and ask the database next to nothing; and all of them hear what
//! then happens.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use crate::support::{Backend, TestApp};

const MANY: usize = 1000;
const MOST_BYTES: usize = 100 * 1024 * 1024;
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
    let guildhall::db::Settings::Postgres { url, .. } = &app.settings else { panic!("it is PostgreSQL") };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    app.settled_cursor(&owner).await;
    // The first pays for what all share.
    let mut streams = vec![app.follow(&owner.token, FOLLOW, json!({ "org": org.id }), None).await];
    assert!(streams[0].is_silent(Duration::from_millis(100)).await);
    let before = resident_bytes();
    while streams.len() < MANY {
        streams.push(app.follow(&owner.token, FOLLOW, json!({ "org": org.id }), None).await);
    }
    for stream in &mut streams {
        assert!(stream.is_silent(Duration::from_millis(1)).await);
    }
    let cost = resident_bytes().saturating_sub(before);

    let mut admin = PgConnection::connect(url.expose_secret()).await.unwrap();
    let mut transactions = async || {
        sqlx::query_scalar::<_, i64>(
            "select xact_commit from pg_stat_database where datname = current_database()",
        )
        .fetch_one(&mut admin)
        .await
        .unwrap()
    };
    let began = transactions().await;
    // Twice the time after which everybody is asked for again.
    let silence = Duration::from_secs(11);
    assert!(streams[MANY / 2].is_silent(silence).await);
    let asked = transactions().await - began;
    println!("{MANY} followers: {} kB each; {asked} transactions in {silence:?}", cost / MANY / 1024);
    assert!(cost < MOST_BYTES, "{MANY} followers cost {cost} bytes");
    // Each of them by itself would be two thousand.
    assert!(asked < 1500, "{asked} transactions in {silence:?}: somebody asks for each follower");

    app.group(&owner, &org, "devs", &[]).await;
    for stream in &mut streams {
        assert_eq!(stream.next().await.data()["resource"], "GROUP");
    }
}
