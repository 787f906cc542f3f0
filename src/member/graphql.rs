//! How members look.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use guildhall_entity::id::{OrganizationId, UserId};

use super::{MemberList, MemberRow, Who};
use crate::authz::{self, Permission};
use crate::error::{Refusal, Result};
use crate::graphql::connection::Node;
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::graphql::guard::requires;
use crate::graphql::scalar::DateTime;
use crate::organization::graphql::Organization;
use crate::quota::graphql::Quota;
use crate::role::graphql::Role;
use crate::user::UserRow;
use crate::user::graphql::User;

/// A user's place in an organization.
#[derive(Clone)]
pub(crate) struct Member {
    row: MemberRow,
    user: User,
}

impl Member {
    fn new((row, user): (MemberRow, UserRow), request: &Request) -> Self {
        let user = User::through(user, row.organization_id, request);
        Self { row, user }
    }
}

impl Node for Member {
    type List = MemberList;
    const NAME: &'static str = "Member";

    fn from_row(row: (MemberRow, UserRow), request: &Request) -> Self {
        Self::new(row, request)
    }
}

/// A user's place in an organization. Visible to everyone in it.
#[Object]
impl Member {
    /// The organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.request().get(self.row.organization_id).await?.into())
    }

    /// The user.
    async fn user(&self) -> &User {
        &self.user
    }

    /// Roles they were given in this organization.
    async fn roles(&self, ctx: &Context<'_>) -> Result<Vec<Role>> {
        Role::in_organization(ctx.request(), self.row.organization_id, &self.row.roles.0).await
    }

    /// Their budget in this organization and what they use of it. FORBIDDEN without the permission, which everybody has
    /// for themselves.
    #[graphql(directive = requires::apply("QUOTA".into(), "READ".into()))]
    async fn quota(&self, ctx: &Context<'_>) -> Nullable<Quota> {
        nullable(async {
            let (request, organization, user) =
                (ctx.request(), self.row.organization_id, self.user.user_id());
            request.require(
                Permission::QuotaRead,
                authz::Object::in_organization(organization).owned_by(user),
            )?;
            Quota::of_member(request, organization, user).await.map(Some)
        })
        .await
    }

    /// When they joined.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// When their roles last changed.
    async fn updated_at(&self) -> DateTime {
        self.row.updated_at.into()
    }
}

/// Which members.
#[derive(Default, InputObject)]
pub(crate) struct MemberFilter {
    /// Text in username or name.
    pub(crate) query: Option<String>,
    /// Who hold this role.
    pub(crate) role: Option<String>,
}

/// Members to add.
#[derive(InputObject)]
struct AddMembersInput {
    /// The organization.
    organization_id: ID,
    /// Who, 1–100; each is answered for itself.
    members: Vec<NewMemberInput>,
}

/// A member to add: exactly one of `userId` and `username`.
#[derive(InputObject)]
struct NewMemberInput {
    /// By id.
    user_id: Option<ID>,
    /// By exact username, without regard to case.
    username: Option<String>,
    /// Roles to give, of those whose permissions the viewer holds; none if absent.
    roles: Option<Vec<String>>,
}

/// What became of one of several members.
#[derive(SimpleObject)]
struct AddMemberResult {
    /// The new member; null when there are user errors.
    member: Option<Member>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// What `addMembers` answers.
#[derive(SimpleObject)]
struct AddMembersPayload {
    /// One for each entry of the input, in its order.
    results: Vec<AddMemberResult>,
    /// What a person can fix about the input as a whole.
    user_errors: Vec<UserError>,
}

/// A member to remove.
#[derive(InputObject)]
struct RemoveMemberInput {
    /// The organization.
    organization_id: ID,
    /// The user.
    user_id: ID,
}

/// What `removeMember` answers.
#[derive(SimpleObject)]
struct RemoveMemberPayload {
    /// Who was removed; null when there are user errors.
    removed_user_id: Option<ID>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Roles for a member.
#[derive(InputObject)]
struct SetMemberRolesInput {
    /// The organization.
    organization_id: ID,
    /// The user.
    user_id: ID,
    /// Exactly these roles from now on.
    roles: Vec<String>,
}

/// What `setMemberRoles` answers.
#[derive(SimpleObject)]
struct SetMemberRolesPayload {
    /// The member as they are now; null when there are user errors.
    member: Option<Member>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Changes to members.
#[derive(Default)]
pub(crate) struct MemberMutation;

#[Object]
impl MemberMutation {
    /// Adds members to an organization, answering for each. Needs `MEMBER_CREATE`, and `ROLE_ASSIGN` where roles are given.
    async fn add_members(&self, ctx: &Context<'_>, input: AddMembersInput) -> Nullable<AddMembersPayload> {
        nullable(async {
            let request = ctx.request();
            let (results, user_errors) = outcome(add(request, input).await)?;
            Ok(Some(AddMembersPayload { results: results.unwrap_or_default(), user_errors }))
        })
        .await
    }

