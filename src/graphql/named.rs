//! What a mutation does and what it names in its input, for the entry of the audit log when it is denied.

use async_graphql::parser::types::{ExecutableDocument, Field, Selection};
use async_graphql::{Name, Request as GraphqlRequest, Value, Variables};
use futures_util::future::join_all;
use guildhall_entity::id::{
    ApiTokenId, GroupId, OrganizationId, ProvisionerDaemonId, ProvisionerKeyId, RoleId, TemplateId,
    TemplateVersionId, TypedId, UserId, WorkspaceId, prefix,
};

use super::context::Request;
use crate::audit::{Action, Target};
use crate::authz::Resource;
use crate::user;

/// Fields of inputs that name something besides what is to be changed.
const BESIDES: [&str; 5] = ["organizationId", "organizationIds", "transferToUserId", "ownerId", "fileId"];

/// Of how many items of a list the log tells: one request does not fill it.
const MOST_ITEMS: usize = 20;

/// What a mutation's name says that it is done to, as its entry in the audit log would say; the first that fits.
const NOUNS: [(&str, Resource); 17] = [
    ("OrganizationQuota", Resource::Quota),
    ("Organization", Resource::Organization),
    ("Member", Resource::Member),
    ("GroupQuota", Resource::Quota),
    ("Group", Resource::Group),
    ("Role", Resource::Role),
    ("Template", Resource::Template),
    ("Workspace", Resource::Workspace),
    ("ProvisionerKey", Resource::ProvisionerKey),
    ("ProvisionerDaemon", Resource::ProvisionerDaemon),
    ("ProvisionerJob", Resource::ProvisionerJob),
    ("FirstUser", Resource::User),
    ("User", Resource::User),
    ("Password", Resource::User),
    ("ApiToken", Resource::Token),
    ("Session", Resource::Token),
    ("AllSessions", Resource::Token),
];

/// The name of a mutation behind its verb.
fn noun(mutation: &str) -> Option<&str> {
    Some(&mutation[mutation.find(|c: char| c.is_ascii_uppercase())?..])
}

/// What a mutation of this name does to what kind of thing.
fn tried(mutation: &str) -> Option<(Action, Resource)> {
    let noun = noun(mutation)?;
    let verb = mutation.strip_suffix(noun)?;
    let (_, resource) = NOUNS.into_iter().find(|(start, _)| noun.starts_with(start))?;
    let action = match verb {
        // Whoever is in a group is a part of it.
        _ if noun == "GroupMembers" => Action::Update,
        "create" | "add" => Action::Create,
        "delete" | "remove" | "revoke" => Action::Delete,
        "start" => Action::Start,
        "stop" => Action::Stop,
        "restart" => Action::Restart,
        "cancel" => Action::Cancel,
        _ => Action::Update,
    };
    Some((action, resource))
}

/// Something that an input names.
#[derive(Clone, Debug)]
enum Thing {
    Id(String),
    /// A user.
    Username(String),
}

/// What a mutation's only field does, and what its input names. Where there are several fields, none is told from another.
#[derive(Debug, Default)]
pub(super) struct Named {
    tried: Option<(Action, Resource)>,
    organization: Option<OrganizationId>,
    /// What the whole is about, the likeliest first.
    things: Vec<Thing>,
    /// What each item of its list is about.
    items: Vec<Vec<Thing>>,
}

/// What of it the mutation's author can see.
pub(super) struct Found {
    whole: Option<Target>,
    items: Vec<Option<Target>>,
}

impl Named {
    /// Reads what a request names.
    pub(super) fn of(request: &mut GraphqlRequest) -> Self {
        let variables = std::mem::take(&mut request.variables);
        let named = match request.parsed_query() {
            Ok(document) => {
                only_field(document).map(|field| Self::read(field, &variables)).unwrap_or_default()
            }
            Err(_) => Self::default(),
        };
        request.variables = variables;
        named
    }

    fn read(field: &Field, variables: &Variables) -> Self {
        let mutation = field.name.node.as_str();
        let mut named = Self { tried: tried(mutation), ..Self::default() };
        let Some(Value::Object(fields)) = input(field, variables) else { return named };
        for (field, value) in &fields {
            match value {
                Value::String(id) if field == "organizationId" => {
                    named.organization = id.parse().ok();
                    if noun(mutation).is_some_and(|noun| noun.starts_with("Organization")) {
                        named.things.push(Thing::Id(id.clone()));
                    }
                }
                Value::List(values) if named.items.is_empty() && !BESIDES.contains(&field.as_str()) => {
                    let items = values.iter().take(MOST_ITEMS).map(|value| of_item(field, value));
                    named.items = items.collect();
                }
                value => named.things.extend(of_field(field, value)),
            }
        }
        named
    }

    /// What the mutation does, to what kind of thing.
    pub(super) fn tried(&self) -> Option<(Action, Resource)> {
        self.tried
    }

