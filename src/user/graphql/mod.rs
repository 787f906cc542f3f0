//! How users look.

mod filter;
mod mutation;

pub(crate) use filter::UserFilter;
pub(crate) use mutation::UserMutation;

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use async_graphql::{Context, Enum, ID, Object};
use guildhall_entity::id::{OrganizationId, UserId};
use guildhall_entity::{id, kind};

use super::{SeenUser, UserCard, UserList, UserOrder, UserRow};
use crate::authn::graphql::{ApiToken, ApiTokenFilter, Session, SessionFilter, minute};
use crate::authn::{SessionList, SessionOrder, TokenList, TokenOrder};
use crate::authz::{self, Permission};
use crate::db::search::Term;
use crate::error::{Error, Result};
use crate::graphql::connection::{Connection, Node, Paging};
use crate::graphql::context::{Ask, Loaders, Request};
use crate::graphql::error::{Nullable, nullable};
use crate::graphql::scalar::DateTime;
use crate::organization::graphql::{Organization, OrganizationFilter};
use crate::organization::{OrganizationList, OrganizationOrder};
use crate::role::graphql::Role;
use crate::workspace::graphql::{Workspace, WorkspaceFilter};
use crate::workspace::{WorkspaceList, WorkspaceOrder};

/// Whether a user may act.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "kind::UserStatus")]
pub(crate) enum UserStatus {
    /// May act.
    Active,
    /// Has not been seen for long; becomes active by signing in.
    Dormant,
    /// Has no permission at all.
    Suspended,
}

/// How a user signs in.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "kind::LoginType")]
pub(crate) enum LoginType {
    /// With a password kept here.
    Password,
    /// With an identity provider.
    Oidc,
    /// Not at all.
    None,
}

/// The rest of a user whose card something visible carries along; loaded for all users of a page at once. It stands for that
/// card: nothing else makes one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Met(UserId);

#[async_trait::async_trait]
impl Loader<Met> for Loaders {
    type Value = Arc<UserRow>;
    type Error = Error;

    async fn load(&self, keys: &[Met]) -> Result<HashMap<Met, Arc<UserRow>>> {
        let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
        let rows = super::store::met(&self.db, &ids).await?;
        Ok(rows.into_iter().map(|row| (Met(row.id), Arc::new(row))).collect())
    }
}

/// A user as the viewer sees them.
#[derive(Clone)]
pub(crate) struct User {
    card: UserCard,
    /// Where it has been read already.
    row: Option<Arc<UserRow>>,
    contact: bool,
}

impl User {
    /// Whose it is.
    pub(crate) fn user_id(&self) -> UserId {
        self.card.id
    }

    /// A user as they are now, past what the request has read before.
    pub(crate) async fn afresh(request: &Request, id: id::UserId) -> Result<Self> {
        let request = request.afresh();
        Ok(request.get(id).await?.into())
    }

    /// A user reached through an organization.
    pub(crate) fn through(card: UserCard, organization: OrganizationId, request: &Request) -> Self {
        let actor = &request.actor;
        let own = authz::Object::SITE.owned_by(card.id);
        let contact = (actor.user_id() == Some(card.id) && actor.may(Permission::UserReadContact, own))
            || actor.may_by_role(Permission::MemberReadContact, organization);
        Self { card, row: None, contact }
    }

    /// The same with what has been read of them already.
    pub(crate) fn known(row: UserRow, organization: OrganizationId, request: &Request) -> Self {
        let card = UserCard::from(&row);
        Self { row: Some(Arc::new(row)), ..Self::through(card, organization, request) }
    }

    /// What the card does not show.
    async fn row(&self, ctx: &Context<'_>) -> Result<Arc<UserRow>> {
        if let Some(row) = &self.row {
            return Ok(Arc::clone(row));
        }
        let row = ctx.request().load(Met(self.card.id)).await?;
        row.ok_or_else(|| Error::internal(format!("{} was just read, and is not there", self.card.id)))
    }

