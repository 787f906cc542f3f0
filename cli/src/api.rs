//! `api`: the API itself, for everything that has no command.

use std::io::Read;

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use crate::context::Context;
use crate::failure::{Failure, exit_of};
use crate::parameters::Pair;

/// The protocols of `guildhall api`.
#[derive(Debug, Subcommand)]
pub enum Api {
    /// Send a GraphQL document and print the response as JSON
    Graphql(Graphql),
}

/// The arguments of `guildhall api graphql`.
#[derive(Debug, Args)]
#[command(after_help = "\
`query` is the document; every other name is a variable.
The exit code tells the kind of the first error.

Examples:
  guildhall api graphql -f query='{ viewer { username } }'
  guildhall api graphql -F query=@members.graphql -f name=data-platform -F first=50
  guildhall api graphql -F query=@- -F 'input={\"name\": \"web\"}' < create.graphql")]
pub struct Graphql {
    /// A text as it stands; may be repeated
    #[arg(long = "raw-field", short = 'f', value_name = "NAME=TEXT")]
    texts: Vec<Pair>,
    /// A JSON value where it is one, else a text; @FILE reads a file and @- the standard input; may be repeated
    #[arg(long = "field", short = 'F', value_name = "NAME=VALUE")]
    fields: Vec<Pair>,
}

impl Api {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let Self::Graphql(graphql) = self;
        let (query, variables) = graphql.document()?;
        let response = client_for(context)?.run_text(&query, &variables).await?;
        context.output.json(&response)?;
        match response.get("errors").and_then(|errors| errors.get(0)) {
            None => Ok(()),
            Some(error) => Err(failure(error)),
        }
    }
}

/// The signed-in user where there is one; some of the API needs nobody.
fn client_for(context: &Context) -> Result<guildhall_client::Client, Failure> {
    match context.client() {
        Err(failure) if failure.exit == crate::failure::Exit::NotSignedIn => context.anonymous(),
        client => client,
    }
}

fn failure(error: &Value) -> Failure {
    let code = error.pointer("/extensions/code").and_then(Value::as_str).unwrap_or_default();
    let message = error.get("message").and_then(Value::as_str).unwrap_or("the response has errors");
    Failure::new(exit_of(code), message)
}

impl Graphql {
    /// The document and its variables.
    fn document(self) -> Result<(String, Map<String, Value>), Failure> {
        let mut query = None;
        let mut variables = Map::new();
        for Pair { name, value } in self.texts {
            if name == "query" {
                query = Some(value);
            } else {
                variables.insert(name, Value::String(value));
            }
        }
        for Pair { name, value } in self.fields {
            if name == "query" {
                query = Some(content(value)?);
            } else {
                variables.insert(name, typed(value)?);
            }
        }
        let query = query.ok_or_else(|| {
            Failure::usage("no document").hint("pass -f query='{ viewer { username } }' or -F query=@FILE")
        })?;
        Ok((query, variables))
    }
}

/// The text itself, or that of the file it names.
fn content(value: String) -> Result<String, Failure> {
    let Some(name) = value.strip_prefix('@') else { return Ok(value) };
    if name != "-" {
        return std::fs::read_to_string(name).map_err(|error| Failure::local(format!("read {name}"), error));
    }
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.map(|_| text).map_err(|error| Failure::local("read the standard input", error))
}

/// JSON where it is JSON, else a text; a file is always a text.
fn typed(value: String) -> Result<Value, Failure> {
    if value.starts_with('@') {
        return content(value).map(Value::String);
    }
    Ok(serde_json::from_str(&value).unwrap_or(Value::String(value)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

    use serde_json::json;

    use super::*;
    use crate::failure::Exit;

    fn graphql(texts: &[&str], fields: &[&str]) -> Graphql {
        let pairs = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        Graphql { texts: pairs(texts), fields: pairs(fields) }
    }

    #[test]
    fn variables_have_types_where_they_are_asked_for() {
        let given = graphql(
            &["query={ a }", "text=5"],
            &["first=5", "yes=true", "none=null", "input={\"name\": \"x\"}", "name=data"],
        );
        let (query, variables) = given.document().unwrap();
        assert_eq!(query, "{ a }");
        assert_eq!(
            Value::Object(variables),
            json!({"text": "5", "first": 5, "yes": true, "none": null, "input": {"name": "x"}, "name": "data"})
        );
    }

    #[test]
    fn a_document_may_come_from_a_file_and_must_come_from_somewhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.graphql");
        std::fs::write(&path, "{ b }").unwrap();
        let field = format!("query=@{}", path.display());
        assert_eq!(graphql(&[], &[&field]).document().unwrap().0, "{ b }");
        assert_eq!(graphql(&[], &[]).document().unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn the_first_error_decides_the_exit() {
        let error = json!({"message": "no", "extensions": {"code": "FORBIDDEN"}});
        assert_eq!(failure(&error).exit, Exit::Forbidden);
        assert_eq!(failure(&json!({})).exit, Exit::Failure);
    }
}
