//! Workspaces, their builds and the Terraform state of each build.

crate::dialect::migration!("m0004_workspaces", up: UP, down: &[
    "drop table terraform_state_lock",
    "drop table terraform_state",
    "drop table workspace_build",
    "drop table workspace",
]);

const UP: &[&str] = &[
    r#"create table workspace (
        id {uuid} not null primary key,
        organization_id {uuid} not null,
        owner_id {uuid} not null,
        template_id {uuid} not null,
        name {name} not null,
        last_used_at {time},
        version integer not null,
        created_at {time} not null,
        updated_at {time} not null,
        deleted_at {time},
        constraint uq_workspace_organization_id unique (organization_id, id),
        constraint fk_workspace_organization foreign key (organization_id) references organization (id),
        constraint fk_workspace_owner foreign key (owner_id) references "user" (id),
        constraint fk_workspace_template foreign key (organization_id, template_id)
            references template (organization_id, id),
        constraint ck_workspace_name check (name = lower(name) and length(name) between 1 and 32)
    )"#,
    "create unique index uq_workspace_name on workspace (organization_id, owner_id, name) where deleted_at is null",
    "create index ix_workspace_created_at on workspace (organization_id, created_at, id) where deleted_at is null",
    "create index ix_workspace_owner_created_at on workspace (owner_id, created_at, id) where deleted_at is null",
    "create index ix_workspace_organization_owner on workspace (organization_id, owner_id, created_at, id)
        where deleted_at is null",
    "create index ix_workspace_organization_name on workspace (organization_id, name, id) where deleted_at is null",
    "create index ix_workspace_template on workspace (template_id, created_at, id) where deleted_at is null",
    "create index ix_workspace_all_created_at on workspace (created_at, id) where deleted_at is null",
    "create index ix_workspace_all_name on workspace (name, id) where deleted_at is null",
    // `active` is true until the build's job has ended: the partial index keeps it to one a workspace.
    r#"create table workspace_build (
        id {uuid} not null primary key,
        organization_id {uuid} not null,
        workspace_id {uuid} not null,
        number integer not null,
        template_version_id {uuid} not null,
        transition text not null,
        reason text not null,
        initiator_id {uuid},
        provisioner_job_id {uuid} not null,
        active boolean not null,
        parameters {json} not null,
        sealed_parameters {bytes},
        resources {json} not null,
        apps {json} not null,
        metadata {json} not null,
        daily_cost integer not null,
        created_at {time} not null,
        updated_at {time} not null,
        constraint uq_workspace_build_organization_id unique (organization_id, id),
        constraint uq_workspace_build_number unique (workspace_id, number),
        constraint uq_workspace_build_job unique (organization_id, provisioner_job_id),
        constraint fk_workspace_build_workspace foreign key (organization_id, workspace_id)
            references workspace (organization_id, id),
        constraint fk_workspace_build_template_version foreign key (organization_id, template_version_id)
            references template_version (organization_id, id),
        constraint fk_workspace_build_job foreign key (organization_id, provisioner_job_id)
            references provisioner_job (organization_id, id),
        constraint fk_workspace_build_initiator foreign key (initiator_id) references "user" (id),
        constraint ck_workspace_build_number check (number > 0),
        constraint ck_workspace_build_transition check (transition in ('START', 'STOP', 'DELETE')),
        constraint ck_workspace_build_reason check (reason in ('INITIATOR', 'AUTOSTART', 'AUTOSTOP', 'DORMANCY')),
        constraint ck_workspace_build_daily_cost check (daily_cost >= 0)
    )"#,
    "create unique index uq_workspace_build_active on workspace_build (workspace_id) where active",
    // The last state that Terraform sent for a build, sealed with the deployment's key. A build without a row of its
    // own starts from that of the build before it.
    "create table terraform_state (
        workspace_build_id {uuid} not null primary key,
        organization_id {uuid} not null,
        workspace_id {uuid} not null,
        number integer not null,
        sealed {bytes} not null,
        updated_at {time} not null,
        constraint fk_terraform_state_build foreign key (organization_id, workspace_build_id)
            references workspace_build (organization_id, id)
    )",
    "create index ix_terraform_state_workspace on terraform_state (workspace_id, number)",
    // Who may write the state of a workspace now: the fence against an orphaned Terraform.
    "create table terraform_state_lock (
        workspace_id {uuid} not null primary key,
        organization_id {uuid} not null,
        workspace_build_id {uuid} not null,
        lock_id text not null,
        info text not null,
        created_at {time} not null,
        constraint fk_terraform_state_lock_workspace foreign key (organization_id, workspace_id)
            references workspace (organization_id, id),
        constraint fk_terraform_state_lock_build foreign key (organization_id, workspace_build_id)
            references workspace_build (organization_id, id)
    )",
];
