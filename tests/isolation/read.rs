//! Reading.

use std::collections::BTreeSet;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, header};
use rstest::rstest;
use serde_json::{Value, json};

use super::ask::{every_node, everything_from_the_roots};
use super::{Deployment, Viewer, assert_nothing_of, blotted, missing, named, named_missing};
use crate::support::Backend;

/// Fields that nobody has filled in the world of these tests, because nothing fills them yet, those of limits, which
/// are off here, and those that are taken out of every answer.
const UNFILLED: &[&str] = &[
    "ApiToken.lastUsedAt",
    "AuditLogEntry.requestId",
    "ProvisionerKey.disabledAt",
    "ProvisionerKey.expiresAt",
    "RateLimit.limit",
    "RateLimit.remaining",
    "RateLimit.resetAt",
    "RateLimit.used",
    "User.lastSeenAt",
    "Workspace.deletingAt",
    "Workspace.dormantAt",
    "Workspace.lastUsedAt",
];

/// The proof that the other tests of this file can fail: who may see `alpha` sees a value in every field that a query
/// can reach. A new field fails here until the world fills it.
#[rstest]
#[tokio::test]
async fn the_world_has_a_value_in_every_field_that_can_be_read(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(deployment) = Deployment::start(backend).await else { return };
    let alpha = deployment.fill_alpha().await;
    let schema = &deployment.schema;
    let admin = Viewer { who: "admin of alpha", token: Some(alpha.admin.token.clone()) };
    // Members hold no role on the site; the deployment's owner does.
    let owner = [("User", deployment.owner.id.clone())];
    let mut seen = BTreeSet::new();
    let documents = [
        everything_from_the_roots(schema, &alpha),
        every_node(schema, &alpha.nodes),
        every_node(schema, &owner),
    ]
    .concat();
    for document in &documents {
        let body = deployment.ask(&admin, document, json!({})).await;
        assert!(body.get("errors").is_none(), "{document}\n{body:#}");
        note("Query", &body["data"], &mut seen);
    }
    let all: BTreeSet<String> = schema
        .readable()
        .iter()
        .flat_map(|ty| schema.fields(ty).into_iter().map(move |field| format!("{ty}.{}", field.name)))
        .collect();
    let empty: Vec<_> = all.difference(&seen).filter(|field| !UNFILLED.contains(&field.as_str())).collect();
    assert!(empty.is_empty(), "the world leaves these empty, so nobody knows whether they leak: {empty:?}");
    let stale: Vec<_> = UNFILLED.iter().filter(|field| seen.contains(**field)).collect();
    assert!(stale.is_empty(), "these are filled now: {stale:?}");
}

/// Notes the fields of an answer that hold something.
fn note(ty: &str, value: &Value, seen: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| note(ty, item, seen)),
        Value::Object(fields) => {
            let ty = fields.get("__typename").and_then(Value::as_str).unwrap_or(ty);
            for (name, value) in fields {
                if !value.is_null() && *value != json!([]) {
                    seen.insert(format!("{ty}.{name}"));
                    note("", value, seen);
                }
            }
        }
        _ => {}
    }
}

/// Whatever anybody of `beta` can ask from the roots, the answer is the same while `alpha` is empty and when it is full:
/// data, counts, cursors, queue positions and errors.
#[rstest]
#[tokio::test]
async fn what_one_organization_sees_does_not_depend_on_another(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(deployment) = Deployment::start(backend).await else { return };
    let documents = [
        everything_from_the_roots(&deployment.schema, &deployment.beta),
        every_node(&deployment.schema, &deployment.beta.nodes),
    ]
    .concat();
    let viewers = deployment.viewers();
    let mut before = Vec::new();
    for viewer in &viewers {
        for document in &documents {
            before.push(deployment.ask(viewer, document, json!({})).await);
        }
    }
    let alpha = deployment.fill_alpha().await;
    let mut before = before.iter();
    for viewer in &viewers {
        for document in &documents {
            let after = deployment.ask(viewer, document, json!({})).await;
            assert_nothing_of(&alpha, &after, &format!("{}: {document}", viewer.who));
            assert_eq!(before.next().unwrap().to_string(), after.to_string(), "{}: {document}", viewer.who);
        }
    }
}

/// Asked by id or name, what is of `alpha` answers like what never existed.
#[rstest]
#[tokio::test]
async fn what_is_foreign_reads_like_what_never_was(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(deployment) = Deployment::start(backend).await else { return };
    let alpha = deployment.fill_alpha().await;
    let ids: Vec<String> = alpha.nodes.iter().map(|(_, id)| id.clone()).collect();
    let gone: Vec<String> = ids.iter().map(|id| missing(id)).collect();
    let mut pairs: Vec<(String, Value, Value)> =
        vec![("query($x: [ID!]!) { nodes(ids: $x) { __typename id } }".into(), json!(ids), json!(gone))];
    for (id, gone) in ids.iter().zip(&gone) {
        for field in ["node(id: $x)", "organization(by: { id: $x })", "user(by: { id: $x })"] {
            pairs.push((format!("query($x: ID!) {{ {field} {{ __typename id }} }}"), json!(id), json!(gone)));
        }
    }
    let names = [&alpha.org.name, &alpha.member.username, &alpha.admin.username];
    for name in names {
        let gone = name.replace("alpha", "omega");
        for field in ["organization(by: { name: $x })", "user(by: { username: $x })"] {
            let document = format!("query($x: String!) {{ {field} {{ __typename id }} }}");
            pairs.push((document, json!(name), json!(gone)));
        }
    }
    for viewer in deployment.viewers() {
        for (document, real, gone) in &pairs {
            let real = deployment.ask(&viewer, document, json!({ "x": real })).await;
            let gone = deployment.ask(&viewer, document, json!({ "x": gone })).await;
            assert_nothing_of(&alpha, &real, &format!("{}: {document}", viewer.who));
            assert_eq!(real.to_string(), gone.to_string(), "{}: {document}", viewer.who);
        }
    }
}

