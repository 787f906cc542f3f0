//! How uploaded files are kept: content once by its SHA-256, in chunks.

use guildhall_entity::file::{ActiveModel, Column, Entity};
use guildhall_entity::id::{FileId, UserId};
use guildhall_entity::{file_chunk, file_content, template, template_version};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, OnConflict, Order, Query, SelectStatement};
use sea_orm::{Insert, QueryTrait};

use crate::authz::{Actor, Permission};
use crate::db::list::Find;
use crate::db::row::{One, row, select};
use crate::db::{Db, Tx};
use crate::error::Result;

row! {
    /// Somebody's handle on a content.
    pub(crate) struct FileRow {
        id: FileId,
        sha256: Vec<u8>,
        mimetype: String,
        size: i64,
        created_by: UserId,
        created_at: DateTimeUtc,
    }
}

/// Files that the actor uploaded, and those of template versions that they can see.
fn visible(actor: &Actor) -> Condition {
    let versions = Query::select()
        .expr(Expr::val(1))
        .from_as(template_version::Entity, "v")
        .join_as(
            sea_orm::JoinType::InnerJoin,
            template::Entity,
            "t",
            Expr::col(("t", template::Column::Id)).equals(("v", template_version::Column::TemplateId)),
        )
        .and_where(Expr::col(("v", template_version::Column::FileId)).equals(("f", Column::Id)))
        .cond_where(super::template::visible(actor))
        .take();
    let own = actor.user_id().filter(|_| actor.admits(Permission::TemplateRead));
    Condition::any().add(Expr::col(("f", Column::CreatedBy)).eq(own)).add(Expr::exists(versions))
}

impl Find for FileId {
    type Row = FileRow;
    const ID: (&'static str, &'static str) = ("f", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "f").cond_where(visible(actor)).take();
        select::<FileRow>(&mut statement, "f");
        statement
    }
}

pub(in crate::template) async fn find(db: &Db, actor: &Actor, file: FileId) -> Result<Option<FileRow>> {
    let mut statement = FileId::select(actor);
    statement.and_where(Expr::col(("f", Column::Id)).eq(file));
    db.row(&statement).await
}

/// A file whatever the actor can see: for the daemon that builds from it.
pub(in crate::template) async fn referred(db: &Db, file: FileId) -> Result<Option<FileRow>> {
    let mut statement =
        Query::select().from_as(Entity, "f").and_where(Expr::col(("f", Column::Id)).eq(file)).take();
    select::<FileRow>(&mut statement, "f");
    db.row(&statement).await
}

/// The file that a user made of a content.
pub(in crate::template) async fn of_user(db: &Db, user: UserId, sha256: &[u8]) -> Result<Option<FileRow>> {
    let mut statement = Query::select()
        .from_as(Entity, "f")
        .and_where(Expr::col(("f", Column::CreatedBy)).eq(user))
        .and_where(Expr::col(("f", Column::Sha256)).eq(sha256))
        .take();
    select::<FileRow>(&mut statement, "f");
    db.row(&statement).await
}

/// Begins a content. `false` when it is there already: then its chunks are too.
pub(in crate::template) async fn insert_content_in(tx: &Tx, sha256: &[u8], size: i64) -> Result<bool> {
    let row = file_content::ActiveModel {
        sha256: Set(sha256.to_vec()),
        size: Set(size),
        created_at: Set(tx.clock().now()),
    };
    let mut statement = Insert::one(row).into_query();
    statement.on_conflict(OnConflict::column(file_content::Column::Sha256).do_nothing().to_owned());
    Ok(tx.execute_insert(&statement).await? == 1)
}

pub(in crate::template) async fn insert_chunk_in(
    tx: &Tx,
    sha256: &[u8],
    number: i32,
    bytes: Vec<u8>,
) -> Result<()> {
    tx.insert(file_chunk::ActiveModel {
        sha256: Set(sha256.to_vec()),
        number: Set(number),
        bytes: Set(bytes),
    })
    .await
}

pub(in crate::template) async fn insert_in(tx: &Tx, file: &FileRow) -> Result<()> {
    let row = ActiveModel {
        id: Set(file.id),
        sha256: Set(file.sha256.clone()),
        mimetype: Set(file.mimetype.clone()),
        size: Set(file.size),
        created_by: Set(file.created_by),
        created_at: Set(file.created_at),
    };
    let mut statement = Insert::one(row).into_query();
    statement.on_conflict(OnConflict::columns([Column::CreatedBy, Column::Sha256]).do_nothing().to_owned());
    tx.execute_insert(&statement).await?;
    Ok(())
}

/// A chunk of a content, from 0.
pub(in crate::template) async fn chunk(db: &Db, sha256: &[u8], number: i32) -> Result<Option<Vec<u8>>> {
    let statement = Query::select()
        .column(file_chunk::Column::Bytes)
        .from(file_chunk::Entity)
        .and_where(Expr::col(file_chunk::Column::Sha256).eq(sha256))
        .and_where(Expr::col(file_chunk::Column::Number).eq(number))
        .order_by(file_chunk::Column::Number, Order::Asc)
        .take();
    Ok(db.row::<One<Vec<u8>>>(&statement).await?.map(|bytes| bytes.0))
}
