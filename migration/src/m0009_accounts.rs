//! Accounts that end, and tokens that programs carry.

crate::dialect::migration!("m0009_accounts", up: UP, down: DOWN);

const UP: &[&str] = &[
    // What a token may do is what its user may do, less what `scopes` (null: nothing less) and the organization leave out.
    r#"create table api_token (
        id {uuid} not null primary key,
        user_id {uuid} not null,
        name {name} not null,
        secret_hash {bytes} not null,
        scopes {json},
        organization_id {uuid},
        created_by {uuid} not null,
        created_at {time} not null,
        last_used_at {time},
        expires_at {time} not null,
        constraint uq_api_token_name unique (user_id, name),
        constraint uq_api_token_secret_hash unique (secret_hash),
        constraint fk_api_token_user foreign key (user_id) references "user" (id) on delete cascade,
        constraint fk_api_token_created_by foreign key (created_by) references "user" (id),
        constraint fk_api_token_organization foreign key (organization_id) references organization (id),
        constraint ck_api_token_name check (name = lower(name) and length(name) between 1 and 32)
    )"#,
    "create index ix_api_token_user on api_token (user_id, created_at, id)",
    // A person's sessions are listed by when they began.
    "drop index ix_session_user",
    "create index ix_session_user on session (user_id, created_at, id)",
    // Who was never seen counts as seen when they were made, so that the order by it has no gaps.
    r#"{postgres}alter table "user" add column seen_at timestamptz
        generated always as (coalesce(last_seen_at, created_at)) stored"#,
    r#"{sqlite}alter table "user" add column seen_at timestamp_with_timezone_text
        generated always as (coalesce(last_seen_at, created_at)) virtual"#,
    r#"create index ix_user_seen_at on "user" (seen_at, id) where deleted_at is null"#,
    // Nothing is given to somebody who is deleted, or whom somebody is deleting at the same moment: the deletion locks the
    // row that these triggers share.
    r#"{postgres}create function user_lives() returns trigger language plpgsql as $$
        begin
            perform 1 from "user"
                where id = (to_jsonb(new) ->> tg_argv[0])::uuid and deleted_at is null for key share;
            if not found then
                raise exception 'the user is deleted'
                    using errcode = 'check_violation', constraint = 'ck_user_lives';
            end if;
            return new;
        end
    $$"#,
    "{postgres}create trigger tr_workspace_owner_lives before insert or update of owner_id on workspace
        for each row execute function user_lives('owner_id')",
    "{postgres}create trigger tr_organization_member_user_lives before insert on organization_member
        for each row execute function user_lives('user_id')",
    "{postgres}create trigger tr_session_user_lives before insert on session
        for each row execute function user_lives('user_id')",
    "{postgres}create trigger tr_api_token_user_lives before insert on api_token
        for each row execute function user_lives('user_id')",
    r#"{sqlite}create trigger tr_workspace_owner_lives before insert on workspace
        when not exists (select 1 from "user" where id = new.owner_id and deleted_at is null)
        begin select raise(abort, 'ck_user_lives'); end"#,
    r#"{sqlite}create trigger tr_workspace_new_owner_lives before update of owner_id on workspace
        when not exists (select 1 from "user" where id = new.owner_id and deleted_at is null)
        begin select raise(abort, 'ck_user_lives'); end"#,
    r#"{sqlite}create trigger tr_organization_member_user_lives before insert on organization_member
        when not exists (select 1 from "user" where id = new.user_id and deleted_at is null)
        begin select raise(abort, 'ck_user_lives'); end"#,
    r#"{sqlite}create trigger tr_session_user_lives before insert on session
        when not exists (select 1 from "user" where id = new.user_id and deleted_at is null)
        begin select raise(abort, 'ck_user_lives'); end"#,
    r#"{sqlite}create trigger tr_api_token_user_lives before insert on api_token
        when not exists (select 1 from "user" where id = new.user_id and deleted_at is null)
        begin select raise(abort, 'ck_user_lives'); end"#,
];

const DOWN: &[&str] = &[
    "{sqlite}drop trigger tr_api_token_user_lives",
    "{sqlite}drop trigger tr_session_user_lives",
    "{sqlite}drop trigger tr_organization_member_user_lives",
    "{sqlite}drop trigger tr_workspace_new_owner_lives",
    "{sqlite}drop trigger tr_workspace_owner_lives",
    "{postgres}drop function user_lives() cascade",
    "drop index ix_user_seen_at",
    r#"alter table "user" drop column seen_at"#,
    "drop index ix_session_user",
    "create index ix_session_user on session (user_id)",
    "drop table api_token",
];
