//! How builds are kept. Values and results are read only when asked for.

use guildhall_entity::id::{
    OrganizationId, ProvisionerJobId, TemplateVersionId, UserId, WorkspaceBuildId, WorkspaceId,
};
use guildhall_entity::json::{Apps, Metadata, Parameters, QuotaRefusal, Resources, Tags};
use guildhall_entity::kind::{BuildReason, JobState, Transition};
use guildhall_entity::workspace_build::{ActiveModel, Column, Entity};
use guildhall_entity::{provisioner_job, template_version, workspace};
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};

use crate::authz::Actor;
use crate::db::list::{Find, List};
use crate::db::page::{Key, Keyset};
use crate::db::row::{One, row, select};
use crate::db::{Db, Tx, is_one_of};
use crate::error::{Error, Result};
use crate::provisioner::{JobCard, join_job};

row! {
    /// A build, without its values and results.
    pub(crate) struct BuildRow {
        id: WorkspaceBuildId,
        workspace_id: WorkspaceId,
        number: i32,
        template_version_id: TemplateVersionId,
        transition: Transition,
        reason: BuildReason,
        initiator_id: Option<UserId>,
        daily_cost: i32,
        created_at: DateTimeUtc,
        updated_at: DateTimeUtc,
    }
}

row! {
    /// The values and results of a build.
    pub(crate) struct BuildDetails {
        id: WorkspaceBuildId,
        parameters: Parameters,
        resources: Resources,
        apps: Apps,
        metadata: Metadata,
        quota_refusal: Option<QuotaRefusal>,
    }
}

/// Builds of workspaces that the actor can see.
fn source(actor: &Actor) -> SelectStatement {
    let mut statement = Query::select()
        .from_as(Entity, "b")
        .join_as(
            sea_orm::JoinType::InnerJoin,
            workspace::Entity,
            "w",
            Expr::col(("w", workspace::Column::Id)).equals(("b", Column::WorkspaceId)),
        )
        .cond_where(super::workspace::visible(actor))
        .take();
    join_job(&mut statement, "b");
    statement
}

impl Find for WorkspaceBuildId {
    type Row = (BuildRow, JobCard);
    const ID: (&'static str, &'static str) = ("b", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = source(actor);
        select::<BuildRow>(&mut statement, "b");
        select::<JobCard>(&mut statement, "j");
        statement
    }
}

/// Which builds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct BuildFilter {
    pub(crate) transition: Option<Transition>,
    pub(crate) state: Option<JobState>,
    pub(crate) reason: Option<BuildReason>,
}

/// The builds of a workspace, in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct BuildList {
    pub(crate) filter: BuildFilter,
    pub(crate) order: BuildOrder,
}

/// Orders of builds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "WorkspaceBuildOrder")]
pub(crate) enum BuildOrder {
    /// Oldest first.
    NumberAsc,
    /// Newest first. The default.
    #[default]
    NumberDesc,
}

impl List for BuildList {
    type Row = (BuildRow, JobCard);

