//! How the outbox is kept: numbered by one at a time, read by everybody, forgotten from its beginning.

use guildhall_entity::id::{AuditLogId, OrganizationId};
use guildhall_entity::{event, event_pending, outbox};
use sea_orm::prelude::{DateTimeUtc, Uuid};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, IntoTableRef, Order, Query};

use crate::authz::Resource;
use crate::db::row::{One, row, select};
use crate::db::{Db, Tx};
use crate::error::Result;
use crate::events::{Kind, Record};

row! {
    /// What an event is about, in the outbox and before it is there.
    pub(crate) struct Told {
        time: DateTimeUtc,
        organization_id: Option<OrganizationId>,
        kind: Option<String>,
        resource: String,
        subject_prefix: String,
        subject_id: Option<Uuid>,
        parent_id: Option<Uuid>,
        audit_log_id: Option<AuditLogId>,
    }
}

impl Told {
    fn numbered(self, sequence: i64) -> Record {
        Record {
            sequence,
            time: self.time,
            organization: self.organization_id,
            kind: self.kind.as_deref().and_then(Kind::parse),
            resource: Resource::parse(&self.resource),
            prefix: self.subject_prefix,
            subject: self.subject_id,
            parent: self.parent_id,
            audit: self.audit_log_id,
        }
    }
}

row! {
    /// How far the outbox goes.
    pub(crate) struct Extent {
        /// The last number given.
        last as "last_sequence": i64,
        /// Everything up to this one is forgotten.
        forgotten as "forgotten_through": i64,
    }
}

/// How far the outbox goes.
pub(super) async fn extent(db: &Db) -> Result<Extent> {
    let mut statement = Query::select().from_as(outbox::Entity, "o").take();
    select::<Extent>(&mut statement, "o");
    db.row(&statement).await?.ok_or_else(no_row)
}

fn no_row() -> crate::error::Error {
    crate::error::Error::internal("the outbox has lost its row")
}

/// Whether committed events wait to be numbered.
pub(super) async fn is_pending(db: &Db) -> Result<bool> {
    let statement =
        Query::select().column(event_pending::Column::Id).from(event_pending::Entity).limit(1).take();
    Ok(db.row::<One<i64>>(&statement).await?.is_some())
}

/// The records after a place that meet a condition, in their order.
pub(super) async fn after(db: &Db, place: i64, condition: Condition, most: u64) -> Result<Vec<Record>> {
    let mut statement = Query::select()
        .column(("event", event::Column::Sequence))
        .from(event::Entity)
        .and_where(Expr::col(event::Column::Sequence).gt(place))
        .cond_where(condition)
        .order_by(event::Column::Sequence, Order::Asc)
        .limit(most)
        .take();
    select::<Told>(&mut statement, "event");
    let rows = db.rows::<(One<i64>, Told)>(&statement).await?;
    Ok(rows.into_iter().map(|(One(sequence), told)| told.numbered(sequence)).collect())
}

/// Takes the row that lets one at a time number or forget events, until the transaction ends; answers how far it goes.
pub(super) async fn hold_in(tx: &Tx) -> Result<Extent> {
    use outbox::Column;
    let statement = Query::update()
        .table(outbox::Entity)
        .value(Column::LastSequence, Expr::col(Column::LastSequence))
        .returning(Query::returning().columns([Column::LastSequence, Column::ForgottenThrough]))
        .take();
    tx.update_returning(&statement).await?.into_iter().next().ok_or_else(no_row)
}

/// Events that wait to be numbered, in the order in which their transactions wrote them; the row must be held.
pub(super) async fn pending_in(tx: &Tx, most: u64) -> Result<Vec<(i64, Told)>> {
    let mut statement = Query::select()
        .column(("p", event_pending::Column::Id))
        .from_as(event_pending::Entity, "p")
        .order_by(("p", event_pending::Column::Id), Order::Asc)
        .limit(most)
        .take();
    select::<Told>(&mut statement, "p");
    let rows = tx.rows::<(One<i64>, Told)>(&statement).await?;
    Ok(rows.into_iter().map(|(One(id), told)| (id, told)).collect())
}

/// Puts events into the outbox after `last`, instead of where they waited.
pub(super) async fn number_in(tx: &Tx, last: i64, waited: Vec<i64>, events: Vec<Told>) -> Result<()> {
    use event::Column;
    let mut statement = Query::insert();
    statement.into_table(event::Entity.into_table_ref()).columns([
        Column::Sequence,
        Column::Time,
        Column::OrganizationId,
        Column::Kind,
        Column::Resource,
        Column::SubjectPrefix,
        Column::SubjectId,
        Column::ParentId,
        Column::AuditLogId,
    ]);
    let mut sequence = last;
    for event in events {
        sequence += 1;
        statement.values_panic([
            sequence.into(),
            event.time.into(),
            event.organization_id.into(),
            event.kind.into(),
            event.resource.into(),
            event.subject_prefix.into(),
            event.subject_id.into(),
            event.parent_id.into(),
            event.audit_log_id.into(),
        ]);
    }
    tx.execute_insert(&statement).await?;
    let moved = Query::delete()
        .from_table(event_pending::Entity)
        .and_where(Expr::col(event_pending::Column::Id).is_in(waited))
        .take();
    tx.delete(&moved).await?;
    let further = Query::update().table(outbox::Entity).value(outbox::Column::LastSequence, sequence).take();
    tx.update(&further).await?;
    Ok(())
}

/// Forgets the oldest events from before a time, at most so many; answers how many. The row must be held.
pub(super) async fn forget_in(tx: &Tx, before: DateTimeUtc, most: u64) -> Result<u64> {
    use event::Column;
    let oldest = Query::select()
        .columns([Column::Sequence])
        .column(Column::Time)
        .from(event::Entity)
        .order_by(Column::Sequence, Order::Asc)
        .limit(most)
        .take();
    let rows = tx.rows::<(One<i64>, One<DateTimeUtc>)>(&oldest).await?;
    // From the beginning without a hole, so that one number says what is forgotten.
    let Some(through) = rows.iter().take_while(|(_, time)| time.0 < before).last().map(|(last, _)| last.0)
    else {
        return Ok(0);
    };
    let statement =
        Query::delete().from_table(event::Entity).and_where(Expr::col(Column::Sequence).lte(through)).take();
    let forgotten = tx.delete(&statement).await?;
    let noted = Query::update().table(outbox::Entity).value(outbox::Column::ForgottenThrough, through).take();
    tx.update(&noted).await?;
    Ok(forgotten)
}
