//! Every field of a tenant's data says who may see it: by `@requires` where it is declared, or by its place in the list
//! below. A new field is in neither, and fails here until somebody has decided.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{FieldDefinition, ServiceDocument, TypeKind, TypeSystemDefinition};
use guildhall::authz::Permission;

/// Visible with the thing it is of: whoever sees the parent sees these.
const WITH_PARENT: &[(&str, &str)] = &[
    (
        "AuditLogEntry",
        "action actor address changes id missingPermission organizationId requestId resource resourceId resourceName \
         status time",
    ),
    ("AuditActor", "id kind name"),
    ("AuditLogEvent", "cursor entry"),
    ("OrganizationEvent", "cursor kind node resource subjectId time"),
    ("ProvisionerDaemonEvent", "cursor daemon daemonId kind time"),
    ("ProvisionerJobEvent", "cursor job kind time"),
    ("WorkspaceEvent", "buildId cursor kind time workspace workspaceId"),
    ("AuditChange", "after before field"),
    ("ApiToken", "createdAt expiresAt id isBound isCurrent lastUsedAt name scopes user"),
    ("AutostartSchedule", "cron timeZone"),
    ("BuildParameter", "name sensitive"),
    ("File", "createdAt id mimetype sha256 size url"),
    (
        "Group",
        "avatarUrl createdAt displayName id isEveryone name organization quotaAllowance source updatedAt version \
         viewerCan",
    ),
    ("GroupMember", "createdAt user"),
    ("Member", "createdAt organization updatedAt user"),
    (
        "MemberRemovalImpact",
        "buildingWorkspaces dailyCost failedWorkspaces groups runningWorkspaces stoppedWorkspaces templateAccess \
         workspaces",
    ),
    ("Organization", "createdAt description displayName icon id isDefault name updatedAt version viewerCan"),
    ("Role", "assignable builtIn createdAt description displayName id name permissions updatedAt version"),
    ("OrganizationDeletionImpact", "groups isDeletable members provisionerKeys templates workspaces"),
    ("PendingReason", "code message tags"),
    (
        "ProvisionerDaemon",
        "createdAt engines id keyName lastSeenAt name organization status tags updatedAt version versionMatches",
    ),
    (
        "ProvisionerJob",
        "attempts cancelRequestedAt completedAt createdAt error id logs organization pendingReason position \
         startedAt state tags type updatedAt",
    ),
    ("ProvisionerDaemonGroup", "busy idle keyName offline tags version versionMatches"),
    (
        "ProvisionerHealth",
        "busyDaemons daemonGroups history idleDaemons jobs mismatchedDaemons offlineDaemons oldestWaitingSince queues waitingJobs",
    ),
    (
        "ProvisionerHistoryPeriod",
        "canceled durationMaxSeconds durationP50Seconds end failed start succeeded successRate",
    ),
    ("ProvisionerJobError", "code message"),
    (
        "ProvisionerJobStatistics",
        "canceled durationP50Seconds durationP95Seconds failed succeeded successRate type",
    ),
    ("ProvisionerQueue", "jobs oldestWaitingSince reason tags"),
    ("ProvisionerJobLogEvent", "cursor log"),
    ("ProvisionerJobLog", "level sequence source stage text time"),
    ("BuildCostPreview", "accepted basis cost currentCost ownerQuota"),
    ("BuildQuotaRefusal", "budget cost scope used"),
    ("Quota", "budget remaining used"),
    (
        "ProvisionerKey",
        "createdAt disabledAt expiresAt id lastUsedAt name organization previousSecretExpiresAt state tags updatedAt version",
    ),
    ("Session", "createdAt expiresAt id ip isCurrent lastUsedAt user userAgent"),
    (
        "Template",
        "activeVersion createdAt deprecationMessage description displayName icon id name organization settings \
         updatedAt version versions viewerCan",
    ),
    (
        "TemplateSettings",
        "allowUserCancel allowUserTtl autostartDays autostopDays autostopWeeks defaultTtlSeconds \
         dormantAfterSeconds dormantDeleteAfterSeconds failureTtlSeconds maxWorkspacesPerUser requireActiveVersion",
    ),
    ("TerraformState", "path serial size updatedAt"),
    (
        "AccessExplanation",
        "allowed deniedBy grantedByMembership grantedByTemplateRole missing permission suspended",
    ),
    ("AccessReason", "reach templateRole"),
    ("GroupTemplateAccess", "role template"),
    ("TemplateAccess", "createdAt role subject"),
    ("TemplateAccessCandidate", "subject"),
    ("TemplateVariable", "default description ephemeral name nullable required sensitive type validations"),
    ("TemplateFileChange", "diff isBinary kind path sizeAfter sizeBefore"),
    (
        "TemplateParameter",
        "default description displayName ephemeral icon immutable isWhole maximum maximumIsExclusive maximumLength \
         minimum minimumIsExclusive minimumLength name nullable options pattern required sensitive type \
         typeExpression validations",
    ),
    ("TemplateParameterChange", "after before isBreaking kind name reasons"),
    (
        "TemplateVersion",
        "archived createdAt id isActive message name parameters readme updatedAt variables version",
    ),
    // Both versions are visible, or there is no comparison.
    ("TemplateVersionComparison", "files from parameters to"),
    ("TemplateVersionDryRun", "createdAt dailyCost id job resources"),
    ("User", "avatarUrl createdAt id isServiceAccount name updatedAt username version"),
    (
        "Workspace",
        "automaticUpdates autostartSchedule builds createdAt deadline deletingAt dormantAt id isFavorite isOutdated \
         lastUsedAt latestBuild name nextAutostartAt organization owner status template ttlSeconds updatedAt version \
         viewerCan",
    ),
    (
        "WorkspaceBuild",
        "apps createdAt dailyCost id job metadata number parameters quotaRefusal reason resources status templateVersion \
         transition updatedAt",
    ),
];

