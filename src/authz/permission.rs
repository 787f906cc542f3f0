//! Permissions: what can be done to what. A set of them is one machine word, so a check is a bit operation.

use async_graphql::resolver_utils::EnumType;

/// Kinds of things that permissions and the audit log speak of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
pub enum Resource {
    /// An organization.
    Organization,
    /// A user's place in an organization.
    Member,
    /// A group.
    Group,
    /// A role.
    Role,
    /// A template or one of its versions.
    Template,
    /// A workspace.
    Workspace,
    /// A provisioner key.
    ProvisionerKey,
    /// A provisioner daemon.
    ProvisionerDaemon,
    /// A provisioner job.
    ProvisionerJob,
    /// How groups and roles follow an identity provider.
    IdpSync,
    /// A budget.
    Quota,
    /// The audit log.
    AuditLog,
    /// A user.
    User,
    /// A session or API token.
    Token,
    /// The deployment's settings.
    DeploymentSettings,
}

macro_rules! permissions {
    ($($(#[doc = $doc:literal])* $name:ident = $resource:ident, $action:literal;)*) => {
        /// What may be done to what.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, async_graphql::Enum)]
        pub enum Permission {
            $($(#[doc = $doc])* $name),*
        }

        impl Permission {
            /// Every permission there is, in the order of the matrix.
            pub const ALL: &[Permission] = &[$(Permission::$name),*];

            /// What it speaks of.
            pub fn resource(self) -> Resource {
                match self { $(Permission::$name => Resource::$resource),* }
            }

            /// What may be done, in upper case.
            pub fn action(self) -> &'static str {
                match self { $(Permission::$name => $action),* }
            }

            /// What it allows, for people.
            pub fn description(self) -> &'static str {
                let text = match self { $(Permission::$name => concat!($($doc),*)),* };
                text.trim_start()
            }
        }
    };
}

permissions! {
    /// Create organizations.
    OrganizationCreate = Organization, "CREATE";
    /// See organizations.
    OrganizationRead = Organization, "READ";
    /// Change an organization's name, display name, description and icon.
    OrganizationUpdate = Organization, "UPDATE";
    /// Delete an organization once it is empty.
    OrganizationDelete = Organization, "DELETE";
    /// Add members.
    MemberCreate = Member, "CREATE";
    /// See members: username, name and avatar.
    MemberRead = Member, "READ";
    /// See members' email, status, login type, site roles and when they were last seen.
    MemberReadContact = Member, "READ_CONTACT";
    /// Change members' roles, together with `ROLE_ASSIGN`.
    MemberUpdate = Member, "UPDATE";
    /// Remove members.
    MemberDelete = Member, "DELETE";
    /// Create groups.
    GroupCreate = Group, "CREATE";
    /// See groups by name.
    GroupRead = Group, "READ";
    /// See who is in a group.
    GroupReadMembers = Group, "READ_MEMBERS";
    /// Change groups and their members.
    GroupUpdate = Group, "UPDATE";
    /// Delete groups.
    GroupDelete = Group, "DELETE";
    /// Give roles whose permissions one holds oneself.
    RoleAssign = Role, "ASSIGN";
    /// See roles and what they grant.
    RoleRead = Role, "READ";
    /// Create custom roles.
    RoleCreate = Role, "CREATE";
    /// Change custom roles.
    RoleUpdate = Role, "UPDATE";
    /// Delete custom roles.
    RoleDelete = Role, "DELETE";
    /// Create templates.
    TemplateCreate = Template, "CREATE";
    /// See templates and their versions.
    TemplateRead = Template, "READ";
    /// Change templates, push and promote versions.
    TemplateUpdate = Template, "UPDATE";
    /// Delete templates.
    TemplateDelete = Template, "DELETE";
    /// Create workspaces from a template.
    TemplateUse = Template, "USE";
    /// See how templates are used.
    TemplateInsights = Template, "INSIGHTS";
    /// Create workspaces.
    WorkspaceCreate = Workspace, "CREATE";
    /// See workspaces, their builds and logs.
    WorkspaceRead = Workspace, "READ";
    /// Change workspaces.
    WorkspaceUpdate = Workspace, "UPDATE";
    /// Delete workspaces.
    WorkspaceDelete = Workspace, "DELETE";
    /// Start workspaces.
    WorkspaceStart = Workspace, "START";
    /// Stop workspaces.
    WorkspaceStop = Workspace, "STOP";
    /// See, download and replace Terraform states, which hold secrets in clear.
    WorkspaceManageState = Workspace, "MANAGE_STATE";
    /// Create provisioner keys.
    ProvisionerKeyCreate = ProvisionerKey, "CREATE";
    /// See provisioner keys (never their secrets).
    ProvisionerKeyRead = ProvisionerKey, "READ";
    /// Change provisioner keys.
    ProvisionerKeyUpdate = ProvisionerKey, "UPDATE";
    /// Delete provisioner keys.
    ProvisionerKeyDelete = ProvisionerKey, "DELETE";
    /// See daemons and whether they are at work.
    ProvisionerDaemonRead = ProvisionerDaemon, "READ";
    /// Change daemons.
    ProvisionerDaemonUpdate = ProvisionerDaemon, "UPDATE";
    /// Forget daemons.
    ProvisionerDaemonDelete = ProvisionerDaemon, "DELETE";
    /// Be a daemon: register, send heartbeats, acquire jobs and report on them.
    ProvisionerDaemonServe = ProvisionerDaemon, "SERVE";
    /// See jobs and their logs.
    ProvisionerJobRead = ProvisionerJob, "READ";
    /// Cancel jobs.
    ProvisionerJobCancel = ProvisionerJob, "CANCEL";
    /// See how groups and roles follow an identity provider.
    IdpSyncRead = IdpSync, "READ";
    /// Change how groups and roles follow an identity provider.
    IdpSyncUpdate = IdpSync, "UPDATE";
    /// See budgets and what is used of them.
    QuotaRead = Quota, "READ";
    /// Change budgets.
    QuotaUpdate = Quota, "UPDATE";
    /// Read the audit log.
    AuditLogRead = AuditLog, "READ";
    /// Create users.
    UserCreate = User, "CREATE";
    /// See users: username, name and avatar.
    UserRead = User, "READ";
    /// See users' email, status, login type, site roles and when they were last seen.
    UserReadContact = User, "READ_CONTACT";
    /// Change users.
    UserUpdate = User, "UPDATE";
    /// Delete users.
    UserDelete = User, "DELETE";
    /// Create sessions and API tokens.
    TokenCreate = Token, "CREATE";
    /// See sessions and API tokens (never their secrets).
    TokenRead = Token, "READ";
    /// Revoke sessions and API tokens.
    TokenDelete = Token, "DELETE";
    /// See the deployment's settings.
    DeploymentSettingsRead = DeploymentSettings, "READ";
    /// Change the deployment's settings.
    DeploymentSettingsUpdate = DeploymentSettings, "UPDATE";
}

impl Resource {
    /// From its name in upper case; `None` for one that this version does not know.
    pub fn parse(name: &str) -> Option<Self> {
        let known = <Self as EnumType>::items().iter().find(|item| item.name == name);
        known.map(|item| item.value)
    }

    /// Its name in upper case, as it stands in `@requires` and in the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Organization => "ORGANIZATION",
            Self::Member => "MEMBER",
            Self::Group => "GROUP",
            Self::Role => "ROLE",
            Self::Template => "TEMPLATE",
            Self::Workspace => "WORKSPACE",
            Self::ProvisionerKey => "PROVISIONER_KEY",
            Self::ProvisionerDaemon => "PROVISIONER_DAEMON",
            Self::ProvisionerJob => "PROVISIONER_JOB",
            Self::IdpSync => "IDP_SYNC",
            Self::Quota => "QUOTA",
            Self::AuditLog => "AUDIT_LOG",
            Self::User => "USER",
            Self::Token => "TOKEN",
            Self::DeploymentSettings => "DEPLOYMENT_SETTINGS",
        }
    }
}

impl Permission {
    /// The permission of this name (`RESOURCE_ACTION`).
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| {
            let action =
                name.strip_prefix(permission.resource().as_str()).and_then(|rest| rest.strip_prefix('_'));
            action == Some(permission.action())
        })
    }
}

impl std::fmt::Display for Permission {
    /// `RESOURCE_ACTION`, as in the schema's enum.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}_{}", self.resource().as_str(), self.action())
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PermissionSet(u64);

// A permission is a bit of the word.
const _: () = assert!(Permission::ALL.len() <= 64);

impl PermissionSet {
    /// No permission.
    pub const NONE: Self = Self(0);
    /// Every permission.
    pub const ALL: Self = Self::of(Permission::ALL);

    /// The set of these.
    pub const fn of(permissions: &[Permission]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < permissions.len() {
            bits |= 1 << permissions[i] as u64;
            i += 1;
        }
        Self(bits)
    }

    /// The set of those with these names. Unknown names are in no set.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().filter_map(Permission::named).collect()
    }

    /// Whether it is in the set.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & 1 << permission as u64 != 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both sets.
    #[must_use]
    pub const fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// This set without the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in it, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |&permission| self.contains(permission))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::NONE, |all, permission| all.with(Self::of(&[permission])))
    }
}
