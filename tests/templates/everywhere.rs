//! Templates of all organizations in one list.

use rstest::rstest;
use serde_json::{Value, json};

use crate::support::calls::code;
use crate::support::{Backend, Person, TestApp};

async fn names(app: &TestApp, person: &Person, arguments: &str) -> Vec<String> {
    let query = format!("{{ templates(first: 50{arguments}) {{ totalCount nodes {{ name }} }} }}");
    let page = app.ok(person, &query, json!({})).await["templates"].clone();
    let name = |node: &Value| node["name"].as_str().unwrap().to_owned();
    let names: Vec<String> = page["nodes"].as_array().unwrap().iter().map(name).collect();
    assert_eq!(page["totalCount"], names.len(), "{arguments}");
    names
}

#[rstest]
#[tokio::test]
async fn the_root_lists_what_one_may_read_or_use_anywhere(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let alpha = app.organization(&owner, "alpha").await;
    let beta = app.organization(&owner, "beta").await;
    let gamma = app.organization(&owner, "gamma").await;
    app.template(&owner, &alpha, "web").await;
    let hidden = app.template(&owner, &alpha, "ops").await;
    app.template(&owner, &beta, "dev").await;
    app.template(&owner, &gamma, "lab").await;
    let everyone = alpha.id.replace("org_", "grp_");
    let entries = json!([{ "groupId": everyone, "role": "NONE" }]);
    let input = json!({ "templateId": hidden.id, "entries": entries });
    app.done(&owner.token, "setTemplateAccess", "", input).await;

    let mia = app.member_of(&owner, &alpha, "mia", &[]).await;
    app.join(&owner, &beta, &mia, &[]).await;
    let tess = app.member_of(&owner, &alpha, "tess", &["organization-template-admin"]).await;
    app.join(&owner, &gamma, &tess, &[]).await;
    let stranger = app.user(&owner, "stranger", &[]).await;
    let everything = app.user(&owner, "terra", &["template-admin"]).await;
    for person in [&owner, &everything] {
        assert_eq!(names(&app, person, "").await, ["dev", "lab", "ops", "web"]);
    }
    assert_eq!(names(&app, &mia, "").await, ["dev", "web"]);
    assert_eq!(names(&app, &tess, "").await, ["lab", "ops", "web"], "by a role, and by an access list");
    assert_eq!(names(&app, &stranger, "").await, [""; 0]);
    let bound = json!({ "name": "bound", "organizationId": alpha.id, "scopes": ["TEMPLATE_READ"] });
    assert_eq!(names(&app, &app.api_token(&mia, bound).await.1, "").await, ["web"]);
    let other = json!({ "name": "other", "scopes": ["WORKSPACE_READ"] });
    assert_eq!(names(&app, &app.api_token(&mia, other).await.1, "").await, [""; 0]);
    let body = app.graphql(None, "{ templates { nodes { id } } }", json!({})).await;
    assert_eq!(code(&body), "UNAUTHENTICATED");

    // Filters and orders, page by page.
    let of = |org: &str| format!(", filter: {{ organizationId: \"{org}\" }}");
    assert_eq!(names(&app, &owner, &of(&alpha.id)).await, ["ops", "web"]);
    assert_eq!(names(&app, &mia, &of(&alpha.id)).await, ["web"]);
    assert_eq!(names(&app, &mia, &of(&gamma.id)).await, [""; 0]);
    assert_eq!(names(&app, &owner, &of("nonsense")).await, [""; 0]);
    assert_eq!(names(&app, &tess, ", filter: { query: \"O\" }").await, ["ops"]);
    assert_eq!(names(&app, &tess, ", orderBy: NAME_DESC").await, ["web", "ops", "lab"]);
    assert_eq!(names(&app, &owner, ", orderBy: CREATED_AT_ASC").await, ["web", "ops", "dev", "lab"]);
    assert_eq!(names(&app, &tess, ", orderBy: CREATED_AT_DESC").await, ["lab", "ops", "web"]);
    let query = "query($after: String) { templates(first: 1, after: $after) {
        nodes { name organization { name } } pageInfo { endCursor hasNextPage } } }";
    let (mut walked, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = app.ok(&tess, query, json!({ "after": after })).await["templates"].clone();
        walked.push(page["nodes"][0]["name"].as_str().unwrap().to_owned());
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(walked, ["lab", "ops", "web"]);
}