    /// Something of how to reach them, where the viewer may know it.
    async fn contact<T>(
        &self,
        ctx: &Context<'_>,
        read: impl FnOnce(&UserRow) -> Option<T> + Send,
    ) -> Nullable<T> {
        if !self.contact {
            return None;
        }
        match &self.row {
            Some(row) => read(row).map(Ok),
            None => nullable(async { Ok(read(&*self.row(ctx).await?)) }).await,
        }
    }

    /// Whether the viewer sees this user's sessions and tokens.
    fn shows_credentials(&self, request: &Request) -> bool {
        request.actor.may(Permission::TokenRead, authz::Object::SITE.owned_by(self.card.id))
    }
}

impl From<SeenUser> for User {
    fn from(seen: SeenUser) -> Self {
        Self { card: UserCard::from(&seen.user), row: Some(Arc::new(seen.user)), contact: seen.contact }
    }
}

impl Node for User {
    type List = UserList;
    const NAME: &'static str = "User";

    fn from_row(row: SeenUser, _: &Request) -> Self {
        row.into()
    }
}

/// A person or a service account. Visible to themselves, to those who share an organization with them, and to user
/// administrators.
#[Object]
impl User {
    /// `usr_…`
    pub(crate) async fn id(&self) -> ID {
        self.card.id.to_string().into()
    }

    /// When it was made.
    async fn created_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(self.row(ctx).await?.created_at.into())
    }

    /// When it was last changed.
    async fn updated_at(&self, ctx: &Context<'_>) -> Result<DateTime> {
        Ok(self.row(ctx).await?.updated_at.into())
    }

    /// The name to sign in with; unique in the deployment.
    async fn username(&self) -> &str {
        &self.card.username
    }

    /// The name as people read it.
    async fn name(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.row(ctx).await?.name.clone())
    }

    /// URL of a picture; may be empty.
    async fn avatar_url(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(self.row(ctx).await?.avatar_url.clone())
    }

    /// Email address. Null unless the viewer is this user or holds `USER_READ_CONTACT` or `MEMBER_READ_CONTACT` from a
    /// role.
    async fn email(&self, ctx: &Context<'_>) -> Nullable<String> {
        self.contact(ctx, |row| Some(row.email.clone())).await
    }

    /// Whether they may act. Null like `email`.
    async fn status(&self, ctx: &Context<'_>) -> Nullable<UserStatus> {
        self.contact(ctx, |row| Some(row.status.into())).await
    }

    /// How they sign in. Null like `email`.
    async fn login_type(&self, ctx: &Context<'_>) -> Nullable<LoginType> {
        self.contact(ctx, |row| Some(row.login_type.into())).await
    }

    /// Roles they hold on the site. Null like `email`.
    async fn site_roles(&self, ctx: &Context<'_>) -> Nullable<Vec<Role>> {
        self.contact(ctx, |row| Some(Role::on_site(&row.site_roles.0))).await
    }

    /// When they last sent a request, to the minute. Null when never, and like `email`.
    async fn last_seen_at(&self, ctx: &Context<'_>) -> Nullable<DateTime> {
        self.contact(ctx, |row| row.last_seen_at.map(DateTime::from)).await
    }

    /// Goes up with every change; pass it as `expectedVersion`.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(self.row(ctx).await?.version)
    }

    /// Whether it is an account for programs.
    async fn is_service_account(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(self.row(ctx).await?.is_service_account)
    }

    /// Organizations they belong to, of those the viewer can see.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn organizations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<OrganizationFilter>,
        #[graphql(desc = "NAME_ASC if absent.")] order_by: Option<OrganizationOrder>,
    ) -> Result<Connection<Organization>> {
        let filter = filter.unwrap_or_default();
        let query = Term::asked(filter.query.as_deref())?;
        let list = OrganizationList::of_member(filter.name, query, order_by.unwrap_or_default());
        Connection::of(ctx, self.card.id, list, Paging { first, after, last, before }).await
    }

    /// Workspaces they own, of those the viewer can see, in all organizations.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn workspaces(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<WorkspaceFilter>,
        #[graphql(desc = "CREATED_AT_DESC if absent.")] order_by: Option<WorkspaceOrder>,
    ) -> Result<Connection<Workspace>> {
        let list =
            WorkspaceList::of_owner(filter.unwrap_or_default().try_into()?, order_by.unwrap_or_default());
        Connection::of(ctx, self.card.id, list, Paging { first, after, last, before }).await
    }

    /// Where they are signed in. Null unless the viewer is this user or holds `TOKEN_READ`.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn sessions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<SessionFilter>,
        #[graphql(desc = "CREATED_AT_DESC if absent.")] order_by: Option<SessionOrder>,
    ) -> Nullable<Connection<Session>> {
        nullable(async {
            let request = ctx.request();
            if !self.shows_credentials(request) {
                return Ok(None);
            }
            let ip = filter.unwrap_or_default().ip;
            let list = SessionList { ip, order: order_by.unwrap_or_default(), now: minute(request) };
            Connection::of(ctx, self.card.id, list, Paging { first, after, last, before }).await.map(Some)
        })
        .await
    }

    /// Tokens that programs carry for them, never their secrets. Null unless the viewer is this user or holds `TOKEN_READ`.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn api_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<ApiTokenFilter>,
        #[graphql(desc = "CREATED_AT_DESC if absent.")] order_by: Option<TokenOrder>,
    ) -> Nullable<Connection<ApiToken>> {
        nullable(async {
            if !self.shows_credentials(ctx.request()) {
                return Ok(None);
            }
            let list =
                TokenList { name: filter.unwrap_or_default().name, order: order_by.unwrap_or_default() };
            Connection::of(ctx, self.card.id, list, Paging { first, after, last, before }).await.map(Some)
        })
        .await
    }
}

