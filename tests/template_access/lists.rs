//! What a list says, whom it could name, and what groups reach by it.

use rstest::rstest;
use serde_json::{Value, json};

use super::{ADMIN, Scene, USE, pairs};
use crate::support::{Backend, Person};

#[rstest]
#[tokio::test]
async fn the_list_decides_who_sees_and_uses_a_template(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, author) = (&scene.app, &scene.author);
    let held = |permissions: &[&str]| Some(permissions.iter().map(|&one| one.to_owned()).collect::<Vec<_>>());
    assert_eq!(scene.can(&scene.ana).await, held(&USE));
    assert_eq!(scene.list(author).await, pairs(&[("everyone", "USE")]));
    let audit = app.tables().count("audit_log").await;
    assert_eq!(scene.set(author, Scene::group(&scene.everyone(), "NONE")).await, None);
    assert_eq!(scene.can(&scene.ana).await, None, "whom nothing names sees nothing");
    let workspace = json!({ "templateId": scene.template.id, "name": "box" });
    let refused = app.refused(&scene.ana.token, "createWorkspace", workspace.clone()).await;
    assert!(refused.is("NOT_FOUND", "input.templateId"), "{refused:?}");

    // A group, and a user by themselves.
    assert_eq!(scene.set(author, Scene::group(&scene.crew, "USE")).await, None);
    assert_eq!((scene.can(&scene.mia).await, scene.can(&scene.ana).await), (held(&USE), None));
    assert_eq!(scene.set(author, Scene::user(&scene.ana, "USE")).await, None);
    assert_eq!(scene.can(&scene.ana).await, held(&USE));
    app.done(&scene.ana.token, "createWorkspace", "", workspace).await;
    assert_eq!(scene.list(author).await, pairs(&[("crew", "USE"), ("ana", "USE")]));
    // The stronger of two entries counts, and only while both are there.
    assert_eq!(scene.set(author, Scene::user(&scene.mia, "ADMIN")).await, None);
    assert_eq!(scene.can(&scene.mia).await, held(&ADMIN));
    assert_eq!(scene.set(author, Scene::user(&scene.mia, "USE")).await, None);
    assert_eq!(scene.can(&scene.mia).await, held(&USE));
    assert_eq!(scene.set(author, Scene::user(&scene.mia, "NONE")).await, None);
    assert_eq!(scene.can(&scene.mia).await, held(&USE), "through the group");
    // Everyone comes back.
    assert_eq!(scene.set(author, Scene::group(&scene.everyone(), "USE")).await, None);
    assert_eq!(scene.list(author).await, pairs(&[("crew", "USE"), ("ana", "USE"), ("everyone", "USE")]));
    // One entry of the log for each of the seven changes and the workspace; the same again changes nothing.
    assert_eq!(app.tables().count("audit_log").await - audit, 8);
    assert_eq!(scene.set(author, Scene::group(&scene.everyone(), "USE")).await, None);
    assert_eq!(scene.set(author, Scene::user(&scene.mia, "NONE")).await, None);
    assert_eq!(app.tables().count("audit_log").await - audit, 8);
    let query =
        "select cast(diff as text) from audit_log where resource = 'TEMPLATE' order by time desc, id desc";
    let newest = app.tables().texts(query).await.remove(0);
    let name = format!("access of everyone ({})", scene.everyone());
    assert_eq!(
        serde_json::from_str::<Value>(&newest).unwrap(),
        json!({ name: { "old": null, "new": "USE" } })
    );
}

#[rstest]
#[tokio::test]
async fn candidates_are_found_page_by_page(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let query = "query($id: ID!, $query: String, $first: Int, $after: String) { node(id: $id) { ... on Template {
        accessCandidates(first: $first, after: $after, filter: { query: $query }) { totalCount pageInfo { endCursor hasNextPage }
          nodes { subject { ... on User { username } ... on Group { groupName: name } } } } } } }";
    let page = async |search: Option<&str>, first: u32, after: Option<&str>| {
        let variables = json!({ "id": scene.template.id, "query": search, "first": first, "after": after });
        app.ok(&scene.author, query, variables).await["node"]["accessCandidates"].clone()
    };
    let names = |page: &Value| -> Vec<String> {
        let name = |node: &Value| {
            let subject = &node["subject"];
            subject["username"].as_str().or(subject["groupName"].as_str()).unwrap().to_owned()
        };
        page["nodes"].as_array().unwrap().iter().map(name).collect()
    };
    let all = page(None, 25, None).await;
    assert_eq!(
        names(&all),
        ["ana", "author", "crew", "mia", "olga-owner"],
        "not Everyone, who is on the list"
    );
    assert_eq!(all["totalCount"], 5);
    let mut walked = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let next = page(None, 2, after.as_deref()).await;
        walked.extend(names(&next));
        if next["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = next["pageInfo"]["endCursor"].as_str().map(str::to_owned);
    }
    assert_eq!(walked, names(&all));
    assert_eq!(names(&page(Some("CREW"), 25, None).await), ["crew"]);
    assert_eq!(names(&page(Some("nobody"), 25, None).await), [""; 0]);
    assert_eq!(scene.set(&scene.author, Scene::group(&scene.crew, "USE")).await, None);
    assert_eq!(scene.set(&scene.author, Scene::user(&scene.ana, "USE")).await, None);
    assert_eq!(scene.set(&scene.author, Scene::group(&scene.everyone(), "NONE")).await, None);
    assert_eq!(names(&page(None, 25, None).await), ["author", "everyone", "mia", "olga-owner"]);
}

