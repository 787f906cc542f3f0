//! What a mutation names in its input, for the entry of the audit log when it is denied.

use async_graphql::parser::types::{ExecutableDocument, Selection};
use async_graphql::{Request as GraphqlRequest, Value, Variables};
use guildhall_entity::id::{
    GroupId, OrganizationId, ProvisionerKeyId, RoleId, TemplateId, TypedId, UserId, WorkspaceId, prefix,
};

use super::context::Request;
use crate::audit::Target;

/// Fields of inputs that name something besides what is to be changed.
const BESIDES: [&str; 4] = ["organizationId", "transferToUserId", "ownerId", "fileId"];

/// The ids in the input of a mutation's only field. Where it has several, none is told from another.
#[derive(Debug, Default)]
pub(super) struct Named {
    organization: Option<OrganizationId>,
    things: Vec<String>,
}

impl Named {
    /// Reads what a request names.
    pub(super) fn of(request: &mut GraphqlRequest) -> Self {
        let variables = std::mem::take(&mut request.variables);
        let named = match request.parsed_query() {
            Ok(document) => input(document, &variables).map(Self::read).unwrap_or_default(),
            Err(_) => Self::default(),
        };
        request.variables = variables;
        named
    }

    fn read(input: Value) -> Self {
        let mut named = Self::default();
        let Value::Object(fields) = input else { return named };
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

/// The input of the document's only field.
fn input(document: &ExecutableDocument, variables: &Variables) -> Option<Value> {
    let (_, operation) = document.operations.iter().next()?;
    let [selection] = operation.node.selection_set.node.items.as_slice() else { return None };
    let Selection::Field(field) = &selection.node else { return None };
    let value = field.node.get_argument("input")?.node.clone();
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