    fn source(&self, actor: &Actor) -> SelectStatement {
        let filter = &self.filter;
        let mut statement = source(actor);
        if let Some(transition) = filter.transition {
            statement.and_where(Expr::col(("b", Column::Transition)).eq(transition.as_str()));
        }
        if let Some(state) = filter.state {
            statement.and_where(Expr::col(("j", provisioner_job::Column::State)).eq(state.as_str()));
        }
        if let Some(reason) = filter.reason {
            statement.and_where(Expr::col(("b", Column::Reason)).eq(reason.as_str()));
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<BuildRow>(statement, "b");
        select::<JobCard>(statement, "j");
    }

    fn keyset(&self) -> Keyset {
        const NUMBER: &[Key] = &[Key::int("b", "number")];
        Keyset {
            tag: "workspace_build.number",
            keys: NUMBER,
            descending: self.order == BuildOrder::NumberDesc,
        }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("b", "workspace_id")
    }
}

/// The values and results of builds that the actor can see.
pub(in crate::workspace) async fn details(
    db: &Db,
    actor: &Actor,
    builds: &[WorkspaceBuildId],
) -> Result<Vec<BuildDetails>> {
    let mut statement = source(actor);
    select::<BuildDetails>(&mut statement, "b");
    statement.and_where(is_one_of(Expr::col(("b", Column::Id)), builds));
    db.rows(&statement).await
}

row! {
    /// The values of a build as they are kept: in the open, sealed, and sealed until it ends.
    pub(in crate::workspace) struct ValuesRow {
        parameters: Parameters,
        sealed_parameters: Option<Vec<u8>>,
        ephemeral_parameters: Option<Vec<u8>>,
    }
}

/// The values of a build.
pub(in crate::workspace) async fn values(db: &Db, build: WorkspaceBuildId) -> Result<ValuesRow> {
    let mut statement =
        Query::select().from_as(Entity, "b").and_where(Expr::col(("b", Column::Id)).eq(build)).take();
    select::<ValuesRow>(&mut statement, "b");
    let row = db.row(&statement).await?;
    row.ok_or_else(|| Error::internal("a build that was just read is not there"))
}

row! {
    /// What a job builds.
    pub(crate) struct Target {
        build as "id": WorkspaceBuildId,
        organization as "organization_id": OrganizationId,
        workspace as "workspace_id": WorkspaceId,
        number: i32,
        transition: Transition,
        version as "template_version_id": TemplateVersionId,
    }
}

pub(in crate::workspace) async fn of_job(db: &Db, job: ProvisionerJobId) -> Result<Option<Target>> {
    let mut statement = Query::select()
        .from_as(Entity, "b")
        .and_where(Expr::col(("b", Column::ProvisionerJobId)).eq(job))
        .take();
    select::<Target>(&mut statement, "b");
    db.row(&statement).await
}

/// Names that a module is told.
pub(crate) struct Context {
    pub(crate) workspace: String,
    pub(crate) owner: String,
    pub(crate) organization: String,
}

pub(in crate::workspace) async fn context(db: &Db, target: &Target) -> Result<Option<Context>> {
    use guildhall_entity::{organization, user};
    let statement = Query::select()
        .column(("w", workspace::Column::Name))
        .column(("u", user::Column::Username))
        .column(("o", organization::Column::Name))
        .from_as(workspace::Entity, "w")
        .join_as(
            sea_orm::JoinType::InnerJoin,
            user::Entity,
            "u",
            Expr::col(("u", user::Column::Id)).equals(("w", workspace::Column::OwnerId)),
        )
        .join_as(
            sea_orm::JoinType::InnerJoin,
            organization::Entity,
            "o",
            Expr::col(("o", organization::Column::Id)).equals(("w", workspace::Column::OrganizationId)),
        )
        .and_where(Expr::col(("w", workspace::Column::Id)).eq(target.workspace))
        .take();
    let row = db.row::<(One<String>, (One<String>, One<String>))>(&statement).await?;
    let context = |(workspace, (owner, organization)): (One<String>, (One<String>, One<String>))| Context {
        workspace: workspace.0,
        owner: owner.0,
        organization: organization.0,
    };
    Ok(row.map(context))
}

/// The name of a version, and the tags of its import: its builds run where it was imported.
pub(in crate::workspace) async fn version_in(
    tx: &Tx,
    version: TemplateVersionId,
) -> Result<Option<(String, Tags)>> {
    let mut statement = Query::select()
        .column(("v", template_version::Column::Name))
        .column(("j", provisioner_job::Column::Tags))
        .from_as(template_version::Entity, "v")
        .and_where(Expr::col(("v", template_version::Column::Id)).eq(version))
        .take();
    join_job(&mut statement, "v");
    Ok(tx.row::<(One<String>, One<Tags>)>(&statement).await?.map(|(name, tags)| (name.0, tags.0)))
}

/// A new build's row.
pub(in crate::workspace) struct NewRow {
    pub(in crate::workspace) id: WorkspaceBuildId,
    pub(in crate::workspace) organization: OrganizationId,
    pub(in crate::workspace) workspace: WorkspaceId,
    pub(in crate::workspace) version: TemplateVersionId,
    pub(in crate::workspace) transition: Transition,
    pub(in crate::workspace) reason: BuildReason,
    pub(in crate::workspace) initiator: Option<UserId>,
    pub(in crate::workspace) job: ProvisionerJobId,
    pub(in crate::workspace) values: ValuesRow,
}

pub(in crate::workspace) async fn insert_in(tx: &Tx, build: NewRow) -> Result<()> {
    let mut latest = super::workspace::latest_build_of(build.workspace);
    latest.columns([("b", Column::Number), ("b", Column::DailyCost)]);
    let latest = tx.row::<(One<i32>, One<i32>)>(&latest).await?;
    // What is there costs what it costs until this build has made something else of it.
    let (latest, daily_cost) = latest.map_or((0, 0), |(number, cost)| (number.0, cost.0));
    let now = tx.clock().now();
    tx.insert(ActiveModel {
        id: Set(build.id),
        organization_id: Set(build.organization),
        workspace_id: Set(build.workspace),
        number: Set(latest + 1),
        template_version_id: Set(build.version),
        transition: Set(build.transition),
        reason: Set(build.reason),
        initiator_id: Set(build.initiator),
        provisioner_job_id: Set(build.job),
        active: Set(true),
        parameters: Set(build.values.parameters),
        sealed_parameters: Set(build.values.sealed_parameters),
        ephemeral_parameters: Set(build.values.ephemeral_parameters),
        resources: Set(Resources::default()),
        apps: Set(Apps::default()),
        metadata: Set(Metadata::default()),
        daily_cost: Set(daily_cost),
        quota_refusal: Set(None),
        created_at: Set(now),
        updated_at: Set(now),
    })
    .await
}

/// Notes what a build is going to cost, so that no other build takes it for free.
pub(in crate::workspace) async fn set_daily_cost_in(
    tx: &Tx,
    build: WorkspaceBuildId,
    cost: i32,
) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::DailyCost, cost)
        .and_where(Expr::col(Column::Id).eq(build))
        .take();
    tx.update(&statement).await?;
    Ok(())
}

