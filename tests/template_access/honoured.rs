//! ADMIN by an access list is honoured wherever a template is changed, of that template alone; USE wherever one is used.

use http::{Request, StatusCode, header};
use rstest::rstest;
use serde_json::{Value, json};

use super::{ADMIN, Scene, USE};
use crate::support::upload::docker_dev;
use crate::support::{Backend, Person};

#[rstest]
#[tokio::test]
async fn an_administrator_by_the_list_administers_that_template_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, mia) = (&scene.app, &scene.mia);
    let other = app.template(&scene.author, &scene.org, "other").await;
    app.work(&scene.daemon).await;
    let push = json!({ "templateId": scene.template.id, "fileId": app.upload(&scene.author).await });
    assert_eq!(app.denied(Some(&mia.token), "createTemplateVersion", push).await, "FORBIDDEN");
    assert_eq!(
        app.denied(Some(&mia.token), "setTemplateAccess", scene.entries(json!([]))).await,
        "FORBIDDEN"
    );
    // By her group.
    assert_eq!(scene.set(&scene.author, Scene::group(&scene.crew, "ADMIN")).await, None);
    let version = app.push(mia, &scene.template, json!({ "promote": false })).await;
    app.work(&scene.daemon).await;
    app.done(&mia.token, "promoteTemplateVersion", "", json!({ "templateVersionId": version.id })).await;
    assert_eq!(scene.set(mia, Scene::user(&scene.ana, "ADMIN")).await, None);
    assert_eq!(scene.set(mia, Scene::user(&scene.ana, "NONE")).await, None);
    let elsewhere = json!({ "templateId": other.id, "fileId": app.upload(mia).await });
    assert_eq!(app.denied(Some(&mia.token), "createTemplateVersion", elsewhere).await, "FORBIDDEN");
    let elsewhere = json!({ "templateId": other.id, "entries": [Scene::user(&scene.ana, "USE")] });
    assert_eq!(app.denied(Some(&mia.token), "setTemplateAccess", elsewhere).await, "FORBIDDEN");
    let create = json!({ "organizationId": scene.org.id, "name": "fresh", "version": { "fileId": app.upload(mia).await } });
    assert_eq!(app.denied(Some(&mia.token), "createTemplate", create).await, "FORBIDDEN");
    // Nobody gives themselves anything, but anybody may leave.
    assert_eq!(scene.set(mia, Scene::user(mia, "USE")).await.as_deref(), Some("CONFLICT"));
    assert_eq!(
        scene.set(&scene.author, Scene::user(&scene.author, "ADMIN")).await.as_deref(),
        Some("CONFLICT")
    );
    assert_eq!(scene.set(&scene.author, Scene::user(mia, "ADMIN")).await, None);
    assert_eq!(scene.set(mia, Scene::user(mia, "NONE")).await, None);
}

impl Scene {
    /// Whether somebody may download the source of the template's first version.
    async fn reads_source(&self, person: &Person) -> bool {
        let query = "query($id: ID!) { node(id: $id) { ... on TemplateVersion { file { url } } } }";
        let variables = json!({ "id": self.template.version });
        let body = self.app.ok(&self.author, query, variables).await;
        let url = body["node"]["file"]["url"].as_str().unwrap();
        let request = Request::get(url)
            .header(header::AUTHORIZATION, format!("Bearer {}", person.token))
            .body(axum::body::Body::empty());
        let (status, _) = self.app.send(request.unwrap()).await;
        assert!([StatusCode::OK, StatusCode::NOT_FOUND].contains(&status), "{status}");
        status == StatusCode::OK
    }

    /// Changes a setting.
    async fn update(&self, by: &Person, field: &str, value: Value) {
        let input = json!({ "templateId": self.template.id, field: value });
        self.app.done(&by.token, "updateTemplate", "", input).await;
    }
}

