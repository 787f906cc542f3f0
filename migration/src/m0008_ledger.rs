//! Quotas, organizations that end, the audit log as people read it.

crate::dialect::migration!("m0008_ledger", up: UP, down: DOWN);

const UP: &[&str] = &[
    "alter table organization add column quota_cap integer
        constraint ck_organization_quota_cap check (quota_cap >= 0)",
    // Why the quota stopped a build: {budget, used, cost, scope}.
    "alter table workspace_build add column quota_refusal {json}",
    // Nothing comes into an organization that is deleted, or that somebody is deleting at the same moment: the deletion
    // locks the row that these triggers share.
    "{postgres}create function organization_lives() returns trigger language plpgsql as $$
        begin
            perform 1 from organization where id = new.organization_id and deleted_at is null for key share;
            if not found then
                raise exception 'the organization is deleted'
                    using errcode = 'check_violation', constraint = 'ck_organization_lives';
            end if;
            return new;
        end
    $$",
    "{postgres}create trigger tr_group_organization_lives before insert on \"group\"
        for each row execute function organization_lives()",
    "{postgres}create trigger tr_organization_member_organization_lives before insert on organization_member
        for each row execute function organization_lives()",
    "{postgres}create trigger tr_provisioner_key_organization_lives before insert on provisioner_key
        for each row execute function organization_lives()",
    "{postgres}create trigger tr_template_organization_lives before insert on template
        for each row execute function organization_lives()",
    "{postgres}create trigger tr_workspace_organization_lives before insert on workspace
        for each row execute function organization_lives()",
    "{sqlite}create trigger tr_group_organization_lives before insert on \"group\"
        when not exists (select 1 from organization where id = new.organization_id and deleted_at is null)
        begin select raise(abort, 'ck_organization_lives'); end",
    "{sqlite}create trigger tr_organization_member_organization_lives before insert on organization_member
        when not exists (select 1 from organization where id = new.organization_id and deleted_at is null)
        begin select raise(abort, 'ck_organization_lives'); end",
    "{sqlite}create trigger tr_provisioner_key_organization_lives before insert on provisioner_key
        when not exists (select 1 from organization where id = new.organization_id and deleted_at is null)
        begin select raise(abort, 'ck_organization_lives'); end",
    "{sqlite}create trigger tr_template_organization_lives before insert on template
        when not exists (select 1 from organization where id = new.organization_id and deleted_at is null)
        begin select raise(abort, 'ck_organization_lives'); end",
    "{sqlite}create trigger tr_workspace_organization_lives before insert on workspace
        when not exists (select 1 from organization where id = new.organization_id and deleted_at is null)
        begin select raise(abort, 'ck_organization_lives'); end",
    // Of which type the thing was (the prefix of its public id), and what was missing where a write was denied.
    "alter table audit_log add column resource_prefix text not null default ''",
    "alter table audit_log add column permission text",
    // What a create with an idempotency key has made, for 24 hours; the input only as a sealed hash.
    "create table idempotency_key (
        actor_id {uuid} not null,
        key text not null,
        operation text not null,
        sealed_input {bytes} not null,
        subjects text not null,
        created_at {time} not null,
        constraint pk_idempotency_key primary key (actor_id, key)
    )",
    // The log is read newest first: of all, of an organization, of an actor, of a thing.
    "drop index ix_audit_log_organization",
    "create index ix_audit_log_time on audit_log (time, id)",
    "create index ix_audit_log_organization on audit_log (organization_id, time, id)",
    "create index ix_audit_log_actor on audit_log (actor_id, time, id)",
    "create index ix_audit_log_resource on audit_log (resource_id, time, id)",
];

const DOWN: &[&str] = &[
    "drop index ix_audit_log_resource",
    "drop index ix_audit_log_actor",
    "drop index ix_audit_log_organization",
    "drop index ix_audit_log_time",
    "create index ix_audit_log_organization on audit_log (organization_id, id)",
    "drop table idempotency_key",
    "alter table audit_log drop column permission",
    "alter table audit_log drop column resource_prefix",
    "{sqlite}drop trigger tr_workspace_organization_lives",
    "{sqlite}drop trigger tr_template_organization_lives",
    "{sqlite}drop trigger tr_provisioner_key_organization_lives",
    "{sqlite}drop trigger tr_organization_member_organization_lives",
    "{sqlite}drop trigger tr_group_organization_lives",
    "{postgres}drop function organization_lives() cascade",
    "alter table workspace_build drop column quota_refusal",
    "alter table organization drop column quota_cap",
];
