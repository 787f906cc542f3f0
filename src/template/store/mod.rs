//! How templates are kept.

pub(super) mod access;
pub(super) mod access_list;
pub(super) mod deletion;
pub(super) mod dry_run;
pub(super) mod event;
pub(super) mod file;
pub(super) mod settings;
pub(super) mod template;
pub(super) mod version;
