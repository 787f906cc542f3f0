//! The access matrix, from real executions: every field of a tenant's things, every mutation and every subscription, by
//! everybody who might ask. The snapshots are what people review when who-may-do-what changes; a new field or mutation has a line in them or
//! fails here.

mod cast;
mod follows;
mod reads;
mod writes;

pub(crate) use cast::{Cast, ONESELF, listed};
pub(crate) use writes::Writes;
