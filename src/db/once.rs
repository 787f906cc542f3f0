//! Creates with an idempotency key: what was made is noted in the transaction that makes it, so that the same request, sent
//! again within a day, finds it instead of making another.

use chrono::TimeDelta;
use guildhall_entity::id::UserId;
use sea_orm::prelude::{DateTimeUtc, Uuid};
use sea_orm::sea_query::{Expr, ExprTrait, Query};

use super::row::One;
use super::violation::OnViolation;
use super::{Db, Tx};
use crate::error::{Error, Refusal, Result};

/// For how long a key is remembered.
const REMEMBERED: TimeDelta = TimeDelta::hours(24);

/// A request that is to be done once.
#[derive(Clone, Debug)]
pub(crate) struct Once {
    /// Whose key it is.
    pub(crate) actor: UserId,
    /// The key.
    pub(crate) key: String,
    /// The mutation.
    pub(crate) operation: &'static str,
    /// The sealed hash of the input.
    pub(crate) sealed_input: Vec<u8>,
}

/// What a request with a key has made.
pub(crate) struct Earlier {
    /// The mutation.
    pub(crate) operation: String,
    /// The sealed hash of its input.
    pub(crate) sealed_input: Vec<u8>,
    /// The ids of what it made.
    pub(crate) subjects: Vec<String>,
}

fn forgotten_before(now: DateTimeUtc) -> DateTimeUtc {
    now - REMEMBERED
}

impl Db {
    /// The same database, whose next commit notes what it made.
    pub(crate) fn once(&self, once: Once) -> Self {
        Self { once: Some(std::sync::Arc::new(once)), ..self.clone() }
    }

    /// What an actor's request with this key has made in the last 24 hours.
    pub(crate) async fn earlier(&self, actor: UserId, key: &str) -> Result<Option<Earlier>> {
        let statement = Query::select()
            .columns(["operation", "sealed_input", "subjects"])
            .from("idempotency_key")
            .and_where(Expr::col("actor_id").eq(actor))
            .and_where(Expr::col("key").eq(key))
            .and_where(Expr::col("created_at").gt(forgotten_before(self.clock().now())))
            .take();
        let row = self.row::<(One<String>, (One<Vec<u8>>, One<String>))>(&statement).await?;
        Ok(row.map(|(operation, (sealed_input, subjects))| Earlier {
            operation: operation.0,
            sealed_input: sealed_input.0,
            subjects: subjects.0.split(' ').map(str::to_owned).collect(),
        }))
    }
}

/// Notes what a transaction makes, if its request is to be done once.
///
/// # Errors
/// A refusal when another request with the key was faster.
pub(super) async fn note_in(tx: &Tx, once: &Once, subjects: &[(&'static str, Uuid)]) -> Result<()> {
    let now = tx.clock().now();
    let forgotten = Query::delete()
        .from_table("idempotency_key")
        .and_where(Expr::col("actor_id").eq(once.actor))
        .and_where(Expr::col("created_at").lte(forgotten_before(now)))
        .take();
    tx.delete(&forgotten).await?;
    let subjects: Vec<String> =
        subjects.iter().map(|(prefix, id)| guildhall_entity::id::public(prefix, *id)).collect();
    let mut statement = Query::insert();
    statement
        .into_table("idempotency_key")
        .columns(["actor_id", "key", "operation", "sealed_input", "subjects", "created_at"])
        .values([
            once.actor.into(),
            once.key.as_str().into(),
            once.operation.into(),
            once.sealed_input.clone().into(),
            subjects.join(" ").into(),
            now.into(),
        ])
        .map_err(Error::internal)?;
    tx.execute_insert(&statement).await.on_violation("pk_idempotency_key", || {
        Refusal::conflict(&["idempotencyKey"], "another request with this key is under way; try again")
    })?;
    Ok(())
}
