//! Roles that organizations make: what they give, to whom and by whom, and what becomes of their holders.

mod rules;

use std::sync::Arc;

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Org, Person, TestApp};

/// An organization with an administrator and a plain member. The deployment's owner is no member of it.
struct Scene {
    app: Arc<TestApp>,
    owner: Person,
    org: Org,
    ana: Person,
    mia: Person,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let app = Arc::new(TestApp::start(backend).await?);
        let owner = app.owner().await;
        let org = app.organization(&owner, "data-platform").await;
        let ana = app.member_of(&owner, &org, "ana", &["organization-admin"]).await;
        let mia = app.member_of(&owner, &org, "mia", &[]).await;
        let leave = json!({ "organizationId": org.id, "userId": owner.id });
        app.done(&ana.token, "removeMember", "", leave).await;
        Some(Self { app, owner, org, ana, mia })
    }

    fn role(&self, name: &str, permissions: &[&str]) -> Value {
        json!({ "organizationId": self.org.id, "name": name, "permissions": permissions })
    }

    /// A new role's id.
    async fn make(&self, name: &str, permissions: &[&str]) -> String {
        let made =
            self.app.done(&self.ana.token, "createRole", "role { id }", self.role(name, permissions)).await;
        made["role"]["id"].as_str().unwrap().to_owned()
    }

    fn roles(&self, of: &Person, roles: &[&str]) -> Value {
        json!({ "organizationId": self.org.id, "userId": of.id, "roles": roles })
    }

    async fn give(&self, to: &Person, roles: &[&str]) {
        self.app.done(&self.ana.token, "setMemberRoles", "", self.roles(to, roles)).await;
    }

    /// The permissions that a mutation says are missing, and the field.
    async fn missing(&self, person: &Person, mutation: &str, input: Value) -> (Value, Value) {
        let selection =
            "userErrors { code field ... on MissingPermissions { permissions } } again: __typename";
        let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!("mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {selection} }} }}");
        let body = self.app.graphql(Some(&person.token), &query, json!({ "input": input })).await;
        let error = &body["data"][mutation]["userErrors"][0];
        assert_eq!(error["code"], "MISSING_PERMISSIONS", "{body:#}");
        (error["permissions"].clone(), error["field"].clone())
    }

    /// What somebody may do in the organization.
    async fn can(&self, person: &Person, permission: &str) -> bool {
        let query = "query($id: ID!) { organization(by: { id: $id }) { viewerCan } }";
        let body = self.app.ok(person, query, json!({ "id": self.org.id })).await;
        let held = body["organization"]["viewerCan"].as_array().unwrap().clone();
        held.contains(&json!(permission))
    }

    /// The roles that `person` sees in the organization, with whether they may give them.
    async fn seen(&self, person: &Person) -> Vec<(String, bool)> {
        let query = "query($id: ID!) { organization(by: { id: $id }) { roles { name assignable } } }";
        let body = self.app.ok(person, query, json!({ "id": self.org.id })).await;
        let roles = body["organization"]["roles"].as_array().unwrap().clone();
        let seen = |role: &Value| (role["name"].as_str().unwrap().to_owned(), role["assignable"] == true);
        roles.iter().map(seen).collect()
    }

    /// What the audit log says of a kind of thing, newest last.
    async fn entries(&self, resource: &str) -> Vec<String> {
        let query = format!(
            "select action || ' ' || resource_name || ' ' || cast(diff as text) from audit_log
             where resource = '{resource}' and status = 'SUCCESS' order by time, id"
        );
        self.app.tables().texts(&query).await
    }
}

