//! Word from server to server over one PostgreSQL: NOTIFY and LISTEN. It is only ever a hint to look; what is not heard is
//! found by looking.

use std::sync::Arc;

use sea_orm::sea_query::{Expr, Func, Query};
use sea_orm::{ConnectionTrait, DbErr, RuntimeErr};
use sqlx::postgres::{PgListener, PgPoolOptions};

use super::{Db, boxed};
use crate::error::{Error, Result};

/// Whatever else uses the database must not use this channel.
const CHANNEL: &str = "guildhall";

/// Hears what servers say.
pub(crate) struct Ear(PgListener);

impl Ear {
    /// The next word; `None` when the connection was lost and is back, and something may have been missed.
    ///
    /// # Errors
    /// When the connection is lost and does not come back.
    pub(crate) async fn next(&mut self) -> Result<Option<String>> {
        let word = self.0.try_recv().await.map_err(lost)?;
        Ok(word.map(|word| word.payload().to_owned()))
    }
}

impl Db {
    /// Listens, on a connection of its own; `None` on SQLite, where there is one server.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub(crate) async fn listen(&self) -> Result<Option<Ear>> {
        let Some(options) = &self.pools.listen else { return Ok(None) };
        let pool = PgPoolOptions::new().max_connections(1).connect_with(options.clone());
        let mut listener = PgListener::connect_with(&pool.await.map_err(lost)?).await.map_err(lost)?;
        listener.listen(CHANNEL).await.map_err(lost)?;
        Ok(Some(Ear(listener)))
    }

    /// Says something to every server, this one included; nothing on SQLite.
    ///
    /// # Errors
    /// When the database can't be reached.
    pub(crate) async fn notify(&self, word: &str) -> Result<()> {
        if self.pools.listen.is_none() {
            return Ok(());
        }
        let say = Func::cust("pg_notify").args([Expr::val(CHANNEL), Expr::val(word)]);
        let statement = Query::select().expr(say).take();
        boxed(self.pools.write.execute(&statement)).await?;
        self.stats.count(0);
        Ok(())
    }
}

fn lost(error: sqlx::Error) -> Error {
    DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))).into()
}
