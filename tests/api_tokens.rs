//! API tokens: a token does what its owner may, less what it leaves out, until it is revoked, has expired, or its owner is
//! suspended. Its secret is shown once.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::calls::code;
use crate::support::{Backend, Org, Person, TestApp};

const TOKENS: &str = "{ viewer { apiTokens { totalCount nodes {
    name scopes isBound isCurrent organization { name } createdBy { username } expiresAt lastUsedAt
} } } }";

/// Two organizations, of which ana administrates the first and is a member of the second.
struct Scene {
    app: TestApp,
    owner: Person,
    ana: Person,
    alpha: Org,
    beta: Org,
}

impl Scene {
    async fn new(backend: Backend) -> Option<Self> {
        let app = TestApp::start(backend).await?;
        let owner = app.owner().await;
        let alpha = app.organization(&owner, "alpha").await;
        let beta = app.organization(&owner, "beta").await;
        let ana = app.member_of(&owner, &alpha, "ana", &["organization-admin"]).await;
        app.join(&owner, &beta, &ana, &[]).await;
        Some(Self { app, owner, ana, alpha, beta })
    }

    /// The names of the organizations that somebody sees.
    async fn sees(&self, person: &Person) -> Vec<String> {
        let data = self.app.ok(person, "{ organizations { nodes { name } } }", json!({})).await;
        let nodes = data["organizations"]["nodes"].as_array().unwrap();
        nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The code that a request with this token ends in.
    async fn refused(&self, token: &Person) -> Value {
        let body = self.app.graphql(Some(&token.token), "{ viewer { username } }", json!({})).await;
        assert!(body.get("data").is_none(), "{body:#}");
        assert_eq!(code(&body), "UNAUTHENTICATED");
        body["errors"][0]["message"].clone()
    }
}

#[rstest]
#[tokio::test]
async fn a_token_without_scopes_does_what_its_owner_may(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let (id, token) = app.api_token(&scene.ana, json!({ "name": "CI" })).await;
    assert!(token.token.starts_with("ghat_") && token.token.len() == 41, "{}", token.token);
    assert_eq!(scene.sees(&token).await, ["alpha", "beta"]);
    let group = json!({ "organizationId": scene.alpha.id, "name": "crew" });
    app.done(&token.token, "createGroup", "", group).await;
    // Its owner's roles, as they are now.
    let group = json!({ "organizationId": scene.beta.id, "name": "crew" });
    assert_eq!(app.denied(Some(&token.token), "createGroup", group).await, "FORBIDDEN");
    let tokens = app.ok(&token, TOKENS, json!({})).await;
    let expected = json!([{
        "name": "ci", "scopes": null, "isBound": false, "isCurrent": true, "organization": null,
        "createdBy": { "username": "ana" }, "expiresAt": "2027-02-22T08:00:00.000000Z",
    }]);
    let mut nodes = tokens["viewer"]["apiTokens"]["nodes"].clone();
    nodes[0].as_object_mut().unwrap().remove("lastUsedAt");
    assert_eq!(nodes, expected);
    // The secret is nowhere but with who carries it, not even its hash can be read.
    assert_eq!(app.tables().holding(&token.token).await, Vec::<String>::new());
    app.done(&scene.ana.token, "revokeApiToken", "revokedApiTokenId", json!({ "apiTokenId": id })).await;
    assert!(scene.refused(&token).await.as_str().unwrap().contains("API token"));
    let again = app.refused(&scene.ana.token, "revokeApiToken", json!({ "apiTokenId": id })).await;
    assert!(again.is("NOT_FOUND", "input.apiTokenId"), "{again:?}");
}

#[rstest]
#[tokio::test]
async fn scopes_only_take_away(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    // What its owner can't do anywhere is no scope: the token would leave nothing of it.
    let useless = json!({ "name": "groups", "scopes": ["GROUP_CREATE", "ORGANIZATION_CREATE"] });
    let refused = app.refused(&scene.ana.token, "createApiToken", useless).await;
    assert!(refused.is("BAD_USER_INPUT", "input.scopes"), "{refused:?}");
    assert!(refused.message.contains("ORGANIZATION_CREATE") && !refused.message.contains("GROUP_CREATE"));
    let elsewhere = json!({ "name": "x", "scopes": ["GROUP_CREATE"], "organizationId": scene.beta.id });
    let refused = app.refused(&scene.ana.token, "createApiToken", elsewhere).await;
    assert!(refused.is("BAD_USER_INPUT", "input.scopes"), "{refused:?}");
    let scopes = json!({ "name": "groups", "scopes": ["GROUP_CREATE", "ORGANIZATION_READ"] });
    let (_, token) = app.api_token(&scene.ana, scopes).await;
    let group = |org: &Org| json!({ "organizationId": org.id, "name": "crew" });
    app.done(&token.token, "createGroup", "group { id name }", group(&scene.alpha)).await;
    // What its owner lacks it lacks, whatever its scopes name.
    assert_eq!(app.denied(Some(&token.token), "createGroup", group(&scene.beta)).await, "FORBIDDEN");
    let org = json!({ "name": "gamma" });
    assert_eq!(app.denied(Some(&token.token), "createOrganization", org).await, "FORBIDDEN");
    // What its owner may and its scopes leave out is not there.
    let key = json!({ "organizationId": scene.alpha.id, "name": "key" });
    let body = app.call(Some(&token.token), "createProvisionerKey", "", key).await;
    assert_eq!(body["errors"][0]["extensions"]["requires"], "PROVISIONER_KEY_CREATE", "{body:#}");
    let look = "{ viewer { username email apiTokens { totalCount } }
        organizations { nodes { name viewerCan members { totalCount } templates { totalCount } } } }";
    let data = app.ok(&token, look, json!({})).await;
    assert_eq!(data["viewer"], json!({ "username": "ana", "email": null, "apiTokens": null }));
    let alpha = &data["organizations"]["nodes"][0];
    assert_eq!(
        (alpha["members"]["totalCount"].clone(), alpha["templates"]["totalCount"].clone()),
        (json!(0), json!(0))
    );
    // The scope that lets it create brings the reading of what it creates.
    let data = app.ok(&scene.ana, TOKENS, json!({})).await;
    let named = &data["viewer"]["apiTokens"]["nodes"][0]["scopes"];
    assert_eq!(*named, json!(["ORGANIZATION_READ", "GROUP_CREATE", "GROUP_READ"]));
    // A template's access list gives nothing that the scopes leave out.
    app.template(&scene.owner, &scene.beta, "dev").await;
    let templates =
        "{ templates: organization(by: { name: \"beta\" }) { templates { nodes { name viewerCan } } } }";
    let data = app.ok(&scene.ana, templates, json!({})).await;
    assert_eq!(
        data["templates"]["templates"]["nodes"][0]["viewerCan"],
        json!(["TEMPLATE_READ", "TEMPLATE_USE"])
    );
    assert_eq!(app.ok(&token, templates, json!({})).await["templates"]["templates"]["nodes"], json!([]));
    let reader = json!({ "name": "reader", "scopes": ["TEMPLATE_READ", "ORGANIZATION_READ"] });
    let (_, reader) = app.api_token(&scene.ana, reader).await;
    let data = app.ok(&reader, templates, json!({})).await;
    assert_eq!(data["templates"]["templates"]["nodes"][0]["viewerCan"], json!(["TEMPLATE_READ"]));
    // It may give them what no role of theirs does.
    let curator =
        json!({ "name": "curator", "scopes": ["TEMPLATE_UPDATE"], "organizationId": scene.beta.id });
    app.api_token(&scene.ana, curator).await;
}

