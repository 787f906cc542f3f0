//! What many ask at the same time is read once for all of them, but never before somebody came who is told of it.

use rstest::rstest;
use serde_json::json;
use tokio::task::JoinSet;

use super::Scene;
use crate::support::{Backend, TestApp};

const LOOK: &str = r#"{ organization(by: { name: "data-platform" }) { version } }"#;

async fn version(app: &TestApp, token: &str) -> i64 {
    let body = Box::pin(app.graphql(Some(token), LOOK, json!({}))).await;
    body["data"]["organization"]["version"].as_i64().unwrap_or_else(|| panic!("{body:#}"))
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_has_changed_something_sees_it_however_many_look(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let mut running = JoinSet::new();
    for writer in 0..4 {
        let (app, token, org) = (scene.app.clone(), scene.owner.token.clone(), scene.org.id.clone());
        running.spawn(async move {
            for round in 0..12 {
                let input = json!({ "organizationId": org, "displayName": format!("{writer}-{round}") });
                let selection = "organization { version }";
                let made = Box::pin(app.done(&token, "updateOrganization", selection, input)).await;
                let made = made["organization"]["version"].as_i64().unwrap();
                let seen = version(&app, &token).await;
                assert!(seen >= made, "version {made} was made, and version {seen} seen after it");
            }
        });
    }
    for _ in 0..6 {
        let (app, token) = (scene.app.clone(), scene.owner.token.clone());
        running.spawn(async move {
            let mut last = 0;
            for _ in 0..40 {
                let seen = version(&app, &token).await;
                assert!(seen >= last, "version {seen} was seen after version {last}");
                last = seen;
            }
        });
    }
    running.join_all().await;
    assert_eq!(version(&scene.app, &scene.owner.token).await, 49);
}
