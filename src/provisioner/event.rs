//! What events need to know of provisioners: which daemons hold jobs.

pub(crate) use super::store::event::daemons_in;
