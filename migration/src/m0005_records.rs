//! The audit log and the outbox of events. Both are written in the transaction of the change they tell of.

crate::dialect::migration!("m0005_records", up: UP, down: &["drop table event", "drop table audit_log"]);

const UP: &[&str] = &[
    // No foreign keys: a record outlives what it tells of.
    "create table audit_log (
        id {uuid} not null primary key,
        time {time} not null,
        actor_kind text not null,
        actor_id {uuid},
        actor_name text not null,
        organization_id {uuid},
        action text not null,
        resource text not null,
        resource_id {uuid},
        resource_name text not null,
        diff {json} not null,
        status text not null,
        request_id text not null,
        ip text not null
    )",
    "create index ix_audit_log_organization on audit_log (organization_id, id)",
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
