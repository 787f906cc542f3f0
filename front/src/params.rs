//! The members of a GraphQL request, from a JSON body or a query string.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    Digest,
    error::{ErrorCode, GraphqlError, Refused},
};

/// A GraphQL request as it came. Members that are not listed are ignored; null is the same as absent.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphqlParams {
    /// Text of the document.
    pub query: Option<String>,
    /// Name of the operation to run; the empty string is none.
    pub operation_name: Option<String>,
    /// Values of variables by name.
    pub variables: Option<Map<String, Value>>,
    /// Protocol extensions: `persistedQuery`, `cost`.
    pub extensions: Option<Map<String, Value>>,
    /// Id of a persisted document.
    pub document_id: Option<String>,
}

impl GraphqlParams {
    /// A request that carries its document.
    pub fn of(query: impl Into<String>) -> Self {
        Self { query: Some(query.into()), ..Self::default() }
    }

    /// Reads a JSON body.
    ///
    /// # Errors
    /// `BAD_REQUEST` for what is not JSON, not an object, or has a member of the wrong type.
    pub fn from_json(body: &[u8]) -> Result<Self, Refused> {
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            None => {
                return Err(Refused::malformed("The body is empty; send a JSON object with a \"query\"."));
            }
            Some(b'[') => {
                return Err(Refused::malformed(
                    "Batches are not supported: send one JSON object per request.",
                ));
            }
            Some(_) => {}
        }
        // An object is asked for by its first byte, as derived readers also take lists for structures.
        if !body.trim_ascii_start().starts_with(b"{")
            && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
        {
            return Err(Refused::malformed(SHAPE));
        }
        serde_json::from_slice(body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            if error.is_data() {
                return Refused::malformed(SHAPE);
            }
            // The reader tells this from other faults by its message alone.
            let fault = if error.to_string().starts_with("recursion limit exceeded") {
                "nests deeper than 127 levels: that is at"
            } else {
                "is not JSON: it breaks off or goes wrong at"
            };
            Refused::malformed(format!("The body {fault} line {line}, column {column}."))
        })
    }

    /// Reads the query string of a GET request. Empty optional parameters count as absent.
    ///
    /// # Errors
    /// `BAD_REQUEST` for percent-encoding that is not UTF-8, for `variables` or `extensions` that are not objects, and for a
    /// parameter that is there twice.
    pub fn from_query_string(text: &str) -> Result<Self, Refused> {
        const NAMES: [&str; 5] = ["query", "operationName", "variables", "extensions", "documentId"];
        let (mut params, mut seen) = (Self::default(), [false; NAMES.len()]);
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let known = |name: String| NAMES.iter().position(|known| *known == name);
            let Some(place) = decoded(name).and_then(known).filter(|_| !value.is_empty()) else {
                continue;
            };
            let name = NAMES[place];
            // Another program that reads the same address, a proxy or a cache, may take the other one.
            if std::mem::replace(&mut seen[place], true) {
                return Err(Refused::malformed(format!("The parameter \"{name}\" is there more than once.")));
            }
            let value = decoded(value).ok_or_else(|| {
                Refused::malformed(format!("The parameter \"{name}\" is not UTF-8 after percent-decoding."))
            })?;
            match name {
                "query" => params.query = Some(value),
                "operationName" => params.operation_name = Some(value),
                "documentId" => params.document_id = Some(value),
                name => {
                    let object: Option<Map<String, Value>> = serde_json::from_str(&value).map_err(|_| {
                        Refused::malformed(format!("The parameter \"{name}\" is not a JSON object."))
                    })?;
                    let member =
                        if name == "variables" { &mut params.variables } else { &mut params.extensions };
                    *member = object;
                }
            }
        }
        Ok(params)
    }

    /// Whether a query string has a request in it: a document, or what stands for one.
    pub(crate) fn are_in(query_string: &str) -> bool {
        query_string.split('&').filter_map(|pair| pair.split_once('=')).any(|(name, _)| {
            decoded(name).is_some_and(|name| matches!(name.as_str(), "query" | "documentId" | "extensions"))
        })
    }

    /// The operation name, where one was given.
    pub(crate) fn operation(&self) -> Option<&str> {
        self.operation_name.as_deref().filter(|name| !name.is_empty())
    }

    /// The id of the document, where one was given.
    ///
    /// # Errors
    /// `BAD_REQUEST` for the empty string, which names nothing.
    pub(crate) fn id(&self) -> Result<Option<&str>, Refused> {
        match self.document_id.as_deref() {
            Some("") => Err(Refused::malformed("\"documentId\" is empty: name a document, or leave it out.")),
            id => Ok(id),
        }
    }

    /// The hash of Apollo's `persistedQuery` extension, where there is one.
    ///
    /// # Errors
    /// `BAD_REQUEST` for an extension that can't be meant, and for a version that is given and is not 1: what the members of
    /// another one mean is not known.
    pub(crate) fn apollo_hash(&self) -> Result<Option<Digest>, Refused> {
        let extension = match self.extensions.as_ref().and_then(|extensions| extensions.get("persistedQuery"))
        {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Object(extension)) => extension,
            Some(_) => return Err(Refused::malformed("The extension \"persistedQuery\" must be an object.")),
        };
        if extension.get("version").is_some_and(|version| !version.is_null() && *version != 1) {
            return Err(Refused::malformed("The \"version\" of \"persistedQuery\" must be 1."));
        }
        let hash = extension.get("sha256Hash").and_then(Value::as_str).filter(|hash| hash.len() == 64);
        hash.and_then(Digest::parse).map(Some).ok_or_else(|| {
            Refused::malformed(
                "The \"sha256Hash\" of \"persistedQuery\" must be a string of 64 hexadecimal digits.",
            )
        })
    }

    /// Whether the cost is to be reported by path.
    pub(crate) fn wants_cost(&self) -> bool {
        self.extensions.as_ref().and_then(|extensions| extensions.get("cost")) == Some(&Value::Bool(true))
    }
}

