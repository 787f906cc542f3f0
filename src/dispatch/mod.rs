//! The daemons' side of the API: what a job's task is, and what its end means for the template version or workspace it
//! was for. Composes provisioners, templates and workspaces; owns no table.

pub(crate) mod graphql;
pub(crate) mod reaper;
mod task;

pub(crate) use task::{Task, TaskValue, file_of};

use guildhall_entity::id::ProvisionerJobId;
use guildhall_entity::json::{Resources, Variables};
use guildhall_entity::kind::{JobState, JobType};

use crate::audit::{Action, Change, Facts, facts};
use crate::authz::{Actor, Object, Permission, Resource};
use crate::credits;
use crate::db::{Db, Tx, Unaudited, boxed};
use crate::error::{Error, Refusal, Result};
use crate::provisioner::JobRow;
use crate::provisioner::job::{self, Ending, Held};
use crate::quota;
use crate::seal::Sealer;
use crate::template::{dry_run, settings, version};
use crate::workspace::build::{self, Made};
use crate::workspace::state;

/// What people read of a job that no daemon can be told to do.
const NO_TASK: &str = "the server could not make out what is to be done, for a fault of its own or because a sealing key is \
                       missing; who runs it finds the cause in its log";

/// The task of a job that the calling daemon has just taken. `None` when there is no telling what is to be done: the job has
/// failed then, instead of going from daemon to daemon.
///
/// # Errors
/// When the database fails, or for a job that belongs to nothing.
pub(crate) async fn task_or_end(
    db: &Db,
    actor: &Actor,
    sealer: &Sealer,
    row: &JobRow,
) -> Result<Option<Task>> {
    match task::task(db, sealer, row).await {
        Ok(task) => Ok(Some(task)),
        // What the database can't do now, it may do when it is asked again.
        Err(Error::Internal(cause)) if !cause.is::<sea_orm::DbErr>() => {
            tracing::error!(job = %row.id, %cause, "a job can't be carried out");
            let failure = Failure { code: "NO_TASK", message: NO_TASK, canceled: false, handed_back: false };
            fail(db, actor, row.held(), failure).await?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What a job brought.
pub(crate) enum Outcome {
    /// What an import found.
    Import {
        /// README.md.
        readme: String,
        /// The module's variables.
        variables: Variables,
    },
    /// What a dry run planned.
    DryRun {
        /// What would be made.
        resources: Resources,
        /// Credits a day; `None` where only an apply tells.
        daily_cost: Option<i32>,
    },
    /// What a build made.
    Build(Made),
}

/// Ends a job well, on its daemon's word.
///
/// # Errors
/// CONFLICT when the daemon does not hold the job; a refusal when the result is of another kind than the job.
pub(crate) async fn complete(db: &Db, actor: &Actor, held: Held, outcome: Outcome) -> Result<()> {
    let (mut tx, row) = job::begin_held(db, actor, held).await?;
    let id = row.id;
    let mut promoted = None;
    match (row.kind, outcome) {
        (JobType::TemplateImport, Outcome::Import { readme, variables }) => {
            let version = version::of_job(db, id).await?.ok_or_else(|| orphan(id))?;
            promoted = version::imported_in(&tx, &version, &readme, variables).await?;
        }
        (JobType::TemplateDryRun, Outcome::DryRun { resources, daily_cost }) => {
            dry_run::planned_in(&tx, id, resources, daily_cost).await?;
        }
        (JobType::WorkspaceBuild, Outcome::Build(made)) => {
            let target = build::of_job(db, id).await?.ok_or_else(|| orphan(id))?;
            boxed(build::ended_in(&mut tx, &target, JobState::Succeeded, Some(made))).await?;
        }
        _ => return Err(Refusal::invalid(&["result"], "the result is not of the job's type").into()),
    }
    job::end_in(&mut tx, &row, Ending::Succeeded).await?;
    match promoted {
        Some(change) => tx.commit(change).await,
        None => tx.commit_unaudited(Unaudited::JobProgress).await,
    }
}

/// Decides, on its daemon's word, over what a planned build is going to cost a day, between plan and apply. Where that is not
/// known before the apply there is nothing to decide; either way the build may be applied from now on, and its job is not
/// given to another daemon any more.
///
/// # Errors
/// CONFLICT when the daemon does not hold the job; refusals for a job that builds nothing or is being canceled, and for a cost
/// beyond the quota, which stays noted with the build.
pub(crate) async fn plan(db: &Db, actor: &Actor, held: Held, daily_cost: Option<i32>) -> Result<()> {
    let (tx, row) = job::begin_held(db, actor, held).await?;
    if row.kind != JobType::WorkspaceBuild {
        return Err(Refusal::invalid(&["provisionerJobId"], "the job builds no workspace").into());
    }
    if row.state == JobState::Canceling {
        let message = "the job is being canceled: apply nothing, and end it as canceled";
        return Err(Refusal::conflict(&["provisionerJobId"], message).into());
    }
    let daily_cost = daily_cost.map(|cost| credits::checked(&["dailyCost"], cost)).transpose()?;
    let target = build::of_job(db, row.id).await?.ok_or_else(|| orphan(row.id))?;
    let refusal = match daily_cost {
        Some(cost) => quota::decide_in(&tx, &target, cost).await?,
        None => None,
    };
    if refusal.is_none() {
        job::applying_in(&tx, &row).await?;
    }
    tx.commit_unaudited(Unaudited::JobProgress).await?;
    match refusal {
        Some(refusal) => Err(Refusal::quota_exceeded(&["dailyCost"], refusal).into()),
        None => Ok(()),
    }
}

fn orphan(job: ProvisionerJobId) -> Error {
    Error::internal(format!("{job} belongs to nothing"))
}

/// Why a job did not come to a result.
pub(crate) struct Failure<'a> {
    /// For programs.
    pub(crate) code: &'a str,
    /// For people.
    pub(crate) message: &'a str,
    /// It ended because it was asked to.
    pub(crate) canceled: bool,
    /// Its daemon stops and says that another one may do it.
    pub(crate) handed_back: bool,
}

/// Ends a job with an error, or as canceled where that was asked for, on its daemon's word; `true` when it was handed back
/// and waits for another daemon instead.
///
/// # Errors
/// CONFLICT when the daemon does not hold the job.
pub(crate) async fn fail(db: &Db, actor: &Actor, held: Held, failure: Failure<'_>) -> Result<bool> {
    let (mut tx, row) = job::begin_held(db, actor, held).await?;
    let requeued = failure.handed_back && requeue_in(&mut tx, db, &row, failure.message).await?;
    if !requeued {
        let canceling = row.state == JobState::Canceling;
        let ending = if canceling && (failure.canceled || failure.handed_back) {
            Ending::Canceled
        } else {
            Ending::Failed(failure.code, failure.message)
        };
        end_in(&mut tx, db, &row, ending).await?;
    }
    tx.commit_unaudited(Unaudited::JobProgress).await?;
    Ok(requeued)
}

/// Lets another daemon take a job of which nothing was applied; what its Terraform locked is free for the next one.
async fn requeue_in(tx: &mut Tx, db: &Db, row: &JobRow, why: &str) -> Result<bool> {
    if !job::requeue_in(tx, row, why).await? {
        return Ok(false);
    }
    if row.kind == JobType::WorkspaceBuild {
        let target = build::of_job(db, row.id).await?.ok_or_else(|| orphan(row.id))?;
        state::forget_lock_in(tx, &target).await?;
    }
    Ok(true)
}

/// Ends a job without a result, with what that means for its build.
async fn end_in(tx: &mut Tx, db: &Db, row: &JobRow, ending: Ending<'_>) -> Result<bool> {
    if !job::end_in(tx, row, ending).await? {
        return Ok(false);
    }
    match row.kind {
        JobType::TemplateImport => {}
        JobType::TemplateDryRun => dry_run::ended_in(tx, row.id).await?,
        JobType::WorkspaceBuild => {
            let target = build::of_job(db, row.id).await?.ok_or_else(|| orphan(row.id))?;
            let state =
                if matches!(ending, Ending::Canceled) { JobState::Canceled } else { JobState::Failed };
            boxed(build::ended_in(tx, &target, state, None)).await?;
        }
    }
    Ok(true)
}

/// A template may forbid the owners of its workspaces to interrupt builds: what is half made is for those to judge who may
/// cancel any job of the organization.
async fn may_interrupt(tx: &Tx, db: &Db, row: &JobRow) -> Result<()> {
    let everywhere = Object::in_organization(row.organization_id);
    if row.kind != JobType::WorkspaceBuild || tx.actor().may(Permission::ProvisionerJobCancel, everywhere) {
        return Ok(());
    }
    let target = build::of_job(db, row.id).await?.ok_or_else(|| orphan(row.id))?;
    let versions = version::referred_rows(db, &[target.version]).await?;
    let version = versions.first().ok_or_else(|| orphan(row.id))?;
    if settings::owners_cancel_in(tx, version.template_id).await? {
        return Ok(());
    }
    let message = "the template does not let owners of workspaces cancel builds that run; wait for it, or ask an \
                   administrator of the organization";
    Err(Refusal::conflict(&["provisionerJobId"], message).into())
}

/// Cancels a job: one that waits is canceled at once, one that runs is told to stop.
///
/// # Errors
/// FORBIDDEN without `PROVISIONER_JOB_CANCEL`; a refusal for a job that has ended or is being canceled, and for a build whose
/// template forbids it.
pub(crate) async fn cancel(db: &Db, actor: &Actor, row: &JobRow) -> Result<()> {
    let object = Object::in_organization(row.organization_id).owned_by(row.owner_id);
    let permit = actor.authorize(Permission::ProvisionerJobCancel, object)?;
    let mut tx = db.begin(permit).await?;
    let state = if row.state == JobState::Pending && end_in(&mut tx, db, row, Ending::Canceled).await? {
        JobState::Canceled
    } else {
        // It may have been taken since it was read.
        may_interrupt(&tx, db, row).await?;
        job::request_cancel_in(&mut tx, row).await?;
        JobState::Canceling
    };
    let after = facts(serde_json::json!({ "state": state.as_str() }));
    let change = Change::new(
        Action::Cancel,
        Resource::ProvisionerJob,
        Some(row.organization_id),
        row.id,
        row.kind.as_str(),
        &Facts::new(),
        &after,
    );
    tx.commit(change).await
}
