//! A text in the middle of a name, among all users, workspaces or templates: few have it, many, or nobody, and what is found
//! is what the whole list has of it, in every order, forward and backward.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use rstest::rstest;
use serde_json::{Value, json};

use crate::plans::dataset::{Dialect, Size, statements, written};
use crate::support::{Backend, Person, TestApp};

/// So that of the numbers in the names, which have five digits, 999 begin with `00` and 1000 with `01`: one less than are
/// looked up at most, and as many as that.
const SIZE: Size = Size { organizations: 70, users: 2_100, workspaces: 2_100, builds: 1 };

struct World {
    app: TestApp,
    owner: Person,
}

/// A list of the deployment: its field, what of it is searched, how names begin, and its order by name.
#[derive(Clone, Copy, Debug)]
struct Shelf {
    field: &'static str,
    texts: &'static str,
    name: &'static str,
    begin: &'static str,
}

const SHELVES: [Shelf; 3] = [
    Shelf { field: "users", texts: "username name", name: "USERNAME", begin: "user" },
    Shelf { field: "workspaces", texts: "name", name: "NAME", begin: "ws-" },
    Shelf { field: "templates", texts: "name displayName", name: "NAME", begin: "template-" },
];

/// An entry: what identifies it, and what of it is searched, folded.
type Entry = (String, Vec<String>);

fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

fn has(entry: &Entry, text: &str) -> bool {
    entry.1.iter().any(|own| own.contains(&fold(text)))
}

impl World {
    async fn start(backend: Backend) -> Option<Self> {
        let app = TestApp::start(backend).await?;
        let owner = app.owner().await;
        let (dialect, before) = match backend {
            Backend::Sqlite => (Dialect::Sqlite, "pragma foreign_keys = off"),
            Backend::Postgres => (Dialect::Postgres, "set session_replication_role = replica"),
        };
        let mut fill = vec![before.to_owned(), "begin".to_owned()];
        fill.extend(statements(dialect, SIZE));
        let five = "update workspace set name = 'ws-' || {pad cast(substr(name, 4) as integer)}";
        fill.extend(written(five, dialect, SIZE));
        fill.push("commit".to_owned());
        app.tables().execute(&fill.join(";\n")).await;
        Some(Self { app, owner })
    }

    async fn page(&self, shelf: Shelf, arguments: &str, text: Option<&str>) -> Value {
        let Shelf { field, texts, .. } = shelf;
        let query = format!(
            "query($text: String) {{ {field}(filter: {{ query: $text }}, {arguments}) {{
               totalCount nodes {{ id {texts} }}
               pageInfo {{ startCursor endCursor hasNextPage hasPreviousPage }} }} }}"
        );
        self.app.ok(&self.owner, &query, json!({ "text": text })).await[field].clone()
    }

    /// The whole list, page by page; what is said of its length on the way is true.
    async fn walk(&self, shelf: Shelf, order: &str, text: Option<&str>, backward: bool) -> Vec<Entry> {
        let (size, place, at, more) = if backward {
            ("last", "before", "startCursor", "hasPreviousPage")
        } else {
            ("first", "after", "endCursor", "hasNextPage")
        };
        let (mut entries, mut cursor, mut counts) = (Vec::new(), String::new(), Vec::new());
        loop {
            let page = self.page(shelf, &format!("orderBy: {order}, {size}: 100{cursor}"), text).await;
            let mut nodes = entries_of(&page);
            if backward {
                nodes.reverse();
            }
            entries.extend(nodes);
            counts.push(page["totalCount"].clone());
            if page["pageInfo"][more] == false {
                break;
            }
            cursor = format!(", {place}: {}", page["pageInfo"][at]);
        }
        assert!(counts.iter().all(|count| *count == entries.len()), "{shelf:?} {text:?} {counts:?}");
        if backward {
            entries.reverse();
        }
        entries
    }

    async fn count(&self, shelf: Shelf, text: &str) -> Value {
        self.page(shelf, "first: 1", Some(text)).await["totalCount"].clone()
    }

    async fn id(&self, shelf: Shelf, text: &str) -> Value {
        self.page(shelf, "first: 1", Some(text)).await["nodes"][0]["id"].clone()
    }

    /// Gives somebody another name.
    async fn call_user(&self, username: &str, name: &str) {
        let input = json!({ "userId": self.id(SHELVES[0], username).await, "name": name });
        self.app.done(&self.owner.token, "updateUser", "", input).await;
    }
}

