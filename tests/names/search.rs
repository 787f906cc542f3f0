//! What is searched for: bounded before the database is asked, and found in every script.

use rstest::rstest;
use serde_json::{Value, json};

use super::Scene;
use crate::support::calls::code;
use crate::support::{Backend, TestApp};

/// A long text is refused as such, whether or not there is somebody whom the viewer can't see.
#[rstest]
#[tokio::test]
async fn a_long_text_tells_nothing(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let beta = app.organization(&scene.owner, "beta").await;
    app.user(&scene.owner, "alan-kay", &[]).await;
    let ben = app.member_of(&scene.owner, &beta, "ben", &[]).await;
    let ask = "query($name: String!, $query: String!) {
        users(filter: { username: $name, query: $query }) { totalCount } }";
    for length in [101, 49_999, 60_000] {
        let query = "x".repeat(length);
        let mut answers = Vec::new();
        for name in ["alan-kay", "nobody-at-all"] {
            let body = app.graphql(Some(&ben.token), ask, json!({ "name": name, "query": query })).await;
            assert_eq!(code(&body), "BAD_USER_INPUT", "{body:#}");
            let error = &body["errors"][0];
            assert_eq!(error["extensions"]["argument"], "filter.query");
            answers.push(error["message"].clone());
        }
        assert_eq!(answers[0], answers[1]);
    }
    for query in ["%", "_", "\\", "\"", "'", "\u{202e}", "x".repeat(100).as_str()] {
        let variables = json!({ "name": "alan-kay", "query": query });
        assert_eq!(app.ok(&ben, ask, variables).await["users"]["totalCount"], 0, "{query:?}");
    }
}

/// Several are asked for by their names at once: those that the viewer sees, and no more than a page holds.
#[rstest]
#[tokio::test]
async fn users_are_found_by_their_names(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let beta = app.organization(&scene.owner, "beta").await;
    app.user(&scene.owner, "alan-kay", &[]).await;
    let ben = app.member_of(&scene.owner, &beta, "ben", &[]).await;
    let ask = "query($names: [String!]) {
        users(filter: { usernames: $names }) { totalCount nodes { username } } }";
    let found = async |person, names: &[&str]| {
        let users = app.ok(person, ask, json!({ "names": names })).await["users"].clone();
        assert_eq!(users["totalCount"], users["nodes"].as_array().unwrap().len(), "{users:#}");
        let nodes = users["nodes"].as_array().unwrap().iter();
        nodes.map(|user| user["username"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let names = ["ben", "Alan-Kay", "nobody-at-all", "BEN", "%"];
    assert_eq!(found(&scene.owner, &names).await, ["alan-kay", "ben"]);
    assert_eq!(found(&ben, &names).await, ["ben"]);
    assert_eq!(found(&scene.owner, &[]).await, Vec::<String>::new());
    let all = app.ok(&ben, ask, json!({ "names": null })).await;
    assert_eq!(all["users"]["totalCount"], 2, "who shares nothing with them is not among all either");
    assert_eq!(found(&scene.owner, &["x"; 100]).await, Vec::<String>::new());
    let body = app.graphql(Some(&ben.token), ask, json!({ "names": vec!["x"; 101] })).await;
    assert_eq!(code(&body), "BAD_USER_INPUT", "{body:#}");
    assert_eq!(body["errors"][0]["extensions"]["argument"], "filter.usernames");
}

/// So are groups of an organization and versions of a template.
#[rstest]
#[tokio::test]
async fn groups_and_versions_are_found_by_their_names(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "aster").await;
    for name in ["crew", "analysts", "guests"] {
        let group = json!({ "organizationId": org.id, "name": name });
        app.done(&owner.token, "createGroup", "", group).await;
    }
    let template = app.template(&owner, &org, "docker-dev").await;
    for _ in 0..2 {
        app.push(&owner, &template, json!({})).await;
    }
    for (list, parent, names, expected) in [
        ("groups", &org.id, ["Crew", "nobody", "everyone", "crew", "%"], ["crew", "everyone"]),
        ("versions", &template.id, ["V2", "nothing", "v1", "v2", "_"], ["v1", "v2"]),
    ] {
        let ty = if list == "groups" { "Organization" } else { "Template" };
        let ask = format!(
            "query($id: ID!, $names: [String!]) {{ node(id: $id) {{ ... on {ty} {{
                {list}(filter: {{ names: $names }}) {{ totalCount nodes {{ name }} }} }} }} }}"
        );
        let found = async |names: Value| {
            let variables = json!({ "id": parent, "names": names });
            let page = app.ok(&owner, &ask, variables).await["node"][list].clone();
            let nodes = page["nodes"].as_array().unwrap();
            assert_eq!(page["totalCount"], nodes.len(), "{page:#}");
            let mut names: Vec<_> =
                nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect();
            names.sort_unstable();
            names
        };
        assert_eq!(found(json!(names)).await, expected, "{list}");
        assert_eq!(found(json!([])).await, Vec::<String>::new(), "{list}");
        assert!(found(Value::Null).await.len() > 2, "{list}");
        assert_eq!(found(json!(vec!["x"; 100])).await, Vec::<String>::new(), "{list}");
        let variables = json!({ "id": parent, "names": vec!["x"; 101] });
        let body = app.graphql(Some(&owner.token), &ask, variables).await;
        assert_eq!(code(&body), "BAD_USER_INPUT", "{body:#}");
        assert_eq!(body["errors"][0]["extensions"]["argument"], "filter.names");
    }
}

