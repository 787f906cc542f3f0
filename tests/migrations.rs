//! Migrations go up, down and up again, and what stands after the second time is what stood after the first.

use guildhall::clock::Clock;
use guildhall::db;
use guildhall_migration::{Migrator, MigratorTrait as _};
use rstest::rstest;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

use crate::support::{Backend, database};

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
