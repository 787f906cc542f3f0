//! Lists that are read in parts: what somebody sees of several organizations, and what is theirs in others, is one list.

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use super::walk::{List, Step, cursors, nodes};
use crate::support::{Backend, Org, Person, TestApp};

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
    let ines = company(&app, &owner).await;
    let list = |field: &str, orders: &[&str]| List {
        parent: None,
        through: None,
        field: field.to_owned(),
        orders: orders.iter().map(|order| (*order).to_owned()).collect(),
    };
    let by_name = ["NAME_ASC", "NAME_DESC", "CREATED_AT_ASC", "CREATED_AT_DESC"];
    let by_username = [
        "USERNAME_ASC",
        "USERNAME_DESC",
        "CREATED_AT_ASC",
        "CREATED_AT_DESC",
        "LAST_SEEN_AT_ASC",
        "LAST_SEEN_AT_DESC",
    ];
    let lists = [
        list("workspaces", &by_name),
        list("auditLog", &["TIME_ASC", "TIME_DESC"]),
        list("users", &by_username),
    ];
    for list in lists {
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

/// Ines shares the first four organizations with three others: one is in all of them, one in two, one in one.
async fn company(app: &TestApp, owner: &Person) -> Person {
    let ines = ines(app, owner).await;
    let mut orgs = Vec::new();
    for name in ["alpha", "beta", "gamma", "delta", "epsilon"] {
        let query = "query($name: String!) { organization(by: { name: $name }) { id } }";
        let id = app.ok(owner, query, json!({ "name": name })).await["organization"]["id"].clone();
        orgs.push(Org { id: id.as_str().unwrap().to_owned(), name: name.to_owned() });
    }
    for (name, places) in [("zoe", 0..4), ("abel", 1..3), ("mira", 3..4), ("stranger", 4..5)] {
        app.clock.advance(TimeDelta::seconds(1));
        let user = app.user(owner, name, &[]).await;
        for org in &orgs[places] {
            app.join(owner, org, &user, &[]).await;
        }
    }
    ines
}

#[rstest]
#[tokio::test]
async fn who_is_in_several_organizations_comes_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let ines = company(&app, &owner).await;
    let usernames = async |arguments: &str| {
        let query = format!("{{ users({arguments}) {{ totalCount nodes {{ username }} }} }}");
        let users = app.ok(&ines, &query, json!({})).await["users"].clone();
        let names: Vec<String> = users["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["username"].as_str().unwrap().to_owned())
            .collect();
        (users["totalCount"].as_u64().unwrap(), names.join(" "))
    };
    let owner_name = app.ok(&owner, "{ viewer { username } }", json!({})).await;
    let owner_name = owner_name["viewer"]["username"].as_str().unwrap().to_owned();
    // The owner made the organizations, and is in all of them.
    let mut by_name = vec!["abel", "ines", "mira", "zoe", owner_name.as_str()];
    by_name.sort_unstable();
    let by_age = [owner_name.as_str(), "ines", "zoe", "abel", "mira"];
    let backwards = |names: &[&str]| names.iter().rev().copied().collect::<Vec<_>>().join(" ");
    assert_eq!(usernames("first: 100").await, (5, by_name.join(" ")));
    assert_eq!(usernames("first: 100, orderBy: USERNAME_DESC").await, (5, backwards(&by_name)));
    assert_eq!(usernames("first: 100, orderBy: CREATED_AT_ASC").await, (5, by_age.join(" ")));
    assert_eq!(usernames("first: 100, orderBy: CREATED_AT_DESC").await, (5, backwards(&by_age)));
    assert_eq!(usernames("first: 2").await, (5, by_name[..2].join(" ")));
    assert_eq!(usernames("last: 2").await, (5, by_name[3..].join(" ")));
    assert_eq!(usernames("filter: { username: \"Zoe\" }").await, (1, "zoe".to_owned()));
    assert_eq!(usernames("filter: { username: \"stranger\" }").await, (0, String::new()));
    assert_eq!(usernames("filter: { usernames: [\"mira\", \"abel\"] }").await, (2, "abel mira".to_owned()));
    assert_eq!(
        usernames("filter: { query: \"e\", usernames: [\"mira\", \"abel\"] }").await,
        (1, "abel".to_owned())
    );
    // Mira is in an organization where Ines is no more than a member: her status is not told, by no list.
    let active = usernames("first: 100, filter: { status: ACTIVE }").await;
    assert_eq!(
        active,
        (4, by_name.iter().filter(|&&name| name != "mira").copied().collect::<Vec<_>>().join(" "))
    );
    let seen = usernames("first: 100, orderBy: LAST_SEEN_AT_DESC").await;
    assert_eq!(seen.0, 4, "{seen:?}");
    assert!(!seen.1.contains("mira") && seen.1.contains("abel"), "{seen:?}");
}

#[rstest]
#[tokio::test]
async fn the_whole_log_by_kind_is_the_part_of_it_that_is_of_the_kind(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    for name in ["alpha", "beta", "gamma"] {
        let org = app.organization(&owner, name).await;
        let user = app.user(&owner, &format!("{name}-user"), &[]).await;
        app.join(&owner, &org, &user, &[]).await;
        // Some entries are of the same time.
        app.clock.advance(TimeDelta::seconds(1));
    }
    let query = "query($filter: AuditLogFilter, $first: Int, $after: String, $order: AuditLogOrder) {
        auditLog(first: $first, after: $after, filter: $filter, orderBy: $order) {
            totalCount nodes { id time action resource status } pageInfo { hasNextPage endCursor }
        } }";
    let page = async |variables: Value| app.ok(&owner, query, variables).await["auditLog"].clone();
    let everything = page(json!({ "first": 100, "order": "TIME_ASC" })).await;
    let mut times: Vec<Value> =
        everything["nodes"].as_array().unwrap().iter().map(|entry| entry["time"].clone()).collect();
    times.dedup();
    let filters = [
        json!({ "action": "CREATE" }),
        json!({ "resource": "MEMBER" }),
        json!({ "action": "CREATE", "resource": "ORGANIZATION" }),
        json!({ "action": "DOWNLOAD", "resource": "IDP_SYNC" }),
        json!({ "action": "CREATE", "from": times[1], "to": times[2] }),
        json!({ "resource": "USER", "action": "CREATE", "from": times[1] }),
        json!({ "action": "CREATE", "status": "SUCCESS" }),
        json!({ "action": "CREATE", "status": "DENIED" }),
    ];
    let time = |value: &Value| value.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    for order in ["TIME_ASC", "TIME_DESC"] {
        let whole = page(json!({ "first": 100, "order": order })).await;
        let whole = whole["nodes"].as_array().unwrap();
        for filter in &filters {
            let fits = |entry: &&Value| {
                ["action", "resource", "status"]
                    .iter()
                    .all(|field| filter.get(field).is_none_or(|value| entry[field] == *value))
                    && filter.get("from").is_none_or(|from| time(&entry["time"]) >= time(from))
                    && filter.get("to").is_none_or(|to| time(&entry["time"]) < time(to))
            };
            let expected: Vec<&Value> = whole.iter().filter(fits).collect();
            let (mut found, mut after) = (Vec::new(), Value::Null);
            loop {
                let variables = json!({ "filter": filter, "first": 2, "after": after, "order": order });
                let page = page(variables).await;
                assert_eq!(page["totalCount"], expected.len(), "{filter}");
                found.extend(page["nodes"].as_array().unwrap().iter().cloned());
                after = page["pageInfo"]["endCursor"].clone();
                if page["pageInfo"]["hasNextPage"] == false {
                    break;
                }
            }
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter} {order}");
            let is_empty = filter["action"] == "DOWNLOAD" || filter["status"] == "DENIED";
            assert_eq!(expected.is_empty(), is_empty, "{filter}");
        }
    }
}
