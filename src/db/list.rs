//! What a store says of a list or a thing so that everything else (pages, counts, batching) follows from it.

use std::hash::Hash;

use sea_orm::TryGetable;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Condition, SelectStatement, Value};

use super::few::Few;
use super::page::Keyset;
use super::row::Read;
use crate::authz::Actor;

/// A list with its filter and order: what is the same for every parent.
pub(crate) trait List: Clone + Eq + Hash + Send + Sync + 'static {
    /// What a row holds.
    type Row: Read + Clone + Sync + 'static;

    /// FROM, joins and WHERE: the rows of the list that the actor can see, without a parent, order or limit.
    fn source(&self, actor: &Actor) -> SelectStatement;

    /// Adds the columns of a row.
    fn columns(&self, actor: &Actor, select: &mut SelectStatement);

    /// The order.
    fn keyset(&self) -> Keyset;

    /// The column that holds the parent's id, where the list has one.
    fn parent(&self) -> (&'static str, &'static str);

    /// The list without a parent in parts, where an index has each of them in its order but none has the whole: a page is then
    /// read from their beginnings. Together they are what [`List::source`] is, under the same names. None: the list is read
    /// as a whole.
    fn parts(&self, _: &Actor) -> Vec<SelectStatement> {
        Vec::new()
    }

    /// Whether a row may be in several parts; else it is in one.
    const OVERLAPPING: bool = false;

    /// What is joined with the rows of a page only, in lists with a parent: a statement around that of the page, which stands in
    /// it as `page` and has the columns of [`List::columns`]. What a row holds is what this selects. PostgreSQL would join it
    /// with all that the list has, before it sorts that.
    const COMPLETION: Option<Completion> = None;

    /// What the list without a parent is of, where that may be few or many things and its order leads past all others.
    fn few(&self, _: &Actor) -> Option<Few> {
        None
    }
}

/// Rows in parts.
pub(crate) fn split(rows: &SelectStatement, parts: Vec<Condition>) -> Vec<SelectStatement> {
    parts.into_iter().map(|part| rows.clone().cond_where(part).take()).collect()
}

/// Makes of a page's statement one that has the rest of its rows.
pub(crate) type Completion = fn(SelectStatement) -> SelectStatement;

/// What the value of a column is by which things are found.
pub(crate) trait LookupKey:
    TryGetable + Into<Value> + Clone + Eq + Hash + Send + Sync + 'static
{
}

impl<K: TryGetable + Into<Value> + Clone + Eq + Hash + Send + Sync + 'static> LookupKey for K {}

/// A typed id by which one thing is found.
pub(crate) trait Find: Copy + Eq + Hash + Send + Sync + From<Uuid> + Into<Uuid> + 'static {
    /// What a row holds.
    type Row: Read + Clone + Sync + 'static;

    /// SELECT, FROM, joins and WHERE: the rows that the actor can see.
    fn select(actor: &Actor) -> SelectStatement;

    /// The column that holds the id.
    const ID: (&'static str, &'static str);
}