#[rstest]
#[tokio::test]
async fn a_custom_role_gives_what_it_says_from_the_next_request_on(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let group = json!({ "organizationId": scene.org.id, "name": "crew" });
    assert_eq!(app.denied(Some(&scene.mia.token), "createGroup", group.clone()).await, "FORBIDDEN");
    let id = scene.make("Group-Maker", &["GROUP_CREATE", "AUDIT_LOG_READ"]).await;
    scene.make("other", &["TEMPLATE_CREATE"]).await;
    scene.give(&scene.mia, &["group-maker"]).await;
    assert!(scene.can(&scene.mia, "GROUP_CREATE").await);
    assert!(!scene.can(&scene.mia, "TEMPLATE_CREATE").await, "only the role that was given");
    app.done(&scene.mia.token, "createGroup", "", group).await;
    // It reaches as far as its organization.
    let other = app.organization(&scene.owner, "other").await;
    app.join(&scene.owner, &other, &scene.mia, &[]).await;
    let elsewhere = json!({ "organizationId": other.id, "name": "crew" });
    assert_eq!(app.denied(Some(&scene.mia.token), "createGroup", elsewhere).await, "FORBIDDEN");
    // Two custom roles and a built-in one add up.
    scene.give(&scene.mia, &["group-maker", "other", "organization-auditor"]).await;
    for permission in ["GROUP_CREATE", "TEMPLATE_CREATE", "QUOTA_READ"] {
        assert!(scene.can(&scene.mia, permission).await, "{permission}");
    }
    let query = "query($id: ID!) { organization(by: { id: $id }) { members(filter: { role: \"group-maker\" }) { nodes {
        user { username } roles { id name builtIn permissions organization { name } } } } } }";
    let body = app.ok(&scene.ana, query, json!({ "id": scene.org.id })).await;
    let member = &body["organization"]["members"]["nodes"][0];
    let roles = member["roles"].as_array().unwrap();
    let names: Vec<_> = roles.iter().map(|role| role["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["group-maker", "organization-auditor", "other"]);
    let custom = json!({
        "id": id, "name": "group-maker", "builtIn": false, "permissions": ["GROUP_CREATE", "AUDIT_LOG_READ"],
        "organization": { "name": "data-platform" },
    });
    assert_eq!(roles[0], custom);

    // Taken by the change of the role, and with its deletion from whoever holds it.
    let update = json!({ "roleId": id, "permissions": ["AUDIT_LOG_READ"], "expectedVersion": 1 });
    let done = app.done(&scene.ana.token, "updateRole", "role { version permissions }", update.clone()).await;
    assert_eq!(done["role"], json!({ "version": 2, "permissions": ["AUDIT_LOG_READ"] }));
    assert!(!scene.can(&scene.mia, "GROUP_CREATE").await);
    assert!(scene.can(&scene.mia, "AUDIT_LOG_READ").await);
    let stale = app.call(Some(&scene.ana.token), "updateRole", "role { version }", update).await;
    let payload = &stale["data"]["updateRole"];
    assert_eq!(
        (&payload["userErrors"][0]["code"], &payload["role"]["version"]),
        (&json!("STALE_VERSION"), &json!(2))
    );
    let deleted =
        app.done(&scene.ana.token, "deleteRole", "deletedRoleId takenFrom", json!({ "roleId": id })).await;
    assert_eq!((&deleted["deletedRoleId"], &deleted["takenFrom"]), (&json!(id), &json!(1)));
    let held = "select cast(roles as text) from organization_member where username = 'mia'
        and organization_id = (select id from organization where name = 'data-platform')";
    let held: Vec<String> = serde_json::from_str(&app.tables().texts(held).await[0]).unwrap();
    assert_eq!(held, ["organization-auditor", "other"]);
    let entries = scene.entries("MEMBER").await;
    assert!(entries.last().unwrap().starts_with("UPDATE mia "), "{entries:#?}");
    let entries = scene.entries("ROLE").await;
    assert_eq!(entries.len(), 4, "{entries:#?}");
    assert!(
        entries[2].contains("GROUP_CREATE") && entries[3].starts_with("DELETE group-maker "),
        "{entries:#?}"
    );
}

#[rstest]
#[tokio::test]
async fn nobody_makes_a_role_out_of_what_they_do_not_have(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, token) = (&scene.app, &scene.mia.token);
    // A role editor: may make roles and give them, but holds little.
    scene
        .make("editor", &["ROLE_CREATE", "ROLE_UPDATE", "ROLE_DELETE", "ROLE_ASSIGN", "MEMBER_UPDATE"])
        .await;
    scene.make("clerk", &["GROUP_CREATE"]).await;
    scene.give(&scene.mia, &["editor"]).await;
    let input = scene.role("grab", &["GROUP_CREATE", "ROLE_ASSIGN", "MEMBER_READ", "WORKSPACE_READ"]);
    let (missing, field) = scene.missing(&scene.mia, "createRole", input).await;
    assert_eq!(missing, json!(["GROUP_CREATE", "WORKSPACE_READ"]), "exactly what she lacks");
    assert_eq!(field, json!(["input", "permissions"]));
    let made = app
        .done(token, "createRole", "role { id }", scene.role("mine", &["ROLE_ASSIGN", "MEMBER_UPDATE"]))
        .await;
    let mine = made["role"]["id"].as_str().unwrap();

    // Neither by raising one later, nor by giving one that somebody else has made.
    let raise = json!({ "roleId": mine, "permissions": ["ROLE_ASSIGN", "GROUP_DELETE"] });
    let (missing, _) = scene.missing(&scene.mia, "updateRole", raise).await;
    assert_eq!(missing, json!(["GROUP_DELETE"]));
    let ben = app.member_of(&scene.owner, &scene.org, "ben", &[]).await;
    let (missing, field) = scene.missing(&scene.mia, "setMemberRoles", scene.roles(&ben, &["clerk"])).await;
    assert_eq!((missing, field), (json!(["GROUP_CREATE"]), json!(["input", "roles"])));
    app.done(token, "setMemberRoles", "", scene.roles(&ben, &["mine"])).await;
    // What others hold is taken and lowered by those alone who could give it.
    scene.give(&ben, &["clerk", "mine"]).await;
    let (missing, _) = scene.missing(&scene.mia, "setMemberRoles", scene.roles(&ben, &["mine"])).await;
    assert_eq!(missing, json!(["GROUP_CREATE"]));
    let clerk = app.tables().texts("select name from role where name = 'clerk'").await;
    assert_eq!(clerk, ["clerk"]);
    let query = "query($id: ID!) { organization(by: { id: $id }) { roles { id name } } }";
    let roles =
        app.ok(&scene.mia, query, json!({ "id": scene.org.id })).await["organization"]["roles"].clone();
    let id_of = |name: &str| {
        roles.as_array().unwrap().iter().find(|role| role["name"] == name).unwrap()["id"].clone()
    };
    let (missing, field) = scene.missing(&scene.mia, "deleteRole", json!({ "roleId": id_of("clerk") })).await;
    assert_eq!((missing, field), (json!(["GROUP_CREATE"]), json!(["input", "roleId"])));
    // What stays with somebody needs no power over it: only the difference is given or taken.
    app.done(token, "setMemberRoles", "", scene.roles(&ben, &["clerk"])).await;

    // Nobody changes a role that they hold themselves, whatever they have.
    for (mutation, input) in [
        ("updateRole", json!({ "roleId": id_of("editor"), "permissions": ["ROLE_CREATE"] })),
        ("deleteRole", json!({ "roleId": id_of("editor") })),
    ] {
        let refused = app.refused(token, mutation, input).await;
        assert!(refused.is("CONFLICT", "input.roleId"), "{refused:?}");
    }
    // Its texts are nobody's power.
    app.done(token, "updateRole", "", json!({ "roleId": id_of("editor"), "description": "Edits roles" }))
        .await;
    // Roles that come with Guildhall stay as they are.
    for (mutation, input) in [
        ("updateRole", json!({ "roleId": id_of("organization-auditor"), "displayName": "Eve" })),
        ("deleteRole", json!({ "roleId": id_of("organization-auditor") })),
    ] {
        let refused = app.refused(&scene.ana.token, mutation, input).await;
        assert!(refused.is("CONFLICT", "input.roleId"), "{refused:?}");
    }
}

