//! Names that several want at once, by creating, renaming and deleting; and what an error of two at once must never be: a
//! fault.

use std::sync::Arc;

use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::Scene;
use crate::support::calls::Complaint;
use crate::support::{Backend, PASSWORD, TestApp};

/// Sends mutations at once; answers the complaints of each, in their order.
async fn at_once(app: &Arc<TestApp>, token: &str, calls: Vec<(&'static str, Value)>) -> Vec<Vec<Complaint>> {
    let mut running = JoinSet::new();
    for (place, (mutation, input)) in calls.into_iter().enumerate() {
        let (app, token) = (app.clone(), token.to_owned());
        running.spawn(async move { (place, app.complaints(&token, mutation, input).await) });
    }
    let mut outcomes = running.join_all().await;
    outcomes.sort_by_key(|(place, _)| *place);
    outcomes.into_iter().map(|(_, complaints)| complaints).collect()
}

/// Exactly one had no complaint; the others were told that the name is taken, and where.
fn assert_one_won(outcomes: &[Vec<Complaint>], field: &str) {
    let lost: Vec<&Complaint> = outcomes.iter().flatten().collect();
    assert_eq!(outcomes.len() - lost.len(), 1, "{outcomes:?}");
    assert!(lost.iter().all(|complaint| complaint.is("NAME_TAKEN", field)), "{outcomes:?}");
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_who_rename_to_a_name_exactly_one_gets_it(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, token) = (&scene.app, scene.owner.token.as_str());
    let wanted = ["alpha", "Alpha", "aLpha", "alPha", "ALPHA"];
    let mut groups = Vec::new();
    let mut organizations = Vec::new();
    for (n, name) in wanted.iter().enumerate() {
        let id = app.group(&scene.owner, &scene.org, &format!("group-{n}"), &[]).await;
        groups.push(("updateGroup", json!({ "groupId": id, "name": name })));
        let id = app.organization(&scene.owner, &format!("org-{n}")).await.id;
        organizations.push(("updateOrganization", json!({ "organizationId": id, "name": name })));
    }
    for calls in [groups, organizations] {
        assert_one_won(&at_once(app, token, calls).await, "input.name");
    }
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_versions_of_a_name_exactly_one_is_made(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let version = |name: &str| {
        let input =
            json!({ "templateId": scene.template, "fileId": scene.file, "name": name, "promote": false });
        ("createTemplateVersion", input)
    };
    let calls = ["next", "Next", "NEXT", "next"].into_iter().map(version).collect();
    assert_one_won(&at_once(&scene.app, &scene.owner.token, calls).await, "input.name");
}

/// An address is taken in any case, as a name is.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_several_users_of_an_address_exactly_one_is_made(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let user = |(n, email): (usize, &str)| {
        ("createUser", json!({ "username": format!("person-{n}"), "email": email, "password": PASSWORD }))
    };
    let emails = ["mia@example.com", "Mia@example.com", "MIA@EXAMPLE.COM", "mia@example.com"];
    let calls = emails.into_iter().enumerate().map(user).collect();
    let outcomes = at_once(&scene.app, &scene.owner.token, calls).await;
    let lost: Vec<&Complaint> = outcomes.iter().flatten().collect();
    assert_eq!(lost.len(), emails.len() - 1, "{outcomes:?}");
    assert!(lost.iter().all(|complaint| complaint.field == "input.email"), "{outcomes:?}");
}

/// What is deleted frees its name at once, also for somebody who asks at the same moment: either they come before, and
/// it is taken, or after, and it is theirs.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_passes_from_what_ends_to_what_begins(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, token) = (&scene.app, scene.owner.token.as_str());
    let name = "Crew";
    let mut holder = app.group(&scene.owner, &scene.org, name, &[]).await;
    for _ in 0..8 {
        let new = json!({ "organizationId": scene.org.id, "name": "cREW" });
        let calls = vec![
            ("deleteGroup", json!({ "groupId": holder })),
            ("createGroup", new.clone()),
            ("createGroup", new.clone()),
        ];
        let outcomes = at_once(app, token, calls).await;
        assert!(outcomes[0].is_empty(), "{outcomes:?}");
        let refused = outcomes[1..].iter().flatten();
        assert!(
            refused.into_iter().all(|complaint| complaint.is("NAME_TAKEN", "input.name")),
            "{outcomes:?}"
        );
        let query = "query($id: ID!) { organization(by: { id: $id }) {
            groups(filter: { name: \"CREW\" }) { nodes { id name } } } }";
        let data = app.ok(&scene.owner, query, json!({ "id": scene.org.id })).await;
        let found = data["organization"]["groups"]["nodes"].as_array().unwrap().clone();
        let won = outcomes[1..].iter().filter(|complaints| complaints.is_empty()).count();
        assert!(won <= 1, "{outcomes:?}");
        assert_eq!(found.len(), won, "{found:?}");
        holder = match found.first() {
            Some(group) => group["id"].as_str().unwrap().to_owned(),
            None => app.group(&scene.owner, &scene.org, name, &[]).await,
        };
    }
}

#[rstest]
#[tokio::test]
async fn a_deleted_name_is_another_things(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, token) = (&scene.app, scene.owner.token.as_str());
    let group = app.group(&scene.owner, &scene.org, "crew", &[]).await;
    app.done(token, "deleteGroup", "", json!({ "groupId": group })).await;
    assert_ne!(app.group(&scene.owner, &scene.org, "CREW", &[]).await, group);
    let organization = app.organization(&scene.owner, "gone").await;
    app.done(token, "deleteOrganization", "", json!({ "organizationId": organization.id })).await;
    assert_ne!(app.organization(&scene.owner, "Gone").await.id, organization.id);
    // What was renamed frees its old name as well.
    let input = json!({ "organizationId": scene.org.id, "name": "renamed" });
    app.done(token, "updateOrganization", "", input).await;
    let again = app.organization(&scene.owner, &scene.org.name).await;
    assert_ne!(again.id, scene.org.id);
}
