//! Versions: renamed, out of use and back, promoted, compared.

use rstest::rstest;
use serde_json::{Value, json};

use super::Scene;
use crate::support::Backend;
use crate::support::daemon::plain_import;

#[rstest]
#[tokio::test]
async fn a_version_gets_another_name_and_message(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(Scene { app, owner, mia, daemon, template, .. }) = Scene::new(backend).await else { return };
    app.push(&owner, &template, json!({ "name": "other" })).await;
    app.work(&daemon).await;
    let update = |fields: Value| {
        let mut input = fields;
        input["templateVersionId"] = template.version.clone().into();
        input
    };
    let selection = "templateVersion { name message }";
    let token = &owner.token;
    let input = update(json!({ "name": "Stable", "message": "the good one" }));
    let done = app.done(token, "updateTemplateVersion", selection, input).await;
    assert_eq!(done["templateVersion"], json!({ "name": "stable", "message": "the good one" }));
    // Absent stays, null empties.
    let done = app.done(token, "updateTemplateVersion", selection, update(json!({ "message": null }))).await;
    assert_eq!(done["templateVersion"], json!({ "name": "stable", "message": "" }));
    for (fields, code, field) in [
        (json!({ "name": "other" }), "NAME_TAKEN", "input.name"),
        (json!({ "name": null }), "BAD_USER_INPUT", "input.name"),
        (json!({ "name": "a b" }), "BAD_USER_INPUT", "input.name"),
        (json!({ "message": "x".repeat(501) }), "BAD_USER_INPUT", "input.message"),
    ] {
        let refused = app.refused(token, "updateTemplateVersion", update(fields)).await;
        assert!(refused.is(code, field), "{refused:?}");
    }
    let mine = update(json!({ "name": "mine" }));
    assert_eq!(app.denied(Some(&mia.token), "updateTemplateVersion", mine).await, "FORBIDDEN");
}

#[rstest]
#[tokio::test]
async fn a_version_out_of_use_makes_nothing_new(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(Scene { app, owner, mia, org, daemon, template }) = Scene::new(backend).await else { return };
    let workspace = app.workspace(&mia, &template, "old", "").await.workspace;
    app.work(&daemon).await;
    let second = app.push(&owner, &template, json!({})).await.id;
    app.work(&daemon).await;
    let waiting = app.push(&owner, &template, json!({})).await.id;
    let foreign = app.template(&owner, &org, "foreign").await.version;
    let ids = json!([template.version, second, waiting, foreign, "tver_nonsense"]);
    let input = json!({ "templateId": template.id, "templateVersionIds": ids });
    let selection = "results { templateVersionId templateVersion { archived } userErrors { code field } }";
    let archive = async |input: &Value| {
        app.done(&owner.token, "archiveTemplateVersions", selection, input.clone()).await["results"].clone()
    };
    let results = archive(&input).await;
    let code = |at: usize| &results[at]["userErrors"][0]["code"];
    assert_eq!(results[0]["templateVersion"]["archived"], true, "{results:#}");
    assert_eq!([code(1), code(2), code(3), code(4)], ["CONFLICT", "CONFLICT", "NOT_FOUND", "NOT_FOUND"]);
    assert_eq!(results[3]["userErrors"][0]["field"], json!(["input", "templateVersionIds", "3"]));
    // Again is nothing, and leaves no entry.
    let entries = app.tables().count("audit_log").await;
    let again = json!({ "templateId": template.id, "templateVersionIds": [template.version] });
    assert_eq!(archive(&again).await[0]["templateVersion"]["archived"], true);
    assert_eq!(app.tables().count("audit_log").await, entries);

    let promote = json!({ "templateVersionId": template.version });
    assert!(
        app.refused(&owner.token, "promoteTemplateVersion", promote.clone())
            .await
            .is("CONFLICT", "input.templateVersionId")
    );
    let new = json!({ "templateId": template.id, "name": "new", "templateVersionId": template.version });
    assert!(app.refused(&mia.token, "createWorkspace", new).await.is("CONFLICT", "input.templateVersionId"));
    // What is at it lives on.
    app.done(&mia.token, "stopWorkspace", "", json!({ "workspaceId": workspace })).await;
    app.work(&daemon).await;
    app.done(&mia.token, "startWorkspace", "", json!({ "workspaceId": workspace })).await;

    let back = app
        .done(&owner.token, "unarchiveTemplateVersion", "templateVersion { archived }", promote.clone())
        .await;
    assert_eq!(back["templateVersion"]["archived"], false);
    app.done(&owner.token, "promoteTemplateVersion", "", promote.clone()).await;
    for (mutation, input) in [("archiveTemplateVersions", again), ("unarchiveTemplateVersion", promote)] {
        assert_eq!(app.denied(Some(&mia.token), mutation, input).await, "FORBIDDEN");
    }
    for ids in [json!([]), json!(vec![template.version.clone(); 101])] {
        let input = json!({ "templateId": template.id, "templateVersionIds": ids });
        let refused = app.refused(&owner.token, "archiveTemplateVersions", input).await;
        assert!(refused.is("BAD_USER_INPUT", "input.templateVersionIds"), "{refused:?}");
    }
}

