//! What the client makes of the answers that servers give, and of those they should not give.
#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod server;
mod transfer;

use std::time::Duration;

use guildhall_client::organization::CreateOrganizationInput;
use guildhall_client::permission::Resource;
use guildhall_client::provisioner_job::ProvisionerJobState;
use guildhall_client::{Client, ClientError, Id, Page, Retry, UserError, UserErrorCode};
use serde_json::json;
use server::{Answer, Server};

const QUICK: Retry =
    Retry { attempts: 3, first_wait: Duration::from_millis(1), longest_wait: Duration::from_millis(2) };

const DEPLOYMENT: &str = r#"{"data":{"deployment":{"version":"0.1.0","setupRequired":true}}}"#;

fn client(server: &Server) -> Client {
    Client::new(&server.url).unwrap().with_token("a-token".to_owned().into())
}

fn named(name: &str) -> CreateOrganizationInput {
    CreateOrganizationInput {
        name: name.to_owned(),
        display_name: None,
        description: None,
        icon: None,
        idempotency_key: None,
    }
}

#[tokio::test]
async fn an_operation_says_who_asks_and_what_it_accepts() {
    let server = Server::answering([Answer::graphql(200, DEPLOYMENT)]).await;
    let deployment = client(&server).deployment().await.unwrap();
    assert!(deployment.setup_required);

    let requests = server.requests();
    let head = &requests[0].head;
    for line in [
        "post /graphql http/1.1",
        "authorization: bearer a-token",
        "accept: application/graphql-response+json",
        "content-type: application/json",
        concat!("user-agent: guildhall-cli/", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(head.lines().any(|one| one == line), "{line:?} is not in\n{head}");
    }
    let body: serde_json::Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!(body["operationName"], "DeploymentStatus");
}

#[tokio::test]
async fn absent_input_fields_are_left_out_instead_of_sent_as_null() {
    let refusal = json!({"data": {"createOrganization": {"organization": null, "userErrors": [
        {"__typename": "NameTaken", "message": "taken", "code": "NAME_TAKEN", "field": ["input", "name"]},
    ]}}});
    let server = Server::answering([Answer::graphql(200, &refusal.to_string())]).await;
    let error = client(&server).create_organization(named("data")).await.unwrap_err();
    assert_eq!(error.to_string(), "name: taken");

    let body: serde_json::Value = serde_json::from_str(&server.requests()[0].body).unwrap();
    assert_eq!(body["variables"], json!({"input": {"name": "data"}}));
}

#[tokio::test]
async fn user_errors_keep_what_helps_and_survive_unknown_kinds() {
    let refusal = json!({"data": {"createOrganization": {"organization": null, "userErrors": [
        {"__typename": "MissingPermissions", "message": "no", "code": "MISSING_PERMISSIONS", "field": null,
         "permissions": ["ROLE_ASSIGN", "A_PERMISSION_OF_TOMORROW"]},
        {"__typename": "QuotaOfTomorrow", "message": "too much", "code": "QUOTA_EXCEEDED", "field": ["input"]},
        {"__typename": "NotFound", "message": "gone", "code": "NOT_FOUND", "field": ["input", "userIds", "0"]},
    ]}}});
    let server = Server::answering([Answer::graphql(200, &refusal.to_string())]).await;
    let error = client(&server).create_organization(named("data")).await.unwrap_err();
    let ClientError::Refused(errors) = error else { panic!("{error}") };
    assert!(matches!(&errors[0], UserError::MissingPermissions(_)));
    assert_eq!(errors[0].to_string(), "no (missing: ROLE_ASSIGN, A_PERMISSION_OF_TOMORROW)");
    assert_eq!(errors[1].code(), &UserErrorCode::Other("QUOTA_EXCEEDED".to_owned()));
    assert_eq!(errors[1].to_string(), "too much");
    assert_eq!(errors[2].code(), &UserErrorCode::NotFound);
    assert_eq!(errors[2].field().as_deref(), Some("userIds.0"));
}

#[tokio::test]
async fn graphql_errors_keep_their_code_path_and_requirement() {
    let body = json!({
        "data": {"deployment": null},
        "errors": [{
            "message": "you may not",
            "path": ["organization", "members", 3, "user"],
            "extensions": {"code": "FORBIDDEN", "requestId": "r-1", "tomorrow": [1],
                           "requires": {"resource": "PROVISIONER_KEY", "action": "READ"}},
        }],
    });
    let server = Server::answering([Answer::graphql(200, &body.to_string())]).await;
    let error = client(&server).deployment().await.unwrap_err();
    assert_eq!(error.code(), Some("FORBIDDEN"));
    let ClientError::GraphQl(errors) = error else { panic!("{error}") };
    assert_eq!(errors[0].path.as_deref(), Some("organization.members.3.user"));
    assert_eq!(errors[0].requires.as_deref(), Some("PROVISIONER_KEY_READ"));
    assert_eq!(errors[0].request_id.as_deref(), Some("r-1"));
    assert_eq!(errors[0].to_string(), "you may not (requires PROVISIONER_KEY_READ)");
}

#[tokio::test]
async fn a_refused_token_is_a_graphql_error_whatever_the_status() {
    let body = json!({"errors": [{"message": "expired", "extensions": {"code": "UNAUTHENTICATED"}}]});
    let server = Server::answering([Answer::graphql(401, &body.to_string())]).await;
    assert_eq!(client(&server).deployment().await.unwrap_err().code(), Some("UNAUTHENTICATED"));
}

#[tokio::test]
async fn what_is_no_answer_of_the_api_is_described() {
    let server = Server::answering([
        Answer::new(200, "text/html", "<h1>Hello</h1>"),
        Answer::new(200, "application/json", "{\"hello\": 1}"),
        Answer::graphql(200, r#"{"data": {"deployment": {"version": 3}}}"#),
    ])
    .await;
    for _ in 0..3 {
        let error = client(&server).deployment().await.unwrap_err();
        let ClientError::Unexpected { url, status, .. } = &error else { panic!("{error}") };
        assert_eq!((url.as_str(), *status), (format!("{}/graphql", server.url).as_str(), 200));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_because_it_would_carry_the_token_away() {
    let elsewhere = Server::answering([Answer::graphql(200, DEPLOYMENT)]).await;
    let head = format!("HTTP/1.1 307 x\r\nlocation: {}/graphql\r\n", elsewhere.url);
    let server = Server::answering([Answer::Whole { head, body: String::new() }]).await;
    let error = client(&server).deployment().await.unwrap_err();
    assert!(matches!(error, ClientError::Unexpected { status: 307, .. }), "{error}");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    // Bound and dropped: nobody listens on that port now.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Client::new(&url).unwrap().with_retry(QUICK).deployment().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { connected: false, .. }), "{error:?}");
    assert!(error.to_string().contains(&url), "{error}");
    assert!(error.to_string().to_lowercase().contains("refused"), "{error}");
}

#[tokio::test]
async fn only_what_may_happen_twice_is_repeated_after_the_server_has_seen_it() {
    let busy = || Answer::new(503, "text/plain", "busy");
    let server = Server::answering([Answer::Hangup, busy(), Answer::graphql(200, DEPLOYMENT)]).await;
    assert!(client(&server).with_retry(QUICK).deployment().await.is_ok());
    assert_eq!(server.requests().len(), 3);

    let server = Server::answering([Answer::Hangup, busy()]).await;
    let error = client(&server).with_retry(QUICK).create_organization(named("data")).await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { connected: true, .. }), "{error:?}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn patience_ends() {
    let busy = || Answer::new(503, "text/plain", "busy");
    let server = Server::answering([busy(), busy(), busy(), busy()]).await;
    let error = client(&server).with_retry(QUICK).deployment().await.unwrap_err();
    assert!(matches!(error, ClientError::Unexpected { status: 503, .. }), "{error}");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn null_is_a_missing_thing() {
    let server = Server::answering([Answer::graphql(200, r#"{"data":{"organization":null}}"#)]).await;
    let error = client(&server).organization("web").await.unwrap_err();
    assert!(
        matches!(&error, ClientError::NotFound { kind: "organization", name } if name == "web"),
        "{error}"
    );
}

#[tokio::test]
async fn a_node_of_another_kind_is_a_missing_thing() {
    let server =
        Server::answering([Answer::graphql(200, r#"{"data":{"node":{"__typename":"User"}}}"#)]).await;
    let error = client(&server).job_progress(&Id::new("usr_1"), None).await.unwrap_err();
    assert!(matches!(error, ClientError::NotFound { kind: "job", .. }), "{error}");
}

#[tokio::test]
async fn a_job_in_a_state_of_tomorrow_is_neither_lost_nor_final() {
    let body = json!({"data": {"node": {
        "__typename": "ProvisionerJob", "state": "ON_HOLD", "error": null, "pendingReason": null,
        "logs": {"nodes": [], "pageInfo": {"hasNextPage": false, "endCursor": null}},
    }}});
    let server = Server::answering([Answer::graphql(200, &body.to_string())]).await;
    let progress = client(&server).job_progress(&Id::new("job_1"), None).await.unwrap();
    assert_eq!(progress.state, ProvisionerJobState::Other("ON_HOLD".to_owned()));
    assert!(!progress.state.is_final());
}

#[tokio::test]
async fn pages_are_read_until_the_last_one_or_the_limit() {
    let page = |after: Option<String>| {
        let number = after.map_or(0, |cursor| cursor.parse::<u32>().unwrap() + 1);
        Ok(Page { nodes: vec![number], has_next: number < 4, end_cursor: Some(number.to_string()) })
    };
    assert_eq!(Page::all(usize::MAX, async |after| page(after)).await.unwrap(), [0, 1, 2, 3, 4]);
    assert_eq!(Page::all(2, async |after| page(after)).await.unwrap(), [0, 1]);

    let endless = async |_| Ok(Page { nodes: vec![1], has_next: true, end_cursor: None });
    assert_eq!(Page::all(usize::MAX, endless).await.unwrap(), [1]);
}

#[tokio::test]
async fn a_document_from_outside_gets_the_whole_response() {
    let body = r#"{"errors":[{"message":"no such field"}],"data":null}"#;
    let server = Server::answering([Answer::graphql(400, body)]).await;
    let variables = serde_json::Map::from_iter([("first".to_owned(), json!(5))]);
    let response = client(&server).run_text("query($first: Int) { a }", &variables).await.unwrap();
    assert_eq!(response.to_string(), body);
    assert!(server.requests()[0].body.contains(r#""variables":{"first":5}"#));
}

/// Whatever the values are, the text is the one of the list, by which a server may know it.
#[tokio::test]
async fn what_is_sent_is_a_document_of_the_list() {
    let server = Server::answering((0..5).map(|_| Answer::Hangup)).await;
    let (client, id) = (client(&server), Id::new("id"));
    client.deployment().await.unwrap_err();
    client.touch_workspace(&id).await.unwrap_err();
    client.create_organization(named("acme")).await.unwrap_err();
    for (resources, after) in
        [(Vec::new(), None), (vec![Resource("GROUP".to_owned())], Some("cursor".to_owned()))]
    {
        let told = |_: &_| Ok::<_, ClientError>(true);
        client.organization_events(&id, resources, after, told).await.unwrap_err();
    }

    let documents = guildhall_client::documents();
    let requests = server.requests();
    assert_eq!(requests.len(), 5);
    for request in requests {
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        assert!(documents.iter().any(|document| body["query"] == **document), "{body:#}");
    }
}
