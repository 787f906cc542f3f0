//! What is told: every change of every kind, once each, with its node, from any place on.

use rstest::rstest;
use serde_json::{Value, json};

use super::Sent;
use crate::support::daemon::{plain_build, plain_import};
use crate::support::{Backend, TestApp};

const WORKSPACES: &str = "subscription($org: ID, $owner: ID, $id: ID, $after: String) {
    workspaceChanged(organizationId: $org, ownerId: $owner, workspaceId: $id, after: $after) {
      cursor kind workspaceId buildId workspace { name status latestBuild { number } }
    }
}";
const EVERYTHING: &str = "subscription($org: ID!, $resources: [Resource!], $after: String) {
    organizationEvents(organizationId: $org, resources: $resources, after: $after) {
      cursor kind resource subjectId
      node { __typename id ... on Template { name } ... on Group { name } ... on User { username } }
    }
}";

#[rstest]
#[tokio::test]
async fn a_workspace_is_followed_from_its_making_to_its_end(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let key = app.provisioner_key(&owner, &org, "key", &[]).await;
    let daemon = app.daemon(&key, &org, "worker").await;
    let template = app.template(&owner, &org, "docker-dev").await;
    app.work(&daemon).await;
    let mina = app.member_of(&owner, &org, "mina", &[]).await;
    let nils = app.member_of(&owner, &org, "nils", &[]).await;
    let start = app.settled_cursor(&owner).await;

    let mut all = app.follow(&owner.token, WORKSPACES, json!({ "org": org.id }), None).await;
    let mut minas = app.follow(&mina.token, WORKSPACES, json!({}), None).await;
    let mut of_mina = app.follow(&owner.token, WORKSPACES, json!({ "owner": mina.id }), None).await;
    let mut of_nils = app.follow(&nils.token, WORKSPACES, json!({}), None).await;
    let made = app
        .done(
            &mina.token,
            "createWorkspace",
            "workspace { id latestBuild { id } }",
            json!({ "templateId": template.id, "name": "dev" }),
        )
        .await;
    let (id, build) = (&made["workspace"]["id"], &made["workspace"]["latestBuild"]["id"]);
    let created = all.next().await;
    assert_eq!(created.data()["kind"], "CREATED");
    assert_eq!((&created.data()["workspaceId"], &created.data()["buildId"]), (id, build));
    assert_eq!(created.data()["workspace"]["name"], "dev");
    assert_eq!(minas.next().await, created);
    assert_eq!(of_mina.next().await, created);

    let job = app.acquire(&daemon).await.unwrap();
    let begun = all.next().await;
    assert_eq!((&begun.data()["kind"], &begun.data()["buildId"]), (&json!("UPDATED"), build));
    assert_eq!(begun.data()["workspace"]["status"], "STARTING");
    app.complete(&daemon, &job, plain_build()).await;
    let running = all.next().await;
    assert_eq!(running.data()["workspace"]["status"], "RUNNING", "{running:?}");

    let mut this = app.follow(&mina.token, WORKSPACES, json!({ "id": id }), None).await;
    app.done(&mina.token, "deleteWorkspace", "__typename", json!({ "workspaceId": id })).await;
    let job = app.acquire(&daemon).await.unwrap();
    app.complete(&daemon, &job, plain_build()).await;
    let mut last = this.next().await;
    while last.data()["kind"] != "DELETED" {
        assert_eq!(last.data()["kind"], "UPDATED");
        last = this.next().await;
    }
    assert_eq!(last.data()["workspace"], Value::Null);
    assert_eq!(this.next().await, Sent::Complete, "what was followed is gone");

    // The whole story again from where it began, as its owner and as somebody with nothing to do with it.
    let mut seen = vec![created.clone(), begun, running];
    while seen.last().unwrap().data()["kind"] != "DELETED" {
        seen.push(all.next().await);
    }
    let mut again = app.follow(&mina.token, WORKSPACES, json!({ "after": start }), None).await;
    let mut resumed = app.follow(&mina.token, WORKSPACES, json!({ "org": org.id }), Some(created.id())).await;
    for (at, event) in seen.iter().enumerate() {
        let Sent::Next(id, told) = again.next().await else { panic!("it has ended") };
        assert_eq!(id.as_deref(), Some(event.id()));
        assert_eq!(told["data"]["workspaceChanged"]["kind"], event.data()["kind"]);
        assert_eq!(told["data"]["workspaceChanged"]["cursor"], event.data()["cursor"]);
        if at > 0 {
            assert_eq!(resumed.next().await.id(), event.id());
        }
    }
    assert!(of_nils.is_silent(std::time::Duration::from_millis(200)).await, "nothing of it is Nils'");
}

