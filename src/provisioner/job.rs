//! Jobs: PENDING → RUNNING → SUCCEEDED | FAILED; PENDING → CANCELED; RUNNING → CANCELING → CANCELED (or SUCCEEDED or
//! FAILED if it ends first). A job whose daemon is lost or stops before anything was applied goes back: RUNNING → PENDING.
//! Nothing else.

use guildhall_entity::id::{OrganizationId, ProvisionerDaemonId, ProvisionerJobId, UserId};
use guildhall_entity::json::Tags;
use guildhall_entity::kind::{JobState, JobType, LogLevel, LogSource};
use sea_orm::prelude::DateTimeUtc;
use secrecy::SecretString;

use super::daemon::{Caller, unknown_daemon};
use super::store::{job as store, log, presence, queue};
use super::{JobRow, LogRow};
use crate::authn::job_token::JobTokens;
use crate::authn::secret;
use crate::authz::{Actor, Object, Permission};
use crate::db::{Db, Tx, Unaudited};
use crate::error::{Error, Refusal, Result};
use crate::events::{Event, EventKind};

/// Builds that people wait for go before those that a schedule made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Priority {
    /// Somebody waits.
    Person = 0,
    /// Nobody does.
    Schedule = 10,
}

/// A job to be queued.
pub(crate) struct NewJob {
    pub(crate) organization: OrganizationId,
    pub(crate) kind: JobType,
    pub(crate) tags: Tags,
    pub(crate) initiator: Option<UserId>,
    pub(crate) owner: UserId,
    pub(crate) priority: Priority,
}

/// Queues a job inside the transaction of what it is for.
pub(crate) async fn insert_in(tx: &mut Tx, job: NewJob) -> Result<ProvisionerJobId> {
    let id: ProvisionerJobId = tx.clock().id();
    let organization = job.organization;
    let entry = queue::Entry {
        organization,
        tags: &job.tags,
        priority: job.priority as i32,
        initiator: job.initiator.unwrap_or(job.owner),
    };
    let turn = queue::turn_in(tx, &entry).await?;
    let row = store::NewRow {
        id,
        organization,
        kind: job.kind,
        tags: job.tags,
        initiator: job.initiator,
        owner: job.owner,
        priority: job.priority as i32,
        turn,
    };
    store::insert_in(tx, row).await?;
    tx.emit(event(EventKind::JobQueued, organization, id)).await?;
    Ok(id)
}

/// Makes jobs somebody else's, with what they are for.
pub(crate) async fn give_in(tx: &Tx, jobs: &[ProvisionerJobId], owner: UserId) -> Result<()> {
    super::store::owner::set_in(tx, jobs, owner).await
}

fn event(kind: EventKind, organization: OrganizationId, job: ProvisionerJobId) -> Event {
    Event { kind, organization: Some(organization), subject: job.0, parent: None }
}

/// A daemon asks for work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) daemon: ProvisionerDaemonId,
    /// Names the question, with what makes its token: asked again, it is answered with the same job.
    pub(crate) key: Option<(&'a str, &'a JobTokens)>,
}

/// Gives a daemon the next job that it may take, with a token that stands for this job alone; or, where its question has
/// been answered before, that job, which it has not heard of: who holds a job asks another question.
///
/// # Errors
/// CONFLICT when the daemon is not registered (any more); a refusal when the job that it was given has ended.
pub(crate) async fn acquire(
    db: &Db,
    actor: &Actor,
    Question { daemon, key }: Question<'_>,
) -> Result<Option<(JobRow, SecretString)>> {
    let caller = Caller::of(actor)?;
    let permit =
        actor.authorize(Permission::ProvisionerDaemonServe, Object::in_organization(caller.organization))?;
    let (repeatable, mut tokens) = match key {
        Some((key, tokens)) => (true, tokens.of(daemon, key)?),
        None => (false, vec![secret::generate(db.clock(), secret::JOB)]),
    };
    let mut tx = db.begin(permit).await?;
    // On PostgreSQL this locks the daemon's row: of two of its questions, one sees what the other was answered.
    if !presence::touch_in(&tx, daemon, caller.organization, caller.key).await? {
        return Err(unknown_daemon());
    }
    for (token, hash) in tokens.iter().filter(|_| repeatable) {
        let Some(given) = store::by_token_hash_in(&tx, hash).await? else { continue };
        if !given.is_held_by(daemon) {
            let message =
                "the job that was given for this key has ended; ask for the next one with a new key";
            return Err(Refusal::conflict(&["idempotencyKey"], message).into());
        }
        store::touch_in(&tx, &[given.id], 0).await?;
        tx.commit_unaudited(Unaudited::JobProgress).await?;
        return Ok(Some((given, token.clone())));
    }
    let (token, token_hash) = tokens.swap_remove(0);
    let claimed = queue::claim_in(&tx, caller.organization, daemon, &caller.tags, token_hash).await?;
    if let Some(job) = &claimed {
        tx.emit(event(EventKind::JobChanged, job.organization_id, job.id)).await?;
    }
    tx.commit_unaudited(Unaudited::JobProgress).await?;
    Ok(claimed.map(|job| (job, token)))
}

