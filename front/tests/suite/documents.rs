//! What validation lets through and what it refuses, where executors are known to differ from the specification.

use serde_json::{Value, json};

use crate::client::{query, query_with, router};

/// Code of the first error, or `OK`.
async fn verdict(text: &str, variables: Value) -> String {
    let reply = query_with(&router(), text, variables).await;
    if reply.json().get("data").is_some() { "OK".to_owned() } else { reply.code() }
}

#[tokio::test]
async fn the_traps() {
    let invalid = "GRAPHQL_VALIDATION_FAILED";
    for (text, variables, expected) in [
        ("query($t: String) { echo(text: $t) }", json!({"t": "a"}), invalid),
        ("query($t: String = \"a\") { echo(text: $t) }", json!({}), "OK"),
        ("query($t: String = null) { echo(text: $t) }", json!({"t": "a"}), invalid),
        ("query($b: Boolean = null) { hello @skip(if: $b) }", json!({"b": true}), invalid),
        ("query($c: Colour = null) { colour(colour: $c) }", json!({}), "OK"),
        ("{ person { friend { a: id } } person { friend { a: name } } }", json!({}), invalid),
        ("{ sum(numbers: [1]) sum(numbers: [1, 2]) }", json!({}), invalid),
        ("{ describe(patch: {name: \"a\", name: \"b\"}) }", json!({}), invalid),
        ("{ __typename @nope }", json!({}), invalid),
        ("{ hello @skip(if: $v) }", json!({}), invalid),
        ("query($v: Int) { hello }", json!({}), invalid),
        ("{ echo(text: \"a\" stray) }", json!({}), "GRAPHQL_PARSE_FAILED"),
        ("query($t: String!) { echo(text: $t) }", json!({"t": 7}), "BAD_USER_INPUT"),
        ("query($t: String!) { echo(text: $t) }", json!({}), "BAD_USER_INPUT"),
        ("query($n: [Int!]!) { sum(numbers: $n) }", json!({"n": [1, null]}), "BAD_USER_INPUT"),
        ("query($b: By!) { find(by: $b) }", json!({"b": {"id": "1", "name": "x"}}), "BAD_USER_INPUT"),
        ("query($b: By!) { find(by: $b) }", json!({"b": {"id": "1"}}), "OK"),
        ("query($i: ID) { find(by: {id: $i}) }", json!({"i": "1"}), invalid),
        ("query($c: Colour) { colour(colour: $c) }", json!({"c": "BLUE"}), "BAD_USER_INPUT"),
        ("query($t: String!) { echo(text: $t) }", json!({"t": "a\u{0}b"}), "BAD_USER_INPUT"),
    ] {
        assert_eq!(verdict(text, variables.clone()).await, expected, "{text} {variables}");
    }
}

#[tokio::test]
async fn messages_do_not_repeat_the_document() {
    let router = router();
    for text in [
        "{ echo(text: 1234567) }",
        "{ flag(on: \"1234567\") }",
        "{ sum(numbers: 12345678901234) }",
        "{ a 1234567 }",
        "{ echo(text: \"1234567) }",
    ] {
        let reply = query(&router, text).await;
        assert!(!reply.text.contains("1234567"), "{}", reply.text);
    }
    let variables = json!({"p": {"name": 1_234_567}});
    let reply = query_with(&router, "query($p: Patch!) { describe(patch: $p) }", variables).await;
    assert!(!reply.text.contains("1234567"), "{}", reply.text);
    assert_eq!(reply.json()["errors"][0]["extensions"]["argument"], "p.name");
}

#[tokio::test]
async fn the_executors_own_complaints_are_bad_input() {
    let reply = query(&router(), "{ slow(ms: -5) }").await;
    assert_eq!(reply.code(), "BAD_USER_INPUT", "{}", reply.text);
    assert!(!reply.text.contains("-5"), "{}", reply.text);
}

