//! Explanations: the same answer as the policy's, with its reasons, for those who may know.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::calls::code;
use crate::support::{Backend, Org, Person, TestApp};

const EXPLAIN: &str = "query($user: ID!, $permission: Permission!, $object: ID) {
    explainAccess(userId: $user, permission: $permission, objectId: $object) {
      user { username } permission allowed suspended missing deniedBy { name } grantedBy { name }
      reasons { reach role { name builtIn } templateRole group { name } }
    }
}";

struct Scene {
    app: TestApp,
    owner: Person,
    org: Org,
    ana: Person,
    mia: Person,
    crew: String,
    template: String,
    workspace: String,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let app = TestApp::start(backend).await?;
        let owner = app.owner().await;
        let org = app.organization(&owner, "data-platform").await;
        let ana = app.member_of(&owner, &org, "ana", &["organization-admin"]).await;
        let mia = app.member_of(&owner, &org, "mia", &[]).await;
        let crew = app.group(&owner, &org, "crew", &[&mia]).await;
        let key = app.provisioner_key(&owner, &org, "key", &[]).await;
        let daemon = app.daemon(&key, &org, "daemon").await;
        let template = app.template(&ana, &org, "dev").await;
        app.work(&daemon).await;
        let workspace = app.workspace(&mia, &template, "box", "").await.workspace;
        app.work(&daemon).await;
        Some(Self { app, owner, org, ana, mia, crew, template: template.id, workspace })
    }

    async fn explain(&self, by: &Person, of: &Person, permission: &str, object: Option<&str>) -> Value {
        let variables = json!({ "user": of.id, "permission": permission, "object": object });
        self.app.ok(by, EXPLAIN, variables).await["explainAccess"].clone()
    }

    async fn refused(&self, by: &Person, user: &str, permission: &str, object: Option<&str>) -> Value {
        let variables = json!({ "user": user, "permission": permission, "object": object });
        let mut body = self.app.graphql(Some(&by.token), EXPLAIN, variables).await;
        body["errors"][0]["extensions"].as_object_mut().unwrap().remove("requestId");
        body
    }

    async fn roles(&self, of: &Person, roles: &[&str]) {
        let input = json!({ "organizationId": self.org.id, "userId": of.id, "roles": roles });
        self.app.done(&self.ana.token, "setMemberRoles", "", input).await;
    }
}

fn reason(reach: &str, role: &str, built_in: bool) -> Value {
    json!({ "reach": reach, "role": { "name": role, "builtIn": built_in }, "templateRole": null, "group": null })
}

fn listed(role: &str, group: Option<&str>) -> Value {
    let group = group.map(|name| json!({ "name": name }));
    json!({ "reach": "ACCESS_LIST", "role": null, "templateRole": role, "group": group })
}

#[rstest]
#[tokio::test]
async fn every_reason_is_told(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, ana, mia) = (&scene.app, &scene.ana, &scene.mia);
    let (org, template, workspace) =
        (Some(scene.org.id.as_str()), Some(scene.template.as_str()), Some(scene.workspace.as_str()));

    // Nothing, and what would help.
    app.role(ana, &scene.org, "grouper", &["GROUP_CREATE"]).await;
    let answer = scene.explain(ana, mia, "GROUP_CREATE", org).await;
    assert_eq!(answer["user"], json!({ "username": "mia" }));
    assert_eq!((&answer["allowed"], &answer["missing"]), (&json!(false), &json!("GROUP_CREATE")));
    let would =
        ["organization-admin", "organization-user-admin", "grouper"].map(|name| json!({ "name": name }));
    assert_eq!((&answer["reasons"], &answer["grantedBy"]), (&json!([]), &json!(would)));
    // A custom role, a built-in one, and both.
    scene.roles(mia, &["grouper"]).await;
    let answer = scene.explain(ana, mia, "GROUP_CREATE", org).await;
    assert_eq!(answer["reasons"], json!([reason("ORGANIZATION", "grouper", false)]));
    assert_eq!(
        (&answer["allowed"], &answer["missing"], &answer["grantedBy"]),
        (&json!(true), &Value::Null, &json!([]))
    );
    // The site.
    let answer = scene.explain(&scene.owner, &scene.owner, "GROUP_CREATE", org).await;
    let site = reason("SITE", "owner", true);
    assert_eq!(answer["reasons"], json!([site, reason("ORGANIZATION", "organization-admin", true)]));
    let answer = scene.explain(&scene.owner, mia, "USER_CREATE", None).await;
    let would = ["owner", "user-admin"].map(|name| json!({ "name": name }));
    assert_eq!((&answer["allowed"], &answer["grantedBy"]), (&json!(false), &json!(would)));
    // What one owns.
    let answer = scene.explain(ana, mia, "WORKSPACE_STOP", workspace).await;
    assert_eq!(answer["reasons"], json!([reason("OWN", "organization-member", true)]));
    let answer = scene.explain(ana, mia, "GROUP_READ_MEMBERS", Some(&scene.crew)).await;
    assert_eq!(answer["reasons"], json!([reason("OWN", "organization-member", true)]));
    let answer = scene.explain(&scene.owner, mia, "USER_UPDATE", Some(&mia.id)).await;
    assert_eq!(answer["reasons"], json!([reason("OWN", "member", true)]));
    // Access lists: Everyone, a group, by name.
    let answer = scene.explain(ana, mia, "TEMPLATE_USE", template).await;
    assert_eq!(answer["reasons"], json!([listed("USE", Some("everyone"))]));
    let entries = json!([{ "groupId": scene.crew, "role": "ADMIN" }, { "userId": mia.id, "role": "USE" }]);
    app.done(
        &ana.token,
        "setTemplateAccess",
        "",
        json!({ "templateId": scene.template, "entries": entries }),
    )
    .await;
    let answer = scene.explain(ana, mia, "TEMPLATE_UPDATE", template).await;
    assert_eq!(answer["reasons"], json!([listed("ADMIN", Some("crew"))]));
    let query = "query($id: ID!, $user: ID!) { node(id: $id) { ... on Template {
        accessOf(userId: $user) { permission allowed reasons { templateRole group { name } } } } } }";
    let body = app.ok(ana, query, json!({ "id": scene.template, "user": mia.id })).await;
    let of = body["node"]["accessOf"].as_array().unwrap().clone();
    let allowed: Vec<_> =
        of.iter().filter(|one| one["allowed"] == true).map(|one| one["permission"].clone()).collect();
    assert_eq!(
        json!(allowed),
        json!(["TEMPLATE_READ", "TEMPLATE_USE", "TEMPLATE_UPDATE", "TEMPLATE_DELETE"])
    );
    assert_eq!(of[1]["reasons"].as_array().map(Vec::len), Some(3), "{of:#?}");
    // The ban, and suspension.
    scene.roles(mia, &["organization-workspace-creation-ban", "organization-admin"]).await;
    let answer = scene.explain(ana, mia, "WORKSPACE_CREATE", org).await;
    assert_eq!(answer["allowed"], false);
    assert_eq!(answer["deniedBy"], json!([{ "name": "organization-workspace-creation-ban" }]));
    assert_eq!(answer["reasons"], json!([reason("ORGANIZATION", "organization-admin", true)]));
    app.tables().execute("update \"user\" set status = 'SUSPENDED' where username = 'mia'").await;
    let answer = scene.explain(ana, mia, "GROUP_CREATE", org).await;
    assert_eq!((&answer["allowed"], &answer["suspended"]), (&json!(false), &json!(true)));
    assert_eq!(answer["missing"], Value::Null, "nothing is missing: they are suspended");
}

