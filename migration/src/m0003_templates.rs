//! Files, templates, their versions and who may use them.

crate::dialect::migration!("m0003_templates", up: UP, down: &[
    "{postgres} alter table template drop constraint fk_template_active_version",
    "{sqlite} update template set active_version_id = null",
    "drop table template_acl",
    "drop table template_version",
    "drop table template",
    "drop table file",
    "drop table file_chunk",
    "drop table file_content",
]);

const UP: &[&str] = &[
    // Content is kept once by its SHA-256, in chunks so that it streams; a `file` is somebody's handle on it.
    "create table file_content (
        sha256 {bytes} not null primary key,
        size bigint not null,
        created_at {time} not null,
        constraint ck_file_content_size check (size > 0)
    )",
    "create table file_chunk (
        sha256 {bytes} not null,
        number integer not null,
        bytes {bytes} not null,
        primary key (sha256, number),
        constraint fk_file_chunk_content foreign key (sha256) references file_content (sha256) on delete cascade
    )",
    r#"create table file (
        id {uuid} not null primary key,
        sha256 {bytes} not null,
        mimetype text not null,
        size bigint not null,
        created_by {uuid} not null,
        created_at {time} not null,
        constraint uq_file_content unique (created_by, sha256),
        constraint fk_file_content foreign key (sha256) references file_content (sha256),
        constraint fk_file_created_by foreign key (created_by) references "user" (id)
    )"#,
    // The active version is a version of this very template: the foreign key says so.
    r#"create table template (
        id {uuid} not null primary key,
        organization_id {uuid} not null,
        name {name} not null,
        display_name text not null,
        description text not null,
        icon text not null,
        active_version_id {uuid},
        deprecation_message text not null,
        created_by {uuid} not null,
        version integer not null,
        created_at {time} not null,
        updated_at {time} not null,
        deleted_at {time},
        constraint uq_template_organization_id unique (organization_id, id),
        constraint fk_template_organization foreign key (organization_id) references organization (id),
        constraint fk_template_created_by foreign key (created_by) references "user" (id),
        constraint ck_template_name check (name = lower(name) and length(name) between 1 and 32){active_version}
    )"#,
    "create unique index uq_template_name on template (organization_id, name) where deleted_at is null",
    "create index ix_template_created_at on template (organization_id, created_at, id) where deleted_at is null",
    r#"create table template_version (
        id {uuid} not null primary key,
        organization_id {uuid} not null,
        template_id {uuid} not null,
        name {name} not null,
        message text not null,
        readme text not null,
        file_id {uuid} not null,
        provisioner_job_id {uuid} not null,
        variables {json} not null,
        promote_on_success boolean not null,
        archived boolean not null,
        created_by {uuid} not null,
        created_at {time} not null,
        updated_at {time} not null,
        constraint uq_template_version_organization_id unique (organization_id, id),
        constraint uq_template_version_template unique (organization_id, template_id, id),
        constraint uq_template_version_name unique (template_id, name),
        constraint uq_template_version_job unique (organization_id, provisioner_job_id),
        constraint fk_template_version_template foreign key (organization_id, template_id)
            references template (organization_id, id),
        constraint fk_template_version_file foreign key (file_id) references file (id),
        constraint fk_template_version_job foreign key (organization_id, provisioner_job_id)
            references provisioner_job (organization_id, id),
        constraint fk_template_version_created_by foreign key (created_by) references "user" (id)
    )"#,
    "create index ix_template_version_created_at on template_version (template_id, created_at, id)",
    "create index ix_template_version_file on template_version (file_id)",
    "{postgres} alter table template add constraint fk_template_active_version
        foreign key (organization_id, id, active_version_id)
        references template_version (organization_id, template_id, id)",
    // A subject is a user or a group of the template's own organization, never both.
    r#"create table template_acl (
        id {uuid} not null primary key,
        organization_id {uuid} not null,
        template_id {uuid} not null,
        user_id {uuid},
        group_id {uuid},
        role text not null,
        created_at {time} not null,
        constraint uq_template_acl_user unique (template_id, user_id),
        constraint uq_template_acl_group unique (template_id, group_id),
        constraint fk_template_acl_template foreign key (organization_id, template_id)
            references template (organization_id, id),
        constraint fk_template_acl_user foreign key (organization_id, user_id)
            references organization_member (organization_id, user_id) on delete cascade,
        constraint fk_template_acl_group foreign key (organization_id, group_id)
            references "group" (organization_id, id) on delete cascade,
        constraint ck_template_acl_subject check ((user_id is null) <> (group_id is null)),
        constraint ck_template_acl_role check (role in ('USE', 'ADMIN'))
    )"#,
    "create index ix_template_acl_group on template_acl (group_id)",
    "create index ix_template_acl_user on template_acl (user_id)",
];
