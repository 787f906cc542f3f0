//! Dry runs: a version is planned with given values, so that its author sees what a workspace would be made of and cost.
//! Nothing is changed and no state is kept.

use guildhall_entity::id::{ProvisionerJobId, TemplateDryRunId, TemplateVersionId};
use guildhall_entity::json::Resources;
use guildhall_entity::kind::{JobState, JobType};
use serde_json::json;

use super::parameter::{self, Given, Kept, Value};
use super::store::dry_run as store;
use super::{TemplateRow, VersionContent, VersionRow, access, version};
use crate::audit::{Action, Change, Facts, facts, named};
use crate::authz::{Actor, Denied, Permission, Resource};
use crate::db::{Db, Tx};
use crate::error::{Refusal, Result};
use crate::provisioner::job::{self, NewJob, Priority};
use crate::seal::Sealer;

fn purpose(dry_run: TemplateDryRunId) -> String {
    format!("parameters of {dry_run}")
}

/// Queues a plan of a version.
///
/// # Errors
/// FORBIDDEN without `TEMPLATE_UPDATE`; refusals for a version whose import has not succeeded, and for values that it does
/// not take.
pub(crate) async fn create(
    db: &Db,
    sealer: &Sealer,
    actor: &Actor,
    template: &TemplateRow,
    (version, content): (&VersionRow, &VersionContent),
    given: Vec<Given>,
) -> Result<TemplateDryRunId> {
    let organization = template.organization_id;
    let permit = access::admit(db, actor, template, Permission::TemplateUpdate).await?;
    let creator = actor.user_id().ok_or(Denied::Lacking(Permission::TemplateUpdate))?;
    let Some((JobState::Succeeded, tags)) = version::import_of(db, version.id).await? else {
        let message = "its import has not succeeded: there is nothing to plan";
        return Err(Refusal::conflict(&["templateVersionId"], message).into());
    };
    let values = parameter::check(&content.variables, given, None)?;
    let mut tx = db.begin(permit).await?;
    let id: TemplateDryRunId = tx.clock().id();
    let names: Vec<_> = values.iter().map(|value| value.name.clone()).collect();
    // Whatever of them is secret is erased when the run ends.
    let values = values.into_iter().map(Value::for_one_build).collect();
    let kept = parameter::split(sealer, &purpose(id), values)?;
    let job = NewJob {
        organization,
        kind: JobType::TemplateDryRun,
        tags,
        initiator: Some(creator),
        owner: creator,
        priority: Priority::Person,
    };
    let job = job::insert_in(&mut tx, job).await?;
    let row = store::NewRow {
        id,
        organization,
        version: version.id,
        job,
        parameters: kept.open,
        sealed_parameters: kept.ephemeral,
        created_by: creator,
    };
    store::insert_in(&tx, row).await?;
    let after = facts(json!({ "templateVersion": named(&version.name, version.id), "parameters": names }));
    let name = version::path(template, &version.name);
    let change =
        Change::new(Action::Create, Resource::Template, Some(organization), id, name, &Facts::new(), &after);
    tx.commit(change).await?;
    Ok(id)
}

/// What the daemon that holds the job of a dry run is given.
pub(crate) struct Assignment {
    pub(crate) version: TemplateVersionId,
    pub(crate) values: Vec<Given>,
    /// The user name of who asked for it, who would own the workspace.
    pub(crate) owner: String,
    /// The name of the organization.
    pub(crate) organization: String,
}

/// The assignment of a job; `None` when it plans no version.
pub(crate) async fn assignment(
    db: &Db,
    sealer: &Sealer,
    job: ProvisionerJobId,
) -> Result<Option<Assignment>> {
    let Some((row, (owner, organization))) = store::given(db, job).await? else { return Ok(None) };
    let kept = Kept { open: row.parameters, sealed: None, ephemeral: row.sealed_parameters };
    let values = parameter::join(sealer, &purpose(row.id), kept)?;
    let (owner, organization) = (owner.0, organization.0);
    Ok(Some(Assignment { version: row.template_version_id, values, owner, organization }))
}

/// The version that a job plans.
pub(crate) async fn version_of_job(db: &Db, job: ProvisionerJobId) -> Result<Option<TemplateVersionId>> {
    store::version_of_job(db, job).await
}

/// Keeps what a plan found, inside the transaction that ends its job.
pub(crate) async fn planned_in(
    tx: &Tx,
    job: ProvisionerJobId,
    resources: Resources,
    daily_cost: Option<i32>,
) -> Result<()> {
    store::planned_in(tx, job, resources, daily_cost).await
}

/// Ends a dry run that found nothing, inside the transaction that ends its job.
pub(crate) async fn ended_in(tx: &Tx, job: ProvisionerJobId) -> Result<()> {
    store::forget_in(tx, job).await
}

/// The newest of the values that are sealed for dry runs.
pub(crate) async fn sealed_sample(db: &Db) -> Result<Option<Vec<u8>>> {
    store::VALUES.sample(db).await
}

/// Seals with the newest key the values of dry runs that are sealed with another; answers how many sets that were.
///
/// # Errors
/// When something does not open, or the database fails.
pub(crate) async fn reseal(db: &Db, sealer: &Sealer) -> Result<u64> {
    store::VALUES.anew(db, sealer, purpose).await
}
