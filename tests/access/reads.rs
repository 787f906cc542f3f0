//! Who sees which field of the things of an organization.

use std::collections::{BTreeMap, BTreeSet};

use rstest::rstest;
use serde_json::{Value, json};

use super::cast::{ABSENT, Cast, FORBIDDEN, GRANTED, UNAUTHENTICATED, listed};
use crate::isolation::{every_node, every_root, everything_from};
use crate::support::schema::Schema;
use crate::support::{Backend, TestApp};

/// Nothing but null or an empty list.
const EMPTY: char = '0';
/// Of some of them a value, and of others forbidden: one's own group, say.
const PARTLY: char = '±';

/// Edges, and what only mutations answer: no thing of an organization has them, or they are as visible as their
/// connection.
fn is_listed(ty: &str) -> bool {
    // What says nothing about anybody.
    const OTHER: &[&str] = &["Deployment", "PageInfo", "PathCost", "PermissionInfo", "RateLimit"];
    !ty.ends_with("Connection") && !ty.ends_with("Edge") && !OTHER.contains(&ty)
}

#[rstest]
#[tokio::test]
async fn who_sees_what_is_the_reviewed_table(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let shared = app.user(&owner, "wanda-of-both", &[]).await;
    let elsewhere = app.organization(&owner, "elsewhere").await;
    let home = app.organization(&owner, "home").await;
    let mut cast = Cast::of(&app, &owner, &home, &elsewhere).await;
    let world = app.fill(&owner, home, "home", &shared).await;
    cast.add("listed ADMIN", &listed(&app, &owner, &world.org, &[&world.template]).await.token);
    cast.add("whose it is", &world.member.token);
    cast.add("daemon", &world.key.secret);
    let schema = Schema::committed();
    let mut documents = every_node(&schema, &world.nodes);
    documents.extend(every_root(&schema, &world));
    for root in ["organization", "buildCostPreview", "compareTemplateVersions", "explainAccess"] {
        documents.extend(everything_from(&schema, &world, root));
    }

    let fields: BTreeSet<String> = schema
        .readable()
        .iter()
        .filter(|ty| is_listed(ty))
        .flat_map(|ty| schema.fields(ty).into_iter().map(move |field| format!("{ty}.{}", field.name)))
        .collect();
    let mut rows: BTreeMap<String, Vec<char>> =
        fields.into_iter().map(|field| (field, vec![ABSENT; cast.askers.len()])).collect();
    for (column, asker) in cast.askers.iter().enumerate() {
        for document in &documents {
            let body = app.graphql(asker.token.as_deref(), document, json!({})).await;
            let mut note = |field: String, cell: char| {
                let Some(row) = rows.get_mut(&field) else { return };
                row[column] = joined(row[column], cell);
            };
            values("Query", &body["data"], &mut note);
            for error in body["errors"].as_array().into_iter().flatten() {
                forbidden(&schema, document, &body["data"], error, &mut note);
            }
        }
    }
    // Whoever may see everything sees something everywhere, or the table says nothing.
    let unreached: Vec<_> = rows
        .iter()
        .filter(|(_, cells)| cells.iter().all(|cell| *cell == ABSENT))
        .map(|(name, _)| name)
        .collect();
    assert!(unreached.is_empty(), "nobody reached these: {unreached:#?}");
    let table = cast.table(rows.iter().map(|(name, cells)| (name.as_str(), cells.as_slice())));
    let legend = format!(
        "{GRANTED} a value   {EMPTY} null or empty   {FORBIDDEN} forbidden   {PARTLY} forbidden of some   {ABSENT} the \
         thing itself is not in the answer   {UNAUTHENTICATED} unauthenticated"
    );
    let notes = Cast::notes();
    insta::with_settings!({ omit_expression => true, snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!("reads", format!("{legend}\n{notes}\n\n{table}"));
    });
}

/// Of several things, what was most.
fn joined(before: char, now: char) -> char {
    match (before, now) {
        (ABSENT, cell) | (EMPTY, cell) => cell,
        (cell, EMPTY) => cell,
        (before, now) if before == now => now,
        _ => PARTLY,
    }
}

/// Notes every field of an answer's objects.
fn values(ty: &str, value: &Value, note: &mut impl FnMut(String, char)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| values(ty, item, note)),
        Value::Object(fields) => {
            let ty = fields.get("__typename").and_then(Value::as_str).unwrap_or(ty);
            for (name, value) in fields {
                let empty = value.is_null()
                    || *value == json!([])
                    || value.get("nodes").is_some_and(|nodes| *nodes == json!([]));
                note(format!("{ty}.{name}"), if empty { EMPTY } else { GRANTED });
                values("", value, note);
            }
        }
        _ => {}
    }
}

/// Notes what an error says of the field at its path. A fault, or a code that reading has no use for, fails the test.
fn forbidden(
    schema: &Schema,
    document: &str,
    data: &Value,
    error: &Value,
    note: &mut impl FnMut(String, char),
) {
    let code = error["extensions"]["code"].as_str().unwrap_or_default();
    let Some(path) = error["path"].as_array() else {
        assert_eq!(code, "UNAUTHENTICATED", "{document}\n{error:#}");
        // Refused at the door: whatever was asked for.
        let root = document.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty()).unwrap();
        note(format!("Query.{root}"), UNAUTHENTICATED);
        return;
    };
    let at_root = path.len() == 1;
    let (field, parents) = path.split_last().unwrap();
    let parent = parents.iter().fold(data, |value, step| match step {
        Value::String(name) => &value[name],
        index => &value[usize::try_from(index.as_u64().unwrap()).unwrap()],
    });
    match code {
        "FORBIDDEN" => {
            let field = field.as_str().unwrap();
            let ty = match parent["__typename"].as_str() {
                Some(ty) => ty.to_owned(),
                None if at_root => "Query".to_owned(),
                // The error took the thing with it, and the only other field of the document was its `__typename`.
                None if path.len() == 2 => asked_of(schema, document, path[0].as_str().unwrap()),
                // It took more than one thing with it: which of the errors in there came first, nobody knows.
                None => return,
            };
            let ty = ty.as_str();
            assert!(schema.fields(ty).iter().any(|known| known.name == field));
            note(format!("{ty}.{field}"), FORBIDDEN);
        }
        "UNAUTHENTICATED" if at_root => note(format!("Query.{}", field.as_str().unwrap()), UNAUTHENTICATED),
        "UNAUTHENTICATED" | "NOT_FOUND" => {}
        _ => panic!("{document}\n{error:#}"),
    }
}

/// The type of what a root field is asked for: what the schema says, or for a node the document.
fn asked_of(schema: &Schema, document: &str, root: &str) -> String {
    let field = schema.fields("Query").into_iter().find(|field| field.name == root).unwrap();
    match document.split_once("... on ") {
        Some((_, said)) if schema.fields(&field.ty).is_empty() => said.split(' ').next().unwrap().to_owned(),
        _ => field.ty,
    }
}
