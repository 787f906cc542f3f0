//! A daemon that a test starts, and what it leaves in its folder.

use std::fs;
use std::path::Path;
use std::time::Duration;

use guildhall_provisionerd::{Daemon, DaemonError, Settings, Shutdown};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::eventually;
use super::server::FakeServer;

pub(crate) const MODULE: &str = r#"
variable "secret" {
  type      = string
  default   = "none"
  sensitive = true
}
resource "terraform_data" "a" {
  provisioner "local-exec" { command = "for i in $(seq 100); do echo line $i; done" }
}
"#;

/// Runs until the file `go` appears beside `main.tf`; says where it waits.
pub(crate) const WAITS: &str = r#"
variable "secret" {
  type      = string
  default   = "none"
  sensitive = true
}
resource "terraform_data" "first" {}
resource "terraform_data" "slow" {
  depends_on = [terraform_data.first]
  provisioner "local-exec" { command = "echo begun; until test -e go; do test -e main.tf || exit 1; sleep 0.05; done" }
}
"#;

pub(crate) fn start(settings: Settings, shutdown: &Shutdown) -> JoinHandle<Result<(), DaemonError>> {
    tokio::spawn(Daemon::run(settings, shutdown.clone()))
}

/// Ends the daemon and expects it to end well and soon.
pub(crate) async fn stop(daemon: JoinHandle<Result<(), DaemonError>>, shutdown: &Shutdown) {
    shutdown.drain.cancel();
    tokio::time::timeout(Duration::from_secs(20), daemon).await.unwrap().unwrap().unwrap();
}

pub(crate) async fn ended(server: &FakeServer) -> Value {
    eventually("the job ends", async || server.ended()).await
}

pub(crate) async fn begun(server: &FakeServer) {
    eventually("the apply begins", async || server.log().contains("(local-exec): begun").then_some(())).await;
}

pub(crate) fn jobs_dir(work_dir: &Path) -> std::path::PathBuf {
    work_dir.join("tester/jobs")
}

pub(crate) fn leftovers(work_dir: &Path) -> usize {
    fs::read_dir(jobs_dir(work_dir)).unwrap().count()
}

pub(crate) fn let_go(work_dir: &Path) {
    for job in fs::read_dir(jobs_dir(work_dir)).unwrap() {
        fs::write(job.unwrap().path().join("module/go"), "").unwrap();
    }
}

/// Ends the test, said aloud, where no Terraform is installed.
#[macro_export]
macro_rules! needs_terraform {
    ($test:literal) => {
        if $crate::support::terraform($test).await.is_none() {
            return;
        }
    };
}
