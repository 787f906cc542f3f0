//! Lists that are read in parts: what somebody sees of several organizations, and what is theirs in others, is one list.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use super::walk::{List, Step, cursors, nodes};
use crate::support::{Backend, Person, TestApp};

/// Five organizations with workspaces of two people, by turns. Ines sees all of the first two, of the next two what is hers,
/// and of the last nothing.
async fn ines(app: &TestApp, owner: &Person) -> Person {
    let ines = app.user(owner, "ines", &[]).await;
    let mut templates = Vec::new();
    for (number, name) in ["alpha", "beta", "gamma", "delta", "epsilon"].into_iter().enumerate() {
        let org = app.organization(owner, name).await;
        let key = app.provisioner_key(owner, &org, "key", &[]).await;
        let daemon = app.daemon(&key, &org, "worker").await;
        templates.push(app.template(owner, &org, "docker-dev").await);
        app.work(&daemon).await;
        match number {
            0 | 1 => app.join(owner, &org, &ines, &["organization-admin"]).await,
            2 | 3 => app.join(owner, &org, &ines, &[]).await,
            _ => {}
        }
    }
    for round in 0..3 {
        for (number, template) in templates.iter().enumerate() {
            // Some are made at the same time, and some have the same name.
            if number != 1 {
                app.clock.advance(TimeDelta::seconds(1));
            }
            app.workspace(owner, template, &format!("ws-{round}"), "").await;
            if number < 4 {
                app.workspace(&ines, template, &format!("ws-{}", 2 - round), "").await;
            }
        }
    }
    ines
}

async fn connection(app: &TestApp, person: &Person, list: &List, arguments: &str) -> Value {
    list.connection(&app.ok(person, &list.document(arguments), json!({})).await)
}

#[rstest]
#[tokio::test]
async fn parts_make_one_list_in_every_order_and_both_directions(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let ines = ines(&app, &owner).await;
    let list = |field: &str, orders: &[&str]| List {
        parent: None,
        through: None,
        field: field.to_owned(),
        orders: orders.iter().map(|order| (*order).to_owned()).collect(),
    };
    let by_name = ["NAME_ASC", "NAME_DESC", "CREATED_AT_ASC", "CREATED_AT_DESC"];
    for list in [list("workspaces", &by_name), list("auditLog", &["TIME_ASC", "TIME_DESC"])] {
        for order in list.orders_or_default() {
            let whole = connection(&app, &ines, &list, &format!("first: 100{order}")).await;
            let everything = connection(&app, &owner, &list, &format!("first: 100{order}")).await;
            let (whole, everything) = (nodes(&whole), nodes(&everything));
            // Whoever sees everything has it in the same order.
            let seen: Vec<&Value> = everything.iter().filter(|node| whole.contains(node)).collect();
            assert_eq!(seen, whole.iter().collect::<Vec<_>>(), "{list:?} {order}");
            for size in [1, 4, 7] {
                for step in [Step::Forward, Step::Backward] {
                    let (mut pages, mut cursor) = (Vec::new(), None);
                    loop {
                        let arguments = step.arguments(size, cursor.as_deref(), &order);
                        let page = connection(&app, &ines, &list, &arguments).await;
                        assert_eq!(page["totalCount"], whole.len());
                        assert_eq!(page["pageInfo"][step.behind()], cursor.is_some(), "{list:?} {order}");
                        cursor = step.next(&cursors(&page));
                        step.extend(&mut pages, nodes(&page));
                        if page["pageInfo"][step.ahead()] == false {
                            break;
                        }
                        assert!(pages.len() <= whole.len(), "{list:?} does not end");
                    }
                    assert_eq!(pages, whole, "{list:?} {step:?} by {size} {order}");
                }
            }
        }
    }
}

#[rstest]
#[tokio::test]
async fn parts_hold_what_is_seen_and_nothing_else(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let ines = ines(&app, &owner).await;
    let query = "query($filter: WorkspaceFilter) { workspaces(first: 100, filter: $filter) {
        totalCount nodes { name owner { username } organization { name } }
    } }";
    let count = async |filter: Value| {
        let workspaces = app.ok(&ines, query, json!({ "filter": filter })).await["workspaces"].clone();
        let found = workspaces["nodes"].as_array().unwrap().clone();
        assert_eq!(workspaces["totalCount"], found.len());
        for node in &found {
            let place = node["organization"]["name"].as_str().unwrap();
            let hers = node["owner"]["username"] == "ines";
            assert!(["alpha", "beta"].contains(&place) || hers && place != "epsilon", "{node:#}");
        }
        found.len()
    };
    // Six in each of two organizations, and three of her own in each of two others.
    assert_eq!(count(json!({})).await, 18);
    assert_eq!(count(json!({ "name": "ws-1" })).await, 6);
    assert_eq!(count(json!({ "query": "S-0" })).await, 6);
    assert_eq!(count(json!({ "ownerId": ines.id })).await, 12);
    assert_eq!(count(json!({ "ownerId": owner.id })).await, 6);
    assert_eq!(count(json!({ "status": "PENDING" })).await, 18);
    assert_eq!(count(json!({ "status": "RUNNING" })).await, 0);
    assert_eq!(count(json!({ "favorite": true })).await, 0);
    assert_eq!(count(json!({ "favorite": false })).await, 18);
    assert_eq!(count(json!({ "dormant": true })).await, 0);
    assert_eq!(count(json!({ "outdated": false })).await, 18);

    let log = "{ auditLog(first: 100) { totalCount nodes { organization { name } } } }";
    let entries = app.ok(&ines, log, json!({})).await["auditLog"].clone();
    let places = entries["nodes"].as_array().unwrap();
    assert_eq!(entries["totalCount"], places.len());
    assert!(places.len() > 20, "{entries:#}");
    for entry in places {
        assert!(["alpha", "beta"].contains(&entry["organization"]["name"].as_str().unwrap()), "{entry:#}");
    }
}
