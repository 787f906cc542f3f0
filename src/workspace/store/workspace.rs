//! How workspaces are kept. A row comes with its owner, template and latest build: one statement for a page.

use guildhall_entity::id::{OrganizationId, TemplateId, UserId, WorkspaceId};
use guildhall_entity::kind::{AutomaticUpdates, JobState, Transition};
use guildhall_entity::workspace::{Column, Entity};
use guildhall_entity::{provisioner_job, template, user, workspace_build, workspace_favorite};
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Order, Query, SelectStatement};

use super::build::BuildRow;
use crate::authz::{Actor, Permission};
use crate::db::list::{Find, List};
use crate::db::page::{Key, Keyset};
use crate::db::row::{Columns, Read, row, select};
use crate::db::search::{Term, matches};
use crate::db::{covered, parted};
use crate::error::Result;
use crate::provisioner::{JobCard, join_job};
use crate::template::TemplateRow;
use crate::user::UserCard;

row! {
    /// A workspace.
    pub(crate) struct WorkspaceRow {
        id: WorkspaceId,
        organization_id: OrganizationId,
        owner_id: UserId,
        template_id: TemplateId,
        name: String,
        last_used_at: Option<DateTimeUtc>,
        autostart_cron: Option<String>,
        autostart_time_zone: Option<String>,
        autostart_at: Option<DateTimeUtc>,
        ttl_ms: Option<i64>,
        automatic_updates: AutomaticUpdates,
        deadline: Option<DateTimeUtc>,
        dormant_at: Option<DateTimeUtc>,
        deleting_at: Option<DateTimeUtc>,
        version: i32,
        created_at: DateTimeUtc,
        updated_at: DateTimeUtc,
    }
}

/// A workspace with what every page shows of it.
#[derive(Clone, Debug)]
pub(crate) struct Whole {
    pub(crate) workspace: WorkspaceRow,
    pub(crate) owner: UserCard,
    pub(crate) template: TemplateRow,
    pub(crate) build: BuildRow,
    pub(crate) job: JobCard,
}

impl Read for Whole {
    fn read(columns: &mut Columns<'_>) -> Result<Self, sea_orm::DbErr> {
        Ok(Self {
            workspace: Read::read(columns)?,
            owner: Read::read(columns)?,
            template: Read::read(columns)?,
            build: Read::read(columns)?,
            job: Read::read(columns)?,
        })
    }
}

/// Live workspaces that the actor can see, for a statement where the table is `w`.
pub(super) fn visible(actor: &Actor) -> Condition {
    Condition::all().add(covered_by(actor)).add(Expr::col(("w", Column::DeletedAt)).is_null())
}

/// The same of those too that are deleted.
pub(super) fn covered_by(actor: &Actor) -> Condition {
    let organization = Expr::col(("w", Column::OrganizationId));
    let owner = Expr::col(("w", Column::OwnerId));
    covered(&actor.reach(Permission::WorkspaceRead), organization, Some(owner))
}

fn columns(statement: &mut SelectStatement) {
    select::<WorkspaceRow>(statement, "w");
    select::<UserCard>(statement, "u");
    select::<TemplateRow>(statement, "t");
    select::<BuildRow>(statement, "b");
    select::<JobCard>(statement, "j");
}

fn join_owner_and_template(statement: &mut SelectStatement) {
    statement
        .join_as(
            sea_orm::JoinType::InnerJoin,
            user::Entity,
            "u",
            Expr::col(("u", user::Column::Id)).equals(("w", Column::OwnerId)),
        )
        .join_as(
            sea_orm::JoinType::InnerJoin,
            template::Entity,
            "t",
            Expr::col(("t", template::Column::Id)).equals(("w", Column::TemplateId)),
        );
}

/// Joins the newest build as `b` and its job as `j` to `w`: two lookups in unique indexes for each workspace. By the build's
/// id, of which a planner knows that there is one: of a number that another statement finds, it expects few workspaces to
/// have it, and would read all builds.
pub(crate) fn join_latest_build(statement: &mut SelectStatement) {
    use workspace_build::Column as Build;
    let newest = Query::select()
        .column(("newest", Build::Id))
        .from_as(workspace_build::Entity, "newest")
        .and_where(Expr::col(("newest", Build::WorkspaceId)).equals(("w", Column::Id)))
        .order_by(("newest", Build::Number), Order::Desc)
        .limit(1)
        .to_owned();
    let on = Expr::col(("b", Build::Id)).eq(newest);
    statement.join_as(sea_orm::JoinType::InnerJoin, workspace_build::Entity, "b", on);
    join_job(statement, "b");
}

