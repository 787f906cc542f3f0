//! Guildhall: a GraphQL control plane for developer platforms.
//!
//! `docs/ARCHITECTURE.md` is the map of the house.

pub mod audit;
pub mod authn;
pub mod authz;
pub mod clock;
pub mod db;
mod dispatch;
pub mod error;
pub mod events;
pub mod graphql;
mod group;
mod member;
pub mod name;
mod organization;
mod provisioner;
mod role;
pub mod seal;
mod template;
mod user;
mod workspace;
