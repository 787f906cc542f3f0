//! How the audit log is read and how it ends.

use async_graphql::resolver_utils::EnumType;
use guildhall_entity::audit_log::{Column, Entity};
use guildhall_entity::id::{AuditLogId, OrganizationId};
use sea_orm::prelude::{DateTimeUtc, Json, Uuid};
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Order, Query, SelectStatement};

use crate::audit::Action;
use crate::authz::{Actor, Permission, Reach, Resource};
use crate::db::list::{Find, List, split};
use crate::db::page::{Key, Keyset};
use crate::db::row::{row, select};
use crate::db::{Tx, covered, parted};
use crate::error::Result;

row! {
    /// An entry of the log.
    pub(crate) struct AuditRow {
        id: AuditLogId,
        time: DateTimeUtc,
        actor_kind: String,
        actor_id: Option<Uuid>,
        actor_name: String,
        organization_id: Option<OrganizationId>,
        action: String,
        resource: String,
        resource_prefix: String,
        resource_id: Option<Uuid>,
        resource_name: String,
        permission: Option<String>,
        diff: Json,
        status: String,
        request_id: String,
        ip: String,
    }
}

/// Entries of organizations whose log the actor may read; those of no organization only for who reads the whole log.
fn visible(actor: &Actor) -> Condition {
    covered(&actor.reach(Permission::AuditLogRead), Expr::col(("a", Column::OrganizationId)), None)
}

impl Find for AuditLogId {
    type Row = AuditRow;
    const ID: (&'static str, &'static str) = ("a", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "a").cond_where(visible(actor)).take();
        select::<AuditRow>(&mut statement, "a");
        statement
    }
}

/// Which entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct AuditFilter {
    pub(crate) actor: Option<Uuid>,
    pub(crate) action: Option<&'static str>,
    pub(crate) resource: Option<&'static str>,
    pub(crate) resource_id: Option<Uuid>,
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) status: Option<&'static str>,
    pub(crate) from: Option<DateTimeUtc>,
    pub(crate) to: Option<DateTimeUtc>,
    /// An id in the filter does not parse: nothing can match it.
    pub(crate) impossible: bool,
}

/// The log, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct AuditList {
    pub(crate) filter: AuditFilter,
    pub(crate) order: AuditOrder,
}

/// Orders of the audit log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "AuditLogOrder")]
pub(crate) enum AuditOrder {
    /// Oldest first.
    TimeAsc,
    /// Newest first. The default.
    #[default]
    TimeDesc,
}

impl List for AuditList {
    type Row = AuditRow;

    fn source(&self, actor: &Actor) -> SelectStatement {
        let filter = &self.filter;
        let column = |column: Column| Expr::col(("a", column));
        let mut statement = Query::select().from_as(Entity, "a").cond_where(visible(actor)).take();
        let equal = [
            (Column::Action, filter.action),
            (Column::Resource, filter.resource),
            (Column::Status, filter.status),
        ];
        for (of, value) in equal {
            if let Some(value) = value {
                statement.and_where(column(of).eq(value));
            }
        }
        if filter.status.is_some_and(|status| status != "SUCCESS") {
            // Few, with an index of their own, whose condition must stand in the statement word for word.
            statement.and_where(Expr::cust("a.status <> 'SUCCESS'"));
        }
        if let Some(id) = filter.actor {
            statement.and_where(column(Column::ActorId).eq(id));
        }
        if let Some(id) = filter.resource_id {
            statement.and_where(column(Column::ResourceId).eq(id));
        }
        if let Some(id) = filter.organization {
            statement.and_where(column(Column::OrganizationId).eq(id));
        }
        if let Some(from) = filter.from {
            statement.and_where(column(Column::Time).gte(from));
        }
        if let Some(to) = filter.to {
            statement.and_where(column(Column::Time).lt(to));
        }
        if filter.impossible {
            statement.and_where(Expr::val(1).eq(0));
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<AuditRow>(statement, "a");
    }

    fn keyset(&self) -> Keyset {
        const TIME: &[Key] = &[Key::time("a", "time"), Key::id("a", "id")];
        Keyset { tag: "audit_log.time", keys: TIME, descending: self.order == AuditOrder::TimeDesc }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("a", "organization_id")
    }

    fn parts(&self, actor: &Actor) -> Vec<SelectStatement> {
        let AuditFilter { actor: None, resource_id: None, organization: None, .. } = self.filter else {
            return Vec::new();
        };
        let parts = match actor.reach(Permission::AuditLogRead) {
            Reach::Everything => self.filter.kinds(),
            reach => parted(&reach, Expr::col(("a", Column::OrganizationId)), None),
        };
        split(&self.source(actor), parts)
    }
}

impl AuditFilter {
    /// The whole log by action or by resource, in parts: what was done to what. One index has each of these in the order of time,
    /// and with it all that was done in one way, as well as all that was done to one kind of thing. The condition must
    /// stand in the statement word for word.
    fn kinds(&self) -> Vec<Condition> {
        let is_narrow = self.status.is_some_and(|status| status != "SUCCESS");
        if (self.action, self.resource) == (None, None) || is_narrow {
            return Vec::new();
        }
        let actions = self.action.map_or_else(names::<Action>, |action| vec![action]);
        let resources = self.resource.map_or_else(names::<Resource>, |resource| vec![resource]);
        let of = |resource: &str, action: &str| {
            let kind = Expr::cust("a.resource || '.' || a.action").eq(format!("{resource}.{action}"));
            Condition::all().add(kind)
        };
        resources.iter().flat_map(|resource| actions.iter().map(|action| of(resource, action))).collect()
    }
}

/// All that a column may hold.
fn names<E: EnumType>() -> Vec<&'static str> {
    E::items().iter().map(|item| item.name).collect()
}

/// Deletes the oldest entries from before a time, at most so many; answers how many.
pub(super) async fn delete_before_in(tx: &Tx, before: DateTimeUtc, most: u64) -> Result<u64> {
    let oldest = Query::select()
        .column(Column::Id)
        .from(Entity)
        .and_where(Expr::col(Column::Time).lt(before))
        .order_by(Column::Time, Order::Asc)
        .limit(most)
        .take();
    let statement =
        Query::delete().from_table(Entity).and_where(Expr::col(Column::Id).in_subquery(oldest)).take();
    tx.delete(&statement).await
}
