//! Names are cut into pieces of three characters, by which a text is found anywhere in them: with `pg_trgm` on PostgreSQL, where
//! that can be had, and with tables that triggers keep on SQLite.

use sea_orm_migration::prelude::{DbErr, MigrationName, MigrationTrait, SchemaManager};
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// Which columns, of which tables. They are folded.
const TEXTS: [(&str, &[&str]); 3] = [
    ("user", &["username", "name_folded"]),
    ("workspace", &["name"]),
    ("template", &["name", "display_name_folded"]),
];

pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0024_texts"
    }
}

#[sea_orm_migration::async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            return index_texts(manager.get_connection()).await;
        }
        for (table, columns) in TEXTS {
            for statement in kept_by_triggers(table, columns) {
                manager.get_connection().execute_unprepared(&statement).await?;
            }
        }
        Ok(())
    }

    /// Leaves the extension: others may use it.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, _) in TEXTS {
            let statements = match manager.get_database_backend() {
                DbBackend::Postgres => vec![format!("drop index if exists ix_{table}_text")],
                _ => vec![
                    format!("drop trigger tr_{table}_text_insert"),
                    format!("drop trigger tr_{table}_text_update"),
                    format!("drop trigger tr_{table}_text_delete"),
                    format!("drop table {table}_text"),
                    format!("drop table {table}_text_key"),
                ],
            };
            for statement in statements {
                manager.get_connection().execute_unprepared(&statement).await?;
            }
        }
        Ok(())
    }
}

/// Makes the indexes of texts that PostgreSQL lacks, if it has what they need. Whoever installs the extension later migrates once
/// more. On SQLite they are a part of the schema.
///
/// # Errors
/// When the database does not answer, or has no room.
pub async fn index_texts(connection: &impl ConnectionTrait) -> Result<(), DbErr> {
    if connection.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    // Without a list of what is to be merged: a search would read that as well, and names change rarely.
    let index = |(table, columns): (&str, &[&str])| {
        let columns: Vec<String> = columns.iter().map(|column| format!("{column} gin_trgm_ops")).collect();
        format!(
            "if to_regclass('ix_{table}_text') is null then
                create index ix_{table}_text on \"{table}\" using gin ({}) with (fastupdate = off)
                    where deleted_at is null;
             end if;",
            columns.join(", ")
        )
    };
    let indexes: String = TEXTS.map(index).concat();
    // Another schema may have it, where it is not found.
    let is_there =
        "exists (select from pg_opclass where opcname = 'gin_trgm_ops' and pg_opclass_is_visible(oid))";
    let make = format!(
        "do $$ begin
            if not {is_there} then
                begin
                    create extension if not exists pg_trgm;
                exception when others then
                    raise notice 'names have no index of texts: %', sqlerrm;
                end;
            end if;
            if {is_there} then {indexes} end if;
         end $$"
    );
    connection.execute_unprepared(&make).await.map(drop)
}

/// A full-text table for a table that has neither numbers for its rows nor the texts themselves: a key of its own gives them
/// numbers, which stay the same when a database is compacted.
fn kept_by_triggers(table: &str, columns: &[&str]) -> Vec<String> {
    let names = columns.join(", ");
    let of =
        |row: &str| columns.iter().map(|column| format!("{row}.{column}")).collect::<Vec<_>>().join(", ");
    let changes = |column: &&str| format!("old.{column} is not new.{column}");
    let changed = columns.iter().chain(&["deleted_at"]).map(changes).collect::<Vec<_>>().join(" or ");
    let keep = format!(
        "insert into {table}_text_key (id) select new.id where new.deleted_at is null;
         insert into {table}_text (rowid, {names}) select number, {} from {table}_text_key where id = new.id;",
        of("new")
    );
    let drop = format!(
        "delete from {table}_text where rowid = (select number from {table}_text_key where id = old.id);
         delete from {table}_text_key where id = old.id;"
    );
    vec![
        format!("create table {table}_text_key (number integer primary key, id uuid_blob not null unique)"),
        format!(
            "create virtual table {table}_text using fts5({names}, content = '', contentless_delete = 1,
                tokenize = 'trigram case_sensitive 1')"
        ),
        format!("insert into {table}_text_key (id) select id from \"{table}\" where deleted_at is null"),
        format!(
            "insert into {table}_text (rowid, {names}) select key.number, {} from {table}_text_key as key
                join \"{table}\" as named on named.id = key.id",
            of("named")
        ),
        format!("create trigger tr_{table}_text_insert after insert on \"{table}\" begin {keep} end"),
        format!(
            "create trigger tr_{table}_text_update after update of {names}, deleted_at on \"{table}\"
                when {changed} begin {drop} {keep} end"
        ),
        format!("create trigger tr_{table}_text_delete after delete on \"{table}\" begin {drop} end"),
    ]
}
