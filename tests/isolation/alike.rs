//! What somebody may not see is told like what never was, by every root field and every mutation that takes an id or a name:
//! what is foreign, and what is of their own organization and kept from them. The answers are the same byte by byte, apart
//! from the id of the request.

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::{Value, json};

use super::change::{PEOPLE_ARE_KNOWN_TO_ADMINISTRATORS, texts};
use super::probe::{Builder, Naming, Probe, paths};
use super::{Deployment, Viewer, blotted, missing, named, named_missing};
use crate::support::Backend;
use crate::support::schema::Field;
use crate::support::world::World;

/// Arguments that name a thing of any kind.
const ANYTHING: &[&str] = &["id", "ids", "objectId", "from", "to"];

/// A value with its ids and names made into those of nothing.
fn gone(value: &Value, mark: &str) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| gone(item, mark)).collect(),
        Value::String(text) => match text.strip_prefix(mark) {
            Some(rest) => json!(format!("omega{rest}")),
            None => json!(missing(text)),
        },
        other => other.clone(),
    }
}

/// What an argument may name of a world.
fn things(world: &World, argument: &str, path: &str) -> Vec<Value> {
    let all = world.nodes.iter().map(|(_, id)| id);
    match argument {
        "ids" => all.map(|id| json!([id])).collect(),
        _ if path == "by.name" => vec![json!(world.org.name)],
        _ if ANYTHING.contains(&argument) => all.map(|id| json!(id)).collect(),
        _ => named(world, argument).into_iter().collect(),
    }
}

/// What stands in an argument that is not probed.
fn own(world: &World, argument: &str) -> Option<Value> {
    match argument {
        "id" | "objectId" => Some(json!(world.template.id)),
        "ids" => Some(json!([world.template.id])),
        "from" => Some(json!(world.template.version)),
        "to" => Some(json!(world.second)),
        _ => named(world, argument),
    }
}