/// A filter that names what is of `alpha` answers like one that names what never existed, on every list that has filters.
#[rstest]
#[tokio::test]
async fn a_filter_is_no_oracle(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(deployment) = Deployment::start(backend).await else { return };
    let alpha = deployment.fill_alpha().await;
    let schema = &deployment.schema;
    let texts =
        ["", "-member", "-admin", "-group", "-key", "-template", "-v1", "-workspace", "-shared-workspace"];
    let mut asked = 0;
    for ty in schema.readable() {
        for field in schema.fields(&ty) {
            let Some(filter) = field.arguments.iter().find(|argument| argument.name == "filter") else {
                continue;
            };
            let beta = &deployment.beta;
            let (open, close, path) = match ty.as_str() {
                "Query" => (String::new(), "", ""),
                // No node: reached through its organization.
                "Member" => {
                    let (org, user) = (&beta.org.id, &beta.member.id);
                    let members = format!("members(filter: {{ userId: \"{user}\" }}) {{ nodes {{");
                    let open = format!("node(id: \"{org}\") {{ ... on Organization {{ {members}");
                    (open, "} } } }", "/node/members/nodes/0")
                }
                _ => {
                    let node = beta.nodes.iter().find(|(node, _)| *node == ty);
                    let (_, id) = node.unwrap_or_else(|| panic!("`{ty}` has filters, but `beta` has none"));
                    (format!("node(id: \"{id}\") {{ ... on {ty} {{"), "} }", "/node")
                }
            };
            let selection = "totalCount pageInfo { startCursor endCursor hasNextPage } nodes { __typename }";
            for input in schema.inputs(&filter.ty) {
                let pairs: Vec<(Value, Value)> = match (input.ty.as_str(), named(&alpha, &input.name)) {
                    ("ID", Some(id)) => vec![(id, named_missing(&alpha, &input.name).unwrap())],
                    ("String", _) => texts
                        .iter()
                        .map(|text| (json!(format!("alpha{text}")), json!(format!("omega{text}"))))
                        .collect(),
                    ("DateTime" | "Boolean", _) => continue,
                    (ty, _) if !schema.values(ty).is_empty() => continue,
                    _ => panic!("teach this test what `{}.{}` means", filter.ty, input.name),
                };
                // One value is a list of one.
                let list = if input.is_list { ["[", "!]"] } else { ["", ""] };
                let input_ty = list.join(&input.ty);
                let (name, input) = (&field.name, &input.name);
                let ask = |alias: &str| {
                    format!("{alias}: {name}(filter: {{ {input}: ${alias} }}) {{ {selection} }}")
                };
                let document = format!(
                    "query($real: {input_ty}!, $gone: {input_ty}!) {{ {open} {} {} {close} }}",
                    ask("real"),
                    ask("gone")
                );
                for viewer in deployment.viewers() {
                    for (real, gone) in &pairs {
                        let answer =
                            deployment.ask(&viewer, &document, json!({ "real": real, "gone": gone })).await;
                        assert_nothing_of(&alpha, &answer, &document);
                        let data = answer["data"].pointer(path).cloned().unwrap_or_default();
                        assert_eq!(data["real"], data["gone"], "{}: {document}\n{answer:#}", viewer.who);
                        asked += 1;
                    }
                }
            }
        }
    }
    assert!(asked > 100, "only {asked} filters");
}

/// Archives and Terraform states, which go over plain HTTP.
#[rstest]
#[tokio::test]
async fn foreign_files_and_states_read_like_missing_ones(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(deployment) = Deployment::start(backend).await else { return };
    let alpha = deployment.fill_alpha().await;
    let job_token = &deployment.beta.held.token;
    let basic = format!("Basic {}", STANDARD.encode(format!("job:{job_token}")));
    let mut asks = vec![(basic, &alpha.held.id), (format!("Bearer {job_token}"), &alpha.file)];
    let (_, build) = alpha.nodes.iter().find(|(ty, _)| *ty == "WorkspaceBuild").unwrap();
    for viewer in deployment.viewers() {
        let header = viewer.token.map(|token| format!("Bearer {token}")).unwrap_or_default();
        asks.push((header.clone(), &alpha.file));
        asks.push((header, build));
    }
    for (authorization, id) in asks {
        let mut answers = Vec::new();
        for id in [id.to_owned(), missing(id)] {
            let path = if id.starts_with("file_") {
                format!("/files/{id}")
            } else if id.starts_with("bld_") {
                format!("/states/{id}")
            } else {
                format!("/provisioner-jobs/{id}/state")
            };
            let mut request = Request::get(path);
            if !authorization.is_empty() {
                request = request.header(header::AUTHORIZATION, &authorization);
            }
            let (status, body) = deployment.app.send(request.body(Body::empty()).unwrap()).await;
            assert!(status.is_client_error(), "{status} for {id}");
            answers.push((status, blotted(&serde_json::from_slice(&body).unwrap(), &[&id])));
        }
        assert_eq!(answers[0], answers[1]);
    }
}
