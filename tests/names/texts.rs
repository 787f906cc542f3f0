//! Roles, addresses, icons and the other texts that people type.

use rstest::rstest;
use serde_json::json;

use super::{Kind, Scene};
use crate::support::Backend;

#[rstest]
#[tokio::test]
async fn unknown_roles_are_named(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, token) = (&scene.app, scene.owner.token.as_str());
    let mia = app.member_of(&scene.owner, &scene.org, "mia", &[]).await;
    let before = app.tables().counts().await;
    for role in ["", "organization-emperor", "owner", "organization_admin", "*"] {
        let input = json!({ "organizationId": scene.org.id, "userId": mia.id, "roles": [role] });
        let refused = app.refused(token, "setMemberRoles", input).await;
        assert!(refused.is("BAD_USER_INPUT", "input.roles"), "{role:?}: {refused:?}");
        assert!(refused.message.contains(&format!("`{role}`")), "{refused:?}");
    }
    for role in ["emperor", "organization-admin"] {
        let (_, _, mut input) = scene.create(Kind::User, "new-user");
        input["siteRoles"] = json!([role]);
        let refused = app.refused(token, "createUser", input).await;
        assert!(refused.is("BAD_USER_INPUT", "input.siteRoles"), "{role:?}: {refused:?}");
    }
    let added = json!({ "organizationId": scene.org.id, "members": [
        { "username": "nobody-here" }, { "username": "mia" }, { "userId": mia.id, "username": "mia" },
        { "username": "mia", "roles": ["emperor"] },
    ] });
    let selection = "results { member { createdAt } userErrors { code field } }";
    let payload = app.done(token, "addMembers", selection, added).await;
    let codes: Vec<_> =
        payload["results"].as_array().unwrap().iter().map(|one| &one["userErrors"][0]["code"]).collect();
    assert_eq!(codes, ["NOT_FOUND", "CONFLICT", "BAD_USER_INPUT", "BAD_USER_INPUT"], "{payload:#}");
    assert_eq!(app.tables().counts().await, before);
}

#[rstest]
#[tokio::test]
async fn other_texts_have_their_rules_too(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, token) = (&scene.app, scene.owner.token.as_str());
    let before = app.tables().counts().await;
    for (field, text) in [
        ("displayName", "x".repeat(65)),
        ("displayName", "a\u{1b}[2Jb".into()),
        ("description", "x".repeat(501)),
        ("icon", "javascript:alert(1)".into()),
        ("icon", "JavaScript:alert(1)".into()),
        ("icon", "data:image/svg+xml,<svg/>".into()),
        ("icon", "http://example.com/a.png".into()),
        ("icon", "//example.com/a.png".into()),
        ("icon", "word".into()),
    ] {
        let mut input = json!({ "name": "alpha" });
        input[field] = text.clone().into();
        let refused = app.refused(token, "createOrganization", input).await;
        assert!(refused.is("BAD_USER_INPUT", &format!("input.{field}")), "{text:?}: {refused:?}");
    }
    for (field, value) in [
        ("email", json!("nobody")),
        ("email", json!("")),
        ("email", json!("a b@example.com")),
        ("password", json!("short")),
        ("password", json!("x".repeat(257))),
    ] {
        let (_, _, mut input) = scene.create(Kind::User, "alpha");
        input[field] = value.clone();
        let refused = app.refused(token, "createUser", input).await;
        assert!(refused.is("BAD_USER_INPUT", &format!("input.{field}")), "{value}: {refused:?}");
        assert!(field != "password" || !refused.message.contains("xxx"), "a password in a message");
    }
    let (_, _, mut input) = scene.create(Kind::User, "alpha");
    input["email"] = "OLGA@example.com".into();
    let refused = app.refused(token, "createUser", input).await;
    assert!(refused.is("CONFLICT", "input.email"), "{refused:?}");
    let negative = json!({ "organizationId": scene.org.id, "name": "alpha", "quotaAllowance": -1 });
    let refused = app.refused(token, "createGroup", negative).await;
    assert!(refused.is("BAD_USER_INPUT", "input.quotaAllowance"), "{refused:?}");
    for tags in [json!([{ "name": "", "value": "x" }]), json!([{ "name": "a", "value": "b c" }])] {
        let input = json!({ "organizationId": scene.org.id, "name": "alpha", "tags": tags });
        let refused = app.refused(token, "createProvisionerKey", input).await;
        assert!(refused.is("BAD_USER_INPUT", "input.tags.0"), "{refused:?}");
    }
    let past =
        json!({ "organizationId": scene.org.id, "name": "alpha", "expiresAt": "2020-01-01T00:00:00Z" });
    let refused = app.refused(token, "createProvisionerKey", past).await;
    assert!(refused.is("BAD_USER_INPUT", "input.expiresAt"), "{refused:?}");
    assert_eq!(app.tables().counts().await, before);
}

#[rstest]
#[tokio::test]
async fn an_older_version_of_what_is_changed_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, token) = (&scene.app, scene.owner.token.as_str());
    let input =
        |text: &str| json!({ "organizationId": scene.org.id, "description": text, "expectedVersion": 1 });
    app.done(token, "updateOrganization", "", input("first")).await;
    let refused = app.refused(token, "updateOrganization", input("second")).await;
    assert_eq!(refused.code, "STALE_VERSION", "{refused:?}");
    // What is not given stays.
    let name = json!({ "organizationId": scene.org.id, "displayName": "Data" });
    let kept = app.done(token, "updateOrganization", "organization { description version }", name).await;
    assert_eq!(kept["organization"], json!({ "description": "first", "version": 3 }));
}