impl Deployment {
    /// Those of these ids that somebody can't see, and so must not learn of.
    async fn hidden(&self, viewer: &Viewer, world: &World) -> BTreeSet<String> {
        let mut hidden = BTreeSet::new();
        for (_, id) in &world.nodes {
            let body =
                self.ask(viewer, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
            if body["data"]["node"].is_null() {
                hidden.insert(id.clone());
            }
        }
        hidden
    }

    /// People of `beta` from whom much of it is kept, its template too.
    async fn insiders(&self) -> Vec<Viewer> {
        let beta = &self.beta;
        let everyone = beta.org.id.replace("org_", "grp_");
        let entries = json!([{ "groupId": everyone, "role": "NONE" }]);
        let input = json!({ "templateId": beta.template.id, "entries": entries });
        self.app.done(&beta.admin.token, "setTemplateAccess", "", input).await;
        let mut viewers = Vec::new();
        for (who, roles) in
            [("newcomer", &[] as &[&str]), ("user-admin of beta", &["organization-user-admin"])]
        {
            let username = who.replace(' ', "-");
            let person = self.app.member_of(&self.owner, &beta.org, &username, roles).await;
            viewers.push(Viewer { who, token: Some(person.token) });
        }
        viewers
    }
}

/// Whether a value names something, and nothing that is not hidden.
fn is_hidden(value: &Value, hidden: &BTreeSet<String>) -> bool {
    let named = texts(&json!([value]));
    !named.is_empty() && named.iter().all(|text| hidden.contains(text))
}

/// A document that asks a root field with variables of the names of its arguments, and the arguments that it takes.
fn document(deployment: &Deployment, field: &Field, given: &Value) -> String {
    let given: Vec<_> =
        field.arguments.iter().filter(|argument| given.get(&argument.name).is_some()).collect();
    let mut declared = Vec::new();
    let mut passed = Vec::new();
    for argument in given {
        let (name, ty) = (&argument.name, &argument.ty);
        let ty = if argument.is_list { format!("[{ty}!]") } else { ty.clone() };
        let required = if argument.is_required { "!" } else { "" };
        declared.push(format!("${name}: {ty}{required}"));
        passed.push(format!("{name}: ${name}"));
    }
    let selection = match deployment.schema.possible(&field.ty).as_slice() {
        [] => String::new(),
        [only] => format!("{{ {} }}", deployment.schema.selection(only, 1)),
        // A node: what it is told of anybody is asked elsewhere.
        _ => "{ __typename id }".to_owned(),
    };
    format!("query({}) {{ {}({}) {selection} }}", declared.join(", "), field.name, passed.join(", "))
}

#[rstest]
#[tokio::test]
async fn every_root_field_tells_hidden_and_missing_alike(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(deployment) = Deployment::start(backend).await else { return };
    let alpha = deployment.fill_alpha().await;
    let (schema, beta) = (&deployment.schema, &deployment.beta);
    let (mut asked, mut fields) = (0, BTreeSet::new());
    let outsiders = deployment.viewers().into_iter().map(|viewer| (viewer, &alpha));
    let insiders = deployment.insiders().await.into_iter().map(|viewer| (viewer, beta));
    for (viewer, world) in outsiders.chain(insiders) {
        let mut hidden = deployment.hidden(&viewer, world).await;
        if world.mark == alpha.mark {
            hidden.extend([&alpha.org.name, &alpha.member.username].map(Clone::clone));
        }
        for field in schema.fields("Query") {
            for path in paths(schema, &field.arguments, "") {
                let argument = path.rsplit('.').next().unwrap();
                for real in things(world, argument, &path) {
                    if !is_hidden(&real, &hidden) {
                        continue;
                    }
                    let gone = gone(&real, world.mark);
                    let mut answers = Vec::new();
                    for value in [&real, &gone] {
                        let own = |name: &str| own(beta, name);
                        let probed = |_: &str| Some(value.clone());
                        let probe = Probe::One(&path);
                        let builder = Builder { schema, own: &own, probe, probed: &probed };
                        let variables = builder.arguments(&field.arguments);
                        let document = document(&deployment, &field, &variables);
                        let answer = deployment.ask(&viewer, &document, variables).await;
                        let asked = texts(value);
                        let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
                        answers.push((blotted(&answer, &asked), document));
                    }
                    let context = format!("{path} = {real} as {}: {}", viewer.who, answers[0].1);
                    assert_eq!(answers[0].0, answers[1].0, "{context}");
                    asked += 1;
                    fields.insert(field.name.clone());
                }
            }
        }
    }
    println!("{asked} questions, of {fields:?}");
    assert!(asked > 500 && fields.len() >= 11, "only {asked} questions, of {fields:?}");
}

/// The foreign ones are asked of every mutation in `change.rs`.
#[rstest]
#[tokio::test]
async fn every_mutation_tells_hidden_and_missing_alike_in_ones_own_organization(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(deployment) = Deployment::start(backend).await else { return };
    let (schema, beta) = (&deployment.schema, &deployment.beta);
    let (mut asked, mut mutations) = (0, BTreeSet::new());
    for viewer in deployment.insiders().await {
        let hidden = deployment.hidden(&viewer, beta).await;
        for mutation in schema.fields("Mutation") {
            let Some(input) = mutation.arguments.iter().find(|argument| argument.name == "input") else {
                continue;
            };
            let selection = schema.selection(&mutation.ty, 2);
            let (name, ty) = (&mutation.name, &input.ty);
            let document = format!("mutation($input: {ty}!) {{ {name}(input: $input) {{ {selection} }} }}");
            for path in paths(schema, &schema.inputs(&input.ty), "") {
                let value = named(beta, path.rsplit('.').next().unwrap());
                if !value.is_some_and(|value| is_hidden(&value, &hidden))
                    || PEOPLE_ARE_KNOWN_TO_ADMINISTRATORS.contains(&path.as_str())
                {
                    continue;
                }
                let mut answers = Vec::new();
                let real = |field: &str| named(beta, field);
                let gone = |field: &str| named_missing(beta, field);
                for probed in [&real as Naming<'_>, &gone] {
                    let builder = Builder { schema, own: &real, probe: Probe::One(&path), probed };
                    let input = builder.input(&input.ty, "");
                    let answer = deployment.ask(&viewer, &document, json!({ "input": input })).await;
                    let asked = texts(&input);
                    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
                    answers.push(blotted(&answer, &asked));
                }
                assert_eq!(answers[0], answers[1], "{name}.{path} as {}", viewer.who);
                asked += 1;
                mutations.insert(name.clone());
            }
        }
    }
    println!("{asked} questions, of {mutations:?}");
    assert!(asked > 40 && mutations.len() > 25, "only {asked} questions, of {mutations:?}");
}
