//! From the text that a person typed to the value that Terraform expects.

use hcl_edit::expr::Expression;
use serde_json::Value;

/// What the outermost part of a type expression admits. Terraform checks what is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Bool,
    List,
    Object,
    /// `any`: JSON if it is some, else text.
    Any,
}

/// The value of `text` for a variable of type `type_expression` (`None` = declared without a type, which takes
/// text as it is, as Terraform does).
///
/// # Errors
/// What is wrong with the text and what is expected instead; never the text itself, which may be a secret.
pub fn parse(type_expression: Option<&str>, text: &str) -> Result<Value, String> {
    let kind = type_expression.map_or(Kind::Text, outermost);
    if kind == Kind::Text {
        return Ok(Value::String(text.to_owned()));
    }
    let value = match serde_json::from_str::<Value>(text.trim()) {
        Ok(value) => value,
        Err(_) if kind == Kind::Any => return Ok(Value::String(text.to_owned())),
        Err(error) => {
            return Err(format!(
                "expected {}, but the text is not JSON: {error}",
                kind.expected(type_expression)
            ));
        }
    };
    let fits = match kind {
        Kind::Text | Kind::Any => true,
        Kind::Number => value.is_number(),
        Kind::Bool => value.is_boolean(),
        Kind::List => value.is_array(),
        Kind::Object => value.is_object(),
    };
    // Whether null is welcome depends on `nullable`, which Terraform checks with its own words.
    if fits || value.is_null() {
        Ok(value)
    } else {
        Err(format!("expected {}, got {}", kind.expected(type_expression), name(&value)))
    }
}

impl Kind {
    fn expected(self, type_expression: Option<&str>) -> String {
        let example = match self {
            Self::Text | Self::Any => "text",
            Self::Number => "a number, e.g. 4",
            Self::Bool => "true or false",
            Self::List => "a JSON list, e.g. [\"a\", \"b\"]",
            Self::Object => "a JSON object, e.g. {\"key\": \"value\"}",
        };
        let type_expression = type_expression.unwrap_or("any");
        // A long object type helps nobody inside a sentence.
        if type_expression.len() > 60 { example.to_owned() } else { format!("{example} ({type_expression})") }
    }
}

fn outermost(type_expression: &str) -> Kind {
    let word = match type_expression.parse::<Expression>() {
        Ok(Expression::Variable(ident)) => ident.as_str().to_owned(),
        Ok(Expression::FuncCall(call)) => call.name.name.as_str().to_owned(),
        // Terraform refused the module at its import if this is no type at all.
        _ => return Kind::Any,
    };
    match word.as_str() {
        "string" => Kind::Text,
        "number" => Kind::Number,
        "bool" => Kind::Bool,
        "list" | "set" | "tuple" => Kind::List,
        "map" | "object" => Kind::Object,
        _ => Kind::Any,
    }
}

fn name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed test may panic")]

    use serde_json::json;

    use super::parse;

    #[test]
    fn text_stays_text() {
        for text in ["", "007", "true", "null", "[1]", "  x "] {
            assert_eq!(parse(Some("string"), text), Ok(json!(text)));
            assert_eq!(parse(None, text), Ok(json!(text)));
        }
    }

    #[test]
    fn other_types_are_json() {
        assert_eq!(parse(Some("number"), " 4 "), Ok(json!(4)));
        assert_eq!(parse(Some("bool"), "true"), Ok(json!(true)));
        assert_eq!(parse(Some("list(string)"), r#"["a"]"#), Ok(json!(["a"])));
        assert_eq!(parse(Some("object({ a = optional(number, 1) })"), r#"{"a":1}"#), Ok(json!({"a": 1})));
        assert_eq!(parse(Some("number"), "null"), Ok(json!(null)));
    }

    #[test]
    fn any_is_json_or_text() {
        assert_eq!(parse(Some("any"), "[1]"), Ok(json!([1])));
        assert_eq!(parse(Some("any"), "eu-west"), Ok(json!("eu-west")));
    }

    #[test]
    fn misfits_say_what_is_expected_and_not_what_was_given() {
        let cases = [("number", "four"), ("bool", "1"), ("list(string)", "{}"), ("map(string)", "s3cr3t")];
        for (kind, text) in cases {
            let error = parse(Some(kind), text).unwrap_err();
            assert!(error.contains(kind) && error.starts_with("expected"), "{error}");
            assert!(!error.contains("s3cr3t"), "{error}");
        }
    }
}
