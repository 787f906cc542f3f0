//! The engine with the Terraform of this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::support::{Job, StateServer, eventually, task};
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use guildhall_provisionerd::engine::Engine;
use guildhall_provisionerd::engine::terraform::{ERRORED_STATE, RescueError, rescue};
use guildhall_provisionerd::engine::{EngineError, PlanGate, Refusal, Stage, Terraform, Transition};
use serde_json::json;

const MODULE: &str = r#"
variable "region" {
  type    = string
  default = "eu"
  validation {
    condition     = contains(["eu", "us"], var.region)
    error_message = "Region must be eu or us."
  }
}
variable "sizes" {
  type    = list(number)
  default = [1]
}
variable "password" {
  type      = string
  default   = "default-password"
  sensitive = true
}
variable "workspace" {
  type = object({ id = string, name = string, transition = string, owner = string, organization = string })
}
locals { running = var.workspace.transition == "start" ? 1 : 0 }
resource "terraform_data" "disk" {
  input = { region = var.region, sizes = var.sizes, owner = var.workspace.owner }
}
resource "terraform_data" "machine" {
  count = local.running
  provisioner "local-exec" {
    command = "echo environment: $(env | cut -d= -f1 | sort | tr '\\n' ' '); echo $${TF_HTTP_PASSWORD}; ls -a \"$HOME\""
  }
}
output "apps" { value = [{ name = "IDE", url = "http://localhost/${var.workspace.name}", icon = "" }] }
output "metadata" { value = { region = var.region } }
output "daily_cost" { value = local.running == 1 ? 5 : 1 }
"#;

fn open_gate() -> PlanGate {
    Box::new(|_| async { Ok(()) }.boxed())
}

macro_rules! terraform_or_skip {
    ($test:literal) => {
        match crate::support::terraform($test).await {
            Some(found) => Engine::Terraform(found),
            None => return,
        }
    };
}

#[tokio::test]
async fn imports_a_module() {
    let engine = terraform_or_skip!("imports_a_module");
    let mut job = Job::new(MODULE);
    fs::write(job.module.join("README.md"), "# A template\n").unwrap();
    // A backend of its own is neither contacted nor in the way.
    fs::write(job.module.join("backend.tf"), "terraform {\n  backend \"s3\" {\n    bucket = \"b\"\n  }\n}\n")
        .unwrap();
    let outcome = engine.import(&job.module, &job.run).await.unwrap();
    let names = outcome.variables.iter().map(|variable| variable.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names, ["region", "sizes", "password"]);
    assert_eq!(outcome.readme, "# A template\n");
    let log = job.log();
    assert!(log.contains("Info Plan Plan: 2 to add"), "{log}");
}

#[tokio::test]
async fn an_import_without_every_default_is_not_planned() {
    let engine = terraform_or_skip!("an_import_without_every_default_is_not_planned");
    let mut job = Job::new("variable \"key\" {\n  type = string\n}\n");
    engine.import(&job.module, &job.run).await.unwrap();
    let log = job.log();
    assert!(log.contains("Info Plan The plan is left out: key has no default."), "{log}");
}

#[tokio::test]
async fn an_import_fails_where_terraform_finds_fault() {
    let engine = terraform_or_skip!("an_import_fails_where_terraform_finds_fault");
    for (module, stage, reason) in [
        (
            "resource \"terraform_data\" \"a\" {\n  inputt = 1\n}\n",
            Stage::Validate,
            "Unsupported argument (main.tf:2)",
        ),
        ("resource \"terraform_data\" \"a\" {\n  input = var.missing\n}\n", Stage::Validate, "undeclared"),
        ("module \"m\" {\n  source = \"./missing\"\n}\n", Stage::Init, "Unreadable module directory"),
        (
            "variable \"a\" {\n  default = 1\n  validation {\n    condition = var.a > 1\n    error_message = \"Too small.\"\n  }\n}\n",
            Stage::Plan,
            "Invalid value for variable (main.tf:1): Too small.",
        ),
    ] {
        let mut job = Job::new(module);
        let error = engine.import(&job.module, &job.run).await.unwrap_err();
        let EngineError::Step { stage: at, message } = &error else { panic!("{error}") };
        assert_eq!(*at, stage, "{error}");
        assert!(message.contains(reason), "{message}");
        let log = job.log();
        assert!(log.contains(&format!("Error {stage} Error: ")), "{log}");
    }
}

