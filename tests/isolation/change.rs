//! Changing: every mutation with every id of its input from `alpha`, one at a time and all at once.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rstest::rstest;
use serde_json::{Value, json};

use super::probe::{Builder, Naming, Probe, paths};
use super::{Deployment, assert_nothing_of, blotted, named, named_missing};
use crate::support::Backend;

/// Mutations whose input names nothing that could be of an organization.
const NAMING_NOTHING: &[&str] = &["changePassword", "createFirstUser", "createOrganization", "signOut"];

/// Who may add members may add anybody whose exact id or name they know, so to them people exist.
pub(super) const PEOPLE_ARE_KNOWN_TO_ADMINISTRATORS: &[&str] = &["members.userId", "members.username"];

#[rstest]
#[tokio::test]
async fn what_is_foreign_is_refused_like_what_never_was(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(deployment) = Deployment::start(backend).await else { return };
    let alpha = deployment.fill_alpha().await;
    let schema = &deployment.schema;
    // What each is told, so that people see that the probes arrive where they should.
    let mut report = format!("{:60}", "");
    for viewer in deployment.viewers() {
        write!(report, " {:16}", viewer.who.trim_start_matches("organization-")).unwrap();
    }
    report.truncate(report.trim_end().len());
    report.push('\n');
    for mutation in schema.fields("Mutation") {
        let input = mutation.arguments.iter().find(|argument| argument.name == "input");
        let probes = input.map(|input| paths(schema, &schema.inputs(&input.ty), "")).unwrap_or_default();
        let silent = NAMING_NOTHING.contains(&mutation.name.as_str());
        assert_eq!(probes.is_empty(), silent, "`{}` names {probes:?}", mutation.name);
        let Some(input) = input else { continue };
        let document = format!(
            "mutation($input: {}!) {{ {}(input: $input) {{ {} }} }}",
            input.ty,
            mutation.name,
            schema.selection(&mutation.ty, 2),
        );
        let probes =
            probes.iter().map(|path| Probe::One(path)).chain((!probes.is_empty()).then_some(Probe::All));
        for probe in probes {
            write!(report, "{:60}", format!("{}.{}", mutation.name, probe.name())).unwrap();
            for viewer in deployment.viewers() {
                let known =
                    matches!(probe, Probe::One(path) if PEOPLE_ARE_KNOWN_TO_ADMINISTRATORS.contains(&path));
                if known && viewer.who == "organization-admin" {
                    write!(report, " {:16}", "–").unwrap();
                    continue;
                }
                let mut answers = Vec::new();
                let mut codes = String::new();
                let own = |field: &str| named(&deployment.beta, field);
                let real = |field: &str| named(&alpha, field);
                let gone = |field: &str| named_missing(&alpha, field);
                for probed in [&real as Naming<'_>, &gone] {
                    let builder = Builder { schema, own: &own, probe, probed };
                    let input = builder.input(&input.ty, "");
                    let answer = deployment.ask(&viewer, &document, json!({ "input": input })).await;
                    codes = code(&answer);
                    let asked: Vec<String> = texts(&input);
                    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
                    let answer = blotted(&answer, &asked);
                    let context = format!("{} as {}: {input:#}", mutation.name, viewer.who);
                    assert_nothing_of(&alpha, &json!(answer), &context);
                    answers.push((answer, context));
                }
                assert_eq!(answers[0].0, answers[1].0, "{}\n{}", answers[0].1, answers[1].1);
                write!(report, " {codes:16}").unwrap();
            }
            report.truncate(report.trim_end().len());
            report.push('\n');
        }
    }
    insta::with_settings!({ omit_expression => true, snapshot_path => "../snapshots" }, {
        insta::assert_snapshot!("foreign-ids", report);
    });
}

/// The codes in an answer to a mutation, user errors of parts included. An input that does not fit the schema is a fault
/// of this test.
fn code(answer: &Value) -> String {
    let mut codes = BTreeSet::new();
    for error in answer["errors"].as_array().into_iter().flatten() {
        let code = error["extensions"]["code"].as_str().unwrap_or_default();
        assert_ne!(code, "BAD_USER_INPUT", "{answer:#}");
        codes.insert(code.to_owned());
    }
    user_errors(&answer["data"], &mut codes);
    if codes.is_empty() { "ok".to_owned() } else { codes.into_iter().collect::<Vec<_>>().join("+") }
}

fn user_errors(value: &Value, codes: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| user_errors(item, codes)),
        Value::Object(fields) => {
            for (name, value) in fields {
                for error in value.as_array().into_iter().flatten().filter(|_| name == "userErrors") {
                    codes.insert(error["code"].as_str().unwrap_or_default().to_lowercase());
                }
                user_errors(value, codes);
            }
        }
        _ => {}
    }
}

/// The ids of an input: an answer may repeat what it was asked.
pub(super) fn texts(input: &Value) -> Vec<String> {
    let mut found = Vec::new();
    super::each_text(input, &mut |text| {
        if text.contains('_') || text.starts_with("alpha") || text.starts_with("omega") {
            found.push(text.to_owned());
        }
    });
    found
}
