//! Files, up and down.

use guildhall_client::{Client, ClientError};
use serde_json::json;

use crate::client;
use crate::server::{Answer, Server};

#[tokio::test]
async fn a_file_is_sent_as_it_is_with_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("template.tar.gz");
    let content = "x".repeat(300_000);
    std::fs::write(&path, &content).unwrap();
    let answer = json!({"id": "file_1", "sha256": "ab", "size": 300_000}).to_string();
    let server = Server::answering([Answer::new(201, "application/json", &answer)]).await;
    let file = client(&server).upload_file(&path, "application/gzip").await.unwrap();
    assert_eq!((file.id.inner(), file.sha256.as_str(), file.size), ("file_1", "ab", 300_000));

    let request = &server.requests()[0];
    assert!(request.head.starts_with("put /files http/1.1"), "{}", request.head);
    for line in ["content-length: 300000", "content-type: application/gzip", "authorization: bearer a-token"]
    {
        assert!(request.head.lines().any(|one| one == line), "{line:?} is not in\n{}", request.head);
    }
    assert!(request.body == content);
}

#[tokio::test]
async fn a_refused_upload_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("template.tar.gz");
    std::fs::write(&path, "x").unwrap();
    let body = json!({"errors": [{"message": "at most 100 MiB", "extensions": {"code": "BAD_REQUEST"}}]});
    let server = Server::answering([Answer::graphql(413, &body.to_string())]).await;
    let error = client(&server).upload_file(&path, "application/gzip").await.unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (Some("BAD_REQUEST"), "at most 100 MiB"));

    let error =
        client(&server).upload_file(&folder.path().join("none"), "application/gzip").await.unwrap_err();
    assert!(matches!(&error, ClientError::Io { path, .. } if path.ends_with("none")), "{error}");
}

#[tokio::test]
async fn a_download_uses_the_token_it_is_given() {
    let server = Server::answering([Answer::new(200, "application/gzip", "archive")]).await;
    let mut sink = Vec::new();
    let token = "job-token".to_owned().into();
    let received = client(&server).download("/files/file_1", Some(&token), 100, &mut sink).await.unwrap();
    assert_eq!((received, sink.as_slice()), (7, b"archive".as_slice()));
    let head = &server.requests()[0].head;
    assert!(head.starts_with("get /files/file_1 http/1.1"), "{head}");
    assert!(head.contains("authorization: bearer job-token") && !head.contains("a-token"), "{head}");
}

#[tokio::test]
async fn a_download_stops_at_its_limit_announced_or_not() {
    let announced = Answer::new(200, "application/gzip", "more than five");
    let head = "HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\nx-".to_owned();
    let unannounced = Answer::Whole { head, body: "4\r\nmore\r\n4\r\nthan\r\n0\r\n\r\n".to_owned() };
    let server = Server::answering([announced, unannounced]).await;
    for _ in 0..2 {
        let mut sink = Vec::new();
        let error = client(&server).download("files/file_1", None, 5, &mut sink).await.unwrap_err();
        assert!(matches!(error, ClientError::TooLarge { limit: 5, .. }), "{error}");
        assert!(sink.len() <= 5);
    }
}

#[tokio::test]
async fn a_path_to_another_host_gets_neither_a_request_nor_the_token() {
    let other = Server::answering([Answer::new(200, "application/gzip", "x")]).await;
    let client = Client::new("http://127.0.0.1:1").unwrap().with_token("a-token".to_owned().into());
    let path = format!("{}/files/file_1", other.url);
    let error = client.download(&path, None, 100, &mut Vec::new()).await.unwrap_err();
    assert!(matches!(error, ClientError::InvalidUrl { .. }), "{error}");
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_missing_file_is_told_as_the_api_tells_it() {
    let body = json!({"errors": [{"message": "no such file", "extensions": {"code": "NOT_FOUND"}}]});
    let server = Server::answering([Answer::graphql(404, &body.to_string())]).await;
    let error = client(&server).download("files/file_1", None, 100, &mut Vec::new()).await.unwrap_err();
    assert_eq!(error.code(), Some("NOT_FOUND"));
}