    /// Removes a member and their place in groups; their workspaces stay. Needs `MEMBER_DELETE`.
    async fn remove_member(
        &self,
        ctx: &Context<'_>,
        input: RemoveMemberInput,
    ) -> Nullable<RemoveMemberPayload> {
        nullable(async {
            let request = ctx.request();
            let (removed_user_id, user_errors) = outcome(remove(request, &input).await)?;
            Ok(Some(RemoveMemberPayload { removed_user_id, user_errors }))
        })
        .await
    }

    /// Gives a member exactly these roles. Needs `MEMBER_UPDATE` and `ROLE_ASSIGN`.
    async fn set_member_roles(
        &self,
        ctx: &Context<'_>,
        input: SetMemberRolesInput,
    ) -> Nullable<SetMemberRolesPayload> {
        nullable(async {
            let request = ctx.request();
            let (member, user_errors) = outcome(set_roles(request, &input).await)?;
            Ok(Some(SetMemberRolesPayload { member, user_errors }))
        })
        .await
    }
}

const MEMBERS_AT_ONCE: usize = 100;

async fn add(request: &Request, input: AddMembersInput) -> Result<Vec<AddMemberResult>> {
    let organization = crate::organization::graphql::resolve(request, &input.organization_id).await?;
    if !(1..=MEMBERS_AT_ONCE).contains(&input.members.len()) {
        let message = format!("between 1 and {MEMBERS_AT_ONCE} members at once, got {}", input.members.len());
        return Err(Refusal::invalid(&["members"], message).into());
    }
    let mut results = Vec::with_capacity(input.members.len());
    for entry in input.members {
        let (member, user_errors) = outcome(add_one(request, organization, entry).await)?;
        results.push(AddMemberResult { member, user_errors });
    }
    Ok(results)
}

async fn add_one(request: &Request, organization: OrganizationId, entry: NewMemberInput) -> Result<Member> {
    let who = match (entry.user_id, entry.username) {
        (Some(id), None) => Who::Id(id.parse().map_err(|_| Refusal::not_found(&["userId"], "user"))?),
        (None, Some(username)) => Who::Username(username),
        _ => return Err(Refusal::invalid(&["userId"], "give exactly one of `userId` and `username`").into()),
    };
    let roles = entry.roles.unwrap_or_default();
    let user = super::add(&request.db, &request.actor, organization, &who, &roles).await?;
    Ok(Member::new(super::get(&request.db, &request.actor, organization, user).await?, request))
}

async fn remove(request: &Request, input: &RemoveMemberInput) -> Result<ID> {
    let organization = crate::organization::graphql::resolve(request, &input.organization_id).await?;
    let user = parse_user(&input.user_id)?;
    super::remove(&request.db, &request.actor, organization, user).await?;
    Ok(input.user_id.clone())
}

async fn set_roles(request: &Request, input: &SetMemberRolesInput) -> Result<Member> {
    let organization = crate::organization::graphql::resolve(request, &input.organization_id).await?;
    let user = parse_user(&input.user_id)?;
    super::set_roles(&request.db, &request.actor, organization, user, &input.roles).await?;
    Ok(Member::new(super::get(&request.db, &request.actor, organization, user).await?, request))
}

fn parse_user(id: &ID) -> Result<UserId, Refusal> {
    id.parse().map_err(|_| Refusal::not_found(&["userId"], "member"))
}
