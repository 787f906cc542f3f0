//! Changing versions: names and messages, out of use and back.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, SimpleObject};
use guildhall_entity::id::TemplateVersionId;

use super::TemplateVersion;
use super::template::resolve;
use crate::authz::Permission;
use crate::error::{Error, Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, is_stale, nullable, outcome, outcome_of_item};
use crate::template::version_change::{self, Patch};
use crate::template::{TemplateRow, VersionRow, access};

/// The most versions in one call of `archiveTemplateVersions`.
const AT_ONCE: usize = 100;

/// What to change about a version. An absent field stays as it is.
#[derive(InputObject)]
struct UpdateTemplateVersionInput {
    /// The version.
    template_version_id: ID,
    /// A new name, unique in its template.
    name: MaybeUndefined<String>,
    /// What to say of it, at most 500 characters; null empties it.
    message: MaybeUndefined<String>,
    /// Refuse with `StaleVersion` unless it is still at this version.
    expected_version: Option<i32>,
}

/// What `updateTemplateVersion` answers.
#[derive(SimpleObject)]
struct UpdateTemplateVersionPayload {
    /// The version as it is now, also when `expectedVersion` is stale; null for other user errors.
    template_version: Option<TemplateVersion>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Versions to put out of use.
#[derive(InputObject)]
struct ArchiveTemplateVersionsInput {
    /// Their template.
    template_id: ID,
    /// The versions, 1–100; each is answered for itself.
    template_version_ids: Vec<ID>,
    /// One for each of them, in the same order: refuse it with `StaleVersion` unless it is still at this version. Null for one
    /// that may be at any.
    expected_versions: Option<Vec<Option<i32>>>,
}

/// What became of one of several versions.
#[derive(SimpleObject)]
struct ArchiveTemplateVersionResult {
    /// The version that was named.
    template_version_id: ID,
    /// The version as it is now, also when its expected version is stale; null for other user errors.
    template_version: Option<TemplateVersion>,
    /// What a person can fix; empty when it is out of use now.
    user_errors: Vec<UserError>,
}

/// What `archiveTemplateVersions` answers.
#[derive(SimpleObject)]
struct ArchiveTemplateVersionsPayload {
    /// One for each version of the input, in its order.
    results: Vec<ArchiveTemplateVersionResult>,
    /// What a person can fix about the input as a whole.
    user_errors: Vec<UserError>,
}

/// A version to take back into use.
#[derive(InputObject)]
struct UnarchiveTemplateVersionInput {
    /// The version.
    template_version_id: ID,
    /// Refuse with `StaleVersion` unless it is still at this version.
    expected_version: Option<i32>,
}

/// What `unarchiveTemplateVersion` answers.
#[derive(SimpleObject)]
struct UnarchiveTemplateVersionPayload {
    /// The version as it is now, also when `expectedVersion` is stale; null for other user errors.
    template_version: Option<TemplateVersion>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Changes to versions that are there.
#[derive(Default)]
pub(crate) struct TemplateVersionChangeMutation;

#[Object]
impl TemplateVersionChangeMutation {
    /// Changes the name and message of a version. Needs `TEMPLATE_UPDATE`.
    async fn update_template_version(
        &self,
        ctx: &Context<'_>,
        input: UpdateTemplateVersionInput,
    ) -> Nullable<UpdateTemplateVersionPayload> {
        nullable(async {
            let request = ctx.request();
            let id = input.template_version_id.clone();
            let (changed, user_errors) = outcome(update(request, input).await)?;
            let template_version = changed_or_current(request, &id, changed, &user_errors).await;
            Ok(Some(UpdateTemplateVersionPayload { template_version, user_errors }))
        })
        .await
    }

    /// Puts versions out of use, answering for each: they can't be promoted, and no new workspace is made from them. The
    /// active version stays. Workspaces that are at one of them start from it still. Needs `TEMPLATE_UPDATE`.
    async fn archive_template_versions(
        &self,
        ctx: &Context<'_>,
        input: ArchiveTemplateVersionsInput,
    ) -> Nullable<ArchiveTemplateVersionsPayload> {
        nullable(async {
            let (results, user_errors) = outcome(archive(ctx.request(), input).await)?;
            Ok(Some(ArchiveTemplateVersionsPayload { results: results.unwrap_or_default(), user_errors }))
        })
        .await
    }

