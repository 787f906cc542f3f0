//! What is executed, and how faults are reported.

use std::sync::atomic::Ordering;

use guildhall_front::{Caller, GraphqlParams, Limits};
use http::StatusCode;
use serde_json::json;

use crate::{
    client::{query, query_with, router, router_with},
    support::{self, WRITES, Who, free},
};

#[tokio::test]
async fn faults_are_masked_and_the_rest_is_answered() {
    let reply = query(&router(), "{ hello maybeBroken }").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.json()["data"], json!({"hello": "world", "maybeBroken": null}));
    let error = &reply.json()["errors"][0];
    assert_eq!(error["extensions"]["code"], "INTERNAL_SERVER_ERROR");
    assert_eq!(error["path"], json!(["maybeBroken"]));
    assert!(!reply.text.contains("hunter2"));
    assert!(!query(&router(), "{ broken }").await.text.contains("hunter2"));
}

#[tokio::test]
async fn a_panic_is_one_failed_request() {
    let router = router();
    let reply = query(&router, "{ panics }").await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR")
    );
    assert_eq!(query(&router, "{ hello }").await.status, StatusCode::OK);
}

#[tokio::test]
async fn time_is_bounded() {
    let router = router_with(Limits { request_timeout_ms: 30, ..free() });
    let reply = query(&router, "{ slow(ms: 5000) }").await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::GATEWAY_TIMEOUT, "TIMEOUT"));
    assert_eq!(query(&router, "{ slow(ms: 1) }").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_mutation_selected_twice_runs_once() {
    let before = WRITES.load(Ordering::Relaxed);
    let text = "mutation { a: write { id } ...F ... on Mutation { a: write { n: name } } } fragment F on Mutation { a: write { name } }";
    let reply = query(&router(), text).await;
    assert_eq!(
        reply.text,
        r#"{"data":{"a":{"id":"7","n":"person 7","name":"person 7"}}}"#
            .replace(r#""n":"person 7","name":"person 7""#, r#""name":"person 7","n":"person 7""#)
    );
    assert_eq!(WRITES.load(Ordering::Relaxed), before + 1);
}

#[tokio::test]
async fn conditions_and_defaults() {
    let router = router();
    let text = "query($v: Boolean = true) { hello @skip(if: $v) a: hello @include(if: $v) ...F @include(if: $v) } fragment F on Query { b: hello }";
    assert_eq!(query(&router, text).await.json()["data"], json!({"a": "world", "b": "world"}));
    assert_eq!(
        query_with(&router, text, json!({"v": false})).await.json()["data"],
        json!({"hello": "world"})
    );
    let text = "query { hello @skip(if: true) person { id @include(if: false) } }";
    assert_eq!(query(&router, text).await.json()["data"], json!({"person": {}}));
}

#[tokio::test]
async fn absent_null_and_default_stay_apart() {
    let router = router();
    let text = "query($n: String) { describe(patch: {name: \"a\", note: $n}) }";
    assert_eq!(query(&router, text).await.json()["data"]["describe"], "a absent 3");
    assert_eq!(query_with(&router, text, json!({"n": null})).await.json()["data"]["describe"], "a null 3");
    let text = "query($p: Patch!) { describe(patch: $p) }";
    assert_eq!(
        query_with(&router, text, json!({"p": {"name": "a"}})).await.json()["data"]["describe"],
        "a absent 3"
    );
    assert_eq!(
        query_with(&router, text, json!({"p": {"name": "a", "note": null, "size": 4}})).await.json()["data"]
            ["describe"],
        "a null 4"
    );
    let text = "query($n: Int) { flag(on: true, first: $n) }";
    assert_eq!(query(&router, text).await.json()["data"]["flag"], "true 25");
    let reply = query_with(&router, text, json!({"n": null})).await;
    assert_eq!(reply.code(), "BAD_USER_INPUT", "{}", reply.text);
}

#[tokio::test]
async fn abstract_types_are_selected_by_type() {
    let router = router();
    let text = "{ pets { __typename ... on Dog { barks } ... on Cat { lives } ... on Pet { id } ...U } } fragment U on DogOrCat { ... on Cat { name } ... on Dog { name } }";
    let reply = query(&router, text).await;
    let pets = json!([{"__typename": "Dog", "barks": true, "id": "1", "name": "Rex"}, {"__typename": "Cat", "lives": 9, "id": "2", "name": "Tom"}]);
    assert_eq!(reply.json()["data"]["pets"], pets, "{}", reply.text);
    let reply = query(&router, "{ animals { __typename ... on Pet { name } ... on Dog { barks } } }").await;
    let animals =
        json!([{"__typename": "Dog", "name": "Rex", "barks": true}, {"__typename": "Cat", "name": "Tom"}]);
    assert_eq!(reply.json()["data"]["animals"], animals, "{}", reply.text);
}

#[tokio::test]
async fn several_operations_need_a_name() {
    let front = support::front(free());
    let run = async |name: Option<&str>| {
        let params = GraphqlParams {
            operation_name: name.map(Into::into),
            ..GraphqlParams::of("query A { a: hello } query B { b: meta }")
        };
        front.execute(params, &Who::User, &Caller::direct()).await
    };
    assert_eq!(run(Some("B")).await.unwrap().json, br#"{"data":{"b":"query B 1"}}"#);
    assert_eq!(run(None).await.unwrap_err().codes()[0].as_str(), "OPERATION_RESOLUTION_FAILURE");
    assert_eq!(run(Some("C")).await.unwrap_err().codes()[0].as_str(), "OPERATION_RESOLUTION_FAILURE");
    let records = front.host().records.lock().unwrap().clone();
    assert_eq!(records[0], "direct B 200 0 []");
    assert_eq!(records[1], "direct - 400 0 [\"OPERATION_RESOLUTION_FAILURE\"]");
}

#[tokio::test]
async fn the_host_reads_back_what_it_counted() {
    let front = support::front(free());
    front.execute(GraphqlParams::of("query S { statements }"), &Who::User, &Caller::direct()).await.unwrap();
    assert_eq!(front.host().records.lock().unwrap()[0], "direct S 200 3 []");
}

#[tokio::test]
async fn a_request_whose_client_goes_away_is_told_of_too() {
    let front = support::front(free());
    let caller = Caller::direct();
    let params = GraphqlParams::of("query S { slow(ms: 60000) }");
    let mut executing = Box::pin(front.execute(params, &Who::User, &caller));
    assert!(futures_util::poll!(&mut executing).is_pending());
    drop(executing);
    assert_eq!(*front.host().records.lock().unwrap(), ["direct S 499 0 []"]);
}

#[tokio::test]
async fn introspection_of_the_usual_tools_passes_and_circles_do_not() {
    let router = router();
    let reply = query(&router, INTROSPECTION).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert!(reply.json().get("errors").is_none());
    assert_eq!(reply.json()["data"]["__schema"]["queryType"]["name"], "Query");
    let reply =
        query(&router, "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }")
            .await;
    assert_eq!(reply.code(), "QUERY_TOO_COMPLEX");
}

#[tokio::test]
async fn the_schema_is_answered_in_its_place_among_other_fields() {
    let text = "query($n: String! = \"Pet\", $on: Boolean!) { a: hello t: __type(name: $n) { name interfaces { name } isOneOf }
        n: __typename s: __schema { description directives(includeDeprecated: true) { name @skip(if: $on) isDeprecated } } b: hello }";
    let reply = query_with(&router(), text, json!({"on": true})).await;
    let start = r#"{"data":{"a":"world","t":{"name":"Pet","interfaces":[],"isOneOf":null},"n":"Query","s":{"description":null,"directives":[{"isDeprecated":false}"#;
    assert!(reply.text.starts_with(start), "{}", reply.text);
    assert!(reply.text.ends_with(r#"]},"b":"world"}}"#), "{}", reply.text);
}

#[tokio::test]
async fn a_null_in_an_argument_of_introspection_is_an_error_of_its_field() {
    let router = router();
    let problem = |name: &str| {
        format!(
            "Argument \"{name}\" got an invalid value: expected a value, found null; give the variable \"$n\" a value, or leave it out."
        )
    };
    for (text, data, path, argument) in [
        (
            "query($n: String = \"Pet\") { a: hello t: __type(name: $n) { name } }",
            json!({"a": "world", "t": null}),
            json!(["t"]),
            "name",
        ),
        (
            "query($n: Boolean = true) { __type(name: \"Pet\") { name fields(includeDeprecated: $n) { name } } }",
            json!({"__type": {"name": "Pet", "fields": null}}),
            json!(["__type", "fields"]),
            "includeDeprecated",
        ),
        (
            "query($n: Boolean = true) { hello __schema { directives(includeDeprecated: $n) { name } } }",
            json!(null),
            json!(["__schema", "directives"]),
            "includeDeprecated",
        ),
    ] {
        let reply = query_with(&router, text, json!({"n": null})).await;
        assert_eq!(reply.json().get("data"), Some(&data), "{}", reply.text);
        let error = &reply.json()["errors"][0];
        assert_eq!(error["message"], problem(argument), "{}", reply.text);
        assert_eq!(error["path"], path, "{}", reply.text);
        assert_eq!(error["locations"][0]["line"], 1, "{}", reply.text);
        let extensions = &error["extensions"];
        assert_eq!(
            (&extensions["code"], &extensions["argument"]),
            (&json!("BAD_USER_INPUT"), &json!(argument))
        );
        assert_eq!(query(&router, text).await.json().get("errors"), None);
    }
}

/// What graphql-js 16 sends, with all its options on.
const INTROSPECTION: &str = "query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind }
  subscriptionType { name kind } types { ...FullType }
  directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
fragment FullType on __Type { kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason }
  inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }";

#[tokio::test]
async fn a_panic_of_the_host_is_answered_too() {
    let mut request = crate::client::post(r#"{"query":"{ hello }"}"#);
    request.headers_mut().insert("authorization", "Bearer panic".parse().unwrap());
    let reply = crate::client::send(&router(), request).await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR")
    );
    assert_eq!(reply.header("x-request-id").len(), 32);
}
