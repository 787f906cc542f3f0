//! Variables of a request, coerced to the types of the operation.
//!
//! Absent and null stay apart: a variable that was left out and has no default stays out.

use std::fmt::Write as _;

use apollo_compiler::{
    Schema,
    ast::{Type, Value as Literal},
    schema::{ExtendedType, InputObjectType},
};
use async_graphql::{Name, Value, Variables, indexmap::IndexMap};
use serde_json::{Map, Value as Json};

use crate::error::{ErrorCode, GraphqlError};

/// A variable as the operation declares it.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) name: Name,
    pub(crate) ty: Type,
    pub(crate) default: Option<Value>,
}

/// Whether a value is one of a scalar that the schema has of its own, by its name; what is expected, where it is none.
pub(crate) type OwnScalar<'a> = dyn Fn(&str, &Value) -> Result<(), String> + 'a;

/// Coerces the variables of a request; members that the operation does not declare are ignored.
///
/// # Errors
/// One `BAD_USER_INPUT` per variable that is missing or does not fit, with the path of the value in `argument`.
pub(crate) fn coerce(
    schema: &Schema,
    own: &OwnScalar<'_>,
    declared: &[Declared],
    given: &mut Map<String, Json>,
) -> Result<Variables, Vec<GraphqlError>> {
    let mut variables = Variables::default();
    let mut errors = Vec::new();
    for variable in declared {
        let what = || format!("Variable \"${}\"", variable.name);
        match given.remove(variable.name.as_str()) {
            Some(json) => {
                let mut path = variable.name.to_string();
                match (Coercion { schema, own, path: &mut path }).value(&variable.ty, json) {
                    Ok(value) => drop(variables.insert(variable.name.clone(), value)),
                    Err(problem) => errors.push(bad_input(&what(), &variable.name, &path, &problem)),
                }
            }
            None => match &variable.default {
                Some(default) => drop(variables.insert(variable.name.clone(), default.clone())),
                None if variable.ty.is_non_null() => {
                    let problem = format!("a value of type {} is required, but none was given", variable.ty);
                    errors.push(bad_input(&what(), &variable.name, &variable.name, &problem));
                }
                None => {}
            },
        }
    }
    if errors.is_empty() { Ok(variables) } else { Err(errors) }
}

/// What is wrong at a path below a name. `what` is a variable or an argument of that name.
pub(crate) fn bad_input(what: &str, name: &str, path: &str, problem: &str) -> GraphqlError {
    let at = if path == name { String::new() } else { format!(" at \"{path}\"") };
    let message = format!("{what} got an invalid value{at}: {problem}.");
    GraphqlError::new(ErrorCode::BadUserInput, message).with("argument", path)
}

struct Coercion<'a> {
    schema: &'a Schema,
    own: &'a OwnScalar<'a>,
    path: &'a mut String,
}

impl Coercion<'_> {
    fn value(&mut self, ty: &Type, json: Json) -> Result<Value, String> {
        if json.is_null() {
            return if ty.is_non_null() {
                Err(format!("expected {ty}, found null"))
            } else {
                Ok(Value::Null)
            };
        }
        match ty {
            Type::List(item) | Type::NonNullList(item) => match json {
                Json::Array(items) => {
                    let length = self.path.len();
                    let mut list = Vec::with_capacity(items.len());
                    for (index, json) in items.into_iter().enumerate() {
                        // Writing to a string does not fail.
                        let _ = write!(self.path, "[{index}]");
                        list.push(self.value(item, json)?);
                        self.path.truncate(length);
                    }
                    Ok(Value::List(list))
                }
                single => Ok(Value::List(vec![self.value(item, single)?])),
            },
            Type::Named(name) | Type::NonNullNamed(name) => match self.schema.types.get(name) {
                // The compiler leaves out built-in scalars that the schema does not use.
                Some(ExtendedType::Scalar(definition)) if !definition.is_built_in() => {
                    let value = custom(json)?;
                    (self.own)(name, &value).map(|()| value)
                }
                Some(ExtendedType::Scalar(_)) | None => scalar(name, json),
                Some(ExtendedType::Enum(definition)) => match json {
                    Json::String(text) if definition.values.contains_key(text.as_str()) => {
                        Ok(Value::Enum(Name::new(text)))
                    }
                    Json::String(_) => Err(format!("expected a value of the enum {name}")),
                    other => Err(mismatch(name, &other)),
                },
                Some(ExtendedType::InputObject(definition)) => match json {
                    Json::Object(members) => self.object(definition, members),
                    other => Err(mismatch(name, &other)),
                },
                _ => Err(format!("{name} is not an input type")),
            },
        }
    }

    fn object(&mut self, ty: &InputObjectType, mut members: Map<String, Json>) -> Result<Value, String> {
        let length = self.path.len();
        let mut object = IndexMap::with_capacity(members.len());
        for (name, field) in &ty.fields {
            match members.remove(name.as_str()) {
                Some(json) => {
                    let _ = write!(self.path, ".{name}");
                    object.insert(Name::new(name.as_str()), self.value(&field.ty, json)?);
                    self.path.truncate(length);
                }
                None if field.is_required() => {
                    return Err(format!(
                        "the field \"{name}\" of type {} is required, but was not given",
                        field.ty
                    ));
                }
                None => {}
            }
        }
        if !members.is_empty() {
            return Err(format!("it has a field that the type {} does not have", ty.name));
        }
        let one_of = ty.directives.has("oneOf");
        if one_of && (object.len() != 1 || object.values().any(|value| *value == Value::Null)) {
            return Err(format!("exactly one field of {} must be given, and it must not be null", ty.name));
        }
        Ok(Value::Object(object))
    }
}

