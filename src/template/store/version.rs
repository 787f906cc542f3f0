//! How template versions are kept. Readme and variables are read only when asked for.

use guildhall_entity::id::{FileId, OrganizationId, ProvisionerJobId, TemplateId, TemplateVersionId, UserId};
use guildhall_entity::json::{Tags, Variables};
use guildhall_entity::kind::JobState;
use guildhall_entity::template_version::{ActiveModel, Column, Entity};
use guildhall_entity::text::Folded;
use guildhall_entity::{provisioner_job, template};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};

use crate::authz::Actor;
use crate::db::list::{Find, List};
use crate::db::page::{Key, Keyset};
use crate::db::row::{One, row, select};
use crate::db::search::{Term, matches};
use crate::db::{Db, Tx, is_one_of};
use crate::error::Result;

row! {
    /// A version, without its readme and variables.
    pub(crate) struct VersionRow {
        id: TemplateVersionId,
        template_id: TemplateId,
        name: String,
        message: String,
        file_id: FileId,
        provisioner_job_id: ProvisionerJobId,
        promote_on_success: bool,
        archived: bool,
        created_by: UserId,
        version: i32,
        created_at: DateTimeUtc,
        updated_at: DateTimeUtc,
    }
}

row! {
    /// The long texts of a version.
    pub(crate) struct VersionContent {
        id: TemplateVersionId,
        readme: String,
        variables: Variables,
    }
}

/// Versions of templates that the actor can see.
fn source(actor: &Actor) -> SelectStatement {
    Query::select()
        .from_as(Entity, "v")
        .join_as(
            sea_orm::JoinType::InnerJoin,
            template::Entity,
            "t",
            Expr::col(("t", template::Column::Id)).equals(("v", Column::TemplateId)),
        )
        .cond_where(super::template::visible(actor))
        .take()
}

impl Find for TemplateVersionId {
    type Row = VersionRow;
    const ID: (&'static str, &'static str) = ("v", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = source(actor);
        select::<VersionRow>(&mut statement, "v");
        statement
    }
}

/// Which versions of a template, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct TemplateVersionList {
    pub(crate) name: Option<String>,
    /// One of these, in lower case.
    pub(crate) names: Option<Vec<String>>,
    pub(crate) query: Option<Term>,
    pub(crate) archived: Option<bool>,
    pub(crate) order: TemplateVersionOrder,
}

/// Orders of template versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
pub(crate) enum TemplateVersionOrder {
    /// Oldest first.
    CreatedAtAsc,
    /// Newest first. The default.
    #[default]
    CreatedAtDesc,
}

impl List for TemplateVersionList {
    type Row = VersionRow;

