//! Sessions and API tokens of people.

use serde_json::{Value, json};

use super::{Person, TestApp};

impl TestApp {
    /// The id of the session in use.
    pub(crate) async fn session(&self, person: &Person) -> String {
        let query = "{ viewer { sessions { nodes { id isCurrent } } } }";
        let data = self.ok(person, query, json!({})).await;
        let sessions = data["viewer"]["sessions"]["nodes"].as_array().unwrap();
        let current: Vec<_> = sessions.iter().filter(|session| session["isCurrent"] == true).collect();
        assert_eq!(current.len(), 1, "{data:#}");
        current[0]["id"].as_str().unwrap().to_owned()
    }

    /// Creates an API token; answers its id, and its user as somebody who carries it.
    pub(crate) async fn api_token(&self, person: &Person, input: Value) -> (String, Person) {
        let selection = "apiToken { id user { id username } } secret";
        let made = self.done(&person.token, "createApiToken", selection, input).await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let token = &made["apiToken"];
        let (id, username) = (text(&token["user"]["id"]), text(&token["user"]["username"]));
        (text(&token["id"]), Person { id, username, token: text(&made["secret"]) })
    }
}
