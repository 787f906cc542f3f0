//! A server without a socket, on a database of its own.

pub(crate) mod accounts;
pub(crate) mod calls;
pub(crate) mod daemon;
pub(crate) mod database;
pub(crate) mod process;
pub(crate) mod schema;
pub(crate) mod screen;
pub(crate) mod seed;
pub(crate) mod statements;
pub(crate) mod tables;
pub(crate) mod upload;
pub(crate) mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use chrono::{DateTime, Utc};
pub(crate) use database::Backend;
use guildhall::app::{App, Options};
use guildhall::clock::{Clock, Hand};
use guildhall::db::Settings;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

/// When every test begins.
pub(crate) fn start_of_time() -> DateTime<Utc> {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

/// A server on a database of its own.
pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) clock: Hand,
    /// Where its data is.
    pub(crate) settings: Settings,
    source: Clock,
    folder: Arc<tempfile::TempDir>,
}

/// Somebody signed in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) username: String,
    pub(crate) token: String,
}

/// An organization.
#[derive(Clone, Debug)]
pub(crate) struct Org {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A password that nobody has to remember.
pub(crate) const PASSWORD: &str = "correct horse battery";

static SEED: AtomicU64 = AtomicU64::new(1);

impl TestApp {
    /// A fresh server; `None`, said aloud, where the test run has no such database.
    pub(crate) async fn start(backend: Backend) -> Option<Self> {
        Self::with(backend, Options::default()).await
    }

    /// A fresh server with these options.
    pub(crate) async fn with(backend: Backend, options: Options) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let settings = database::create(backend, folder.path()).await?;
        let (clock, hand) = Clock::fixed(start_of_time(), SEED.fetch_add(1, Ordering::Relaxed));
        let app = App::open(folder.path(), &settings, clock.clone(), options).await.unwrap();
        Some(Self { app, clock: hand, settings, source: clock, folder: Arc::new(folder) })
    }

    /// Another server over the same database.
    pub(crate) async fn beside(&self) -> Self {
        let (settings, source, folder) = (self.settings.clone(), self.source.clone(), self.folder.clone());
        let app = App::open(folder.path(), &settings, source.clone(), Options::default()).await.unwrap();
        Self { app, clock: self.clock.clone(), settings, source, folder }
    }

    /// Where its keys are.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Sends a request; answers status and body. Outside GraphQL the id of each is the same, so that answers can be compared.
    pub(crate) async fn send(&self, mut request: Request<Body>) -> (StatusCode, Vec<u8>) {
        if request.uri().path() != "/graphql" {
            request.headers_mut().insert("x-request-id", header::HeaderValue::from_static("tests"));
        }
        let response = self.app.router().oneshot(request).await.unwrap();
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes().to_vec())
    }

    /// Sends an operation; answers the whole body.
    pub(crate) async fn graphql(&self, token: Option<&str>, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let mut request = Request::post("/graphql")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/graphql-response+json")
            .header(header::USER_AGENT, "guildhall-tests");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let (_, body) = self.send(request.body(Body::from(body)).unwrap()).await;
        serde_json::from_slice(&body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&body)))
    }

    /// Sends an operation that must succeed; answers its data.
    pub(crate) async fn ok(&self, person: &Person, query: &str, variables: Value) -> Value {
        let body = self.graphql(Some(&person.token), query, variables).await;
        assert!(body.get("errors").is_none(), "{query}\n{body:#}");
        body["data"].clone()
    }

    /// Sends a mutation of one field; answers its payload, which must have no user errors.
    pub(crate) async fn run(&self, person: &Person, mutation: &str, variables: Value) -> Value {
        let payload = self.payload(person, mutation, variables).await;
        assert_eq!(payload["userErrors"], json!([]), "{mutation}\n{payload:#}");
        payload
    }

    /// Sends a mutation of one field; answers its payload.
    pub(crate) async fn payload(&self, person: &Person, mutation: &str, variables: Value) -> Value {
        let data = self.ok(person, mutation, variables).await;
        let (_, payload) = data.as_object().unwrap().iter().next().unwrap();
        payload.clone()
    }

    /// The first user, an owner.
    pub(crate) async fn owner(&self) -> Person {
        let setup_token = self.app.setup_token().unwrap().expose_secret();
        let body = self
            .graphql(
                None,
                "mutation($input: CreateFirstUserInput!) {
                   createFirstUser(input: $input) { user { id username } token userErrors { message } }
                 }",
                json!({ "input": {
                    "setupToken": setup_token, "username": "olga-owner", "email": "olga@example.com",
                    "password": PASSWORD,
                } }),
            )
            .await;
        let payload = &body["data"]["createFirstUser"];
        assert_eq!(payload["userErrors"], json!([]), "{body:#}");
        person(payload)
    }

    /// A user with these site roles, signed in.
    pub(crate) async fn user(&self, owner: &Person, username: &str, site_roles: &[&str]) -> Person {
        self.run(
            owner,
            "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { message } } }",
            json!({ "input": {
                "username": username, "email": format!("{username}@example.com"), "password": PASSWORD,
                "siteRoles": site_roles,
            } }),
        )
        .await;
        self.sign_in(username).await
    }

    /// Signs somebody in.
    pub(crate) async fn sign_in(&self, username: &str) -> Person {
        let query = "mutation($input: SignInInput!) {
            signIn(input: $input) { user { id username } token userErrors { message } }
        }";
        let variables = json!({ "input": { "login": username, "password": PASSWORD } });
        let body = self.graphql(None, query, variables).await;
        assert_eq!(body["data"]["signIn"]["userErrors"], json!([]), "{body:#}");
        person(&body["data"]["signIn"])
    }

    /// An organization whose first administrator is `owner`.
    pub(crate) async fn organization(&self, owner: &Person, name: &str) -> Org {
        let payload = self
            .run(
                owner,
                "mutation($input: CreateOrganizationInput!) {
                   createOrganization(input: $input) { organization { id name } userErrors { message } }
                 }",
                json!({ "input": { "name": name } }),
            )
            .await;
        let text = |field: &str| payload["organization"][field].as_str().unwrap().to_owned();
        Org { id: text("id"), name: text("name") }
    }

    /// Makes somebody a member with these roles.
    pub(crate) async fn join(&self, admin: &Person, org: &Org, person: &Person, roles: &[&str]) {
        let payload = self
            .run(
                admin,
                "mutation($input: AddMembersInput!) {
                   addMembers(input: $input) { results { userErrors { message } } userErrors { message } }
                 }",
                json!({ "input": {
                    "organizationId": org.id, "members": [{ "userId": person.id, "roles": roles }],
                } }),
            )
            .await;
        assert_eq!(payload["results"], json!([{ "userErrors": [] }]));
    }

    /// A new user who is a member of the organization with these roles.
    pub(crate) async fn member_of(
        &self,
        owner: &Person,
        org: &Org,
        username: &str,
        roles: &[&str],
    ) -> Person {
        let person = self.user(owner, username, &[]).await;
        self.join(owner, org, &person, roles).await;
        person
    }
}

fn person(payload: &Value) -> Person {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Person {
        id: text(&payload["user"]["id"]),
        username: text(&payload["user"]["username"]),
        token: text(&payload["token"]),
    }
}
