//! How a read is written: every value is a parameter, but limits stand in the text. A plan that is made for any values
//! (`plan_cache_mode=force_generic_plan`) takes a limit that it is not told for a tenth of the table, and would rather read
//! and sort all of it than walk along an index to the end of a page.

use std::fmt::{Display, Formatter, Write};

use sea_orm::DbBackend;
use sea_orm::sea_query::prepare::{SqlWriter, SqlWriterValues};
use sea_orm::sea_query::{
    PostgresQueryBuilder, QueryBuilder, SelectStatement, SqliteQueryBuilder, Value, Values,
};

/// The text of a read, and its parameters.
pub(super) fn written(backend: DbBackend, select: &SelectStatement) -> (String, Values) {
    match backend {
        DbBackend::Postgres => with(PostgresQueryBuilder, select),
        _ => with(SqliteQueryBuilder, select),
    }
}

fn with<B: QueryBuilder>(builder: B, select: &SelectStatement) -> (String, Values) {
    let (placeholder, numbered) = builder.placeholder();
    let mut text = Text(SqlWriterValues::new(placeholder, numbered));
    select.build_collect_into(builder, &mut text);
    text.0.into_parts()
}

struct Text(SqlWriterValues);

impl SqlWriter for Text {
    fn push_param<B: QueryBuilder>(&mut self, value: Value, builder: &B) {
        match value {
            // Neither database has unsigned numbers: nothing but a limit is one.
            Value::BigUnsigned(Some(limit)) => _ = write!(self.0, "{limit}"),
            value => self.0.push_param(value, builder),
        }
    }

    fn as_writer(&mut self) -> &mut dyn Write {
        self.0.as_writer()
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.write_str(text)
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::{Expr, ExprTrait as _, Query};

    use super::*;

    #[test]
    fn limits_stand_in_the_text_and_nothing_else_does() {
        let select = Query::select()
            .column("id")
            .from("thing")
            .and_where(Expr::col("name").eq("x"))
            .and_where(Expr::col("number").gt(7_i64))
            .limit(26)
            .to_owned();
        let (text, values) = written(DbBackend::Postgres, &select);
        assert_eq!(text, r#"SELECT "id" FROM "thing" WHERE "name" = $1 AND "number" > $2 LIMIT 26"#);
        assert_eq!(values.0, [Value::from("x"), Value::from(7_i64)]);
        let (text, values) = written(DbBackend::Sqlite, &select);
        assert_eq!(text, r#"SELECT "id" FROM "thing" WHERE "name" = ? AND "number" > ? LIMIT 26"#);
        assert_eq!(values.0.len(), 2);
    }
}
