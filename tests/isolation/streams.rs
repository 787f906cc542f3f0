//! Streams: whatever happens to a foreign organization, those who follow their own, or all they may, are told nothing of it;
//! and who asks to follow what is foreign is told what is told of a missing thing.

use std::time::Duration;

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Deployment, Viewer, assert_nothing_of, blotted, named, named_missing, without_what_passes};
use crate::live::Sent;
use crate::support::schema::Field;
use crate::support::seed::seed;
use crate::support::world::World;
use crate::support::{Backend, TestApp};

/// How many changes are made to the foreign organization besides those that fill it.
const CHANGES: usize = 60;
/// A stream that has said nothing for so long has no more to say: what has happened is told at once.
const SILENCE: Duration = Duration::from_secs(2);

/// A way to follow a field: its document, and the arguments that name something.
struct Way {
    document: String,
    named: Vec<String>,
}

/// Every way to follow a field: with what it requires alone, and with each argument more that names something.
fn ways(deployment: &Deployment, field: &Field) -> Vec<Way> {
    let required: Vec<&str> = field
        .arguments
        .iter()
        .filter(|argument| argument.is_required)
        .map(|argument| argument.name.as_str())
        .collect();
    let more = field.arguments.iter().filter(|argument| argument.ty == "ID" && !argument.is_required);
    let sets = std::iter::once(required.clone())
        .chain(more.map(|argument| [required.as_slice(), &[argument.name.as_str()]].concat()));
    let way = |named: Vec<&str>| {
        let declared: Vec<_> = named.iter().map(|name| format!("${name}: ID!")).collect();
        let passed: Vec<_> = named.iter().map(|name| format!("{name}: ${name}")).collect();
        let has_after = field.arguments.iter().any(|argument| argument.name == "after");
        assert!(has_after, "`{}` can't be resumed", field.name);
        let document = format!(
            "subscription({}) {{ {}({}) {{ {} }} }}",
            [declared, vec!["$after: String".to_owned()]].concat().join(", "),
            field.name,
            [passed, vec!["after: $after".to_owned()]].concat().join(", "),
            deployment.schema.selection(&field.ty, 2),
        );
        Way { document, named: named.into_iter().map(str::to_owned).collect() }
    };
    sets.map(way).collect()
}

fn variables(way: &Way, of: impl Fn(&str) -> Option<Value>, after: Option<&str>) -> Value {
    // A log is its own record: places in it are its own.
    let after = after.filter(|_| !way.document.contains("Logs("));
    let mut variables = json!({ "after": after });
    for name in &way.named {
        variables[name] = of(name).unwrap_or_else(|| panic!("teach this test what `{name}` names"));
    }
    variables
}

/// What somebody is told first, or that they are told nothing.
async fn first(app: &TestApp, viewer: &Viewer, document: &str, variables: Value) -> Value {
    let mut stream = match app.try_follow(viewer.token.as_deref(), document, variables, None).await {
        Ok(stream) => stream,
        Err(refusal) => return refusal,
    };
    match timeout(SILENCE, stream.next()).await {
        Ok(Sent::Next(_, answer)) => answer,
        Ok(Sent::Complete) => json!("the end"),
        Err(_) => json!("nothing"),
    }
}

/// Changes something of a world, as one of its own; what is refused changes nothing.
async fn change(app: &TestApp, world: &World, dice: &mut StdRng, number: usize) {
    let name = format!("{}-{number}", world.mark);
    let text = format!("{} {number}", world.mark);
    let (org, group, template, workspace) =
        (&world.org.id, &world.group, &world.template.id, &world.workspace);
    let (admin, member) = (&world.admin.token, &world.member);
    let roles = *[&[] as &[&str], &["organization-auditor"]].choose(dice).unwrap();
    let (mutation, input) = match dice.random_range(0..14) {
        0 => ("createGroup", json!({ "organizationId": org, "name": name })),
        1 => ("updateGroup", json!({ "groupId": group, "displayName": text })),
        2 => ("updateOrganization", json!({ "organizationId": org, "description": text })),
        3 => ("setMemberRoles", json!({ "organizationId": org, "userId": member.id, "roles": roles })),
        4 => ("createRole", json!({ "organizationId": org, "name": name, "permissions": ["GROUP_READ"] })),
        5 => ("createProvisionerKey", json!({ "organizationId": org, "name": name })),
        6 => ("updateTemplate", json!({ "templateId": template, "description": text })),
        7 => ("createWorkspace", json!({ "templateId": template, "name": name })),
        8 => ("updateWorkspace", json!({ "workspaceId": workspace, "ttlSeconds": 3600 + number * 60 })),
        9 => ("stopWorkspace", json!({ "workspaceId": workspace })),
        10 => ("startWorkspace", json!({ "workspaceId": workspace })),
        11 => ("setOrganizationQuota", json!({ "organizationId": org, "cap": 1000 + number })),
        12 => ("updateTemplateVersion", json!({ "templateVersionId": world.second, "message": text })),
        _ => {
            app.work(&world.daemon).await;
            return;
        }
    };
    app.call(Some(admin), mutation, "__typename", input).await;
}

