//! How workspaces are kept. A row comes with its owner, template and latest build: one statement for a page.

use std::sync::Arc;

use guildhall_entity::id::{OrganizationId, TemplateId, UserId, WorkspaceId};
use guildhall_entity::kind::{AutomaticUpdates, WorkspaceStatus};
use guildhall_entity::workspace::{Column, Entity};
use guildhall_entity::{template, user, workspace_build, workspace_favorite};
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query, SelectStatement};

use super::build::BuildRow;
use crate::authz::{Actor, Permission, Reach};
use crate::db::few::Few;
use crate::db::list::{Find, List, split};
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
        status: WorkspaceStatus,
        outdated: bool,
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

/// Joins the latest build as `b` to `w`.
pub(crate) fn join_latest_build(statement: &mut SelectStatement) {
    statement.join_as(
        sea_orm::JoinType::InnerJoin,
        workspace_build::Entity,
        "b",
        Expr::col(("b", workspace_build::Column::Id)).equals(("w", Column::LatestBuildId)),
    );
}

/// The latest build of a workspace, as `b`.
pub(super) fn latest_build_of(workspace: WorkspaceId) -> SelectStatement {
    let mut statement =
        Query::select().from_as(Entity, "w").and_where(Expr::col(("w", Column::Id)).eq(workspace)).take();
    join_latest_build(&mut statement);
    statement
}

/// Joins what every page shows of `w`, and selects the columns.
fn whole(statement: &mut SelectStatement) {
    join_owner_and_template(statement);
    join_latest_build(statement);
    join_job(statement, "b");
    select::<WorkspaceRow>(statement, "w");
    select::<UserCard>(statement, "u");
    select::<TemplateRow>(statement, "t");
    select::<BuildRow>(statement, "b");
    select::<JobCard>(statement, "j");
}

impl Find for WorkspaceId {
    type Row = Arc<Whole>;
    const ID: (&'static str, &'static str) = ("w", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = Query::select().from_as(Entity, "w").cond_where(visible(actor)).take();
        whole(&mut statement);
        statement
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

/// The workspaces that are dear to the actor; none where the actor is no user.
fn dear_to(actor: &Actor) -> SelectStatement {
    use workspace_favorite::Column as Favorite;
    let user = actor.user_id().map(|user| user.0).unwrap_or_default();
    Query::select()
        .column(("dear", Favorite::WorkspaceId))
        .from_as(workspace_favorite::Entity, "dear")
        .and_where(Expr::col(("dear", Favorite::UserId)).eq(user))
        .take()
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
    None,
    Organization,
    Owner,
}

impl WorkspaceList {
    /// Of all organizations.
    pub(crate) fn of_all(filter: Filter, order: WorkspaceOrder) -> Self {
        Self { filter, order, parent: Parent::None }
    }

    /// Of an organization.
    pub(crate) fn of_organization(filter: Filter, order: WorkspaceOrder) -> Self {
        Self { filter, order, parent: Parent::Organization }
    }

    /// Of an owner.
    pub(crate) fn of_owner(filter: Filter, order: WorkspaceOrder) -> Self {
        Self { filter, order, parent: Parent::Owner }
    }

    /// Whether nothing leaves few of the deployment's workspaces but where they stand.
    fn is_of_all(&self, actor: &Actor) -> bool {
        let unnamed = matches!(
            self.filter,
            Filter {
                name: None,
                owner: None,
                template: None,
                organization: None,
                dormant: None | Some(false),
                favorite: None | Some(false),
                ..
            }
        );
        unnamed && self.parent == Parent::None && actor.reach(Permission::WorkspaceRead) == Reach::Everything
    }

    /// Where the workspaces stand. Literals: of what all have, or none, a planner that is not told which expects the same, and
    /// would walk along the index of the order alone. The last condition is that of the indexes for the whole deployment.
    fn standing(&self, actor: &Actor) -> Condition {
        let Filter { status, outdated, .. } = self.filter;
        let literal = |status: WorkspaceStatus| Expr::cust(format!("'{}'", status.as_str()));
        let asked = status.is_some() || outdated.is_some();
        Condition::all()
            .add_option(status.map(|status| Expr::col(("w", Column::Status)).eq(literal(status))))
            .add_option(outdated.map(|outdated| {
                Expr::col(("w", Column::Outdated)).eq(Expr::cust(if outdated { "true" } else { "false" }))
            }))
            .add_option((asked && self.is_of_all(actor)).then(|| Expr::cust("w.status <> ''")))
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
    type Row = Arc<Whole>;

    fn source(&self, actor: &Actor) -> SelectStatement {
        let filter = &self.filter;
        let mut statement = Query::select().from_as(Entity, "w").cond_where(visible(actor)).take();
        statement.cond_where(self.standing(actor));
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
        whole(statement);
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
            Parent::None | Parent::Organization => ("w", "organization_id"),
            Parent::Owner => ("w", "owner_id"),
        }
    }

    fn parts(&self, actor: &Actor) -> Vec<SelectStatement> {
        let Filter { owner: None, template: None, organization: None, favorite: None | Some(false), .. } =
            self.filter
        else {
            return Vec::new();
        };
        let organization = Expr::col(("w", Column::OrganizationId));
        let owner = Expr::col(("w", Column::OwnerId));
        split(&self.source(actor), parted(&actor.reach(Permission::WorkspaceRead), organization, Some(owner)))
    }

    fn few(&self, actor: &Actor) -> Option<Few> {
        // What leaves few is read and asked for the text.
        let Filter { owner: None, template: None, organization: None, .. } = self.filter else { return None };
        let (None, None | Some(false)) = (&self.filter.name, self.filter.favorite) else { return None };
        let sees_all = actor.reach(Permission::WorkspaceRead) == Reach::Everything;
        let query = self.filter.query.as_ref().filter(|_| sees_all)?;
        query.among("workspace", "w", &["name"])
    }
}
