//! Cursors are places and nothing else: the same for an event wherever it is told, opaque to everybody, read by every server
//! with the deployment's keys, and refused with a word of what to do once their key is gone.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rstest::rstest;
use serde_json::json;

use super::Sent;
use crate::support::{Backend, TestApp};

const GROUPS: &str = "subscription($org: ID!, $after: String) {
    organizationEvents(organizationId: $org, resources: [GROUP], after: $after) {
      cursor node { ... on Group { name } }
    }
}";
const AUDIT: &str = "subscription($org: ID!, $after: String) {
    auditLogAdded(organizationId: $org, after: $after) { cursor entry { resourceName } }
}";

#[rstest]
#[tokio::test]
async fn an_event_has_one_cursor_whoever_hears_of_it_and_however(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let mina = app.member_of(&owner, &org, "mina", &[]).await;
    let start = app.settled_cursor(&owner).await;
    let from = json!({ "org": org.id, "after": start });
    let mut owners = app.follow(&owner.token, GROUPS, from.clone(), None).await;
    let mut minas = app.follow(&mina.token, GROUPS, from.clone(), None).await;
    let mut log = app.follow(&owner.token, AUDIT, from, None).await;
    app.group(&owner, &org, "devs", &[]).await;
    let told = owners.next().await;
    assert_eq!(told.data()["cursor"], told.id(), "the id of an event stream is the cursor");
    assert_eq!(minas.next().await, told);
    let logged = log.next().await;
    assert_eq!(logged.data()["entry"]["resourceName"], "devs");
    assert_eq!(
        logged.data()["cursor"],
        told.data()["cursor"],
        "it is a place, whatever is followed from there"
    );
    let again = app.follow(&mina.token, GROUPS, json!({ "org": org.id }), Some(&start)).await.next().await;
    assert_eq!(again, told);
}

#[rstest]
#[tokio::test]
async fn what_happens_elsewhere_can_not_be_counted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let here = app.organization(&owner, "alpha").await;
    let elsewhere = app.organization(&owner, "beta").await;
    let mina = app.member_of(&owner, &here, "mina", &[]).await;
    app.settled_cursor(&owner).await;
    // Asked again and again, now is another place each time, whether or not something has happened.
    let mut now = HashSet::new();
    for number in 0..20 {
        if number % 4 == 0 {
            app.group(&owner, &elsewhere, &format!("group-{number}"), &[]).await;
        }
        now.insert(app.event_cursor(&mina.token).await);
    }
    assert_eq!(now.len(), 20);
    let length = now.iter().next().unwrap().len();

    let mut stream = app.follow(&mina.token, GROUPS, json!({ "org": here.id }), None).await;
    let mut blocks = Vec::new();
    for number in 0..20 {
        app.group(&owner, &here, &format!("group-{number}"), &[]).await;
        let told = stream.next().await;
        assert_eq!(told.id().len(), length);
        blocks.push(URL_SAFE_NO_PAD.decode(told.id()).unwrap().split_off(4));
    }
    // Neighbours, and all others, differ in about half of their bits.
    for (at, one) in blocks.iter().enumerate() {
        for other in &blocks[..at] {
            let differ: u32 = std::iter::zip(one, other).map(|(one, other)| (one ^ other).count_ones()).sum();
            assert!((24..=104).contains(&differ), "{one:?} and {other:?}");
        }
    }
    // Nor does trying help: what was not given out is refused, whatever number it may hold.
    for bit in 0..128 {
        let mut made = URL_SAFE_NO_PAD.decode(now.iter().next().unwrap()).unwrap();
        made[4 + bit / 8] ^= 1 << (bit % 8);
        let after = json!({ "org": here.id, "after": URL_SAFE_NO_PAD.encode(made) });
        let said = app.follow(&mina.token, GROUPS, after, None).await.next().await;
        assert_eq!(said.code(), "BAD_USER_INPUT", "{said:?}");
    }
}

#[rstest]
#[tokio::test]
async fn a_new_key_reads_what_the_old_one_made_for_as_long_as_it_is_kept(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let cursor = app.settled_cursor(&owner).await;
    app.group(&owner, &org, "devs", &[]).await;
    app.settled_cursor(&owner).await;
    let from = json!({ "org": org.id, "after": cursor });
    let first = app.follow(&owner.token, GROUPS, from.clone(), None).await.next().await;

    let file = app.folder().join("signing.key");
    let (old, new) = (std::fs::read_to_string(&file).unwrap(), format!("{}\n", "5a".repeat(32)));
    // First the new key only reads, then it makes, then the old one is gone.
    std::fs::write(&file, format!("{old}{new}")).unwrap();
    let reads = app.beside().await;
    assert_eq!(reads.follow(&owner.token, GROUPS, from.clone(), None).await.next().await, first);
    std::fs::write(&file, format!("{new}{old}")).unwrap();
    let makes = app.beside().await;
    let made = makes.follow(&owner.token, GROUPS, from.clone(), None).await.next().await;
    assert_ne!(made.id(), first.id());
    app.group(&owner, &org, "ops", &[]).await;
    let after = json!({ "org": org.id, "after": made.id() });
    for server in [&reads, &makes] {
        let next = server.follow(&owner.token, GROUPS, after.clone(), None).await.next().await;
        assert_eq!(next.data()["node"]["name"], "ops", "every server reads what one of them gave out");
    }

    std::fs::write(&file, &new).unwrap();
    let gone = app.beside().await;
    let olga = gone.sign_in(&owner.username).await;
    let mut lost = gone.follow(&olga.token, GROUPS, from, None).await;
    let said = lost.next().await;
    assert_eq!(said.code(), "CONFLICT", "{said:?}");
    assert!(format!("{said:?}").contains("eventCursor"), "it says what to do: {said:?}");
    assert_eq!(lost.next().await, Sent::Complete);
    let next = gone.follow(&olga.token, GROUPS, after, None).await.next().await;
    assert_eq!(next.data()["node"]["name"], "ops");
}
