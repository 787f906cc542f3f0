//! Migrations go up, down and up again, and what stands after the second time is what stood after the first.

use guildhall::clock::Clock;
use guildhall::db::{self, Settings};
use guildhall_migration::{Migrator, MigratorTrait as _};
use rstest::rstest;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use crate::support::tables::Tables;
use crate::support::{Backend, TestApp, database};
use crate::workspaces::Scene;

/// Everything that a database says of its tables, columns, constraints, indexes and views.
async fn catalogue(connection: &DatabaseConnection) -> Vec<String> {
    let sql = match connection.get_database_backend() {
        DbBackend::Sqlite => {
            "select type || ' ' || name || ' ' || coalesce(sql, '') from sqlite_master
             where name not like 'sqlite_%' and name <> 'seaql_migrations' order by 1"
        }
        _ => {
            "select line from (
                select 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' '
                    || coalesce(collation_name, '') as line
                from information_schema.columns where table_schema = 'public'
                union all select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
                from pg_constraint where connamespace = 'public'::regnamespace
                union all select 'index ' || indexdef from pg_indexes where schemaname = 'public'
                union all select 'view ' || viewname || ' ' || definition from pg_views where schemaname = 'public'
             ) as lines where line not like '%seaql_migrations%' order by 1"
        }
    };
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

#[rstest]
#[tokio::test]
async fn up_down_and_up_again(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let Some(settings) = database::empty(backend, folder.path()).await else { return };
    let db = db::connect(&settings, Clock::system()).await.unwrap();
    db::migrate(&db).await.unwrap();
    let connection = db::migration_connection(&db);
    let first = catalogue(connection).await;
    assert!(first.len() > 40, "{first:#?}");
    // Again is nothing.
    db::migrate(&db).await.unwrap();
    assert_eq!(catalogue(connection).await, first);
    Migrator::down(connection, None).await.unwrap();
    assert_eq!(catalogue(connection).await, Vec::<String>::new());
    db::migrate(&db).await.unwrap();
    assert_eq!(catalogue(connection).await, first);
}

/// Takes a migration back, and those after it, and migrates again.
async fn again(app: &TestApp, name: &str) {
    let db = db::connect(&app.settings, Clock::system()).await.unwrap();
    let all = Migrator::migrations();
    let at = all.iter().position(|migration| migration.name() == name).unwrap();
    let steps = u32::try_from(all.len() - at).unwrap();
    Migrator::down(db::migration_connection(&db), Some(steps)).await.unwrap();
    db::migrate(&db).await.unwrap();
    db.close().await.unwrap();
}

/// A disk that is full, or a process that is killed, in the middle of it: the next start makes what this one did not.
#[tokio::test]
async fn a_first_start_that_breaks_off_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::Sqlite { path: folder.path().join("guildhall.db"), readers: 1 };
    for pages in [20, 60, 100] {
        let db = db::connect(&settings, Clock::system()).await.unwrap();
        let connection = db::migration_connection(&db);
        connection.execute_unprepared(&format!("pragma max_page_count = {pages}")).await.unwrap();
        let error = db::migrate(&db).await.unwrap_err();
        assert!(error.to_string().contains("full"), "{error}");
        db.close().await.unwrap();
    }
    let db = db::connect(&settings, Clock::system()).await.unwrap();
    assert_eq!(catalogue(db::migration_connection(&db)).await, Vec::<String>::new());
    db::migrate(&db).await.unwrap();
    db.close().await.unwrap();
}

/// What is kept with workspaces is made of the builds that there are.
#[rstest]
#[tokio::test]
async fn workspaces_of_before_stand_where_their_builds_say(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let app = &scene.app;
    let make = async |name: &str| app.workspace(&scene.mia, &scene.template, name, "").await.workspace;
    for name in ["failed", "gone", "stopped"] {
        let workspace = make(name).await;
        app.work(&scene.daemon).await;
        let mutation = if name == "gone" { "deleteWorkspace" } else { "stopWorkspace" };
        app.done(&scene.mia.token, mutation, "", json!({ "workspaceId": workspace })).await;
        match name {
            "failed" => app.fail(&scene.daemon, &scene.take().await, "STOP_FAILED", "it went wrong").await,
            _ => _ = app.work(&scene.daemon).await,
        }
    }
    app.push(&scene.owner, &scene.template, json!({ "promote": true })).await;
    app.work(&scene.daemon).await;
    make("starting").await;
    scene.take().await;
    make("pending").await;
    let kept = async || {
        let kept =
            "select name || ' ' || status || case when outdated then ' outdated' else '' end from workspace
            where latest_build_id is not null order by name";
        app.tables().texts(kept).await
    };
    let stand = [
        "dev RUNNING outdated",
        "failed FAILED outdated",
        "gone DELETED outdated",
        "pending PENDING",
        "starting STARTING",
        "stopped STOPPED outdated",
    ];
    let before = kept().await;
    // Nobody asks of what is deleted whether it is outdated.
    assert_eq!(before, stand.map(|line| if line.starts_with("gone") { "gone DELETED" } else { line }));
    again(app, "m0022_standing").await;
    assert_eq!(kept().await, stand);
    assert_eq!(app.tables().false_standings().await, Vec::<String>::new());
}

/// Who may make tables but no extensions has a database all the same, without the indexes that need one. They come with the
/// first migration after it is there.
#[tokio::test]
async fn an_extension_that_may_not_be_made_is_gone_without() {
    let folder = tempfile::tempdir().unwrap();
    let Some(settings) = database::empty(Backend::Postgres, folder.path()).await else { return };
    let Settings::Postgres { url, .. } = &settings else { panic!("{settings:?}") };
    let (before, host) = url.expose_secret().split_once("guildhall@").unwrap();
    // Roles are of the whole cluster: this one is called as its database, which no other test has.
    let role = host.split(['/', '?']).find(|part| part.starts_with("guildhall_")).unwrap();
    let tables = Tables::of(&settings);
    tables.execute(&format!("create role {role} login; grant all on schema public to {role}")).await;
    let plain = Settings::Postgres {
        url: SecretString::from(format!("{before}{role}@{host}")),
        readers: 1,
        writers: 1,
        listen_url: None,
    };
    let db = db::connect(&plain, Clock::system()).await.unwrap();
    let connection = db::migration_connection(&db);
    for (extension, expected) in [("select 1", 0), ("create extension pg_trgm", 3)] {
        tables.execute(extension).await;
        db::migrate(&db).await.unwrap();
        let all = catalogue(connection).await;
        assert!(all.len() > 40, "{all:#?}");
        let of_texts: Vec<_> = all.iter().filter(|line| line.contains("gin_trgm_ops")).collect();
        assert_eq!(of_texts.len(), expected, "{of_texts:#?}");
    }
}
