//! Lists: every order of every list is an index, and what a list is filtered by is at hand.

crate::dialect::migration!("m0011_lists", up: UP, down: DOWN);

const UP: &[&str] = &[
    r#"alter table "group" add column version integer not null default 1"#,
    // The username stands here too, kept true by the foreign key, so that a page of a group's members sorted by username
    // is one index range, as it is for an organization's. SQLite adds foreign keys to new tables only.
    "create unique index uq_organization_member_user_username
        on organization_member (organization_id, user_id, username)",
    "drop view group_membership",
    "create table group_member_before as select * from group_member",
    "drop table group_member",
    r#"create table group_member (
        organization_id {uuid} not null,
        group_id {uuid} not null,
        user_id {uuid} not null,
        username {name} not null,
        created_at {time} not null,
        primary key (group_id, user_id),
        constraint fk_group_member_group foreign key (organization_id, group_id)
            references "group" (organization_id, id) on delete cascade,
        constraint fk_group_member_member foreign key (organization_id, user_id, username)
            references organization_member (organization_id, user_id, username)
            on delete cascade on update cascade,
        constraint ck_group_member_not_everyone check (group_id <> organization_id)
    )"#,
    "insert into group_member (organization_id, group_id, user_id, username, created_at)
        select g.organization_id, g.group_id, g.user_id, m.username, g.created_at from group_member_before g
        join organization_member m on m.organization_id = g.organization_id and m.user_id = g.user_id",
    "drop table group_member_before",
    "create index ix_group_member_user on group_member (organization_id, user_id)",
    "create index ix_group_member_username on group_member (group_id, username)",
    "create index ix_group_member_created_at on group_member (group_id, created_at, user_id)",
    // The groups of an actor, in whatever organization: what an access list is asked with.
    "create index ix_group_member_groups on group_member (user_id, group_id)",
    "create view group_membership as
        select organization_id, group_id, user_id, username, created_at from group_member
        union all
        select organization_id, organization_id as group_id, user_id, username, created_at from organization_member",
    "create index ix_workspace_owner_name on workspace (owner_id, name, id) where deleted_at is null",
    "create index ix_workspace_template_name on workspace (template_id, name, id) where deleted_at is null",
    "create index ix_provisioner_job_state on provisioner_job (organization_id, state, created_at, id)",
    "create index ix_provisioner_job_owner on provisioner_job (organization_id, owner_id, created_at, id)",
];

const DOWN: &[&str] = &[
    "drop index ix_provisioner_job_owner",
    "drop index ix_provisioner_job_state",
    "drop index ix_workspace_template_name",
    "drop index ix_workspace_owner_name",
    "drop view group_membership",
    "create table group_member_before as select * from group_member",
    "drop table group_member",
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
    "insert into group_member (organization_id, group_id, user_id, created_at)
        select organization_id, group_id, user_id, created_at from group_member_before",
    "drop table group_member_before",
    "create index ix_group_member_user on group_member (organization_id, user_id)",
    "create view group_membership as
        select organization_id, group_id, user_id, created_at from group_member
        union all
        select organization_id, organization_id as group_id, user_id, created_at from organization_member",
    "drop index uq_organization_member_user_username",
    r#"alter table "group" drop column version"#,
];
