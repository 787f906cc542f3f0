//! Guildhall: a GraphQL control plane for developer platforms.
//!
//! `docs/ARCHITECTURE.md` is the map of the house.

mod account;
pub mod app;
pub mod audit;
mod audit_log;
pub mod authn;
pub mod authz;
pub mod clock;
pub mod commands;
pub mod config;
mod credits;
pub mod db;
pub mod demo;
mod departure;
mod dispatch;
pub mod doctor;
pub mod error;
pub mod events;
mod explain;
pub mod graphql;
mod group;
pub mod http;
pub mod keys;
mod live;
mod member;
pub mod name;
mod organization;
mod provisioner;
mod quota;
mod role;
pub mod seal;
pub mod telemetry;
mod template;
mod trace;
mod user;
mod workspace;