/// The name of a role is one, or nobody holds it.
#[rstest]
#[tokio::test]
async fn no_pattern_is_the_name_of_a_role(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let ask = "query($role: String!) { users(filter: { siteRole: $role }) { totalCount } }";
    let long = "o".repeat(60_000);
    for (role, count) in
        [("owner", 1), (" OWNER", 1), ("own.er", 0), ("own%", 0), ("_wner", 0), (long.as_str(), 0)]
    {
        let seen = scene.app.ok(&scene.owner, ask, json!({ "role": role })).await;
        assert_eq!(seen["users"]["totalCount"], count, "{role:.20}");
    }
}

/// Letters of every script are found in either case, before and after a change.
#[rstest]
#[tokio::test]
async fn case_makes_no_difference_in_any_script(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, token) = (&scene.app, &scene.owner.token);
    let found = async |query: &str| -> Value {
        let ask = "query($org: ID!, $query: String!) { organization(by: { id: $org }) {
            groups(filter: { query: $query }) { totalCount } } }";
        let variables = json!({ "org": scene.org.id, "query": query });
        app.ok(&scene.owner, ask, variables).await["organization"]["groups"]["totalCount"].clone()
    };
    let input = json!({ "organizationId": scene.org.id, "name": "doctors", "displayName": "Ärzte Öl" });
    let made = app.call(Some(token), "createGroup", "group { id }", input).await;
    for query in ["Ärzte", "ärzte", "öl", "ÖL", "rzte"] {
        assert_eq!(found(query).await, 1, "{query}");
    }
    let input = json!({ "groupId": made["data"]["createGroup"]["group"]["id"], "displayName": "ЖУК" });
    app.done(token, "updateGroup", "", input).await;
    assert_eq!((found("жук").await, found("ärzte").await), (json!(1), json!(0)));
}

#[rstest]
#[tokio::test]
async fn addresses_are_one_in_either_case(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let person = |username: &str, email: &str| json!({ "username": username, "email": email, "password": crate::support::PASSWORD });
    scene.app.done(&scene.owner.token, "createUser", "", person("one", "\u{c4}@example.com")).await;
    let again = person("two", "\u{e4}@example.com");
    let refused = scene.app.refused(&scene.owner.token, "createUser", again).await;
    assert!(refused.is("CONFLICT", "input.email"), "{refused:?}");
}
