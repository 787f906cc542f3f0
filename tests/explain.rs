//! Explanations: the same answer as the policy's, with its reasons, for those who may know.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::calls::code;
use crate::support::schema::Schema;
use crate::support::{Backend, Org, Person, TestApp};

const EXPLAIN: &str = "query($user: ID!, $permission: Permission!, $object: ID) {
    explainAccess(userId: $user, permission: $permission, objectId: $object) {
      user { username } permission allowed suspended missing deniedBy { name } grantedBy { name }
      grantedByTemplateRole grantedByMembership
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
    // What one owns, and what one would make.
    for (permission, object) in [("WORKSPACE_CREATE", org), ("TOKEN_CREATE", None)] {
        let answer = scene.explain(&scene.owner, mia, permission, object).await;
        assert_eq!((&answer["allowed"], &answer["reasons"][0]["reach"]), (&json!(true), &json!("OWN")));
    }
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
    let (own, all) =
        (reason("OWN", "organization-member", true), reason("ORGANIZATION", "organization-admin", true));
    assert_eq!(answer["reasons"], json!([own, all]));
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

/// Whoever reads members, but not who is in which group, does not learn it from what a group gives.
#[rstest]
#[tokio::test]
async fn groups_are_not_told_by_what_they_give(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    app.role(&scene.ana, &scene.org, "clerk", &["MEMBER_READ_CONTACT"]).await;
    let clerk = app.member_of(&scene.owner, &scene.org, "clerk", &["clerk"]).await;
    let org = Some(scene.org.id.as_str());
    assert_eq!(scene.explain(&clerk, &scene.mia, "GROUP_CREATE", org).await["allowed"], false);
    for object in [&scene.crew, &scene.template] {
        let body = scene.refused(&clerk, &scene.mia.id, "TEMPLATE_USE", Some(object)).await;
        let requires = &body["errors"][0]["extensions"]["requires"];
        assert_eq!((code(&body).as_str(), requires), ("FORBIDDEN", &json!("GROUP_READ_MEMBERS")));
    }
    assert_eq!(scene.explain(&clerk, &clerk, "TEMPLATE_USE", Some(&scene.template)).await["allowed"], true);
}

/// A token takes away of what its owner may know of themselves.
#[rstest]
#[tokio::test]
async fn a_token_explains_no_more_than_it_reads(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, mia) = (&scene.app, &scene.mia);
    let (org, own) = (Some(scene.org.id.as_str()), ["USER_READ", "USER_READ_CONTACT", "ORGANIZATION_READ"]);
    let (_, narrow) = app.api_token(mia, json!({ "name": "narrow", "scopes": own })).await;
    let body = scene.refused(&narrow, &mia.id, "GROUP_CREATE", org).await;
    let requires = &body["errors"][0]["extensions"]["requires"];
    assert_eq!((code(&body).as_str(), requires), ("FORBIDDEN", &json!("MEMBER_READ")));
    assert_eq!(scene.explain(&narrow, mia, "USER_CREATE", None).await["allowed"], false);
    let body = scene.refused(&narrow, &mia.id, "TEMPLATE_USE", Some(&scene.template)).await;
    assert_eq!(code(&body), "NOT_FOUND", "it leaves no template");
    let scopes = [&own[..], &["MEMBER_READ"]].concat();
    let (_, wider) = app.api_token(mia, json!({ "name": "wider", "scopes": scopes })).await;
    let answer = scene.explain(&wider, mia, "WORKSPACE_CREATE", org).await;
    assert_eq!(answer["allowed"], true, "it is told of the owner, not of the token");
}

