//! Methods, media types, statuses, headers.

use axum::body::Body;
use http::{Request, StatusCode, header};
use serde_json::json;

use crate::client::{NEW, OLD, get, post, query, router, send};

#[tokio::test]
async fn a_query_is_answered() {
    let reply = query(&router(), "query A { hello }").await;
    assert_eq!((reply.status, reply.text.as_str()), (StatusCode::OK, r#"{"data":{"hello":"world"}}"#));
    assert_eq!(reply.header("content-type"), "application/graphql-response+json; charset=utf-8");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.header("vary"), "accept");
    assert_eq!(reply.header("x-query-cost"), "1");
    assert_eq!(reply.header("x-request-id").len(), 32);
}

#[tokio::test]
async fn a_request_error_is_4xx_without_data_or_200_by_the_old_media_type() {
    let router = router();
    for (text, code) in [("{", "GRAPHQL_PARSE_FAILED"), ("{ nope }", "GRAPHQL_VALIDATION_FAILED")] {
        let reply = query(&router, text).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::BAD_REQUEST, code));
        assert!(reply.json().get("data").is_none());
        assert!(reply.json()["errors"][0]["locations"][0]["line"].is_number());
        let mut request = post(json!({"query": text}).to_string());
        request.headers_mut().insert(header::ACCEPT, OLD.parse().unwrap());
        let reply = send(&router, request).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (StatusCode::OK, "application/json; charset=utf-8")
        );
        assert!(reply.json().get("data").is_none());
    }
}