#[rstest]
#[tokio::test]
async fn only_a_good_version_of_the_template_is_promoted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(Scene { app, owner, daemon, template, .. }) = Scene::new(backend).await else { return };
    let failed = app.push(&owner, &template, json!({})).await.id;
    let job = app.acquire(&daemon).await.unwrap();
    app.fail(&daemon, &job, "IMPORT_FAILED", "no module").await;
    let waiting = app.push(&owner, &template, json!({})).await.id;
    for version in [failed, waiting] {
        let input = json!({ "templateVersionId": version });
        let refused = app.refused(&owner.token, "promoteTemplateVersion", input).await;
        assert!(refused.is("CONFLICT", "input.templateVersionId"), "{refused:?}");
    }
}

const COMPARE: &str = "query($from: ID!, $to: ID!) { compareTemplateVersions(from: $from, to: $to) {
    from { id } to { id }
    files { path kind isBinary sizeBefore sizeAfter diff }
    parameters { name kind isBreaking reasons before { type } after { type } }
} }";

#[rstest]
#[tokio::test]
async fn two_versions_are_compared(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(Scene { app, owner, mia, org, daemon, .. }) = Scene::new(backend).await else { return };
    let module = |files: &[(&str, &[u8])]| {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let mut archive = Vec::new();
        guildhall_archive::pack(folder.path(), &mut archive).unwrap();
        archive
    };
    let upload = async |archive: Vec<u8>| {
        app.put_file(Some(&owner.token), archive).await.1["id"].as_str().unwrap().to_owned()
    };
    let first = upload(module(&[("main.tf", b"# one\n"), ("logo.png", b"\0a"), ("old.md", b"x\n")])).await;
    let second = upload(module(&[("main.tf", b"# two\n"), ("logo.png", b"\0b"), ("new.md", b"y\n")])).await;
    let input = json!({ "organizationId": org.id, "name": "compared", "version": { "fileId": first } });
    let made =
        app.done(&owner.token, "createTemplate", "template { id } templateVersion { id }", input).await;
    let variable = |name: &str, kind: &str, required: bool| {
        json!({
            "name": name, "type": kind, "description": "", "required": required, "sensitive": false,
            "nullable": true, "ephemeral": false, "validations": [],
        })
    };
    let import = async |variables: Vec<Value>| {
        let job = app.acquire(&daemon).await.unwrap();
        let mut result = plain_import();
        result["templateImport"]["variables"] = variables.into();
        app.complete(&daemon, &job, result).await;
    };
    import(vec![variable("size", "string", false), variable("gone", "string", false)]).await;
    let input = json!({ "templateId": made["template"]["id"], "fileId": second });
    let pushed = app.done(&owner.token, "createTemplateVersion", "templateVersion { id }", input).await;
    import(vec![variable("size", "number", false), variable("key", "string", true)]).await;
    let (from, to) = (&made["templateVersion"]["id"], &pushed["templateVersion"]["id"]);

    let seen = app.ok(&mia, COMPARE, json!({ "from": from, "to": to })).await;
    let compared = &seen["compareTemplateVersions"];
    assert_eq!((&compared["from"]["id"], &compared["to"]["id"]), (from, to));
    let file = |path: &str, kind: &str, before: Value, after: Value, diff: Value| {
        json!({
            "path": path, "kind": kind, "isBinary": path == "logo.png", "sizeBefore": before, "sizeAfter": after,
            "diff": diff,
        })
    };
    assert_eq!(
        compared["files"],
        json!([
            file("logo.png", "CHANGED", json!(2), json!(2), Value::Null),
            file(
                "main.tf",
                "CHANGED",
                json!(6),
                json!(6),
                json!("--- a/main.tf\n+++ b/main.tf\n@@ -1 +1 @@\n-# one\n+# two\n")
            ),
            file(
                "new.md",
                "ADDED",
                Value::Null,
                json!(2),
                json!("--- /dev/null\n+++ b/new.md\n@@ -0,0 +1 @@\n+y\n")
            ),
            file(
                "old.md",
                "REMOVED",
                json!(2),
                Value::Null,
                json!("--- a/old.md\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n")
            ),
        ])
    );
    assert_eq!(
        compared["parameters"],
        json!([
            { "name": "size", "kind": "CHANGED", "isBreaking": true, "reasons": ["its type was string, it is number"],
              "before": { "type": "STRING" }, "after": { "type": "NUMBER" } },
            { "name": "gone", "kind": "REMOVED", "isBreaking": true, "reasons": ["is no parameter any more"],
              "before": { "type": "STRING" }, "after": null },
            { "name": "key", "kind": "ADDED", "isBreaking": true, "reasons": ["is new and needs a value"],
              "before": null, "after": { "type": "STRING" } },
        ])
    );
    // The same twice differs in nothing; what is not visible is not there.
    let same = app.ok(&mia, COMPARE, json!({ "from": from, "to": from })).await;
    assert_eq!(same["compareTemplateVersions"]["files"], json!([]));
    assert_eq!(same["compareTemplateVersions"]["parameters"], json!([]));
    let stranger = app.user(&owner, "stranger", &[]).await;
    let unseen = app.ok(&stranger, COMPARE, json!({ "from": from, "to": to })).await;
    assert_eq!(unseen, json!({ "compareTemplateVersions": null }));
}

