//! Who follows is asked for again at every look: what was taken from them ends their stream, also while nothing happens.

use rstest::rstest;
use serde_json::json;

use super::Sent;
use crate::support::{Backend, Org, Person, TestApp};

const EVERYTHING: &str = "subscription($org: ID!) {
    organizationEvents(organizationId: $org) { kind resource node { __typename ... on User { username email } } }
}";

async fn a_member(app: &TestApp) -> (Person, Org, Person) {
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let mina = app.member_of(&owner, &org, "mina", &[]).await;
    app.settled_cursor(&owner).await;
    (owner, org, mina)
}

#[rstest]
#[tokio::test]
async fn a_removed_members_stream_ends(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let (owner, org, mina) = a_member(&app).await;
    let mut stream = app.follow(&mina.token, EVERYTHING, json!({ "org": org.id }), None).await;
    app.group(&owner, &org, "devs", &[]).await;
    assert_eq!(stream.next().await.data()["resource"], "GROUP");
    app.done(
        &owner.token,
        "removeMember",
        "removedUserId",
        json!({ "organizationId": org.id, "userId": mina.id }),
    )
    .await;
    let said = stream.next().await;
    assert_eq!(said.code(), "NOT_FOUND", "{said:?}");
    assert_eq!(stream.next().await, Sent::Complete);
    // Nor does a stranger learn that there is something to follow.
    let mut again = app.follow(&mina.token, EVERYTHING, json!({ "org": org.id }), None).await;
    assert_eq!(again.next().await.code(), "NOT_FOUND");
    let missing = json!({ "org": "org_01h455vb4pex5vsknk084sn02q" });
    let mut nowhere = app.follow(&mina.token, EVERYTHING, missing, None).await;
    assert_eq!(nowhere.next().await.code(), "NOT_FOUND");
}

#[rstest]
#[tokio::test]
async fn what_is_taken_without_a_word_ends_a_silent_stream(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let (_, org, mina) = a_member(&app).await;
    let mut stream = app.follow(&mina.token, EVERYTHING, json!({ "org": org.id }), None).await;
    let mut own =
        app.follow(&mina.token, "subscription { workspaceChanged { kind } }", json!({}), None).await;
    app.tables()
        .execute("delete from organization_member where user_id = (select id from \"user\" where username = 'mina')")
        .await;
    assert_eq!(stream.next().await.code(), "NOT_FOUND");
    app.tables().execute("update \"user\" set status = 'SUSPENDED' where username = 'mina'").await;
    assert_eq!(own.next().await.code(), "UNAUTHENTICATED");
    assert_eq!(own.next().await, Sent::Complete);
}