/// Notes why a quota stopped a build, or that it did not after all.
pub(in crate::workspace) async fn set_quota_refusal_in(
    tx: &Tx,
    build: WorkspaceBuildId,
    refusal: Option<QuotaRefusal>,
) -> Result<()> {
    let statement = Query::update()
        .table(Entity)
        .value(Column::QuotaRefusal, refusal)
        .and_where(Expr::col(Column::Id).eq(build))
        .take();
    tx.update(&statement).await?;
    Ok(())
}

/// The owner of a build's workspace, what the build counts with so far, and whether a quota has stopped it.
pub(in crate::workspace) async fn charge_in(
    tx: &Tx,
    build: WorkspaceBuildId,
) -> Result<Option<(UserId, i32, bool)>> {
    let statement = Query::select()
        .column(("w", workspace::Column::OwnerId))
        .column(("b", Column::DailyCost))
        .expr(Expr::col(("b", Column::QuotaRefusal)).is_not_null())
        .from_as(Entity, "b")
        .join_as(
            sea_orm::JoinType::InnerJoin,
            workspace::Entity,
            "w",
            Expr::col(("w", workspace::Column::Id)).equals(("b", Column::WorkspaceId)),
        )
        .and_where(Expr::col(("b", Column::Id)).eq(build))
        .take();
    let row = tx.row::<(One<UserId>, (One<i32>, One<bool>))>(&statement).await?;
    Ok(row.map(|(owner, (cost, stopped))| (owner.0, cost.0, stopped.0)))
}

/// What a build left behind.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) resources: Resources,
    pub(crate) apps: Apps,
    pub(crate) metadata: Metadata,
    pub(crate) daily_cost: i32,
}

/// Ends a build; what it made is kept where there is something, and the values for it alone are erased.
pub(in crate::workspace) async fn end_in(tx: &Tx, build: WorkspaceBuildId, made: Option<Made>) -> Result<()> {
    let mut statement = Query::update()
        .table(Entity)
        .value(Column::Active, false)
        .value(Column::EphemeralParameters, Option::<Vec<u8>>::None)
        .value(Column::UpdatedAt, tx.clock().now())
        .and_where(Expr::col(Column::Id).eq(build))
        .take();
    if let Some(made) = made {
        statement
            .value(Column::Resources, sea_orm::Value::from(made.resources))
            .value(Column::Apps, sea_orm::Value::from(made.apps))
            .value(Column::Metadata, sea_orm::Value::from(made.metadata))
            .value(Column::DailyCost, made.daily_cost);
    }
    tx.update(&statement).await?;
    Ok(())
}