/// Whatever changes a template, in an order in which each works.
#[rstest]
#[tokio::test]
async fn an_administrator_by_the_list_does_whatever_changes_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, mia, daemon) = (&scene.app, &scene.mia, &scene.daemon);
    let template = scene.template.id.as_str();
    let first = scene.template.version.as_str();
    let file = app.upload(&scene.author).await;
    let entries = json!([Scene::group(&scene.crew, "USE")]);
    let (status, _) = app.put_file(Some(&mia.token), docker_dev()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let changes = |file: &str, second: &str| {
        [
            ("updateTemplate", json!({ "templateId": template, "displayName": "Ours" })),
            ("createTemplateVersion", json!({ "templateId": template, "fileId": file, "name": "second" })),
            ("promoteTemplateVersion", json!({ "templateVersionId": second })),
            ("updateTemplateVersion", json!({ "templateVersionId": first, "message": "old" })),
            ("archiveTemplateVersions", json!({ "templateId": template, "templateVersionIds": [first] })),
            ("unarchiveTemplateVersion", json!({ "templateVersionId": first })),
            ("createTemplateVersionDryRun", json!({ "templateVersionId": first })),
            ("setTemplateAccess", json!({ "templateId": template, "entries": entries })),
            ("deleteTemplate", json!({ "templateId": template })),
        ]
    };
    for (mutation, input) in changes(&file, first) {
        let code = app.denied(Some(&mia.token), mutation, input).await;
        assert_eq!(code, "FORBIDDEN", "{mutation} with USE");
    }
    assert_eq!(scene.set(&scene.author, Scene::user(mia, "ADMIN")).await, None);
    let file = app.upload(mia).await;
    let second = app.push(mia, &scene.template, json!({ "promote": false, "name": "other" })).await.id;
    app.work(daemon).await;
    for (mutation, input) in changes(&file, &second) {
        app.done(&mia.token, mutation, "", input).await;
        app.work(daemon).await;
    }
    assert_eq!(scene.can(mia).await, None, "it is gone");
}

#[rstest]
#[tokio::test]
async fn an_administrator_by_the_list_is_not_held_by_its_settings(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, mia, ana) = (&scene.app, &scene.mia, &scene.ana);
    assert_eq!(scene.set(&scene.author, Scene::user(mia, "ADMIN")).await, None);
    let template = scene.template.id.as_str();
    let newer = app.push(mia, &scene.template, json!({})).await.id;
    app.work(&scene.daemon).await;
    scene.update(mia, "requireActiveVersion", json!(true)).await;
    let of_first = |name: &str| json!({ "templateId": template, "name": name, "templateVersionId": scene.template.version });
    let refused = app.refused(&ana.token, "createWorkspace", of_first("hers")).await;
    assert!(refused.is("CONFLICT", "input.templateVersionId"), "{refused:?}");
    app.done(&mia.token, "createWorkspace", "", of_first("old")).await;
    scene.update(mia, "deprecationMessage", json!("use another")).await;
    let fresh = |name: &str| json!({ "templateId": template, "name": name, "templateVersionId": newer });
    let refused = app.refused(&ana.token, "createWorkspace", fresh("hers")).await;
    assert!(refused.is("CONFLICT", "input.templateId"), "{refused:?}");
    let made = app.done(&mia.token, "createWorkspace", "workspace { id }", fresh("ours")).await;
    let workspace = made["workspace"]["id"].clone();
    app.work(&scene.daemon).await;
    scene.update(mia, "deprecationMessage", Value::Null).await;
    let made = app.done(&ana.token, "createWorkspace", "workspace { id }", fresh("hers")).await;
    let hers = made["workspace"]["id"].clone();
    app.work(&scene.daemon).await;
    // For how long it runs.
    scene.update(mia, "allowUserTtl", json!(false)).await;
    let ttl = |id: &Value| json!({ "workspaceId": id, "ttlSeconds": 3600 });
    let refused = app.refused(&ana.token, "updateWorkspace", ttl(&hers)).await;
    assert!(refused.is("CONFLICT", "input.ttlSeconds"), "{refused:?}");
    app.done(&mia.token, "updateWorkspace", "", ttl(&workspace)).await;
    // An orphan: those who may delete the template may forget what is made of it, as far as it is theirs to see.
    let orphan = |id: &Value| json!({ "workspaceId": id, "orphan": true });
    assert_eq!(app.denied(Some(&ana.token), "deleteWorkspace", orphan(&hers)).await, "FORBIDDEN");
    assert!(
        app.refused(&mia.token, "deleteWorkspace", orphan(&hers)).await.is("NOT_FOUND", "input.workspaceId")
    );
    app.done(&mia.token, "deleteWorkspace", "", orphan(&workspace)).await;
}