#[tokio::test]
async fn builds_start_stop_delete() {
    let engine = terraform_or_skip!("builds_start_stop_delete");
    let server = StateServer::start().await;
    let costs = Arc::new(Mutex::new(Vec::new()));
    let gate: PlanGate = Box::new({
        let costs = Arc::clone(&costs);
        move |cost| {
            costs.lock().unwrap().push(cost);
            async { Ok(()) }.boxed()
        }
    });
    let parameters = [("region", "us"), ("sizes", "[1, 2]"), ("password", "s3cr3t-value"), ("gone", "1")];

    let mut job = Job::new(MODULE);
    let start = task(Transition::Start, &parameters, &server);
    let outcome = engine.build(&start, &job.module, &job.run, &gate).await.unwrap();
    let addresses = outcome.resources.iter().map(|r| r.address.as_str()).collect::<Vec<_>>();
    assert_eq!(addresses, ["terraform_data.disk", "terraform_data.machine[0]"]);
    assert_eq!((outcome.apps[0].url.as_str(), outcome.daily_cost), ("http://localhost/dev", 5));
    assert_eq!(outcome.metadata, [("region".to_owned(), "us".to_owned())]);
    let state = server.state().unwrap().to_string();
    assert!(state.contains("\"sizes\":[1,2]") && state.contains("\"owner\":\"ada\""), "{state}");
    assert!(!server.is_locked());
    let log = job.log();
    assert!(!log.contains(crate::support::TOKEN), "the job's token is masked");
    assert!(log.contains("Warn Setup This version declares no variable `gone`"), "{log}");
    let environment = log.lines().find(|line| line.contains("(local-exec): environment:")).unwrap();
    for name in ["HOME", "PATH", "TMPDIR", "TF_HTTP_PASSWORD"] {
        assert!(environment.contains(name), "{environment}");
    }
    assert!(!environment.contains("CARGO") && !environment.contains(" USER "), "{environment}");
    let mode = fs::metadata(job.module.join("~guildhall.auto.tfvars.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let job = Job::new(MODULE);
    let stop = task(Transition::Stop, &parameters, &server);
    let outcome = engine.build(&stop, &job.module, &job.run, &gate).await.unwrap();
    assert_eq!(outcome.resources.len(), 1);
    assert_eq!(outcome.daily_cost, 1);

    let job = Job::new(MODULE);
    let delete = task(Transition::Delete, &parameters, &server);
    let outcome = engine.build(&delete, &job.module, &job.run, &gate).await.unwrap();
    assert_eq!(outcome.resources, []);
    assert_eq!(server.addresses(), [""; 0]);
    assert_eq!(*costs.lock().unwrap(), [Some(5), Some(1), Some(0)]);
}

#[tokio::test]
async fn a_value_that_does_not_fit_is_named() {
    let engine = terraform_or_skip!("a_value_that_does_not_fit_is_named");
    let server = StateServer::start().await;
    let mut job = Job::new(MODULE);
    let build = task(Transition::Start, &[("sizes", "two")], &server);
    let error = engine.build(&build, &job.module, &job.run, &open_gate()).await.unwrap_err();
    assert_eq!(error.code(), "INVALID_PARAMETER");
    assert!(error.to_string().starts_with("parameter `sizes`: expected a JSON list"), "{error}");

    let build = task(Transition::Start, &[("region", "mars")], &server);
    let error = engine.build(&build, &job.module, &job.run, &open_gate()).await.unwrap_err();
    let expected = "Plan failed: Invalid value for variable (var.region): Region must be eu or us.";
    assert_eq!(error.to_string(), expected);
    assert_eq!(error.code(), "PLAN_FAILED");
    let log = job.log();
    assert!(log.contains("var.region is \"mars\"") && !log.contains("{\"region\""), "{log}");
    assert_eq!(server.state(), None);
}

#[tokio::test]
async fn a_refused_plan_changes_nothing() {
    let engine = terraform_or_skip!("a_refused_plan_changes_nothing");
    let server = StateServer::start().await;
    let job = Job::new(MODULE);
    let gate: PlanGate = Box::new(|cost| {
        let refusal = Refusal { code: "QUOTA_EXCEEDED".to_owned(), message: format!("{cost:?} is too much") };
        async { Err(refusal) }.boxed()
    });
    let build = task(Transition::Start, &[], &server);
    let error = engine.build(&build, &job.module, &job.run, &gate).await.unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), ("QUOTA_EXCEEDED", "Some(5) is too much"));
    assert!(server.state().is_none() && !server.is_locked());
}

