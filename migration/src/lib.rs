//! Reversible migrations for SQLite and PostgreSQL.
//!
//! The statements are plain SQL, written once: `dialect` replaces the few type names in which the two databases
//! differ. Every tenant row carries `organization_id`, and foreign keys between tenant rows are composite
//! `(organization_id, id)`, so that a row of one organization can't be attached to a row of another even by a bug.
//! Constraints are named: the server maps their names to typed errors.

mod dialect;
mod m0001_people;
mod m0002_provisioning;
mod m0003_templates;
mod m0004_workspaces;
mod m0005_records;
mod m0006_attempts;
mod m0008_ledger;
mod m0009_accounts;
mod m0010_roles;
mod m0011_lists;
mod m0012_live;
mod m0013_templates;
mod m0014_schedules;
mod m0015_provisioners;
mod m0016_ephemeral_values;
mod m0017_access_lists;
mod m0018_filters;
mod m0019_folded_texts;
mod m0020_lists;
mod m0021_group_members;
mod m0022_standing;
mod m0023_kinds;
mod m0024_texts;
mod m0025_signing_off;

pub use m0024_texts::index_texts;

pub use sea_orm_migration::prelude::{MigrationTrait, MigratorTrait};

/// The list of migrations, oldest first.
#[derive(Debug)]
pub struct Migrator;

#[sea_orm_migration::async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_people::Migration),
            Box::new(m0002_provisioning::Migration),
            Box::new(m0003_templates::Migration),
            Box::new(m0004_workspaces::Migration),
            Box::new(m0005_records::Migration),
            Box::new(m0006_attempts::Migration),
            Box::new(m0008_ledger::Migration),
            Box::new(m0009_accounts::Migration),
            Box::new(m0010_roles::Migration),
            Box::new(m0011_lists::Migration),
            Box::new(m0012_live::Migration),
            Box::new(m0013_templates::Migration),
            Box::new(m0014_schedules::Migration),
            Box::new(m0015_provisioners::Migration),
            Box::new(m0016_ephemeral_values::Migration),
            Box::new(m0017_access_lists::Migration),
            Box::new(m0018_filters::Migration),
            Box::new(m0019_folded_texts::Migration),
            Box::new(m0020_lists::Migration),
            Box::new(m0021_group_members::Migration),
            Box::new(m0022_standing::Migration),
            Box::new(m0023_kinds::Migration),
            Box::new(m0024_texts::Migration),
            Box::new(m0025_signing_off::Migration),
        ]
    }
}
