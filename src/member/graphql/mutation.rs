//! Changes to members.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use guildhall_entity::id::{OrganizationId, UserId};

use super::Member;
use crate::authz::{self, Permission};
use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome, outcome_of_item};
use crate::member::{self, Who};

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

/// Roles for several members.
#[derive(InputObject)]
struct SetMembersRolesInput {
    /// The organization.
    organization_id: ID,
    /// Who gets which, 1–100; each is answered for itself.
    members: Vec<MemberRolesInput>,
}

/// Roles for one of several members.
#[derive(InputObject)]
struct MemberRolesInput {
    /// The user.
    user_id: ID,
    /// Exactly these roles from now on.
    roles: Vec<String>,
}

/// What became of one of several members.
#[derive(SimpleObject)]
struct SetMemberRolesResult {
    /// The user.
    user_id: ID,
    /// The member as they are now; null when there are user errors.
    member: Option<Member>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// What `setMembersRoles` answers.
#[derive(SimpleObject)]
struct SetMembersRolesPayload {
    /// One for each entry of the input, in its order.
    results: Vec<SetMemberRolesResult>,
    /// What a person can fix about the input as a whole.
    user_errors: Vec<UserError>,
}

/// Changes to members.
#[derive(Default)]
pub(crate) struct MemberMutation;

#[Object]
impl MemberMutation {
    /// Adds members to an organization, answering for each. Needs `MEMBER_CREATE`, and for those who get roles `ROLE_ASSIGN`.
    async fn add_members(&self, ctx: &Context<'_>, input: AddMembersInput) -> Nullable<AddMembersPayload> {
        nullable(async {
            let request = ctx.request();
            let (results, user_errors) = outcome(add(request, input).await)?;
            Ok(Some(AddMembersPayload { results: results.unwrap_or_default(), user_errors }))
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

    /// Gives members exactly these roles, answering for each. Needs `MEMBER_UPDATE` and `ROLE_ASSIGN`.
    async fn set_members_roles(
        &self,
        ctx: &Context<'_>,
        input: SetMembersRolesInput,
    ) -> Nullable<SetMembersRolesPayload> {
        nullable(async {
            let (results, user_errors) = outcome(set_all_roles(ctx.request(), input).await)?;
            Ok(Some(SetMembersRolesPayload { results: results.unwrap_or_default(), user_errors }))
        })
        .await
    }
}

const MEMBERS_AT_ONCE: usize = 100;

fn at_once(count: usize) -> Result<(), Refusal> {
    if (1..=MEMBERS_AT_ONCE).contains(&count) {
        return Ok(());
    }
    let message = format!("between 1 and {MEMBERS_AT_ONCE} members at once, got {count}");
    Err(Refusal::invalid(&["members"], message))
}

async fn add(request: &Request, input: AddMembersInput) -> Result<Vec<AddMemberResult>> {
    let organization = crate::organization::graphql::resolve(request, &input.organization_id).await?;
    at_once(input.members.len())?;
    request.require(Permission::MemberCreate, authz::Object::in_organization(organization))?;
    let mut results = Vec::with_capacity(input.members.len());
    for (at, entry) in input.members.into_iter().enumerate() {
        let added = add_one(request, organization, entry).await;
        let own = ["userId", "username", "roles"];
        let (member, user_errors) = outcome_of_item(added, ("members", at), &own)?;
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
    let user = member::add(&request.db, &request.actor, organization, &who, &roles).await?;
    Ok(Member::new(member::get(&request.db, &request.actor, organization, user).await?, request))
}

async fn set_roles(request: &Request, input: &SetMemberRolesInput) -> Result<Member> {
    let organization = crate::organization::graphql::resolve(request, &input.organization_id).await?;
    set_roles_of(request, organization, &input.user_id, &input.roles).await
}

async fn set_roles_of(
    request: &Request,
    organization: OrganizationId,
    user: &ID,
    roles: &[String],
) -> Result<Member> {
    let user: UserId = user.parse().map_err(|_| Refusal::not_found(&["userId"], "member"))?;
    member::set_roles(&request.db, &request.actor, organization, user, roles).await?;
    Ok(Member::new(member::get(&request.db, &request.actor, organization, user).await?, request))
}

async fn set_all_roles(request: &Request, input: SetMembersRolesInput) -> Result<Vec<SetMemberRolesResult>> {
    let organization = crate::organization::graphql::resolve(request, &input.organization_id).await?;
    at_once(input.members.len())?;
    request.require(Permission::MemberUpdate, authz::Object::in_organization(organization))?;
    let mut results = Vec::with_capacity(input.members.len());
    for (at, MemberRolesInput { user_id, roles }) in input.members.into_iter().enumerate() {
        let set = set_roles_of(request, organization, &user_id, &roles).await;
        let (member, user_errors) = outcome_of_item(set, ("members", at), &["userId", "roles"])?;
        results.push(SetMemberRolesResult { user_id, member, user_errors });
    }
    Ok(results)
}