/// The longest line kept, in bytes; the rest of a longer one is cut.
const LINE_MAX: usize = 1024;
/// The most that one job may log, in bytes of lines and their stages; then one notice.
const LOG_MAX: i64 = 1024 * 1024;
/// What stands where the log was cut off.
const OVERFLOW: &str = "this job has written 1 MiB of log; what follows is not kept";

/// A line to append.
pub(crate) struct Line {
    pub(crate) time: DateTimeUtc,
    pub(crate) level: LogLevel,
    pub(crate) source: LogSource,
    pub(crate) stage: String,
    pub(crate) text: String,
}

/// Appends lines to a job's log; the call may be repeated. Answers whether the job was asked to stop.
///
/// # Errors
/// CONFLICT when the daemon does not hold the job.
pub(crate) async fn append_logs(
    db: &Db,
    actor: &Actor,
    Held { job, attempt }: Held,
    first_sequence: i32,
    lines: Vec<Line>,
) -> Result<bool> {
    let (mut tx, row) = begin_held(db, actor, Held { job, attempt }).await?;
    let mut bytes = 0;
    let mut rows = Vec::with_capacity(lines.len());
    let last_sequence = first_sequence.saturating_add(i32::try_from(lines.len()).unwrap_or(i32::MAX));
    // A line that is sent again must not be counted again.
    let kept = log::kept_in(&tx, job, first_sequence, last_sequence).await?;
    for (sequence, line) in (first_sequence..).zip(lines) {
        if kept.contains(&sequence) {
            continue;
        }
        if row.log_bytes + bytes >= LOG_MAX {
            break;
        }
        let mut text = line.text;
        text.truncate(text.floor_char_boundary(LINE_MAX));
        // PostgreSQL keeps no NUL in text.
        text.retain(|c| c != '\0');
        let stage: String = line.stage.chars().filter(|c| !c.is_control()).take(64).collect();
        bytes += i64::try_from(text.len() + stage.len()).unwrap_or(i64::MAX).max(1);
        if row.log_bytes + bytes >= LOG_MAX {
            OVERFLOW.clone_into(&mut text);
        }
        rows.push(LogRow { sequence, time: line.time, level: line.level, source: line.source, stage, text });
    }
    log::append_in(&tx, row.organization_id, job, rows).await?;
    store::touch_in(&tx, &[job], bytes).await?;
    if bytes > 0 {
        tx.tell_only(event(EventKind::JobLogged, row.organization_id, job));
    }
    tx.commit_unaudited(Unaudited::JobProgress).await?;
    Ok(row.state == JobState::Canceling)
}

/// A job as a daemon names it in its reports: which, and the how-manieth time it was taken then. Whoever took it before
/// that does not hold it any more, whatever its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) job: ProvisionerJobId,
    pub(crate) attempt: i32,
}

impl JobRow {
    /// The job as its daemon names it.
    pub(crate) fn held(&self) -> Held {
        Held { job: self.id, attempt: self.attempts }
    }

    fn is_held_by(&self, daemon: ProvisionerDaemonId) -> bool {
        matches!(self.state, JobState::Running | JobState::Canceling)
            && self.provisioner_daemon_id == Some(daemon)
    }
}

/// Begins a write for a job that the calling daemon holds.
///
/// # Errors
/// CONFLICT when it does not hold it.
pub(crate) async fn begin_held(db: &Db, actor: &Actor, held: Held) -> Result<(Tx, JobRow)> {
    let caller = Caller::of(actor)?;
    let permit =
        actor.authorize(Permission::ProvisionerDaemonServe, Object::in_organization(caller.organization))?;
    let tx = db.begin(permit).await?;
    let row = store::held_in(&tx, caller.organization, caller.key, &[held.job]).await?.into_iter().next();
    let row = row.filter(|row| row.attempts == held.attempt).ok_or_else(|| {
        Error::Conflict("this daemon does not hold this job (any more); stop working on it".into())
    })?;
    Ok((tx, row))
}

/// A job as it is now, locked, if it is as it was when the reaper looked: in the same state, without a word since.
pub(crate) async fn overdue_in(tx: &Tx, seen: &JobRow) -> Result<Option<JobRow>> {
    let now = store::lock_in(tx, seen.id).await?;
    Ok(now.filter(|now| now.state == seen.state && now.updated_at == seen.updated_at))
}

/// Notes, between plan and apply, that the job is about to change the world.
pub(crate) async fn applying_in(tx: &Tx, job: &JobRow) -> Result<()> {
    queue::applying_in(tx, job.id).await
}

/// How often a job is taken before it must end.
pub(crate) const ATTEMPTS_MAX: i32 = 3;

