//! Kinds of things, and which permissions speak of them: to ask whether somebody may stop a user has no answer.

use crate::authz::{Permission, Resource};
use crate::error::{Error, Result};

/// What kind of thing an explanation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The deployment or an organization: whatever can be done there.
    Whole,
    /// A group.
    Group,
    /// A role.
    Role,
    /// A template or one of its versions; workspaces are made of it.
    Template,
    /// A plan of a version, which is a job.
    DryRun,
    /// A workspace or one of its builds, which is a job.
    Workspace,
    /// A provisioner key.
    ProvisionerKey,
    /// A provisioner daemon.
    ProvisionerDaemon,
    /// A provisioner job.
    ProvisionerJob,
    /// A user, who has sessions and tokens.
    User,
    /// A session or an API token.
    Token,
}

impl Kind {
    /// As people call it.
    fn noun(self) -> &'static str {
        match self {
            Self::Whole => "an organization",
            Self::Group => "a group",
            Self::Role => "a role",
            Self::Template => "a template",
            Self::DryRun => "a dry run",
            Self::Workspace => "a workspace",
            Self::ProvisionerKey => "a provisioner key",
            Self::ProvisionerDaemon => "a provisioner daemon",
            Self::ProvisionerJob => "a provisioner job",
            Self::User => "a user",
            Self::Token => "a session or API token",
        }
    }

    /// What can be done to it, by what the permissions speak of.
    fn resources(self) -> &'static [Resource] {
        match self {
            Self::Whole => &[],
            Self::Group => &[Resource::Group, Resource::Quota],
            Self::Role => &[Resource::Role],
            Self::Template => &[Resource::Template],
            Self::DryRun => &[Resource::Template, Resource::ProvisionerJob],
            Self::Workspace => &[Resource::Workspace, Resource::ProvisionerJob],
            Self::ProvisionerKey => &[Resource::ProvisionerKey],
            Self::ProvisionerDaemon => &[Resource::ProvisionerDaemon],
            Self::ProvisionerJob => &[Resource::ProvisionerJob],
            Self::User => &[Resource::User, Resource::Token],
            Self::Token => &[Resource::Token],
        }
    }

    /// Refuses a permission that speaks of something else.
    ///
    /// # Errors
    /// Says what it can be asked about.
    pub(super) fn admits(self, permission: Permission) -> Result<()> {
        let made_of_it = self == Self::Template && permission == Permission::WorkspaceCreate;
        if self == Self::Whole || made_of_it || self.resources().contains(&permission.resource()) {
            return Ok(());
        }
        let message = format!(
            "{permission} says nothing of {}; ask it about {}",
            self.noun(),
            spoken_of(permission.resource())
        );
        Err(Error::BadInput { argument: "permission", message })
    }
}

/// What a permission of this resource can be asked about.
fn spoken_of(resource: Resource) -> &'static str {
    match resource {
        Resource::Organization | Resource::Member | Resource::IdpSync | Resource::AuditLog => {
            "an organization or the deployment"
        }
        Resource::Group => "a group, its organization or the deployment",
        Resource::Quota => "a group, an organization or the deployment",
        Resource::Role => "a role, its organization or the deployment",
        Resource::Template => "a template, its organization or the deployment",
        Resource::Workspace => "a workspace, its organization or the deployment",
        Resource::ProvisionerKey => "a provisioner key, its organization or the deployment",
        Resource::ProvisionerDaemon => "a provisioner daemon, its organization or the deployment",
        Resource::ProvisionerJob => "a provisioner job, its organization or the deployment",
        Resource::User => "a user or the deployment",
        Resource::Token => "a user, a session, an API token or the deployment",
        Resource::DeploymentSettings => "the deployment",
    }
}
