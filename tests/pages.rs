//! Pages: every list forward and backward in every order, stable while rows come and go, within its bounds, and the same
//! whether asked for one parent or for many.

mod parts;
mod walk;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::schema::{Field, Schema};
use crate::support::world::World;
use crate::support::{Backend, Person, TestApp};
use walk::{List, Step};

/// Everything there is to page through: an organization full of everything, and a second one so that lists above
/// organizations have more than one row.
struct Library {
    app: TestApp,
    owner: Person,
    world: World,
    schema: Schema,
}

impl Library {
    async fn start(backend: Backend) -> Option<Self> {
        let app = TestApp::start(backend).await?;
        let owner = app.owner().await;
        let shared = app.user(&owner, "wanda", &[]).await;
        let org = app.organization(&owner, "aster").await;
        // So that times differ, and are the same for some.
        app.clock.advance(TimeDelta::seconds(1));
        let world = app.fill(&owner, org, "aster", &shared).await;
        app.clock.advance(TimeDelta::seconds(1));
        for name in ["beryl", "cobalt"] {
            app.organization(&owner, name).await;
        }
        let job = app.acquire(&world.daemon).await;
        assert!(job.is_none(), "nothing is left to do");
        for transition in ["stop", "start"] {
            let mutation = format!(
                "mutation($id: ID!) {{
                   {transition}Workspace(input: {{ workspaceId: $id }}) {{ userErrors {{ message }} }}
                 }}"
            );
            app.run(&world.member, &mutation, json!({ "id": world.workspace })).await;
            assert_eq!(app.work(&world.daemon).await, 1);
        }
        Some(Self { app, owner, world, schema: Schema::committed() })
    }

    /// Every list of the schema, each with a parent that has rows.
    fn lists(&self) -> Vec<List> {
        let mut lists = Vec::new();
        for ty in self.schema.readable() {
            for field in self.schema.fields(&ty) {
                if field.arguments.iter().any(|argument| argument.name == "first") {
                    lists.push(self.list(&ty, &field));
                }
            }
        }
        lists
    }

    fn list(&self, ty: &str, field: &Field) -> List {
        let parent = (ty != "Query").then(|| {
            let id = match ty {
                "User" | "Member" => &self.world.member.id,
                "Workspace" => &self.world.workspace,
                _ => &self.world.nodes.iter().find(|(node, _)| *node == ty).unwrap().1,
            };
            (ty.to_owned(), id.clone())
        });
        let order = field.arguments.iter().find(|argument| argument.name == "orderBy");
        let orders = order.map(|order| self.schema.values(&order.ty)).unwrap_or_default();
        let through = (ty == "Member").then(|| self.world.org.id.clone());
        List { parent, through, field: field.name.clone(), orders }
    }

    async fn connection(&self, list: &List, arguments: &str) -> Value {
        list.connection(&self.app.ok(&self.owner, &list.document(arguments), json!({})).await)
    }

    /// The cursors of a whole list, asked for at once.
    async fn whole(&self, list: &List, order: &str) -> Vec<String> {
        let connection = self.connection(list, &format!("first: 100{order}")).await;
        let cursors = walk::cursors(&connection);
        assert_eq!(connection["totalCount"], cursors.len(), "{list:?}");
        assert_eq!(connection["pageInfo"]["hasNextPage"], false, "{list:?}");
        cursors
    }
}

