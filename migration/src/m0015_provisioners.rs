//! Keys that are rotated, a fair queue, and jobs that may be taken again.

crate::dialect::migration!("m0015_provisioners", up: UP, down: DOWN);

const UP: &[&str] = &[
    // The secret before the last rotation, and until when it is still accepted.
    "alter table provisioner_key add column previous_secret_hash {bytes}",
    "alter table provisioner_key add column previous_expires_at {time}
        constraint ck_provisioner_key_previous
            check ((previous_secret_hash is null) = (previous_expires_at is null))",
    "create unique index uq_provisioner_key_previous_secret_hash on provisioner_key (previous_secret_hash)
        where previous_secret_hash is not null",
    // The place of a job in the round of its queue (organization, tags, priority): in each round everybody has one turn.
    "alter table provisioner_job add column turn integer not null default 0",
    // Since when something of a build may have been applied: from then on nobody else takes it again.
    "alter table provisioner_job add column applying_at {time}",
    "drop index ix_provisioner_job_queue",
    "create index ix_provisioner_job_queue on provisioner_job (organization_id, priority, turn, created_at, id)
        where state = 'PENDING'",
    // What a new job reads to find its turn: the round that its queue is at, and where its initiator stands.
    "create index ix_provisioner_job_round on provisioner_job (organization_id, tags, priority, turn)
        where state = 'PENDING'",
    "create index ix_provisioner_job_initiator on provisioner_job
        (organization_id, (coalesce(initiator_id, owner_id)), turn)
        where state in ('PENDING', 'RUNNING', 'CANCELING')",
    // The jobs that a daemon had, newest first, and what has ended lately.
    "create index ix_provisioner_job_daemon on provisioner_job (provisioner_daemon_id, started_at, id)
        where provisioner_daemon_id is not null",
    "create index ix_provisioner_job_completed_at on provisioner_job (organization_id, completed_at)
        where completed_at is not null",
];

const DOWN: &[&str] = &[
    "drop index ix_provisioner_job_completed_at",
    "drop index ix_provisioner_job_daemon",
    "drop index ix_provisioner_job_initiator",
    "drop index ix_provisioner_job_round",
    "drop index ix_provisioner_job_queue",
    "create index ix_provisioner_job_queue on provisioner_job (organization_id, priority, created_at, id)
        where state = 'PENDING'",
    "alter table provisioner_job drop column applying_at",
    "alter table provisioner_job drop column turn",
    "drop index uq_provisioner_key_previous_secret_hash",
    "alter table provisioner_key drop column previous_expires_at",
    "alter table provisioner_key drop column previous_secret_hash",
];