#[rstest]
#[tokio::test]
async fn who_may_know_is_told_and_others_learn_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, org) = (&scene.app, scene.org.id.as_str());
    let peer = app.member_of(&scene.owner, &scene.org, "peer", &[]).await;
    let auditor = app.member_of(&scene.owner, &scene.org, "auditor", &["organization-auditor"]).await;
    let stranger = app.user(&scene.owner, "sam", &[]).await;
    // Oneself, always; others with the permission.
    assert_eq!(scene.explain(&peer, &peer, "GROUP_CREATE", Some(org)).await["allowed"], false);
    assert_eq!(scene.explain(&auditor, &peer, "GROUP_CREATE", Some(org)).await["allowed"], false);
    let body = scene.refused(&peer, &scene.mia.id, "GROUP_CREATE", Some(org)).await;
    assert_eq!(
        (code(&body).as_str(), &body["errors"][0]["extensions"]["requires"]),
        ("FORBIDDEN", &json!("MEMBER_READ_CONTACT"))
    );
    // The deployment is for those who read users.
    let body = scene.refused(&scene.ana, &scene.mia.id, "USER_CREATE", None).await;
    assert_eq!(code(&body), "FORBIDDEN");
    // Who shares another organization with the administrator may hold site roles that are none of the administrator's business.
    let other = app.organization(&scene.owner, "other").await;
    let keeper = app.user(&scene.owner, "keeper", &["user-admin"]).await;
    app.join(&scene.owner, &other, &keeper, &[]).await;
    app.join(&scene.owner, &other, &scene.ana, &[]).await;
    let body = scene.refused(&scene.ana, &keeper.id, "GROUP_CREATE", Some(org)).await;
    assert_eq!(code(&body), "FORBIDDEN");

    // Foreign and missing, user and object: one answer, byte by byte.
    let foreign_group = app.group(&scene.owner, &other, "crew", &[]).await;
    let gone = |id: &str| format!("{}zzzz", &id[..id.len() - 4]);
    let mut answers = Vec::new();
    for by in [&scene.mia, &stranger] {
        for user in [&stranger.id, &gone(&stranger.id), &"nonsense".to_owned()] {
            if user == &by.id {
                continue;
            }
            answers.push(scene.refused(by, user, "GROUP_READ", Some(org)).await.to_string());
        }
        for object in [&foreign_group, &gone(&foreign_group), &gone(&scene.workspace), &"grp_x".to_owned()] {
            if by.id == stranger.id || object != &foreign_group {
                answers.push(scene.refused(by, &by.id, "GROUP_READ", Some(object)).await.to_string());
            }
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert!(answers[0].contains("NOT_FOUND"), "{answers:?}");
    let body = app.graphql(None, EXPLAIN, json!({ "user": peer.id, "permission": "GROUP_READ" })).await;
    assert_eq!(code(&body), "UNAUTHENTICATED");
}

#[rstest]
#[tokio::test]
async fn a_group_says_what_the_viewer_may_do(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let can = async |by: &Person| {
        let query = "query($id: ID!) { node(id: $id) { ... on Group { viewerCan } } }";
        app.ok(by, query, json!({ "id": scene.crew })).await["node"]["viewerCan"].clone()
    };
    let peer = app.member_of(&scene.owner, &scene.org, "peer", &[]).await;
    assert_eq!(can(&peer).await, json!(["GROUP_READ"]));
    assert_eq!(can(&scene.mia).await, json!(["GROUP_READ", "GROUP_READ_MEMBERS"]), "it is hers");
    assert_eq!(
        can(&scene.ana).await,
        json!(["GROUP_CREATE", "GROUP_READ", "GROUP_READ_MEMBERS", "GROUP_UPDATE", "GROUP_DELETE"])
    );
}
