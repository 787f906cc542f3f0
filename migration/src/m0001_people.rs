//! Organizations, users, memberships, groups and sessions.

crate::dialect::migration!("m0001_people", up: UP, down: &[
    "drop view group_membership",
    "drop table session",
    "drop table group_member",
    r#"drop table "group""#,
    "drop table organization_member",
    r#"drop table "user""#,
    "drop table organization",
]);

const UP: &[&str] = &[
    "create table organization (
        id {uuid} not null primary key,
        name {name} not null,
        display_name text not null,
        description text not null,
        icon text not null,
        is_default boolean not null,
        version integer not null,
        created_at {time} not null,
        updated_at {time} not null,
        deleted_at {time},
        constraint ck_organization_name check (name = lower(name) and length(name) between 1 and 32),
        constraint ck_organization_default_lives check (not (is_default and deleted_at is not null))
    )",
    "create unique index uq_organization_name on organization (name) where deleted_at is null",
    "create unique index uq_organization_default on organization (is_default) where is_default",
    "create index ix_organization_created_at on organization (created_at, id) where deleted_at is null",
    r#"create table "user" (
        id {uuid} not null primary key,
        username {name} not null,
        email text not null,
        name text not null,
        avatar_url text not null,
        status text not null,
        login_type text not null,
        password_hash text,
        site_roles {json} not null,
        is_service_account boolean not null,
        last_seen_at {time},
        version integer not null,
        created_at {time} not null,
        updated_at {time} not null,
        deleted_at {time},
        constraint uq_user_id_username unique (id, username),
        constraint ck_user_username check (username = lower(username) and length(username) between 1 and 32),
        constraint ck_user_status check (status in ('ACTIVE', 'DORMANT', 'SUSPENDED')),
        constraint ck_user_login_type check (login_type in ('PASSWORD', 'OIDC', 'NONE'))
    )"#,
    r#"create unique index uq_user_username on "user" (username) where deleted_at is null"#,
    r#"create unique index uq_user_email on "user" (lower(email)) where deleted_at is null and email <> ''"#,
    r#"create index ix_user_created_at on "user" (created_at, id) where deleted_at is null"#,
    // The username stands here too, kept true by the foreign key, so that a page of members sorted by username is
    // one index range.
    r#"create table organization_member (
        organization_id {uuid} not null,
        user_id {uuid} not null,
        username {name} not null,
        roles {json} not null,
        created_at {time} not null,
        updated_at {time} not null,
        primary key (organization_id, user_id),
        constraint fk_organization_member_organization foreign key (organization_id) references organization (id),
        constraint fk_organization_member_user foreign key (user_id, username)
            references "user" (id, username) on update cascade
    )"#,
    "create index ix_organization_member_user on organization_member (user_id)",
    "create unique index uq_organization_member_username on organization_member (organization_id, username)",
    "create index ix_organization_member_created_at on organization_member (organization_id, created_at, user_id)",
    // The Everyone group has its organization's id, so it exists once and can't be confused with another group.
    r#"create table "group" (
        id {uuid} not null primary key,
        organization_id {uuid} not null,
        name {name} not null,
        display_name text not null,
        avatar_url text not null,
        quota_allowance integer not null,
        source text not null,
        created_at {time} not null,
        updated_at {time} not null,
        constraint uq_group_organization_id unique (organization_id, id),
        constraint uq_group_name unique (organization_id, name),
        constraint fk_group_organization foreign key (organization_id) references organization (id),
        constraint ck_group_name check (name = lower(name) and length(name) between 1 and 32),
        constraint ck_group_quota_allowance check (quota_allowance >= 0),
        constraint ck_group_source check (source in ('USER', 'OIDC', 'SCIM'))
    )"#,
    r#"create index ix_group_created_at on "group" (organization_id, created_at, id)"#,
    r#"create table group_member (
        organization_id {uuid} not null,
        group_id {uuid} not null,
        user_id {uuid} not null,
        created_at {time} not null,
        primary key (group_id, user_id),
        constraint fk_group_member_group foreign key (organization_id, group_id)
            references "group" (organization_id, id) on delete cascade,
        constraint fk_group_member_member foreign key (organization_id, user_id)
            references organization_member (organization_id, user_id) on delete cascade,
        constraint ck_group_member_not_everyone check (group_id <> organization_id)
    )"#,
    "create index ix_group_member_user on group_member (organization_id, user_id)",
    // Membership of Everyone is derived: its members are the organization's.
    "create view group_membership as
        select organization_id, group_id, user_id, created_at from group_member
        union all
        select organization_id, organization_id as group_id, user_id, created_at from organization_member",
    r#"create table session (
        id {uuid} not null primary key,
        user_id {uuid} not null,
        ip text not null,
        user_agent text not null,
        created_at {time} not null,
        last_used_at {time} not null,
        expires_at {time} not null,
        constraint fk_session_user foreign key (user_id) references "user" (id) on delete cascade
    )"#,
    "create index ix_session_user on session (user_id)",
];
