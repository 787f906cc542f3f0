//! The example templates, imported, planned and built as a person would.

use std::path::{Path, PathBuf};

use crate::support::{Job, StateServer, task};
use futures_util::FutureExt;
use guildhall_provisionerd::engine::module::Rule;
use guildhall_provisionerd::engine::{DryRunTask, Engine, Parameter, PlanGate, Transition};
use secrecy::SecretString;
use serde_json::json;

fn template(name: &str) -> Job {
    module(&Path::new("../examples/templates").join(name))
}

/// The module in a folder, seen from this crate.
fn module(folder: &Path) -> Job {
    let job = Job::new("");
    std::fs::remove_file(job.module.join("main.tf")).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    for entry in std::fs::read_dir(source).unwrap() {
        let from: PathBuf = entry.unwrap().path();
        std::fs::copy(&from, job.module.join(from.file_name().unwrap())).unwrap();
    }
    job
}

#[tokio::test]
async fn the_examples_go_through_their_whole_life() {
    let Some(terraform) = crate::support::terraform("the_examples_go_through_their_whole_life").await else {
        return;
    };
    let engine = Engine::Terraform(terraform);
    for (name, parameters, running, stopped) in [
        ("docker-dev", [("repositories", r#"["https://example.com/a.git"]"#), ("cores", "3")], (4, 3), 1),
        ("compute-vm", [("machine_type", "gpu"), ("disk_gib", "120")], (63, 3), 3),
    ] {
        let server = StateServer::start().await;
        let gate: PlanGate = Box::new(|_| async { Ok(()) }.boxed());
        let mut job = template(name);
        let imported = engine.import(&job.module, &job.run).await.unwrap();
        assert_eq!(imported.variables.len(), 5, "{name}");
        assert!(imported.readme.starts_with("# ") && job.log().contains("Info Plan Plan: "), "{name}");
        assert!(imported.variables.iter().all(|variable| !variable.description.is_empty()), "{name}");

        let job = template(name);
        let start = task(Transition::Start, &parameters, &server);
        let started = engine.build(&start, &job.module, &job.run, &gate).await.unwrap();
        assert_eq!((started.daily_cost, started.resources.len()), running, "{name}");
        assert!(!started.apps.is_empty() && !started.metadata.is_empty(), "{name}");

        let job = template(name);
        let stop = task(Transition::Stop, &parameters, &server);
        let stopped_build = engine.build(&stop, &job.module, &job.run, &gate).await.unwrap();
        assert_eq!(stopped_build.daily_cost, stopped, "{name}");
        assert!(stopped_build.apps.is_empty() && !stopped_build.resources.is_empty(), "{name}");

        let job = template(name);
        let delete = task(Transition::Delete, &parameters, &server);
        engine.build(&delete, &job.module, &job.run, &gate).await.unwrap();
        assert_eq!(server.addresses(), [""; 0], "{name}");
    }
}

#[tokio::test]
async fn the_examples_refuse_bad_values() {
    let Some(terraform) = crate::support::terraform("the_examples_refuse_bad_values").await else { return };
    let engine = Engine::Terraform(terraform);
    let server = StateServer::start().await;
    for (name, parameter, reason) in [
        ("docker-dev", ("image", "scratch"), "The image must be"),
        ("docker-dev", ("repositories", r#"["ssh://example.com"]"#), "https:// URL"),
        ("compute-vm", ("region", "mars"), "The region must be"),
        ("compute-vm", ("admin_password", "short"), "At least 12 characters"),
    ] {
        let gate: PlanGate = Box::new(|_| async { Ok(()) }.boxed());
        let job = template(name);
        let build = task(Transition::Start, &[parameter], &server);
        let error = engine.build(&build, &job.module, &job.run, &gate).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

fn dry_run(parameters: &[(&str, &str)]) -> DryRunTask {
    let parameter = |(name, value): &(&str, &str)| Parameter {
        name: (*name).to_owned(),
        value: SecretString::from(*value),
        sensitive: *name == "admin_password",
    };
    let workspace = json!({
        "id": "wks_1", "name": "dry-run", "transition": "start", "owner": "ada", "organization": "acme",
    });
    DryRunTask { parameters: parameters.iter().map(parameter).collect(), workspace }
}

#[tokio::test]
async fn a_dry_run_plans_and_leaves_nothing() {
    let Some(terraform) = crate::support::terraform("a_dry_run_plans_and_leaves_nothing").await else {
        return;
    };
    let engine = Engine::Terraform(terraform);
    let mut job = template("compute-vm");
    let task =
        dry_run(&[("machine_type", "gpu"), ("disk_gib", "120"), ("admin_password", "a very long secret")]);
    let planned = engine.dry_run(&task, &job.module, &job.run).await.unwrap();
    assert_eq!((planned.daily_cost, planned.resources.len()), (Some(63), 3));
    let left = std::fs::read_dir(&job.module).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!left.into_iter().any(|name| name.to_string_lossy().ends_with(".tfstate")));
    assert!(!job.log().contains("a very long secret"));

    let job = template("compute-vm");
    let error = engine.dry_run(&dry_run(&[("region", "mars")]), &job.module, &job.run).await.unwrap_err();
    assert!(error.to_string().contains("The region must be"), "{error}");
    let job = template("compute-vm");
    let error = engine.dry_run(&dry_run(&[("disk_gib", "much")]), &job.module, &job.run).await.unwrap_err();
    assert_eq!(error.code(), "INVALID_PARAMETER");
}

/// What `guildhall templates init` writes.
#[tokio::test]
async fn the_starter_is_a_template() {
    let Some(terraform) = crate::support::terraform("the_starter_is_a_template").await else { return };
    let engine = Engine::Terraform(terraform);
    let starter = Path::new("../cli/src/templates/starter");
    let job = module(starter);
    let imported = engine.import(&job.module, &job.run).await.unwrap();
    let [region, cpu] = imported.variables.as_slice() else { panic!("{:?}", imported.variables) };
    assert_eq!((region.display_name.as_str(), region.immutable), ("Region", true));
    assert_eq!(cpu.validations[0].rules, [Rule::AtLeast(1.0), Rule::AtMost(8.0), Rule::Whole]);
    let job = module(starter);
    let planned = engine.dry_run(&dry_run(&[("cpu", "4")]), &job.module, &job.run).await.unwrap();
    assert_eq!((planned.daily_cost, planned.resources.len()), (Some(4), 2));
}

#[tokio::test]
async fn a_bad_manifest_is_refused_with_its_line() {
    let Some(terraform) = crate::support::terraform("a_bad_manifest_is_refused_with_its_line").await else {
        return;
    };
    let job = template("docker-dev");
    std::fs::write(job.module.join("guildhall.toml"), "[parameters.cores]\norder = \"first\"\n").unwrap();
    let error = Engine::Terraform(terraform).import(&job.module, &job.run).await.unwrap_err();
    assert_eq!(error.code(), "INVALID_MODULE");
    assert!(error.to_string().starts_with("guildhall.toml:2:"), "{error}");
}
