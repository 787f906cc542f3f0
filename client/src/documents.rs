//! Every document that this client sends. A server that runs registered documents alone has to know them.
//!
//! The text of a document depends on its type alone: values go as variables, and no selection is conditional. The list is
//! complete because a method can't send what is not in it: [`Client::run`](crate::Client::run) takes nothing else.

use std::collections::HashSet;

use cynic::queries::{OperationType, build_executable_document};
use cynic::schema::{MutationRoot, QueryRoot, SubscriptionRoot};
use cynic::{QueryFragment, QueryVariables};

/// A document of [`documents`], with its variables.
pub trait Registered<Variables>: listed::Listed<Variables> {}

impl<Document: listed::Listed<Variables>, Variables> Registered<Variables> for Document {}

/// Keeps the trait to the list below.
mod listed {
    pub trait Listed<Variables> {}
}

fn query<Document, Variables>() -> String
where
    Document: QueryFragment<SchemaType: QueryRoot>,
    Variables: QueryVariables,
{
    text::<Document, Variables>(OperationType::Query)
}

fn mutation<Document, Variables>() -> String
where
    Document: QueryFragment<SchemaType: MutationRoot>,
    Variables: QueryVariables,
{
    text::<Document, Variables>(OperationType::Mutation)
}

fn subscription<Document, Variables>() -> String
where
    Document: QueryFragment<SchemaType: SubscriptionRoot>,
    Variables: QueryVariables,
{
    text::<Document, Variables>(OperationType::Subscription)
}

/// As the builders of cynic make it, which ask for values besides.
fn text<Document: QueryFragment, Variables: QueryVariables>(kind: OperationType) -> String {
    build_executable_document::<Document, Variables>(kind, Document::name().as_deref(), HashSet::new(), None)
}

macro_rules! variables {
    ($module:ident) => {
        ()
    };
    ($module:ident $variables:ident $($lifetime:lifetime)?) => {
        crate::$module::$variables$(<$lifetime>)?
    };
}

macro_rules! documents {
    ($($module:ident { $($kind:ident $document:ident $(($variables:ident$(<$lifetime:lifetime>)?))?,)* })*) => {
        $($(
            impl listed::Listed<variables!($module $($variables $($lifetime)?)?)> for crate::$module::$document {}
        )*)*

        /// The texts of all documents that this client sends.
        #[must_use]
        pub fn documents() -> Vec<String> {
            vec![$($($kind::<crate::$module::$document, variables!($module $($variables $($lifetime)?)?)>()),*),*]
        }
    };
}