/// Everybody's own `viewerCan` is what somebody else is told of them.
#[rstest]
#[tokio::test]
async fn what_is_explained_is_what_they_can_do(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let values = Schema::committed().values("Permission");
    let mut people = vec![];
    for role in ["admin", "user-admin", "template-admin", "auditor", "workspace-creation-ban"] {
        let roles = [&*format!("organization-{role}")];
        people.push(app.member_of(&scene.owner, &scene.org, &format!("the-{role}"), &roles).await);
    }
    for role in ["user-admin", "template-admin", "auditor"] {
        people.push(app.user(&scene.owner, &format!("site-{role}"), &[role]).await);
    }
    people.push(scene.mia.clone());
    let can =
        "query($id: ID!) { node(id: $id) { ... on Organization { viewerCan } ... on Template { viewerCan }
        ... on Workspace { viewerCan } ... on Group { viewerCan } } }";
    for object in [&scene.org.id, &scene.template, &scene.workspace, &scene.crew] {
        for person in &people {
            let seen = app.ok(person, can, json!({ "id": object })).await;
            // Whoever does not see it has nothing to compare with.
            let Some(can) = seen["node"]["viewerCan"].as_array() else { continue };
            let resource = match &object[..3] {
                "tpl" => "TEMPLATE_",
                "grp" => "GROUP_",
                "org" => "",
                _ => "WORKSPACE_",
            };
            // What one would make oneself is not among what one may do to everything of an organization.
            let own = |name: &&String| {
                resource.is_empty() && ["WORKSPACE_CREATE", "TOKEN_CREATE"].contains(&name.as_str())
            };
            let asked: Vec<_> =
                values.iter().filter(|name| name.starts_with(resource) && !own(name)).collect();
            for names in asked.chunks(20) {
                let field = |name: &&String| {
                    let user = &person.id;
                    format!(
                        "{name}: explainAccess(permission: {name}, userId: \"{user}\", objectId: \"{object}\") {{ allowed }}"
                    )
                };
                let document = format!("{{ {} }}", names.iter().map(field).collect::<Vec<_>>().join("\n"));
                let answers = app.ok(&scene.owner, &document, json!({})).await;
                for name in names {
                    let allowed = &answers[name.as_str()]["allowed"];
                    let is_in = json!(can.contains(&json!(name)));
                    assert_eq!(*allowed, is_in, "{name} of {} on {object}", person.username);
                }
            }
        }
    }
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

/// A workspace is made of a template: whoever may not use it makes none, and is told what would do.
#[rstest]
#[tokio::test]
async fn what_would_do_is_told(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner, ana, mia) = (&scene.app, &scene.owner, &scene.ana, &scene.mia);
    let (org, template) = (Some(scene.org.id.as_str()), Some(scene.template.as_str()));
    let answer = scene.explain(ana, mia, "WORKSPACE_CREATE", template).await;
    assert_eq!(answer["allowed"], true);
    assert_eq!(
        answer["reasons"],
        json!([reason("OWN", "organization-member", true), listed("USE", Some("everyone"))])
    );
    let entries = json!([{ "groupId": scene.org.id.replace("org_", "grp_"), "role": "NONE" }]);
    let hide = json!({ "templateId": scene.template, "entries": entries });
    app.done(&ana.token, "setTemplateAccess", "", hide).await;
    for permission in ["WORKSPACE_CREATE", "TEMPLATE_USE"] {
        let answer = scene.explain(ana, mia, permission, template).await;
        assert_eq!((&answer["allowed"], &answer["missing"]), (&json!(false), &json!("TEMPLATE_USE")));
        assert_eq!(answer["grantedByTemplateRole"], "USE", "{permission}");
        assert_eq!(answer["grantedByMembership"], false, "she belongs to it");
        assert!(!answer["grantedBy"].as_array().unwrap().is_empty());
    }
    let answer = scene.explain(ana, mia, "TEMPLATE_DELETE", template).await;
    assert_eq!(answer["grantedByTemplateRole"], "ADMIN");
    let answer = scene.explain(ana, mia, "TEMPLATE_INSIGHTS", template).await;
    assert_eq!(answer["grantedByTemplateRole"], Value::Null, "no entry gives that");
    // Whoever is no member could be one.
    let stranger = app.user(owner, "sam", &[]).await;
    for (permission, object, would) in [
        ("WORKSPACE_CREATE", org, true),
        ("MEMBER_READ", org, true),
        ("WORKSPACE_STOP", Some(scene.workspace.as_str()), false),
        ("GROUP_CREATE", org, false),
    ] {
        let answer = scene.explain(owner, &stranger, permission, object).await;
        assert_eq!(answer["grantedByMembership"], would, "{permission}");
    }
    assert_eq!(scene.explain(ana, mia, "GROUP_CREATE", org).await["grantedByMembership"], false);
}

/// What can't be done to such a thing has no answer.
#[rstest]
#[tokio::test]
async fn nonsense_is_refused(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (owner, mia) = (&scene.owner, &scene.mia);
    for (permission, object, about) in [
        ("GROUP_CREATE", &scene.template, "a template"),
        ("WORKSPACE_STOP", &mia.id, "a user"),
        ("TEMPLATE_USE", &scene.crew, "a group"),
        ("USER_DELETE", &scene.workspace, "a workspace"),
    ] {
        let body = scene.refused(owner, &mia.id, permission, Some(object)).await;
        let error = &body["errors"][0];
        assert_eq!(code(&body), "BAD_USER_INPUT", "{body:#}");
        assert_eq!(error["extensions"]["argument"], "permission");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(about) && message.contains(permission), "{message}");
    }
}
