//! Leases: what is to be done once is done by one server of several. Whoever holds a lease renews it; when it has expired
//! another takes it over and raises its fence, and what the first one still has under way fails at that fence.

use chrono::TimeDelta;
use sea_orm::prelude::{DateTimeUtc, Uuid};
use sea_orm::sea_query::{Expr, ExprTrait, LockType, OnConflict, Query};

use super::row::One;
use super::{Db, Tx, Unaudited};
use crate::authz::Permit;
use crate::error::{Error, Result};

/// A lease that somebody holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease {
    name: &'static str,
    holder: Uuid,
    fence: i64,
}

impl Db {
    /// Takes or renews a lease; `None` while another holder has it.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn lease(
        &self,
        permit: Permit,
        name: &'static str,
        holder: Uuid,
        lasts: TimeDelta,
    ) -> Result<Option<Lease>> {
        let tx = self.begin(permit).await?;
        let now = tx.clock().now();
        let mut fresh = Query::insert();
        fresh
            .into_table("lease")
            .columns(["name", "holder", "fence", "expires_at"])
            .values([name.into(), holder.into(), 0_i64.into(), now.into()])
            .map_err(Error::internal)?
            .on_conflict(OnConflict::column("name").do_nothing().to_owned());
        tx.execute_insert(&fresh).await?;
        let current = Query::select()
            .columns(["holder", "fence", "expires_at"])
            .from("lease")
            .and_where(Expr::col("name").eq(name))
            .take();
        let row = tx.locked::<(One<Uuid>, (One<i64>, One<DateTimeUtc>))>(current, LockType::Update).await?;
        let (was, (fence, expires_at)) = row.ok_or_else(|| Error::internal("a lease is not there"))?;
        let fence = match was.0 == holder {
            true if fence.0 > 0 => fence.0,
            _ if expires_at.0 <= now => fence.0 + 1,
            _ => return Ok(None),
        };
        let statement = Query::update()
            .table("lease")
            .value("holder", holder)
            .value("fence", fence)
            .value("expires_at", now + lasts)
            .and_where(Expr::col("name").eq(name))
            .take();
        tx.update(&statement).await?;
        tx.commit_unaudited(Unaudited::Lease).await?;
        Ok(Some(Lease { name, holder, fence }))
    }
}

impl Lease {
    /// Makes sure, inside a transaction, that nobody has taken the lease over, and that nobody does until it ends.
    ///
    /// # Errors
    /// CONFLICT when somebody has.
    pub(crate) async fn hold_in(&self, tx: &Tx) -> Result<()> {
        let statement = Query::select()
            .expr(Expr::val(1))
            .from("lease")
            .and_where(Expr::col("name").eq(self.name))
            .and_where(Expr::col("holder").eq(self.holder))
            .and_where(Expr::col("fence").eq(self.fence))
            .take();
        match tx.locked::<One<i32>>(statement, LockType::Share).await? {
            Some(_) => Ok(()),
            None => Err(Error::Conflict(format!("another server has taken over the lease `{}`", self.name))),
        }
    }
}
