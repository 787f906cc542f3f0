//! Scalars of our own.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{SecondsFormat, Utc};

/// A time in UTC, RFC 3339, e.g. `2026-11-24T09:30:00.000000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DateTime(pub(crate) chrono::DateTime<Utc>);

/// What a time looks like.
const A_TIME: &str = "expected a time such as 2026-11-24T09:30:00Z";

impl DateTime {
    fn of(value: &Value) -> Option<Self> {
        let Value::String(text) = value else { return None };
        let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
        // Most clients could not read a leap second that they are given back.
        (time.timestamp_subsec_nanos() < 1_000_000_000).then(|| Self(time.with_timezone(&Utc)))
    }
}

/// Whether a value in a variable or in a document is one of the scalar of this name: asked before anything runs, where the
/// path of the value is known.
///
/// # Errors
/// What is expected instead.
pub(crate) fn check(name: &str, value: &Value) -> Result<(), String> {
    // JSON is anything.
    if name == "DateTime" && DateTime::of(value).is_none() { Err(A_TIME.to_owned()) } else { Ok(()) }
}

impl From<chrono::DateTime<Utc>> for DateTime {
    fn from(time: chrono::DateTime<Utc>) -> Self {
        Self(time)
    }
}

/// A time in UTC, RFC 3339, e.g. `2026-11-24T09:30:00.000000Z`.
#[Scalar(name = "DateTime", specified_by_url = "https://scalars.graphql.org/andimarek/date-time.html")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        Self::of(&value).ok_or_else(|| InputValueError::custom(A_TIME))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

/// Free-form JSON: a default of any type, a value for a module.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Json(pub(crate) serde_json::Value);

/// Free-form JSON: a default of any type, a value for a module.
#[Scalar(name = "JSON", specified_by_url = "https://www.rfc-editor.org/rfc/rfc8259")]
impl ScalarType for Json {
    fn parse(value: Value) -> InputValueResult<Self> {
        Ok(Self(value.into_json()?))
    }

    fn to_value(&self) -> Value {
        Value::from_json(self.0.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_what_clients_read() {
        for (text, is_time) in [
            ("2026-11-24T09:30:00Z", true),
            ("2026-11-24T10:30:00.123456+01:00", true),
            ("2026-12-31T23:59:60Z", false),
            ("2026-11-24", false),
        ] {
            assert_eq!(check("DateTime", &Value::from(text)).is_ok(), is_time, "{text}");
        }
    }
}
