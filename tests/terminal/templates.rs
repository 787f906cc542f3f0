//! `guildhall templates …`, from the first push to the end.

use rstest::rstest;
use serde_json::json;

use super::{ORG, Scene, each};
use crate::support::Backend;

#[rstest]
#[tokio::test]
async fn a_template_from_its_first_push_to_its_end(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    scene.template().await;
    let olga = &scene.olga;
    let machine = "data-platform/machine";
    let shown = olga.json(&["templates", "show", machine]).await;
    assert_eq!(each(&shown["activeVersion"]["variables"], "name")[0], "region", "{shown:#}");
    let query = "{ organization(by: { name: \"data-platform\" }) {
        templates { nodes { activeVersion { readme parameters { name options } } } }
    } }";
    let read = scene.ask(query).await["organization"]["templates"]["nodes"][0]["activeVersion"].clone();
    assert_eq!(read["readme"], "# A machine\n");
    assert_eq!(read["parameters"], json!([{ "name": "region", "options": ["eu", "us"] }]));

    // Another version, which nobody starts from yet.
    let text = format!("{}variable \"size\" {{\n  type = number\n}}\n", scene.module());
    let second = scene.folder("second", &[("main.tf", &text), ("NOTES.md", "Size is new.\n")]);
    let push = ["templates", "push", machine, "-d", &second, "-m", "Sizes", "--no-promote"];
    let said = olga.ok(&push).await;
    assert!(said.err.contains("Fetching the template."), "its import is followed: {}", said.err);
    let versions = olga.json(&["templates", "versions", machine]).await;
    assert_eq!(each(&versions, "name"), ["v2", "v1"]);
    assert_eq!((&versions[0]["isActive"], &versions[1]["isActive"]), (&json!(false), &json!(true)));
    let difference = olga.ok(&["templates", "diff", machine, "v1", "v2"]).await.out;
    for part in
        ["+++ b/main.tf", "+variable \"size\" {", "+++ b/NOTES.md", "--- a/README.md", "parameter size added"]
    {
        assert!(difference.contains(part), "{part} in\n{difference}");
    }

    // Planned, with values that fit and with others.
    let dry = ["templates", "dry-run", machine, "v2", "-p", "region=us"];
    let complaint = olga.refused(6, &dry).await;
    assert!(complaint.contains("size"), "{complaint}");
    let complaint = olga.refused(6, &["templates", "dry-run", machine, "-p", "region=mars"]).await;
    assert!(complaint.contains("There is eu, and us."), "{complaint}");
    let planned = olga.ok(&[&dry[..], &["-p", "size=2"]].concat()).await;
    assert!(planned.out.contains("terraform_data.machine"), "{}", planned.out);
    assert_eq!(olga.json(&["workspaces", "list", "--all"]).await, json!([]));

    // In and out of use.
    let complaint = olga.refused(6, &["templates", "archive", machine, "v1"]).await;
    assert!(complaint.contains("v1"), "the active one stays: {complaint}");
    olga.ok(&["templates", "promote", machine, "v2"]).await;
    olga.ok(&["templates", "archive", machine, "v1"]).await;
    let archived = olga.json(&["templates", "versions", machine, "--archived"]).await;
    assert_eq!(each(&archived, "name"), ["v1"]);
    olga.refused(6, &["templates", "promote", machine, "v1"]).await;
    olga.ok(&["templates", "unarchive", machine, "v1"]).await;
    olga.ok(&["templates", "promote", machine, "v1"]).await;

    // What was pushed comes back as it was.
    for (version, file, text) in
        [(None, "README.md", "# A machine\n"), (Some("v2"), "main.tf", text.as_str())]
    {
        let place = scene.server.folder.path().join("pulled").join(version.unwrap_or("active"));
        let mut words = vec!["templates", "pull", machine];
        words.extend(version);
        words.extend(["-d", place.to_str().unwrap()]);
        olga.ok(&words).await;
        assert_eq!(std::fs::read_to_string(place.join(file)).unwrap(), text);
        olga.refused(2, &words).await;
    }

    let settings = ["--default-ttl", "8h", "--max-workspaces", "1", "--deprecate", "use another"];
    olga.ok(&[&["templates", "edit", machine, "--rename", "box"], &settings[..]].concat()).await;
    let shown = olga.json(&["templates", "show", "data-platform/box"]).await;
    assert_eq!(shown["settings"]["defaultTtlSeconds"], 28_800, "{shown:#}");
    assert_eq!(shown["deprecationMessage"], "use another");

    // Not while something is made of it.
    olga.ok(&["templates", "edit", "data-platform/box", "--deprecate", ""]).await;
    olga.ok(&["workspaces", "create", "dev", "-t", "data-platform/box"]).await;
    let complaint = olga.refused(6, &["workspaces", "create", "more", "-t", "data-platform/box"]).await;
    assert!(complaint.contains('1'), "one each: {complaint}");
    let complaint = olga.refused(6, &["templates", "delete", "data-platform/box", "--yes"]).await;
    assert!(complaint.contains("1 workspace"), "{complaint}");
    olga.ok(&["workspaces", "delete", "dev", "--yes"]).await;
    olga.ok(&["templates", "delete", "data-platform/box", "--yes"]).await;
    assert_eq!(olga.json(&["templates", "list", "--org", ORG]).await, json!([]));
}

/// Where something of a push is kept. (Other tables change because somebody calls.)
const KEPT: [&str; 8] = [
    "audit_log",
    "event",
    "file",
    "file_chunk",
    "file_content",
    "provisioner_job",
    "template",
    "template_version",
];

#[rstest]
#[tokio::test]
async fn what_is_no_module_is_refused_and_leaves_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (olga, tables) = (&scene.olga, scene.server.tables());
    let kept = async || {
        let mut counts = tables.counts().await;
        counts.retain(|table, _| KEPT.contains(&table.as_str()));
        counts
    };
    let before = kept().await;
    let none = scene.folder("none", &[("README.md", "# Nothing\n")]);
    let complaint = olga.refused(6, &["templates", "push", "none", "--org", ORG, "-d", &none]).await;
    assert!(complaint.contains("no .tf file"), "{complaint}");
    let linked = scene.folder("linked", &[("main.tf", "")]);
    std::os::unix::fs::symlink("/etc/passwd", format!("{linked}/passwd")).unwrap();
    let complaint = olga.run(&["templates", "push", "linked", "--org", ORG, "-d", &linked]).await;
    assert!(complaint.code != 0 && complaint.err.contains("passwd"), "{complaint:?}");
    let missing = olga.run(&["templates", "push", "missing", "--org", ORG, "-d", "/nowhere"]).await;
    assert!(missing.code != 0 && missing.err.contains("/nowhere"), "{missing:?}");
    assert_eq!(kept().await, before);
}
