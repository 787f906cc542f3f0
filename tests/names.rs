//! Names, ids and other short input: what is refused, where it says so, and that nothing is left of it.

mod fire;
mod search;
mod texts;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::calls::code;
use crate::support::{Backend, Org, PASSWORD, Person, TestApp};

/// An organization with a template that workspaces can be made from.
struct Scene {
    app: Arc<TestApp>,
    owner: Person,
    org: Org,
    template: String,
    file: String,
    addresses: AtomicUsize,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let app = Arc::new(TestApp::start(backend).await?);
        let owner = app.owner().await;
        let org = app.organization(&owner, "data-platform").await;
        let key = app.provisioner_key(&owner, &org, "cluster", &[]).await;
        let daemon = app.daemon(&key, &org, "cluster").await;
        let template = app.template(&owner, &org, "base").await.id;
        assert_eq!(app.work(&daemon).await, 1);
        let file = app.upload(&owner).await;
        Some(Self { app, owner, org, template, file, addresses: AtomicUsize::new(0) })
    }

    /// The mutation that makes something with this name, where the name stands in its input, and the input.
    fn create(&self, kind: Kind, name: &str) -> (&'static str, &'static str, Value) {
        let org = &self.org.id;
        match kind {
            Kind::Organization => ("createOrganization", "input.name", json!({ "name": name })),
            Kind::User => {
                // An address of its own each time, so that only the name is taken.
                let number = self.addresses.fetch_add(1, Ordering::Relaxed);
                let email = format!("person-{number}@example.com");
                let input = json!({ "username": name, "email": email, "password": PASSWORD });
                ("createUser", "input.username", input)
            }
            Kind::Group => ("createGroup", "input.name", json!({ "organizationId": org, "name": name })),
            Kind::Key => {
                ("createProvisionerKey", "input.name", json!({ "organizationId": org, "name": name }))
            }
            Kind::Template => {
                let version = json!({ "fileId": self.file });
                let input = json!({ "organizationId": org, "name": name, "version": version });
                ("createTemplate", "input.name", input)
            }
            Kind::Workspace => {
                ("createWorkspace", "input.name", json!({ "templateId": self.template, "name": name }))
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Organization,
    User,
    Group,
    Key,
    Template,
    Workspace,
}

async fn default_id(app: &TestApp, person: &Person) -> String {
    let query = "{ organization(by: { name: \"default\" }) { id } }";
    app.ok(person, query, json!({})).await["organization"]["id"].as_str().unwrap().to_owned()
}

#[rstest]
#[tokio::test]
async fn a_name_that_breaks_a_rule_is_refused_and_leaves_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(Kind::Organization, Kind::User, Kind::Group, Kind::Key, Kind::Template, Kind::Workspace)]
    kind: Kind,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let before = scene.app.tables().counts().await;
    let long = "x".repeat(33);
    let names = [
        "",
        "  ",
        "two words",
        "-a",
        "a-",
        "a--b",
        "-",
        "a_b",
        "a.b",
        "a/b",
        "../a",
        "ümlaut",
        "a\u{202e}b",
        "'; drop table organization; --",
        "new",
        "create",
        "me",
        "Me",
        " new ",
        &long,
    ];
    for name in names {
        let (mutation, field, input) = scene.create(kind, name);
        let refused = scene.app.refused(&scene.owner.token, mutation, input).await;
        assert!(refused.is("BAD_USER_INPUT", field), "{name:?}: {refused:?}");
    }
    let (mutation, _, input) = scene.create(kind, "a\0b");
    assert_eq!(scene.app.denied(Some(&scene.owner.token), mutation, input).await, "BAD_USER_INPUT");
    assert_eq!(scene.app.tables().counts().await, before);
    // What just keeps the rules, in any case and with space around it.
    let name = format!("  {}-9 ", "A".repeat(30));
    let (mutation, _, input) = scene.create(kind, &name);
    scene.app.done(&scene.owner.token, mutation, "", input).await;
}

