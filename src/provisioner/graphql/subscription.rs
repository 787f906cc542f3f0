//! What can be followed of provisioners.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Subscription};
use futures_util::{Stream, StreamExt};
use guildhall_entity::id::ProvisionerJobId;
use guildhall_front::{EventCursor, RequestMeta};

use super::job::ProvisionerJobLog;
use crate::db::list::List;
use crate::db::page::Cursor;
use crate::error::{Error, Result};
use crate::graphql::context::Ask;
use crate::provisioner::{LogList, tail};

/// A line of a job, as it is written.
pub(crate) struct ProvisionerJobLogEvent {
    log: ProvisionerJobLog,
    cursor: String,
}

/// A line of a job, as it is written.
#[Object]
impl ProvisionerJobLogEvent {
    /// Its place: pass it as `after` to go on from here. The same cursors as those of `ProvisionerJob.logs`.
    async fn cursor(&self) -> &str {
        &self.cursor
    }

    /// The line.
    async fn log(&self) -> &ProvisionerJobLog {
        &self.log
    }
}

/// What can be followed of provisioners.
#[derive(Default)]
pub(crate) struct ProvisionerSubscription;

#[Subscription]
impl ProvisionerSubscription {
    /// The lines of a job's log: those that are there, then those that come, each once and in order; completes when the job
    /// has ended. An event stream resumes by `Last-Event-ID`.
    async fn provisioner_job_logs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The job.")] job_id: ID,
        #[graphql(desc = "Start after this cursor; from the first line if absent.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<ProvisionerJobLogEvent>> + use<>> {
        let request = ctx.request();
        request.signed_in()?;
        let job: ProvisionerJobId = job_id.parse().map_err(|_| Error::NotFound("provisioner job"))?;
        request.find(job).await?.ok_or(Error::NotFound("provisioner job"))?;
        job_logs(ctx, job, after)
    }
}

/// The lines of a job that the viewer can see.
///
/// # Errors
/// BAD_USER_INPUT for a cursor that is none.
pub(crate) fn job_logs(
    ctx: &Context<'_>,
    job: ProvisionerJobId,
    after: Option<String>,
) -> Result<impl Stream<Item = Result<ProvisionerJobLogEvent>> + use<>> {
    let request = ctx.request();
    let last_seen = ctx.data_opt::<Arc<RequestMeta>>().and_then(|meta| meta.last_event_id.as_deref());
    let after = after.as_deref().or(last_seen).map(place).transpose()?;
    let event_cursor = ctx.data_opt::<EventCursor>().cloned();
    let (db, lookups) = (request.db.clone(), request.app.lookups.clone());
    let watch = request.app.watches.begin(&request.actor);
    Ok(tail::follow(db, lookups, watch, request.actor.clone(), job, after).map(move |line| {
        let (row, cursor) = line?;
        let cursor = cursor.encode(LogList.keyset());
        if let Some(event_cursor) = &event_cursor {
            event_cursor.set(cursor.clone());
        }
        Ok(ProvisionerJobLogEvent { log: row.into(), cursor })
    }))
}

fn place(text: &str) -> Result<Cursor> {
    Cursor::decode(text, LogList.keyset()).ok_or_else(|| Error::BadInput {
        argument: "after",
        message: "`after` is not a cursor of a job's log; pass one that it returned".into(),
    })
}