    fn source(&self, actor: &Actor) -> SelectStatement {
        let mut statement = source(actor);
        if let Some(name) = &self.name {
            statement.and_where(Expr::col(("v", Column::Name)).eq(name.to_lowercase()));
        }
        if let Some(names) = &self.names {
            statement.and_where(Expr::col(("v", Column::Name)).is_in(names.iter().map(String::as_str)));
        }
        if let Some(query) = &self.query {
            statement.cond_where(matches(query, &[("v", "name"), ("v", "message_folded")]));
        }
        if let Some(archived) = self.archived {
            statement.and_where(Expr::col(("v", Column::Archived)).eq(archived));
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<VersionRow>(statement, "v");
    }

    fn keyset(&self) -> Keyset {
        const CREATED_AT: &[Key] = &[Key::time("v", "created_at"), Key::id("v", "id")];
        let descending = self.order == TemplateVersionOrder::CreatedAtDesc;
        Keyset { tag: "template_version.created_at", keys: CREATED_AT, descending }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("v", "template_id")
    }
}

/// The long texts of versions that the actor can see.
pub(in crate::template) async fn contents(
    db: &Db,
    actor: &Actor,
    versions: &[TemplateVersionId],
) -> Result<Vec<VersionContent>> {
    let mut statement = source(actor);
    select::<VersionContent>(&mut statement, "v");
    statement.and_where(is_one_of(Expr::col(("v", Column::Id)), versions));
    db.rows(&statement).await
}

/// A version whatever the actor can see: for the daemon that builds from it, and for a build that refers to it.
pub(in crate::template) async fn referred(
    db: &Db,
    version: TemplateVersionId,
) -> Result<Option<(VersionRow, VersionContent)>> {
    let mut statement =
        Query::select().from_as(Entity, "v").and_where(Expr::col(("v", Column::Id)).eq(version)).take();
    select::<VersionRow>(&mut statement, "v");
    select::<VersionContent>(&mut statement, "v");
    db.row(&statement).await
}

/// Versions whatever the actor can see: for builds that refer to them.
pub(in crate::template) async fn referred_rows(
    db: &Db,
    versions: &[TemplateVersionId],
) -> Result<Vec<VersionRow>> {
    let mut statement = Query::select()
        .from_as(Entity, "v")
        .and_where(is_one_of(Expr::col(("v", Column::Id)), versions))
        .take();
    select::<VersionRow>(&mut statement, "v");
    db.rows(&statement).await
}

/// The version that a job imports.
pub(in crate::template) async fn of_job(db: &Db, job: ProvisionerJobId) -> Result<Option<VersionRow>> {
    let mut statement = Query::select()
        .from_as(Entity, "v")
        .and_where(Expr::col(("v", Column::ProvisionerJobId)).eq(job))
        .take();
    select::<VersionRow>(&mut statement, "v");
    db.row(&statement).await
}

fn import_state_of(version: TemplateVersionId) -> SelectStatement {
    Query::select()
        .column(("j", provisioner_job::Column::State))
        .from_as(Entity, "v")
        .join_as(
            sea_orm::JoinType::InnerJoin,
            provisioner_job::Entity,
            "j",
            Expr::col(("j", provisioner_job::Column::Id)).equals(("v", Column::ProvisionerJobId)),
        )
        .and_where(Expr::col(("v", Column::Id)).eq(version))
        .and_where(Expr::col(("v", Column::Archived)).eq(false))
        .take()
}

/// Where the import of a version that is not archived stands, read in the transaction that depends on it.
pub(in crate::template) async fn import_state_in(
    tx: &Tx,
    version: TemplateVersionId,
) -> Result<Option<JobState>> {
    Ok(tx.row::<One<JobState>>(&import_state_of(version)).await?.map(|state| state.0))
}

/// Where the import of a version that is not archived stands.
pub(in crate::template) async fn import_state(
    db: &Db,
    version: TemplateVersionId,
) -> Result<Option<JobState>> {
    Ok(db.row::<One<JobState>>(&import_state_of(version)).await?.map(|state| state.0))
}

/// Where the import of a version stands, archived or not, and the tags of its job.
pub(in crate::template) async fn import_of(
    db: &Db,
    version: TemplateVersionId,
) -> Result<Option<(JobState, Tags)>> {
    let statement = Query::select()
        .column(("j", provisioner_job::Column::State))
        .column(("j", provisioner_job::Column::Tags))
        .from_as(Entity, "v")
        .join_as(
            sea_orm::JoinType::InnerJoin,
            provisioner_job::Entity,
            "j",
            Expr::col(("j", provisioner_job::Column::Id)).equals(("v", Column::ProvisionerJobId)),
        )
        .and_where(Expr::col(("v", Column::Id)).eq(version))
        .take();
    let row = db.row::<(One<JobState>, One<Tags>)>(&statement).await?;
    Ok(row.map(|(state, tags)| (state.0, tags.0)))
}

/// A version as the transaction sees it.
pub(in crate::template) async fn row_in(tx: &Tx, version: TemplateVersionId) -> Result<Option<VersionRow>> {
    let mut statement =
        Query::select().from_as(Entity, "v").and_where(Expr::col(("v", Column::Id)).eq(version)).take();
    select::<VersionRow>(&mut statement, "v");
    tx.row(&statement).await
}

/// Writes name and message.
pub(in crate::template) async fn describe_in(tx: &Tx, version: &VersionRow) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::Name, version.name.as_str())
        .value(Column::Message, version.message.as_str())
        .value(Column::MessageFolded, Folded::of(&version.message))
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, tx.clock().now())
        .and_where(Expr::col(Column::Id).eq(version.id))
        .take();
    tx.update(&statement).await?;
    Ok(())
}

/// Puts a version out of use, or back.
pub(in crate::template) async fn set_archived_in(
    tx: &Tx,
    version: TemplateVersionId,
    archived: bool,
) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::Archived, archived)
        .value(Column::Version, Expr::col(Column::Version).add(1))
        .value(Column::UpdatedAt, tx.clock().now())
        .and_where(Expr::col(Column::Id).eq(version))
        .take();
    tx.update(&statement).await?;
    Ok(())
}

/// How many versions a template has.
pub(in crate::template) async fn count(db: &Db, template: TemplateId) -> Result<i64> {
    let statement = Query::select()
        .expr(sea_orm::sea_query::Func::count(Expr::col(Column::Id)))
        .from(Entity)
        .and_where(Expr::col(Column::TemplateId).eq(template))
        .take();
    Ok(db.row::<One<i64>>(&statement).await?.map_or(0, |count| count.0))
}

/// A new version's row.
pub(in crate::template) struct NewRow {
    pub(in crate::template) id: TemplateVersionId,
    pub(in crate::template) organization: OrganizationId,
    pub(in crate::template) template: TemplateId,
    pub(in crate::template) name: String,
    pub(in crate::template) message: String,
    pub(in crate::template) file: FileId,
    pub(in crate::template) job: ProvisionerJobId,
    pub(in crate::template) promote: bool,
    pub(in crate::template) created_by: UserId,
}

pub(in crate::template) async fn insert_in(tx: &Tx, version: NewRow) -> Result<()> {
    let now = tx.clock().now();
    tx.insert(ActiveModel {
        id: Set(version.id),
        organization_id: Set(version.organization),
        template_id: Set(version.template),
        name: Set(version.name),
        message_folded: Set(Folded::of(&version.message)),
        message: Set(version.message),
        readme: Set(String::new()),
        file_id: Set(version.file),
        provisioner_job_id: Set(version.job),
        variables: Set(Variables::default()),
        promote_on_success: Set(version.promote),
        archived: Set(false),
        created_by: Set(version.created_by),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    })
    .await
}

/// Keeps what an import found.
pub(in crate::template) async fn set_content_in(
    tx: &Tx,
    version: TemplateVersionId,
    readme: &str,
    variables: Variables,
) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::Readme, readme)
        .value(Column::Variables, sea_orm::Value::from(variables))
        .value(Column::UpdatedAt, tx.clock().now())
        .and_where(Expr::col(Column::Id).eq(version))
        .take();
    tx.update(&statement).await?;
    Ok(())
}