#[rstest]
#[tokio::test]
async fn a_role_that_others_hold_is_raised_only_by_who_may_give_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, token) = (&scene.app, &scene.mia.token);
    let clerk = scene.make("clerk", &["GROUP_READ"]).await;
    scene.make("writer", &["ROLE_UPDATE", "ROLE_DELETE", "GROUP_CREATE"]).await;
    scene.give(&scene.mia, &["writer"]).await;
    let raise = json!({ "roleId": clerk, "permissions": ["GROUP_READ", "GROUP_CREATE"] });
    let lower = json!({ "roleId": clerk, "permissions": ["GROUP_READ"] });
    // While nobody holds it, that is writing.
    app.done(token, "updateRole", "", raise.clone()).await;
    app.done(token, "updateRole", "", lower.clone()).await;
    let ben = app.member_of(&scene.owner, &scene.org, "ben", &[]).await;
    scene.give(&ben, &["clerk"]).await;
    assert_eq!(app.denied(Some(token), "updateRole", raise.clone()).await, "FORBIDDEN");
    assert_eq!(app.denied(Some(token), "deleteRole", json!({ "roleId": clerk })).await, "FORBIDDEN");
    assert!(!scene.can(&ben, "GROUP_CREATE").await);
    app.done(&scene.ana.token, "updateRole", "", raise).await;
    assert!(scene.can(&ben, "GROUP_CREATE").await);
    // Without the permissions themselves it is FORBIDDEN, for whoever can see the role.
    assert_eq!(app.denied(Some(&ben.token), "updateRole", lower).await, "FORBIDDEN");
    assert_eq!(
        app.denied(Some(&ben.token), "createRole", scene.role("own", &["GROUP_READ"])).await,
        "FORBIDDEN"
    );
    assert_eq!(app.denied(Some(&ben.token), "deleteRole", json!({ "roleId": clerk })).await, "FORBIDDEN");
}

