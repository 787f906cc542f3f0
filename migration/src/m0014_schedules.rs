//! What workspaces do by themselves: start on a schedule, stop at a deadline, restart, fall dormant. And leases: which of
//! several servers looks after that.

crate::dialect::migration!("m0014_schedules", up: UP, down: DOWN);

const UP: &[&str] = &[
    // A cron expression of five fields, the time zone it is read in, and when it comes due next.
    "alter table workspace add column autostart_cron text",
    "alter table workspace add column autostart_time_zone text",
    "alter table workspace add column autostart_at {time}",
    // For how long a start lasts; null leaves it to the template.
    "alter table workspace add column ttl_ms bigint constraint ck_workspace_ttl check (ttl_ms > 0)",
    "alter table workspace add column automatic_updates text not null default 'NEVER'
        constraint ck_workspace_automatic_updates check (automatic_updates in ('ALWAYS', 'NEVER'))",
    // When it is stopped, dormant since when, when it is deleted.
    "alter table workspace add column deadline {time}",
    "alter table workspace add column dormant_at {time}",
    "alter table workspace add column deleting_at {time}",
    // What the scheduler looks for: few rows, whatever the number of workspaces.
    "create index ix_workspace_autostart_at on workspace (autostart_at, id)
        where autostart_at is not null and deleted_at is null",
    "create index ix_workspace_deadline on workspace (deadline, id) where deadline is not null and deleted_at is null",
    "create index ix_workspace_deleting_at on workspace (deleting_at, id)
        where deleting_at is not null and deleted_at is null",
    "create index ix_workspace_idle on workspace (template_id, coalesce(last_used_at, created_at), id)
        where dormant_at is null and deleted_at is null",
    // Whom a workspace is dear to.
    r#"create table workspace_favorite (
        user_id {uuid} not null,
        workspace_id {uuid} not null,
        organization_id {uuid} not null,
        created_at {time} not null,
        constraint pk_workspace_favorite primary key (user_id, workspace_id),
        constraint fk_workspace_favorite_user foreign key (user_id) references "user" (id),
        constraint fk_workspace_favorite_workspace foreign key (organization_id, workspace_id)
            references workspace (organization_id, id)
    )"#,
    // The start that is promised for when a stop has succeeded; its values are sealed for the id it will have.
    r#"create table workspace_restart (
        workspace_build_id {uuid} not null primary key,
        organization_id {uuid} not null,
        next_build_id {uuid} not null,
        template_version_id {uuid} not null,
        initiator_id {uuid},
        parameters {json} not null,
        sealed_parameters {bytes},
        constraint fk_workspace_restart_build foreign key (organization_id, workspace_build_id)
            references workspace_build (organization_id, id),
        constraint fk_workspace_restart_template_version foreign key (organization_id, template_version_id)
            references template_version (organization_id, id),
        constraint fk_workspace_restart_initiator foreign key (initiator_id) references "user" (id)
    )"#,
    // Work that one server does for all. Whoever takes a lease over raises its fence.
    "create table lease (
        name text not null primary key,
        holder {uuid} not null,
        fence bigint not null,
        expires_at {time} not null
    )",
    // What can be told of a state without opening it. Sealing adds 29 bytes.
    "alter table terraform_state add column size integer not null default 0",
    "alter table terraform_state add column serial bigint",
    "update terraform_state set size = length(sealed) - 29",
];

const DOWN: &[&str] = &[
    "alter table terraform_state drop column serial",
    "alter table terraform_state drop column size",
    "drop table lease",
    "drop table workspace_restart",
    "drop table workspace_favorite",
    "drop index ix_workspace_idle",
    "drop index ix_workspace_deleting_at",
    "drop index ix_workspace_deadline",
    "drop index ix_workspace_autostart_at",
    "alter table workspace drop column deleting_at",
    "alter table workspace drop column dormant_at",
    "alter table workspace drop column deadline",
    "alter table workspace drop column automatic_updates",
    "alter table workspace drop column ttl_ms",
    "alter table workspace drop column autostart_at",
    "alter table workspace drop column autostart_time_zone",
    "alter table workspace drop column autostart_cron",
];
