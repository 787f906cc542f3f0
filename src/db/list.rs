//! What a store says of a list or a thing so that everything else (pages, counts, batching) follows from it.

use std::hash::Hash;

use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Condition, SelectStatement};

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

    /// What parts the list without a parent, where an index has each part in its order but none has the whole: a page is then
    /// read from the beginnings of the parts. A row is in one of them.
    fn parts(&self, _: &Actor) -> Vec<Condition> {
        Vec::new()
    }
}

/// A typed id by which one thing is found.
pub(crate) trait Find: Copy + Eq + Hash + Send + Sync + From<Uuid> + Into<Uuid> + 'static {
    /// What a row holds.
    type Row: Read + Clone + Sync + 'static;

    /// SELECT, FROM, joins and WHERE: the rows that the actor can see.
    fn select(actor: &Actor) -> SelectStatement;

    /// The column that holds the id.
    const ID: (&'static str, &'static str);
}
