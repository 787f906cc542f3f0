//! Inputs and arguments that name something: every place where an id or a name can stand, one at a time and all at once.

use serde_json::{Map, Value, json};

use crate::support::schema::{Input, Schema};
use crate::support::start_of_time;

/// Which fields of an input are probed.
#[derive(Clone, Copy)]
pub(super) enum Probe<'a> {
    One(&'a str),
    All,
}

impl Probe<'_> {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::One(path) => path,
            Self::All => "*",
        }
    }
}

/// What stands for an id or a name in a field of this name; `None` where the field names nothing.
pub(super) type Naming<'a> = &'a dyn Fn(&str) -> Option<Value>;

/// Makes inputs.
pub(super) struct Builder<'a> {
    pub(super) schema: &'a Schema,
    /// What the fields name that are not probed.
    pub(super) own: Naming<'a>,
    pub(super) probe: Probe<'a>,
    /// What those name that are.
    pub(super) probed: Naming<'a>,
}

impl Builder<'_> {
    /// An input with its required fields and those that are probed.
    pub(super) fn input(&self, ty: &str, prefix: &str) -> Value {
        let fields = self.schema.inputs(ty);
        let one_of = fields.iter().all(|field| !field.is_required) && ty.contains("ResultInput");
        let fields = if one_of { &fields[..1] } else { &fields[..] };
        self.object(fields, prefix, one_of)
    }

    /// The same of the arguments of a field, as variables of these names.
    pub(super) fn arguments(&self, arguments: &[Input]) -> Value {
        self.object(arguments, "", false)
    }

    fn object(&self, fields: &[Input], prefix: &str, all: bool) -> Value {
        let mut object = Map::new();
        for field in fields {
            let path = format!("{prefix}{}", field.name);
            let probed = match self.probe {
                Probe::All => true,
                Probe::One(probe) => probe == path || probe.starts_with(&format!("{path}.")),
            };
            if all || field.is_required || (probed && self.names_something(field, &path)) {
                object.insert(field.name.clone(), self.value(field, &path, probed));
            }
        }
        Value::Object(object)
    }

    fn names_something(&self, field: &Input, path: &str) -> bool {
        !paths(self.schema, std::slice::from_ref(field), path.strip_suffix(&field.name).unwrap_or(""))
            .is_empty()
    }

    fn value(&self, field: &Input, path: &str, probed: bool) -> Value {
        let names = field.ty == "ID" || self.schema.inputs(&field.ty).is_empty();
        if names && let Some(value) = if probed { self.probed } else { self.own }(&field.name) {
            return value;
        }
        if !self.schema.inputs(&field.ty).is_empty() {
            let value = self.input(&field.ty, &format!("{path}."));
            return if field.is_list { json!([value]) } else { value };
        }
        let value = match field.ty.as_str() {
            "String" if field.name == "email" => json!("probe@example.com"),
            "String" if field.name.to_lowercase().contains("password") => json!("no password of anybody"),
            "String" => json!("probe"),
            "Int" => json!(1),
            "Boolean" => json!(false),
            "DateTime" => json!(start_of_time()),
            "JSON" => Value::Null,
            "ID" => panic!("teach this test what `{path}` names"),
            ty => json!(self.schema.values(ty).first().unwrap_or_else(|| panic!("what is {ty}?"))),
        };
        if field.is_list { json!([value]) } else { value }
    }
}

/// The paths of the fields that name something.
pub(super) fn paths(schema: &Schema, fields: &[Input], prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for field in fields {
        let path = format!("{prefix}{}", field.name);
        // The name that a new user is to have names nobody yet.
        let fresh = field.name == "username" && prefix.is_empty();
        let known = ["organization", "username", "usernames", "login"].contains(&field.name.as_str())
            || path == "by.name";
        if field.ty == "ID" || (known && !fresh) {
            found.push(path);
        } else {
            found.extend(paths(schema, &schema.inputs(&field.ty), &format!("{path}.")));
        }
    }
    found
}