/// Puts a running job back into the queue inside the caller's transaction, where nothing of it was applied and it was not
/// taken too often; says in its log why. `false` when it must end instead.
pub(crate) async fn requeue_in(tx: &mut Tx, job: &JobRow, why: &str) -> Result<bool> {
    if !queue::requeue_in(tx, job.id, ATTEMPTS_MAX).await? {
        return Ok(false);
    }
    let line = LogRow {
        sequence: log::next_in(tx, job.id).await?,
        time: tx.clock().now(),
        level: LogLevel::Warn,
        source: LogSource::ProvisionerDaemon,
        stage: "Queue".into(),
        text: format!(
            "{why}; it waits for a provisioner again (it was taken {} of {ATTEMPTS_MAX} times)",
            job.attempts
        ),
    };
    log::append_in(tx, job.organization_id, job.id, vec![line]).await?;
    tx.tell_only(event(EventKind::JobLogged, job.organization_id, job.id));
    tx.emit(event(EventKind::JobQueued, job.organization_id, job.id)).await?;
    Ok(true)
}

/// The sequence of the line that a job's log goes on with.
pub(crate) async fn next_sequence(db: &Db, job: ProvisionerJobId) -> Result<i32> {
    log::next(db, job).await
}

/// How a job ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending<'a> {
    /// Well.
    Succeeded,
    /// With an error: a code and what a person reads.
    Failed(&'a str, &'a str),
    /// Because somebody asked for it.
    Canceled,
}

/// Ends a job inside the transaction that keeps its result. `false` when it has ended already.
pub(crate) async fn end_in(tx: &mut Tx, job: &JobRow, ending: Ending<'_>) -> Result<bool> {
    let (to, error) = match ending {
        Ending::Succeeded => (JobState::Succeeded, None),
        Ending::Failed(code, message) => (JobState::Failed, Some((code, message))),
        Ending::Canceled => (JobState::Canceled, None),
    };
    let from: &[JobState] = match (job.state, ending) {
        (JobState::Pending, Ending::Canceled | Ending::Failed(..)) => &[JobState::Pending],
        (JobState::Running | JobState::Canceling, Ending::Canceled) => &[JobState::Canceling],
        (JobState::Running | JobState::Canceling, _) => &[JobState::Running, JobState::Canceling],
        _ => return Ok(false),
    };
    let ended = store::end_in(tx, job.id, from, to, error).await?;
    if ended {
        tx.emit(event(EventKind::JobChanged, job.organization_id, job.id)).await?;
    }
    Ok(ended)
}

/// Asks for a running job to stop, inside the caller's transaction.
pub(crate) async fn request_cancel_in(tx: &mut Tx, job: &JobRow) -> Result<()> {
    if !store::request_cancel_in(tx, job.id).await? {
        return Err(Refusal::conflict(&["provisionerJobId"], "the job has ended or is being canceled").into());
    }
    tx.emit(event(EventKind::JobChanged, job.organization_id, job.id)).await
}

/// Cancels a job that nobody needs any more, inside the caller's transaction: one that runs is asked to stop. `true` when it
/// waited and has ended.
pub(crate) async fn withdraw_in(tx: &mut Tx, job: ProvisionerJobId) -> Result<bool> {
    match store::lock_in(tx, job).await? {
        Some(row) if row.state == JobState::Pending => end_in(tx, &row, Ending::Canceled).await,
        Some(row) if row.state == JobState::Running => {
            request_cancel_in(tx, &row).await?;
            Ok(false)
        }
        _ => Ok(false),
    }
}

/// The job of a token. `None` for one that has succeeded: what it made is at home then. After any other end a Terraform that
/// outlived its daemon may still bring home what it made.
pub(crate) async fn find_by_token(db: &Db, token: &str) -> Result<Option<JobRow>> {
    if !secret::is_well_formed(token, secret::JOB) {
        return Ok(None);
    }
    let job = store::by_token_hash(db, &secret::hash(token)).await?;
    Ok(job.filter(|job| job.state != JobState::Succeeded))
}

/// Ends what is done with a job's token, inside the caller's transaction.
pub(crate) async fn forget_token_in(tx: &Tx, job: ProvisionerJobId) -> Result<()> {
    store::forget_token_in(tx, job).await
}

/// How many jobs have not ended, by state, in all organizations: for who runs the server, not for an actor.
pub(crate) async fn unfinished(db: &Db) -> Result<Vec<(JobState, i64)>> {
    store::unfinished(db).await
}

/// Some of the jobs that the reaper must look at, in the order of their ids; the next ones are `after` the last.
pub(crate) async fn overdue(
    db: &Db,
    silent_since: DateTimeUtc,
    waiting_since: DateTimeUtc,
    after: Option<ProvisionerJobId>,
) -> Result<Vec<JobRow>> {
    queue::overdue(db, silent_since, waiting_since, after).await
}
