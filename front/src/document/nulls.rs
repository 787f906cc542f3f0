//! A variable that defaults to null may be null: it fits no place that has to stand. The compiler takes any default for
//! one that helps.

use apollo_compiler::ast::{Definition, Document, VariableDefinition};

/// The document without defaults of null, if it has any. It is good for validation alone: a variable that is absent and
/// one that is null by default are not the same.
pub(super) fn without(document: &Document) -> Option<Document> {
    let is_null = |variable: &VariableDefinition| {
        variable.default_value.as_ref().is_some_and(|default| default.is_null()) && !variable.ty.is_non_null()
    };
    let variables = document.definitions.iter().filter_map(|definition| match definition {
        Definition::OperationDefinition(operation) => Some(&operation.variables),
        _ => None,
    });
    if !variables.flatten().any(|variable| is_null(variable)) {
        return None;
    }
    let mut copy = document.clone();
    for definition in &mut copy.definitions {
        let Definition::OperationDefinition(operation) = definition else { continue };
        let variables = &mut operation.make_mut().variables;
        for variable in variables.iter_mut().filter(|variable| is_null(variable)) {
            variable.make_mut().default_value = None;
        }
    }
    Some(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_defaults_of_null_are_left_out() {
        let rest = |text: &str| {
            without(&Document::parse(text, "request").unwrap()).map(|document| document.to_string())
        };
        assert_eq!(rest("query ($a: Int = 1, $b: Int) { a }"), None);
        // That one is an error of its own.
        assert_eq!(rest("query ($a: Int! = null) { a }"), None);
        let text = rest("query ($a: Int = null, $b: Int = 1) { a }").unwrap();
        assert!(text.starts_with("query($a: Int, $b: Int = 1)"), "{text}");
    }
}
