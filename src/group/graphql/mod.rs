//! How groups look.

mod members;
mod mutation;

pub(crate) use members::GroupMember;
pub(crate) use mutation::GroupMutation;

use std::collections::HashMap;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Enum, ID, InputObject, Object};
use guildhall_entity::id::GroupId;
use guildhall_entity::kind;

use super::{Filter, GroupList, GroupMemberList, GroupMemberOrder, GroupRow};
use crate::authz::{self, Denied, Permission};
use crate::db::row::One;
use crate::db::search::Term;
use crate::error::{Error, Result};
use crate::graphql::connection::{Connection, Node, Paging};
use crate::graphql::context::{Ask, Loaders, Request};
use crate::graphql::error::{Nullable, nullable};
use crate::graphql::guard::requires;
use crate::graphql::scalar::DateTime;
use crate::name;
use crate::organization::graphql::Organization;
use crate::template::TemplateOrder;
use crate::template::graphql::{GroupTemplateAccess, GroupTemplateFilter};
use members::GroupMemberFilter;

/// Who manages a group's members.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "kind::GroupSource")]
pub(crate) enum GroupSource {
    /// People, here.
    User,
    /// Claims of an identity provider.
    Oidc,
    /// A SCIM client.
    Scim,
}

/// A group.
#[derive(Clone)]
pub(crate) struct Group {
    row: GroupRow,
    /// Where it is known already.
    member_count: Option<i64>,
}

impl From<GroupRow> for Group {
    fn from(row: GroupRow) -> Self {
        Self { row, member_count: None }
    }
}

impl Node for Group {
    type List = GroupList;
    const NAME: &'static str = "Group";

    fn with(list: GroupList, asks: impl Fn(&str) -> bool) -> GroupList {
        list.counted(asks("memberCount"))
    }

    fn from_row((row, count): (GroupRow, One<Option<i64>>), _: &Request) -> Self {
        Self { row, member_count: count.0 }
    }
}

/// Whether the viewer is in a group; loaded for all groups of a page at once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Mine(GroupId);

#[async_trait::async_trait]
impl Loader<Mine> for Loaders {
    type Value = ();
    type Error = Error;

    async fn load(&self, keys: &[Mine]) -> Result<HashMap<Mine, ()>> {
        let Some(user) = self.actor.user_id() else { return Ok(HashMap::new()) };
        let groups: Vec<GroupId> = keys.iter().map(|key| key.0).collect();
        Ok(super::groups_of(&self.db, user, &groups).await?.into_iter().map(|id| (Mine(id), ())).collect())
    }
}

impl Group {
    /// Members are for those who read them by a role, and for the group's own.
    async fn require_members(&self, request: &Request) -> Result<()> {
        let by_role = request.actor.may_by_role(Permission::GroupReadMembers, self.row.organization_id);
        let own = request.actor.membership(self.row.organization_id).is_some()
            && request.actor.admits(Permission::GroupReadMembers);
        if by_role || (own && request.load(Mine(self.row.id)).await?.is_some()) {
            return Ok(());
        }
        Err(Denied::Lacking(Permission::GroupReadMembers).into())
    }
}

/// A set of an organization's members. Visible to everyone in it.
#[Object]
impl Group {
    /// `grp_…`
    pub(crate) async fn id(&self) -> ID {
        self.row.id.to_string().into()
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime {
        self.row.created_at.into()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.row.updated_at.into()
    }

    /// Its name, unique in the organization.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// Its name as people read it.
    async fn display_name(&self) -> &str {
        &self.row.display_name
    }

    /// An emoji, URL or site path; may be empty.
    async fn avatar_url(&self) -> &str {
        &self.row.avatar_url
    }

    /// Credits a day that each member may use; 0 or more.
    async fn quota_allowance(&self) -> i32 {
        self.row.quota_allowance
    }

    /// Who manages its members.
    async fn source(&self) -> GroupSource {
        self.row.source.into()
    }

    /// Grows by one with every change but those of its members; pass it as `expectedVersion`.
    async fn version(&self) -> i32 {
        self.row.version
    }

    /// Whether it is the group that everybody in the organization is in.
    async fn is_everyone(&self) -> bool {
        self.row.is_everyone()
    }

    /// Its organization.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Organization> {
        Ok(ctx.request().get(self.row.organization_id).await?.into())
    }

