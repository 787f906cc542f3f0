//! A list as tests ask for it, and that rows coming and going do not disturb who pages through it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Org, Person, TestApp};

/// A connection field, with a parent that has rows.
#[derive(Clone, Debug)]
pub(super) struct List {
    /// The type and id of the object it hangs under; none at the root.
    pub(super) parent: Option<(String, String)>,
    /// The organization through which its parent is reached, which is no node: a member.
    pub(super) through: Option<String>,
    pub(super) field: String,
    pub(super) orders: Vec<String>,
}

impl List {
    /// `, orderBy: …` for every order, or nothing where the list has but one.
    pub(super) fn orders_or_default(&self) -> Vec<String> {
        if self.orders.is_empty() {
            return vec![String::new()];
        }
        self.orders.iter().map(|order| format!(", orderBy: {order}")).collect()
    }

    /// What its rows are: lists of the same rows share cursors.
    pub(super) fn rows(&self) -> &str {
        match (&self.parent, self.field.as_str()) {
            (Some((ty, _)), "members") if ty == "Group" => "group members",
            (Some((ty, _)), "templates") if ty == "Group" => "group templates",
            (_, field) => field,
        }
    }

    fn selection(&self, arguments: &str) -> String {
        let node = "__typename ... on Node { id }";
        let bare = ["members", "logs", "access", "accessCandidates"].contains(&self.field.as_str());
        let node = if bare || self.rows() == "group templates" { "__typename" } else { node };
        format!(
            "{}({arguments}) {{
               totalCount pageInfo {{ startCursor endCursor hasNextPage hasPreviousPage }}
               edges {{ cursor node {{ {node} }} }}
             }}",
            self.field
        )
    }

    /// A document that asks for a page.
    pub(super) fn document(&self, arguments: &str) -> String {
        let selection = self.selection(arguments);
        match (&self.parent, &self.through) {
            (None, _) => format!("{{ {selection} }}"),
            (Some((_, user)), Some(org)) => format!(
                "{{ node(id: \"{org}\") {{ ... on Organization {{
                   members(filter: {{ userId: \"{user}\" }}) {{ nodes {{ {selection} }} }}
                 }} }} }}"
            ),
            (Some((ty, id)), None) => format!("{{ node(id: \"{id}\") {{ ... on {ty} {{ {selection} }} }} }}"),
        }
    }

    /// A document that asks for a page of each of `$ids`.
    pub(super) fn many(&self, arguments: &str) -> String {
        let (ty, _) = self.parent.as_ref().unwrap();
        let selection = self.selection(arguments);
        format!("query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {ty} {{ {selection} }} }} }}")
    }

    /// The connection in the answer to [`List::document`].
    pub(super) fn connection(&self, data: &Value) -> Value {
        let parent = match (&self.parent, &self.through) {
            (None, _) => data,
            (Some(_), None) => &data["node"],
            (Some(_), Some(_)) => &data["node"]["members"]["nodes"][0],
        };
        parent[&self.field].clone()
    }
}

/// The cursors of a page.
pub(super) fn cursors(connection: &Value) -> Vec<String> {
    let edges = connection["edges"].as_array().unwrap();
    edges.iter().map(|edge| edge["cursor"].as_str().unwrap().to_owned()).collect()
}

/// The entries of a page.
pub(super) fn nodes(connection: &Value) -> Vec<Value> {
    connection["edges"].as_array().unwrap().iter().map(|edge| edge["node"].clone()).collect()
}

/// A direction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Forward,
    Backward,
}

impl Step {
    pub(super) fn arguments(self, size: usize, cursor: Option<&str>, order: &str) -> String {
        let (size_name, cursor_name) = match self {
            Self::Forward => ("first", "after"),
            Self::Backward => ("last", "before"),
        };
        let cursor = cursor.map(|cursor| format!(", {cursor_name}: \"{cursor}\"")).unwrap_or_default();
        format!("{size_name}: {size}{cursor}{order}")
    }

