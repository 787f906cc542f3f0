//! Where the two databases differ in their data definition, and how a list of statements is run.

use sea_orm_migration::prelude::{DbErr, SchemaManager};
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// What each type token of our SQL is on (PostgreSQL, SQLite).
///
/// SQLite can't add a foreign key to an existing table, and lets a table refer to a later one; PostgreSQL is the other
/// way round: hence the last token.
const TYPES: [(&str, &str, &str); 7] = [
    ("{uuid}", "uuid", "uuid_blob"),
    ("{time}", "timestamptz", "timestamp_with_timezone_text"),
    ("{json}", "jsonb", "json_text"),
    // Sorted by bytes on both, so that a page's order never depends on the machine's locale.
    ("{name}", "text collate \"C\"", "text"),
    ("{bytes}", "bytea", "blob"),
    ("{sequence}", "bigint generated always as identity primary key", "integer primary key autoincrement"),
    (
        "{active_version}",
        "",
        ", constraint fk_template_active_version foreign key (organization_id, id, active_version_id) \
         references template_version (organization_id, template_id, id)",
    ),
];

/// Runs `statements` in order. A statement that starts with `{postgres}` or `{sqlite}` runs only there.
pub(crate) async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let postgres = manager.get_database_backend() == DbBackend::Postgres;
    for statement in statements {
        let (only, body) = match statement.trim_start() {
            s if s.starts_with("{postgres}") => (Some(true), &s["{postgres}".len()..]),
            s if s.starts_with("{sqlite}") => (Some(false), &s["{sqlite}".len()..]),
            s => (None, s),
        };
        if only.is_some_and(|wanted| wanted != postgres) {
            continue;
        }
        let sql = TYPES.iter().fold(body.to_owned(), |sql, (token, on_postgres, on_sqlite)| {
            sql.replace(token, if postgres { on_postgres } else { on_sqlite })
        });
        manager.get_connection().execute_unprepared(&sql).await?;
    }
    Ok(())
}

/// Declares `Migration` with its name, its statements and the tables to drop, newest first.
macro_rules! migration {
    ($name:literal, up: $up:expr, down: $down:expr $(,)?) => {
        pub(crate) struct Migration;

        impl sea_orm_migration::prelude::MigrationName for Migration {
            fn name(&self) -> &str {
                $name
            }
        }

        #[sea_orm_migration::async_trait::async_trait]
        impl sea_orm_migration::prelude::MigrationTrait for Migration {
            async fn up(
                &self,
                manager: &sea_orm_migration::prelude::SchemaManager,
            ) -> Result<(), sea_orm_migration::prelude::DbErr> {
                crate::dialect::run(manager, $up).await
            }

            async fn down(
                &self,
                manager: &sea_orm_migration::prelude::SchemaManager,
            ) -> Result<(), sea_orm_migration::prelude::DbErr> {
                crate::dialect::run(manager, $down).await
            }
        }
    };
}
pub(crate) use migration;
