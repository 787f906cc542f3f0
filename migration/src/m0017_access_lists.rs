//! Access lists of templates: their order is an index, as every list's is.

crate::dialect::migration!("m0017_access_lists", up: UP, down: DOWN);

const UP: &[&str] = &["create index ix_template_acl_oldest on template_acl (template_id, id)"];

const DOWN: &[&str] = &["drop index ix_template_acl_oldest"];