/// A name or a value of a query string; `None` for one that is not UTF-8.
fn decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().ok().map(Cow::into_owned)
}

const SHAPE: &str = "A request is a JSON object: a string \"query\" or \"documentId\", and optionally a string \
    \"operationName\" and objects \"variables\" and \"extensions\".";

/// The refusal of a request without a document.
pub(crate) fn no_document() -> Refused {
    let error =
        GraphqlError::new(ErrorCode::BadRequest, "The request has neither a \"query\" nor a \"documentId\".");
    Refused::transport(http::StatusCode::BAD_REQUEST, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_that_are_not_requests_are_refused() {
        for body in [
            "",
            " ",
            "null",
            "7",
            "\"x\"",
            "[]",
            "[{\"query\":\"{a}\"}]",
            "[\"{a}\"]",
            "{\"query\":",
            "{\"query\":7}",
            "{\"query\":\"{a}\",\"variables\":[]}",
            "{\"query\":\"{a}\",\"variables\":\"x\"}",
            "{\"query\":\"{a}\",\"operationName\":{}}",
            "{\"query\":\"{a}\",\"extensions\":0}",
            "{\"query\":\"a\"} x",
            "{\"query\":\"a\",\"query\":\"b\"}",
        ] {
            assert!(GraphqlParams::from_json(body.as_bytes()).is_err(), "{body}");
        }
        assert!(GraphqlParams::from_json(b"{\"query\":\"\xff\"}").is_err());
        assert!(GraphqlParams::from_json("[".repeat(100_000).as_bytes()).is_err());
        let deep = format!(
            "{{\"query\":\"a\",\"variables\":{{\"a\":{}{}}}}}",
            "[".repeat(10_000),
            "]".repeat(10_000)
        );
        assert!(GraphqlParams::from_json(deep.as_bytes()).is_err());
    }

    #[test]
    fn null_and_unknown_members_are_fine() {
        let body = br#" {"query":"{a}","operationName":null,"variables":null,"extensions":null,"id":1} "#;
        let params = GraphqlParams::from_json(body).unwrap();
        assert_eq!(params.query.as_deref(), Some("{a}"));
        assert!(params.operation().is_none());
    }

    #[test]
    fn query_strings() {
        let params = GraphqlParams::from_query_string(
            "query=%7Ba%7D+b&operationName=&variables=%7B%22a%22%3A1%7D&x=%zz",
        );
        let params = params.unwrap();
        assert_eq!(params.query.as_deref(), Some("{a} b"));
        assert_eq!(params.operation_name, None);
        assert_eq!(params.variables.unwrap()["a"], 1);
        assert!(GraphqlParams::from_query_string("query=%ff").is_err());
        assert!(GraphqlParams::from_query_string("query=a&variables=[]").is_err());
        assert!(GraphqlParams::from_query_string("query=a&query=b").is_err());
        let params = GraphqlParams::from_query_string("%71uery=%7Ba%7D&operation%4eame=A").unwrap();
        assert_eq!((params.query.as_deref(), params.operation()), (Some("{a}"), Some("A")));
        assert!(GraphqlParams::from_query_string("query=a&%71uery=b").is_err());
        assert!(GraphqlParams::from_query_string("query=a&%ff=b").is_ok());
        assert!(GraphqlParams::are_in("a=b&%71uery=a") && !GraphqlParams::are_in("a=query&operationName=b"));
        assert!(GraphqlParams::from_query_string("query=a&x=1&x=2&query=").is_ok());
    }

    #[test]
    fn what_nests_too_deep_is_told_so() {
        let message = |depth: usize| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            let body = format!(r#"{{"query":"{{a}}","variables":{{"a":{open}{close}}}}}"#);
            GraphqlParams::from_json(body.as_bytes())
                .err()
                .map(|refused| refused.errors[0].message.to_string())
        };
        // The body and its variables are two levels.
        assert_eq!(message(125), None);
        assert!(message(126).unwrap().contains("deeper than 127 levels"));
    }
}