#[rstest]
#[tokio::test]
async fn a_name_is_taken_in_any_case(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(Kind::Organization, Kind::User, Kind::Group, Kind::Key, Kind::Template, Kind::Workspace)]
    kind: Kind,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (mutation, field, input) = scene.create(kind, "alpha");
    scene.app.done(&scene.owner.token, mutation, "", input).await;
    let before = scene.app.tables().counts().await;
    for name in ["alpha", "Alpha", " ALPHA"] {
        let (mutation, _, input) = scene.create(kind, name);
        let refused = scene.app.refused(&scene.owner.token, mutation, input).await;
        assert!(refused.is("NAME_TAKEN", field), "{name:?}: {refused:?}");
        assert!(refused.message.contains("alpha"), "{refused:?}");
    }
    assert_eq!(scene.app.tables().counts().await, before);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_who_want_a_name_at_once_exactly_one_gets_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(Kind::Organization, Kind::User, Kind::Group, Kind::Key, Kind::Template, Kind::Workspace)]
    kind: Kind,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let mut creates = JoinSet::new();
    for name in ["alpha", "Alpha", "aLpha", "alPha", "alpHa", "alphA"] {
        let (app, token) = (scene.app.clone(), scene.owner.token.clone());
        let (mutation, field, input) = scene.create(kind, name);
        creates.spawn(async move { (app.complaints(&token, mutation, input).await, field) });
    }
    let outcomes = creates.join_all().await;
    let won = outcomes.iter().filter(|(complaints, _)| complaints.is_empty()).count();
    assert_eq!(won, 1, "{outcomes:?}");
    for (complaints, field) in outcomes.iter().filter(|(complaints, _)| !complaints.is_empty()) {
        assert!(complaints[0].is("NAME_TAKEN", field), "{complaints:?}");
    }
}

#[rstest]
#[tokio::test]
async fn names_are_free_elsewhere_and_after_deletion(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, token) = (&scene.app, scene.owner.token.as_str());
    let other = app.organization(&scene.owner, "other").await;
    for kind in [Kind::Group, Kind::Key, Kind::Template] {
        let (mutation, _, mut input) = scene.create(kind, "alpha");
        app.done(token, mutation, "", input.clone()).await;
        input["organizationId"] = other.id.clone().into();
        app.done(token, mutation, "", input).await;
    }
    // A workspace of somebody else, or one that is gone, takes no name.
    let mia = app.member_of(&scene.owner, &scene.org, "mia", &[]).await;
    let (mutation, _, input) = scene.create(Kind::Workspace, "dev");
    let own = app.done(token, mutation, "workspace { id }", input.clone()).await;
    app.done(&mia.token, mutation, "", input.clone()).await;
    let key = app.provisioner_key(&scene.owner, &scene.org, "second", &[]).await;
    let daemon = app.daemon(&key, &scene.org, "second").await;
    app.work(&daemon).await;
    app.done(token, "deleteWorkspace", "", json!({ "workspaceId": own["workspace"]["id"] })).await;
    assert!(app.refused(token, mutation, input.clone()).await.is("NAME_TAKEN", "input.name"));
    app.work(&daemon).await;
    app.done(token, mutation, "", input).await;

    app.done(token, "deleteProvisionerKey", "", json!({ "provisionerKeyId": key.id })).await;
    let (mutation, _, input) = scene.create(Kind::Key, "second");
    app.done(token, mutation, "", input).await;
}

