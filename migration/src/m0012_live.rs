//! The outbox: what happened, in an order that a reader can rely on.
//!
//! A sequence that is drawn inside the transactions themselves becomes visible out of order on PostgreSQL: 7 may commit
//! before 6, and whoever has read 7 never sees 6. So a transaction leaves its events in `event_pending`, and whoever holds
//! the one row of `outbox` moves what is committed to `event` and numbers it there, without holes.

crate::dialect::migration!("m0012_live", up: UP, down: DOWN);

const UP: &[&str] = &[
    // Nobody could read it so far.
    "drop index ix_event_subject",
    "drop table event",
    "create table event_pending (
        id {sequence},
        time {time} not null,
        organization_id {uuid},
        kind text,
        resource text not null,
        subject_prefix text not null,
        subject_id {uuid},
        parent_id {uuid},
        audit_log_id {uuid}
    )",
    // No foreign keys: a record outlives what it tells of. `kind` is null where nothing changed but the audit log.
    "create table event (
        sequence bigint not null primary key,
        time {time} not null,
        organization_id {uuid},
        kind text,
        resource text not null,
        subject_prefix text not null,
        subject_id {uuid},
        parent_id {uuid},
        audit_log_id {uuid}
    )",
    // A resumed subscription reads on from its place: of an organization, or of a kind of thing.
    "create index ix_event_organization on event (organization_id, sequence)",
    "create index ix_event_subject_prefix on event (subject_prefix, sequence)",
    "create index ix_event_time on event (time)",
    "create table outbox (
        id integer not null primary key constraint ck_outbox_single check (id = 1),
        last_sequence bigint not null,
        forgotten_through bigint not null
    )",
    "insert into outbox (id, last_sequence, forgotten_through) values (1, 0, 0)",
    // Going offline is no write of the daemon's: the reaper notices it, and tells it once.
    "alter table provisioner_daemon add column told_offline boolean not null default false",
];

const DOWN: &[&str] = &[
    "alter table provisioner_daemon drop column told_offline",
    "drop table outbox",
    "drop table event",
    "drop table event_pending",
    "create table event (
        sequence {sequence},
        time {time} not null,
        organization_id {uuid},
        kind text not null,
        subject_id {uuid} not null,
        parent_id {uuid}
    )",
    "create index ix_event_subject on event (subject_id, sequence)",
];
