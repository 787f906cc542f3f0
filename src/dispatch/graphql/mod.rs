//! What daemons call, and the canceling of jobs.

mod daemon;
mod report;

pub(crate) use daemon::DaemonMutation;
pub(crate) use report::ReportMutation;

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use guildhall_entity::id::ProvisionerJobId;

use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::provisioner::graphql::ProvisionerJob;

/// A job to cancel.
#[derive(InputObject)]
struct CancelProvisionerJobInput {
    /// The job.
    provisioner_job_id: ID,
}

/// What `cancelProvisionerJob` answers.
#[derive(SimpleObject)]
struct CancelProvisionerJobPayload {
    /// The job as it is now; null when there are user errors.
    provisioner_job: Option<ProvisionerJob>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// The canceling of jobs.
#[derive(Default)]
pub(crate) struct JobMutation;

#[Object]
impl JobMutation {
    /// Cancels a job: one that waits at once, one that runs is told to stop. Needs `PROVISIONER_JOB_CANCEL`.
    async fn cancel_provisioner_job(
        &self,
        ctx: &Context<'_>,
        input: CancelProvisionerJobInput,
    ) -> Nullable<CancelProvisionerJobPayload> {
        nullable(async {
            let (provisioner_job, user_errors) =
                outcome(cancel(ctx.request(), &input.provisioner_job_id).await)?;
            Ok(Some(CancelProvisionerJobPayload { provisioner_job, user_errors }))
        })
        .await
    }
}

fn parse_job(id: &ID) -> Result<ProvisionerJobId> {
    id.parse().map_err(|_| Refusal::not_found(&["provisionerJobId"], "provisioner job").into())
}

async fn cancel(request: &Request, id: &ID) -> Result<ProvisionerJob> {
    request.signed_in()?;
    let id = parse_job(id)?;
    let not_found = || Refusal::not_found(&["provisionerJobId"], "provisioner job");
    let row = request.find(id).await?.ok_or_else(not_found)?;
    super::cancel(&request.db, &request.actor, &row).await?;
    Ok(request.get(id).await?.into())
}
