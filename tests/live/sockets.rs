//! A socket outlives what its holder may do: every operation on it is of whom they are when they ask.

use axum::Router;
use futures_util::{SinkExt as _, StreamExt as _};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::PATIENCE;
use crate::support::calls::code;
use crate::support::{Backend, TestApp};

/// A server on a port of its own.
struct Serving {
    url: String,
    task: JoinHandle<()>,
}

impl Serving {
    #[expect(clippy::disallowed_methods, reason = "it is ended when it is dropped")]
    async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/graphql", listener.local_addr().unwrap());
        Self { url, task: tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }) }
    }

    async fn socket(&self, token: &str) -> Socket {
        let mut request = self.url.as_str().into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        let mut socket = Socket(connect_async(request).await.unwrap().0);
        let payload = json!({ "authorization": format!("Bearer {token}") });
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.next().await["type"], "connection_ack");
        socket
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn next(&mut self) -> Value {
        loop {
            match timeout(PATIENCE, self.0.next()).await.unwrap().unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => panic!("closed: {frame:?}"),
                _ => {}
            }
        }
    }

    /// What the only field of an operation is answered, or the errors of one that was refused.
    async fn ask(&mut self, query: &str, variables: Value) -> Value {
        let payload = json!({ "query": query, "variables": variables });
        self.send(json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
        let message = self.next().await;
        match message["type"].as_str().unwrap() {
            "next" => {
                assert_eq!(self.next().await["type"], "complete");
                message["payload"].clone()
            }
            _ => json!({ "errors": message["payload"] }),
        }
    }
}

const CREATE_USER: &str = "mutation($input: CreateUserInput!) {
    createUser(input: $input) { user { id } userErrors { code } }
}";
const CREATE_GROUP: &str = "mutation($input: CreateGroupInput!) {
    createGroup(input: $input) { group { id } userErrors { code } }
}";

#[rstest]
#[tokio::test]
async fn who_was_demoted_is_refused_on_the_socket_they_had(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let rika = app.user(&owner, "rika", &["owner"]).await;
    let serving = Serving::start(app.app.router()).await;
    let mut socket = serving.socket(&rika.token).await;
    let new = |name: &str| json!({ "input": { "username": name, "email": format!("{name}@example.com"), "password": "a long enough password" } });
    let made = socket.ask(CREATE_USER, new("ada")).await;
    assert!(made["data"]["createUser"]["user"]["id"].is_string(), "{made:#}");
    app.done(&owner.token, "setUserSiteRoles", "", json!({ "userId": rika.id, "siteRoles": [] })).await;
    let refused = socket.ask(CREATE_USER, new("eve")).await;
    assert_eq!(code(&refused), "FORBIDDEN", "{refused:#}");
    let query = "{ users { totalCount } }";
    let counted = app.ok(&owner, query, json!({})).await["users"]["totalCount"].clone();
    assert_eq!(counted, 3);
    assert_ne!(socket.ask(query, json!({})).await["data"]["users"]["totalCount"], counted);
}

#[rstest]
#[tokio::test]
async fn who_was_removed_sees_and_changes_nothing_on_the_socket_they_had(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let org = app.organization(&owner, "alpha").await;
    let mina = app.member_of(&owner, &org, "mina", &["organization-admin"]).await;
    let serving = Serving::start(app.app.router()).await;
    let mut socket = serving.socket(&mina.token).await;
    let group = |name: &str| json!({ "input": { "organizationId": org.id, "name": name } });
    let made = socket.ask(CREATE_GROUP, group("devs")).await;
    assert!(made["data"]["createGroup"]["group"]["id"].is_string(), "{made:#}");
    let left = json!({ "organizationId": org.id, "userId": mina.id });
    app.done(&owner.token, "removeMember", "removedUserId", left).await;
    let same = app.graphql(Some(&mina.token), CREATE_GROUP, group("ops")).await;
    let refused = socket.ask(CREATE_GROUP, group("ops")).await;
    let said = |answer: &Value| (answer["data"].clone(), answer["errors"][0]["extensions"]["code"].clone());
    assert_eq!(said(&refused), said(&same), "{refused:#}");
    let named = "select count(*) || '' from \"group\" where name = 'ops'";
    assert_eq!(app.tables().texts(named).await, ["0"], "{refused:#}");
    let query = "query($id: ID!) { organization(by: { id: $id }) { groups { nodes { name } } } }";
    let seen = socket.ask(query, json!({ "id": org.id })).await;
    assert_eq!(seen["data"], json!({ "organization": null }), "{seen:#}");
}

#[rstest]
#[tokio::test]
async fn who_signed_out_is_nobody_on_the_socket_they_had(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(app) = TestApp::start(backend).await else { return };
    let owner = app.owner().await;
    let serving = Serving::start(app.app.router()).await;
    let mut socket = serving.socket(&owner.token).await;
    let query = "{ viewer { __typename } }";
    assert!(socket.ask(query, json!({})).await["data"]["viewer"].is_object());
    app.graphql(Some(&owner.token), "mutation { signOut { userErrors { code } } }", json!({})).await;
    let refused = socket.ask(query, json!({})).await;
    assert_eq!(code(&refused), "UNAUTHENTICATED", "{refused:#}");
}