impl Find for WorkspaceId {
    type Row = Whole;
    const ID: (&'static str, &'static str) = ("w", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "w").cond_where(visible(actor)).to_owned();
        join_owner_and_template(&mut statement);
        join_latest_build(&mut statement);
        columns(&mut statement);
        statement
    }
}

/// What a workspace is at, from its latest build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
pub(crate) enum WorkspaceStatus {
    /// Its build waits for a provisioner.
    Pending,
    /// Comes up.
    Starting,
    /// Is up.
    Running,
    /// Goes down.
    Stopping,
    /// Is down.
    Stopped,
    /// Is being destroyed.
    Deleting,
    /// Is gone.
    Deleted,
    /// Its build was told to stop.
    Canceling,
    /// Its build was canceled.
    Canceled,
    /// Its build failed.
    Failed,
}

impl WorkspaceStatus {
    /// From the latest build.
    pub(crate) fn of(transition: Transition, state: JobState) -> Self {
        match (state, transition) {
            (JobState::Pending, _) => Self::Pending,
            (JobState::Canceling, _) => Self::Canceling,
            (JobState::Canceled, _) => Self::Canceled,
            (JobState::Failed, _) => Self::Failed,
            (JobState::Running, Transition::Start) => Self::Starting,
            (JobState::Running, Transition::Stop) => Self::Stopping,
            (JobState::Running, Transition::Delete) => Self::Deleting,
            (JobState::Succeeded, Transition::Start) => Self::Running,
            (JobState::Succeeded, Transition::Stop) => Self::Stopped,
            (JobState::Succeeded, Transition::Delete) => Self::Deleted,
        }
    }

    fn condition(self) -> Condition {
        use provisioner_job::Column as Job;
        use workspace_build::Column as Build;
        let state = |state: JobState| Expr::col(("j", Job::State)).eq(state.as_str());
        let both = |job: JobState, transition: Transition| {
            Condition::all().add(state(job)).add(Expr::col(("b", Build::Transition)).eq(transition.as_str()))
        };
        match self {
            Self::Pending => Condition::all().add(state(JobState::Pending)),
            Self::Canceling => Condition::all().add(state(JobState::Canceling)),
            Self::Canceled => Condition::all().add(state(JobState::Canceled)),
            Self::Failed => Condition::all().add(state(JobState::Failed)),
            Self::Starting => both(JobState::Running, Transition::Start),
            Self::Stopping => both(JobState::Running, Transition::Stop),
            Self::Deleting => both(JobState::Running, Transition::Delete),
            Self::Running => both(JobState::Succeeded, Transition::Start),
            Self::Stopped => both(JobState::Succeeded, Transition::Stop),
            Self::Deleted => both(JobState::Succeeded, Transition::Delete),
        }
    }
}

/// Which workspaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Filter {
    pub(crate) name: Option<String>,
    pub(crate) query: Option<Term>,
    pub(crate) owner: Option<UserId>,
    pub(crate) template: Option<TemplateId>,
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) status: Option<WorkspaceStatus>,
    pub(crate) dormant: Option<bool>,
    pub(crate) outdated: Option<bool>,
    pub(crate) favorite: Option<bool>,
    /// An id in the filter does not parse: nothing can match it.
    pub(crate) impossible: bool,
}

impl Filter {
    /// Whether it asks for something of the latest build.
    fn needs_latest_build(&self) -> bool {
        self.status.is_some() || self.outdated.is_some()
    }
}

/// The template of `w`, where its active version is another than that of the latest build, `b`.
fn newer_version() -> SelectStatement {
    let version = Expr::col(("b", workspace_build::Column::TemplateVersionId));
    Query::select()
        .expr(Expr::val(1))
        .from_as(template::Entity, "newer")
        .and_where(Expr::col(("newer", template::Column::Id)).equals(("w", Column::TemplateId)))
        .and_where(Expr::col(("newer", template::Column::ActiveVersionId)).ne(version))
        .to_owned()
}

