//! The schema: the domains' roots merged, `node`, and how errors leave.

pub(crate) mod connection;
pub mod context;
pub(crate) mod error;
mod events;
mod executor;
pub(crate) mod guard;
mod loads;
mod named;
mod node;
pub(crate) mod once;
mod rate_limit;
pub(crate) mod scalar;
mod sdl;

pub use executor::Coded;
pub use sdl::sdl;

use async_graphql::{MergedObject, MergedSubscription, ValidationMode};

use crate::account::graphql::AccountMutation;
use crate::audit_log::graphql::AuditLogQuery;
use crate::authn::graphql::{EndingMutation, SessionMutation, TokenMutation};
use crate::departure::graphql::DepartureMutation;
use crate::dispatch::graphql::{DaemonMutation, JobMutation, ReportMutation};
use crate::explain::graphql::ExplainQuery;
use crate::group::graphql::GroupMutation;
use crate::live::graphql::{
    AuditSubscription, EventQuery, ProvisionerEventSubscription, WorkspaceSubscription,
};
use crate::member::graphql::MemberMutation;
use crate::organization::graphql::{OrganizationMutation, OrganizationQuery};
use crate::provisioner::graphql::{DaemonListMutation, KeyMutation, ProvisionerSubscription};
use crate::quota::graphql::{QuotaMutation, QuotaQuery};
use crate::role::graphql::{PermissionQuery, RoleMutation, RoleQuery};
use crate::template::graphql::{
    ComparisonQuery, DryRunMutation, TemplateAccessMutation, TemplateChangeMutation, TemplateMutation,
    TemplateQuery, TemplateVersionChangeMutation,
};
use crate::user::graphql::{UserMutation, UserQuery};
use crate::workspace::graphql::{
    WorkspaceChangeMutation, WorkspaceMutation, WorkspaceQuery, WorkspaceRestartMutation,
};

/// Everything that can be asked.
#[derive(Default, MergedObject)]
pub struct Query(
    node::NodeQuery,
    OrganizationQuery,
    UserQuery,
    TemplateQuery,
    ComparisonQuery,
    WorkspaceQuery,
    QuotaQuery,
    RoleQuery,
    PermissionQuery,
    ExplainQuery,
    AuditLogQuery,
    EventQuery,
    node::DeploymentQuery,
    rate_limit::RateLimitQuery,
);

/// Everything that can be changed.
#[derive(Default, MergedObject)]
pub struct Mutation(
    SessionMutation,
    EndingMutation,
    TokenMutation,
    UserMutation,
    AccountMutation,
    OrganizationMutation,
    MemberMutation,
    RoleMutation,
    DepartureMutation,
    GroupMutation,
    KeyMutation,
    DaemonListMutation,
    QuotaMutation,
    TemplateMutation,
    TemplateChangeMutation,
    TemplateVersionChangeMutation,
    DryRunMutation,
    TemplateAccessMutation,
    WorkspaceMutation,
    WorkspaceRestartMutation,
    WorkspaceChangeMutation,
    JobMutation,
    DaemonMutation,
    ReportMutation,
);

/// Everything that can be followed.
#[derive(Default, MergedSubscription)]
pub struct Subscription(
    ProvisionerSubscription,
    WorkspaceSubscription,
    ProvisionerEventSubscription,
    AuditSubscription,
    events::OrganizationSubscription,
);

/// The schema that is served.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// Builds the schema. Limits are the front's; documents reach it validated.
pub fn schema() -> Schema {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .validation_mode(ValidationMode::Fast)
        .disable_suggestions()
        .finish()
}
