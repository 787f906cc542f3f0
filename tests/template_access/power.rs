//! Who may change a list: nobody for themselves, and nobody beyond what they hold.

use rstest::rstest;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::Scene;
use crate::support::Backend;

#[rstest]
#[tokio::test]
async fn nobody_gives_or_takes_power_that_they_do_not_have(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, ana) = (&scene.app, &scene.ana);
    app.role(&scene.owner, &scene.org, "curator", &["TEMPLATE_READ", "TEMPLATE_UPDATE", "TEMPLATE_USE"])
        .await;
    let give = json!({ "organizationId": scene.org.id, "userId": ana.id, "roles": ["curator"] });
    app.done(&scene.owner.token, "setMemberRoles", "", give).await;
    assert_eq!(scene.set(ana, Scene::user(&scene.mia, "USE")).await, None);
    assert_eq!(
        scene.set(ana, Scene::user(&scene.mia, "ADMIN")).await.as_deref(),
        Some("MISSING_PERMISSIONS")
    );
    assert_eq!(scene.set(&scene.author, Scene::user(&scene.mia, "ADMIN")).await, None);
    for role in ["USE", "NONE"] {
        let code = scene.set(ana, Scene::user(&scene.mia, role)).await;
        assert_eq!(code.as_deref(), Some("MISSING_PERMISSIONS"), "{role}: taking is power as well");
    }
    // Entries answer for themselves; who is not of the organization does not exist.
    let stranger = app.user(&scene.owner, "sam", &[]).await;
    let other = app.organization(&scene.owner, "other").await;
    let foreign = app.group(&scene.owner, &other, "crew", &[]).await;
    let entries = json!([
        Scene::user(&stranger, "USE"), Scene::group(&foreign, "USE"), Scene::group(&other.id.replace("org_", "grp_"), "USE"),
        { "userId": "nonsense", "role": "USE" }, { "role": "USE" },
        { "userId": scene.mia.id, "groupId": scene.crew, "role": "USE" }, Scene::group(&scene.crew, "USE"),
    ]);
    let selection = "results { subjectId role userErrors { code field } }";
    let payload = app.done(&scene.author.token, "setTemplateAccess", selection, scene.entries(entries)).await;
    let codes: Vec<_> =
        payload["results"].as_array().unwrap().iter().map(|r| r["userErrors"][0]["code"].clone()).collect();
    let not_found = json!("NOT_FOUND");
    let invalid = json!("BAD_USER_INPUT");
    assert_eq!(
        codes,
        [&not_found, &not_found, &not_found, &not_found, &invalid, &invalid, &Value::Null].map(Clone::clone)
    );
    assert_eq!(payload["results"][6], json!({ "subjectId": scene.crew, "role": "USE", "userErrors": [] }));
    for entries in [json!([]), json!(vec![Scene::group(&scene.crew, "USE"); 101])] {
        let refused = app.refused(&scene.author.token, "setTemplateAccess", scene.entries(entries)).await;
        assert!(refused.is("BAD_USER_INPUT", "input.entries"), "{refused:?}");
    }
    // Members who may not change the template see no list at all.
    for field in ["access { totalCount }", "accessCandidates { totalCount }"] {
        let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on Template {{ {field} }} }} }}");
        let plain = app.member_of(&scene.owner, &scene.org, &format!("p{}", field.len()), &[]).await;
        let body = app.graphql(Some(&plain.token), &query, json!({ "id": scene.template.id })).await;
        assert_eq!(crate::support::calls::code(&body), "FORBIDDEN", "{body:#}");
    }
}

/// Two administrators by the list who take each other off it at the same moment: one is first, and the other has no power
/// any more.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn administrators_can_not_end_each_other(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    for round in 0..8 {
        for person in [&scene.ana, &scene.mia] {
            assert_eq!(scene.set(&scene.author, Scene::user(person, "ADMIN")).await, None);
        }
        let mut tasks = JoinSet::new();
        for (by, whom) in [(&scene.ana, &scene.mia), (&scene.mia, &scene.ana)] {
            let (app, token) = (scene.app.clone(), by.token.clone());
            let input = scene.entries(json!([Scene::user(whom, "NONE")]));
            tasks.spawn(async move {
                let selection = "results { userErrors { code } }";
                let body = app.call(Some(&token), "setTemplateAccess", selection, input).await;
                let codes = [
                    &body["errors"][0]["extensions"]["code"],
                    &body["data"]["setTemplateAccess"]["results"][0]["userErrors"][0]["code"],
                ];
                let refused = codes.into_iter().find_map(Value::as_str);
                assert!(
                    [None, Some("FORBIDDEN"), Some("MISSING_PERMISSIONS")].contains(&refused),
                    "{body:#}"
                );
                refused.is_none()
            });
        }
        let won = tasks.join_all().await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 1, "round {round}");
    }
}

/// Entries for somebody who is leaving, or for a group that is being deleted: there, or not there, and never a fault.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn entries_race_with_the_end_of_whom_they_name(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    for round in 0..6 {
        let leaver = scene.app.member_of(&scene.owner, &scene.org, &format!("lea-{round}"), &[]).await;
        let group = scene.app.group(&scene.owner, &scene.org, &format!("group-{round}"), &[]).await;
        let mut tasks = JoinSet::new();
        let leave = json!({ "organizationId": scene.org.id, "userId": leaver.id });
        let name = json!([Scene::user(&leaver, "USE"), Scene::group(&group, "USE")]);
        for (by, mutation, selection, input) in [
            (&scene.owner, "removeMember", "__typename", leave),
            (&scene.owner, "deleteGroup", "__typename", json!({ "groupId": group })),
            (&scene.author, "setTemplateAccess", "results { userErrors { code } }", scene.entries(name)),
        ] {
            let (app, token) = (scene.app.clone(), by.token.clone());
            tasks.spawn(async move {
                let payload = app.done(&token, mutation, selection, input).await;
                for result in payload["results"].as_array().into_iter().flatten() {
                    let code = &result["userErrors"][0]["code"];
                    assert!(code.is_null() || code == "NOT_FOUND", "{payload:#}");
                }
            });
        }
        tasks.join_all().await;
    }
    let left = "select cast(count(*) as text) from template_acl where user_id is not null or group_id <> organization_id";
    assert_eq!(scene.app.tables().texts(left).await, ["0"]);
}

/// An entry before may have taken the viewer off the list: what follows is refused, and what was done is told.
#[rstest]
#[tokio::test]
async fn whoever_leaves_the_list_is_told_what_was_done(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let (app, mia) = (&scene.app, &scene.mia);
    assert_eq!(scene.set(&scene.author, Scene::user(mia, "ADMIN")).await, None);
    let entries =
        json!([Scene::user(&scene.ana, "USE"), Scene::user(mia, "NONE"), Scene::user(&scene.ana, "NONE")]);
    let selection = "results { role userErrors { code ... on MissingPermissions { permissions } } }";
    let payload = app.done(&mia.token, "setTemplateAccess", selection, scene.entries(entries)).await;
    let refused = json!([{ "code": "MISSING_PERMISSIONS", "permissions": ["TEMPLATE_UPDATE"] }]);
    assert_eq!(
        payload["results"],
        json!([
            { "role": "USE", "userErrors": [] },
            { "role": "NONE", "userErrors": [] },
            { "role": null, "userErrors": refused },
        ])
    );
}
