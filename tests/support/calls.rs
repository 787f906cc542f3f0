//! Mutations by name, for tests that look at how they are refused.

use serde_json::{Value, json};

use super::{Person, TestApp};

/// What a mutation complained of.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) code: String,
    /// The path of the field, joined by dots; empty where the complaint is about the whole.
    pub(crate) field: String,
    pub(crate) message: String,
}

impl Complaint {
    /// Its code and field.
    pub(crate) fn is(&self, code: &str, field: &str) -> bool {
        self.code == code && self.field == field
    }
}

/// A mutation of one field, `userErrors` besides what is selected.
fn document(field: &str, selection: &str) -> String {
    let kind = format!("{}{}Input", field[..1].to_uppercase(), &field[1..]);
    format!(
        "mutation($input: {kind}!) {{ {field}(input: $input) {{ {selection} userErrors {{ code message field }} }} }}"
    )
}

impl TestApp {
    /// Sends a mutation; answers the whole body.
    pub(crate) async fn call(
        &self,
        token: Option<&str>,
        field: &str,
        selection: &str,
        input: Value,
    ) -> Value {
        self.graphql(token, &document(field, selection), json!({ "input": input })).await
    }

    /// Sends a mutation that must succeed; answers its payload.
    pub(crate) async fn done(&self, token: &str, field: &str, selection: &str, input: Value) -> Value {
        let body = self.call(Some(token), field, selection, input).await;
        let payload = &body["data"][field];
        assert_eq!(payload["userErrors"], json!([]), "{field}: {body:#}");
        payload.clone()
    }

    /// Sends a mutation; answers its user errors, which may be none. Other errors are not expected.
    pub(crate) async fn complaints(&self, token: &str, field: &str, input: Value) -> Vec<Complaint> {
        let body = self.call(Some(token), field, "__typename", input).await;
        assert!(body.get("errors").is_none(), "{field}: {body:#}");
        let complaint = |error: &Value| Complaint {
            code: error["code"].as_str().unwrap().to_owned(),
            field: error["field"].as_array().map_or_else(String::new, |path| {
                path.iter().map(|part| part.as_str().unwrap()).collect::<Vec<_>>().join(".")
            }),
            message: error["message"].as_str().unwrap().to_owned(),
        };
        body["data"][field]["userErrors"].as_array().unwrap().iter().map(complaint).collect()
    }

    /// Sends a mutation that must be refused for one reason; answers that.
    pub(crate) async fn refused(&self, token: &str, field: &str, input: Value) -> Complaint {
        let mut complaints = self.complaints(token, field, input.clone()).await;
        assert_eq!(complaints.len(), 1, "{field} of {input}: {complaints:?}");
        complaints.remove(0)
    }

    /// The permissions that a mutation says are missing.
    pub(crate) async fn missing(&self, person: &Person, mutation: &str, input: Value) -> Vec<String> {
        let kind = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!(
            "mutation($input: {kind}!) {{ {mutation}(input: $input) {{
               userErrors {{ code ... on MissingPermissions {{ permissions }} }}
             }} }}"
        );
        let body = self.graphql(Some(&person.token), &query, json!({ "input": input })).await;
        let error = &body["data"][mutation]["userErrors"][0];
        assert_eq!(error["code"], "MISSING_PERMISSIONS", "{body:#}");
        let permissions = error["permissions"].as_array().unwrap();
        permissions.iter().map(|permission| permission.as_str().unwrap().to_owned()).collect()
    }

    /// Sends a mutation that must end in a top-level error; answers its code.
    pub(crate) async fn denied(&self, token: Option<&str>, field: &str, input: Value) -> String {
        let body = self.call(token, field, "__typename", input).await;
        code(&body)
    }
}

/// The code of an answer's only error.
pub(crate) fn code(body: &Value) -> String {
    assert_eq!(body["errors"].as_array().map(Vec::len), Some(1), "{body:#}");
    body["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("no code: {body:#}")).to_owned()
}
