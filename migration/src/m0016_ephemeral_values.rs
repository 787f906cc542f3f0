//! Values for one build alone stand apart, so that its end can erase them.

crate::dialect::migration!("m0016_ephemeral_values", up: UP, down: DOWN);

const UP: &[&str] = &[
    "alter table workspace_build add column ephemeral_parameters {bytes}",
    "alter table workspace_restart add column ephemeral_parameters {bytes}",
];

const DOWN: &[&str] = &[
    "alter table workspace_restart drop column ephemeral_parameters",
    "alter table workspace_build drop column ephemeral_parameters",
];