#[tokio::test]
async fn an_ephemeral_value_reaches_the_apply_and_no_state() {
    let Some(terraform) =
        crate::support::terraform("an_ephemeral_value_reaches_the_apply_and_no_state").await
    else {
        return;
    };
    let minor = terraform.version().split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    if minor.is_some_and(|minor| minor < 10) {
        return; // They know no ephemeral variables.
    }
    let server = StateServer::start().await;
    let job = Job::new(
        "variable \"key\" {\n  type      = string\n  ephemeral = true\n}\n\
         resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" {\n    command = \"printf %s $KEY > seen\"\n    \
         environment = { KEY = var.key }\n  }\n}\n",
    );
    let build = task(Transition::Start, &[("key", "ephemeral-value")], &server);
    Engine::Terraform(terraform).build(&build, &job.module, &job.run, &open_gate()).await.unwrap();
    assert_eq!(fs::read_to_string(job.module.join("seen")).unwrap(), "ephemeral-value");
    assert!(!server.state().unwrap().to_string().contains("ephemeral-value"));
}

const FAILS_HALF_WAY: &str = r#"
variable "secret" {
  type      = string
  default   = ""
  sensitive = true
}
resource "terraform_data" "first" {}
resource "terraform_data" "second" {
  depends_on = [terraform_data.first]
  provisioner "local-exec" { command = "cat secret.txt; exit 3" }
}
"#;

#[tokio::test]
async fn a_failed_apply_keeps_what_it_made_and_the_next_build_heals_it() {
    let engine = terraform_or_skip!("a_failed_apply_keeps_what_it_made_and_the_next_build_heals_it");
    let server = StateServer::start().await;
    let mut job = Job::new(FAILS_HALF_WAY);
    fs::write(job.module.join("secret.txt"), "the word is s3cr3t-word!\n").unwrap();
    let build = task(Transition::Start, &[("secret", "s3cr3t-word")], &server);
    let error = engine.build(&build, &job.module, &job.run, &open_gate()).await.unwrap_err();
    assert_eq!(error.code(), "APPLY_FAILED");
    assert!(error.to_string().contains("local-exec provisioner error (main.tf:10)"), "{error}");
    assert!(!error.to_string().contains("s3cr3t"), "{error}");
    assert_eq!(server.addresses(), ["terraform_data.first", "terraform_data.second"]);
    assert!(!server.is_locked());
    let log = job.log();
    assert!(log.contains("(local-exec): the word is ***!") && !log.contains("s3cr3t"), "{log}");

    let healed = FAILS_HALF_WAY.replace("cat secret.txt; exit 3", "true");
    let job = Job::new(&healed);
    let outcome = engine.build(&build, &job.module, &job.run, &open_gate()).await.unwrap();
    assert_eq!(outcome.resources.len(), 2);
}

const SLOW: &str = r#"
resource "terraform_data" "first" {}
resource "terraform_data" "slow" {
  depends_on = [terraform_data.first]
  provisioner "local-exec" { command = "echo begun; exec sleep 600" }
}
"#;

#[tokio::test]
async fn a_cancel_in_the_middle_of_an_apply_saves_the_state() {
    let engine = terraform_or_skip!("a_cancel_in_the_middle_of_an_apply_saves_the_state");
    let server = StateServer::start().await;
    let mut job = Job::new(SLOW);
    let (cancel, module) = (job.run.cancel.clone(), job.module.clone());
    let build = task(Transition::Start, &[], &server);
    let run = std::mem::replace(&mut job.run, Job::new("").run);
    let running = tokio::spawn(async move { engine.build(&build, &module, &run, &open_gate()).await });
    eventually("the apply begins", async || job.log().contains("(local-exec): begun").then_some(())).await;
    cancel.cancel();
    let error = tokio::time::timeout(Duration::from_secs(9), running).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error, EngineError::Canceled(Stage::Apply)), "{error}");
    assert!(server.addresses().contains(&"terraform_data.first".to_owned()), "{:?}", server.state());
    assert!(!server.is_locked());
}

