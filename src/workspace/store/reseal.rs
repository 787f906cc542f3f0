//! What is sealed, table by table.

use guildhall_entity::id::WorkspaceBuildId;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};

use crate::db::row::One;
use crate::db::{Db, Tx};
use crate::error::Result;

/// How many rows are read at once: a state may have many megabytes.
const BATCH: u64 = 8;

/// A column that holds what is sealed, each for the build that another column names.
#[derive(Clone, Copy, Debug)]
pub(in crate::workspace) struct Place {
    table: &'static str,
    build: &'static str,
    sealed: &'static str,
}

/// The states.
pub(in crate::workspace) const STATES: Place =
    Place { table: "terraform_state", build: "workspace_build_id", sealed: "sealed" };
/// The sensitive values of builds.
pub(in crate::workspace) const VALUES: Place =
    Place { table: "workspace_build", build: "id", sealed: "sealed_parameters" };
/// Those of starts that are promised.
pub(in crate::workspace) const PROMISES: Place =
    Place { table: "workspace_restart", build: "next_build_id", sealed: "sealed_parameters" };

/// What is sealed there, in the order of the builds; the next ones are `after` the last.
pub(in crate::workspace) async fn batch(
    db: &Db,
    place: Place,
    after: Option<WorkspaceBuildId>,
) -> Result<Vec<(WorkspaceBuildId, Vec<u8>)>> {
    let mut statement = Query::select()
        .columns([place.build, place.sealed])
        .from(place.table)
        .and_where(Expr::col(place.sealed).is_not_null())
        .order_by(place.build, Order::Asc)
        .limit(BATCH)
        .to_owned();
    if let Some(after) = after {
        statement.and_where(Expr::col(place.build).gt(Uuid::from(after)));
    }
    let rows = db.rows::<(One<WorkspaceBuildId>, One<Vec<u8>>)>(&statement).await?;
    Ok(rows.into_iter().map(|(build, sealed)| (build.0, sealed.0)).collect())
}

/// Puts one in place of the other. `false` where somebody was faster.
pub(in crate::workspace) async fn replace_in(
    tx: &Tx,
    place: Place,
    build: WorkspaceBuildId,
    (old, new): (Vec<u8>, Vec<u8>),
) -> Result<bool> {
    let statement = Query::update()
        .table(place.table)
        .value(place.sealed, new)
        .and_where(Expr::col(place.build).eq(Uuid::from(build)))
        .and_where(Expr::col(place.sealed).eq(old))
        .to_owned();
    Ok(tx.update(&statement).await? == 1)
}