fn entries_of(page: &Value) -> Vec<Entry> {
    let entry = |node: &Value| {
        let texts = node.as_object().unwrap().iter().filter(|(field, _)| *field != "id");
        (node["id"].to_string(), texts.filter_map(|(_, text)| text.as_str().map(fold)).collect())
    };
    page["nodes"].as_array().unwrap().iter().map(entry).collect()
}

#[rstest]
#[tokio::test]
async fn a_text_that_few_or_many_have_is_found_page_by_page(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(world) = World::start(backend).await else { return };
    for shelf in SHELVES {
        for order in [format!("{}_ASC", shelf.name), "CREATED_AT_DESC".to_owned()] {
            let whole = world.walk(shelf, &order, None, false).await;
            for (digits, count) in
                [("0210", 1), ("020", 100), ("00", 999), ("01", 1000), ("", 2100), ("x", 0)]
            {
                let text = format!("{}{digits}", shelf.begin).to_uppercase();
                let text = text.trim_start_matches('U');
                let own = whole.iter().filter(|entry| has(entry, text)).cloned().collect::<Vec<_>>();
                assert_eq!(own.len(), count, "{shelf:?} {text}");
                for backward in [false, true] {
                    let found = world.walk(shelf, &order, Some(text), backward).await;
                    assert!(found == own, "{shelf:?} {order} {text} {backward}: {} found", found.len());
                }
            }
        }
    }
}

/// Names that a pattern, a query for full texts, or a comparison of letters could take for something else.
const ODD: [&str; 16] = [
    "He said \"hi\" to \"\" them",
    "100%_\\done",
    "%%% ___ \\\\\\",
    "Ünïcode ÄRZTE ΟΔΟΣ Straße",
    "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467} family",
    "e\u{301}\u{302}x n\u{303}\u{304}\u{305}",
    "'; drop table x; --",
    "日本語テキスト",
    "a*b ^c:d {name} (e) + f -g",
    "one AND two OR three NOT four NEAR five",
    "--- ... ***",
    "two  spaces and\u{a0}a wide one",
    "\u{fffd}\u{fffe}\u{ffff}\u{10ffff}",
    "ﬁle ĳssel ŉorth",
    "İstanbul ISPARTA ılıca",
    "null NULL nil",
];

#[rstest]
#[tokio::test]
async fn what_is_found_is_what_has_the_text(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(world) = World::start(backend).await else { return };
    for (number, name) in ODD.into_iter().enumerate() {
        world.call_user(&format!("user{:05}", number * 100 + 7), name).await;
    }
    let long = "Long ".repeat(25);
    world.call_user("user02001", long.trim()).await;

    let whole = world.walk(SHELVES[0], "USERNAME_ASC", None, false).await;
    let mut texts: Vec<String> =
        ["\"\"\"", "\" OR \"", "***", "^us", "user*", "name:user", "\\\\\\", "%00", "\u{0301}\u{0302}"]
            .into_iter()
            .chain(ODD)
            .map(str::to_owned)
            .collect();
    texts.extend([
        "x".repeat(100),
        long[..100].to_owned(),
        long[..99].to_owned(),
        " ".to_owned(),
        String::new(),
    ]);
    // Pieces of names that there are, in either case, and whatever else.
    let odd: Vec<String> = ODD.iter().map(|name| (*name).to_owned()).collect();
    let names: Vec<String> = whole.iter().flat_map(|entry| entry.1.clone()).chain(odd.clone()).collect();
    let piece = prop_oneof![prop::sample::select(odd), prop::sample::select(names)]
        .prop_flat_map(|name| {
            let letters: Vec<char> = name.chars().collect();
            (0..letters.len(), 1..12_usize, any::<bool>()).prop_map(move |(from, length, upper)| {
                let piece: String = letters[from..].iter().take(length).collect();
                if upper { piece.to_uppercase() } else { piece }
            })
        })
        .boxed();
    let text = prop_oneof![4 => piece, 1 => "[a-z\"%_\\\\*^ 0-9äß\u{301}-]{1,5}".boxed()];
    let mut runner = TestRunner::deterministic();
    texts.extend((0..150).map(|_| text.new_tree(&mut runner).unwrap().current()));
    for text in texts {
        let own: Vec<Entry> = whole.iter().filter(|entry| has(entry, &text)).cloned().collect();
        let page = world.page(SHELVES[0], "orderBy: USERNAME_ASC, first: 20", Some(&text)).await;
        assert_eq!(page["totalCount"], own.len(), "{text:?}");
        let found = entries_of(&page);
        assert_eq!(found, own[..found.len()], "{text:?}");
        assert_eq!(found.len(), own.len().min(20), "{text:?}");
    }
}

