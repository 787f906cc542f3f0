//! A database of its own for every test: a copy of a migrated file, or a clone of a migrated template database.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use guildhall::clock::Clock;
use guildhall::db::{self, Settings};
use secrecy::SecretString;
use sqlx::{Connection as _, Executor as _, PgConnection};

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// Where `scripts/test` has put the server for this run.
const SERVER: &str = "GUILDHALL_TEST_POSTGRES_URL";

/// A database for one test. `None` where the run has no PostgreSQL. The cluster is thrown away after the run, and its
/// databases with it.
pub(crate) async fn create(backend: Backend, folder: &Path) -> Option<Settings> {
    if backend == Backend::Sqlite {
        let settings = sqlite(folder);
        std::fs::copy(migrated_file().await, folder.join(FILE)).unwrap();
        return Some(settings);
    }
    let server = server()?;
    let mut admin = PgConnection::connect(&server).await.unwrap();
    let template = template(&mut admin, &server).await;
    Some(postgres(&mut admin, &server, template).await)
}

/// A database for one test in which nothing is, not even tables. `None` where the run has no PostgreSQL.
pub(crate) async fn empty(backend: Backend, folder: &Path) -> Option<Settings> {
    if backend == Backend::Sqlite {
        return Some(sqlite(folder));
    }
    let server = server()?;
    let mut admin = PgConnection::connect(&server).await.unwrap();
    Some(postgres(&mut admin, &server, "template0").await)
}

/// The name of a test's database in its folder.
const FILE: &str = "guildhall.db";

fn sqlite(folder: &Path) -> Settings {
    Settings::Sqlite { path: folder.join(FILE), readers: 4 }
}

/// The migrated file of this build of the tests, made by whichever test comes first.
async fn migrated_file() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let build = std::env::current_exe().unwrap().metadata().unwrap().modified().unwrap();
    let build = build.duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let file = folder.join(format!("migrated-{build}.db"));
    if !file.exists() {
        let new = tempfile::tempdir_in(folder).unwrap();
        let db = db::connect(&sqlite(new.path()), Clock::system()).await.unwrap();
        db::migrate(&db).await.unwrap();
        db.close().await.unwrap();
        // Only a migrated file ever has the name.
        std::fs::rename(new.path().join(FILE), &file).unwrap();
    }
    file
}

/// The URL of the run's PostgreSQL.
#[expect(clippy::disallowed_methods, reason = "the test run says where its PostgreSQL is")]
fn server() -> Option<String> {
    let server = std::env::var(SERVER).ok();
    if server.is_none() {
        println!("skipped on PostgreSQL: {SERVER} is not set; scripts/test sets it");
    }
    server
}

#[expect(clippy::disallowed_methods, reason = "a name that no other test process has")]
async fn postgres(admin: &mut PgConnection, server: &str, template: &str) -> Settings {
    let name = format!("guildhall_{}", uuid::Uuid::now_v7().simple());
    admin.execute(sqlx::AssertSqlSafe(format!("create database {name} template {template}"))).await.unwrap();
    let url = SecretString::from(with_database(server, &name));
    Settings::Postgres { url, readers: 4, writers: 4, listen_url: None }
}

/// The migrated template of this run, made by whichever test comes first.
async fn template(admin: &mut PgConnection, server: &str) -> &'static str {
    const NAME: &str = "guildhall_template";
    // One at a time: tests are processes.
    admin.execute("select pg_advisory_lock(7305)").await.unwrap();
    let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(NAME)
        .fetch_one(&mut *admin)
        .await
        .unwrap();
    if !exists {
        admin.execute("create database guildhall_template_new").await.unwrap();
        let url = SecretString::from(with_database(server, "guildhall_template_new"));
        let settings = Settings::Postgres { url, readers: 1, writers: 1, listen_url: None };
        let db = db::connect(&settings, Clock::system()).await.unwrap();
        db::migrate(&db).await.unwrap();
        db.close().await.unwrap();
        // Only a migrated database ever has the name.
        admin.execute("alter database guildhall_template_new rename to guildhall_template").await.unwrap();
    }
    admin.execute("select pg_advisory_unlock(7305)").await.unwrap();
    NAME
}

/// `postgres://user@host/postgres?host=…` with another database.
fn with_database(server: &str, name: &str) -> String {
    let (base, query) = server.split_once('?').map_or((server, None), |(base, query)| (base, Some(query)));
    let host = base.rsplit_once('/').map_or(base, |(host, _)| host);
    query.map_or_else(|| format!("{host}/{name}"), |query| format!("{host}/{name}?{query}"))
}
