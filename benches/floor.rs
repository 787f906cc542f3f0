//! The floor: the answer of a query from one hand-written SQL statement, through the same HTTP server. It recognises
//! nobody, checks no limits, and writes no log.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chrono::{DateTime, Utc};
use guildhall_front::ListenerLimits;
use http::{StatusCode, header};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What a statement is given.
#[derive(Deserialize)]
struct Asked {
    /// The organization's name.
    name: String,
    /// Who asks.
    user: Uuid,
    /// Time and id of the row that the page comes after.
    after: Option<(DateTime<Utc>, Uuid)>,
}

/// The statement of a query; `None` where there is none.
fn statement(query: &str, postgres: bool) -> Option<&'static str> {
    Some(match (query, postgres) {
        ("point", true) => include_str!("floor/point.postgres.sql"),
        ("point", false) => include_str!("floor/point.sqlite.sql"),
        ("flagship", true) => include_str!("floor/flagship.postgres.sql"),
        ("flagship", false) => include_str!("floor/flagship.sqlite.sql"),
        ("mine", true) => include_str!("floor/mine.postgres.sql"),
        ("mine", false) => include_str!("floor/mine.sqlite.sql"),
        ("page", true) => include_str!("floor/page.postgres.sql"),
        ("page", false) => include_str!("floor/page.sqlite.sql"),
        _ => return None,
    })
}

/// The same settings as the server's own pools.
enum Pool {
    Postgres(sqlx::PgPool),
    Sqlite(sqlx::SqlitePool),
}

impl Pool {
    async fn open(url: &str) -> anyhow::Result<Self> {
        use std::str::FromStr as _;
        if url.starts_with("postgres") {
            let options = sqlx::postgres::PgConnectOptions::from_str(url)?.options([
                ("plan_cache_mode", "force_generic_plan"),
                ("default_transaction_read_only", "on"),
            ]);
            let pool = sqlx::postgres::PgPoolOptions::new().max_connections(8).test_before_acquire(false);
            return Ok(Self::Postgres(pool.connect_with(options).await?));
        }
        let options = sqlx::sqlite::SqliteConnectOptions::from_str(url)?
            .busy_timeout(Duration::from_secs(5))
            .pragma("query_only", "on")
            .pragma("cache_size", "-16000");
        let pool = sqlx::sqlite::SqlitePoolOptions::new().max_connections(4).test_before_acquire(false);
        Ok(Self::Sqlite(pool.connect_with(options).await?))
    }

    async fn answer(&self, query: &str, asked: &Asked) -> anyhow::Result<String> {
        let known = || anyhow::anyhow!("there is no query `{query}`");
        match self {
            Self::Postgres(pool) => {
                let sql = statement(query, true).ok_or_else(known)?;
                let mut statement = sqlx::query_scalar(sql).bind(&asked.name).bind(asked.user);
                if let Some((time, id)) = asked.after {
                    statement = statement.bind(time).bind(id);
                }
                Ok(statement.fetch_one(pool).await?)
            }
            Self::Sqlite(pool) => {
                let sql = statement(query, false).ok_or_else(known)?;
                let mut statement = sqlx::query_scalar(sql).bind(&asked.name).bind(asked.user);
                if let Some((time, id)) = asked.after {
                    statement = statement.bind(time).bind(id);
                }
                Ok(statement.fetch_one(pool).await?)
            }
        }
    }
}

async fn answer(
    State(pool): State<Arc<Pool>>,
    Path(query): Path<String>,
    axum::Json(asked): axum::Json<Asked>,
) -> Response {
    match pool.answer(&query, &asked).await {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Serves `POST /<query>` until it is ended.
pub(crate) async fn serve(url: &str, address: SocketAddr) -> anyhow::Result<()> {
    let pool = Arc::new(Pool::open(url).await?);
    let router = Router::new().route("/{query}", post(answer)).with_state(pool);
    let listener = tokio::net::TcpListener::bind(address).await?;
    guildhall_front::serve(listener, router, ListenerLimits::default(), CancellationToken::new()).await;
    Ok(())
}
