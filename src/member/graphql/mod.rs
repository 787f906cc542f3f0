//! How members look.

mod mutation;

pub(crate) use mutation::MemberMutation;

use async_graphql::{Context, ID, InputObject, Object};
use guildhall_entity::kind;

use super::{Filter, MemberList, MemberRow};
use crate::authz::{self, Permission};
use crate::db::search::Term;
use crate::departure::graphql::MemberRemovalImpact;
use crate::error::{Error, Result};
use crate::graphql::connection::{Connection, Node, Paging};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, nullable};
use crate::graphql::guard::requires;
use crate::graphql::scalar::DateTime;
use crate::group::graphql::{Group, GroupFilter};
use crate::group::{GroupList, GroupOrder};
use crate::name::RoleName;
use crate::organization::graphql::Organization;
use crate::quota::graphql::Quota;
use crate::role::graphql::Role;
use crate::user::UserRow;
use crate::user::graphql::{User, UserStatus};

/// A user's place in an organization.
#[derive(Clone)]
pub(crate) struct Member {
    row: MemberRow,
    user: User,
}

impl Member {
    pub(crate) fn new((row, user): (MemberRow, UserRow), request: &Request) -> Self {
        let user = User::known(user, row.organization_id, request);
        Self { row, user }
    }
}

impl Node for Member {
    type List = MemberList;
    const NAME: &'static str = "Member";

    fn from_row(row: (MemberRow, UserRow), request: &Request) -> Self {
        Self::new(row, request)
    }
}

/// A user's place in an organization. Visible to everyone in it.
#[Object]
impl Member {
    /// The organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.request().get(self.row.organization_id).await?.into())
    }

    /// The user.
    async fn user(&self) -> &User {
        &self.user
    }

    /// Roles they were given in this organization.
    async fn roles(&self, ctx: &Context<'_>) -> Result<Vec<Role>> {
        Role::in_organization(ctx.request(), self.row.organization_id, &self.row.roles.0).await
    }

    /// Groups of the organization that they are in, Everyone among them; of the groups whose members the viewer may know.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<GroupFilter>,
        #[graphql(desc = "NAME_ASC if absent.")] order_by: Option<GroupOrder>,
    ) -> Result<Connection<Group>> {
        let organization = self.row.organization_id;
        let list = GroupList::of_member(
            organization,
            filter.unwrap_or_default().try_into()?,
            order_by.unwrap_or_default(),
        );
        Connection::of(ctx, self.user.user_id(), list, Paging { first, after, last, before }).await
    }

    /// Their budget in this organization and what they use of it. FORBIDDEN without the permission, which everybody has
    /// for themselves.
    #[graphql(directive = requires::apply("QUOTA".into(), "READ".into()))]
    async fn quota(&self, ctx: &Context<'_>) -> Nullable<Quota> {
        nullable(async {
            let (request, organization, user) =
                (ctx.request(), self.row.organization_id, self.user.user_id());
            request.require(
                Permission::QuotaRead,
                authz::Object::in_organization(organization).owned_by(user),
            )?;
            Quota::of_member(request, organization, user).await.map(Some)
        })
        .await
    }

    /// What their removal would change. FORBIDDEN without the permission.
    #[graphql(directive = requires::apply("MEMBER".into(), "DELETE".into()))]
    async fn removal_impact(&self, ctx: &Context<'_>) -> Nullable<MemberRemovalImpact> {
        nullable(async {
            let (request, organization) = (ctx.request(), self.row.organization_id);
            request.require(Permission::MemberDelete, authz::Object::in_organization(organization))?;
            MemberRemovalImpact::of(request, organization, self.user.user_id()).await.map(Some)
        })
        .await
    }

    /// When they joined.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// When their roles last changed.
    async fn updated_at(&self) -> DateTime {
        self.row.updated_at.into()
    }
}

/// Which members: all of these together.
#[derive(Default, InputObject)]
pub(crate) struct MemberFilter {
    /// Text in username or name, or in the email of those whose email the viewer may see.
    query: Option<String>,
    /// This user.
    user_id: Option<ID>,
    /// Who hold this role.
    role: Option<String>,
    /// Who are in this group, as far as the viewer may know of it.
    group_id: Option<ID>,
    /// Who are so; only of those whose status the viewer may see.
    status: Option<UserStatus>,
}

impl TryFrom<MemberFilter> for Filter {
    type Error = Error;

    fn try_from(filter: MemberFilter) -> Result<Self> {
        let user = filter.user_id.map(|id| id.parse().map_err(drop));
        let group = filter.group_id.map(|id| id.parse().map_err(drop));
        let impossible = matches!(user, Some(Err(()))) || matches!(group, Some(Err(())));
        Ok(Self {
            query: Term::asked(filter.query.as_deref())?,
            user: user.and_then(Result::ok),
            role: filter.role.as_deref().map(RoleName::of),
            group: group.and_then(Result::ok),
            status: filter.status.map(kind::UserStatus::from),
            impossible,
        })
    }
}