#[rstest]
#[tokio::test]
async fn a_group_reaches_what_it_and_everyone_are_given(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, crew) = (&scene.app, scene.crew.as_str());
    let other = app.template(&scene.author, &scene.org, "other").await;
    app.work(&scene.daemon).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Group { templates { nodes { role template { name } } } } } }";
    let reached = async |by: &Person, group: &str| {
        let body = app.ok(by, query, json!({ "id": group })).await;
        let nodes = body["node"]["templates"]["nodes"].as_array().unwrap().clone();
        let pair = |node: &Value| {
            (node["template"]["name"].as_str().unwrap().to_owned(), node["role"].as_str().unwrap().to_owned())
        };
        nodes.iter().map(pair).collect::<Vec<_>>()
    };
    assert_eq!(reached(&scene.author, crew).await, pairs(&[("dev", "USE"), ("other", "USE")]));
    assert_eq!(scene.set(&scene.author, Scene::group(crew, "ADMIN")).await, None);
    let none = json!({ "templateId": other.id, "entries": [Scene::group(&scene.everyone(), "NONE")] });
    app.done(&scene.author.token, "setTemplateAccess", "", none).await;
    assert_eq!(reached(&scene.author, crew).await, pairs(&[("dev", "ADMIN")]));
    assert_eq!(reached(&scene.author, &scene.everyone()).await, pairs(&[("dev", "USE")]));
    // Of templates whose list one may not see, nothing is told; as the administrator of one, that one.
    assert_eq!(reached(&scene.ana, crew).await, pairs(&[]));
    assert_eq!(reached(&scene.mia, crew).await, pairs(&[("dev", "ADMIN")]));
}

#[rstest]
#[tokio::test]
async fn lists_of_access_have_filters_and_orders(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, crew) = (&scene.app, scene.crew.as_str());
    let nodes = async |id: &str, list: &str| {
        let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on Template {{ id {list} }} }} }}");
        let query = if id == crew { query.replace("Template", "Group") } else { query };
        let body = app.ok(&scene.author, &query, json!({ "id": id })).await;
        let (_, page) = body["node"].as_object().unwrap().iter().find(|(name, _)| *name != "id").unwrap();
        assert_eq!(page["totalCount"], page["nodes"].as_array().unwrap().len(), "{list}");
        page["nodes"].clone()
    };
    let other = app.template(&scene.author, &scene.org, "other").await;
    app.work(&scene.daemon).await;
    assert_eq!(scene.set(&scene.author, Scene::group(crew, "ADMIN")).await, None);
    let dev = json!({ "role": "ADMIN", "template": { "name": "dev" } });
    let other_one = json!({ "role": "USE", "template": { "name": "other" } });
    for (arguments, expected) in [
        ("", json!([dev, other_one])),
        ("orderBy: NAME_DESC", json!([other_one, dev])),
        ("orderBy: CREATED_AT_DESC", json!([other_one, dev])),
        ("filter: { role: ADMIN }", json!([dev])),
        ("filter: { role: USE }", json!([other_one])),
        ("filter: { role: NONE }", json!([])),
        ("filter: { query: \"OTH\" }", json!([other_one])),
    ] {
        let list =
            format!("templates(first: 9, {arguments}) {{ totalCount nodes {{ role template {{ name }} }} }}");
        assert_eq!(nodes(crew, &list).await, expected, "{arguments}");
    }
    let named = "subject { ... on User { username } ... on Group { name } }";
    let list =
        |order: &str| format!("access(first: 9, orderBy: {order}) {{ totalCount nodes {{ {named} }} }}");
    let mut entries = nodes(&scene.template.id, &list("CREATED_AT_ASC")).await.as_array().unwrap().clone();
    assert_eq!(entries.len(), 2);
    entries.reverse();
    assert_eq!(nodes(&scene.template.id, &list("CREATED_AT_DESC")).await, json!(entries));
    let list = |order: &str| {
        format!("accessCandidates(first: 9, orderBy: {order}) {{ totalCount nodes {{ {named} }} }}")
    };
    let mut candidates = nodes(&other.id, &list("NAME_ASC")).await.as_array().unwrap().clone();
    assert!(candidates.len() > 3);
    candidates.reverse();
    assert_eq!(nodes(&other.id, &list("NAME_DESC")).await, json!(candidates));
}
