//! What a custom role can be, whatever happens at once, and how far the policy lets it go.

use guildhall::authz::policy::{self, BuiltinRole};
use guildhall::authz::{Membership, Permission, PermissionSet};
use guildhall_entity::id::OrganizationId;
use rstest::rstest;
use sea_orm::prelude::Uuid;
use serde_json::json;
use tokio::task::JoinSet;

use super::Scene;
use crate::support::Backend;

#[rstest]
#[tokio::test]
async fn what_a_role_can_be(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, token) = (&scene.app, &scene.owner.token);
    app.join(&scene.ana, &scene.org, &scene.owner, &[]).await;
    for site in ["ORGANIZATION_CREATE", "USER_CREATE", "TOKEN_READ", "DEPLOYMENT_SETTINGS_READ"] {
        let refused = app.refused(token, "createRole", scene.role("big", &["GROUP_READ", site])).await;
        assert!(refused.is("BAD_USER_INPUT", "input.permissions"), "{refused:?}");
        assert!(refused.message.ends_with(site), "{refused:?}");
    }
    let refused = app.refused(token, "createRole", scene.role("none", &[])).await;
    assert!(refused.is("BAD_USER_INPUT", "input.permissions"), "{refused:?}");
    // One built-in name is longer than a slug may be.
    for role in BuiltinRole::ALL.iter().filter(|role| role.name().len() <= 32) {
        let refused = app.refused(token, "createRole", scene.role(role.name(), &["GROUP_READ"])).await;
        assert!(refused.is("NAME_TAKEN", "input.name"), "{refused:?}");
    }
    for (name, field) in [("Not a slug", "input.name"), ("me", "input.name")] {
        let refused = app.refused(token, "createRole", scene.role(name, &["GROUP_READ"])).await;
        assert!(refused.is("BAD_USER_INPUT", field), "{refused:?}");
    }
    scene.make("clerk", &["GROUP_READ"]).await;
    let refused = app.refused(token, "createRole", scene.role("CLERK", &["GROUP_READ"])).await;
    assert!(refused.is("NAME_TAKEN", "input.name"), "{refused:?}");
    // Another organization may have one of the same name, and it is another role.
    let other = app.organization(&scene.owner, "other").await;
    let input = json!({ "organizationId": other.id, "name": "clerk", "permissions": ["GROUP_CREATE"] });
    app.done(token, "createRole", "", input).await;
    scene.give(&scene.mia, &["clerk"]).await;
    assert!(!scene.can(&scene.mia, "GROUP_CREATE").await);
    let refused = app.refused(&scene.ana.token, "setMemberRoles", scene.roles(&scene.mia, &["nobody"])).await;
    assert!(refused.is("BAD_USER_INPUT", "input.roles"), "{refused:?}");
    assert!(
        refused.message.contains("organization-auditor") && refused.message.contains("clerk"),
        "{refused:?}"
    );

    // As many as there may be, and no more.
    for n in 1..100 {
        let role = format!(
            "insert into role select {}, organization_id, 'role-{n}', 'x', '', permissions, 1, created_at, updated_at
             from role where name = 'clerk' and display_name <> 'x' and organization_id =
               (select id from organization where name = 'data-platform')",
            match backend {
                Backend::Sqlite => "randomblob(16)",
                Backend::Postgres => "gen_random_uuid()",
            }
        );
        app.tables().execute(&role).await;
    }
    let refused = app.refused(token, "createRole", scene.role("one-more", &["GROUP_READ"])).await;
    assert!(refused.is("CONFLICT", "input.organizationId"), "{refused:?}");
    // They go with their organization.
    let delete = json!({ "organizationId": other.id });
    app.done(token, "deleteOrganization", "", delete).await;
    assert_eq!(app.tables().count("role").await, 100);
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn creates_and_changes_at_once(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let mut attempts = JoinSet::new();
    for name in ["clerk", "Clerk", "CLERK", "clerk"] {
        let (app, token, input) =
            (scene.app.clone(), scene.ana.token.clone(), scene.role(name, &["GROUP_CREATE"]));
        attempts.spawn(async move { app.call(Some(&token), "createRole", "role { id }", input).await });
    }
    let bodies = attempts.join_all().await;
    let made: Vec<_> =
        bodies.iter().filter_map(|body| body["data"]["createRole"]["role"]["id"].as_str()).collect();
    assert_eq!(made.len(), 1, "{bodies:#?}");
    for body in bodies.iter().filter(|body| body["data"]["createRole"]["role"].is_null()) {
        assert_eq!(body["data"]["createRole"]["userErrors"][0]["code"], "NAME_TAKEN", "{body:#}");
    }
    // Given while it is deleted: afterwards nobody holds a name that a later role could fill with other permissions.
    for round in 0..6 {
        let role = scene.make(&format!("fleeting-{round}"), &["GROUP_CREATE"]).await;
        let mut attempts = JoinSet::new();
        let given = scene.roles(&scene.mia, &[&format!("fleeting-{round}")]);
        for (mutation, input) in [("setMemberRoles", given), ("deleteRole", json!({ "roleId": role }))] {
            let (app, token) = (scene.app.clone(), scene.ana.token.clone());
            attempts.spawn(async move { app.call(Some(&token), mutation, "", input).await });
        }
        for body in attempts.join_all().await {
            assert!(body.get("errors").is_none(), "{body:#}");
        }
        let held = "select username from organization_member where cast(roles as text) like '%fleeting%'";
        assert_eq!(scene.app.tables().texts(held).await, [""; 0], "round {round}");
    }
}

/// What a role editor offers is what a custom role takes.
#[rstest]
#[tokio::test]
async fn every_permission_is_described(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let query = "{ permissions { permission resource action description reach } }";
    let body = scene.app.ok(&scene.ana, query, json!({})).await;
    let permissions = body["permissions"].as_array().unwrap();
    assert_eq!(permissions.len(), Permission::ALL.len());
    let mut offered = Vec::new();
    for (entry, permission) in permissions.iter().zip(Permission::ALL) {
        let text = |field: &str| entry[field].as_str().unwrap();
        assert_eq!(text("permission"), permission.to_string());
        assert_eq!(format!("{}_{}", text("resource"), text("action")), permission.to_string());
        assert!(text("description").ends_with('.') && text("description").len() > 10, "{entry}");
        assert_eq!(Permission::named(text("permission")), Some(*permission));
        if text("reach") == "ORGANIZATION" {
            offered.push(text("permission"));
        }
        assert_eq!(text("reach") == "DAEMON", policy::DAEMON.contains(*permission), "{entry}");
    }
    scene.make("everything", &offered).await;
    assert!(
        scene.seen(&scene.ana).await.contains(&("everything".to_owned(), true)),
        "an administrator holds them all"
    );
}

/// Whatever a row of the table says, a custom role gives nothing beyond its organization, and the ban still wins.
#[test]
fn a_custom_role_is_bounded_by_the_policy() {
    let organization = OrganizationId(Uuid::from_u128(7));
    let mut membership = Membership::new(organization, ["organization-workspace-creation-ban"]);
    let before = membership.clone();
    membership.grant(PermissionSet::named(["NO_SUCH_PERMISSION", "USER_DELETE", "ORGANIZATION_CREATE", ""]));
    assert_eq!(membership, before);
    membership.grant(PermissionSet::ALL);
    assert_eq!(membership.from_roles, policy::CUSTOM);
    assert_eq!(membership.denied, before.denied);
    for permission in [Permission::UserCreate, Permission::ProvisionerDaemonServe, Permission::TokenCreate] {
        assert!(!membership.everywhere.contains(permission), "{permission}");
    }
}
