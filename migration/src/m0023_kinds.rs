//! The whole audit log by kind, and users in the order in which they came.

crate::dialect::migration!("m0023_kinds", up: UP, down: DOWN);

const UP: &[&str] = &[
    // An expression, so that nothing takes it but what asks for it: of two columns that are compared with something, both
    // databases would expect more than of one, and read the log of an organization past those of all others.
    "create index ix_audit_log_kind on audit_log ((resource || '.' || action), time, id)",
    // Ids grow with time, and memberships have them.
    "drop index ix_user_created_at",
    r#"create index ix_user_oldest on "user" (id) where deleted_at is null"#,
    // Of indexes that seem the same to it SQLite takes the newest: those of few users come after those of all.
    "{sqlite}drop index ix_user_service_account",
    "{sqlite}drop index ix_user_site_roles",
    FEW[0],
    FEW[1],
];

/// As they were.
const FEW: [&str; 2] = [
    r#"{sqlite}create index ix_user_service_account on "user" (id) where is_service_account and deleted_at is null"#,
    r#"{sqlite}create index ix_user_site_roles on "user" (id)
        where cast(site_roles as text) <> '[]' and deleted_at is null"#,
];

const DOWN: &[&str] = &[
    "drop index ix_user_oldest",
    r#"create index ix_user_created_at on "user" (created_at, id) where deleted_at is null"#,
    "{sqlite}drop index ix_user_service_account",
    "{sqlite}drop index ix_user_site_roles",
    FEW[0],
    FEW[1],
    "drop index ix_audit_log_kind",
];
