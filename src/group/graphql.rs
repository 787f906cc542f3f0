//! How groups look.

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};
use guildhall_entity::id::{GroupId, UserId};
use guildhall_entity::kind;

use super::{GroupList, GroupMemberList, GroupMemberRow, GroupRow, NewGroup};
use crate::authz::{Denied, Permission};
use crate::error::{Error, Refusal, Result};
use crate::graphql::connection::{Connection, Node, Paging};
use crate::graphql::context::{Ask, Loaders, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::graphql::guard::requires;
use crate::graphql::scalar::DateTime;
use crate::organization::graphql::Organization;
use crate::user::UserRow;
use crate::user::graphql::User;

/// Who manages a group's members.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "kind::GroupSource")]
pub(crate) enum GroupSource {
    /// People, here.
    User,
    /// Claims of an identity provider.
    Oidc,
    /// A SCIM client.
    Scim,
}

/// A group.
#[derive(Clone)]
pub(crate) struct Group(GroupRow);

impl From<GroupRow> for Group {
    fn from(row: GroupRow) -> Self {
        Self(row)
    }
}

impl Node for Group {
    type List = GroupList;
    const NAME: &'static str = "Group";

    fn from_row(row: GroupRow, _: &Request) -> Self {
        Self(row)
    }
}

/// Whether the viewer is in a group; loaded for all groups of a page at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Mine(GroupId);

impl Loader<Mine> for Loaders {
    type Value = ();
    type Error = Error;

    async fn load(&self, keys: &[Mine]) -> Result<HashMap<Mine, ()>> {
        let Some(user) = self.actor.user_id() else { return Ok(HashMap::new()) };
        let groups: Vec<GroupId> = keys.iter().map(|key| key.0).collect();
        Ok(super::groups_of(&self.db, user, &groups).await?.into_iter().map(|id| (Mine(id), ())).collect())
    }
}

impl Group {
    /// Members are for those who read them by a role, and for the group's own.
    async fn require_members(&self, request: &Request) -> Result<()> {
        let by_role = request.actor.may_by_role(Permission::GroupReadMembers, self.0.organization_id);
        let own = request.actor.membership(self.0.organization_id).is_some()
            && request.actor.admits(Permission::GroupReadMembers);
        if by_role || (own && request.load(Mine(self.0.id)).await?.is_some()) {
            return Ok(());
        }
        Err(Denied::Lacking(Permission::GroupReadMembers).into())
    }
}

/// A set of an organization's members. Visible to everyone in it.
#[Object]
impl Group {
    /// `grp_…`
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Its name, unique in the organization.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its name as people read it.
    async fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// An emoji, URL or site path; may be empty.
    async fn avatar_url(&self) -> &str {
        &self.0.avatar_url
    }

    /// Credits a day that each member may use; 0 or more.
    async fn quota_allowance(&self) -> i32 {
        self.0.quota_allowance
    }

    /// Who manages its members.
    async fn source(&self) -> GroupSource {
        self.0.source.into()
    }

    /// Whether it is the group that everybody in the organization is in.
    async fn is_everyone(&self) -> bool {
        self.0.is_everyone()
    }

    /// Its organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.request().get(self.0.organization_id).await?.into())
    }

    /// How many are in it. FORBIDDEN for a group that is not the viewer's own without the permission from a role.
    #[graphql(directive = requires::apply("GROUP".into(), "READ_MEMBERS".into()))]
    async fn member_count(&self, ctx: &Context<'_>) -> Nullable<i64> {
        nullable(async {
            let request = ctx.request();
            self.require_members(request).await?;
            Ok(Some(request.count(self.0.id.0, &GroupMemberList).await?))
        })
        .await
    }

    /// Who is in it. FORBIDDEN for a group that is not the viewer's own without the permission from a role.
    #[graphql(directive = requires::apply("GROUP".into(), "READ_MEMBERS".into()))]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Nullable<Connection<GroupMember>> {
        nullable(async {
            self.require_members(ctx.request()).await?;
            let paging = Paging { first, after, last, before };
            Connection::of(ctx, self.0.id, GroupMemberList, paging).await.map(Some)
        })
        .await
    }
}

/// Somebody's place in a group.
#[derive(Clone)]
pub(crate) struct GroupMember {
    row: GroupMemberRow,
    user: User,
}

impl Node for GroupMember {
    type List = GroupMemberList;
    const NAME: &'static str = "GroupMember";

    fn from_row((row, user): (GroupMemberRow, UserRow), request: &Request) -> Self {
        let user = User::through(user, row.organization_id, request);
        Self { row, user }
    }
}

/// Somebody's place in a group.
#[Object]
impl GroupMember {
    /// The user.
    async fn user(&self) -> &User {
        &self.user
    }

    /// Since when; for Everyone, since when in the organization.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }
}