    /// What the viewer may do to it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Result<Vec<Permission>> {
        let request = ctx.request();
        let object = authz::Object::in_organization(self.row.organization_id);
        let members = match self.require_members(request).await {
            Ok(()) => true,
            Err(Error::Denied(_)) => false,
            Err(error) => return Err(error),
        };
        let of_groups = |permission: &Permission| permission.resource() == authz::Resource::Group;
        let held = |permission: &Permission| match permission {
            // A group is its members' own.
            Permission::GroupReadMembers => members,
            // Everyone stays as it is, whoever asks; its allowance is a quota's.
            Permission::GroupUpdate | Permission::GroupDelete if self.row.is_everyone() => false,
            other => request.actor.may(*other, object),
        };
        Ok(Permission::ALL.iter().copied().filter(of_groups).filter(held).collect())
    }

    /// What its members may do with templates by its entries and Everyone's; of those whose access list the viewer may see.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn templates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<GroupTemplateFilter>,
        #[graphql(desc = "By the template; NAME_ASC if absent.")] order_by: Option<TemplateOrder>,
    ) -> Result<Connection<GroupTemplateAccess>> {
        let list = filter.unwrap_or_default().list(order_by)?;
        Connection::of(ctx, self.row.id, list, Paging { first, after, last, before }).await
    }

    /// How many are in it. FORBIDDEN for a group that is not the viewer's own without the permission from a role.
    #[graphql(directive = requires::apply("GROUP".into(), "READ_MEMBERS".into()))]
    async fn member_count(&self, ctx: &Context<'_>) -> Nullable<i64> {
        nullable(async {
            let request = ctx.request();
            self.require_members(request).await?;
            match self.member_count {
                None => Ok(Some(request.count(self.row.id.0, &GroupMemberList::default()).await?)),
                known => Ok(known),
            }
        })
        .await
    }

    /// Who is in it. FORBIDDEN for a group that is not the viewer's own without the permission from a role.
    #[graphql(directive = requires::apply("GROUP".into(), "READ_MEMBERS".into()))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<GroupMemberFilter>,
        #[graphql(desc = "USERNAME_ASC if absent.")] order_by: Option<GroupMemberOrder>,
    ) -> Nullable<Connection<GroupMember>> {
        nullable(async {
            self.require_members(ctx.request()).await?;
            let list = GroupMemberList {
                query: Term::asked(filter.unwrap_or_default().query.as_deref())?,
                order: order_by.unwrap_or_default(),
            };
            let paging = Paging { first, after, last, before };
            Connection::of(ctx, self.row.id, list, paging).await.map(Some)
        })
        .await
    }
}

/// Which groups.
#[derive(Default, InputObject)]
pub(crate) struct GroupFilter {
    /// Exactly this name.
    pub(crate) name: Option<String>,
    /// Exactly one of these names, at most 100.
    pub(crate) names: Option<Vec<String>>,
    /// Text in name or display name.
    pub(crate) query: Option<String>,
    /// Whose members are managed so.
    pub(crate) source: Option<GroupSource>,
}

impl TryFrom<GroupFilter> for Filter {
    type Error = Error;

    fn try_from(filter: GroupFilter) -> Result<Self> {
        Ok(Self {
            name: filter.name,
            names: filter.names.map(|names| name::asked("filter.names", names)).transpose()?,
            query: Term::asked(filter.query.as_deref())?,
            source: filter.source.map(kind::GroupSource::from),
        })
    }
}
