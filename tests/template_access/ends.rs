//! What becomes of entries: with the membership, the group or the organization that they name, and with Everyone, who are
//! whoever is a member.

use rstest::rstest;
use serde_json::{Value, json};

use super::{ADMIN, Scene, USE, pairs};
use crate::support::Backend;

fn held(permissions: &[&str]) -> Option<Vec<String>> {
    Some(permissions.iter().map(|&one| one.to_owned()).collect())
}

#[rstest]
#[tokio::test]
async fn an_entry_goes_with_the_membership_that_it_names(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, author, ana) = (&scene.app, &scene.author, &scene.ana);
    let unused = app.template(author, &scene.org, "unused").await;
    app.work(&scene.daemon).await;
    assert_eq!(scene.set(author, Scene::group(&scene.everyone(), "NONE")).await, None);
    assert_eq!(scene.set(author, Scene::user(ana, "ADMIN")).await, None);
    let entries = json!({ "templateId": unused.id, "entries": [Scene::user(ana, "USE")] });
    app.done(&author.token, "setTemplateAccess", "", entries).await;
    // What the list of a deleted template says is nobody's loss.
    app.done(&author.token, "deleteTemplate", "", json!({ "templateId": unused.id })).await;
    let query = "query($id: ID!) { organization(by: { id: $id }) { members(filter: { query: \"ana\" }) {
        nodes { removalImpact { templateAccess } } } } }";
    let impact = app.ok(&scene.owner, query, json!({ "id": scene.org.id })).await;
    assert_eq!(impact["organization"]["members"]["nodes"][0]["removalImpact"]["templateAccess"], 1);
    let leave = json!({ "organizationId": scene.org.id, "userId": ana.id });
    app.done(&scene.owner.token, "removeMember", "", leave).await;
    assert_eq!(scene.list(author).await, pairs(&[]));
    app.join(&scene.owner, &scene.org, ana, &[]).await;
    assert_eq!(scene.can(ana).await, None, "a membership begins without any");
}

#[rstest]
#[tokio::test]
async fn an_entry_goes_with_the_group_that_it_names(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, author, mia) = (&scene.app, &scene.author, &scene.mia);
    assert_eq!(scene.set(author, Scene::group(&scene.crew, "ADMIN")).await, None);
    assert_eq!(scene.can(mia).await, held(&ADMIN));
    // Out of the group, and in again.
    let member = json!({ "groupId": scene.crew, "userIds": [mia.id] });
    app.done(&scene.owner.token, "removeGroupMembers", "", member.clone()).await;
    assert_eq!(scene.can(mia).await, held(&USE));
    app.done(&scene.owner.token, "addGroupMembers", "", member).await;
    assert_eq!(scene.can(mia).await, held(&ADMIN));
    app.done(&scene.owner.token, "deleteGroup", "", json!({ "groupId": scene.crew })).await;
    assert_eq!(scene.list(author).await, pairs(&[("everyone", "USE")]));
    assert_eq!(scene.can(mia).await, held(&USE));
}

#[rstest]
#[tokio::test]
async fn everyone_is_whoever_is_a_member(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, author) = (&scene.app, &scene.author);
    let late = app.user(&scene.owner, "late", &[]).await;
    assert_eq!(scene.can(&late).await, None);
    app.join(&scene.owner, &scene.org, &late, &[]).await;
    assert_eq!(scene.can(&late).await, held(&USE), "from that moment");
    assert_eq!(scene.set(author, Scene::group(&scene.everyone(), "ADMIN")).await, None);
    assert_eq!(scene.can(&late).await, held(&ADMIN));
    let leave = json!({ "organizationId": scene.org.id, "userId": late.id });
    app.done(&scene.owner.token, "removeMember", "", leave).await;
    assert_eq!(scene.can(&late).await, None, "Everyone does not reach beyond");
    // Somebody of another organization's Everyone is of no use here.
    let other = app.organization(&scene.owner, "other").await;
    app.join(&scene.owner, &other, &late, &["organization-admin"]).await;
    assert_eq!(scene.can(&late).await, None);
}

/// The tables themselves refuse an entry for a stranger, whoever writes it.
#[rstest]
#[tokio::test]
async fn the_database_refuses_entries_for_strangers(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let other = app.organization(&scene.owner, "other").await;
    let foreign = app.group(&scene.owner, &other, "foreign", &[]).await;
    let stranger = app.member_of(&scene.owner, &other, "sam", &[]).await;
    let before = app.tables().count("template_acl").await;
    let taken = |ids: Value| scene.entries(json!([ids]));
    for entry in [
        json!({ "userId": stranger.id, "role": "USE" }),
        json!({ "groupId": foreign, "role": "USE" }),
        json!({ "groupId": other.id.replace("org_", "grp_"), "role": "ADMIN" }),
    ] {
        let selection = "results { userErrors { code } }";
        let payload = app.done(&scene.author.token, "setTemplateAccess", selection, taken(entry)).await;
        assert_eq!(payload["results"][0]["userErrors"][0]["code"], "NOT_FOUND", "{payload:#}");
    }
    for (column, table, name) in [("user_id", "\"user\"", "sam"), ("group_id", "\"group\"", "foreign")] {
        let of = if table.contains("user") { "username" } else { "name" };
        let insert = format!(
            "insert into template_acl (id, organization_id, template_id, {column}, role, created_at)
             select x.id, t.organization_id, t.id, x.id, 'USE', t.created_at
             from template t, {table} x where x.{of} = '{name}'"
        );
        let error = app.tables().refusal(&insert).await;
        assert!(error.to_lowercase().contains("foreign key"), "{error}");
    }
    assert_eq!(app.tables().count("template_acl").await, before);
}