#[rstest]
#[tokio::test]
async fn pages_in_a_row_are_the_list_in_every_order_and_both_directions(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(library) = Library::start(backend).await else { return };
    let lists = library.lists();
    assert!(lists.len() >= 15, "{lists:?}");
    for list in &lists {
        for order in list.orders_or_default() {
            let whole = library.whole(list, &order).await;
            assert!(!whole.is_empty(), "{list:?} has no rows to page through");
            assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), whole.len(), "{list:?} repeats a cursor");
            for size in [1, 2, 3] {
                for step in [Step::Forward, Step::Backward] {
                    let (mut pages, mut cursor) = (Vec::new(), None);
                    loop {
                        let connection =
                            library.connection(list, &step.arguments(size, cursor.as_deref(), &order)).await;
                        let page = walk::cursors(&connection);
                        let info = &connection["pageInfo"];
                        assert_eq!(info["startCursor"].as_str(), page.first().map(String::as_str));
                        assert_eq!(info["endCursor"].as_str(), page.last().map(String::as_str));
                        assert_eq!(info[step.behind()], cursor.is_some(), "{list:?} {step:?} {order}");
                        cursor = step.next(&page);
                        step.extend(&mut pages, page);
                        if info[step.ahead()] == false {
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

/// An order and its reverse are the same list.
#[rstest]
#[tokio::test]
async fn descending_is_ascending_backward(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(library) = Library::start(backend).await else { return };
    for list in library.lists() {
        for ascending in list.orders.iter().filter_map(|order| order.strip_suffix("_ASC")) {
            let mut sides = Vec::new();
            for direction in ["ASC", "DESC"] {
                let arguments = format!("first: 100, orderBy: {ascending}_{direction}");
                let data = library.app.ok(&library.owner, &list.document(&arguments), json!({})).await;
                sides.push(walk::nodes(&list.connection(&data)));
            }
            sides[1].reverse();
            assert_eq!(sides[0], sides[1], "{list:?} by {ascending}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn a_page_out_of_bounds_is_refused_by_name(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(library) = Library::start(backend).await else { return };
    let cursor = library.whole(&library.lists()[0], "").await[0].clone();
    for list in library.lists() {
        for (arguments, argument, says) in [
            ("first: 0".to_owned(), "first", "between 1 and 100, got 0"),
            ("first: 101".to_owned(), "first", "between 1 and 100, got 101"),
            ("first: -1".to_owned(), "first", "between 1 and 100, got -1"),
            ("last: 0".to_owned(), "last", "between 1 and 100, got 0"),
            ("last: 101".to_owned(), "last", "between 1 and 100, got 101"),
            ("first: 1, last: 1".to_owned(), "last", "either forward"),
            (format!("first: 1, before: \"{cursor}\""), "before", "either forward"),
            (format!("last: 1, after: \"{cursor}\""), "last", "either forward"),
            (format!("after: \"{cursor}\", before: \"{cursor}\""), "before", "either forward"),
            ("first: 1, after: \"\"".to_owned(), "after", "not a cursor"),
            ("first: 1, after: \"AAAA\"".to_owned(), "after", "not a cursor"),
            ("last: 1, before: \"no cursor\"".to_owned(), "before", "not a cursor"),
        ] {
            let body =
                library.app.graphql(Some(&library.owner.token), &list.document(&arguments), json!({})).await;
            let error = &body["errors"][0];
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{list:?}({arguments})\n{body:#}");
            assert_eq!(error["extensions"]["argument"], argument, "{list:?}({arguments})\n{body:#}");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(says) && message.contains(argument), "{list:?}({arguments}): {message}");
        }
    }
}

/// A cursor is good for its list in its order alone.
#[rstest]
#[tokio::test]
async fn a_cursor_of_another_list_or_order_is_refused(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(library) = Library::start(backend).await else { return };
    let lists = library.lists();
    let mut cursors = Vec::new();
    for list in &lists {
        for order in list.orders_or_default() {
            cursors.push((list, order.clone(), library.whole(list, &order).await[0].clone()));
        }
    }
    for (list, order, own) in &cursors {
        for (other, other_order, cursor) in &cursors {
            let arguments = format!("first: 1, after: \"{cursor}\"{order}");
            let body =
                library.app.graphql(Some(&library.owner.token), &list.document(&arguments), json!({})).await;
            // The same rows in the same order are one list, wherever it hangs.
            let same = list.rows() == other.rows() && (order == other_order || own == cursor);
            let code = body["errors"][0]["extensions"]["code"].as_str();
            let expected = if same { None } else { Some("BAD_USER_INPUT") };
            assert_eq!(code, expected, "{list:?}{order} after a cursor of {other:?}{other_order}\n{body:#}");
        }
    }
}

/// Many parents in one query answer like each of them alone.
#[rstest]
#[tokio::test]
async fn nested_pages_are_the_pages_asked_one_by_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(library) = Library::start(backend).await else { return };
    let lists: Vec<_> =
        library.lists().into_iter().filter(|list| list.parent.is_some() && list.through.is_none()).collect();
    for list in lists {
        let (ty, _) = list.parent.as_ref().unwrap();
        let ids: Vec<&String> =
            library.world.nodes.iter().filter(|(node, _)| node == ty).map(|(_, id)| id).collect();
        for order in list.orders_or_default() {
            for arguments in [format!("first: 2{order}"), format!("last: 2{order}")] {
                let many = list.many(&arguments);
                let together = library.app.ok(&library.owner, &many, json!({ "ids": ids })).await;
                for (n, id) in ids.iter().enumerate() {
                    let alone = library.app.ok(&library.owner, &many, json!({ "ids": [id] })).await;
                    assert_eq!(alone["nodes"][0], together["nodes"][n], "{list:?}({arguments}) of {id}");
                }
            }
        }
    }
}

/// More parents than SQLite takes members of a union: every one has its page and its count.
#[rstest]
#[tokio::test]
async fn hundreds_of_parents_have_a_page_each(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let (organizations, groups) = (12, 45);
    for n in 0..organizations {
        let org = app.organization(&owner, &format!("org-{n}")).await;
        for m in 0..groups {
            app.group(&owner, &org, &format!("group-{m}"), &[&owner]).await;
        }
    }
    let data = app
        .ok(
            &owner,
            "{ organizations(first: 13) { nodes { groups(first: 46) { nodes {
                 members(first: 1) { totalCount nodes { user { username } } }
               } } } } }",
            json!({}),
        )
        .await;
    let mut pages = 0;
    for org in data["organizations"]["nodes"].as_array().unwrap() {
        for group in org["groups"]["nodes"].as_array().unwrap() {
            let expected = json!({ "totalCount": 1, "nodes": [{ "user": { "username": owner.username } }] });
            assert_eq!(group["members"], expected);
            pages += 1;
        }
    }
    assert_eq!(pages, organizations * (groups + 1) + 1);
}
