//! What a mutation does and what it names in its input, for the entry of the audit log when it is denied.

use async_graphql::parser::types::{ExecutableDocument, Field, Selection};
use async_graphql::{Request as GraphqlRequest, Value, Variables};
use guildhall_entity::id::{
    GroupId, OrganizationId, ProvisionerKeyId, RoleId, TemplateId, TypedId, UserId, WorkspaceId, prefix,
};

use super::context::Request;
use crate::audit::{Action, Target};
use crate::authz::Resource;

/// Fields of inputs that name something besides what is to be changed.
const BESIDES: [&str; 4] = ["organizationId", "transferToUserId", "ownerId", "fileId"];

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

/// What a mutation of this name does to what kind of thing.
fn tried(mutation: &str) -> Option<(Action, Resource)> {
    let (verb, noun) = mutation.split_at(mutation.find(|c: char| c.is_ascii_uppercase())?);
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

/// What a mutation's only field does, and the ids in its input. Where there are several, none is told from another.
#[derive(Debug, Default)]
pub(super) struct Named {
    tried: Option<(Action, Resource)>,
    organization: Option<OrganizationId>,
    things: Vec<String>,
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
        let mut named = Self { tried: tried(&field.name.node), ..Self::default() };
        let Some(Value::Object(fields)) = input(field, variables) else { return named };
        for (field, value) in &fields {
            let first = match value {
                Value::List(values) => values.first(),
                one => Some(one),
            };
            let Some(Value::String(id)) = first else { continue };
            if field == "organizationId" {
                named.organization = id.parse().ok();
            } else if !BESIDES.contains(&field.as_str()) && prefix(id).is_some() {
                named.things.push(id.clone());
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

    /// The first thing that it names and whose author can see it.
    pub(super) async fn target(&self, request: &Request) -> Option<Target> {
        for id in &self.things {
            if let Some(target) = find(request, id).await {
                return Some(target);
            }
        }
        None
    }
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
            Some(Target { about, name: $name.clone(), organization: $organization })
        }};
    }
    match prefix(id)? {
        UserId::PREFIX => found!(UserId, row => (row.user.username, None)),
        GroupId::PREFIX => found!(GroupId, row => (row.name, Some(row.organization_id))),
        RoleId::PREFIX => found!(RoleId, row => (row.name, Some(row.organization_id))),
        TemplateId::PREFIX => found!(TemplateId, row => (row.name, Some(row.organization_id))),
        ProvisionerKeyId::PREFIX => found!(ProvisionerKeyId, row => (row.name, Some(row.organization_id))),
        WorkspaceId::PREFIX => {
            found!(WorkspaceId, row => (row.workspace.name, Some(row.workspace.organization_id)))
        }
        _ => None,
    }
}