#[rstest]
#[tokio::test]
async fn the_name_default_belongs_to_the_default_organization(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, token) = (&scene.app, scene.owner.token.as_str());
    for name in ["default", "Default"] {
        let refused = app.refused(token, "createOrganization", json!({ "name": name })).await;
        assert!(refused.is("BAD_USER_INPUT", "input.name"), "{refused:?}");
        let input = json!({ "organizationId": scene.org.id, "name": name });
        let refused = app.refused(token, "updateOrganization", input).await;
        assert!(refused.is("BAD_USER_INPUT", "input.name"), "{refused:?}");
    }
    // It may have another one, and come back to it; nobody takes it meanwhile.
    let default = default_id(app, &scene.owner).await;
    let rename = |name: &str| json!({ "organizationId": default, "name": name });
    let taken = app.refused(token, "updateOrganization", rename("data-platform")).await;
    assert!(taken.is("NAME_TAKEN", "input.name"), "{taken:?}");
    app.done(token, "updateOrganization", "", rename("main")).await;
    let refused = app.refused(token, "createOrganization", json!({ "name": "default" })).await;
    assert!(refused.is("BAD_USER_INPUT", "input.name"), "{refused:?}");
    app.done(token, "updateOrganization", "", rename("default")).await;
}

#[rstest]
#[tokio::test]
async fn an_id_of_another_kind_names_nothing(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, token) = (&scene.app, scene.owner.token.as_str());
    let before = app.tables().counts().await;
    let user = scene.owner.id.as_str();
    let suffix = scene.org.id.strip_prefix("org_").unwrap();
    let (as_user, shouted) = (format!("usr_{suffix}"), scene.org.id.to_uppercase());
    let wrong = [
        user,
        scene.template.as_str(),
        &as_user,
        &shouted,
        "org_",
        "",
        "1",
        "org_!!!!!!!!!!!!!!!!!!!!!!!!!!",
        suffix,
    ];
    for id in wrong {
        for (mutation, field, input) in [
            ("updateOrganization", "organizationId", json!({})),
            ("createGroup", "organizationId", json!({ "name": "a" })),
            ("createProvisionerKey", "organizationId", json!({ "name": "a" })),
            ("createTemplate", "organizationId", json!({ "name": "a", "version": { "fileId": scene.file } })),
            ("removeMember", "organizationId", json!({ "userId": user })),
            ("setMemberRoles", "organizationId", json!({ "userId": user, "roles": [] })),
            ("addMembers", "organizationId", json!({ "members": [{ "userId": user }] })),
        ] {
            let mut input = input;
            input[field] = id.into();
            let refused = app.refused(token, mutation, input).await;
            assert!(refused.is("NOT_FOUND", &format!("input.{field}")), "{mutation} {id:?}: {refused:?}");
        }
    }
    for (mutation, field, input) in [
        ("createWorkspace", "templateId", json!({ "name": "a" })),
        ("createTemplateVersion", "templateId", json!({ "fileId": scene.file })),
        ("createTemplateVersion", "fileId", json!({ "templateId": scene.template })),
        ("promoteTemplateVersion", "templateVersionId", json!({})),
        ("startWorkspace", "workspaceId", json!({})),
        ("stopWorkspace", "workspaceId", json!({})),
        ("deleteWorkspace", "workspaceId", json!({})),
        ("deleteProvisionerKey", "provisionerKeyId", json!({})),
        ("cancelProvisionerJob", "provisionerJobId", json!({})),
        ("removeMember", "userId", json!({ "organizationId": scene.org.id })),
        ("addGroupMembers", "groupId", json!({ "userIds": [user] })),
    ] {
        for id in [scene.org.id.as_str(), "", "nonsense"] {
            // The id of an organization is no id of its Everyone group either.
            let mut input = input.clone();
            input[field] = id.into();
            let refused = app.refused(token, mutation, input).await;
            assert!(refused.is("NOT_FOUND", &format!("input.{field}")), "{mutation} {id:?}: {refused:?}");
        }
    }
    assert_eq!(app.tables().counts().await, before);

    for id in ["", "nonsense", suffix, &as_user, &shouted] {
        let body =
            app.graphql(Some(token), "query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
        let missing = body["data"] == json!({ "node": null }) && body.get("errors").is_none();
        assert!(missing || code(&body) == "BAD_USER_INPUT", "{id:?}: {body:#}");
    }
}
