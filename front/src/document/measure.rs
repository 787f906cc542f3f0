//! The shape of a document before it is validated: depth, fields, aliases, copies, directives.
//!
//! Fragments are measured once and their numbers reused, so a document whose fragments spread one another twice costs
//! as much to measure as to read; what passes here is small enough after expansion for every later stage.

use std::collections::{HashMap, HashSet};

use apollo_compiler::{
    Node,
    ast::{Definition, Directive, Document, FragmentDefinition, Selection},
    parser::SourceSpan,
};

use super::lines::Lines;
use crate::{
    Limits,
    error::{ErrorCode, GraphqlError, Refused},
};

/// Fragments inside one another that the compiler follows.
const SPREADS: usize = 100;

/// Refuses a document with an operation that passes a limit on its shape.
///
/// # Errors
/// `QUERY_TOO_COMPLEX` with `limit` and `actual`; `GRAPHQL_PARSE_FAILED` for empty braces, which the grammar of
/// September 2025 does not have.
pub(crate) fn measure(document: &Document, limits: &Limits, lines: &Lines<'_>) -> Result<(), Refused> {
    let fragments = document.definitions.iter().filter_map(Definition::as_fragment_definition);
    let mut measuring = Measuring {
        limits,
        fragments: fragments.map(|fragment| (fragment.name.as_str(), fragment)).collect(),
        measured: HashMap::new(),
        open: HashSet::new(),
        fields: 0,
    };
    // Fragments first: one that no operation uses must not escape.
    for definition in &document.definitions {
        let result = match definition {
            Definition::FragmentDefinition(fragment) => {
                measuring.directives(&fragment.directives, fragment.location()).and_then(|()| {
                    measuring.spread(fragment.name.as_str());
                    measuring.failure()
                })
            }
            Definition::OperationDefinition(operation) => measuring
                .directives(&operation.directives, operation.location())
                .and_then(|()| measuring.operation(&operation.selection_set, operation.location())),
            _ => Ok(()),
        };
        result.map_err(|(error, span)| error.at(lines.start(span)))?;
    }
    Ok(())
}

type Failure = (GraphqlError, Option<SourceSpan>);

/// The numbers of one selection set after expansion.
#[derive(Clone, Default)]
struct Shape<'a> {
    fields: usize,
    aliases: usize,
    depth: usize,
    /// Fragments spread inside one another.
    spreads: usize,
    /// Selections per response name at the top of the set.
    names: HashMap<&'a str, usize>,
    failure: Option<Failure>,
}

struct Measuring<'a> {
    limits: &'a Limits,
    fragments: HashMap<&'a str, &'a Node<FragmentDefinition>>,
    measured: HashMap<&'a str, Shape<'a>>,
    /// Fragments being measured: a spread of one of them is a cycle, which validation reports.
    open: HashSet<&'a str>,
    /// Fields of all operations so far: each is validated, whichever is run.
    fields: usize,
}

impl<'a> Measuring<'a> {
    fn operation(&mut self, selections: &'a [Selection], span: Option<SourceSpan>) -> Result<(), Failure> {
        let shape = self.set(selections, span)?;
        self.fields += shape.fields;
        if self.fields > self.limits.fields {
            let limit = self.limits.fields;
            let message =
                format!("The operations together have more than {limit} fields; send fewer at a time.");
            return Err((GraphqlError::limit(message, limit, self.fields), span));
        }
        let roots = shape.names.values().sum();
        if roots > self.limits.root_fields {
            let limit = self.limits.root_fields;
            let message =
                format!("The operation selects more than {limit} fields at its root; split it into several.");
            return Err((GraphqlError::limit(message, limit, roots), span));
        }
        Ok(())
    }

    fn failure(&self) -> Result<(), Failure> {
        self.measured.values().find_map(|shape| shape.failure.clone()).map_or(Ok(()), Err)
    }

    /// The numbers of a fragment: measured at its first spread, remembered for the others.
    fn spread(&mut self, name: &str) -> Shape<'a> {
        let Some((name, fragment)) =
            self.fragments.get_key_value(name).map(|(name, fragment)| (*name, *fragment))
        else {
            return Shape::default();
        };
        if let Some(shape) = self.measured.get(name) {
            return shape.clone();
        }
        if !self.open.insert(name) {
            return Shape::default();
        }
        let shape = self
            .set(&fragment.selection_set, fragment.location())
            .unwrap_or_else(|failure| Shape { failure: Some(failure), ..Shape::default() });
        self.open.remove(name);
        self.measured.insert(name, shape.clone());
        shape
    }

    fn set(&mut self, selections: &'a [Selection], span: Option<SourceSpan>) -> Result<Shape<'a>, Failure> {
        let mut shape = Shape::default();
        if selections.is_empty() {
            let message = "Syntax error: a selection set needs at least one field.";
            return Err((GraphqlError::new(ErrorCode::GraphqlParseFailed, message), span));
        }
        for selection in selections {
            let span = selection.location();
            match selection {
                Selection::Field(field) => {
                    self.directives(&field.directives, span)?;
                    let inner = match &field.selection_set {
                        Some(inner) => self.set(inner, span)?,
                        None => Shape::default(),
                    };
                    shape.spreads = shape.spreads.max(inner.spreads);
                    shape.fields += inner.fields + 1;
                    shape.aliases += inner.aliases + usize::from(field.alias.is_some());
                    shape.depth = shape.depth.max(inner.depth + 1);
                    *shape.names.entry(field.response_name().as_str()).or_default() += 1;
                }
                Selection::InlineFragment(fragment) => {
                    self.directives(&fragment.directives, span)?;
                    let inner = self.set(&fragment.selection_set, span)?;
                    shape.join(inner);
                }
                Selection::FragmentSpread(spread) => {
                    self.directives(&spread.directives, span)?;
                    let mut inner = self.spread(spread.fragment_name.as_str());
                    if let Some(failure) = inner.failure {
                        return Err(failure);
                    }
                    inner.spreads += 1;
                    shape.join(inner);
                }
            }
            // Checked at every step, so that no number and no map of names grows far past its limit.
            self.within(&shape, span)?;
        }
        Ok(shape)
    }

    fn within(&self, shape: &Shape<'a>, span: Option<SourceSpan>) -> Result<(), Failure> {
        let limits = self.limits;
        let copies = shape.names.values().copied().max().unwrap_or_default();
        let checks = [
            (shape.depth, limits.depth, "levels of fields"),
            (shape.fields, limits.fields, "fields after its fragments are expanded"),
            (shape.aliases, limits.aliases, "aliases"),
            (shape.spreads, SPREADS, "fragments inside one another"),
            (copies, limits.copies, "copies of one response name in one selection set"),
        ];
        for (actual, limit, what) in checks {
            if actual > limit {
                let message = format!("The operation has more than {limit} {what}; ask for less.");
                return Err((GraphqlError::limit(message, limit, actual), span));
            }
        }
        Ok(())
    }

    fn directives(&self, directives: &[Node<Directive>], span: Option<SourceSpan>) -> Result<(), Failure> {
        let (limit, actual) = (self.limits.directives, directives.len());
        if actual > limit {
            let message = format!("More than {limit} directives at one place; remove some.");
            return Err((GraphqlError::limit(message, limit, actual), span));
        }
        Ok(())
    }
}