#[rstest]
#[tokio::test]
async fn what_changes_is_found_as_it_is_now(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(world) = World::start(backend).await else { return };
    let (app, token) = (&world.app, &world.owner.token);
    let [users, workspaces, templates] = SHELVES;
    let found = async |text: &str| {
        let mut numbers = Vec::new();
        for shelf in SHELVES {
            numbers.push(world.count(shelf, text).await.as_i64().unwrap());
        }
        numbers
    };
    assert_eq!(found("zebra").await, [0, 0, 0]);
    world.call_user("user00300", "Zebra").await;
    let workspace = world.id(workspaces, "ws-00300").await;
    app.done(token, "updateWorkspace", "", json!({ "workspaceId": workspace, "name": "my-zebra" })).await;
    let template = world.id(templates, "template-00300").await;
    app.done(token, "updateTemplate", "", json!({ "templateId": template, "displayName": "ZEBRAS" })).await;
    assert_eq!(found("zebra").await, [1, 1, 1]);
    assert_eq!(found("-00300").await, [0, 0, 1], "what was called so no longer is");
    // Numbers of rows that a database gives by itself are others after this.
    app.tables().execute("vacuum").await;
    assert_eq!(found("zebra").await, [1, 1, 1]);
    assert_eq!(found("00299").await, [1, 1, 1]);

    app.user(&world.owner, "quagga", &[]).await;
    assert_eq!(found("uagg").await, [1, 0, 0]);
    let quagga = world.id(users, "quagga").await;
    app.done(token, "deleteUser", "", json!({ "userId": quagga })).await;
    assert_eq!(found("uagg").await, [0, 0, 0]);
    app.tables().execute("update workspace set deleted_at = created_at where name = 'my-zebra'").await;
    app.tables().execute("update template set deleted_at = created_at where name = 'template-00300'").await;
    assert_eq!(found("zebra").await, [1, 0, 0]);
    // Back again, as after a mistake that somebody undoes in the tables.
    app.tables().execute("update workspace set deleted_at = null where name = 'my-zebra'").await;
    assert_eq!(found("zebra").await, [1, 1, 0]);
}

/// Who does not see all of a kind finds what they see, however many others have the text.
#[rstest]
#[tokio::test]
async fn others_find_what_they_see(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(world) = World::start(backend).await else { return };
    let mia = world.app.user(&world.owner, "mia-user", &[]).await;
    let query = "query($text: String) {
        users(filter: { query: $text }) { totalCount nodes { username } }
        workspaces(filter: { query: $text }) { totalCount }
        templates(filter: { query: $text }) { totalCount } }";
    for (text, count) in [("user", 1), ("mia", 1), ("ws-", 0), ("template", 0), ("00001", 0)] {
        let found = world.app.ok(&mia, query, json!({ "text": text })).await;
        assert_eq!(found["users"]["totalCount"], count, "{text}");
        assert_eq!(
            (&found["workspaces"]["totalCount"], &found["templates"]["totalCount"]),
            (&json!(0), &json!(0))
        );
    }
}
