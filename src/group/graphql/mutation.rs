//! Changes to groups.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use guildhall_entity::id::{GroupId, UserId};

use super::Group;
use crate::authz::{self, Permission};
use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, is_stale, nullable, outcome, outcome_of_item};
use crate::group::{self, GroupRow, NewGroup, Patch};

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
    /// Credits a day for each member, 0–1,000,000; 0 if absent.
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

/// What to change about a group. An absent field stays as it is.
#[derive(InputObject)]
struct UpdateGroupInput {
    /// The group. Of Everyone, only the allowance can be changed.
    group_id: ID,
    /// A new name.
    name: MaybeUndefined<String>,
    /// At most 64 characters; null or empty falls back to the name.
    display_name: MaybeUndefined<String>,
    /// An emoji, `https:` URL or site path; null empties it.
    avatar_url: MaybeUndefined<String>,
    /// Credits a day for each member, 0–1,000,000; null is 0.
    quota_allowance: MaybeUndefined<i32>,
    /// Refuse with `StaleVersion` unless it is still at this version.
    expected_version: Option<i32>,
}

/// What `updateGroup` answers.
#[derive(SimpleObject)]
struct UpdateGroupPayload {
    /// The group as it is now, also when `expectedVersion` is stale; null for other user errors.
    group: Option<Group>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// A group to delete.
#[derive(InputObject)]
struct DeleteGroupInput {
    /// The group; Everyone stays.
    group_id: ID,
}

/// What `deleteGroup` answers.
#[derive(SimpleObject)]
struct DeleteGroupPayload {
    /// Which was deleted; null when there are user errors.
    deleted_group_id: Option<ID>,
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

/// Users to take out of a group.
#[derive(InputObject)]
struct RemoveGroupMembersInput {
    /// The group.
    group_id: ID,
    /// Members of the group, 1–100; each is answered for itself.
    user_ids: Vec<ID>,
}

/// What became of one of several users.
#[derive(SimpleObject)]
struct RemoveGroupMemberResult {
    /// The user.
    user_id: ID,
    /// What a person can fix; empty when they were in the group and are no more.
    user_errors: Vec<UserError>,
}

/// What `removeGroupMembers` answers.
#[derive(SimpleObject)]
struct RemoveGroupMembersPayload {
    /// The group; null when there are user errors.
    group: Option<Group>,
    /// One for each user of the input, in its order.
    results: Vec<RemoveGroupMemberResult>,
    /// What a person can fix about the input as a whole.
    user_errors: Vec<UserError>,
}

/// Changes to groups.
#[derive(Default)]
pub(crate) struct GroupMutation;

#[Object]
impl GroupMutation {
    /// Creates a group. Needs `GROUP_CREATE`, and `QUOTA_UPDATE` where it gets an allowance.
    async fn create_group(&self, ctx: &Context<'_>, input: CreateGroupInput) -> Nullable<CreateGroupPayload> {
        nullable(async {
            let (group, user_errors) = outcome(create(ctx.request(), input).await)?;
            Ok(Some(CreateGroupPayload { group, user_errors }))
        })
        .await
    }

    /// Changes a group. Needs `GROUP_UPDATE`, and for its allowance `QUOTA_UPDATE`, which is enough where nothing else is
    /// to change.
    async fn update_group(&self, ctx: &Context<'_>, input: UpdateGroupInput) -> Nullable<UpdateGroupPayload> {
        nullable(async {
            let request = ctx.request();
            let id = input.group_id.clone();
            let (mut group, user_errors) = outcome(update(request, input).await)?;
            if is_stale(&user_errors) {
                // What it is now, past what this request has read before.
                let afresh = request.afresh();
                group = resolve(&afresh, &id).await.ok().map(Group::from);
            }
            Ok(Some(UpdateGroupPayload { group, user_errors }))
        })
        .await
    }

    /// Deletes a group: its members lose its allowance and the templates that only it let them use. Needs `GROUP_DELETE`, and
    /// `QUOTA_UPDATE` where it has an allowance.
    async fn delete_group(&self, ctx: &Context<'_>, input: DeleteGroupInput) -> Nullable<DeleteGroupPayload> {
        nullable(async {
            let (deleted_group_id, user_errors) = outcome(delete(ctx.request(), input.group_id).await)?;
            Ok(Some(DeleteGroupPayload { deleted_group_id, user_errors }))
        })
        .await
    }

    /// Puts members of the organization into a group, answering for each. Needs `GROUP_UPDATE`; where the group is ADMIN of a
    /// template, what that gives; for oneself, all that the group gives.
    async fn add_group_members(
        &self,
        ctx: &Context<'_>,
        input: AddGroupMembersInput,
    ) -> Nullable<AddGroupMembersPayload> {
        nullable(async {
            let (added, user_errors) = outcome(add_members(ctx.request(), input).await)?;
            let (group, results) =
                added.map_or((None, Vec::new()), |(group, results)| (Some(group), results));
            Ok(Some(AddGroupMembersPayload { group, results, user_errors }))
        })
        .await
    }

