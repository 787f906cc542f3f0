//! What a daemon is given to do.

use guildhall_entity::id::{FileId, WorkspaceId};
use guildhall_entity::json::Variables;
use guildhall_entity::kind::{JobType, Transition};
use sea_orm::prelude::Uuid;
use serde_json::json;

use crate::db::Db;
use crate::error::{Error, Result};
use crate::provisioner::JobRow;
use crate::seal::Sealer;
use crate::template::parameter::Given;
use crate::template::{dry_run, version};
use crate::workspace::build;

/// A value for a variable.
pub(crate) struct TaskValue {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) sensitive: bool,
}

/// A task.
pub(crate) enum Task {
    /// Read a module.
    Import {
        /// Its archive.
        file: FileId,
    },
    /// Plan a version.
    DryRun {
        /// The module's archive.
        file: FileId,
        /// Values for its variables.
        values: Vec<TaskValue>,
        /// What the reserved variable `workspace` receives.
        workspace: serde_json::Value,
    },
    /// Build a workspace.
    Build {
        /// The module's archive.
        file: FileId,
        /// What to do.
        transition: Transition,
        /// Values for its variables.
        values: Vec<TaskValue>,
        /// What the reserved variable `workspace` receives.
        workspace: serde_json::Value,
    },
}

/// The task of a job that the calling daemon has just taken.
///
/// # Errors
/// Only for faults of ours.
pub(crate) async fn task(db: &Db, sealer: &Sealer, job: &JobRow) -> Result<Task> {
    let broken = || Error::internal(format!("{} has nothing to do", job.id));
    match job.kind {
        JobType::TemplateImport => {
            let version = version::of_job(db, job.id).await?.ok_or_else(broken)?;
            Ok(Task::Import { file: version.file_id })
        }
        JobType::TemplateDryRun => {
            let assignment = dry_run::assignment(db, sealer, job.id).await?.ok_or_else(broken)?;
            let (version, content) = version::referred(db, assignment.version).await?.ok_or_else(broken)?;
            let workspace = json!({
                // Of no workspace that is there.
                "id": WorkspaceId(Uuid::nil()).to_string(),
                "name": "dry-run",
                "transition": Transition::Start.as_str().to_lowercase(),
                "owner": assignment.owner,
                "organization": assignment.organization,
            });
            let values = values(&content.variables, assignment.values);
            Ok(Task::DryRun { file: version.file_id, values, workspace })
        }
        JobType::WorkspaceBuild => {
            let target = build::of_job(db, job.id).await?.ok_or_else(broken)?;
            let (version, content) = version::referred(db, target.version).await?.ok_or_else(broken)?;
            let context = build::context(db, &target).await?.ok_or_else(broken)?;
            let values = values(&content.variables, build::values(db, sealer, target.build).await?);
            let workspace = json!({
                "id": target.workspace.to_string(),
                "name": context.workspace,
                "transition": target.transition.as_str().to_lowercase(),
                "owner": context.owner,
                "organization": context.organization,
            });
            Ok(Task::Build { file: version.file_id, transition: target.transition, values, workspace })
        }
    }
}

fn values(variables: &Variables, given: Vec<Given>) -> Vec<TaskValue> {
    let value = |given: Given| TaskValue {
        sensitive: given.was_sealed || is_sensitive(variables, &given.name),
        name: given.name,
        value: given.value,
    };
    given.into_iter().map(value).collect()
}

fn is_sensitive(variables: &Variables, name: &str) -> bool {
    variables.0.iter().any(|variable| variable.name == name && (variable.sensitive || variable.ephemeral))
}

/// The archive that a job's token opens.
///
/// # Errors
/// Only for faults of ours.
pub(crate) async fn file_of(db: &Db, job: &JobRow) -> Result<Option<FileId>> {
    let version = match job.kind {
        JobType::TemplateImport => {
            return Ok(version::of_job(db, job.id).await?.map(|version| version.file_id));
        }
        JobType::TemplateDryRun => dry_run::version_of_job(db, job.id).await?,
        JobType::WorkspaceBuild => build::of_job(db, job.id).await?.map(|target| target.version),
    };
    let Some(version) = version else { return Ok(None) };
    Ok(version::referred(db, version).await?.map(|(version, _)| version.file_id))
}
