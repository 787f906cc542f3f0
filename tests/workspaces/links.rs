//! What a build says can be opened: links that a page may show, and nothing that a browser would run.

use rstest::rstest;
use serde_json::json;

use super::Scene;
use crate::support::Backend;

#[rstest]
#[tokio::test]
async fn what_a_page_would_run_is_no_app(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.change("startWorkspace", json!({})).await;
    let job = scene.take().await;
    let complete = |url: &str, icon: &str| {
        let good = json!({ "name": "docs", "url": "/docs", "icon": "" });
        let apps = json!([good, { "name": "ide", "url": url, "icon": icon }]);
        let made = json!({ "resources": [], "apps": apps, "metadata": [], "dailyCost": 0 });
        json!({ "provisionerJobId": job.id, "attempt": job.attempt, "result": { "workspaceBuild": made } })
    };
    for (url, icon, field) in [
        ("javascript:alert(1)", "💻", "url"),
        ("JavaScript://%0aalert(1)", "💻", "url"),
        ("data:text/html,x", "", "url"),
        ("https://a.example", "javascript:alert(1)", "icon"),
        ("https://a.example", "data:image/png;base64,AA", "icon"),
    ] {
        let input = complete(url, icon);
        let refused = scene.app.refused(&scene.daemon.secret, "completeProvisionerJob", input).await;
        let field = format!("input.result.workspaceBuild.apps.1.{field}");
        assert!(refused.is("BAD_USER_INPUT", &field), "{refused:?}");
    }
    // As a heredoc of Terraform ends.
    let input = complete("vscode://ms-vscode-remote.remote-ssh/dev\n", "💻");
    scene.app.done(&scene.daemon.secret, "completeProvisionerJob", "", input).await;
    let fields = "latestBuild { apps { name url icon } }";
    let seen = scene.see(&scene.owner, &scene.dev, fields).await["latestBuild"]["apps"].clone();
    let ide = json!({ "name": "ide", "url": "vscode://ms-vscode-remote.remote-ssh/dev", "icon": "💻" });
    assert_eq!(seen, json!([{ "name": "docs", "url": "/docs", "icon": "" }, ide]));
}