#[rstest]
#[tokio::test]
async fn nobody_is_told_what_happens_elsewhere(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(deployment) = Deployment::start(backend).await else { return };
    let mut dice = StdRng::seed_from_u64(seed());
    let (app, beta) = (&deployment.app, &deployment.beta);
    let start = app.settled_cursor(&deployment.owner).await;
    let ways: Vec<Way> =
        deployment.schema.fields("Subscription").iter().flat_map(|field| ways(&deployment, field)).collect();
    let viewers = deployment.viewers();
    // Each once from now on, and once later, from the same place: from memory, and from the tables.
    let follow = async || {
        let mut open = Vec::new();
        for viewer in &viewers {
            for way in &ways {
                let variables = variables(way, |name| named(beta, name), Some(&start));
                let token = viewer.token.as_deref();
                if let Ok(stream) = app.try_follow(token, &way.document, variables, None).await {
                    open.push((format!("{}: {}", viewer.who, way.document), stream));
                }
            }
        }
        open
    };
    let mut open = follow().await;
    let alpha = deployment.fill_alpha().await;
    for number in 0..CHANGES {
        change(app, &alpha, &mut dice, number).await;
        if dice.random_range(0..4) == 0 {
            change(app, beta, &mut dice, number).await;
        }
    }
    app.settled_cursor(&deployment.owner).await;
    open.extend(follow().await);

    let mut told = 0;
    let heard = open.iter_mut().map(|(context, stream)| async move {
        let mut events = Vec::new();
        while let Ok(Sent::Next(id, answer)) = timeout(SILENCE, stream.next()).await {
            events.push(json!({ "id": id, "answer": answer }));
        }
        (context, events)
    });
    for (context, events) in join_all(heard).await {
        for event in events {
            assert_nothing_of(&alpha, &event, context);
            told += usize::from(event["answer"]["data"].to_string().contains("beta"));
        }
    }
    println!("{} streams, {told} events", open.len());
    assert!(told > 50, "only {told} events: nothing could leak");
}

#[rstest]
#[tokio::test]
async fn what_is_foreign_is_followed_like_what_never_was(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(deployment) = Deployment::start(backend).await else { return };
    let start = deployment.app.settled_cursor(&deployment.owner).await;
    let alpha = deployment.fill_alpha().await;
    deployment.app.settled_cursor(&deployment.owner).await;
    let (app, beta) = (&deployment.app, &deployment.beta);
    let mut pairs = Vec::new();
    for viewer in &deployment.viewers() {
        for field in deployment.schema.fields("Subscription") {
            for way in ways(&deployment, &field) {
                // Each alone, beside one's own.
                for probed in way.named.clone() {
                    let of = |real: bool| {
                        let (alpha, probed) = (&alpha, &probed);
                        move |name: &str| match (name == probed, real) {
                            (true, true) => named(alpha, name),
                            (true, false) => named_missing(alpha, name),
                            (false, _) => named(beta, name),
                        }
                    };
                    let asked = [true, false].map(|real| variables(&way, of(real), Some(&start)));
                    pairs.push((viewer.who, viewer.token.clone(), way.document.clone(), probed, asked));
                }
            }
        }
    }
    let answers = pairs.iter().map(|(who, token, document, probed, asked)| async move {
        let viewer = Viewer { who, token: token.clone() };
        let mut answers = Vec::new();
        for variables in asked {
            let mut answer = first(app, &viewer, document, variables.clone()).await;
            without_what_passes(&mut answer);
            let named = variables[probed].as_str().unwrap();
            answers.push(blotted(&answer, &[named]));
        }
        (format!("{who}: {probed} of {document}"), answers)
    });
    for (context, answers) in join_all(answers).await {
        assert_nothing_of(&alpha, &json!(answers[0]), &context);
        assert_eq!(answers[0], answers[1], "{context}");
    }
    assert!(pairs.len() > 40, "only {} ways", pairs.len());
}