/// Which groups.
#[derive(Default, InputObject)]
pub(crate) struct GroupFilter {
    /// Exactly this name.
    pub(crate) name: Option<String>,
    /// Text in name or display name.
    pub(crate) query: Option<String>,
}

/// A group to be made.
#[derive(InputObject)]
struct CreateGroupInput {
    /// The organization.
    organization_id: ID,
    /// 1–32 characters of a–z, 0–9 and single hyphens between them; unique in the organization.
    name: String,
    /// At most 64 characters; the name if absent.
    display_name: Option<String>,
    /// An emoji, `https:` URL or site path.
    avatar_url: Option<String>,
    /// Credits a day for each member; 0 if absent.
    quota_allowance: Option<i32>,
    /// Sent again within 24 hours with the same input, the answer is that of the first time; with another input, CONFLICT.
    idempotency_key: Option<String>,
}

/// What `createGroup` answers.
#[derive(SimpleObject)]
struct CreateGroupPayload {
    /// The new group; null when there are user errors.
    group: Option<Group>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Users to put into a group.
#[derive(InputObject)]
struct AddGroupMembersInput {
    /// The group.
    group_id: ID,
    /// Members of its organization, 1–100; each is answered for itself.
    user_ids: Vec<ID>,
}

/// What became of one of several users.
#[derive(SimpleObject)]
struct AddGroupMemberResult {
    /// The user.
    user_id: ID,
    /// What a person can fix; empty when they are in the group now.
    user_errors: Vec<UserError>,
}

/// What `addGroupMembers` answers.
#[derive(SimpleObject)]
struct AddGroupMembersPayload {
    /// The group; null when there are user errors.
    group: Option<Group>,
    /// One for each user of the input, in its order.
    results: Vec<AddGroupMemberResult>,
    /// What a person can fix about the input as a whole.
    user_errors: Vec<UserError>,
}

/// Changes to groups.
#[derive(Default)]
pub(crate) struct GroupMutation;

#[Object]
impl GroupMutation {
    /// Creates a group. Needs `GROUP_CREATE`.
    async fn create_group(&self, ctx: &Context<'_>, input: CreateGroupInput) -> Nullable<CreateGroupPayload> {
        nullable(async {
            let request = ctx.request();
            let (group, user_errors) = outcome(create(request, input).await)?;
            Ok(Some(CreateGroupPayload { group, user_errors }))
        })
        .await
    }

    /// Puts members of the organization into a group, answering for each. Needs `GROUP_UPDATE`.
    async fn add_group_members(
        &self,
        ctx: &Context<'_>,
        input: AddGroupMembersInput,
    ) -> Nullable<AddGroupMembersPayload> {
        nullable(async {
            let request = ctx.request();
            let (added, user_errors) = outcome(add_members(request, input).await)?;
            let (group, results) =
                added.map_or((None, Vec::new()), |(group, results)| (Some(group), results));
            Ok(Some(AddGroupMembersPayload { group, results, user_errors }))
        })
        .await
    }
}

async fn create(request: &Request, input: CreateGroupInput) -> Result<Group> {
    let organization = crate::organization::graphql::resolve(request, &input.organization_id).await?;
    let new = NewGroup::parse(
        &input.name,
        input.display_name.as_deref(),
        input.avatar_url.as_deref(),
        input.quota_allowance,
    )?;
    let made = request
        .once(input.idempotency_key.as_deref(), "createGroup", &input, async |db| {
            super::create(&db, &request.actor, organization, new).await
        })
        .await?;
    let id: GroupId = made.id()?;
    Ok(request.get(id).await?.into())
}

const MEMBERS_AT_ONCE: usize = 100;

async fn add_members(
    request: &Request,
    input: AddGroupMembersInput,
) -> Result<(Group, Vec<AddGroupMemberResult>)> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["groupId"], "group");
    let id: GroupId = input.group_id.parse().map_err(|_| not_found())?;
    let group = request.find(id).await?.ok_or_else(not_found)?;
    if !(1..=MEMBERS_AT_ONCE).contains(&input.user_ids.len()) {
        let message = format!("between 1 and {MEMBERS_AT_ONCE} users at once, got {}", input.user_ids.len());
        return Err(Refusal::invalid(&["userIds"], message).into());
    }
    let mut results = Vec::with_capacity(input.user_ids.len());
    for user_id in input.user_ids {
        let added = match user_id.parse::<UserId>() {
            Ok(user) => super::add_member(&request.db, &request.actor, &group, user).await,
            Err(_) => Err(Refusal::not_found(&["userIds"], "member of the organization").into()),
        };
        let (_, user_errors) = outcome(added)?;
        results.push(AddGroupMemberResult { user_id, user_errors });
    }
    Ok((group.into(), results))
}
