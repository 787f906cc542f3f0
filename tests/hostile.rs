//! Input made to hurt, through the real router to both databases: each is refused as what it is, none is a fault.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Request, StatusCode, header};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Person, TestApp};

/// PostgreSQL has no text with a NUL, SQLite has. Wherever one is put, the answer says so before anything is run.
const WITH_TEXT: &[&str] = &[
    "query($x: ID!) { node(id: $x) { id } }",
    "query($x: ID!) { nodes(ids: [$x]) { id } }",
    "query($x: String!) { organization(by: { name: $x }) { id } }",
    "query($x: ID!) { organization(by: { id: $x }) { id } }",
    "query($x: String!) { organizations(filter: { query: $x }) { totalCount } }",
    "query($x: String!) { organizations(first: 1, after: $x) { totalCount } }",
    "query($x: String!) { workspaces(filter: { name: $x }) { totalCount } }",
    "query($x: ID!) { workspaces(filter: { ownerId: $x }) { totalCount } }",
    "query($x: String!) { users(filter: { query: $x }) { totalCount } }",
    "query($x: String!) { user(by: { username: $x }) { id } }",
    "mutation($x: String!) { signIn(input: { login: $x, password: \"p\" }) { token } }",
    "mutation($x: String!) { signIn(input: { login: \"olga\", password: $x }) { token } }",
    "mutation($x: String!) { createOrganization(input: { name: $x }) { userErrors { code } } }",
    "mutation($x: String!) { createOrganization(input: { name: \"a\", description: $x }) { userErrors { code } } }",
    "mutation($x: String!) { createOrganization(input: { name: \"a\", idempotencyKey: $x }) { userErrors { code } } }",
    "mutation($x: String!, $o: ID!) { updateOrganization(input: { organizationId: $o, displayName: $x }) { userErrors { code } } }",
    "mutation($x: String!, $o: ID!) { createGroup(input: { organizationId: $o, name: $x }) { userErrors { code } } }",
    "mutation($x: String!, $o: ID!) { createProvisionerKey(input: { organizationId: $o, name: \"k\", tags: [{ name: $x, value: \"v\" }] }) { secret } }",
    "mutation($x: String!) { createUser(input: { username: \"u\", email: $x, password: \"long enough it is\" }) { userErrors { code } } }",
];

fn code(body: &Value) -> &str {
    body["errors"][0]["extensions"]["code"].as_str().unwrap_or("-")
}

#[rstest]
#[tokio::test]
async fn a_nul_in_a_text_is_bad_input_everywhere(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let olga = app.owner().await;
    let org = app.organization(&olga, "home").await;
    for text in WITH_TEXT {
        let variables = json!({ "x": "a\u{0}b", "o": org.id });
        let body = app.graphql(Some(&olga.token), text, variables).await;
        assert_eq!((code(&body), body.get("data")), ("BAD_USER_INPUT", None), "{text}: {body:#}");
        // And so as a literal, however it is spelled.
        let declared = text.find('(').unwrap()..=text.find(')').unwrap();
        for literal in [r#""a\u0000b""#, r#""a\u{0}b""#, "\"a\u{0}b\"", "\"\"\"a\u{0}b\"\"\""] {
            let mut plain = (*text).to_owned();
            plain.replace_range(declared.clone(), "");
            let plain = plain.replace("$x", literal).replace("$o", &format!("\"{}\"", org.id));
            let body = app.graphql(Some(&olga.token), &plain, json!({})).await;
            assert_eq!((code(&body), body.get("data")), ("BAD_USER_INPUT", None), "{plain}: {body:#}");
        }
    }
}

