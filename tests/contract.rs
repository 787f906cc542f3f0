//! The contract: the schema that is printed is the one that is committed, and every test of the suite can stand on it.

use rstest::rstest;
use serde_json::json;

use crate::support::{Backend, TestApp};

#[test]
fn the_schema_is_the_committed_one() {
    let committed = include_str!("../schema.graphql");
    assert!(
        guildhall::graphql::sdl() == committed,
        "run `cargo run -- schema > schema.graphql` and review the difference"
    );
}

#[rstest]
#[tokio::test]
async fn a_first_user_is_an_owner_and_there_is_only_one_first(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let data = app
        .ok(
            &owner,
            "{ viewer { username siteRoles { name } organizations { totalCount nodes { name isDefault } } }
               deployment { setupRequired } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data,
        json!({
            "viewer": {
                "username": "olga-owner",
                "siteRoles": [{ "name": "owner" }],
                "organizations": { "totalCount": 1, "nodes": [{ "name": "default", "isDefault": true }] },
            },
            "deployment": { "setupRequired": false },
        })
    );
}

#[tokio::test]
async fn an_error_in_a_nullable_field_leaves_its_neighbours_alone() {
    let Some(app) = TestApp::start(Backend::Sqlite).await else { return };
    let body = app.graphql(None, "{ viewer { id } deployment { setupRequired } }", json!({})).await;
    assert_eq!(body["data"], json!({ "viewer": null, "deployment": { "setupRequired": true } }));
    assert_eq!(body["errors"][0]["path"], json!(["viewer"]));
    assert_eq!(body["errors"][0]["extensions"]["code"], json!("UNAUTHENTICATED"));
    // Two mutations in one request: what the first one lacks is no matter of the second.
    let mutation = "mutation($input: SignInInput!) { signOut { userErrors { message } }
        signIn(input: $input) { token userErrors { code field } } }";
    let variables = json!({ "input": { "login": "nobody", "password": "wrong password" } });
    let body = app.graphql(None, mutation, variables).await;
    assert_eq!(
        body["data"],
        json!({ "signOut": null, "signIn": {
            "token": null,
            "userErrors": [{ "code": "BAD_USER_INPUT", "field": ["input", "password"] }],
        } })
    );
}
