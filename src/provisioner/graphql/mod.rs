//! How provisioners look.

mod daemon;
mod health;
mod history;
mod job;
mod key;
mod loaders;
mod subscription;

pub(crate) use daemon::{DaemonListMutation, ProvisionerDaemon, ProvisionerDaemonFilter, ProvisionerEngine};
pub(crate) use health::ProvisionerHealth;
pub(crate) use job::{
    JobState, LogLevel, LogSource, ProvisionerJob, ProvisionerJobFilter, ProvisionerJobType,
};
pub(crate) use key::{KeyMutation, ProvisionerKey, ProvisionerKeyFilter};
pub(crate) use subscription::{ProvisionerJobLogEvent, ProvisionerSubscription, job_logs};

use async_graphql::{InputObject, SimpleObject};
use guildhall_entity::json::Tags;

/// A tag: where a job may run.
#[derive(Clone, SimpleObject)]
pub(crate) struct Tag {
    /// Its name.
    name: String,
    /// Its value.
    value: String,
}

/// A tag: where a job may run.
#[derive(Clone, InputObject)]
pub(crate) struct TagInput {
    /// 1–64 printable ASCII characters without spaces.
    name: String,
    /// 1–64 printable ASCII characters without spaces.
    value: String,
}

fn tags(tags: &Tags) -> Vec<Tag> {
    tags.0.iter().map(|(name, value)| Tag { name: name.clone(), value: value.clone() }).collect()
}

/// Pairs of what was typed.
pub(crate) fn pairs(tags: Option<Vec<TagInput>>) -> impl Iterator<Item = (String, String)> {
    tags.unwrap_or_default().into_iter().map(|tag| (tag.name, tag.value))
}
