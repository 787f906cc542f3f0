//! How many are in a group is the same in every list and by itself, however it is asked for.

use rstest::rstest;
use serde_json::{Value, json};

use super::Scene;
use crate::support::Backend;

const LISTED: [&str; 4] = [
    "nodes { id memberCount }",
    "nodes { id n: memberCount }",
    "edges { node { id ...Count } }",
    "nodes { id members { totalCount } }",
];

#[rstest]
#[tokio::test]
async fn a_list_counts_as_each_group_does(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.change("addGroupMembers", &scene.crew, &[&scene.mia.id, &scene.owner.id]).await;
    let empty = scene.app.group(&scene.owner, &scene.org, "empty", &[]).await;
    let expected = [(&empty, 0), (&scene.crew, 2), (&scene.everyone(), 2)];
    for (group, members) in expected {
        let query = "query($id: ID!) { node(id: $id) { ... on Group { memberCount } } }";
        let alone = scene.app.ok(&scene.owner, query, json!({ "id": group })).await;
        assert_eq!(alone["node"]["memberCount"], members);
    }
    for selection in LISTED {
        let fragment =
            if selection.contains("...Count") { "fragment Count on Group { memberCount }" } else { "" };
        let query = format!(
            "query($id: ID!) {{ organization(by: {{ id: $id }}) {{ groups {{ {selection} }} }} }} {fragment}"
        );
        let data = scene.app.ok(&scene.owner, &query, json!({ "id": scene.org.id })).await;
        let groups = &data["organization"]["groups"];
        let rows = groups["nodes"].as_array().or_else(|| groups["edges"].as_array()).unwrap();
        for (group, members) in expected {
            let row = rows.iter().map(|row| row.get("node").unwrap_or(row)).find(|row| row["id"] == *group);
            let row = row.unwrap_or_else(|| panic!("{group} is not in {groups:#}"));
            let counts = [&row["memberCount"], &row["n"], &row["members"]["totalCount"]];
            let told: Vec<_> = counts.into_iter().filter(|count| !count.is_null()).collect();
            assert_eq!(told, [members], "{selection}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_list_tells_members_only_of_their_own(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.change("addGroupMembers", &scene.crew, &[&scene.owner.id]).await;
    let query = "query($id: ID!) { organization(by: { id: $id }) { groups { nodes { name memberCount } } } }";
    let body = scene.app.graphql(Some(&scene.mia.token), query, json!({ "id": scene.org.id })).await;
    let groups = json!([{ "name": "crew", "memberCount": null }, { "name": "everyone", "memberCount": 2 }]);
    assert_eq!(body["data"]["organization"]["groups"]["nodes"], groups);
    let errors = body["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0]["path"], json!(["organization", "groups", "nodes", 0, "memberCount"]));
    assert_eq!(errors[0]["extensions"]["code"], Value::from("FORBIDDEN"));
}