#[tokio::test]
async fn errors_are_bounded() {
    let fields: String = (0..19).map(|n| format!("nope{n} a{n}: person {{ nope }} ")).take(10).collect();
    let reply = query(&router(), &format!("{{ {fields} }}")).await;
    assert_eq!(reply.json()["errors"].as_array().unwrap().len(), 20);
    let long = "x".repeat(2_000);
    let reply = query(&router(), &format!("{{ {long} }}")).await;
    assert!(reply.message().chars().count() <= 300, "{}", reply.text);
}

#[tokio::test]
async fn quotation_marks_come_in_pairs_and_limits_of_the_compiler_are_limits() {
    let router = router();
    let reply = query(&router, "{ person { a: id ...on Person { a: friend { id } } } }").await;
    assert_eq!(reply.message().matches('"').count() % 2, 0, "{}", reply.text);
    let reply = query(&router, "{ pets { ...on Dog { a: barks } ...on Cat { a: lives } } }").await;
    assert!(reply.message().contains("types \"Boolean!\" and \"Int!\""), "{}", reply.text);
    let chain = |n: usize| {
        let inner = |i: usize| if i + 1 < n { format!("...F{}", i + 1) } else { "hello".to_owned() };
        let fragments = (0..n).map(|i| format!(" fragment F{i} on Query {{ {} }}", inner(i)));
        format!("{{ ...F0 }}{}", fragments.collect::<String>())
    };
    assert_eq!(query(&router, &chain(100)).await.text, r#"{"data":{"hello":"world"}}"#);
    let reply = query(&router, &chain(101)).await;
    let error = &reply.json()["errors"][0];
    assert_eq!(
        error["message"],
        "The operation has more than 100 fragments inside one another; ask for less."
    );
    let extensions = &error["extensions"];
    assert_eq!(extensions["code"], "QUERY_TOO_COMPLEX");
    assert_eq!((&extensions["limit"], &extensions["actual"]), (&json!(100), &json!(101)));
}

#[tokio::test]
async fn a_null_where_a_value_has_to_stand_is_told_with_its_argument() {
    let router = router();
    for (text, variables, path, argument, problem) in [
        (
            "query($t: String = \"a\") { e: echo(text: $t) }",
            json!({"t": null}),
            json!(["e"]),
            "text",
            "Argument \"text\" got an invalid value: expected String, found null; give the variable \"$t\" a value, or leave it out.",
        ),
        (
            "query($n: Int) { flag(on: true, first: $n) }",
            json!({"n": null}),
            json!(["flag"]),
            "first",
            "Argument \"first\" got an invalid value: expected Int, found null; give the variable \"$n\" a value, or leave it out.",
        ),
        (
            "query($s: Int = 1) { describe(patch: {inner: {name: \"a\", size: $s}, name: \"b\"}) }",
            json!({"s": null}),
            json!(["describe"]),
            "patch.inner.size",
            "Argument \"patch\" got an invalid value at \"patch.inner.size\": expected Int, found null; give the variable \"$s\" a value, or leave it out.",
        ),
        (
            "query($n: Int = 1) { sum(numbers: [2, $n]) }",
            json!({"n": null}),
            json!(["sum"]),
            "numbers[1]",
            "Argument \"numbers\" got an invalid value at \"numbers[1]\": expected Int, found null; give the variable \"$n\" a value, or leave it out.",
        ),
    ] {
        let reply = query_with(&router, text, variables).await;
        let error = &reply.json()["errors"][0];
        assert_eq!(error["message"], problem, "{}", reply.text);
        assert_eq!(error["path"], path, "{}", reply.text);
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{}", reply.text);
        assert_eq!(error["extensions"]["argument"], argument, "{}", reply.text);
    }
    let reply = query(&router, "{ slow(ms: -5) }").await;
    assert_eq!(reply.json()["errors"][0]["extensions"]["argument"], "ms", "{}", reply.text);
}
