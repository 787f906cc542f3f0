//! The policy: one table, role by role, of what each grants and how far it reaches. Printed as a matrix that people
//! review (`tests/snapshots`).

use guildhall_entity::kind::AclRole;

use super::permission::Permission::{self, *};
use super::permission::PermissionSet;

/// What a role grants, by reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Everywhere.
    pub site: PermissionSet,
    /// On everything inside the organization the role is held in.
    pub organization: PermissionSet,
    /// On what the actor owns: inside an organization they are a member of or, for what belongs to no organization
    /// (themselves, their sessions), anywhere.
    pub own: PermissionSet,
    /// Taken away inside the organization, whatever else grants it.
    pub denied: PermissionSet,
}

/// Roles that come with Guildhall. Their names are reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "described by `describe`")]
pub enum BuiltinRole {
    Owner,
    UserAdmin,
    TemplateAdmin,
    Auditor,
    SiteMember,
    OrganizationAdmin,
    OrganizationUserAdmin,
    OrganizationTemplateAdmin,
    OrganizationAuditor,
    OrganizationWorkspaceCreationBan,
    OrganizationMember,
}

/// Where a role is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// By a user, for the deployment.
    Site,
    /// By a member, in one organization.
    Organization,
}

const READ_PEOPLE: &[Permission] =
    &[OrganizationRead, MemberRead, MemberReadContact, GroupRead, GroupReadMembers, RoleRead];
const MEMBERS: &[Permission] = &[MemberCreate, MemberRead, MemberReadContact, MemberUpdate, MemberDelete];
const GROUPS: &[Permission] = &[GroupCreate, GroupRead, GroupReadMembers, GroupUpdate, GroupDelete];
const TEMPLATES: &[Permission] =
    &[TemplateCreate, TemplateRead, TemplateUpdate, TemplateDelete, TemplateUse, TemplateInsights];
const PROVISIONING: &[Permission] = &[
    ProvisionerKeyCreate,
    ProvisionerKeyRead,
    ProvisionerKeyUpdate,
    ProvisionerKeyDelete,
    ProvisionerDaemonRead,
    ProvisionerDaemonUpdate,
    ProvisionerDaemonDelete,
    ProvisionerJobRead,
    ProvisionerJobCancel,
];
const WORKSPACES: &[Permission] =
    &[WorkspaceCreate, WorkspaceRead, WorkspaceUpdate, WorkspaceDelete, WorkspaceStart, WorkspaceStop];
const USERS: &[Permission] = &[UserCreate, UserRead, UserReadContact, UserUpdate, UserDelete];

/// What only daemons do; no person's role holds it.
const SERVE: &[Permission] = &[ProvisionerDaemonServe];

const fn set(lists: &[&[Permission]]) -> PermissionSet {
    let mut all = PermissionSet::NONE;
    let mut i = 0;
    while i < lists.len() {
        all = all.with(PermissionSet::of(lists[i]));
        i += 1;
    }
    all
}

const NOTHING: Grant = Grant {
    site: PermissionSet::NONE,
    organization: PermissionSet::NONE,
    own: PermissionSet::NONE,
    denied: PermissionSet::NONE,
};

const fn at_site(site: PermissionSet) -> Grant {
    Grant { site, ..NOTHING }
}

const fn in_organization(organization: PermissionSet) -> Grant {
    Grant { organization, ..NOTHING }
}

/// What an organization's user administrator may do there, and a deployment's everywhere.
const USER_ADMIN: PermissionSet = set(&[
    &[OrganizationRead, RoleAssign, RoleRead, IdpSyncRead, IdpSyncUpdate, QuotaRead, QuotaUpdate],
    MEMBERS,
    GROUPS,
]);
const TEMPLATE_ADMIN: PermissionSet =
    set(&[READ_PEOPLE, TEMPLATES, PROVISIONING, &[WorkspaceRead, QuotaRead]]);
const AUDITOR: PermissionSet = set(&[
    READ_PEOPLE,
    &[
        TemplateRead,
        TemplateInsights,
        WorkspaceRead,
        ProvisionerKeyRead,
        ProvisionerDaemonRead,
        ProvisionerJobRead,
    ],
    &[QuotaRead, AuditLogRead],
]);

impl BuiltinRole {
    /// All of them: site roles first.
    pub const ALL: &[Self] = &[
        Self::Owner,
        Self::UserAdmin,
        Self::TemplateAdmin,
        Self::Auditor,
        Self::SiteMember,
        Self::OrganizationAdmin,
        Self::OrganizationUserAdmin,
        Self::OrganizationTemplateAdmin,
        Self::OrganizationAuditor,
        Self::OrganizationWorkspaceCreationBan,
        Self::OrganizationMember,
    ];

