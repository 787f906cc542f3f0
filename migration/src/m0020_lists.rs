//! Templates of all organizations in one list, and versions of what two people may change at once.

crate::dialect::migration!("m0020_lists", up: UP, down: DOWN);

const UP: &[&str] = &[
    "create index ix_template_name_all on template (name, id) where deleted_at is null",
    "create index ix_template_created_at_all on template (created_at, id) where deleted_at is null",
    "alter table provisioner_key add column version integer not null default 1",
    "alter table template_version add column version integer not null default 1",
];

const DOWN: &[&str] = &[
    "alter table template_version drop column version",
    "alter table provisioner_key drop column version",
    "drop index ix_template_created_at_all",
    "drop index ix_template_name_all",
];
