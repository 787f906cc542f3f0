//! How access lists of templates look.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject, Union};
use guildhall_entity::id::{OrganizationId, TemplateId};
use guildhall_entity::kind::AclRole;

use super::Template;
use crate::authz::{self, Permission};
use crate::db::search::Term;
use crate::error::{Error, Refusal, Result};
use crate::graphql::connection::{Connection, Node, Paging};
use crate::graphql::context::{Ask, Loaders, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome, outcome_of_item};
use crate::graphql::scalar::DateTime;
use crate::group::GroupRow;
use crate::group::graphql::Group;
use crate::template::access::{
    self, CandidateList, CandidateRow, EffectiveRow, EntryList, EntryOrder, EntryRow, GroupTemplateList,
    Subject,
};
use crate::template::{TemplateOrder, TemplateRow};
use crate::user::UserRow;
use crate::user::graphql::User;

/// What the access list of a template gives.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum TemplateRole {
    /// Nothing.
    None,
    /// See the template and create workspaces from it.
    Use,
    /// Also change and delete it, its versions and its access list.
    Admin,
}

impl From<AclRole> for TemplateRole {
    fn from(role: AclRole) -> Self {
        match role {
            AclRole::Use => Self::Use,
            AclRole::Admin => Self::Admin,
        }
    }
}

impl TemplateRole {
    fn stored(self) -> Option<AclRole> {
        match self {
            Self::None => None,
            Self::Use => Some(AclRole::Use),
            Self::Admin => Some(AclRole::Admin),
        }
    }
}

/// What access lists give the viewer; loaded for all templates of a page at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Listed(TemplateId);

#[async_trait::async_trait]
impl Loader<Listed> for Loaders {
    type Value = AclRole;
    type Error = Error;

    async fn load(&self, keys: &[Listed]) -> Result<HashMap<Listed, AclRole>> {
        let Some(user) = self.actor.user_id() else { return Ok(HashMap::new()) };
        let templates: Vec<TemplateId> = keys.iter().map(|key| key.0).collect();
        let mut given: HashMap<Listed, Vec<AclRole>> = HashMap::new();
        for listing in access::listings(&self.db, user, &templates).await? {
            given.entry(Listed(listing.template_id)).or_default().push(listing.role);
        }
        Ok(given.into_iter().filter_map(|(key, roles)| Some((key, access::strongest(roles)?))).collect())
    }
}

/// A template as the viewer's permissions are asked about it; the access lists of a page are read at once.
pub(super) async fn object(request: &Request, template: &TemplateRow) -> Result<authz::Object> {
    let object = authz::Object::in_organization(template.organization_id);
    let listed = match access::asks_list(&request.actor, object) {
        Some(_) => request.load(Listed(template.id)).await?,
        None => None,
    };
    Ok(authz::Object { listed, ..object })
}

/// A page of what those who may change a template see of its access list.
pub(super) async fn page<N>(
    ctx: &Context<'_>,
    template: &TemplateRow,
    list: N::List,
    paging: Paging,
) -> Result<Option<Connection<N>>>
where
    N: Node,
{
    let request = ctx.request();
    request.require(Permission::TemplateUpdate, object(request, template).await?)?;
    Connection::of(ctx, template.id, list, paging).await.map(Some)
}

/// Whom an access list can name.
#[derive(Clone, Union)]
pub(crate) enum TemplateAccessSubject {
    /// A member of the organization.
    User(User),
    /// A group of the organization.
    Group(Group),
}

impl TemplateAccessSubject {
    fn of(
        (user, group): (Option<UserRow>, Option<GroupRow>),
        organization: OrganizationId,
        request: &Request,
    ) -> Option<Self> {
        match (user, group) {
            (Some(user), _) => Some(Self::User(User::known(user, organization, request))),
            (None, group) => group.map(|group| Self::Group(group.into())),
        }
    }
}

/// An entry of a template's access list. Visible to those who may change the template.
#[derive(Clone, SimpleObject)]
pub(crate) struct TemplateAccess {
    /// Whom it names; null when they have just been removed.
    subject: Option<TemplateAccessSubject>,
    /// What it gives them, never NONE.
    role: TemplateRole,
    /// When they were put on the list.
    created_at: DateTime,
}

impl Node for TemplateAccess {
    type List = EntryList;
    const NAME: &'static str = "TemplateAccess";

    fn from_row((entry, named): (EntryRow, (Option<UserRow>, Option<GroupRow>)), request: &Request) -> Self {
        Self {
            subject: TemplateAccessSubject::of(named, entry.organization_id, request),
            role: entry.role.into(),
            created_at: entry.created_at.into(),
        }
    }
}

/// Which entries.
#[derive(Default, InputObject)]
pub(crate) struct TemplateAccessFilter {
    /// Text in the name or display name of whom it names.
    query: Option<String>,
    /// Which give this.
    role: Option<TemplateRole>,
}

impl TemplateAccessFilter {
    /// The list that it leaves, in this order.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a text that is too long.
    pub(super) fn list(self, order: Option<EntryOrder>) -> Result<EntryList> {
        let query = Term::asked(self.query.as_deref())?;
        let nothing = self.role == Some(TemplateRole::None);
        let role = self.role.and_then(TemplateRole::stored);
        Ok(EntryList { query, role, nothing, order: order.unwrap_or_default() })
    }
}

/// Which templates of a group.
#[derive(Default, InputObject)]
pub(crate) struct GroupTemplateFilter {
    /// Text in the template's name or display name.
    query: Option<String>,
    /// Which its members may do this with.
    role: Option<TemplateRole>,
}

