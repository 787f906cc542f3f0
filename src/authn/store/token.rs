//! How API tokens are kept.

use std::collections::HashMap;

pub(in crate::authn) use guildhall_entity::api_token::Column;
use guildhall_entity::api_token::{ActiveModel, Entity};
use guildhall_entity::id::{ApiTokenId, OrganizationId, UserId};
use guildhall_entity::json::Names;
use sea_orm::ActiveValue::Set;
use sea_orm::prelude::DateTimeUtc;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};

use super::session::visible;
use super::{Holder, Known, TokenHash, with_holder};
use crate::authz::{Actor, Credential, Limits, Permission, PermissionSet};
use crate::db::list::{Find, List};
use crate::db::page::{Key, Keyset};
use crate::db::row::{row, select};
use crate::db::{Db, Tx};
use crate::error::Result;

row! {
    /// An API token, without its hash.
    pub(crate) struct TokenRow {
        id: ApiTokenId,
        user_id: UserId,
        name: String,
        scopes: Option<Names>,
        organization_id: Option<OrganizationId>,
        created_by: UserId,
        created_at: DateTimeUtc,
        last_used_at: Option<DateTimeUtc>,
        expires_at: DateTimeUtc,
    }
}

fn from_visible(actor: &Actor) -> SelectStatement {
    Query::select().from_as(Entity, "t").cond_where(visible(actor, Expr::col(("t", Column::UserId)))).take()
}

impl Find for ApiTokenId {
    type Row = TokenRow;
    const ID: (&'static str, &'static str) = ("t", "id");

    fn select(actor: &Actor) -> SelectStatement {
        let mut statement = from_visible(actor);
        select::<TokenRow>(&mut statement, "t");
        statement
    }
}

/// A user's tokens, expired ones included, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct TokenList {
    pub(crate) name: Option<String>,
    pub(crate) order: TokenOrder,
}

/// Orders of API tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, async_graphql::Enum)]
#[graphql(name = "ApiTokenOrder")]
pub(crate) enum TokenOrder {
    /// Newest first. The default.
    #[default]
    CreatedAtDesc,
    /// Oldest first.
    CreatedAtAsc,
    /// By name, a to z.
    NameAsc,
    /// By name, z to a.
    NameDesc,
}

impl List for TokenList {
    type Row = TokenRow;

    fn source(&self, actor: &Actor) -> SelectStatement {
        let mut statement = from_visible(actor);
        if let Some(name) = &self.name {
            statement.and_where(Expr::col(("t", Column::Name)).eq(name.to_lowercase()));
        }
        statement
    }

    fn columns(&self, _: &Actor, statement: &mut SelectStatement) {
        select::<TokenRow>(statement, "t");
    }

    fn keyset(&self) -> Keyset {
        const NAME: &[Key] = &[Key::text("t", "name"), Key::id("t", "id")];
        const CREATED_AT: &[Key] = &[Key::time("t", "created_at"), Key::id("t", "id")];
        let (tag, keys, descending) = match self.order {
            TokenOrder::NameAsc => ("api_token.name", NAME, false),
            TokenOrder::NameDesc => ("api_token.name", NAME, true),
            TokenOrder::CreatedAtAsc => ("api_token.created_at", CREATED_AT, false),
            TokenOrder::CreatedAtDesc => ("api_token.created_at", CREATED_AT, true),
        };
        Keyset { tag, keys, descending }
    }

    fn parent(&self) -> (&'static str, &'static str) {
        ("t", "user_id")
    }
}

row! {
    /// What a token is recognised by, and what it leaves.
    struct Held {
        id: ApiTokenId,
        secret_hash: Vec<u8>,
        scopes: Option<Names>,
        organization_id: Option<OrganizationId>,
    }
}

/// What a token with these scopes leaves; a permission that there is no more leaves nothing.
pub(crate) fn limits(scopes: Option<&Names>, organization: Option<OrganizationId>) -> Limits {
    let scopes = match scopes {
        None => PermissionSet::ALL,
        Some(names) => {
            PermissionSet::of(&names.0.iter().filter_map(|name| Permission::named(name)).collect::<Vec<_>>())
        }
    };
    Limits { scopes, organization }
}

/// Who holds the tokens for which a condition on `c` holds, in one statement.
pub(in crate::authn) async fn holders(db: &Db, which: Expr) -> Result<HashMap<TokenHash, Holder>> {
    let mut statement = Query::select().from_as(Entity, "c").and_where(which).take();
    select::<Held>(&mut statement, "c");
    with_holder(&mut statement);
    let mut holders = HashMap::new();
    for (held, row) in db.rows::<(Held, Known)>(&statement).await? {
        let holder = || Holder {
            credential: Credential::Token(held.id),
            limits: Some(limits(held.scopes.as_ref(), held.organization_id)),
            rows: Vec::new(),
        };
        holders.entry(TokenHash(held.secret_hash)).or_insert_with(holder).rows.push(row);
    }
    Ok(holders)
}

/// A new token's row.
pub(in crate::authn) struct NewRow {
    pub(in crate::authn) id: ApiTokenId,
    pub(in crate::authn) user: UserId,
    pub(in crate::authn) name: String,
    pub(in crate::authn) secret_hash: Vec<u8>,
    pub(in crate::authn) scopes: Option<Vec<String>>,
    pub(in crate::authn) organization: Option<OrganizationId>,
    pub(in crate::authn) created_by: UserId,
    pub(in crate::authn) expires_at: DateTimeUtc,
}

/// Keeps a token.
pub(in crate::authn) async fn insert_in(tx: &Tx, token: NewRow) -> Result<()> {
    tx.insert(ActiveModel {
        id: Set(token.id),
        user_id: Set(token.user),
        name: Set(token.name),
        secret_hash: Set(token.secret_hash),
        scopes: Set(token.scopes.map(Names)),
        organization_id: Set(token.organization),
        created_by: Set(token.created_by),
        created_at: Set(tx.clock().now()),
        last_used_at: Set(None),
        expires_at: Set(token.expires_at),
    })
    .await
}

/// Revokes a token. `false` when it is gone.
pub(in crate::authn) async fn delete_in(tx: &Tx, id: ApiTokenId) -> Result<bool> {
    let statement = Query::delete().from_table(Entity).and_where(Expr::col(Column::Id).eq(id)).take();
    Ok(tx.delete(&statement).await? == 1)
}

/// Revokes all tokens of a user.
pub(in crate::authn) async fn delete_all_in(tx: &Tx, user: UserId) -> Result<u64> {
    let statement = Query::delete().from_table(Entity).and_where(Expr::col(Column::UserId).eq(user)).take();
    tx.delete(&statement).await
}
