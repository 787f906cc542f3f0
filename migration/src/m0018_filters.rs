//! What few of many have is found by an index of those few.

crate::dialect::migration!("m0018_filters", up: UP, down: DOWN);

const UP: &[&str] = &[
    // Most users are active people without a role on the site: these indexes hold the others.
    r#"create index ix_user_not_active on "user" (status, id) where status <> 'ACTIVE' and deleted_at is null"#,
    r#"create index ix_user_service_account on "user" (id) where is_service_account and deleted_at is null"#,
    r#"create index ix_user_site_roles on "user" (id)
        where cast(site_roles as text) <> '[]' and deleted_at is null"#,
    // That they are few, PostgreSQL knows of an expression only when it is told to look.
    r#"{postgres}create statistics st_user_site_roles on (cast(site_roles as text)) from "user""#,
    // Most workspaces are awake.
    "create index ix_workspace_dormant_created_at on workspace (created_at, id)
        where dormant_at is not null and deleted_at is null",
    "create index ix_workspace_dormant_name on workspace (name, id)
        where dormant_at is not null and deleted_at is null",
    // Most of the log is of what was done.
    "create index ix_audit_log_not_done on audit_log (status, time, id) where status <> 'SUCCESS'",
];

const DOWN: &[&str] = &[
    "drop index ix_audit_log_not_done",
    "drop index ix_workspace_dormant_name",
    "drop index ix_workspace_dormant_created_at",
    "{postgres}drop statistics st_user_site_roles",
    "drop index ix_user_site_roles",
    "drop index ix_user_service_account",
    "drop index ix_user_not_active",
];