impl<'a> Shape<'a> {
    fn join(&mut self, other: Shape<'a>) {
        self.fields += other.fields;
        self.aliases += other.aliases;
        self.depth = self.depth.max(other.depth);
        self.spreads = self.spreads.max(other.spreads);
        for (name, count) in other.names {
            *self.names.entry(name).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn check(text: &str) -> Option<String> {
        let document = Document::parse(text, "request").unwrap();
        let refused = measure(&document, &Limits::default(), &Lines::of(text)).err()?;
        Some(refused.errors[0].message.to_string())
    }

    #[test]
    fn each_limit_has_its_edge() {
        let nested = |n: usize| format!("{}x{}", "{ a ".repeat(n - 1) + "{ ", " }".repeat(n));
        assert_eq!(check(&nested(15)), None);
        assert!(check(&nested(16)).unwrap().contains("15 levels"));
        let aliases =
            |n: usize| format!("{{ f {{ {} }} }}", (0..n).map(|i| format!("a{i}: x ")).collect::<String>());
        assert_eq!(check(&aliases(50)), None);
        assert!(check(&aliases(51)).unwrap().contains("50 aliases"));
        let copies = |n: usize| format!("{{ f {{ {} }} }}", "x ".repeat(n));
        assert_eq!(check(&copies(20)), None);
        assert!(check(&copies(21)).unwrap().contains("20 copies"));
        let roots = |n: usize| format!("{{ {} }}", (0..n).map(|i| format!("a{i} ")).collect::<String>());
        assert_eq!(check(&roots(20)), None);
        assert!(check(&roots(21)).unwrap().contains("20 fields at its root"));
        let operations = |n| (0..n).map(|i| format!("query A{i} {{ ...F }} ")).collect::<String>();
        let shared = format!("fragment F on T {{ a {{ {} }} }}", "x ".repeat(19));
        assert_eq!(check(&(operations(100) + &shared)), None);
        assert!(check(&(operations(101) + &shared)).unwrap().contains("operations together"));
        assert_eq!(check(&format!("{{ x {} }}", "@a ".repeat(5))), None);
        assert!(check(&format!("{{ x {} }}", "@a ".repeat(6))).unwrap().contains("5 directives"));
    }

    #[test]
    fn limits_hold_through_fragments() {
        let text = format!("{{ f {{ ...A ...A ...A }} }} fragment A on T {{ {} }}", "x ".repeat(7));
        assert!(check(&text).unwrap().contains("20 copies"));
        let text = format!("{{ ok }} fragment Unused on T {{ {} }}", "x ".repeat(21));
        assert!(check(&text).unwrap().contains("20 copies"));
    }

    #[test]
    fn a_fragment_bomb_is_measured_at_once() {
        let mut text = String::from("{ f { ...F0 } } ");
        for level in 0..40 {
            text +=
                &format!("fragment F{level} on T {{ a {{ ...F{} }} b {{ ...F{} }} }} ", level + 1, level + 1);
        }
        text += "fragment F40 on T { x }";
        let started = Instant::now();
        assert!(check(&text).is_some());
        assert!(started.elapsed() < Duration::from_millis(200));
    }

    #[test]
    fn fragments_inside_one_another_are_limited() {
        let chain = |n: usize| {
            let inner = |i: usize| if i + 1 < n { format!("...F{}", i + 1) } else { "x".to_owned() };
            let fragments = (0..n).map(|i| format!(" fragment F{i} on T {{ {} }}", inner(i)));
            format!("{{ ...F0 }}{}", fragments.collect::<String>())
        };
        assert_eq!(check(&chain(100)), None);
        assert!(check(&chain(101)).unwrap().contains("more than 100 fragments inside one another"));
    }

    #[test]
    fn cycles_are_left_to_validation_and_end() {
        assert_eq!(check("{ ...A } fragment A on T { x ...B } fragment B on T { y ...A }"), None);
    }

    #[test]
    fn empty_braces_are_not_graphql() {
        assert!(check("{ a {} }").unwrap().contains("at least one field"));
    }
}
