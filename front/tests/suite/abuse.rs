//! Documents and bodies made to hurt: each is answered soon, well-formed, and the next request is served.

use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::json;

use crate::client::{post, query, router, send};

#[tokio::test]
async fn hostile_documents_are_refused_at_once() {
    let router = router();
    let bomb = |spreads: usize| {
        let mut text = "{ person { ...F0 } } ".to_owned();
        for level in 0..60 {
            text += &format!(
                "fragment F{level} on Person {{ {} }} ",
                format!("...F{} ", level + 1).repeat(spreads)
            );
        }
        text + "fragment F60 on Person { id }"
    };
    let nested_bomb = {
        let mut text = "{ person { ...F0 } } ".to_owned();
        for level in 0..25 {
            text += &format!(
                "fragment F{level} on Person {{ a: friend {{ ...F{n} }} b: friend {{ ...F{n} }} }} ",
                n = level + 1
            );
        }
        text + "fragment F25 on Person { id }"
    };
    let brackets = |n: usize| format!("{{ sum(numbers: {}{}) }}", "[".repeat(n), "]".repeat(n));
    let documents = [
        ("brackets", brackets(1_500)),
        ("open brackets", "{a".repeat(1_500)),
        ("braces of an object", format!("{{ json(value: {}1{}) }}", "{a:".repeat(600), "}".repeat(600))),
        ("a type", format!("query($a: {}Int{}) {{ hello }}", "[".repeat(900), "]".repeat(900))),
        ("fragments that spread the next twice", nested_bomb),
        ("aliases", format!("{{ {} }}", (0..500).map(|n| format!("a{n}: hello ")).collect::<String>())),
        ("copies", format!("{{ {} }}", "hello ".repeat(1_500))),
        ("directives", format!("{{ hello {} }}", "@skip(if: false) ".repeat(200))),
        ("unknown directives", format!("{{ hello {} }}", "@a ".repeat(900))),
        ("depth", format!("{{ person {} id {} }}", "{ friend ".repeat(60), "}".repeat(60))),
        ("inline fragments", format!("{{ {} hello {} }}", "... { ".repeat(64), "}".repeat(64))),
        (
            "a chain of fragments",
            (0..150).fold("{ ...F0 }".to_owned(), |text, n| {
                text + &format!("fragment F{n} on Query {{ ...F{} }}", n + 1)
            }) + "fragment F150 on Query { hello }",
        ),
        (
            "a circle of fragments",
            "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }".to_owned(),
        ),
        ("operations", (0..300).map(|n| format!("query A{n} {{ hello }} ")).collect()),
        (
            "variables",
            format!("query({}) {{ hello }}", (0..380).map(|n| format!("$a{n}: Int ")).collect::<String>()),
        ),
        ("an unterminated string", format!("{{ echo(text: \"{}", "x".repeat(50_000))),
        ("quotes", "\"".repeat(50_001)),
        ("a NUL", "{ hello \0 }".to_owned()),
        ("emoji", "🏃".repeat(20_000)),
        ("commas", ",".repeat(99_000)),
        ("comments", "#\n".repeat(49_000)),
        ("a long name", "a".repeat(99_000)),
    ];
    for (name, text) in documents {
        let started = Instant::now();
        let reply = query(&router, &text).await;
        let elapsed = started.elapsed();
        assert!(reply.status.is_client_error(), "{name}: {} {}", reply.status, reply.text);
        assert_ne!(reply.code(), "-", "{name}: {}", reply.text);
        assert!(reply.text.len() < 20_000, "{name}: {} bytes", reply.text.len());
        assert!(elapsed < Duration::from_secs(2), "{name}: {elapsed:?}");
    }
    // Spreads that add nothing are no bomb: measured once, merged into one field.
    let reply = query(&router, &bomb(2)).await;
    assert!(reply.status.is_client_error() || reply.status == StatusCode::OK);
    assert_eq!(query(&router, "{ hello }").await.status, StatusCode::OK);
}

#[tokio::test]
async fn merging_many_fields_is_bounded() {
    let router = router();
    // Many pairs of overlapping fields under one another.
    let mut text = "id".to_owned();
    for _ in 0..8 {
        text = format!("friend {{ {text} }} friend {{ {text} }}");
    }
    let started = Instant::now();
    query(&router, &format!("{{ person {{ {text} }} }}")).await;
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn hostile_variables_are_refused() {
    let router = router();
    let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let body = format!(r#"{{"query":"query($v: JSON!) {{ json(value: $v) }}","variables":{{"v":{deep}}}}}"#);
    assert_eq!(send(&router, post(body)).await.status, StatusCode::BAD_REQUEST);
    let body = json!({"query": "query($v: JSON!) { json(value: $v) }", "variables": {"v": {"a": "\u{0}"}}});
    assert_eq!(send(&router, post(body.to_string())).await.code(), "BAD_USER_INPUT");
    let long = format!(
        r#"{{"query":"query($n: [Int!]!) {{ sum(numbers: $n) }}","variables":{{"n":[{}"x"]}}}}"#,
        "1,".repeat(200_000)
    );
    let reply = send(&router, post(long)).await;
    assert_eq!((reply.code().as_str(), reply.text.len() < 1_000), ("BAD_USER_INPUT", true));
}
