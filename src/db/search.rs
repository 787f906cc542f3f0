//! Text that people search for.

use guildhall_entity::text::Folded;
use sea_orm::DbBackend;
use sea_orm::sea_query::{BinOper, Condition, Expr, ExprTrait, JoinType, LikeExpr, Query, SelectStatement};

use super::few::Few;
use crate::error::{Error, Result};

/// The longest text to search for, in characters.
const TERM_MAX: usize = 100;

/// The shortest text that an index of texts knows, in characters: it cuts names into pieces of so many.
const INDEXED: usize = 3;

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

    /// What stands in `column` has the text somewhere.
    fn is_in(&self, column: (&'static str, &'static str)) -> Expr {
        let escaped = self.0.as_str().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        Expr::col(column).like(LikeExpr::new(format!("%{escaped}%")).escape('\\'))
    }

    /// Those of all rows of a table, where a statement names it `alias`, that are not deleted and have the text in one of these
    /// columns: for actors who see all of them. The table needs an index of texts (`guildhall_migration::index_texts`). None
    /// where no index knows the text: it is too short.
    pub(crate) fn among(
        &self,
        table: &'static str,
        alias: &'static str,
        columns: &'static [&'static str],
    ) -> Option<Few> {
        let is_known = self.0.as_str().chars().count() >= INDEXED;
        let term = self.clone();
        is_known.then(|| Few::new((table, alias), move |backend| term.found(backend, table, columns)))
    }

    /// The ids of those rows, from the index of texts.
    fn found(
        &self,
        backend: DbBackend,
        table: &'static str,
        columns: &'static [&'static str],
    ) -> SelectStatement {
        let mut found = Query::select();
        found.column(("named", "id"));
        if backend == DbBackend::Postgres {
            let has_it = |any: Condition, &column| any.add(self.is_in(("named", column)));
            found
                .from_as(table, "named")
                .and_where(Expr::col(("named", "deleted_at")).is_null())
                .cond_where(columns.iter().fold(Condition::any(), has_it));
        } else {
            let texts = format!("{table}_text");
            let phrase = format!("\"{}\"", self.0.as_str().replace('"', "\"\""));
            let on = Expr::col(("named", "number")).equals(("texts", "rowid"));
            found
                .from_as(texts.clone(), "texts")
                .join_as(JoinType::InnerJoin, format!("{texts}_key"), "named", on)
                .and_where(Expr::col(("texts", texts)).binary(BinOper::Custom("MATCH"), Expr::val(phrase)));
        }
        found
    }
}

/// The term stands in one of these columns, which are kept folded: a name, or what stands beside a text for this. Of each row
/// that is come to otherwise: it is asked in a way that PostgreSQL has no index for, because that would be read for a common
/// text as well.
pub(crate) fn matches(term: &Term, columns: &[(&'static str, &'static str)]) -> Condition {
    let is_true = |column| term.is_in(column).is(Expr::Constant(true.into()));
    columns.iter().fold(Condition::any(), |any, &column| any.add(is_true(column)))
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
