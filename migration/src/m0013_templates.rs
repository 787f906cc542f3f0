//! Settings of templates, and dry runs of their versions.

crate::dialect::migration!("m0013_templates", up: UP, down: DOWN);

const UP: &[&str] = &[
    // Times in milliseconds; null = never. Days are a set of bits, Monday the lowest.
    "alter table template add column default_ttl_ms bigint
        constraint ck_template_default_ttl check (default_ttl_ms > 0)",
    "alter table template add column failure_ttl_ms bigint
        constraint ck_template_failure_ttl check (failure_ttl_ms > 0)",
    "alter table template add column dormant_after_ms bigint
        constraint ck_template_dormant_after check (dormant_after_ms > 0)",
    "alter table template add column dormant_delete_after_ms bigint
        constraint ck_template_dormant_delete_after check (dormant_delete_after_ms > 0)",
    "alter table template add column autostart_days integer not null default 127
        constraint ck_template_autostart_days check (autostart_days between 0 and 127)",
    "alter table template add column autostop_days integer not null default 0
        constraint ck_template_autostop_days check (autostop_days between 0 and 127)",
    "alter table template add column autostop_weeks integer not null default 1
        constraint ck_template_autostop_weeks check (autostop_weeks between 1 and 16)",
    "alter table template add column allow_user_ttl boolean not null default true",
    "alter table template add column require_active_version boolean not null default false",
    "alter table template add column allow_user_cancel boolean not null default true",
    "alter table template add column max_workspaces_per_user integer
        constraint ck_template_max_workspaces check (max_workspaces_per_user > 0)",
    // How many workspaces somebody has of a template, counted as the next one is made.
    "create index ix_workspace_template_owner on workspace (template_id, owner_id) where deleted_at is null",
    // A plan with given values. It changes nothing and keeps no state; what it found stays with it.
    r#"create table template_dry_run (
        id {uuid} not null primary key,
        organization_id {uuid} not null,
        template_version_id {uuid} not null,
        provisioner_job_id {uuid} not null,
        parameters {json} not null,
        sealed_parameters {bytes},
        resources {json} not null,
        daily_cost integer,
        created_by {uuid} not null,
        created_at {time} not null,
        constraint uq_template_dry_run_organization_id unique (organization_id, id),
        constraint uq_template_dry_run_job unique (organization_id, provisioner_job_id),
        constraint fk_template_dry_run_version foreign key (organization_id, template_version_id)
            references template_version (organization_id, id),
        constraint fk_template_dry_run_job foreign key (organization_id, provisioner_job_id)
            references provisioner_job (organization_id, id),
        constraint fk_template_dry_run_created_by foreign key (created_by) references "user" (id),
        constraint ck_template_dry_run_daily_cost check (daily_cost >= 0)
    )"#,
];

const DOWN: &[&str] = &[
    "drop table template_dry_run",
    "drop index ix_workspace_template_owner",
    "alter table template drop column max_workspaces_per_user",
    "alter table template drop column allow_user_cancel",
    "alter table template drop column require_active_version",
    "alter table template drop column allow_user_ttl",
    "alter table template drop column autostop_weeks",
    "alter table template drop column autostop_days",
    "alter table template drop column autostart_days",
    "alter table template drop column dormant_delete_after_ms",
    "alter table template drop column dormant_after_ms",
    "alter table template drop column failure_ttl_ms",
    "alter table template drop column default_ttl_ms",
];
