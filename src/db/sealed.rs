//! Columns that hold what is sealed, and sealing them anew: a few at a time, while servers run. Which columns there are, and
//! what each is sealed for, the domains say.

use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};

use super::row::One;
use super::{Db, Tx, Unaudited};
use crate::authz::policy::System;
use crate::authz::{Actor, Object, Origin, Permission};
use crate::error::Result;
use crate::seal::Sealer;

/// How many rows are read at once: a state may have many megabytes.
const BATCH: u64 = 8;

/// A column that holds what is sealed, each for what another column of its row names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sealed {
    /// The table.
    pub(crate) table: &'static str,
    /// The column with the id of what it is sealed for.
    pub(crate) id: &'static str,
    /// The column that is sealed.
    pub(crate) column: &'static str,
}

impl Sealed {
    /// Seals with the newest key whatever is sealed there with another, each for its purpose; answers how much that was. What
    /// it says stays the same.
    ///
    /// # Errors
    /// When something does not open, or the database fails; what was sealed before that stays sealed anew.
    pub(crate) async fn anew<Id: From<Uuid>>(
        self,
        db: &Db,
        sealer: &Sealer,
        purpose: fn(Id) -> String,
    ) -> Result<u64> {
        let actor = Actor::system(System::Reseal, Origin::default());
        let mut done = 0;
        let mut after = None;
        loop {
            let batch = self.batch(db, after).await?;
            let Some((last, _)) = batch.last() else { return Ok(done) };
            after = Some(*last);
            for (id, sealed) in batch {
                let Some(anew) = sealer.anew(&purpose(id.into()), &sealed)? else { continue };
                let permit = actor.authorize(Permission::DeploymentSettingsUpdate, Object::SITE)?;
                let tx = db.begin(permit).await?;
                done += u64::from(self.replace_in(&tx, id, (sealed, anew)).await?);
                tx.commit_unaudited(Unaudited::Reseal).await?;
            }
        }
    }

    /// The newest of what is sealed there.
    pub(crate) async fn sample(self, db: &Db) -> Result<Option<Vec<u8>>> {
        let statement = Query::select()
            .column(self.column)
            .from(self.table)
            .and_where(Expr::col(self.column).is_not_null())
            .order_by(self.id, Order::Desc)
            .limit(1)
            .take();
        Ok(db.row::<One<Vec<u8>>>(&statement).await?.map(|sealed| sealed.0))
    }

    /// What is sealed there, in the order of the ids; the next ones are `after` the last.
    async fn batch(self, db: &Db, after: Option<Uuid>) -> Result<Vec<(Uuid, Vec<u8>)>> {
        let mut statement = Query::select()
            .columns([self.id, self.column])
            .from(self.table)
            .and_where(Expr::col(self.column).is_not_null())
            .order_by(self.id, Order::Asc)
            .limit(BATCH)
            .take();
        if let Some(after) = after {
            statement.and_where(Expr::col(self.id).gt(after));
        }
        let rows = db.rows::<(One<Uuid>, One<Vec<u8>>)>(&statement).await?;
        Ok(rows.into_iter().map(|(id, sealed)| (id.0, sealed.0)).collect())
    }

    /// Puts one in place of the other. `false` where somebody was faster.
    async fn replace_in(self, tx: &Tx, id: Uuid, (old, new): (Vec<u8>, Vec<u8>)) -> Result<bool> {
        let statement = Query::update()
            .table(self.table)
            .value(self.column, new)
            .and_where(Expr::col(self.id).eq(id))
            .and_where(Expr::col(self.column).eq(old))
            .take();
        Ok(tx.update(&statement).await? == 1)
    }
}