#[rstest]
#[tokio::test]
async fn a_bound_token_stays_in_its_organization(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let bound = |org: &Org, name: &str| json!({ "name": name, "organizationId": org.id });
    let (_, token) = app.api_token(&scene.ana, bound(&scene.alpha, "alpha")).await;
    assert_eq!(scene.sees(&token).await, ["alpha"]);
    let elsewhere = "query($id: ID!) { organization(by: { id: $id }) { name } node(id: $id) { id } }";
    let data = app.ok(&token, elsewhere, json!({ "id": scene.beta.id })).await;
    assert_eq!(data, json!({ "organization": null, "node": null }));
    // Of the deployment it has nothing, though its owner has everything; in its organization it has that.
    let (_, token) = app.api_token(&scene.owner, bound(&scene.beta, "beta")).await;
    assert_eq!(scene.sees(&token).await, ["beta"]);
    let group = |org: &Org| json!({ "organizationId": org.id, "name": "crew" });
    app.done(&token.token, "createGroup", "", group(&scene.beta)).await;
    let refused = app.refused(&token.token, "createGroup", group(&scene.alpha)).await;
    assert!(refused.is("NOT_FOUND", "input.organizationId"), "{refused:?}");
    for (mutation, input) in [
        ("createOrganization", json!({ "name": "gamma" })),
        ("createUser", json!({ "username": "eve", "email": "eve@example.com" })),
        ("createApiToken", bound(&scene.beta, "more")),
    ] {
        assert_eq!(app.denied(Some(&token.token), mutation, input).await, "FORBIDDEN", "{mutation}");
    }
    let data = app
        .ok(
            &token,
            "{ viewer { username email sessions { totalCount } } users { nodes { username } } }",
            json!({}),
        )
        .await;
    assert_eq!(
        data["viewer"],
        json!({ "username": "olga-owner", "email": "olga@example.com", "sessions": null })
    );
    assert_eq!(data["users"]["nodes"], json!([{ "username": "ana" }, { "username": "olga-owner" }]));
    // An organization that one can't see is none to bind to.
    let nora = app.user(&scene.owner, "nora", &[]).await;
    let refused = app.refused(&nora.token, "createApiToken", bound(&scene.alpha, "x")).await;
    assert!(refused.is("NOT_FOUND", "input.organizationId"), "{refused:?}");
}

