//! The few places where PostgreSQL and SQLite differ, and conditions that every store uses.

use guildhall_entity::id::OrganizationId;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{ArrayType, BinOper, Condition, Expr, ExprTrait, Value};

use crate::authz::Reach;

/// `column` is one of `ids`. On PostgreSQL that is one array parameter, so that the statement is the same for any number, and
/// a row is compared with what was computed once; [`super::statement`] writes it.
pub(crate) fn is_one_of<I: Copy + Into<Uuid>>(column: Expr, ids: &[I]) -> Expr {
    column.binary(BinOper::In, uuid_array(ids))
}

/// The same for values of any one kind, of which there is at least one.
pub(super) fn is_one_value_of(column: Expr, values: Vec<Value>) -> Expr {
    let kind = values.first().map_or(ArrayType::Uuid, Value::array_type);
    column.binary(BinOper::In, array(kind, values))
}

fn array(kind: ArrayType, values: Vec<Value>) -> Expr {
    Expr::val(Value::Array(kind, Some(Box::new(values))))
}

/// An array parameter. Alone it is for PostgreSQL only.
pub(crate) fn uuid_array<I: Copy + Into<Uuid>>(ids: &[I]) -> Expr {
    array(ArrayType::Uuid, ids.iter().map(|&id| Value::Uuid(Some(id.into()))).collect())
}

/// `names`, a column with a JSON array of slugs, holds the name in the column `name`. Nothing in a slug needs escaping.
pub(crate) fn names_hold(names: &'static str, name: &'static str) -> Expr {
    Expr::cust(format!("cast({names} as text) like '%\"' || {name} || '\"%'"))
}

/// The rows that a reach covers, for a table with these columns. Without an owner column nothing is anybody's own.
pub(crate) fn covered(reach: &Reach, organization: Expr, owner: Option<Expr>) -> Condition {
    let Reach::Some { organizations, own_in, owner: actor } = reach else {
        return Condition::all();
    };
    let any = Condition::any().add(is_one_of(organization.clone(), organizations));
    match (owner, actor) {
        (Some(column), Some(actor)) if !own_in.is_empty() => {
            any.add(is_one_of(organization, own_in).and(column.eq(actor.0)))
        }
        _ => any,
    }
}

/// More parts than this cost more than to read and sort what they hold.
const MOST_PARTS: usize = 40;

/// The same rows in parts: those of each organization, and those that are the actor's own. None where the reach covers
/// everything, or has too many.
pub(crate) fn parted(reach: &Reach, organization: Expr, owner: Option<Expr>) -> Vec<Condition> {
    let Reach::Some { organizations, own_in, owner: actor } = reach else { return Vec::new() };
    let of = |id: &OrganizationId| Condition::all().add(organization.clone().eq(id.0));
    let mut parts: Vec<Condition> = organizations.iter().map(of).collect();
    if let (Some(column), Some(actor), false) = (owner, actor, own_in.is_empty()) {
        let own = Condition::all().add(column.eq(actor.0));
        parts.push(own.add(is_one_of(organization, own_in)));
    }
    if parts.len() > MOST_PARTS { Vec::new() } else { parts }
}
