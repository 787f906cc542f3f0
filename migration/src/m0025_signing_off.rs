//! A daemon that ends says so, and counts as offline from then on, not only once it has been silent for long.

crate::dialect::migration!("m0025_signing_off", up: UP, down: DOWN);

const UP: &[&str] = &["alter table provisioner_daemon add column signed_off boolean not null default false"];

const DOWN: &[&str] = &["alter table provisioner_daemon drop column signed_off"];