    /// The table.
    pub const fn grant(self) -> Grant {
        match self {
            Self::Owner => at_site(PermissionSet::ALL.without(set(&[SERVE]))),
            Self::UserAdmin => at_site(USER_ADMIN.with(set(&[USERS, &[DeploymentSettingsRead]]))),
            Self::TemplateAdmin => at_site(TEMPLATE_ADMIN.with(set(&[&[UserRead, UserReadContact]]))),
            Self::Auditor => {
                at_site(AUDITOR.with(set(&[&[UserRead, UserReadContact, TokenRead, DeploymentSettingsRead]])))
            }
            Self::SiteMember => Grant {
                own: set(&[&[UserRead, UserReadContact, UserUpdate, TokenCreate, TokenRead, TokenDelete]]),
                ..NOTHING
            },
            Self::OrganizationAdmin => in_organization(set(&[
                &[OrganizationRead, OrganizationUpdate, OrganizationDelete],
                MEMBERS,
                GROUPS,
                &[RoleAssign, RoleRead, RoleCreate, RoleUpdate, RoleDelete],
                TEMPLATES,
                WORKSPACES,
                &[WorkspaceManageState],
                PROVISIONING,
                &[IdpSyncRead, IdpSyncUpdate, QuotaRead, QuotaUpdate, AuditLogRead],
                &[UserRead, UserReadContact],
            ])),
            Self::OrganizationUserAdmin => {
                in_organization(USER_ADMIN.with(set(&[&[UserRead, UserReadContact]])))
            }
            Self::OrganizationTemplateAdmin => in_organization(TEMPLATE_ADMIN),
            Self::OrganizationAuditor => in_organization(AUDITOR),
            Self::OrganizationWorkspaceCreationBan => Grant { denied: set(&[&[WorkspaceCreate]]), ..NOTHING },
            // Templates are not listed: a member sees and uses those whose access list names them or their groups.
            Self::OrganizationMember => Grant {
                organization: set(&[&[
                    OrganizationRead,
                    MemberRead,
                    GroupRead,
                    RoleRead,
                    ProvisionerDaemonRead,
                ]]),
                own: set(&[
                    WORKSPACES,
                    &[GroupReadMembers, ProvisionerJobRead, ProvisionerJobCancel, QuotaRead],
                ]),
                ..NOTHING
            },
        }
    }

    /// What it lets its holder do, however far it reaches: what whoever gives it must hold.
    pub const fn gives(self) -> PermissionSet {
        let grant = self.grant();
        grant.site.with(grant.organization).with(grant.own)
    }

    /// What whoever gives it or takes it away must hold themselves: what it grants and what it takes away.
    pub const fn weighs(self) -> PermissionSet {
        self.gives().with(self.grant().denied)
    }

    /// Whether it takes something away from its holder.
    pub const fn restrains(self) -> bool {
        !self.grant().denied.is_empty()
    }