/// From here on a number may have come with more digits than are kept of it.
const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

fn scalar(name: &str, json: Json) -> Result<Value, String> {
    match (name, json) {
        ("Int", Json::Number(number)) => integer(&number)
            .and_then(|integer| i32::try_from(integer).ok())
            .map(Value::from)
            .ok_or_else(|| "expected Int, a whole number of 32 bits".to_owned()),
        ("Float", Json::Number(number)) => Ok(Value::Number(number)),
        ("Boolean", Json::Bool(flag)) => Ok(Value::Boolean(flag)),
        ("String" | "ID", Json::String(text)) => plain(text),
        ("ID", Json::Number(number)) if number.is_i64() || number.is_u64() => {
            Ok(Value::String(number.to_string()))
        }
        // Its digits are lost by now, and an ID is nothing but its digits.
        ("ID", Json::Number(number)) if number.as_f64().is_some_and(|float| float.abs() >= TWO_TO_63) => {
            Err("expected ID, found a number of more than 64 bits; write it as a string".to_owned())
        }
        ("Int" | "Float" | "Boolean" | "String" | "ID", other) => Err(mismatch(name, &other)),
        (_, json) => custom(json),
    }
}

/// A whole number, also when it is written as `1.0` or `1e3`, as JSON does not tell them apart.
fn integer(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "the bounds are those of Int")]
        (float.fract() == 0.0 && float.abs() <= f64::from(u32::MAX)).then_some(float as i64)
    })
}

/// Databases refuse U+0000 in text, so it is refused where the client can still be told which value it is in.
fn unbroken(text: &str) -> Result<(), String> {
    if text.contains('\0') { Err("it contains a NUL character (U+0000)".to_owned()) } else { Ok(()) }
}

fn plain(text: String) -> Result<Value, String> {
    unbroken(&text).map(|()| Value::String(text))
}

fn custom(json: Json) -> Result<Value, String> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Boolean(flag),
        Json::Number(number) => Value::Number(number),
        Json::String(text) => plain(text)?,
        Json::Array(items) => Value::List(items.into_iter().map(custom).collect::<Result<_, _>>()?),
        Json::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, json)| {
                    unbroken(&name)?;
                    Ok((Name::new(name), custom(json)?))
                })
                .collect::<Result<_, String>>()?,
        ),
    })
}

fn mismatch(ty: &str, json: &Json) -> String {
    let found = match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    };
    format!("expected {ty}, found {found}")
}

/// A literal without variables as a value; defaults of variables are such literals.
pub(crate) fn constant(literal: &Literal) -> Value {
    match literal {
        Literal::Null | Literal::Variable(_) => Value::Null,
        Literal::Enum(name) => Value::Enum(Name::new(name.as_str())),
        Literal::String(text) => Value::String(text.clone()),
        Literal::Boolean(flag) => Value::Boolean(*flag),
        Literal::Int(int) => number(int.as_str()),
        Literal::Float(float) => number(float.as_str()),
        Literal::List(items) => Value::List(items.iter().map(|item| constant(item)).collect()),
        Literal::Object(fields) => Value::Object(
            fields.iter().map(|(name, value)| (Name::new(name.as_str()), constant(value))).collect(),
        ),
    }
}

