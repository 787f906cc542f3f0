//! What events need to know of templates: which versions jobs import, which templates an actor could see.

pub(crate) use super::store::event::{of_jobs_in, seen};
