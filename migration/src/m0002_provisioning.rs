//! Provisioner keys, daemons, jobs and their logs.

crate::dialect::migration!("m0002_provisioning", up: UP, down: &[
    "drop table provisioner_job_log",
    "drop table provisioner_job",
    "drop table provisioner_daemon",
    "drop table provisioner_key",
]);

const UP: &[&str] = &[
    r#"create table provisioner_key (
        id {uuid} not null primary key,
        organization_id {uuid} not null,
        name {name} not null,
        tags {json} not null,
        secret_hash {bytes} not null,
        created_by {uuid} not null,
        expires_at {time},
        last_used_at {time},
        disabled_at {time},
        created_at {time} not null,
        updated_at {time} not null,
        constraint uq_provisioner_key_organization_id unique (organization_id, id),
        constraint uq_provisioner_key_name unique (organization_id, name),
        constraint uq_provisioner_key_secret_hash unique (secret_hash),
        constraint fk_provisioner_key_organization foreign key (organization_id) references organization (id),
        constraint fk_provisioner_key_created_by foreign key (created_by) references "user" (id)
    )"#,
    "create index ix_provisioner_key_created_at on provisioner_key (organization_id, created_at, id)",
    // A built-in provisioner has no key.
    "create table provisioner_daemon (
        id {uuid} not null primary key,
        organization_id {uuid} not null,
        provisioner_key_id {uuid},
        name {name} not null,
        version text not null,
        engines {json} not null,
        tags {json} not null,
        last_seen_at {time} not null,
        created_at {time} not null,
        updated_at {time} not null,
        constraint uq_provisioner_daemon_organization_id unique (organization_id, id),
        constraint fk_provisioner_daemon_organization foreign key (organization_id) references organization (id),
        constraint fk_provisioner_daemon_key foreign key (organization_id, provisioner_key_id)
            references provisioner_key (organization_id, id)
    )",
    "create unique index uq_provisioner_daemon_name on provisioner_daemon (provisioner_key_id, name)
        where provisioner_key_id is not null",
    "create unique index uq_provisioner_daemon_builtin_name on provisioner_daemon (organization_id, name)
        where provisioner_key_id is null",
    "create index ix_provisioner_daemon_created_at on provisioner_daemon (organization_id, created_at, id)",
    "create index ix_provisioner_daemon_name on provisioner_daemon (organization_id, name, id)",
    // Whose a job is: the owner of the workspace that it builds, else who started it.
    r#"create table provisioner_job (
        id {uuid} not null primary key,
        organization_id {uuid} not null,
        type text not null,
        state text not null,
        tags {json} not null,
        priority integer not null,
        initiator_id {uuid},
        owner_id {uuid} not null,
        provisioner_daemon_id {uuid},
        attempts integer not null,
        token_hash {bytes},
        error_code text,
        error_message text,
        log_bytes bigint not null,
        cancel_requested_at {time},
        started_at {time},
        completed_at {time},
        created_at {time} not null,
        updated_at {time} not null,
        constraint uq_provisioner_job_organization_id unique (organization_id, id),
        constraint fk_provisioner_job_organization foreign key (organization_id) references organization (id),
        constraint fk_provisioner_job_initiator foreign key (initiator_id) references "user" (id),
        constraint fk_provisioner_job_owner foreign key (owner_id) references "user" (id),
        constraint fk_provisioner_job_daemon foreign key (organization_id, provisioner_daemon_id)
            references provisioner_daemon (organization_id, id),
        constraint ck_provisioner_job_type check (type in ('TEMPLATE_IMPORT', 'TEMPLATE_DRY_RUN', 'WORKSPACE_BUILD')),
        constraint ck_provisioner_job_state check
            (state in ('PENDING', 'RUNNING', 'CANCELING', 'SUCCEEDED', 'FAILED', 'CANCELED')),
        constraint ck_provisioner_job_held check
            (state not in ('RUNNING', 'CANCELING') or (token_hash is not null and started_at is not null)),
        constraint ck_provisioner_job_ended check
            ((state in ('SUCCEEDED', 'FAILED', 'CANCELED')) = (completed_at is not null))
    )"#,
    // The queue: what a claim reads, in its order.
    "create index ix_provisioner_job_queue on provisioner_job (organization_id, priority, created_at, id)
        where state = 'PENDING'",
    // What the reaper and the busy/idle answer read.
    "create index ix_provisioner_job_held on provisioner_job (provisioner_daemon_id, updated_at)
        where state in ('RUNNING', 'CANCELING')",
    "create unique index uq_provisioner_job_token_hash on provisioner_job (token_hash) where token_hash is not null",
    "create index ix_provisioner_job_created_at on provisioner_job (organization_id, created_at, id)",
    "create table provisioner_job_log (
        provisioner_job_id {uuid} not null,
        sequence integer not null,
        organization_id {uuid} not null,
        time {time} not null,
        level text not null,
        source text not null,
        stage text not null,
        text text not null,
        primary key (provisioner_job_id, sequence),
        constraint fk_provisioner_job_log_job foreign key (organization_id, provisioner_job_id)
            references provisioner_job (organization_id, id),
        constraint ck_provisioner_job_log_sequence check (sequence > 0)
    )",
];
