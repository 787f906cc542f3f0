//! How statements are written. Every value is a parameter, but limits stand in the text: a plan that is made for any values
//! (`plan_cache_mode=force_generic_plan`) takes a limit that it is not told for a tenth of the table, and would rather read
//! and sort all of it than walk along an index to the end of a page. And whether something is one of many, each database is
//! asked in its own way.

use std::fmt::{Display, Formatter, Write};
use std::ops::Range;

use sea_orm::DbBackend;
use sea_orm::sea_query::prepare::SqlWriter;
use sea_orm::sea_query::{
    ArrayType, Expr, PostgresQueryBuilder, QueryBuilder, QueryStatementWriter, SelectStatement,
    SqliteQueryBuilder, Value, Values,
};

use super::dialect::is_one_value_of;

/// The text of a statement, and its parameters.
pub(super) fn written(backend: DbBackend, statement: &impl QueryStatementWriter) -> (String, Values) {
    match backend {
        DbBackend::Postgres => with(PostgresQueryBuilder, statement),
        _ => with(SqliteQueryBuilder, statement),
    }
}

fn with<B: QueryBuilder>(builder: B, statement: &impl QueryStatementWriter) -> (String, Values) {
    let (placeholder, numbered) = builder.placeholder();
    let mut text = Text {
        placeholder,
        numbered,
        text: String::with_capacity(1024),
        values: Vec::new(),
        lists: Vec::new(),
    };
    statement.build_collect_into(builder, &mut text);
    (text.text, Values(text.values))
}

/// The same of some rows: those that have one of these keys, at least one, in a column.
pub(super) fn of_keys(
    backend: DbBackend,
    select: &SelectStatement,
    column: &Expr,
    keys: Vec<Value>,
) -> (String, Values) {
    let mut select = select.clone();
    select.and_where(is_one_value_of(column.clone(), keys));
    written(backend, &select)
}

struct Text {
    placeholder: &'static str,
    numbered: bool,
    text: String,
    values: Vec<Value>,
    /// Where different lists of ids stand among the values.
    lists: Vec<Range<usize>>,
}

impl Text {
    fn push(&mut self, value: Value) {
        self.values.push(value);
        self.text.push_str(self.placeholder);
        if self.numbered {
            _ = write!(self.text, "{}", self.values.len());
        }
    }

    /// Of `… IN ` stands already what comes before the list.
    fn push_list(&mut self, values: Vec<Value>) {
        for (i, value) in values.into_iter().enumerate() {
            if i > 0 {
                self.text.push_str(", ");
            }
            self.push(value);
        }
    }

    /// The same with ids.
    fn push_ids(&mut self, ids: Vec<Value>) {
        let count = ids.len();
        let again = self.lists.iter().any(|list| self.values[list.clone()] == ids);
        let compared = again && COMPARED.contains(&count) && self.text.contains(UNION);
        let start = self.values.len();
        self.push_list(ids);
        if compared {
            self.text.push_str(", changes()");
        } else if !again {
            self.lists.push(start..start + count);
        }
    }

    /// The same with an array: PostgreSQL has no other way to be asked with one parameter.
    fn push_any(&mut self, array: Value) {
        self.text.truncate(self.text.len() - IN.len());
        self.text.push_str(" = ANY(");
        self.push(array);
        self.text.push(')');
    }
}

/// What stands before the right side of an `IN`.
const IN: &str = " IN ";
/// What stands between the pages of several parents.
const UNION: &str = " UNION ALL ";
/// SQLite makes a table of a list of constants, wherever one stands. In a union of pages the same list, of the organizations
/// that somebody sees, stands in each, and to make those tables takes a quarter of the CPU time of reading twenty groups' members.
/// With one value among them that SQLite does not take for constant (`changes()`, a number, is no id) it compares with one after
/// the other: for lists of as many values, and for those of two it does so by itself.
const COMPARED: Range<usize> = 3..33;

impl SqlWriter for Text {
    fn push_param<B: QueryBuilder>(&mut self, value: Value, _: &B) {
        match value {
            // Neither database has unsigned numbers: nothing but a limit is one.
            Value::BigUnsigned(Some(limit)) => _ = write!(self.text, "{limit}"),
            Value::Array(_, Some(_)) if self.numbered && self.text.ends_with(IN) => self.push_any(value),
            Value::Array(kind, Some(values)) if self.text.ends_with(IN) => {
                self.text.push('(');
                match kind {
                    ArrayType::Uuid => self.push_ids(*values),
                    _ => self.push_list(*values),
                }
                self.text.push(')');
            }
            value => self.push(value),
        }
    }