/// A number literal; one that no machine number holds (a long ID) keeps its digits as text.
pub(crate) fn number(text: &str) -> Value {
    if let Ok(integer) = text.parse::<i64>() {
        return Value::from(integer);
    }
    match text.parse::<f64>().ok().and_then(serde_json::Number::from_f64) {
        Some(number) if !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => {
            Value::Number(number)
        }
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use apollo_compiler::validation::Valid;
    use serde_json::json;

    use super::*;

    fn schema() -> Valid<Schema> {
        let sdl = "type Query { a(i: In, b: By): Int } enum E { RED } scalar JSON
            scalar Small
            input In { name: String! size: Int = 3 tags: [String!] inner: In e: E smalls: [Small!] } input By @oneOf { id: ID name: String }";
        Schema::parse_and_validate(sdl, "test.graphql").unwrap()
    }

    /// Texts of three letters at most.
    fn small(name: &str, value: &Value) -> Result<(), String> {
        match value {
            Value::String(text) if text.len() <= 3 => Ok(()),
            _ if name == "Small" => Err("expected three letters".to_owned()),
            _ => Ok(()),
        }
    }

    fn run(ty: &str, json: Json) -> Result<Option<Value>, String> {
        let ty = Type::parse(ty, "type").unwrap();
        let declared = [Declared { name: Name::new("v"), ty, default: None }];
        let mut given = Map::new();
        given.insert("v".into(), json);
        given.insert("unknown".into(), json!(1));
        match coerce(&schema(), &small, &declared, &mut given) {
            Ok(mut variables) => Ok(variables.remove("v")),
            Err(errors) => Err(errors[0].message.to_string()),
        }
    }

    #[test]
    fn scalars() {
        assert_eq!(run("Int", json!(7)).unwrap(), Some(Value::from(7)));
        assert_eq!(run("Int", json!(7.0)).unwrap(), Some(Value::from(7)));
        for bad in
            [json!(7.5), json!(2_147_483_648_i64), json!("7"), json!(true), json!([1, 2]), json!(1e300)]
        {
            assert!(run("Int", bad.clone()).is_err(), "{bad}");
        }
        assert_eq!(run("Float", json!(7)).unwrap(), Some(Value::from(7)));
        assert_eq!(run("ID", json!(7)).unwrap(), Some(Value::from("7")));
        assert_eq!(run("ID", json!(u64::MAX)).unwrap(), Some(Value::from("18446744073709551615")));
        assert!(run("ID", json!(7.5)).is_err());
        let long = serde_json::from_str("123456789012345678901234567890").unwrap();
        assert_eq!(run("ID", json!(1e3)).unwrap_err().matches("64 bits").count(), 0);
        assert!(run("ID", long).unwrap_err().contains("write it as a string"));
        assert!(run("String", json!(7)).unwrap_err().contains("expected String, found a number"));
        for (ty, value) in
            [("String", json!("a\0b")), ("JSON", json!([{"a": "\0"}])), ("JSON", json!({"a\0": 1}))]
        {
            assert!(run(ty, value).unwrap_err().contains("NUL"));
        }
        assert_eq!(run("E", json!("RED")).unwrap(), Some(Value::Enum(Name::new("RED"))));
        assert!(run("E", json!("BLUE")).is_err());
        assert_eq!(run("JSON", json!({"a": [1, null]})).unwrap().unwrap().to_string(), "{a: [1, null]}");
    }

    #[test]
    fn absent_and_null_stay_apart() {
        let ty = Type::parse("String", "type").unwrap();
        let declared = [Declared { name: Name::new("v"), ty, default: None }];
        let absent = coerce(&schema(), &small, &declared, &mut Map::new()).unwrap();
        assert!(absent.get("v").is_none());
        assert_eq!(run("String", Json::Null).unwrap(), Some(Value::Null));
        let object = run("In", json!({"name": "a", "size": null})).unwrap().unwrap();
        assert_eq!(object.to_string(), r#"{name: "a", size: null}"#);
    }

    #[test]
    fn errors_name_the_place_and_not_the_value() {
        let error =
            run("In", json!({"name": "a", "inner": {"name": "b", "tags": ["x", 12345]}})).unwrap_err();
        assert_eq!(
            error,
            r#"Variable "$v" got an invalid value at "v.inner.tags[1]": expected String, found a number."#
        );
        assert!(
            run("In", json!({"nome": "secret"}))
                .unwrap_err()
                .contains("\"name\" of type String! is required")
        );
        assert!(!run("In", json!({"name": "a", "secret": 1})).unwrap_err().contains("secret"));
        assert!(run("In!", Json::Null).unwrap_err().contains("expected In!, found null"));
    }

    #[test]
    fn scalars_of_the_schema_are_asked_of_the_host() {
        assert!(run("Small", json!("abc")).is_ok());
        assert_eq!(run("Small", Json::Null).unwrap(), Some(Value::Null));
        assert!(
            run("Small", json!(7)).unwrap_err().ends_with("got an invalid value: expected three letters.")
        );
        assert_eq!(
            run("In", json!({"name": "a", "smalls": ["abc", "abcd"]})).unwrap_err(),
            r#"Variable "$v" got an invalid value at "v.smalls[1]": expected three letters."#
        );
    }

    #[test]
    fn one_of_takes_exactly_one() {
        assert!(run("By", json!({"id": "1"})).is_ok());
        for bad in [
            json!({}),
            json!({"id": "1", "name": "x"}),
            json!({"id": null}),
            json!({"id": "1", "name": null}),
        ] {
            assert!(run("By", bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn single_values_become_lists() {
        assert_eq!(run("[Int]", json!(1)).unwrap().unwrap().to_string(), "[1]");
        assert_eq!(run("[[Int]]", json!([1, [2]])).unwrap().unwrap().to_string(), "[[1], [2]]");
    }
}