/// The workspaces that are dear to the actor; none where the actor is no user.
fn dear_to(actor: &Actor) -> SelectStatement {
    use workspace_favorite::Column as Favorite;
    let user = actor.user_id().map(|user| user.0).unwrap_or_default();
    Query::select()
        .column(("dear", Favorite::WorkspaceId))
        .from_as(workspace_favorite::Entity, "dear")
        .and_where(Expr::col(("dear", Favorite::UserId)).eq(user))
        .to_owned()
}

/// A list of workspaces.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct WorkspaceList {
    filter: Filter,
    order: WorkspaceOrder,
    parent: Parent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Parent {
    Organization,
    Owner,
}

impl WorkspaceList {
    /// Of an organization, or of all of them.
    pub(crate) fn of_organization(filter: Filter, order: WorkspaceOrder) -> Self {
        Self { filter, order, parent: Parent::Organization }
    }

    /// Of an owner.
    pub(crate) fn of_owner(filter: Filter, order: WorkspaceOrder) -> Self {
        Self { filter, order, parent: Parent::Owner }
    }
}

/// Orders of workspaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
pub(crate) enum WorkspaceOrder {
    /// By name, a to z.
    NameAsc,
    /// By name, z to a.
    NameDesc,
    /// Oldest first.
    CreatedAtAsc,
    /// Newest first. The default.
    #[default]
    CreatedAtDesc,
}

impl List for WorkspaceList {
    type Row = Whole;

    fn source(&self, actor: &Actor) -> SelectStatement {
        let filter = &self.filter;
        let mut statement = Query::select().from_as(Entity, "w").cond_where(visible(actor)).to_owned();
        if filter.needs_latest_build() {
            join_latest_build(&mut statement);
        }
        if let Some(status) = filter.status {
            statement.cond_where(status.condition());
        }
        if let Some(outdated) = filter.outdated {
            let other = Expr::exists(newer_version());
            statement.and_where(if outdated { other } else { other.not() });
        }
        if let Some(dormant) = filter.dormant {
            let since = Expr::col(("w", Column::DormantAt));
            statement.and_where(if dormant { since.is_not_null() } else { since.is_null() });
        }
        if let Some(favorite) = filter.favorite {
            // Few, and asked for by their ids.
            let (id, dear) = (Expr::col(("w", Column::Id)), dear_to(actor));
            statement.and_where(if favorite { id.in_subquery(dear) } else { id.not_in_subquery(dear) });
        }
        if let Some(name) = &filter.name {
            statement.and_where(Expr::col(("w", Column::Name)).eq(name.to_lowercase()));
        }
        if let Some(query) = &filter.query {
            statement.cond_where(matches(query, &[("w", "name")]));
        }
        if let Some(owner) = filter.owner {
            statement.and_where(Expr::col(("w", Column::OwnerId)).eq(owner));
        }
        if let Some(template) = filter.template {
            statement.and_where(Expr::col(("w", Column::TemplateId)).eq(template));
        }
        if let Some(organization) = filter.organization {
            statement.and_where(Expr::col(("w", Column::OrganizationId)).eq(organization));
        }
        if filter.impossible {
            statement.and_where(Expr::val(1).eq(0));
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        join_owner_and_template(statement);
        if !self.filter.needs_latest_build() {
            join_latest_build(statement);
        }
        columns(statement);
    }

    fn keyset(&self) -> Keyset {
        const NAME: &[Key] = &[Key::text("w", "name"), Key::id("w", "id")];
        const CREATED_AT: &[Key] = &[Key::time("w", "created_at"), Key::id("w", "id")];
        let (tag, keys, descending) = match self.order {
            WorkspaceOrder::NameAsc => ("workspace.name", NAME, false),
            WorkspaceOrder::NameDesc => ("workspace.name", NAME, true),
            WorkspaceOrder::CreatedAtAsc => ("workspace.created_at", CREATED_AT, false),
            WorkspaceOrder::CreatedAtDesc => ("workspace.created_at", CREATED_AT, true),
        };
        Keyset { tag, keys, descending }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        match self.parent {
            Parent::Organization => ("w", "organization_id"),
            Parent::Owner => ("w", "owner_id"),
        }
    }

    fn parts(&self, actor: &Actor) -> Vec<Condition> {
        let Filter { owner: None, template: None, organization: None, favorite: None | Some(false), .. } =
            self.filter
        else {
            return Vec::new();
        };
        let organization = Expr::col(("w", Column::OrganizationId));
        let owner = Expr::col(("w", Column::OwnerId));
        parted(&actor.reach(Permission::WorkspaceRead), organization, Some(owner))
    }
}