/// Shows, of what it leads to, only what the viewer can see: a list through the store's `visible`, or null.
const FILTERED: &[(&str, &str)] = &[
    ("ApiToken", "createdBy organization"),
    ("AccessExplanation", "grantedBy reasons user"),
    ("AccessReason", "group role"),
    ("AuditActor", "user"),
    ("Group", "templates"),
    ("AuditLogEntry", "organization"),
    ("Member", "groups roles"),
    ("Organization", "groups members provisionerDaemons provisionerJobs roles templates workspaces"),
    ("ProvisionerDaemon", "currentJobs lastJob"),
    ("ProvisionerJob", "daemon initiator"),
    ("ProvisionerKey", "createdBy"),
    ("Role", "organization"),
    ("TemplateVersion", "createdBy file job template"),
    ("TemplateVersionDryRun", "createdBy templateVersion"),
    ("User", "organizations workspaces"),
    ("WorkspaceBuild", "initiator workspace"),
];

/// Null unless the viewer may see it, as its description says.
const MASKED: &[(&str, &str)] = &[
    ("BuildCostPreview", "organizationQuota"),
    ("BuildParameter", "value"),
    ("User", "apiTokens email lastSeenAt loginType sessions siteRoles status"),
    ("WorkspaceBuild", "state"),
];

fn schema() -> ServiceDocument {
    parse_schema(guildhall::graphql::sdl()).unwrap()
}

/// Object types with their fields.
fn objects(schema: &ServiceDocument) -> BTreeMap<&str, Vec<&FieldDefinition>> {
    let types = schema.definitions.iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) => Some(&definition.node),
        _ => None,
    });
    types
        .filter_map(|definition| match &definition.kind {
            TypeKind::Object(object) => {
                Some((definition.name.node.as_str(), object.fields.iter().map(|field| &field.node).collect()))
            }
            _ => None,
        })
        .collect()
}

/// `RESOURCE_ACTION` of a field's `@requires`.
fn requirement(field: &FieldDefinition) -> Option<String> {
    let directive = field.directives.iter().find(|directive| directive.node.name.node == "requires")?;
    let argument = |name: &str| {
        let value = directive.node.get_argument(name).map(|value| value.node.clone().into_json().unwrap());
        value.and_then(|value| value.as_str().map(str::to_owned)).unwrap()
    };
    Some(format!("{}_{}", argument("resource"), argument("action")))
}

fn description(field: &FieldDefinition) -> &str {
    field.description.as_ref().map(|description| description.node.as_str()).unwrap_or_default()
}