    /// Takes users out of a group, answering for each. Needs `GROUP_UPDATE`.
    async fn remove_group_members(
        &self,
        ctx: &Context<'_>,
        input: RemoveGroupMembersInput,
    ) -> Nullable<RemoveGroupMembersPayload> {
        nullable(async {
            let (removed, user_errors) = outcome(remove_members(ctx.request(), input).await)?;
            let (group, results) =
                removed.map_or((None, Vec::new()), |(group, results)| (Some(group), results));
            Ok(Some(RemoveGroupMembersPayload { group, results, user_errors }))
        })
        .await
    }
}

/// The group that an input names.
async fn resolve(request: &Request, id: &ID) -> Result<GroupRow> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["groupId"], "group");
    let id: GroupId = id.parse().map_err(|_| not_found())?;
    Ok(request.find(id).await?.ok_or_else(not_found)?)
}

async fn create(request: &Request, input: CreateGroupInput) -> Result<Group> {
    let organization = crate::organization::graphql::resolve(request, &input.organization_id).await?;
    let new = NewGroup::parse(
        &input.name,
        input.display_name.as_deref(),
        input.avatar_url.as_deref(),
        input.quota_allowance,
    )?;
    let needed = (Permission::GroupCreate, authz::Object::in_organization(organization));
    let made = request
        .once(input.idempotency_key.as_deref(), "createGroup", &input, needed, async |db| {
            group::create(&db, &request.actor, organization, new).await
        })
        .await?;
    Ok(request.made::<GroupId>(made).await?.into())
}

async fn update(request: &Request, input: UpdateGroupInput) -> Result<Group> {
    let row = resolve(request, &input.group_id).await?;
    let name = match input.name {
        MaybeUndefined::Null => return Err(Refusal::invalid(&["name"], "a name can't be null").into()),
        given => given.take(),
    };
    let patch = Patch {
        name,
        display_name: emptied(input.display_name),
        avatar_url: emptied(input.avatar_url),
        quota_allowance: emptied(input.quota_allowance),
        expected_version: input.expected_version,
    };
    group::update(&request.db, &request.actor, &row, patch).await?;
    // What the request has read before is old now.
    let row = group::find(&request.db, &request.actor, row.id).await?;
    Ok(row.ok_or_else(|| Refusal::not_found(&["groupId"], "group"))?.into())
}

/// Null empties, absent leaves.
fn emptied<T: Default>(given: MaybeUndefined<T>) -> Option<T> {
    match given {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(T::default()),
        MaybeUndefined::Value(value) => Some(value),
    }
}

async fn delete(request: &Request, id: ID) -> Result<ID> {
    let row = resolve(request, &id).await?;
    group::delete(&request.db, &request.actor, &row).await?;
    Ok(id)
}

async fn add_members(
    request: &Request,
    input: AddGroupMembersInput,
) -> Result<(Group, Vec<AddGroupMemberResult>)> {
    let group = resolve(request, &input.group_id).await?;
    request.require(Permission::GroupUpdate, authz::Object::in_organization(group.organization_id))?;
    let mut results = Vec::with_capacity(input.user_ids.len());
    for (at, (user_id, user)) in users(input.user_ids)?.enumerate() {
        let added = match user {
            Ok(user) => group::member::add(&request.db, &request.actor, &group, user).await,
            Err(_) => Err(Refusal::not_found(&["userIds"], "member of the organization").into()),
        };
        let (_, user_errors) = outcome_of_item(added, ("userIds", at), &[])?;
        results.push(AddGroupMemberResult { user_id, user_errors });
    }
    Ok((group.into(), results))
}

async fn remove_members(
    request: &Request,
    input: RemoveGroupMembersInput,
) -> Result<(Group, Vec<RemoveGroupMemberResult>)> {
    let group = resolve(request, &input.group_id).await?;
    request.require(Permission::GroupUpdate, authz::Object::in_organization(group.organization_id))?;
    let mut results = Vec::with_capacity(input.user_ids.len());
    for (at, (user_id, user)) in users(input.user_ids)?.enumerate() {
        let removed = match user {
            Ok(user) => group::member::remove(&request.db, &request.actor, &group, user).await,
            Err(_) => Err(Refusal::not_found(&["userIds"], "member of the group").into()),
        };
        let (_, user_errors) = outcome_of_item(removed, ("userIds", at), &[])?;
        results.push(RemoveGroupMemberResult { user_id, user_errors });
    }
    Ok((group.into(), results))
}

const MEMBERS_AT_ONCE: usize = 100;

/// The users that an input names, each with what its id means.
fn users(ids: Vec<ID>) -> Result<impl Iterator<Item = (ID, Result<UserId, ()>)>> {
    if !(1..=MEMBERS_AT_ONCE).contains(&ids.len()) {
        let message = format!("between 1 and {MEMBERS_AT_ONCE} users at once, got {}", ids.len());
        return Err(Refusal::invalid(&["userIds"], message).into());
    }
    Ok(ids.into_iter().map(|id| {
        let user = id.parse().map_err(|_| ());
        (id, user)
    }))
}
