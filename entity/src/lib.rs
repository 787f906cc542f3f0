//! The tables of Guildhall as SeaORM entities, and its typed public ids. No GraphQL and no rules in here.

pub mod id;
pub mod json;
pub mod kind;
mod typeid;

pub mod api_token;
pub mod audit_log;
pub mod event;
pub mod event_pending;
pub mod file;
pub mod file_chunk;
pub mod file_content;
pub mod group;
pub mod group_member;
pub mod lease;
pub mod organization;
pub mod organization_member;
pub mod outbox;
pub mod provisioner_daemon;
pub mod provisioner_job;
pub mod provisioner_job_log;
pub mod provisioner_key;
pub mod role;
pub mod session;
pub mod sign_in_attempt;
pub mod template;
pub mod template_acl;
pub mod template_dry_run;
pub mod template_version;
pub mod terraform_state;
pub mod terraform_state_lock;
pub mod text;
pub mod user;
pub mod workspace;
pub mod workspace_build;
pub mod workspace_favorite;
pub mod workspace_restart;
