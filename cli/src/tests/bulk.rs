//! Commands about many things.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::fake::{Fake, NOW, organization, organization_ref, users_called, viewer};
use crate::failure::Exit;

/// Knows every user but `ghost`; `limit` answers how many requests of a kind are answered.
fn known(limit: usize) -> impl Fn(&str, &Value) -> Option<Value> + Send + Sync + 'static {
    let asked = AtomicUsize::new(0);
    move |name, variables| {
        let input = &variables["input"];
        Some(match name {
            "CurrentUser" => viewer(vec![organization_ref()]),
            "OrganizationByName" => json!({"organization": organization()}),
            "UsersByUsername" => users_called(variables),
            "AddMembers" if asked.fetch_add(1, Ordering::Relaxed) < limit => {
                let results = input["members"].as_array()?.iter().map(|member| {
                    let user = json!({"id": "usr_x", "username": member["username"], "name": ""});
                    json!({"userErrors": [], "member": {"user": user, "roles": [], "createdAt": NOW}})
                });
                json!({"addMembers": {"userErrors": [], "results": results.collect::<Vec<_>>()}})
            }
            "SetMembersRoles" => {
                let results = input["members"]
                    .as_array()?
                    .iter()
                    .map(|member| json!({"userId": member["userId"], "userErrors": [], "member": null}));
                json!({"setMembersRoles": {"userErrors": [], "results": results.collect::<Vec<_>>()}})
            }
            "RemoveMembers" => {
                let results = input["userIds"]
                    .as_array()?
                    .iter()
                    .map(|id| json!({"userId": id, "workspaceIds": [], "userErrors": []}));
                json!({"removeMembers": {"userErrors": [], "results": results.collect::<Vec<_>>()}})
            }
            _ => return None,
        })
    }
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("user-{number}")).collect()
}

#[tokio::test]
async fn more_than_one_request_takes_are_several_requests() {
    let server = Fake::knowing(known(usize::MAX)).await;
    let names = many(250);
    let words = ["members", "add"].into_iter().chain(names.iter().map(String::as_str)).collect::<Vec<_>>();
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    assert_eq!(server.asked().iter().filter(|name| *name == "AddMembers").count(), 3);
    assert_eq!(outcome.results.lines().count(), 250);
    assert!(outcome.results.ends_with("Added user-249 to data.\n"), "{}", outcome.results);

    let outcome = server.run(&[&words[..], &["-o", "json"]].concat()).await;
    assert_eq!(outcome.json().as_array().unwrap().len(), 250);
    assert_eq!(outcome.json()[100]["member"]["user"]["username"], "user-100");
}

#[tokio::test]
async fn a_name_that_nobody_has_keeps_nobody_else_waiting() {
    for (verb, options) in [("roles", &["--role", "organization-admin"][..]), ("remove", &["--yes"])] {
        let server = Fake::knowing(known(usize::MAX)).await;
        let words = [&["members", verb, "ana", "ghost", "ben"][..], options].concat();
        let outcome = server.run(&words).await;
        assert_eq!(outcome.exit, Some(Exit::Refused), "{verb}: {}", outcome.notes);
        assert_eq!(outcome.results.lines().count(), 2, "{verb}: {}", outcome.results);
        assert!(outcome.notes.contains("1 of 3 failed:"), "{verb}: {}", outcome.notes);
        assert!(outcome.notes.contains("ghost: there is no user"), "{verb}: {}", outcome.notes);

        let outcome = server.run(&[&words[..], &["-o", "json"]].concat()).await;
        let answers = outcome.json();
        assert_eq!(answers[0]["userId"], "usr_ana", "{verb}");
        assert_eq!(
            (&answers[1]["name"], &answers[1]["userErrors"][0]["code"]),
            (&json!("ghost"), &json!("NOT_FOUND"))
        );
        assert_eq!(answers[2]["userId"], "usr_ben", "{verb}");
    }
    // One alone fails as everything does that is missing.
    let server = Fake::knowing(known(usize::MAX)).await;
    let outcome = server.run(&["members", "roles", "ghost", "--none"]).await;
    assert_eq!(outcome.exit, Some(Exit::NotFound));
}

#[tokio::test]
async fn names_are_looked_up_at_once() {
    let server = Fake::knowing(known(usize::MAX)).await;
    let names = many(150);
    let words = ["members", "roles", "--none"].into_iter().chain(names.iter().map(String::as_str));
    let outcome = server.run(&words.collect::<Vec<_>>()).await;
    assert_eq!(outcome.exit, None, "{}", outcome.notes);
    let looked_up = server.asked().iter().filter(|name| *name == "UsersByUsername").count();
    assert_eq!((looked_up, server.asked().len()), (2, 5), "{:?}", server.asked());
    let asked = server.last_variables("UsersByUsername");
    assert_eq!(asked["filter"]["usernames"].as_array().unwrap().len(), 50);
    assert_eq!(server.last_variables("SetMembersRoles")["input"]["members"][49]["userId"], "usr_user-149");
}

#[tokio::test]
async fn what_was_done_before_a_request_broke_is_told() {
    let server = Fake::knowing(known(1)).await;
    let names = many(150);
    let words = ["members", "add"].into_iter().chain(names.iter().map(String::as_str)).collect::<Vec<_>>();
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, Some(Exit::Failure));
    assert_eq!(outcome.results.lines().count(), 100);
    assert!(outcome.notes.contains("50 were not tried"), "{}", outcome.notes);

    let server = Fake::knowing(known(0)).await;
    let outcome = server.run(&words).await;
    assert_eq!((outcome.exit, outcome.results.as_str()), (Some(Exit::Failure), ""));
}

#[tokio::test]
async fn nobody_types_a_hundred_names_to_confirm() {
    let server = Fake::knowing(known(usize::MAX)).await;
    let names = many(120);
    let words = ["members", "remove"].into_iter().chain(names.iter().map(String::as_str)).collect::<Vec<_>>();
    let outcome = server.run(&words).await;
    assert_eq!(outcome.exit, Some(Exit::Usage));
    assert!(outcome.notes.contains("the memberships of 120 people in data"), "{}", outcome.notes);
    assert!(!outcome.notes.contains("user-7"), "{}", outcome.notes);
    assert!(!server.asked().contains(&"RemoveMembers".to_owned()));
}