    /// Where the mutation says that it is.
    pub(super) fn organization(&self) -> Option<OrganizationId> {
        self.organization
    }

    /// Looks up what it names.
    pub(super) async fn find(&self, request: &Request) -> Found {
        let whole = first(request, &self.things).await;
        let items = match whole {
            Some(_) => Vec::new(),
            None => join_all(self.items.iter().map(|things| first(request, things))).await,
        };
        Found { whole, items }
    }
}

impl Found {
    /// What a denial of an item, or of the whole, was about: at least one, which is none where nothing can be told.
    pub(super) fn targets(&self, item: Option<usize>) -> Vec<Option<&Target>> {
        if self.whole.is_some() {
            return vec![self.whole.as_ref()];
        }
        let items = match item {
            Some(at) => self.items.get(at..=at).unwrap_or_default(),
            None => &self.items,
        };
        let seen: Vec<_> = items.iter().filter(|target| target.is_some()).map(Option::as_ref).collect();
        if seen.is_empty() { vec![None] } else { seen }
    }
}

fn of_field(field: &str, value: &Value) -> Option<Thing> {
    match value {
        Value::String(id) if !BESIDES.contains(&field) && prefix(id).is_some() => Some(Thing::Id(id.clone())),
        _ => None,
    }
}

/// What an item of a list is about: an id, or an object that names something.
fn of_item(list: &str, value: &Value) -> Vec<Thing> {
    let Value::Object(fields) = value else { return of_field(list, value).into_iter().collect() };
    let thing = |(field, value): (&Name, &Value)| match value {
        Value::String(name) if field == "username" => Some(Thing::Username(name.clone())),
        value => of_field(field, value),
    };
    fields.iter().filter_map(thing).collect()
}

/// The first of these that the request's actor can see.
async fn first(request: &Request, things: &[Thing]) -> Option<Target> {
    for thing in things {
        let found = match thing {
            Thing::Id(id) => find(request, id).await,
            Thing::Username(name) => {
                let user = user::find_by_username(&request.db, &request.actor, name).await.ok().flatten();
                user.map(|seen| Target {
                    about: (UserId::PREFIX, seen.user.id.uuid()),
                    name: seen.user.username,
                    organization: None,
                })
            }
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn only_field(document: &ExecutableDocument) -> Option<&Field> {
    let (_, operation) = document.operations.iter().next()?;
    let [selection] = operation.node.selection_set.node.items.as_slice() else { return None };
    let Selection::Field(field) = &selection.node else { return None };
    Some(&field.node)
}

fn input(field: &Field, variables: &Variables) -> Option<Value> {
    let value = field.get_argument("input")?.node.clone();
    let known = |name: async_graphql::Name| {
        Ok::<_, std::convert::Infallible>(variables.get(&name).cloned().unwrap_or_default())
    };
    value.into_const_with(known).ok()
}

/// What an id means, if the request's actor can see it.
async fn find(request: &Request, id: &str) -> Option<Target> {
    macro_rules! found {
        ($id:ty, $row:ident => ($name:expr, $organization:expr)) => {{
            let id: $id = id.parse().ok()?;
            let $row = request.find(id).await.ok()??;
            let about = (<$id>::PREFIX, id.uuid());
            Some(Target { about, name: $name, organization: $organization })
        }};
    }
    match prefix(id)? {
        UserId::PREFIX => found!(UserId, row => (row.user.username, None)),
        OrganizationId::PREFIX => found!(OrganizationId, row => (row.name, Some(row.id))),
        GroupId::PREFIX => found!(GroupId, row => (row.name, Some(row.organization_id))),
        RoleId::PREFIX => found!(RoleId, row => (row.name, Some(row.organization_id))),
        TemplateId::PREFIX => found!(TemplateId, row => (row.name, Some(row.organization_id))),
        TemplateVersionId::PREFIX => {
            let version = request.find(id.parse::<TemplateVersionId>().ok()?).await.ok()??;
            let template = request.find(version.template_id).await.ok()??;
            let (about, organization) = (version.id.uuid(), Some(template.organization_id));
            let name = format!("{}/{}", template.name, version.name);
            Some(Target { about: (TemplateVersionId::PREFIX, about), name, organization })
        }
        ProvisionerKeyId::PREFIX => found!(ProvisionerKeyId, row => (row.name, Some(row.organization_id))),
        ProvisionerDaemonId::PREFIX => {
            found!(ProvisionerDaemonId, row => (row.daemon.name, Some(row.daemon.organization_id)))
        }
        ApiTokenId::PREFIX => found!(ApiTokenId, row => (row.name, None)),
        WorkspaceId::PREFIX => {
            found!(WorkspaceId, row => (row.workspace.name.clone(), Some(row.workspace.organization_id)))
        }
        _ => None,
    }
}
