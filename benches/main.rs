//! The parts of the benchmarks that are Rust: `fill` writes the data set into a migrated database, `floor` serves the
//! answers of hand-written SQL; `scripts/bench` runs both. `policy` measures checks of the policy.

mod dataset;
mod floor;
mod policy;

use dataset::{Dialect, Size, statements};

/// The server's: the floor is to differ in what it does, not in how it allocates.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["fill", url] => fill(url, FULL).await,
        ["fill", url, "small"] => fill(url, SMALL).await,
        ["policy"] => policy::measure(&mut std::io::stdout().lock()),
        ["floor", url, address] => floor::serve(url, address.parse()?).await,
        _ => anyhow::bail!(
            "usage: bench fill <database URL> [small] | bench floor <database URL> <address> | bench policy"
        ),
    }
}

/// The size that the numbers in `docs/PERFORMANCE.md` were measured with.
const FULL: Size = Size { organizations: 100, users: 10_000, workspaces: 100_000, builds: 5 };
/// Large enough for every query to have an answer.
const SMALL: Size = Size { organizations: 12, users: 600, workspaces: 600, builds: 5 };

async fn fill(url: &str, size: Size) -> anyhow::Result<()> {
    if url.starts_with("postgres") {
        let pool = sqlx::PgPool::connect(url).await?;
        let mut connection = pool.acquire().await?;
        for statement in statements(Dialect::Postgres, size) {
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut *connection).await?;
        }
        sqlx::raw_sql("vacuum analyze").execute(&mut *connection).await?;
    } else {
        let pool = sqlx::SqlitePool::connect(url).await?;
        let mut connection = pool.acquire().await?;
        sqlx::raw_sql("begin immediate").execute(&mut *connection).await?;
        for statement in statements(Dialect::Sqlite, size) {
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut *connection).await?;
        }
        sqlx::raw_sql("commit").execute(&mut *connection).await?;
        sqlx::raw_sql("analyze").execute(&mut *connection).await?;
    }
    Ok(())
}