/// What is no value of a scalar of ours is told with its place, as every wrong value is, and before anything is run.
#[rstest]
#[tokio::test]
async fn a_wrong_time_is_told_where_it_is(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let olga = app.owner().await;
    let create = "mutation($input: CreateApiTokenInput!) { createApiToken(input: $input) { secret } }";
    let list = "query($filter: AuditLogFilter) { auditLog(filter: $filter) { totalCount } }";
    let alone = "query($since: DateTime) { auditLog(filter: { from: $since }) { totalCount } }";
    for wrong in [
        json!("tomorrow"),
        json!(1_796_000_000),
        json!(["2026-11-24T09:30:00Z"]),
        json!("2026-11-24"),
        json!(""),
    ] {
        for (document, variables, argument) in [
            (create, json!({ "input": { "name": "ci", "expiresAt": wrong } }), "input.expiresAt"),
            (list, json!({ "filter": { "from": wrong } }), "filter.from"),
            (alone, json!({ "since": wrong }), "since"),
        ] {
            let body = app.graphql(Some(&olga.token), document, variables).await;
            let error = &body["errors"][0];
            assert_eq!((code(&body), body.get("data")), ("BAD_USER_INPUT", None), "{document}: {body:#}");
            assert_eq!(error["extensions"]["argument"], argument, "{body:#}");
            let message = error["message"].as_str().unwrap();
            assert!(message.ends_with("expected a time such as 2026-11-24T09:30:00Z."), "{message}");
            assert!(!message.contains("tomorrow"), "{message}");
        }
    }
    let create = "mutation { createApiToken(input: { name: \"ci\", expiresAt: $x }) { secret } }";
    let list = "{ again: viewer { id } auditLog(filter: { from: $x }) { totalCount } }";
    let default = "query($f: AuditLogFilter = { to: $x }) { auditLog(filter: $f) { totalCount } }";
    let alone = "query($since: DateTime = $x) { auditLog(filter: { from: $since }) { totalCount } }";
    for wrong in ["\"tomorrow\"", "1796000000", "[\"2026-11-24T09:30:00Z\"]", "\"\"", "TODAY", "{ x: 1 }"] {
        for (document, argument) in
            [(create, "input.expiresAt"), (list, "filter.from"), (default, "f.to"), (alone, "since")]
        {
            let document = document.replace("$x", wrong);
            let body = app.graphql(Some(&olga.token), &document, json!({})).await;
            let error = &body["errors"][0];
            assert_eq!((code(&body), body.get("data")), ("BAD_USER_INPUT", None), "{document}: {body:#}");
            assert_eq!(error["extensions"]["argument"], argument, "{body:#}");
            let column = document.find(wrong).unwrap() + 1;
            assert_eq!(error["locations"], json!([{ "line": 1, "column": column }]), "{document}");
            let message = error["message"].as_str().unwrap();
            assert!(message.ends_with("expected a time such as 2026-11-24T09:30:00Z."), "{message}");
        }
    }
    let list = "query($filter: AuditLogFilter) { auditLog(filter: $filter) { totalCount } }";
    for time in ["2026-11-24T09:30:00Z", "2026-11-24T09:30:00.123456+02:00"] {
        let literal = list.replace("($filter: AuditLogFilter)", "").replace("$filter", "{ from: \"TIME\" }");
        let body = app.graphql(Some(&olga.token), &literal.replace("TIME", time), json!({})).await;
        assert!(body["data"]["auditLog"]["totalCount"].is_number(), "{body:#}");
        let body = app.graphql(Some(&olga.token), list, json!({ "filter": { "from": time } })).await;
        assert!(body["data"]["auditLog"]["totalCount"].is_number(), "{body:#}");
    }
}

/// The same cursor with other bytes behind its checksum, which is no secret: it is linear.
fn forged(cursor: &str, change: impl FnOnce(&mut [u8])) -> String {
    let mut bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap();
    let before = crc32fast::hash(&bytes[4..]);
    change(&mut bytes[4..]);
    let sum = before ^ crc32fast::hash(&bytes[4..]);
    for (byte, part) in bytes.iter_mut().zip(sum.to_be_bytes()) {
        *byte ^= part;
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

async fn first_cursor(app: &TestApp, person: &Person, list: &str, order: &str) -> String {
    let text = format!("{{ list: {list}(first: 1, orderBy: {order}) {{ edges {{ cursor }} }} }}");
    let data = app.ok(person, &text, json!({})).await;
    data["list"]["edges"][0]["cursor"].as_str().unwrap().to_owned()
}

#[rstest]
#[tokio::test]
async fn a_forged_cursor_is_a_place_or_bad_input(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let olga = app.owner().await;
    let page = async |list: &str, order: &str, cursor: String| {
        let text = format!(
            "query($after: String!) {{
               list: {list}(first: 5, after: $after, orderBy: {order}) {{ totalCount nodes {{ id }} }}
             }}"
        );
        app.graphql(Some(&olga.token), &text, json!({ "after": cursor })).await
    };
    // A name: its length, its letters, an id.
    let by_name = first_cursor(&app, &olga, "organizations", "NAME_ASC").await;
    let body = page("organizations", "NAME_ASC", forged(&by_name, |bytes| bytes[2] = b'a')).await;
    assert!(body["data"]["list"]["totalCount"].is_number(), "{body:#}");
    let body = page("organizations", "NAME_ASC", forged(&by_name, |bytes| bytes[2] = 0)).await;
    assert_eq!(code(&body), "BAD_USER_INPUT", "{body:#}");
    // A time and an id.
    let by_time = first_cursor(&app, &olga, "auditLog", "TIME_DESC").await;
    for micros in [i64::MIN, i64::MAX, -400_000_000_000_000_000, 0] {
        let cursor = forged(&by_time, |bytes| bytes[..8].copy_from_slice(&micros.to_be_bytes()));
        let body = page("auditLog", "TIME_DESC", cursor).await;
        let expected = if micros == 0 { "-" } else { "BAD_USER_INPUT" };
        assert_eq!(code(&body), expected, "{micros}: {body:#}");
    }
}

#[rstest]
#[tokio::test]
async fn a_forged_token_is_refused_before_anything_else(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let olga = app.owner().await;
    let parts: Vec<&str> = olga.token.split('.').collect();
    assert_eq!(parts.len(), 3, "a session's token is a JWT");
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let tampered = URL_SAFE_NO_PAD.encode(
        String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap())
            .unwrap()
            .replace("\"exp\":", "\"exp\":9"),
    );
    for token in [
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{tampered}.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}x", olga.token),
        "x".repeat(8_000),
        "..".to_owned(),
    ] {
        let request = Request::post("/graphql")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(axum::body::Body::from(r#"{"query":"{ viewer { id } }"}"#))
            .unwrap();
        let (status, bytes) = app.send(request).await;
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!((status, code(&body)), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"), "{token}");
    }
    let body = app.graphql(Some(&olga.token), "{ viewer { username } }", json!({})).await;
    assert_eq!(body["data"]["viewer"]["username"], *olga.username);
}
