//! How groups and who is in them are kept.

pub(super) mod access;
pub(super) mod group;
pub(super) mod member;
