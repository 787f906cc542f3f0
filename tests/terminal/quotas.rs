//! A quota that says no between plan and apply.

use rstest::rstest;
use serde_json::{Value, json};

use super::{ORG, Scene, engine};
use crate::support::Backend;

/// What is applied leaves a file.
const COSTLY: &str = r#"
variable "workspace" {
  type = object({ id = string, name = string, transition = string, owner = string, organization = string })
}
resource "terraform_data" "machine" {
  provisioner "local-exec" { command = "touch FOLDER/made-${var.workspace.name}" }
}
output "daily_cost" { value = 5 }
"#;

#[rstest]
#[tokio::test]
async fn a_build_that_costs_more_than_is_left_is_not_applied(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    if engine() == "echo" {
        println!("skipped: without Terraform no plan costs anything");
        return;
    }
    let Some(scene) = Scene::new(backend).await else { return };
    let olga = &scene.olga;
    let folder = scene.server.folder.path();
    let text = COSTLY.replace("FOLDER", folder.to_str().unwrap());
    let module = scene.folder("costly", &[("main.tf", &text)]);
    olga.ok(&["templates", "push", "costly", "--org", ORG, "-d", &module]).await;
    olga.ok(&["users", "create", "ana", "--email", "ana@example.com"]).await;
    olga.ok(&["members", "add", "ana", "--org", ORG]).await;
    olga.ok(&["quota", "set", "--group", "data-platform/everyone", "7"]).await;
    let ana = scene.server.terminal("ana");
    ana.ok(&["login", "--username", "ana"]).await;
    let quota = async || {
        let quota = ana.json(&["quota", "show", "ana", "--org", ORG]).await;
        ["budget", "used", "remaining"].map(|field| quota[field].as_i64().unwrap())
    };
    let made = |name: &str| folder.join(format!("made-{name}")).exists();

    ana.ok(&["workspaces", "create", "one", "-t", "costly"]).await;
    assert!(made("one"));
    assert_eq!(quota().await, [7, 5, 2]);

    // The second one is planned, and that is all.
    let said = ana.refused(8, &["workspaces", "create", "two", "-t", "costly"]).await;
    assert!(
        said.contains("it would cost 5 credits a day, and 5 of the 7 of the owner's budget are in use"),
        "{said}"
    );
    assert!(!made("two"));
    assert_eq!(quota().await, [7, 5, 2], "what was not applied uses nothing");
    let two = async || {
        let query = "{ workspaces(filter: { query: \"two\" }) { nodes { name status latestBuild {
            number dailyCost resources { address } quotaRefusal { scope budget used cost }
            job { state error { code message } }
        } } } }";
        let found = scene.ask_as("ana", query).await["workspaces"]["nodes"].clone();
        assert_eq!(found[0]["name"], "two", "{found:#}");
        found[0].clone()
    };
    let seen = two().await;
    let build = &seen["latestBuild"];
    assert_eq!((&seen["status"], &build["job"]["state"]), (&json!("FAILED"), &json!("FAILED")), "{seen:#}");
    assert_eq!(
        build["quotaRefusal"],
        json!({ "scope": "MEMBER", "budget": 7, "used": 5, "cost": 5 }),
        "{seen:#}"
    );
    assert_eq!(build["job"]["error"]["code"], "QUOTA_EXCEEDED", "{seen:#}");
    assert!(said.contains(build["job"]["error"]["message"].as_str().unwrap()), "{seen:#}\n{said}");
    assert_eq!((&build["dailyCost"], &build["resources"]), (&json!(0), &json!([])), "{seen:#}");
    let log = ana.ok(&["workspaces", "logs", "two"]).await.out;
    assert!(log.contains("The planned cost of a day is 5."), "{log}");
    assert!(!log.contains("Creating..."), "{log}");
    // Terraform never came to write a state.
    let states = "select count(*) from terraform_state s join workspace w on w.id = s.workspace_id where w.name = 'two'";
    let states = states.replace("count(*)", "cast(count(*) as text)");
    assert_eq!(scene.server.tables().texts(&states).await, ["0"]);

    // Once there is room for it, it is built.
    olga.ok(&["quota", "set", "--group", "data-platform/everyone", "10"]).await;
    ana.ok(&["workspaces", "start", "two"]).await;
    assert!(made("two"));
    assert_eq!(quota().await, [10, 10, 0]);
    let seen = two().await;
    assert_eq!((&seen["status"], &seen["latestBuild"]["quotaRefusal"]), (&json!("RUNNING"), &Value::Null));
    assert_eq!(seen["latestBuild"]["resources"][0]["address"], "terraform_data.machine", "{seen:#}");
}
