//! Every list, in every order and by every filter, as everybody who may ask: how the databases would read it, with rows
//! enough that it matters. No table that grows is read from end to end, and nothing is sorted but what an index has
//! narrowed down. What is excused stands in [`EXCUSED`], with its reason.

#[path = "../benches/dataset.rs"]
mod dataset;
mod explain;

use std::collections::{BTreeMap, BTreeSet};

use rstest::rstest;
use serde_json::{Value, json};

use self::dataset::{Dialect, Size, statements};
use self::explain::{Listener, Planner};
use crate::support::schema::{Field, Schema};
use crate::support::{Backend, Person, TestApp};

/// A fifth of what a deployment is measured with: the planners decide as they do there.
const SIZE: Size = Size { organizations: 40, users: 4_000, workspaces: 20_000 };

/// Lists whose plan may be otherwise, by what is filtered (`*` for anything) and by whom (`*` for anybody), and why.
const EXCUSED: &[(&str, &str, &str, &str)] = &[
    ("*", "query", "*", "a text in the middle of a name is looked for in what the list has anyway: adr/0011"),
    ("*", "name", "*", "a name is had by few, which may be sorted"),
    ("*", "userId", "*", "one member"),
    (
        "Organization.templates",
        "*",
        "member",
        "access lists that name Everyone: all entries are hashed, once",
    ),
    ("Template.versions", "*", "member", "the same"),
    (
        "Query.users",
        "*",
        "member",
        "whom somebody shares organizations with: read from the memberships there, and sorted",
    ),
    (
        "Query.workspaces",
        "*",
        "*",
        "across organizations, whoever sees but some: read from those, and sorted: adr/0011",
    ),
    (
        "Query.workspaces",
        "status",
        "owner",
        "where the latest build stands is not kept with the workspace: adr/0011",
    ),
    ("Query.auditLog", "*", "admin", "of those organizations whose log the actor may read"),
    ("User.organizations", "*", "*", "a person is in few organizations"),
    ("User.apiTokens", "*", "*", "a person has few tokens"),
    ("User.sessions", "*", "*", "a person has few sessions"),
    ("Query.organizations", "*", "*", "there are a hundred, or those that the actor is in"),
    ("Member.groups", "*", "*", "a member is in few groups"),
];

struct Library {
    app: TestApp,
    schema: Schema,
    people: Vec<(&'static str, Person)>,
    /// A public id of each type that has lists or stands in filters.
    ids: BTreeMap<&'static str, String>,
}

impl Library {
    async fn start(backend: Backend) -> Option<Self> {
        let app = TestApp::start(backend).await?;
        let owner = app.owner().await;
        let bench = app.user(&owner, "bench", &[]).await;
        let plain = app.user(&owner, "plain", &[]).await;
        let dialect = if backend == Backend::Sqlite { Dialect::Sqlite } else { Dialect::Postgres };
        let mut fill = statements(dialect, SIZE);
        // What the benchmarks need not: the log and the daemons of a year.
        fill.extend(explain::records(backend));
        app.tables().execute(&fill.join(";\n")).await;
        let query = "{ organization(by: { name: \"org-1\" }) { id
            members(first: 1) { nodes { user { id } } } groups(last: 1) { nodes { id } }
            templates(first: 1) { nodes { id versions(first: 1) { nodes { id } } } }
            workspaces(first: 1) { nodes { id owner { id } latestBuild { id job { id } } } }
            provisionerKeys(first: 1) { nodes { id } } } }";
        let org = app.ok(&owner, query, json!({})).await["organization"].clone();
        let at = |path: &str| {
            org.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}: {org:#}")).to_owned()
        };
        let ids = BTreeMap::from([
            ("Organization", at("/id")),
            ("User", at("/workspaces/nodes/0/owner/id")),
            ("Group", at("/groups/nodes/0/id")),
            ("Template", at("/templates/nodes/0/id")),
            ("TemplateVersion", at("/templates/nodes/0/versions/nodes/0/id")),
            ("Workspace", at("/workspaces/nodes/0/id")),
            ("WorkspaceBuild", at("/workspaces/nodes/0/latestBuild/id")),
            ("ProvisionerJob", at("/workspaces/nodes/0/latestBuild/job/id")),
            ("ProvisionerKey", at("/provisionerKeys/nodes/0/id")),
        ]);
        let org = crate::support::Org { id: ids["Organization"].clone(), name: "org-1".to_owned() };
        app.join(&owner, &org, &plain, &[]).await;
        app.tables().execute("analyze").await;
        let people = vec![("owner", owner), ("admin", bench), ("member", plain)];
        Some(Self { app, schema: Schema::committed(), people, ids })
    }

    /// Every list of the schema: its name, what opens and closes a document that asks for it, and the field.
    fn lists(&self) -> Vec<(String, String, &'static str, Field)> {
        let mut lists = Vec::new();
        for ty in self.schema.readable() {
            for field in self.schema.fields(&ty) {
                if !field.arguments.iter().any(|argument| argument.name == "first") {
                    continue;
                }
                let (open, close) = match ty.as_str() {
                    "Query" => ("{ ".to_owned(), " }"),
                    "Member" => (
                        format!(
                            "{{ node(id: \"{}\") {{ ... on Organization {{ members(filter: {{ userId: \"{}\" }}) {{ nodes {{ ",
                            self.ids["Organization"], self.ids["User"]
                        ),
                        " } } } } }",
                    ),
                    ty => {
                        let id =
                            self.ids.get(ty).unwrap_or_else(|| panic!("give `{ty}` an id: it has lists"));
                        (format!("{{ node(id: \"{id}\") {{ ... on {ty} {{ "), " } } }")
                    }
                };
                lists.push((format!("{ty}.{}", field.name), open, close, field));
            }
        }
        lists
    }

    /// A filter for each field of the list's, and none.
    fn filters(&self, field: &Field) -> Vec<(String, String)> {
        let mut filters = vec![("".to_owned(), String::new())];
        let Some(filter) = field.arguments.iter().find(|argument| argument.name == "filter") else {
            return filters;
        };
        for input in self.schema.inputs(&filter.ty) {
            let value = match input.ty.as_str() {
                "ID" => format!("\"{}\"", self.id_of(&input.name)),
                "Boolean" => "true".to_owned(),
                "Int" => "1".to_owned(),
                "DateTime" => "\"2024-06-01T00:00:00Z\"".to_owned(),
                "String" => "\"x\"".to_owned(),
                ty => {
                    let values = self.schema.values(ty);
                    let object: Vec<String> =
                        self.schema.inputs(ty).iter().map(|field| format!("{}: \"x\"", field.name)).collect();
                    values.first().cloned().unwrap_or_else(|| format!("{{ {} }}", object.join(", ")))
                }
            };
            let value = if input.is_list { format!("[{value}]") } else { value };
            filters.push((input.name.clone(), format!(", filter: {{ {}: {value} }}", input.name)));
        }
        filters
    }

    fn id_of(&self, field: &str) -> &str {
        let ty = match field {
            "organizationId" => "Organization",
            "ownerId" | "userId" | "actorId" | "initiatorId" | "memberId" | "createdById" => "User",
            "templateId" => "Template",
            "templateVersionId" => "TemplateVersion",
            "groupId" => "Group",
            "workspaceId" | "resourceId" => "Workspace",
            "provisionerKeyId" => "ProvisionerKey",
            other => panic!("teach this test what `{other}` names"),
        };
        &self.ids[ty]
    }
}