#[rstest]
#[tokio::test]
async fn a_token_makes_no_token_with_more(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let scopes = json!(["TOKEN_CREATE", "GROUP_READ"]);
    let parent = json!({ "name": "parent", "scopes": scopes, "expiresAt": "2026-12-01T00:00:00Z" });
    let (_, parent) = app.api_token(&scene.ana, parent).await;
    let ask = |scopes: Value, ends: &str| json!({ "name": "child", "scopes": scopes, "expiresAt": ends });
    let query = "mutation($input: CreateApiTokenInput!) { createApiToken(input: $input) {
        secret userErrors { code field ... on MissingPermissions { permissions } }
    } }";
    for scopes in [json!(["GROUP_UPDATE"]), Value::Null] {
        let input = json!({ "input": ask(scopes, "2026-11-30T00:00:00Z") });
        let payload = app.payload(&parent, query, input).await;
        assert_eq!(payload["secret"], Value::Null);
        let error = &payload["userErrors"][0];
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("MISSING_PERMISSIONS"), &json!(["input", "scopes"]))
        );
        assert!(error["permissions"].as_array().unwrap().contains(&json!("GROUP_UPDATE")), "{error:#}");
    }
    let late = app
        .refused(&parent.token, "createApiToken", ask(json!(["GROUP_READ"]), "2026-12-02T00:00:00Z"))
        .await;
    assert!(late.is("BAD_USER_INPUT", "input.expiresAt"), "{late:?}");
    let unsaid = app
        .refused(&parent.token, "createApiToken", json!({ "name": "child", "scopes": ["GROUP_READ"] }))
        .await;
    assert!(unsaid.is("BAD_USER_INPUT", "input.expiresAt"), "ninety days are more: {unsaid:?}");
    let (_, child) = app.api_token(&parent, ask(json!(["GROUP_READ"]), "2026-11-30T00:00:00Z")).await;
    assert_eq!(
        app.denied(Some(&child.token), "createApiToken", json!({ "name": "x", "scopes": ["GROUP_READ"] }))
            .await,
        "FORBIDDEN"
    );
    // A token does not sign anybody out.
    let body =
        app.graphql(Some(&parent.token), "mutation { signOut { userErrors { code } } }", json!({})).await;
    assert_eq!(body["data"]["signOut"]["userErrors"][0]["code"], "CONFLICT", "{body:#}");
}