#[rstest]
#[tokio::test]
async fn everything_in_an_organization_is_told_with_its_node(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let other = app.organization(&owner, "beta").await;
    let mina = app.user(&owner, "mina", &[]).await;
    app.settled_cursor(&owner).await;
    let mut stream = app.follow(&owner.token, EVERYTHING, json!({ "org": org.id }), None).await;
    let mut groups =
        app.follow(&owner.token, EVERYTHING, json!({ "org": org.id, "resources": ["GROUP"] }), None).await;
    let what = |sent: &Sent| {
        let text = |field: &str| sent.data()[field].as_str().unwrap().to_owned();
        (
            text("resource"),
            text("kind"),
            sent.data()["node"]["__typename"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let is = |resource: &str, kind: &str, node: &str| (resource.to_owned(), kind.to_owned(), node.to_owned());

    app.group(&owner, &other, "elsewhere", &[]).await;
    app.join(&owner, &org, &mina, &[]).await;
    let joined = stream.next().await;
    assert_eq!(what(&joined), is("MEMBER", "CREATED", "User"));
    assert_eq!(joined.data()["node"]["username"], "mina");
    app.group(&owner, &org, "devs", &[]).await;
    let made = stream.next().await;
    assert_eq!(what(&made), is("GROUP", "CREATED", "Group"));
    assert_eq!(groups.next().await, made);
    let old = app.provisioner_key(&owner, &org, "old", &[]).await;
    assert_eq!(what(&stream.next().await), is("PROVISIONER_KEY", "CREATED", "ProvisionerKey"));
    app.done(&owner.token, "deleteProvisionerKey", "__typename", json!({ "provisionerKeyId": old.id })).await;
    let gone = stream.next().await;
    assert_eq!(what(&gone), is("PROVISIONER_KEY", "DELETED", ""));
    assert_eq!(gone.data()["subjectId"], json!(old.id));

    let key = app.provisioner_key(&owner, &org, "key", &[]).await;
    assert_eq!(what(&stream.next().await), is("PROVISIONER_KEY", "CREATED", "ProvisionerKey"));
    let daemon = app.daemon(&key, &org, "worker").await;
    assert_eq!(what(&stream.next().await), is("PROVISIONER_DAEMON", "CREATED", "ProvisionerDaemon"));
    app.template(&owner, &org, "docker-dev").await;
    let mut told = Vec::new();
    while !told.contains(&is("TEMPLATE", "CREATED", "Template")) {
        told.push(what(&stream.next().await));
    }
    let job = app.acquire(&daemon).await.unwrap();
    app.complete(&daemon, &job, plain_import()).await;
    let mut told = Vec::new();
    for kind in ["ProvisionerJob", "ProvisionerDaemon", "TemplateVersion", "Template"] {
        while !told.iter().any(|(_, change, node)| change == "UPDATED" && node == kind) {
            told.push(what(&stream.next().await));
        }
    }
}

#[rstest]
#[tokio::test]
async fn jobs_daemons_and_the_audit_log_are_followed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let key = app.provisioner_key(&owner, &org, "key", &[]).await;
    app.settled_cursor(&owner).await;
    let mut jobs = app
        .follow(
            &owner.token,
            "subscription($org: ID) { provisionerJobChanged(organizationId: $org) { cursor kind job { id state } } }",
            json!({ "org": org.id }),
            None,
        )
        .await;
    let mut daemons = app
        .follow(
            &owner.token,
            "subscription($org: ID!) {
               provisionerDaemonChanged(organizationId: $org) {
                 cursor kind daemonId daemon { name status keyName }
               }
             }",
            json!({ "org": org.id }),
            None,
        )
        .await;
    let mut audit = app
        .follow(
            &owner.token,
            "subscription($org: ID) { auditLogAdded(organizationId: $org) { cursor entry { action resource status } } }",
            json!({ "org": org.id }),
            None,
        )
        .await;

    let daemon = app.daemon(&key, &org, "worker").await;
    let registered = daemons.next().await;
    assert_eq!(registered.data()["kind"], "CREATED");
    assert_eq!(registered.data()["daemon"], json!({ "name": "worker", "status": "IDLE", "keyName": "key" }));
    app.template(&owner, &org, "docker-dev").await;
    assert_eq!(jobs.next().await.data()["job"]["state"], "PENDING");
    assert_eq!(audit.next().await.data()["entry"]["resource"], "TEMPLATE");
    let job = app.acquire(&daemon).await.unwrap();
    let running = jobs.next().await;
    assert_eq!(running.data()["job"], json!({ "id": job.id, "state": "RUNNING" }));
    assert_eq!(daemons.next().await.data()["daemon"]["status"], "BUSY");
    app.complete(&daemon, &job, plain_import()).await;
    assert_eq!(jobs.next().await.data()["job"]["state"], "SUCCEEDED");
    assert_eq!(daemons.next().await.data()["daemon"]["status"], "IDLE");

    // Silence is no write of the daemon's.
    app.clock.advance(chrono::TimeDelta::seconds(100));
    app.app.reap().await.unwrap();
    assert_eq!(daemons.next().await.data()["daemon"]["status"], "OFFLINE");
    assert!(app.acquire(&daemon).await.is_none());
    app.app.reap().await.unwrap();
    assert_eq!(daemons.next().await.data()["daemon"]["status"], "IDLE");

    // Nor is the end of its program, unless that says so.
    app.done(&key.secret, "signOffProvisionerDaemon", "", json!({ "provisionerDaemonId": daemon.id })).await;
    assert_eq!(daemons.next().await.data()["daemon"]["status"], "OFFLINE");
    app.app.reap().await.unwrap();
    assert!(app.acquire(&daemon).await.is_none());
    app.app.reap().await.unwrap();
    assert_eq!(daemons.next().await.data()["daemon"]["status"], "IDLE", "and told once");

    // It comes back, and what its key becomes, it becomes.
    app.daemon(&key, &org, "worker").await;
    assert_eq!(daemons.next().await.data()["kind"], "UPDATED");
    let renamed = json!({ "provisionerKeyId": key.id, "name": "lock" });
    app.done(&owner.token, "updateProvisionerKey", "", renamed).await;
    assert_eq!(daemons.next().await.data()["daemon"]["keyName"], "lock");
    let input = json!({ "provisionerKeyId": key.id });
    app.done(&owner.token, "disableProvisionerKey", "", input.clone()).await;
    assert_eq!(daemons.next().await.data()["daemon"]["status"], "OFFLINE");
    app.app.reap().await.unwrap();
    app.done(&owner.token, "enableProvisionerKey", "", input.clone()).await;
    assert_eq!(daemons.next().await.data()["daemon"]["status"], "IDLE", "and told once");
    let ends = json!({ "provisionerKeyId": key.id, "expiresAt": "2026-11-24T08:02:10Z" });
    app.done(&owner.token, "updateProvisionerKey", "", ends).await;
    assert_eq!(daemons.next().await.data()["daemon"]["status"], "IDLE");
    app.clock.advance(chrono::TimeDelta::seconds(30));
    app.app.reap().await.unwrap();
    assert_eq!(daemons.next().await.data()["daemon"]["status"], "OFFLINE");
    app.done(&owner.token, "deleteProvisionerKey", "", input).await;
    let gone = daemons.next().await;
    assert_eq!((&gone.data()["kind"], &gone.data()["daemonId"]), (&json!("DELETED"), &json!(daemon.id)));
    assert_eq!(gone.data()["daemon"], Value::Null);

    // A denied write is in the log, too.
    let mina = app.member_of(&owner, &org, "mina", &[]).await;
    let created = audit.next().await;
    let mut denied = created;
    app.call(
        Some(&mina.token),
        "createGroup",
        "__typename",
        json!({ "organizationId": org.id, "name": "x" }),
    )
    .await;
    while denied.data()["entry"]["status"] != "DENIED" {
        denied = audit.next().await;
    }
    assert_eq!(denied.data()["entry"]["resource"], "GROUP");
}