/// Whom the list does not name gets the same answers as for a template that never was.
#[rstest]
#[tokio::test]
async fn whom_the_list_does_not_name_knows_of_no_template(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    assert!(scene.reads_source(&scene.mia).await, "USE is enough to read the source");
    assert_eq!(scene.set(&scene.author, Scene::group(&scene.everyone(), "NONE")).await, None);
    assert!(!scene.reads_source(&scene.mia).await);
    let missing = |id: &str| format!("{}zzzz", &id[..id.len() - 4]);
    let stranger = app.user(&scene.owner, "sam", &[]).await;
    for person in [&scene.mia, &stranger] {
        let calls = |template: &str, version: &str| {
            let entries = json!([Scene::user(&scene.ana, "USE")]);
            [
                ("createWorkspace", json!({ "templateId": template, "name": "box" })),
                ("updateTemplate", json!({ "templateId": template })),
                ("deleteTemplate", json!({ "templateId": template })),
                ("setTemplateAccess", json!({ "templateId": template, "entries": entries })),
                ("promoteTemplateVersion", json!({ "templateVersionId": version })),
                ("createTemplateVersionDryRun", json!({ "templateVersionId": version })),
            ]
        };
        let real = calls(&scene.template.id, &scene.template.version);
        let none = calls(&missing(&scene.template.id), &missing(&scene.template.version));
        for ((mutation, input), (_, of_missing)) in real.into_iter().zip(none) {
            let answers = [
                app.call(Some(&person.token), mutation, "__typename", input).await,
                app.call(Some(&person.token), mutation, "__typename", of_missing).await,
            ];
            assert_eq!(answers[0], answers[1], "{mutation}");
            assert_eq!(answers[0]["data"][mutation]["userErrors"][0]["code"], "NOT_FOUND", "{mutation}");
        }
        let query = "query($id: ID!) { node(id: $id) { ... on Template { name access { totalCount } } } }";
        for id in [scene.template.id.clone(), missing(&scene.template.id)] {
            let body = app.graphql(Some(&person.token), query, json!({ "id": id })).await;
            assert_eq!(body, json!({ "data": { "node": null } }));
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_token_takes_away_what_the_list_gives(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, mia) = (&scene.app, &scene.mia);
    let other = app.organization(&scene.owner, "other").await;
    app.join(&scene.owner, &other, mia, &[]).await;
    assert_eq!(scene.set(&scene.author, Scene::user(mia, "ADMIN")).await, None);
    let held = |permissions: &[&str]| Some(permissions.iter().map(|&one| one.to_owned()).collect::<Vec<_>>());
    let token = async |input: Value| app.api_token(mia, input).await.1;
    let reader = token(json!({ "name": "reader", "scopes": ["TEMPLATE_READ"] })).await;
    assert_eq!(scene.can(&reader).await, held(&["TEMPLATE_READ"]));
    let user = token(json!({ "name": "user", "scopes": ["TEMPLATE_READ", "TEMPLATE_USE"] })).await;
    assert_eq!(scene.can(&user).await, held(&USE));
    for narrow in [&reader, &user] {
        let rename = json!({ "templateId": scene.template.id, "displayName": "Ours" });
        assert_eq!(app.denied(Some(&narrow.token), "updateTemplate", rename).await, "FORBIDDEN");
    }
    let elsewhere = token(json!({ "name": "elsewhere", "organizationId": other.id })).await;
    assert_eq!(scene.can(&elsewhere).await, None);
    let everything = token(json!({ "name": "everything" })).await;
    assert_eq!(scene.can(&everything).await, held(&ADMIN));
}