fn excused(list: &str, filter: &str, who: &str) -> Option<usize> {
    let fits = |rule: &str, value: &str| rule == "*" || rule == value;
    EXCUSED.iter().position(|(of, by, whom, _)| fits(of, list) && fits(by, filter) && fits(whom, who))
}

#[rstest]
#[tokio::test]
async fn no_list_is_read_from_end_to_end(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let listener = Listener::install();
    let Some(library) = Library::start(backend).await else { return };
    let mut planner = Planner::connect(&library.app.settings).await;
    let mut wrong = BTreeMap::new();
    let mut excuses = BTreeSet::new();
    let mut plans = 0;
    for (list, open, close, field) in library.lists() {
        let order = field.arguments.iter().find(|argument| argument.name == "orderBy");
        let orders = order.map(|order| library.schema.values(&order.ty)).unwrap_or_default();
        let orders = orders.iter().map(|order| format!(", orderBy: {order}"));
        let orders: Vec<String> = if orders.len() == 0 { vec![String::new()] } else { orders.collect() };
        for (filter, argument) in library.filters(&field) {
            for order in &orders {
                for (who, person) in &library.people {
                    let document = format!(
                        "{open}{}(first: 5{order}{argument}) {{ nodes {{ __typename }} }}{close}",
                        field.name
                    );
                    listener.take();
                    let body = library.app.graphql(Some(&person.token), &document, json!({})).await;
                    let code = &body["errors"][0]["extensions"]["code"];
                    assert!(code.is_null() || code == "FORBIDDEN", "{document}\n{body:#}");
                    if !code.is_null() || body["data"].get("node").is_some_and(Value::is_null) {
                        continue;
                    }
                    let sql = listener.page();
                    plans += 1;
                    let Some(problem) = planner.problem(&sql).await else { continue };
                    match excused(&list, &filter, who) {
                        Some(excuse) => {
                            excuses.insert(excuse);
                        }
                        None => {
                            wrong.entry(format!("{list} by `{filter}`{order} as {who}")).or_insert(problem);
                        }
                    }
                }
            }
        }
    }
    assert!(plans > 300, "only {plans} pages were read");
    let report: Vec<String> = wrong.iter().map(|(what, problem)| format!("{what}: {problem}")).collect();
    assert!(wrong.is_empty(), "{} of {plans} plans\n{}", wrong.len(), report.join("\n\n"));
    assert!(!excuses.is_empty(), "nothing needs an excuse: empty the list");
}
