//! Text that people search for.

use guildhall_entity::text::Folded;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, LikeExpr};

use crate::error::{Error, Result};

/// The longest text to search for, in characters.
const TERM_MAX: usize = 100;

/// A text to search for. Databases refuse long patterns, and SQLite only once it has met a row to compare: so a longer text
/// would tell of rows that the actor can't see. No other text reaches [`matches`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Term(Folded);

impl Term {
    /// What the field `query` of a list's filter asks for.
    ///
    /// # Errors
    /// BAD_USER_INPUT for a text that is too long.
    pub(crate) fn asked(query: Option<&str>) -> Result<Option<Self>> {
        let Some(text) = query else { return Ok(None) };
        let length = text.chars().count();
        if length > TERM_MAX {
            let message = format!("`filter.query` has at most {TERM_MAX} characters, got {length}");
            return Err(Error::BadInput { argument: "filter.query", message });
        }
        Ok(Some(Self(Folded::of(text))))
    }
}

/// The term stands in one of these columns, which are kept folded: a name, or what stands beside a text for this.
pub(crate) fn matches(term: &Term, columns: &[(&'static str, &'static str)]) -> Condition {
    let escaped = term.0.as_str().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let pattern = format!("%{escaped}%");
    columns.iter().fold(Condition::any(), |any, &column| {
        any.add(Expr::col(column).like(LikeExpr::new(pattern.as_str()).escape('\\')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_has_a_bound_in_characters() {
        assert!(Term::asked(None).is_ok_and(|term| term.is_none()));
        assert!(Term::asked(Some(&"Ä".repeat(100))).is_ok());
        assert!(Term::asked(Some(&"x".repeat(101))).is_err());
    }
}