documents! {
    account {
        mutation UpdateUser(UpdateUserVariables),
        mutation SetUserSiteRoles(SetUserSiteRolesVariables),
        mutation SuspendUser(SuspendUserVariables),
        mutation ActivateUser(ActivateUserVariables),
        mutation ChangePassword(ChangePasswordVariables),
        mutation ResetPassword(ResetPasswordVariables),
        mutation DeleteUser(DeleteUserVariables),
    }
    api_token {
        query ApiTokens(ApiTokensVariables),
        mutation CreateApiToken(CreateApiTokenVariables),
        mutation RevokeApiToken(RevokeApiTokenVariables),
    }
    audit_log {
        query AuditLog(AuditLogVariables),
        query AuditLogEntryById(AuditLogEntryVariables),
    }
    build_cost {
        query BuildCost(PlannedBuild),
    }
    departure {
        query RemovalImpact(RemovalImpactVariables),
        mutation RemoveMembers(RemoveMembersVariables),
    }
    event {
        subscription OrganizationEvents(EventsVariables),
    }
    explain {
        query ExplainAccess(ExplainAccessVariables),
    }
    group {
        query Groups(GroupsVariables),
        mutation CreateGroup(CreateGroupVariables),
        mutation UpdateGroup(UpdateGroupVariables),
        mutation DeleteGroup(DeleteGroupVariables),
    }
    group_member {
        query GroupMembers(GroupMembersVariables),
        mutation RemoveGroupMembers(RemoveGroupMembersVariables),
        mutation AddGroupMembers(AddGroupMembersVariables),
    }
    member {
        query Members(MembersVariables),
        query OneMember(OneMemberVariables),
        mutation AddMembers(AddMembersVariables),
        mutation SetMemberRoles(SetMemberRolesVariables),
        mutation SetMembersRoles(SetMembersRolesVariables),
    }
    organization {
        mutation DeleteOrganization(DeleteOrganizationVariables),
        query DeletionImpact(OrganizationByNameVariables),
        query OrganizationByName(OrganizationByNameVariables),
        query Organizations(OrganizationsVariables),
        mutation CreateOrganization(CreateOrganizationVariables),
        mutation UpdateOrganization(UpdateOrganizationVariables),
    }
    provisioner {
        mutation RegisterProvisionerDaemon(RegisterProvisionerDaemonVariables),
        mutation HeartbeatProvisionerDaemon(HeartbeatProvisionerDaemonVariables),
        mutation SignOffProvisionerDaemon(SignOffProvisionerDaemonVariables),
        mutation AcquireProvisionerJob(AcquireProvisionerJobVariables),
        mutation AppendProvisionerJobLogs(AppendProvisionerJobLogsVariables),
        mutation PlanWorkspaceBuild(PlanWorkspaceBuildVariables),
        mutation CompleteProvisionerJob(CompleteProvisionerJobVariables),
        mutation FailProvisionerJob(FailProvisionerJobVariables),
    }
    provisioner_daemon {
        query ProvisionerDaemons(ProvisionerDaemonsVariables),
        mutation DeleteProvisionerDaemon(DeleteProvisionerDaemonVariables),
    }
    provisioner_health {
        query HealthOfProvisioners(ProvisionerHealthVariables),
    }
    provisioner_job {
        query ProvisionerJobs(ProvisionerJobsVariables),
        mutation CancelProvisionerJob(CancelProvisionerJobVariables),
    }
    provisioner_job_log {
        query JobLogs(JobLogsVariables),
        query StatusOfJob(JobStatusVariables),
        subscription LogOfJob(JobLogVariables),
    }
    provisioner_key {
        query ProvisionerKeys(ProvisionerKeysVariables),
        mutation CreateProvisionerKey(CreateProvisionerKeyVariables),
        mutation UpdateProvisionerKey(UpdateProvisionerKeyVariables),
        mutation RotateProvisionerKey(RotateProvisionerKeyVariables),
        mutation DisableProvisionerKey(DisableProvisionerKeyVariables),
        mutation EnableProvisionerKey(EnableProvisionerKeyVariables),
        mutation DeleteProvisionerKey(DeleteProvisionerKeyVariables),
    }
    quota {
        query MemberQuotas(MemberQuotaVariables),
        query OrganizationQuota(OrganizationQuotaVariables),
        mutation SetOrganizationQuota(SetOrganizationQuotaVariables),
        mutation SetGroupQuota(SetGroupQuotaVariables),
    }
    role {
        query OrganizationRoles(OrganizationRolesVariables),
        query SiteRoles,
        query Permissions,
        mutation CreateRole(CreateRoleVariables),
        mutation UpdateRole(UpdateRoleVariables),
        mutation DeleteRole(DeleteRoleVariables),
    }
    session {
        query CurrentUser,
        query DeploymentStatus,
        mutation SignIn(SignInVariables<'_>),
        mutation CreateFirstUser(CreateFirstUserVariables<'_>),
        mutation SignOut,
    }
    template {
        query Templates(TemplatesVariables),
        mutation CreateTemplate(CreateTemplateVariables),
    }
    template_access {
        query TemplateAccessList(TemplateAccessVariables),
        query AccessCandidates(AccessCandidatesVariables),
        query AccessOf(AccessOfVariables),
        query GroupTemplates(GroupTemplatesVariables),
        mutation SetTemplateAccess(SetTemplateAccessVariables),
    }
    template_change {
        query SettingsOfTemplate(TemplateSettingsVariables),
        mutation UpdateTemplate(UpdateTemplateVariables),
        mutation DeleteTemplate(DeleteTemplateVariables),
    }
    template_version {
        query TemplateVersions(TemplateVersionsVariables),
        query TemplateVersionById(TemplateVersionByIdVariables),
        mutation CreateTemplateVersion(CreateTemplateVersionVariables),
        mutation PromoteTemplateVersion(PromoteTemplateVersionVariables),
    }
    template_version_change {
        mutation ArchiveTemplateVersions(ArchiveTemplateVersionsVariables),
        mutation UpdateTemplateVersion(UpdateTemplateVersionVariables),
        mutation UnarchiveTemplateVersion(UnarchiveTemplateVersionVariables),
        query TemplateVersionSource(IdVariables),
        query CompareTemplateVersions(CompareVariables),
        mutation CreateTemplateVersionDryRun(CreateTemplateVersionDryRunVariables),
        query DryRunById(IdVariables),
    }
    user {
        query UserByUsername(UserByUsernameVariables),
        query UsersByUsername(UsersByUsernameVariables),
        query Users(UsersVariables),
        mutation CreateUser(CreateUserVariables<'_>),
    }
    user_session {
        query Sessions(SessionsVariables),
        mutation RevokeSession(RevokeSessionVariables),
        mutation RevokeAllSessions(RevokeAllSessionsVariables),
    }
    viewer_can {
        query ViewerCan(ViewerCanVariables),
    }
    workspace {
        query Workspaces(WorkspacesVariables),
        query WorkspaceById(WorkspaceByIdVariables),
        mutation CreateWorkspace(CreateWorkspaceVariables),
    }
    workspace_build {
        query WorkspaceBuilds(WorkspaceBuildsVariables),
        mutation StartWorkspace(StartWorkspaceVariables),
        mutation StopWorkspace(StopWorkspaceVariables),
        mutation DeleteWorkspace(DeleteWorkspaceVariables),
    }
    workspace_change {
        mutation TouchWorkspace(TouchWorkspaceVariables),
        query TimesOfWorkspace(WorkspaceTimesVariables),
        mutation UpdateWorkspace(UpdateWorkspaceVariables),
        mutation ClearAutostart(WorkspaceTimesVariables),
        mutation ClearTtl(WorkspaceTimesVariables),
        mutation ActivateWorkspace(ActivateWorkspaceVariables),
        mutation ExtendWorkspaceDeadline(ExtendWorkspaceDeadlineVariables),
        mutation TransferWorkspace(TransferWorkspaceVariables),
        mutation SetWorkspaceFavorite(SetWorkspaceFavoriteVariables),
    }
    workspace_restart {
        mutation RestartWorkspace(RestartWorkspaceVariables),
        mutation UpdateWorkspaceVersion(UpdateWorkspaceVersionVariables),
        mutation ForgetWorkspace(ForgetWorkspaceVariables),
    }
}

#[cfg(test)]
mod tests;