#[tokio::test]
async fn nobody_is_told_so_whatever_they_name() {
    let Some(app) = TestApp::start(Backend::Sqlite).await else { return };
    for document in [
        EVERYTHING,
        "subscription($org: ID!) { provisionerDaemonChanged(organizationId: $org) { kind } }",
        "subscription($org: ID!) { provisionerJobChanged(organizationId: $org) { kind } }",
        "subscription($org: ID!) { workspaceChanged(organizationId: $org) { kind } }",
        "subscription($org: ID!) { auditLogAdded(organizationId: $org) { cursor } }",
    ] {
        for named in ["org_01h455vb4pex5vsknk084sn02q", "org_…", "", "usr_01h455vb4pex5vsknk084sn02q"] {
            let mut stream = app.try_follow(None, document, json!({ "org": named }), None).await.unwrap();
            assert_eq!(stream.next().await.code(), "UNAUTHENTICATED", "{document} {named}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn whoever_holds_many_streams_loses_those_of_what_they_showed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let (owner, org, mina) = a_member(&app).await;
    let again = app.sign_in(&mina.username).await;
    let (_, token) = app.api_token(&mina, json!({ "name": "nightly" })).await;
    let logs = "subscription { workspaceChanged { kind } }";
    let mut streams = Vec::new();
    for person in [&mina, &mina, &again, &token, &token] {
        streams.push(app.follow(&person.token, EVERYTHING, json!({ "org": org.id }), None).await);
        streams.push(app.follow(&person.token, logs, json!({}), None).await);
    }
    // Nothing is told of it: it is found by looking.
    app.tables().execute("delete from api_token").await;
    for stream in &mut streams[6..] {
        assert_eq!(stream.next().await.code(), "UNAUTHENTICATED");
        assert_eq!(stream.next().await, Sent::Complete);
    }
    let first =
        "delete from session where id = (select s.id from session s join \"user\" u on u.id = s.user_id
        where u.username = 'mina' order by s.id limit 1)";
    app.tables().execute(first).await;
    for stream in &mut streams[..4] {
        assert_eq!(stream.next().await.code(), "UNAUTHENTICATED");
        assert_eq!(stream.next().await, Sent::Complete);
    }
    // Her other session is as good as before.
    app.group(&owner, &org, "devs", &[]).await;
    assert_eq!(streams[4].next().await.data()["resource"], "GROUP");
}

#[rstest]
#[tokio::test]
async fn fields_of_an_event_are_answered_to_who_the_reader_is_now(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let (owner, org, mina) = a_member(&app).await;
    let set_roles = async |roles: &[&str]| {
        let input = json!({ "organizationId": org.id, "userId": mina.id, "roles": roles });
        app.done(&owner.token, "setMemberRoles", "__typename", input).await;
    };
    set_roles(&["organization-user-admin"]).await;
    app.settled_cursor(&owner).await;
    let mut stream = app.follow(&mina.token, EVERYTHING, json!({ "org": org.id }), None).await;
    app.member_of(&owner, &org, "first", &[]).await;
    let told = stream.next().await;
    assert_eq!(told.data()["node"]["email"], "first@example.com");
    set_roles(&[]).await;
    assert_eq!(stream.next().await.data()["resource"], "MEMBER", "her own roles");
    app.member_of(&owner, &org, "second", &[]).await;
    let told = stream.next().await;
    assert_eq!(told.data()["node"]["username"], "second");
    assert_eq!(told.data()["node"]["email"], json!(null), "she may not read it any more");
}

#[tokio::test]
async fn what_needs_a_permission_says_so() {
    let app = TestApp::start(Backend::Sqlite).await.unwrap();
    let (_, org, mina) = a_member(&app).await;
    let audit = "subscription($org: ID) { auditLogAdded(organizationId: $org) { cursor } }";
    let mut refused = app.follow(&mina.token, audit, json!({ "org": org.id }), None).await;
    let said = refused.next().await;
    assert_eq!(said.code(), "FORBIDDEN");
    assert!(format!("{said:?}").contains("AUDIT_LOG_READ"), "{said:?}");
    let mut refused = app.follow(&mina.token, audit, json!({}), None).await;
    assert_eq!(refused.next().await.code(), "FORBIDDEN");
}

/// What ends with its organization completes, for who is a member and for who only sees it.
#[rstest]
#[tokio::test]
async fn a_stream_completes_with_its_organization(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let other = app.user(&owner, "other", &["owner"]).await;
    app.settled_cursor(&owner).await;
    let mut streams = Vec::new();
    for person in [&owner, &other] {
        for field in ["workspaceChanged", "provisionerJobChanged", "provisionerDaemonChanged"] {
            let document = format!("subscription($org: ID!) {{ {field}(organizationId: $org) {{ kind }} }}");
            streams.push(app.follow(&person.token, &document, json!({ "org": org.id }), None).await);
        }
    }
    app.done(&owner.token, "deleteOrganization", "", json!({ "organizationId": org.id })).await;
    for stream in &mut streams {
        assert_eq!(stream.next().await, Sent::Complete);
    }
}

#[rstest]
#[tokio::test]
async fn a_daemon_that_is_followed_is_there_until_it_is_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let key = app.provisioner_key(&owner, &org, "key", &[]).await;
    let daemon = app.daemon(&key, &org, "daemon").await;
    app.settled_cursor(&owner).await;
    let document = "subscription($org: ID!, $id: ID) { provisionerDaemonChanged(organizationId: $org, daemonId: $id) { kind } }";
    for unknown in ["pdmn_01h455vb4pex5vsknk084sn02q", "x"] {
        let named = json!({ "org": org.id, "id": unknown });
        let mut stream = app.follow(&owner.token, document, named, None).await;
        assert_eq!(stream.next().await.code(), "NOT_FOUND", "{unknown}");
    }
    let named = json!({ "org": org.id, "id": daemon.id });
    let mut stream = app.follow(&owner.token, document, named, None).await;
    let input = json!({ "provisionerDaemonId": daemon.id });
    app.done(&key.secret, "signOffProvisionerDaemon", "", input.clone()).await;
    assert_eq!(stream.next().await.data()["kind"], "UPDATED");
    app.done(&owner.token, "deleteProvisionerDaemon", "", input).await;
    assert_eq!(stream.next().await.data()["kind"], "DELETED");
    assert_eq!(stream.next().await, Sent::Complete);
}

#[rstest]
#[tokio::test]
async fn what_is_named_often_counts_once(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let (owner, org, mina) = a_member(&app).await;
    let after = app.settled_cursor(&owner).await;
    app.group(&owner, &org, "devs", &[]).await;
    let document = "subscription($org: ID!, $of: [Resource!], $after: String) {
        organizationEvents(organizationId: $org, resources: $of, after: $after) { resource } }";
    let of = ["GROUP", "USER"].repeat(20_000);
    let named = json!({ "org": org.id, "of": of, "after": after });
    let mut stream = app.follow(&mina.token, document, named, None).await;
    assert_eq!(stream.next().await.data()["resource"], "GROUP");
}
