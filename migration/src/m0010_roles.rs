//! Custom roles: permissions under a name that an organization gives them.

crate::dialect::migration!("m0010_roles", up: UP, down: DOWN);

const UP: &[&str] = &[
    // Members hold roles by name (`organization_member.roles`), so a role keeps its name.
    r#"create table role (
        id {uuid} not null primary key,
        organization_id {uuid} not null,
        name {name} not null,
        display_name text not null,
        description text not null,
        permissions {json} not null,
        version integer not null,
        created_at {time} not null,
        updated_at {time} not null,
        constraint uq_role_name unique (organization_id, name),
        constraint fk_role_organization foreign key (organization_id) references organization (id),
        constraint ck_role_name check (name = lower(name) and length(name) between 1 and 32)
    )"#,
    "{postgres}create trigger tr_role_organization_lives before insert on role
        for each row execute function organization_lives()",
    "{sqlite}create trigger tr_role_organization_lives before insert on role
        when not exists (select 1 from organization where id = new.organization_id and deleted_at is null)
        begin select raise(abort, 'ck_organization_lives'); end",
];

const DOWN: &[&str] = &["drop table role"];
