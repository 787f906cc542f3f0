//! One test binary: everything goes through the real router, the real policy and real databases.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says aloud what it skips"
)]

mod access;
mod administering;
mod api_tokens;
mod audit;
mod budget;
mod chaos;
mod claims;
mod connections;
mod contract;
mod crash;
mod custom_roles;
mod departures;
mod docs;
mod doctor;
mod explain;
mod explain_policy;
mod files;
mod following;
mod groups;
mod guide;
mod hostile;
mod idempotency;
mod isolation;
mod layering;
mod live;
mod migrations;
mod names;
mod observing;
mod organizations;
mod pages;
mod plans;
mod policy;
mod provisioners;
mod quotas;
mod races;
mod roles;
mod scheduler;
mod sealing;
mod searches;
mod serving;
mod sessions;
mod sign_ins;
mod state;
mod statements;
mod support;
mod template_access;
mod templates;
mod terminal;
mod users;
mod visibility;
mod workspaces;
mod writes;