    pub(super) fn ahead(self) -> &'static str {
        match self {
            Self::Forward => "hasNextPage",
            Self::Backward => "hasPreviousPage",
        }
    }

    pub(super) fn behind(self) -> &'static str {
        match self {
            Self::Forward => "hasPreviousPage",
            Self::Backward => "hasNextPage",
        }
    }

    /// Where the next page starts.
    pub(super) fn next(self, page: &[String]) -> Option<String> {
        match self {
            Self::Forward => page.last().cloned(),
            Self::Backward => page.first().cloned(),
        }
    }

    /// Puts a page where it belongs.
    pub(super) fn extend<T>(self, pages: &mut Vec<T>, page: Vec<T>) {
        match self {
            Self::Forward => pages.extend(page),
            Self::Backward => {
                pages.splice(0..0, page);
            }
        }
    }
}

/// What happens between two pages.
#[derive(Clone, Debug)]
enum Event {
    Create(u16),
    /// Deletes one of those that are there.
    Delete(usize),
}

/// How somebody pages through a list, and what happens meanwhile.
#[derive(Clone, Debug)]
struct Story {
    /// Rows at the start.
    start: Vec<u16>,
    /// The size of each page, and what happens after it.
    steps: Vec<(usize, Vec<Event>)>,
    backward: bool,
}

fn stories() -> impl Strategy<Value = Story> {
    let event = prop_oneof![(0..1000u16).prop_map(Event::Create), (0..64usize).prop_map(Event::Delete)];
    let step = (1..5usize, proptest::collection::vec(event, 0..4));
    let start = proptest::collection::btree_set(0..1000u16, 0..12);
    (start, proptest::collection::vec(step, 30), any::<bool>()).prop_map(|(start, steps, backward)| Story {
        start: start.into_iter().collect(),
        steps,
        backward,
    })
}

/// Rows that are there from the first page to the last are seen exactly once, in order; others at most once.
#[rstest]
#[tokio::test]
async fn pages_are_stable_while_rows_come_and_go(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let mut runner = TestRunner::deterministic();
    for case in 0..12 {
        let Story { start, steps, backward } = stories().new_tree(&mut runner).unwrap().current();
        let org = app.organization(&owner, &format!("org-{case}")).await;
        let mut keys = BTreeMap::new();
        for name in start {
            create(&app, &owner, &org, name, &mut keys).await;
        }
        let mut throughout: Vec<String> = keys.keys().cloned().collect();
        let step = if backward { Step::Backward } else { Step::Forward };
        let (mut seen, mut cursor): (Vec<String>, Option<String>) = (Vec::new(), None);
        for (size, events) in steps {
            let document = format!(
                "{{ organization(by: {{ id: \"{}\" }}) {{ provisionerKeys({}) {{
                     pageInfo {{ hasNextPage hasPreviousPage }} edges {{ cursor node {{ name }} }}
                   }} }} }}",
                org.id,
                step.arguments(size, cursor.as_deref(), ""),
            );
            let page = app.ok(&owner, &document, json!({})).await["organization"]["provisionerKeys"].clone();
            cursor = step.next(&cursors(&page)).or(cursor);
            let names =
                nodes(&page).iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
            step.extend(&mut seen, names);
            if page["pageInfo"][step.ahead()] == false {
                break;
            }
            for event in events {
                match event {
                    Event::Create(name) => create(&app, &owner, &org, name, &mut keys).await,
                    Event::Delete(which) if !keys.is_empty() => {
                        let name = keys.keys().nth(which % keys.len()).unwrap().clone();
                        let id = keys.remove(&name).unwrap();
                        let mutation = "mutation($id: ID!) {
                            deleteProvisionerKey(input: { provisionerKeyId: $id }) { userErrors { message } }
                        }";
                        app.run(&owner, mutation, json!({ "id": id })).await;
                        throughout.retain(|kept| *kept != name);
                    }
                    Event::Delete(_) => {}
                }
            }
        }
        assert!(seen.is_sorted_by(|a, b| a < b), "case {case}: out of order or twice: {seen:?}");
        let missed: Vec<_> = throughout.iter().filter(|name| !seen.contains(name)).collect();
        assert!(missed.is_empty(), "case {case}: {missed:?} were there all the time, but not in {seen:?}");
    }
}

async fn create(app: &TestApp, owner: &Person, org: &Org, name: u16, keys: &mut BTreeMap<String, String>) {
    if let Entry::Vacant(place) = keys.entry(format!("key-{name:03}")) {
        let key = app.provisioner_key(owner, org, place.key(), &[]).await;
        place.insert(key.id);
    }
}