#[tokio::test]
async fn what_ignores_the_signal_is_killed_with_its_children() {
    let Some(found) = crate::support::terraform("what_ignores_the_signal_is_killed_with_its_children").await
    else {
        return;
    };
    let options = guildhall_provisionerd::engine::terraform::Options {
        grace: Duration::from_millis(500),
        ..Default::default()
    };
    let terraform = Terraform::discover(Some(found.program()), &options).await.unwrap();
    let server = StateServer::start().await;
    let mut job = Job::new(&SLOW.replace(
        "echo begun; exec sleep 600",
        "trap '' INT; echo $$$$ > pid; echo begun; while true; do sleep 1; done",
    ));
    let (cancel, module) = (job.run.cancel.clone(), job.module.clone());
    let build = task(Transition::Start, &[], &server);
    let run = std::mem::replace(&mut job.run, Job::new("").run);
    let running =
        tokio::spawn(
            async move { Engine::Terraform(terraform).build(&build, &module, &run, &open_gate()).await },
        );
    eventually("the apply begins", async || job.log().contains("(local-exec): begun").then_some(())).await;
    let pid = fs::read_to_string(job.module.join("pid")).unwrap();
    cancel.cancel();
    let error = tokio::time::timeout(Duration::from_secs(9), running).await.unwrap().unwrap().unwrap_err();
    assert!(error.is_canceled(), "{error}");
    let process = format!("/proc/{}/cwd", pid.trim());
    eventually("the script is gone", async || fs::read_link(&process).is_err().then_some(())).await;
}

#[tokio::test]
async fn a_line_is_seen_soon_after_it_is_written() {
    let engine = terraform_or_skip!("a_line_is_seen_soon_after_it_is_written");
    let server = StateServer::start().await;
    let mut job = Job::new(
        "resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" {\n    command = \"for i in 1 2 3 4 5; do echo at $(date +%s.%N); sleep 0.2; done\"\n  }\n}\n",
    );
    let build = task(Transition::Start, &[], &server);
    engine.build(&build, &job.module, &job.run, &open_gate()).await.unwrap();
    let mut delays = Vec::new();
    while let Ok(line) = job.lines.try_recv() {
        if let Some((_, written)) = line.text.split_once("(local-exec): at ") {
            let seconds: f64 = written.trim().parse().unwrap();
            let written = DateTime::<Utc>::from(SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds));
            delays.push((line.time - written).num_milliseconds());
        }
    }
    delays.sort_unstable();
    assert_eq!(delays.len(), 5);
    assert!(delays[2] < 100, "{delays:?} ms");
}

#[tokio::test]
async fn a_state_that_could_not_be_saved_is_rescued() {
    let engine = terraform_or_skip!("a_state_that_could_not_be_saved_is_rescued");
    let server = StateServer::start().await;
    server.kept.lock().unwrap().posts_until_away = Some(0);
    let job = Job::new("resource \"terraform_data\" \"a\" {}\n");
    let build = task(Transition::Start, &[], &server);
    let error = engine.build(&build, &job.module, &job.run, &open_gate()).await.unwrap_err();
    assert_eq!(error.code(), "APPLY_FAILED");
    assert!(job.module.join(ERRORED_STATE).exists());
    assert!(server.is_locked(), "Terraform could not unlock");

    let away = rescue(&job.module, &server.endpoint(), Duration::ZERO).await;
    assert!(matches!(away, Err(RescueError::Unreachable(_))), "{away:?}");
    {
        let mut kept = server.kept.lock().unwrap();
        kept.away = false;
        kept.posts_until_away = None;
    }
    assert!(rescue(&job.module, &server.endpoint(), Duration::from_secs(30)).await.unwrap());
    assert_eq!(server.addresses(), ["terraform_data.a"]);
    assert!(!server.is_locked() && !job.module.join(ERRORED_STATE).exists());
    assert!(!rescue(&job.module, &server.endpoint(), Duration::ZERO).await.unwrap());
}

#[tokio::test]
async fn a_state_without_a_lock_is_rescued_and_a_refused_one_is_kept() {
    let server = StateServer::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(ERRORED_STATE);
    fs::write(&file, json!({"version": 4, "resources": []}).to_string()).unwrap();
    server.kept.lock().unwrap().fenced = true;
    let refused = rescue(folder.path(), &server.endpoint(), Duration::from_secs(30)).await;
    assert!(matches!(&refused, Err(RescueError::Refused { status: 403, .. })), "{refused:?}");
    assert!(file.exists());
    server.kept.lock().unwrap().fenced = false;
    assert!(rescue(folder.path(), &server.endpoint(), Duration::ZERO).await.unwrap());
    assert_eq!(server.state(), Some(json!({"version": 4, "resources": []})));
}
