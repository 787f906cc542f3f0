//! The schema as text: the contract, and what introspection is answered from.

use std::collections::HashMap;
use std::sync::LazyLock;

use async_graphql::SDLExportOptions;

use super::schema;

/// What a description begins and ends with, on lines of their own.
const QUOTES: &str = "\"\"\"";

/// The schema as text, sorted. Printed once: it takes 13 ms, and anybody may ask for it.
pub fn sdl() -> &'static str {
    static SDL: LazyLock<String> = LazyLock::new(printed);
    &SDL
}

fn printed() -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .include_specified_by()
        .use_space_ident()
        .indent_width(2);
    let sdl = schema().sdl_with_options(options);
    let trimmed: Vec<&str> = sdl.lines().map(str::trim_end).collect();
    let described = with_described_inputs(trimmed.join("\n").trim_end());
    format!("{described}\n")
}

/// Gives the `input` of every mutation the description of its type, which says all there is to say of it: at each mutation
/// it would be a copy that somebody must keep.
fn with_described_inputs(sdl: &str) -> String {
    let descriptions = input_descriptions(sdl);
    let mut lines = Vec::new();
    let mut of_mutations = false;
    for line in sdl.lines() {
        if !line.starts_with(' ') {
            of_mutations = line == "type Mutation {";
        }
        let argument = line.split_once("(input: ").filter(|_| of_mutations);
        let described = argument.and_then(|(field, rest)| {
            let (kind, answer) = rest.split_once("!)")?;
            Some((field, kind, answer, descriptions.get(kind)?))
        });
        let Some((field, kind, answer, description)) = described else {
            lines.push(line.to_owned());
            continue;
        };
        lines.push(format!("{field}("));
        lines.extend(description.iter().map(|line| format!("    {line}")));
        lines.push(format!("    input: {kind}!"));
        lines.push(format!("  ){answer}"));
    }
    lines.join("\n")
}

/// The description of each input type, as it stands there.
fn input_descriptions(sdl: &str) -> HashMap<&str, Vec<&str>> {
    let mut descriptions = HashMap::new();
    let mut description = Vec::new();
    for line in sdl.lines() {
        if let Some(name) = line.strip_prefix("input ").and_then(|rest| rest.split(' ').next()) {
            descriptions.insert(name, std::mem::take(&mut description));
            continue;
        }
        if !is_open(&description) {
            description.clear();
        }
        if is_open(&description) || line == QUOTES {
            description.push(line);
        }
    }
    descriptions
}

/// Whether a description has begun and not ended.
fn is_open(description: &[&str]) -> bool {
    description.iter().filter(|line| **line == QUOTES).count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_described_as_its_type_is() {
        let sdl = "\
\"\"\"
What can be changed.
\"\"\"
type Mutation {
  \"\"\"
  Makes a thing.
  \"\"\"
  make(input: MakeInput!): MakePayload
  other(name: String): Thing
}
\"\"\"
A thing to be made.
Of two lines.
\"\"\"
input MakeInput {
  name: String!
}
type Thing {
  looks(input: MakeInput!): String
}";
        let described = "\
\"\"\"
What can be changed.
\"\"\"
type Mutation {
  \"\"\"
  Makes a thing.
  \"\"\"
  make(
    \"\"\"
    A thing to be made.
    Of two lines.
    \"\"\"
    input: MakeInput!
  ): MakePayload
  other(name: String): Thing
}
\"\"\"
A thing to be made.
Of two lines.
\"\"\"
input MakeInput {
  name: String!
}
type Thing {
  looks(input: MakeInput!): String
}";
        assert_eq!(with_described_inputs(sdl), described);
    }

    #[test]
    fn no_mutation_is_left_out() {
        let sdl = sdl();
        assert!(!sdl.contains("(input: "), "an input type has no description");
    }
}