#[rstest]
#[tokio::test]
async fn the_readme_of_each_version_is_shown(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(Scene { app, owner, mia, daemon, template, .. }) = Scene::new(backend).await else { return };
    let readme = async |person, version: &str| {
        let query = "query($id: ID!) { node(id: $id) { ... on TemplateVersion { readme } } }";
        app.ok(person, query, json!({ "id": version })).await["node"]["readme"].clone()
    };
    assert_eq!(readme(&mia, &template.version).await, "", "it has none");
    let second = app.push(&owner, &template, json!({})).await.id;
    assert_eq!(readme(&mia, &second).await, "", "nobody has read it yet");
    let job = app.acquire(&daemon).await.unwrap();
    let text = "# Größe\n\n```hcl\nsize = \"${var.size}\"\n```\n";
    let found = json!({ "templateImport": { "readme": text, "variables": [] } });
    app.complete(&daemon, &job, found).await;
    assert_eq!(readme(&mia, &second).await, text);
    assert_eq!(readme(&mia, &template.version).await, "", "the other one is as it was");
    let stranger = app.user(&owner, "stranger", &[]).await;
    assert_eq!(readme(&stranger, &second).await, Value::Null);
}

#[rstest]
#[tokio::test]
async fn a_stale_change_of_a_version_is_refused_and_told_what_it_is_now(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(Scene { app, owner, daemon, template, .. }) = Scene::new(backend).await else { return };
    let second = app.push(&owner, &template, json!({})).await.id;
    app.work(&daemon).await;
    let update = async |message: &str, expected: i32| {
        let input =
            json!({ "templateVersionId": template.version, "message": message, "expectedVersion": expected });
        let selection = "templateVersion { message version }";
        let name = "updateTemplateVersion";
        app.call(Some(&owner.token), name, selection, input).await["data"][name].clone()
    };
    // What a daemon brings is nobody's change.
    assert_eq!(update("one", 1).await["templateVersion"], json!({ "message": "one", "version": 2 }));
    let promote = json!({ "templateVersionId": second });
    app.call(Some(&owner.token), "promoteTemplateVersion", "", promote).await;
    let archive = json!({ "templateId": template.id, "templateVersionIds": [template.version] });
    app.done(&owner.token, "archiveTemplateVersions", "", archive).await;
    let stale = update("two", 2).await;
    assert_eq!(stale["userErrors"][0]["code"], "STALE_VERSION", "{stale:#}");
    assert_eq!(stale["templateVersion"], json!({ "message": "one", "version": 3 }));
    assert_eq!(update("two", 3).await["templateVersion"], json!({ "message": "two", "version": 4 }));
}

