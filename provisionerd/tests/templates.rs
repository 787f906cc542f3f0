//! The example templates, imported and built as a person would.

#![expect(clippy::unwrap_used, reason = "a failed test may panic")]

mod support;

use std::path::{Path, PathBuf};

use futures_util::FutureExt;
use guildhall_provisionerd::engine::{Engine, PlanGate, Transition};
use support::{Job, StateServer, task};

fn template(name: &str) -> Job {
    let job = Job::new("");
    std::fs::remove_file(job.module.join("main.tf")).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/templates").join(name);
    for entry in std::fs::read_dir(source).unwrap() {
        let from: PathBuf = entry.unwrap().path();
        std::fs::copy(&from, job.module.join(from.file_name().unwrap())).unwrap();
    }
    job
}

#[tokio::test]
async fn the_examples_go_through_their_whole_life() {
    let Some(terraform) = support::terraform("the_examples_go_through_their_whole_life").await else {
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
    let Some(terraform) = support::terraform("the_examples_refuse_bad_values").await else { return };
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
