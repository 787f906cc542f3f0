//! What events need to know of workspaces: which ones jobs build, which are gone, which an actor could see.

pub(crate) use super::store::event::{gone_in, of_jobs_in, seen};