    /// The name as it is stored and typed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::UserAdmin => "user-admin",
            Self::TemplateAdmin => "template-admin",
            Self::Auditor => "auditor",
            Self::SiteMember => "member",
            Self::OrganizationAdmin => "organization-admin",
            Self::OrganizationUserAdmin => "organization-user-admin",
            Self::OrganizationTemplateAdmin => "organization-template-admin",
            Self::OrganizationAuditor => "organization-auditor",
            Self::OrganizationWorkspaceCreationBan => "organization-workspace-creation-ban",
            Self::OrganizationMember => "organization-member",
        }
    }

    /// The name as people read it.
    pub const fn display_name(self) -> &'static str {
        match self {
            Self::Owner => "Owner",
            Self::UserAdmin => "User Admin",
            Self::TemplateAdmin => "Template Admin",
            Self::Auditor => "Auditor",
            Self::SiteMember => "Member",
            Self::OrganizationAdmin => "Organization Admin",
            Self::OrganizationUserAdmin => "Organization User Admin",
            Self::OrganizationTemplateAdmin => "Organization Template Admin",
            Self::OrganizationAuditor => "Organization Auditor",
            Self::OrganizationWorkspaceCreationBan => "Organization Workspace Creation Ban",
            Self::OrganizationMember => "Organization Member",
        }
    }

    /// What it is for.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Owner => "Everything, everywhere.",
            Self::UserAdmin => "Users, members and groups, in every organization.",
            Self::TemplateAdmin => "Templates and provisioners, in every organization.",
            Self::Auditor => {
                "Reads everything and the audit log, in every organization, and changes nothing."
            }
            Self::SiteMember => "Oneself. Held by everybody.",
            Self::OrganizationAdmin => "Everything in the organization.",
            Self::OrganizationUserAdmin => "Members and groups of the organization.",
            Self::OrganizationTemplateAdmin => "Templates and provisioners of the organization.",
            Self::OrganizationAuditor => "Reads the organization and its audit log, and changes nothing.",
            Self::OrganizationWorkspaceCreationBan => {
                "Takes away the creation of workspaces in the organization, whatever else grants it."
            }
            Self::OrganizationMember => {
                "One's own workspaces, from the templates one may use. Held by everybody in the organization."
            }
        }
    }

    /// Where it is held.
    pub const fn scope(self) -> Scope {
        match self {
            Self::Owner | Self::UserAdmin | Self::TemplateAdmin | Self::Auditor | Self::SiteMember => {
                Scope::Site
            }
            _ => Scope::Organization,
        }
    }

    /// Held by everybody there, without being given.
    pub const fn is_implied(self) -> bool {
        matches!(self, Self::SiteMember | Self::OrganizationMember)
    }

    /// The role of this name that can be given in `scope`.
    pub fn assignable(name: &str, scope: Scope) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|role| role.name() == name && role.scope() == scope && !role.is_implied())
    }
}

/// What an access list gives on the template that it is of, to a member of its organization.
pub const fn listed(role: AclRole) -> PermissionSet {
    match role {
        AclRole::Use => set(&[&[TemplateRead, TemplateUse]]),
        AclRole::Admin => set(&[&[TemplateRead, TemplateUpdate, TemplateDelete, TemplateUse]]),
    }
}

/// The least that an access list has to give for this; `None` for what none gives.
pub fn least_listed(permission: Permission) -> Option<AclRole> {
    [AclRole::Use, AclRole::Admin].into_iter().find(|&role| listed(role).contains(permission))
}

/// What a custom role of an organization may hold: nothing that only makes sense for the whole deployment.
pub const CUSTOM: PermissionSet = BuiltinRole::OrganizationAdmin.grant().organization.without(set(&[USERS]));

/// What a token that is bound to an organization leaves of what its owner may do with themselves: know who they are.
pub const OWN_WHEN_BOUND: PermissionSet = set(&[&[UserRead, UserReadContact]]);

/// What a daemon may do in its key's organization: serve, and nothing else.
pub const DAEMON: PermissionSet = set(&[SERVE]);

/// Actors that are no person. Each has a name for the audit log and just the permissions its work needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum System {
    /// Creates the default organization and, with the setup token, the first owner.
    Setup,
    /// Opens a session for somebody who proved who they are.
    SignIn,
    /// Ends jobs whose daemon is gone or that no daemon can take.
    Reaper,
    /// Notes in the audit log what changed nothing, and deletes entries that are kept no longer.
    AuditLog,
    /// Numbers what happened, and forgets what is kept no longer.
    Outbox,
    /// Starts, stops and deletes workspaces when their time has come.
    Scheduler,
    /// Seals states and sensitive values with a newer key.
    Reseal,
    /// Fills the demonstration data.
    Demo,
}

impl System {
    /// Its name in the audit log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::SignIn => "sign-in",
            Self::Reaper => "reaper",
            Self::AuditLog => "audit-log",
            Self::Outbox => "outbox",
            Self::Scheduler => "scheduler",
            Self::Reseal => "reseal",
            Self::Demo => "demo",
        }
    }

    /// What it may do, everywhere.
    pub const fn grant(self) -> PermissionSet {
        match self {
            Self::Setup => set(&[&[OrganizationCreate, UserCreate, TokenCreate, MemberCreate]]),
            Self::SignIn => set(&[&[TokenCreate]]),
            Self::Reaper => set(&[&[ProvisionerJobRead, ProvisionerJobCancel]]),
            Self::AuditLog | Self::Outbox => set(&[&[AuditLogRead]]),
            Self::Scheduler => set(&[&[WorkspaceUpdate, WorkspaceStart, WorkspaceStop, WorkspaceDelete]]),
            Self::Reseal => set(&[&[DeploymentSettingsUpdate]]),
            Self::Demo => PermissionSet::ALL,
        }
    }
}