#[rstest]
#[tokio::test]
async fn nobody_promotes_or_archives_a_version_that_they_have_not_seen(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(Scene { app, owner, daemon, template, .. }) = Scene::new(backend).await else { return };
    let first = template.version.clone();
    let second = app.push(&owner, &template, json!({ "promote": false })).await.id;
    app.work(&daemon).await;
    let describe = json!({ "templateVersionId": second, "message": "seen by nobody" });
    app.done(&owner.token, "updateTemplateVersion", "", describe).await;
    let call = async |name: &str, selection: &str, input: Value| {
        app.call(Some(&owner.token), name, selection, input).await["data"][name].clone()
    };

    let promote = async |expected: i32| {
        let input = json!({ "templateVersionId": second, "expectedVersion": expected });
        call("promoteTemplateVersion", "template { activeVersion { id } }", input).await
    };
    let stale = promote(1).await;
    assert_eq!(stale["userErrors"][0]["code"], "STALE_VERSION", "{stale:#}");
    assert_eq!(stale["userErrors"][0]["field"], json!(["input", "expectedVersion"]));
    assert_eq!(stale["template"]["activeVersion"]["id"], *first, "the template as it is");
    assert_eq!(promote(2).await["template"]["activeVersion"]["id"], *second);

    let archive = async |ids: &[&String], expected: Value| {
        let input =
            json!({ "templateId": template.id, "templateVersionIds": ids, "expectedVersions": expected });
        let selection = "results { templateVersion { archived version } userErrors { code field } }";
        call("archiveTemplateVersions", selection, input).await
    };
    for wrong in [json!([]), json!([1]), json!([1, 1, 1])] {
        let refused = archive(&[&first, &second], wrong).await;
        assert_eq!(refused["userErrors"][0]["field"], json!(["input", "expectedVersions"]), "{refused:#}");
        assert_eq!(refused["results"], json!([]));
    }
    let stale = archive(&[&second, &first], json!([null, 7])).await["results"].clone();
    assert_eq!(stale[0]["userErrors"][0]["code"], "CONFLICT", "it is active: {stale:#}");
    let error = json!([{ "code": "STALE_VERSION", "field": ["input", "expectedVersions", "1"] }]);
    assert_eq!(stale[1]["userErrors"], error);
    assert_eq!(stale[1]["templateVersion"], json!({ "archived": false, "version": 1 }));
    let done = archive(&[&first], json!([1])).await["results"].clone();
    assert_eq!(done[0]["templateVersion"], json!({ "archived": true, "version": 2 }), "{done:#}");
    // Who has not seen that it is out of use already is told so.
    let again = archive(&[&first], json!([1])).await["results"].clone();
    assert_eq!(again[0]["userErrors"][0]["code"], "STALE_VERSION");
    assert_eq!(archive(&[&first], json!([2])).await["results"][0]["userErrors"], json!([]));

    let unarchive = async |expected: i32| {
        let input = json!({ "templateVersionId": first, "expectedVersion": expected });
        call("unarchiveTemplateVersion", "templateVersion { archived version }", input).await
    };
    let stale = unarchive(1).await;
    assert_eq!(stale["userErrors"][0]["code"], "STALE_VERSION", "{stale:#}");
    assert_eq!(stale["templateVersion"], json!({ "archived": true, "version": 2 }));
    assert_eq!(unarchive(2).await["templateVersion"], json!({ "archived": false, "version": 3 }));
}

/// Imports take as long as they take: the version that was pushed last is the active one, whichever is imported last.
#[rstest]
#[tokio::test]
async fn an_older_version_does_not_take_over_from_a_newer_one(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(Scene { app, owner, daemon, template, .. }) = Scene::new(backend).await else { return };
    app.push(&owner, &template, json!({})).await;
    app.clock.advance(chrono::TimeDelta::seconds(1));
    let newer = app.push(&owner, &template, json!({})).await.id;
    let (slow, fast) = (app.acquire(&daemon).await.unwrap(), app.acquire(&daemon).await.unwrap());
    let active = async || {
        let query = "query($id: ID!) { node(id: $id) { ... on Template { activeVersion { id } } } }";
        app.ok(&owner, query, json!({ "id": template.id })).await["node"]["activeVersion"]["id"].clone()
    };
    for job in [fast, slow] {
        app.complete(&daemon, &job, crate::support::daemon::plain_import()).await;
        assert_eq!(active().await, json!(newer));
    }
}
