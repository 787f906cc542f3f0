//! Texts stand folded beside themselves, as searches compare them: the databases fold letters beyond ASCII each in its own
//! way, or not at all. Addresses are unique as they are folded.

use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};

/// Which texts, of which tables.
const FOLDED: [(&str, &str); 6] = [
    ("\"user\"", "name"),
    ("\"user\"", "email"),
    ("organization", "display_name"),
    ("\"group\"", "display_name"),
    ("template", "display_name"),
    ("template_version", "message"),
];

const SETTLE: &[&str] = &[
    "drop index uq_user_email",
    "create index ix_user_email_folded on \"user\" (email_folded)",
    // Addresses that differ in the case of such letters alone were two. The younger user keeps theirs, and signs in by their
    // username: no address has a space, so nothing that is typed is equal to this.
    "update \"user\" set email_folded = email || ' ' || username
        where deleted_at is null and email <> '' and exists (
            select 1 from \"user\" as elder where elder.deleted_at is null
                and elder.email_folded = \"user\".email_folded and elder.id < \"user\".id)",
    "drop index ix_user_email_folded",
    "create unique index uq_user_email on \"user\" (email_folded) where deleted_at is null and email_folded <> ''",
];

/// As the server folded when this was written.
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0019_folded_texts"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in FOLDED {
            let add = format!("alter table {table} add column {column}_folded {{name}} not null default ''");
            let ascii = format!("update {table} set {column}_folded = lower({column})");
            crate::dialect::run(manager, &[&add, &ascii]).await?;
            fold_all(manager, table, column).await?;
        }
        crate::dialect::run(manager, SETTLE).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        crate::dialect::run(manager, &["drop index uq_user_email"]).await?;
        for (table, column) in FOLDED {
            let remove = format!("alter table {table} drop column {column}_folded");
            crate::dialect::run(manager, &[&remove]).await?;
        }
        let unique = "create unique index uq_user_email on \"user\" (lower(email)) where deleted_at is null and email <> ''";
        crate::dialect::run(manager, &[unique]).await
    }
}

/// Folds the texts of a column that have other letters than ASCII's: few.
async fn fold_all(manager: &SchemaManager<'_>, table: &str, column: &str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let backend = manager.get_database_backend();
    let (bytes, first, second) = match backend {
        DbBackend::Postgres => (format!("octet_length({column})"), "$1", "$2"),
        _ => (format!("length(cast({column} as blob))"), "?", "?"),
    };
    let texts = format!("select distinct {column} from {table} where length({column}) <> {bytes}");
    let rows = connection.query_all_raw(Statement::from_string(backend, texts)).await?;
    let update = format!("update {table} set {column}_folded = {first} where {column} = {second}");
    for row in rows {
        let text: String = row.try_get_by_index(0)?;
        let values = [fold(&text).into(), text.into()];
        connection.execute_raw(Statement::from_sql_and_values(backend, update.as_str(), values)).await?;
    }
    Ok(())
}