#[tokio::test]
async fn the_clients_request_id_comes_back_in_header_and_errors() {
    let mut request = post(r#"{"query":"{ nope }"}"#);
    request.headers_mut().insert("x-request-id", "my-id.1".parse().unwrap());
    let reply = send(&router(), request).await;
    assert_eq!(reply.header("x-request-id"), "my-id.1");
    assert_eq!(reply.json()["errors"][0]["extensions"]["requestId"], "my-id.1");
}

#[tokio::test]
async fn methods_are_get_and_post() {
    let router = router();
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let request = Request::builder().method(method).uri("/graphql").body(Body::empty()).unwrap();
        let reply = send(&router, request).await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD, POST")
        );
        assert_eq!(reply.code(), "BAD_REQUEST");
    }
    let mut head = get("query=%7Bhello%7D");
    *head.method_mut() = http::Method::HEAD;
    let reply = send(&router, head).await;
    assert_eq!((reply.status, reply.text.as_str()), (StatusCode::OK, ""));
    let reply = send(&router, get("query=mutation%7Bwrite%7Bid%7D%7D")).await;
    assert_eq!((reply.status, reply.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    let reply = send(
        &router,
        get("query=query+A%7Ba:hello%7D+query+B%7Bb:hello%7D&operationName=B&variables=&extensions="),
    )
    .await;
    assert_eq!(reply.text, r#"{"data":{"b":"world"}}"#);
    let reply = send(&router, get("query=subscription%7Bticks(count:1)%7D")).await;
    assert_eq!(reply.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn bodies_are_json() {
    let router = router();
    for content_type in [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin1",
    ] {
        let mut request = post(r#"{"query":"{hello}"}"#);
        request.headers_mut().insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        let reply = send(&router, request).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_REQUEST"),
            "{content_type}"
        );
    }
    for body in [
        "",
        "nonsense",
        "[]",
        r#"[{"query":"{hello}"}]"#,
        "{}",
        r#"{"query":7}"#,
        r#"{"query":"{hello}","variables":[]}"#,
    ] {
        let reply = send(&router, post(body)).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::BAD_REQUEST, "BAD_REQUEST"), "{body}");
        assert!(reply.json().get("data").is_none());
    }
    let reply = send(&router, post(vec![b'{', b'"', 0xff, 0xfe])).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn too_much_is_refused_by_its_kind() {
    let router = router();
    let reply =
        send(&router, post(format!(r#"{{"query":"{{hello}}","x":"{}"}}"#, "x".repeat(1 << 20)))).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "DOCUMENT_TOO_LARGE"));
    let reply = send(&router, get(&format!("query={}", "a".repeat(20_000)))).await;
    assert_eq!(reply.status, StatusCode::URI_TOO_LONG);
    let reply = query(&router, &format!("{{ hello }} # {}", "x".repeat(100_000))).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "DOCUMENT_TOO_LARGE"));
}

#[tokio::test]
async fn nothing_acceptable_is_406_and_browsers_get_the_page() {
    let router = router();
    let request = |accept: &str, query: &str| {
        Request::get(format!("/graphql{query}")).header(header::ACCEPT, accept).body(Body::empty()).unwrap()
    };
    assert_eq!(
        send(&router, request("image/png", "?query={hello}")).await.status,
        StatusCode::NOT_ACCEPTABLE
    );
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    assert!(send(&router, request(browser, "")).await.text.contains("<title>page"));
    assert!(send(&router, request("text/html", "")).await.text.contains("<title>page"));
    assert_eq!(send(&router, request(browser, "?query={hello}")).await.text, r#"{"data":{"hello":"world"}}"#);
    assert_eq!(
        send(&router, request(browser, "?%71uery={hello}")).await.text,
        r#"{"data":{"hello":"world"}}"#
    );
    let reply = send(&router, request(NEW, "?query={hello}&%71uery={meta}")).await;
    assert_eq!((reply.code().as_str(), reply.message().contains("more than once")), ("BAD_REQUEST", true));
    assert_eq!(send(&router, request(NEW, "")).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn tokens_are_checked_before_anything_is_run() {
    let router = router();
    let with = |token: &str| {
        let mut request = post(r#"{"query":"{ secret }"}"#);
        request.headers_mut().insert(header::AUTHORIZATION, token.parse().unwrap());
        request
    };
    assert_eq!(send(&router, with("Bearer good")).await.text, r#"{"data":{"secret":"42"}}"#);
    for bad in ["Bearer not.a.token", "Basic abc", "good", "Bearer "] {
        let reply = send(&router, with(bad)).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
            "{bad}"
        );
        assert!(reply.header("www-authenticate").starts_with("Bearer"));
    }
    let reply = send(&router, post(r#"{"query":"{ secret }"}"#)).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::OK, "UNAUTHENTICATED"));
}

#[tokio::test]
async fn large_answers_are_compressed_and_small_ones_are_not() {
    let router = router();
    for (bytes, encoding) in [(10, ""), (50_000, "gzip")] {
        let mut request = post(format!(r#"{{"query":"{{ big(bytes: {bytes}) }}"}}"#));
        request.headers_mut().insert(header::ACCEPT_ENCODING, "gzip".parse().unwrap());
        let response = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
        assert_eq!(
            response.headers().get(header::CONTENT_ENCODING).map_or("", |value| value.to_str().unwrap()),
            encoding
        );
        let vary: Vec<_> = response.headers().get_all(header::VARY).iter().collect();
        assert!(vary.iter().any(|value| value.as_bytes().eq_ignore_ascii_case(b"accept")), "{vary:?}");
    }
}

#[tokio::test]
async fn an_answer_whose_coding_cannot_be_had_is_sent_uncoded() {
    let router = router();
    let ask = async |accept_encoding: &str, query: &str, bytes: i32| {
        let mut request = post(format!(r#"{{"query":"{query}","variables":{{"bytes":{bytes}}}}}"#));
        request.headers_mut().insert(header::ACCEPT_ENCODING, accept_encoding.parse().unwrap());
        let response = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
        let coding = response.headers().get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap());
        (response.status(), coding.unwrap_or_default().to_owned())
    };
    for accept_encoding in [
        "identity;q=0",
        "*;q=0",
        "gzip;q=0, identity;q=0",
        "identity; Q=0.000 , *;q=0.",
        "deflate, *;q=0",
        "br;q=0, gzip;q=0, identity;q=0, *",
    ] {
        for (query, bytes) in [
            ("mutation { write { id } }", 0),
            ("query Q($bytes: Int!) { big(bytes: $bytes) }", 10),
            ("query Q($bytes: Int!) { big(bytes: $bytes) }", 50_000),
        ] {
            let answer = ask(accept_encoding, query, bytes).await;
            assert_eq!(answer, (StatusCode::OK, String::new()), "{accept_encoding} {query} {bytes}");
        }
    }
    let refused = ask("identity;q=0", "{", 0).await;
    assert_eq!(refused, (StatusCode::BAD_REQUEST, String::new()));
    for (accept_encoding, coding) in [
        ("gzip, identity;q=0", "gzip"),
        ("gzip, *;q=0", "gzip"),
        ("gzip;q=0, identity;q=0, *", "br"),
        ("identity, *;q=0", ""),
        ("identity;q=0.5, gzip;q=0.1", ""),
    ] {
        let answer = ask(accept_encoding, "query Q($bytes: Int!) { big(bytes: $bytes) }", 50_000).await;
        assert_eq!(answer, (StatusCode::OK, coding.to_owned()), "{accept_encoding}");
    }
}
