//! Text that people search for.

use guildhall_entity::text::Folded;
use sea_orm::DbBackend;
use sea_orm::sea_query::{
    Asterisk, BinOper, CommonTableExpression, Condition, Expr, ExprTrait, Func, JoinType, LikeExpr, Query,
    SelectStatement, SubQueryStatement,
};

use crate::error::{Error, Result};

/// The longest text to search for, in characters.
const TERM_MAX: usize = 100;

/// The shortest text that an index of texts knows, in characters: it cuts names into pieces of so many.
const INDEXED: usize = 3;
/// Where fewer things than this have a text, they are looked up and sorted. Where more have it, a list is walked along its
/// order: a page is soon full.
const FEW: u64 = 1000;

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

    /// A search for it in these columns of all rows of a table that are not deleted, for a statement where that is `alias`:
    /// for actors who see all of them, since how many have a text decides how a list is read. The table needs an index of
    /// texts (`guildhall_migration::index_texts`). None where no index knows the text: it is too short.
    pub(crate) fn among(
        &self,
        table: &'static str,
        alias: &'static str,
        columns: &'static [&'static str],
    ) -> Option<Search> {
        let is_known = self.0.as_str().chars().count() >= INDEXED;
        is_known.then(|| Search { term: self.clone(), table, alias, columns })
    }
}

/// The term stands in one of these columns, which are kept folded: a name, or what stands beside a text for this. Of each row
/// that is come to otherwise: it is asked in a way that PostgreSQL has no index for, because that would be read for a common
/// text as well.
pub(crate) fn matches(term: &Term, columns: &[(&'static str, &'static str)]) -> Condition {
    let is_true = |column| term.is_in(column).is(Expr::Constant(true.into()));
    columns.iter().fold(Condition::any(), |any, &column| any.add(is_true(column)))
}

/// A search through all things of one kind. No plan can tell whether a text is rare or common, so the statement finds out: `few`
/// are the first that an index of texts has, up to [`FEW`]. Are they fewer, then they are all, and looked up; and otherwise
/// the list is walked. The part that is not needed reads nothing.
pub(crate) struct Search {
    term: Term,
    table: &'static str,
    alias: &'static str,
    columns: &'static [&'static str],
}

impl Search {
    /// `few`, with which the statement begins that has the parts.
    pub(super) fn few(&self, backend: DbBackend) -> CommonTableExpression {
        let mut few = Query::select();
        if backend == DbBackend::Postgres {
            let found = |any: Condition, &column| any.add(self.term.is_in(("named", column)));
            few.column(("named", "id"))
                .from_as(self.table, "named")
                .and_where(Expr::col(("named", "deleted_at")).is_null())
                .cond_where(self.columns.iter().fold(Condition::any(), found));
        } else {
            let texts = format!("{}_text", self.table);
            let phrase = format!("\"{}\"", self.term.0.as_str().replace('"', "\"\""));
            let on = Expr::col(("named", "number")).equals(("texts", "rowid"));
            few.column(("named", "id"))
                .from_as(texts.clone(), "texts")
                .join_as(JoinType::InnerJoin, format!("{texts}_key"), "named", on)
                .and_where(Expr::col(("texts", texts)).binary(BinOper::Custom("MATCH"), Expr::val(phrase)));
        }
        few.limit(FEW);
        let mut named = CommonTableExpression::new();
        named.table_name("few").query(few).materialized(true).to_owned()
    }

    /// The rows of a statement in two parts, one of which is empty.
    pub(super) fn parts(&self, backend: DbBackend, select: &SelectStatement) -> [SelectStatement; 2] {
        let counted = Query::select().expr(Func::count(Expr::col(Asterisk))).from("few").to_owned();
        let counted = || Expr::from(SubQueryStatement::from(counted.clone()));
        let id = Expr::col((self.alias, "id"));
        let all = Query::select().column("id").from("few").and_where(counted().lt(FEW)).to_owned();
        let (mut rare, mut common) = (select.clone(), select.clone());
        if backend == DbBackend::Postgres {
            // As an array, for which it looks up rows: what it expects of `in`, it may rather read a table of users for.
            let ids = Func::cust("array").arg(SubQueryStatement::from(all));
            rare.and_where(id.eq(Func::cust("any").arg(ids)));
            common.and_where(counted().gte(FEW));
        } else {
            rare.and_where(id.in_subquery(all));
            // SQLite would ask that of each row that it has read. A row that is looked up by a unique index comes before all
            // others, and leaves the order to them.
            let last = Query::select().column("id").from("few").limit(1).offset(FEW - 1).to_owned();
            let there_is = Expr::col(("gate", "id")).eq(SubQueryStatement::from(last));
            common.join_as(JoinType::InnerJoin, self.table, "gate", there_is);
        }
        [rare, common]
    }
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
