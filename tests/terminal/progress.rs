//! What a person sees at a terminal while a job is followed: lines above, and below them what is waited for.

use regex::Regex;
use rstest::rstest;
use serde_json::json;

use super::{ORG, Scene, engine, eventually};
use crate::support::Backend;

/// In which line of a screen this stands.
fn place(lines: &[String], text: &str) -> usize {
    lines
        .iter()
        .position(|line| line.contains(text))
        .unwrap_or_else(|| panic!("no `{text}` in\n{}", lines.join("\n")))
}

#[rstest]
#[tokio::test]
async fn a_spinner_says_what_is_waited_for_below_the_log(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[values(true, false)] plain: bool,
) {
    if engine() == "echo" {
        println!("skipped: nothing takes time without Terraform");
        return;
    }
    let Some(scene) = Scene::new(backend).await else { return };
    scene.template().await;
    // Another template, whose builds wait for another word.
    let word = scene.server.folder.path().join("go-on");
    let text = scene.module().replace(scene.go().to_str().unwrap(), word.to_str().unwrap());
    let other = scene.folder("other", &[("main.tf", &text)]);
    scene.olga.ok(&["templates", "push", "other", "--org", ORG, "-d", &other]).await;

    // The only daemon builds something else.
    scene.hold();
    let mut first = scene.olga.begin(&["workspaces", "create", "one", "-t", "data-platform/machine"]);
    first.says("(local-exec): begun").await;
    let mut screen = scene.olga.watch(&["workspaces", "create", "two", "-t", "data-platform/other"], plain);
    let lines = screen.shows("waiting: ").await;
    assert!(lines.last().unwrap().contains("it is number 1 of 1"), "{lines:#?}");
    assert_eq!(lines.len(), 1, "there is no log yet, and one line is enough: {lines:#?}");

    // Then it builds this. What it says goes above, and nothing is waited for but the build.
    scene.let_go();
    assert!(first.ended().await.success(), "{}", first.said());
    let lines = screen.shows("(local-exec): begun").await;
    let what = "the first start of data-platform/two";
    let last = lines.last().unwrap();
    assert!(last.contains(what) || last.contains("waiting: "), "{lines:#?}");
    assert!(place(&lines, "(local-exec): begun") < lines.len() - 1, "{lines:#?}");
    let lines = screen.shows(what).await;
    assert_eq!(place(&lines, what), lines.len() - 1, "{lines:#?}");
    assert!(!lines.iter().any(|line| line.contains("waiting: ")), "{lines:#?}");

    // At the end it is gone, and what came of it stands below the log.
    std::fs::write(&word, "").unwrap();
    assert!(screen.ended().await.success(), "{}", screen.written());
    let lines = screen.lines();
    assert!(!lines.iter().any(|line| line.contains(what) || line.contains("waiting: ")), "{lines:#?}");
    for said in ["(local-exec): begun", "(local-exec): finished"] {
        assert_eq!(lines.iter().filter(|line| line.contains(said)).count(), 1, "{lines:#?}");
    }
    assert!(place(&lines, "(local-exec): finished") < place(&lines, "Status:"), "{lines:#?}");
    assert_eq!(screen.column(), 0, "the prompt begins a line");

    // Colours, bold and the like; the spinner itself needs codes that move.
    let colours = Regex::new("\x1b\\[[0-9;]*m").unwrap();
    let written = screen.written();
    assert_eq!(colours.find(&written).map(|found| found.as_str()).is_some(), !plain, "{written:?}");
}

#[rstest]
#[tokio::test]
async fn ctrl_c_ends_the_following_and_not_the_job(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::held(backend).await else { return };
    let what = "the first start of data-platform/dev";
    let mut screen = scene.olga.watch(&["workspaces", "create", "dev", "-t", "data-platform/machine"], true);
    screen.shows("(local-exec): begun").await;
    screen.shows(what).await;
    screen.interrupt().await;
    assert_eq!(screen.ended().await.code(), Some(130), "{}", screen.written());
    let lines = screen.lines();
    let said = place(&lines, &format!("error: interrupted: {what} goes on"));
    assert!(place(&lines, "(local-exec): begun") < said, "{lines:#?}");
    assert!(lines[said].starts_with("error:"), "the spinner has left its line: {lines:#?}");
    let left = lines.iter().filter(|line| line.contains(what)).count();
    assert_eq!(left, 1, "{lines:#?}\n{:?}", screen.written());
    assert_eq!(screen.column(), 0, "the prompt begins a line");

    // The hint is a command that shows the rest; so does this one, until it is interrupted as well.
    let jobs = scene.olga.json(&["provisioner", "jobs", "list", "--org", ORG, "--state", "running"]).await;
    let job = jobs[0]["id"].as_str().unwrap();
    assert!(
        lines[said + 1].contains(&format!("guildhall provisioner jobs logs {job} --follow")),
        "{lines:#?}"
    );
    let mut logs = scene.olga.watch(&["workspaces", "logs", "dev", "--follow"], true);
    logs.shows("(local-exec): begun").await;
    logs.interrupt().await;
    assert_eq!(logs.ended().await.code(), Some(130), "{}", logs.written());

    scene.let_go();
    eventually("the build to end", async || {
        let shown = scene.olga.json(&["workspaces", "show", "dev"]).await;
        (shown["status"] == json!("RUNNING")).then_some(())
    })
    .await;
}