    fn as_writer(&mut self) -> &mut dyn Write {
        &mut self.text
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.text.write_str(text)
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        self.text.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::prelude::Uuid;
    use sea_orm::sea_query::{ArrayType, Expr, ExprTrait as _, Query, UnionType};

    use super::*;
    use crate::db::is_one_of;

    #[test]
    fn limits_stand_in_the_text_and_nothing_else_does() {
        let select = Query::select()
            .column("id")
            .from("thing")
            .and_where(Expr::col("name").eq("x"))
            .and_where(Expr::col("number").gt(7_i64))
            .limit(26)
            .take();
        let (text, values) = written(DbBackend::Postgres, &select);
        assert_eq!(text, r#"SELECT "id" FROM "thing" WHERE "name" = $1 AND "number" > $2 LIMIT 26"#);
        assert_eq!(values.0, [Value::from("x"), Value::from(7_i64)]);
        let (text, values) = written(DbBackend::Sqlite, &select);
        assert_eq!(text, r#"SELECT "id" FROM "thing" WHERE "name" = ? AND "number" > ? LIMIT 26"#);
        assert_eq!(values.0.len(), 2);
    }

    #[test]
    fn one_of_many_is_asked_as_each_database_likes_it() {
        let ids = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let of = |ids: &[Uuid]| {
            Query::delete()
                .from_table("thing")
                .and_where(is_one_of(Expr::col("id"), ids))
                .and_where(Expr::col("name").eq("x"))
                .take()
        };
        let (text, values) = written(DbBackend::Postgres, &of(&ids));
        assert_eq!(text, r#"DELETE FROM "thing" WHERE "id" = ANY($1) AND "name" = $2"#);
        let array = Value::Array(ArrayType::Uuid, Some(Box::new(ids.map(Value::from).to_vec())));
        assert_eq!(values.0, [array, Value::from("x")]);
        let (text, values) = written(DbBackend::Sqlite, &of(&ids));
        assert_eq!(text, r#"DELETE FROM "thing" WHERE "id" IN (?, ?) AND "name" = ?"#);
        assert_eq!(values.0, [Value::from(ids[0]), Value::from(ids[1]), Value::from("x")]);
        let (text, _) = written(DbBackend::Sqlite, &of(&[]));
        assert_eq!(text, r#"DELETE FROM "thing" WHERE "id" IN () AND "name" = ?"#);
    }

    #[test]
    fn sqlite_compares_with_what_stands_in_each_member_of_a_union() {
        let member = |id: u128, others: &[u128]| {
            let others: Vec<_> = others.iter().map(|&id| Uuid::from_u128(id)).collect();
            Query::select()
                .column("id")
                .from("thing")
                .and_where(is_one_of(Expr::col("home"), &others))
                .and_where(is_one_of(Expr::col("town"), &others))
                .and_where(is_one_of(Expr::col("id"), &[id, id + 1, id + 2].map(Uuid::from_u128)))
                .take()
        };
        let union = |others| member(11, others).union(UnionType::All, member(21, others)).take();
        let text = |others| written(DbBackend::Sqlite, &union(others)).0;
        assert_eq!(
            text(&[1, 2, 3]),
            r#"SELECT "id" FROM "thing" WHERE "home" IN (?, ?, ?) AND "town" IN (?, ?, ?) AND "id" IN (?, ?, ?)"#
                .to_owned()
                + r#" UNION ALL SELECT "id" FROM "thing" WHERE "home" IN (?, ?, ?, changes()) AND "town" IN"#
                + r#" (?, ?, ?, changes()) AND "id" IN (?, ?, ?)"#
        );
        assert!(!text(&[1, 2]).contains("changes()"), "SQLite compares by itself");
        assert!(!text(&[1; 40]).contains("changes()"), "a table is found faster");
        let (text, _) = written(DbBackend::Postgres, &union(&[1, 2, 3]));
        assert!(!text.contains("changes()"), "{text}");
    }
}