impl GroupTemplateFilter {
    /// The list that it leaves, in this order.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a text that is too long.
    pub(crate) fn list(self, order: Option<TemplateOrder>) -> Result<GroupTemplateList> {
        let query = Term::asked(self.query.as_deref())?;
        let role = self.role.map(TemplateRole::stored);
        Ok(GroupTemplateList { query, role, order: order.unwrap_or_default() })
    }
}

/// Which candidates.
#[derive(Default, InputObject)]
pub(crate) struct TemplateAccessCandidateFilter {
    /// Text in name or display name.
    pub(super) query: Option<String>,
}

/// Somebody who could be put on a template's access list. Visible to those who may change the template.
#[derive(Clone, SimpleObject)]
pub(crate) struct TemplateAccessCandidate {
    /// A member or a group of the organization.
    subject: Option<TemplateAccessSubject>,
}

impl Node for TemplateAccessCandidate {
    type List = CandidateList;
    const NAME: &'static str = "TemplateAccessCandidate";

    fn from_row(
        (row, named): (CandidateRow, (Option<UserRow>, Option<GroupRow>)),
        request: &Request,
    ) -> Self {
        Self { subject: TemplateAccessSubject::of(named, row.organization_id, request) }
    }
}

/// What a group's members may do with a template. Visible to those who may change the template.
#[derive(Clone, SimpleObject)]
pub(crate) struct GroupTemplateAccess {
    /// The template.
    template: Template,
    /// The stronger of what the group's own entry and Everyone's give, never NONE.
    role: TemplateRole,
}

impl Node for GroupTemplateAccess {
    type List = GroupTemplateList;
    const NAME: &'static str = "GroupTemplateAccess";

    fn from_row((template, effective): (TemplateRow, EffectiveRow), _: &Request) -> Self {
        Self { template: template.into(), role: effective.role.into() }
    }
}

/// Changes to a template's access list.
#[derive(InputObject)]
struct SetTemplateAccessInput {
    /// The template.
    template_id: ID,
    /// What to change, 1–100 entries; each is answered for itself. Whom it does not name stays as they are.
    entries: Vec<TemplateAccessInput>,
}

/// What somebody may do with a template: exactly one of `userId` and `groupId`.
#[derive(InputObject)]
struct TemplateAccessInput {
    /// A member of the organization.
    user_id: Option<ID>,
    /// A group of the organization; Everyone among them.
    group_id: Option<ID>,
    /// What to give them; NONE takes them off the list.
    role: TemplateRole,
}

/// What became of one of several entries.
#[derive(SimpleObject)]
struct SetTemplateAccessResult {
    /// The id of the user or group of the input.
    subject_id: Option<ID>,
    /// What they are given now; null when there are user errors.
    role: Option<TemplateRole>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// What `setTemplateAccess` answers.
#[derive(SimpleObject)]
struct SetTemplateAccessPayload {
    /// The template; null when there are user errors.
    template: Option<Template>,
    /// One for each entry of the input, in its order.
    results: Vec<SetTemplateAccessResult>,
    /// What a person can fix about the input as a whole.
    user_errors: Vec<UserError>,
}

/// Changes to access lists.
#[derive(Default)]
pub(crate) struct TemplateAccessMutation;

#[Object]
impl TemplateAccessMutation {
    /// Gives members and groups of the organization access to a template, changes it or takes it away, answering for each.
    /// Needs `TEMPLATE_UPDATE` on the template, from a role or as its ADMIN, and whatever is given or taken. Nobody gives
    /// themselves access.
    async fn set_template_access(
        &self,
        ctx: &Context<'_>,
        input: SetTemplateAccessInput,
    ) -> Nullable<SetTemplateAccessPayload> {
        nullable(async {
            let (set, user_errors) = outcome(set(ctx.request(), input).await)?;
            let (template, results) =
                set.map_or((None, Vec::new()), |(template, results)| (Some(template), results));
            Ok(Some(SetTemplateAccessPayload { template, results, user_errors }))
        })
        .await
    }
}

const ENTRIES_AT_ONCE: usize = 100;

async fn set(
    request: &Request,
    input: SetTemplateAccessInput,
) -> Result<(Template, Vec<SetTemplateAccessResult>)> {
    let template = super::template::resolve(request, &input.template_id).await?;
    // For the input as a whole; each entry is asked again, for one before it may have taken the viewer off the list.
    request.require(Permission::TemplateUpdate, object(request, &template).await?)?;
    if !(1..=ENTRIES_AT_ONCE).contains(&input.entries.len()) {
        let message = format!("between 1 and {ENTRIES_AT_ONCE} entries at once, got {}", input.entries.len());
        return Err(Refusal::invalid(&["entries"], message).into());
    }
    let mut results = Vec::with_capacity(input.entries.len());
    for (at, entry) in input.entries.into_iter().enumerate() {
        let set = async {
            let subject = subject(&entry)?;
            access::set(&request.db, &request.actor, &template, subject, entry.role.stored()).await
        };
        let (done, user_errors) = outcome_of_item(set.await, ("entries", at), &[])?;
        let subject_id = entry.user_id.clone().or(entry.group_id.clone());
        results.push(SetTemplateAccessResult { subject_id, role: done.map(|()| entry.role), user_errors });
    }
    Ok((template.into(), results))
}

fn subject(entry: &TemplateAccessInput) -> Result<Subject, Refusal> {
    match (&entry.user_id, &entry.group_id) {
        (Some(id), None) => id
            .parse()
            .map(Subject::User)
            .map_err(|_| Refusal::not_found(&["entries", "userId"], "member of the organization")),
        (None, Some(id)) => id
            .parse()
            .map(Subject::Group)
            .map_err(|_| Refusal::not_found(&["entries", "groupId"], "group of the organization")),
        _ => Err(Refusal::invalid(&["entries", "userId"], "give exactly one of `userId` and `groupId`")),
    }
}