    /// Takes a version back into use. Needs `TEMPLATE_UPDATE`.
    async fn unarchive_template_version(
        &self,
        ctx: &Context<'_>,
        input: UnarchiveTemplateVersionInput,
    ) -> Nullable<UnarchiveTemplateVersionPayload> {
        nullable(async {
            let request = ctx.request();
            let (changed, user_errors) = outcome(unarchive(request, &input).await)?;
            let id = &input.template_version_id;
            let template_version = changed_or_current(request, id, changed, &user_errors).await;
            Ok(Some(UnarchiveTemplateVersionPayload { template_version, user_errors }))
        })
        .await
    }
}

/// A version that was changed, or, where another was expected, what it is now, past what this request has read before.
async fn changed_or_current(
    request: &Request,
    id: &ID,
    changed: Option<TemplateVersion>,
    user_errors: &[UserError],
) -> Option<TemplateVersion> {
    if !is_stale(user_errors) {
        return changed;
    }
    resolve_version(&request.afresh(), id).await.ok().map(|(_, row)| row.into())
}

/// The version that an input names, with its template.
pub(super) async fn resolve_version(request: &Request, id: &ID) -> Result<(TemplateRow, VersionRow)> {
    request.signed_in()?;
    let not_found = || Refusal::not_found(&["templateVersionId"], "template version");
    let id: TemplateVersionId = id.parse().map_err(|_| not_found())?;
    let version = request.find(id).await?.ok_or_else(not_found)?;
    let template = request.find(version.template_id).await?.ok_or_else(not_found)?;
    Ok((template, version))
}

async fn update(request: &Request, input: UpdateTemplateVersionInput) -> Result<TemplateVersion> {
    let (template, version) = resolve_version(request, &input.template_version_id).await?;
    let name = match &input.name {
        MaybeUndefined::Null => return Err(Refusal::invalid(&["name"], "a name can't be null").into()),
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Value(name) => Some(name.as_str()),
    };
    let message = match &input.message {
        MaybeUndefined::Null => Some(""),
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Value(text) => Some(text.as_str()),
    };
    let patch = Patch { name, message, expected_version: input.expected_version };
    version_change::describe(&request.db, &request.actor, &template, &version, patch).await?;
    Ok(request.get(version.id).await?.into())
}

async fn archive(
    request: &Request,
    input: ArchiveTemplateVersionsInput,
) -> Result<Vec<ArchiveTemplateVersionResult>> {
    let template = resolve(request, &input.template_id).await?;
    if !(1..=AT_ONCE).contains(&input.template_version_ids.len()) {
        let message =
            format!("between 1 and {AT_ONCE} versions at once, got {}", input.template_version_ids.len());
        return Err(Refusal::invalid(&["templateVersionIds"], message).into());
    }
    let expected = input.expected_versions.unwrap_or_else(|| vec![None; input.template_version_ids.len()]);
    if expected.len() != input.template_version_ids.len() {
        let message = format!(
            "one for each of the {} versions, got {}",
            input.template_version_ids.len(),
            expected.len()
        );
        return Err(Refusal::invalid(&["expectedVersions"], message).into());
    }
    let object = access::object(&request.db, &request.actor, &template).await?;
    request.require(Permission::TemplateUpdate, object)?;
    let mut results = Vec::with_capacity(input.template_version_ids.len());
    for (at, (id, expected)) in input.template_version_ids.into_iter().zip(expected).enumerate() {
        let archived =
            archive_one(request, &template, &id, expected).await.map_err(|error| of_expected(error, at));
        let (archived, user_errors) = outcome_of_item(archived, ("templateVersionIds", at), &[])?;
        let template_version = changed_or_current(request, &id, archived, &user_errors).await;
        results.push(ArchiveTemplateVersionResult { template_version_id: id, template_version, user_errors });
    }
    Ok(results)
}

/// The same error, where it is about the expected version of an item, with its place among those.
fn of_expected(error: Error, at: usize) -> Error {
    let Error::Refused(refusals) = error else { return error };
    let of_expected = |refusal: Refusal| match refusal.field.as_slice() {
        [name] if name == "expectedVersion" => refusal.of_item("expectedVersions", at, &[]),
        _ => refusal,
    };
    Error::Refused(refusals.into_iter().map(of_expected).collect())
}

async fn archive_one(
    request: &Request,
    template: &TemplateRow,
    id: &ID,
    expected: Option<i32>,
) -> Result<TemplateVersion> {
    let not_found = || Refusal::not_found(&["templateVersionId"], "version of this template");
    let id: TemplateVersionId = id.parse().map_err(|_| not_found())?;
    let found = request.find(id).await?;
    let version = found.filter(|version| version.template_id == template.id).ok_or_else(not_found)?;
    version_change::archive(&request.db, &request.actor, template, &version, expected).await?;
    Ok(request.get(id).await?.into())
}

async fn unarchive(request: &Request, input: &UnarchiveTemplateVersionInput) -> Result<TemplateVersion> {
    let (template, version) = resolve_version(request, &input.template_version_id).await?;
    let expected = input.expected_version;
    version_change::unarchive(&request.db, &request.actor, &template, &version, expected).await?;
    Ok(request.get(version.id).await?.into())
}