#[rstest]
#[tokio::test]
async fn a_token_has_a_name_and_an_end(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let token = scene.ana.token.as_str();
    let (_, ci) =
        app.api_token(&scene.ana, json!({ "name": "ci", "expiresAt": "2026-11-24T09:00:00Z" })).await;
    for (field, input, code) in [
        ("name", json!({ "name": "CI" }), "NAME_TAKEN"),
        ("name", json!({ "name": "no good" }), "BAD_USER_INPUT"),
        ("scopes", json!({ "name": "a", "scopes": [] }), "BAD_USER_INPUT"),
        ("expiresAt", json!({ "name": "a", "expiresAt": "2026-11-24T08:00:00Z" }), "BAD_USER_INPUT"),
        ("expiresAt", json!({ "name": "a", "expiresAt": "2027-11-26T08:00:00Z" }), "BAD_USER_INPUT"),
        ("userId", json!({ "name": "a", "userId": "usr_01h455vb4pex5vsknk084sn02q" }), "NOT_FOUND"),
    ] {
        let refused = app.refused(token, "createApiToken", input.clone()).await;
        assert!(refused.is(code, &format!("input.{field}")), "{input}: {refused:?}");
    }
    // Nobody makes one for somebody else, whatever their power; to who lacks the permission it is FORBIDDEN.
    let for_ana = json!({ "name": "a", "userId": scene.ana.id });
    let refused = app.refused(&scene.owner.token, "createApiToken", for_ana.clone()).await;
    assert!(refused.is("CONFLICT", "input.userId"), "{refused:?}");
    let keeper = app.user(&scene.owner, "keeper", &["user-admin"]).await;
    assert_eq!(app.denied(Some(&keeper.token), "createApiToken", for_ana).await, "FORBIDDEN");
    // The same name is somebody else's to use.
    app.api_token(&keeper, json!({ "name": "ci" })).await;
    // With a key, once; the secret is not kept.
    let keyed = json!({ "name": "keyed", "idempotencyKey": "k1" });
    app.api_token(&scene.ana, keyed.clone()).await;
    let again = app.done(token, "createApiToken", "apiToken { name } secret", keyed).await;
    assert_eq!((&again["apiToken"]["name"], &again["secret"]), (&json!("keyed"), &Value::Null));

    assert_eq!(scene.sees(&ci).await, ["alpha", "beta"]);
    app.clock.advance(TimeDelta::minutes(60));
    assert!(scene.refused(&ci).await.as_str().unwrap().contains("expired"));
    let mut typo = ci.clone();
    typo.token.replace_range(10..11, if &ci.token[10..11] == "a" { "b" } else { "a" });
    assert!(scene.refused(&typo).await.as_str().unwrap().contains("not valid"));
}

#[rstest]
#[tokio::test]
async fn a_token_ends_with_its_owner(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let (id, token) = app.api_token(&scene.ana, json!({ "name": "ci" })).await;
    // What its owner loses it loses.
    let leave = json!({ "organizationId": scene.beta.id, "userId": scene.ana.id });
    app.done(&scene.owner.token, "removeMember", "", leave).await;
    assert_eq!(scene.sees(&token).await, ["alpha"]);
    // Others see it by their role alone, and revoke it by theirs.
    let auditor = app.user(&scene.owner, "auditor", &["auditor"]).await;
    let mate = app.member_of(&scene.owner, &scene.alpha, "mate", &[]).await;
    let look = "query($id: ID!) { node(id: $id) { ... on ApiToken { name user { username } } } }";
    let seen = app.ok(&auditor, look, json!({ "id": id })).await;
    assert_eq!(seen["node"], json!({ "name": "ci", "user": { "username": "ana" } }));
    assert_eq!(app.ok(&mate, look, json!({ "id": id })).await["node"], Value::Null);
    assert_eq!(
        app.denied(Some(&auditor.token), "revokeApiToken", json!({ "apiTokenId": id })).await,
        "FORBIDDEN"
    );
    app.tables().execute("update \"user\" set status = 'SUSPENDED' where username = 'ana'").await;
    assert!(scene.refused(&token).await.as_str().unwrap().contains("suspended"));
    app.done(&scene.owner.token, "revokeApiToken", "", json!({ "apiTokenId": id })).await;
}
