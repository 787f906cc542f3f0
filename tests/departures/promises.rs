//! What a departure must not leave behind: starts that were promised, and more workspaces than a template allows somebody.

use rstest::rstest;
use serde_json::json;

use super::Scene;
use crate::support::Backend;

#[rstest]
#[tokio::test]
async fn what_is_transferred_is_within_the_templates_limit(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, owner) = (&scene.app, &scene.owner);
    for (person, name) in [(&scene.mia, "one"), (&scene.mia, "two"), (&scene.ben, "three")] {
        scene.running(person, name).await;
    }
    let allow = async |limit: u32| {
        let input = json!({ "templateId": scene.template.id, "maxWorkspacesPerUser": limit });
        app.done(&owner.token, "updateTemplate", "", input).await;
    };
    let mut input = scene.removal("TRANSFER");
    input["transferToUserId"] = scene.ben.id.clone().into();
    allow(2).await;
    let refused = app.refused(&owner.token, "removeMember", input.clone()).await;
    assert!(refused.is("CONFLICT", "input.transferToUserId"), "{refused:?}");
    assert!(refused.message.contains("allows 2"), "{refused:?}");
    assert_eq!(scene.seen_by(&scene.mia).await.len(), 2, "nothing has happened");
    allow(3).await;
    scene.remove(input).await;
    assert_eq!(scene.seen_by(&scene.ben).await.len(), 3);
}

#[rstest]
#[case::stopped("STOP")]
#[case::kept("KEEP")]
#[tokio::test]
async fn a_start_that_was_promised_is_not_kept_for_who_left(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] disposition: &str,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let workspace = scene.running(&scene.mia, "up").await;
    app.done(&scene.mia.token, "restartWorkspace", "", json!({ "workspaceId": workspace })).await;
    let removed = scene.remove(scene.removal(disposition)).await;
    assert_eq!(removed["workspaceIds"], json!([]), "its stop is under way");
    assert_eq!(app.work(&scene.daemon).await, 1, "the stop, and no start after it");
    assert_eq!(scene.seen_by(&scene.owner).await, ["up mia STOPPED"]);
}

#[rstest]
#[tokio::test]
async fn a_start_that_was_promised_is_not_kept_for_who_is_suspended(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let workspace = scene.running(&scene.mia, "up").await;
    app.done(&scene.mia.token, "restartWorkspace", "", json!({ "workspaceId": workspace })).await;
    app.done(&scene.owner.token, "suspendUser", "", json!({ "userId": scene.mia.id })).await;
    assert_eq!(app.work(&scene.daemon).await, 1, "the stop, and no start after it");
    assert_eq!(scene.seen_by(&scene.owner).await, ["up mia STOPPED"]);
}