/// Objects that hold a tenant's data: everything but the roots, payloads, user errors, the parts of connections, and
/// what says nothing about anybody.
fn is_tenants(name: &str) -> bool {
    const OTHER: &[&str] = &[
        "AddGroupMemberResult",
        "AddMemberResult",
        "RemoveGroupMemberResult",
        "RemoveMemberResult",
        "SetMemberRolesResult",
        "ArchiveTemplateVersionResult",
        "Deployment",
        "Mutation",
        "PageInfo",
        "PathCost",
        "PermissionInfo",
        "Query",
        "SetTemplateAccessResult",
        "RateLimit",
        "Subscription",
        "Tag",
        // User errors.
        "Conflict",
        "InvalidInput",
        "LastAdmin",
        "MissingPermissions",
        "NameTaken",
        "NotFound",
        "OrganizationNotEmpty",
        "ParameterMismatch",
        "QuotaExceeded",
        "StaleVersion",
        "UserOwnsWorkspaces",
        "TemplateInUse",
        // For the daemon that has taken the job alone.
        "AcquiredJob",
        "TaskVariable",
        "TemplateDryRunTask",
        "TemplateImportTask",
        "WorkspaceBuildTask",
        // Values inside fields of the list.
        "MismatchedParameter",
        "PlannedResource",
        "VariableValidation",
        "WorkspaceApp",
        "WorkspaceMetadata",
        "WorkspaceResource",
    ];
    let is_part = ["Connection", "Edge", "Payload"].iter().any(|suffix| name.ends_with(suffix));
    !is_part && !OTHER.contains(&name)
}

#[test]
fn every_field_says_who_may_see_it() {
    let schema = schema();
    let objects = objects(&schema);
    let mut decided: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (object, fields) in [WITH_PARENT, FILTERED, MASKED].into_iter().flatten() {
        for field in fields.split_whitespace() {
            assert!(decided.insert((object, field)), "{object}.{field} is listed twice");
        }
    }
    for (object, fields) in objects.iter().filter(|(name, _)| is_tenants(name)) {
        for field in fields {
            let name = field.name.node.as_str();
            let listed = decided.remove(&(*object, name));
            let required = requirement(field);
            match (&required, listed) {
                (None, false) => panic!(
                    "{object}.{name}: who may see it? Give it `@requires` or a place in tests/layering/fields.rs"
                ),
                (Some(permission), true) => {
                    panic!("{object}.{name} requires {permission}; take it off the list")
                }
                _ => {}
            }
            assert_eq!(
                description(field).contains("FORBIDDEN"),
                required.is_some(),
                "{object}.{name}: a field answers FORBIDDEN if and only if it has `@requires`"
            );
        }
    }
    assert!(decided.is_empty(), "listed, but not in the schema: {decided:?}");
}

#[test]
fn every_requirement_is_a_permission() {
    let known: BTreeSet<String> = Permission::ALL.iter().map(ToString::to_string).collect();
    let schema = schema();
    let mut guarded = 0;
    for (object, fields) in objects(&schema) {
        for field in fields {
            if let Some(permission) = requirement(field) {
                guarded += 1;
                assert!(
                    known.contains(&permission),
                    "{object}.{}: there is no {permission}",
                    field.name.node
                );
            }
        }
    }
    assert!(guarded >= 3, "only {guarded} guarded fields were found");
}

#[test]
fn every_mutation_says_what_it_needs() {
    const OF_EVERYBODY: &[&str] = &["createFirstUser", "signIn", "signOut"];
    let known: BTreeSet<String> = Permission::ALL.iter().map(ToString::to_string).collect();
    let schema = schema();
    for field in &objects(&schema)["Mutation"] {
        let (name, text) = (field.name.node.as_str(), description(field));
        if OF_EVERYBODY.contains(&name) || text.starts_with("For daemons:") {
            continue;
        }
        let needs = text.split_once("Needs ").map(|(_, needs)| needs);
        let needs = needs.unwrap_or_else(|| panic!("{name} does not say which permission it needs"));
        for permission in needs.split('`').skip(1).step_by(2) {
            assert!(known.contains(permission), "{name} needs {permission}, which there is not");
        }
    }
}
