//! The provisioner daemon: a client of the public API that runs Terraform.

mod backoff;
pub mod engine;
