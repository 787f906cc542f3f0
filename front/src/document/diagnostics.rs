//! What the compiler found wrong, in the words of the contract.
//!
//! A message names schema elements, variables, fragments and aliases; it never repeats values of the document, and
//! never its source.

use apollo_compiler::{diagnostic::ToCliReport as _, validation::DiagnosticList};

use super::lines::Lines;
use crate::error::{ErrorCode, GraphqlError, Refused};

/// A refusal for a document that does not parse: the first error, since what follows it is noise.
pub(crate) fn syntax(diagnostics: &DiagnosticList, lines: &Lines<'_>) -> Refused {
    let first = diagnostics.iter().next();
    let message = first.as_ref().map_or_else(String::new, |found| found.error.to_string());
    let place = first.and_then(|found| lines.start(found.error.location()));
    let message = message.strip_prefix("syntax error: ").unwrap_or(&message);
    GraphqlError::new(ErrorCode::GraphqlParseFailed, format!("Syntax error: {}.", without_source(message)))
        .at(place)
        .into()
}

/// A refusal for a document that does not fit the schema, with at most `max` errors.
pub(crate) fn invalid(diagnostics: &DiagnosticList, lines: &Lines<'_>, max: usize) -> Refused {
    let errors = diagnostics.iter().take(max.max(1)).map(|found| {
        let error = match found.error.unstable_error_name() {
            // Limits of the compiler on its own recursion.
            Some("DeeplyNestedType" | "RecursionError" | "RecursionLimitError") => {
                let message = "The document nests too deeply to be validated; nest less.";
                GraphqlError::new(ErrorCode::QueryTooComplex, message)
            }
            name => {
                let message =
                    message(name, found.error.unstable_compat_message(), || found.error.to_string());
                GraphqlError::new(ErrorCode::GraphqlValidationFailed, message)
            }
        };
        error.at(lines.start(found.error.location()))
    });
    Refused::document(errors.collect())
}

fn message(name: Option<&str>, compatible: Option<String>, plain: impl FnOnce() -> String) -> String {
    match name {
        // The compatible message of these repeats the value.
        Some("UnsupportedValueType" | "IntCoercionError" | "FloatCoercionError") => sentence(&plain()),
        _ => compatible.map_or_else(|| sentence(&plain()), balanced),
    }
}

/// The compiler leaves out a quotation mark before the `and` of two types in conflict.
fn balanced(message: String) -> String {
    if message.matches('"').count().is_multiple_of(2) {
        message
    } else {
        message.replacen(" and \"", "\" and \"", 1)
    }
}

/// The lexer quotes what it stumbled over after the last colon; the parser says what it met after `got`.
fn without_source(message: &str) -> &str {
    let end = message.find(" \"").or_else(|| message.find(", got ")).unwrap_or(message.len());
    message[..end].trim_end_matches(['.', ':', ' '])
}

fn sentence(text: &str) -> String {
    let text = text.replace('`', "\"");
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str().trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_sentences_without_source() {
        assert_eq!(
            sentence("expected value of type `Int`, found a string"),
            "Expected value of type \"Int\", found a string."
        );
        assert_eq!(sentence("`F` is `G`"), "\"F\" is \"G\".");
        assert_eq!(balanced("types \"A and \"B\".".to_owned()), "types \"A\" and \"B\".");
        assert_eq!(balanced("\"A\" and \"B\"".to_owned()), "\"A\" and \"B\"");
        assert_eq!(without_source("Unexpected character \"§\""), "Unexpected character");
        assert_eq!(without_source("expected a Name, got }"), "expected a Name");
    }
}