/// Exactly one of these.
#[derive(async_graphql::OneofObject)]
pub(crate) enum UserBy {
    /// `usr_…`
    Id(ID),
    /// The username, without regard to case.
    Username(String),
}

/// Queries about users.
#[derive(Default)]
pub(crate) struct UserQuery;

#[Object]
impl UserQuery {
    /// The signed-in user; null for a provisioner key.
    async fn viewer(&self, ctx: &Context<'_>) -> Nullable<User> {
        nullable(async {
            let request = ctx.request();
            request.signed_in()?;
            match request.actor.user_id() {
                Some(id) => Ok(Some(request.get(id).await?.into())),
                None => Ok(None),
            }
        })
        .await
    }

    /// A user; null when missing or not visible.
    async fn user(&self, ctx: &Context<'_>, #[graphql(desc = "Which one.")] by: UserBy) -> Nullable<User> {
        nullable(async {
            let request = ctx.request();
            request.signed_in()?;
            let seen = match by {
                UserBy::Id(id) => match id.parse::<id::UserId>() {
                    Ok(id) => request.find(id).await?,
                    Err(_) => None,
                },
                UserBy::Username(username) => {
                    super::find_by_username(&request.db, &request.actor, &username).await?
                }
            };
            Ok(seen.map(User::from))
        })
        .await
    }

    /// Users that the viewer can see.
    #[expect(clippy::too_many_arguments, reason = "the arguments of every connection")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1–100; 25 if absent.")] first: Option<i32>,
        #[graphql(desc = "Start after this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1–100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only these.")] filter: Option<UserFilter>,
        #[graphql(desc = "USERNAME_ASC if absent.")] order_by: Option<UserOrder>,
    ) -> Result<Connection<User>> {
        ctx.request().signed_in()?;
        let list = filter.unwrap_or_default().list(order_by.unwrap_or_default())?;
        Connection::root(ctx, list, Paging { first, after, last, before }).await
    }
}