#[rstest]
#[tokio::test]
async fn everybody_sees_the_roles_and_which_they_may_give(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    scene.make("clerk", &["GROUP_CREATE"]).await;
    scene.make("author", &["TEMPLATE_CREATE"]).await;
    let people = app.member_of(&scene.owner, &scene.org, "people", &["organization-user-admin"]).await;
    let names = |seen: Vec<(String, bool)>| seen.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let given = |seen: Vec<(String, bool)>| names(seen.into_iter().filter(|(_, given)| *given).collect());
    let all = [
        "organization-admin",
        "organization-user-admin",
        "organization-template-admin",
        "organization-auditor",
        "organization-workspace-creation-ban",
        "author",
        "clerk",
    ];
    for person in [&scene.ana, &scene.mia, &people, &scene.owner] {
        assert_eq!(names(scene.seen(person).await), all);
    }
    assert_eq!(given(scene.seen(&scene.ana).await), all);
    assert_eq!(given(scene.seen(&scene.mia).await), [""; 0]);
    // A ban takes away what they do not hold for everybody.
    let some = ["organization-user-admin", "clerk"];
    assert_eq!(given(scene.seen(&people).await), some);

    // On the site.
    let body = app.ok(&scene.owner, "{ roles { name assignable organization { id } } }", json!({})).await;
    let site = |assignable: bool| {
        let role = |name: &str| json!({ "name": name, "assignable": assignable, "organization": null });
        json!(["owner", "user-admin", "template-admin", "auditor"].map(role))
    };
    assert_eq!(body["roles"], site(true));
    let body = app.ok(&scene.mia, "{ roles { name assignable organization { id } } }", json!({})).await;
    assert_eq!(body["roles"], site(false));

    // Every role is found by its id, by those alone who can see its organization.
    let query = "query($id: ID!) { organization(by: { id: $id }) { roles { id name } } }";
    let roles =
        app.ok(&scene.ana, query, json!({ "id": scene.org.id })).await["organization"]["roles"].clone();
    let ids: Vec<_> = roles.as_array().unwrap().iter().map(|role| role["id"].clone()).collect();
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Role { name } } }";
    assert_eq!(app.ok(&scene.mia, query, json!({ "ids": ids })).await["nodes"], roles);
    let stranger = app.user(&scene.owner, "sam", &[]).await;
    let nothing = json!(vec![Value::Null; ids.len()]);
    assert_eq!(app.ok(&stranger, query, json!({ "ids": ids })).await["nodes"], nothing);
}

/// Whoever could sign in as somebody else would have what that one has, custom roles included.
#[rstest]
#[tokio::test]
async fn a_custom_role_is_power_that_a_password_would_give(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let keeper = app.user(&scene.owner, "keeper", &["user-admin"]).await;
    let reset = json!({ "userId": scene.mia.id, "password": "another battery" });
    app.done(&keeper.token, "resetPassword", "", reset.clone()).await;
    scene.make("builder", &["TEMPLATE_CREATE", "GROUP_CREATE"]).await;
    scene.give(&scene.mia, &["builder"]).await;
    let (missing, _) = scene.missing(&keeper, "resetPassword", reset).await;
    assert_eq!(missing, json!(["TEMPLATE_CREATE"]));
}
