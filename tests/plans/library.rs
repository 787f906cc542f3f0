//! A deployment with rows enough that plans matter, and every question that can be asked of its lists.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::dataset::{Dialect, Size, statements, written};
use crate::support::schema::{Field, Schema};
use crate::support::{Backend, Org, Person, TestApp};

/// What a deployment has to bear. The builds of a workspace are told apart by its index, however many there are.
const SIZE: Size = Size { organizations: 100, users: 10_000, workspaces: 100_000, builds: 1 };

/// Fields of filters that share an index, or have to choose between some.
const TOGETHER: &[(&str, &[&str])] = &[
    ("AuditLogFilter", &["action", "resource"]),
    ("AuditLogFilter", &["action", "from", "to"]),
    ("AuditLogFilter", &["resource", "from"]),
    ("AuditLogFilter", &["action", "resource", "from", "to"]),
    ("AuditLogFilter", &["action", "status"]),
    ("AuditLogFilter", &["action", "resource", "organizationId"]),
    ("UserFilter", &["status", "isServiceAccount"]),
];

/// The deployment.
pub(super) struct Library {
    pub(super) app: TestApp,
    /// Who asks, and as what.
    pub(super) people: Vec<(&'static str, Person)>,
    schema: Schema,
    /// A public id of each type that has lists or stands in filters.
    ids: BTreeMap<&'static str, String>,
}

/// A list, and how a document comes to it.
pub(super) struct Shelf {
    pub(super) name: String,
    open: String,
    close: &'static str,
    pub(super) field: Field,
}

impl Shelf {
    /// A document that asks for five entries; `arguments` begin with a comma.
    pub(super) fn ask(&self, arguments: &str) -> String {
        // What a list reads with its rows only where it is asked for.
        let besides = if self.field.name == "groups" { "memberCount" } else { "" };
        format!(
            "{}{}(first: 5{arguments}) {{ nodes {{ __typename {besides} }} pageInfo {{ endCursor }} }}{}",
            self.open, self.field.name, self.close
        )
    }
}

impl Library {
    pub(super) async fn start(backend: Backend) -> Option<Self> {
        let app = TestApp::start(backend).await?;
        let owner = app.owner().await;
        let admin = app.user(&owner, "bench", &[]).await;
        let member = app.user(&owner, "plain", &[]).await;
        // The rows fit together; to be told so for each of them would take most of the time. SQLite has no statistics in a
        // real deployment either, PostgreSQL gathers them by itself.
        let (dialect, before, after) = match backend {
            Backend::Sqlite => {
                (Dialect::Sqlite, "pragma foreign_keys = off; pragma synchronous = off", "select 1")
            }
            Backend::Postgres => (
                Dialect::Postgres,
                "set statement_timeout = 0; set session_replication_role = replica; set synchronous_commit = off",
                "analyze",
            ),
        };
        let mut fill = vec![before.to_owned(), "begin".to_owned()];
        fill.extend(statements(dialect, SIZE));
        fill.extend(written(include_str!("records.sql"), dialect, SIZE));
        fill.extend(["commit".to_owned(), after.to_owned()]);
        app.tables().execute(&fill.join(";\n")).await;

        let query = "{ organization(by: { name: \"org-1\" }) { id
            groups(last: 1) { nodes { id } }
            templates(first: 1) { nodes { id versions(first: 1) { nodes { id } } } }
            workspaces(first: 1) { nodes { id owner { id } latestBuild { id job { id } } } }
            provisionerKeys(first: 1) { nodes { id } } } }";
        let org = app.ok(&owner, query, json!({})).await["organization"].clone();
        let at = |path: &str| {
            let id = org.pointer(path).and_then(Value::as_str);
            id.unwrap_or_else(|| panic!("{path}: {org:#}")).to_owned()
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
        let org = Org { id: ids["Organization"].clone(), name: "org-1".to_owned() };
        app.join(&owner, &org, &member, &[]).await;
        let people = vec![("owner", owner), ("admin", admin), ("member", member)];
        Some(Self { app, people, schema: Schema::committed(), ids })
    }

    /// Every list of the schema, and those of organizations once more for several at once.
    pub(super) fn shelves(&self) -> Vec<Shelf> {
        let mut shelves = Vec::new();
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
                shelves.push(Shelf { name: format!("{ty}.{}", field.name), open, close, field });
            }
        }
        for field in self.schema.fields("Organization") {
            if field.arguments.iter().any(|argument| argument.name == "first") {
                let open = "{ organizations(first: 3) { nodes { ".to_owned();
                let name = format!("organizations.{}", field.name);
                shelves.push(Shelf { name, open, close: " } } }", field });
            }
        }
        shelves
    }

    /// The orders of a list, as arguments.
    pub(super) fn orders(&self, field: &Field) -> Vec<String> {
        let Some(order) = field.arguments.iter().find(|argument| argument.name == "orderBy") else {
            return vec![String::new()];
        };
        self.schema.values(&order.ty).iter().map(|order| format!(", orderBy: {order}")).collect()
    }

    /// A filter for each field of the list's and for some [`TOGETHER`], as its name and an argument, and none.
    pub(super) fn filters(&self, field: &Field) -> Vec<(String, String)> {
        let mut filters = vec![(String::new(), String::new())];
        let Some(filter) = field.arguments.iter().find(|argument| argument.name == "filter") else {
            return filters;
        };
        let mut values = BTreeMap::new();
        for input in self.schema.inputs(&filter.ty) {
            let value = match input.ty.as_str() {
                "String" if input.name == "query" => {
                    // What nothing has, and what most have.
                    let common = match field.name.as_str() {
                        "workspaces" => "ws-",
                        "templates" => "template",
                        _ => "user",
                    };
                    for text in ["zyzzyva", common] {
                        filters.push((input.name.clone(), format!(", filter: {{ query: \"{text}\" }}")));
                    }
                    continue;
                }
                "ID" => format!("\"{}\"", self.id_of(&input.name)),
                "Boolean" => "true".to_owned(),
                "DateTime" => "\"2024-06-01T00:00:00Z\"".to_owned(),
                "String" => "\"x\"".to_owned(),
                // What few have, of what most have something else.
                "UserStatus" => "SUSPENDED".to_owned(),
                "AuditStatus" => "DENIED".to_owned(),
                ty => {
                    let values = self.schema.values(ty);
                    values.first().unwrap_or_else(|| panic!("teach this test a value of `{ty}`")).clone()
                }
            };
            let value = if input.is_list { format!("[{value}]") } else { value };
            values.insert(input.name.clone(), format!("{}: {value}", input.name));
        }
        let together = TOGETHER.iter().filter(|(ty, _)| *ty == filter.ty).map(|(_, names)| names.to_vec());
        let each = values.keys().map(|name| vec![name.as_str()]);
        for names in each.chain(together) {
            let fields: Vec<&str> = names.iter().map(|&name| values[name].as_str()).collect();
            filters.push((names.join("+"), format!(", filter: {{ {} }}", fields.join(", "))));
        }
        filters
    }

    fn id_of(&self, field: &str) -> &str {
        let ty = match field {
            "organizationId" => "Organization",
            "ownerId" | "userId" | "actorId" | "initiatorId" => "User",
            "templateId" => "Template",
            "groupId" => "Group",
            "resourceId" => "Workspace",
            other => panic!("teach this test what `{other}` names"),
        };
        &self.ids[ty]
    }
}
