//! Rows read by position: a struct lists its columns once, and that list makes both the SELECT and the reading.

use std::fmt::Write as _;
use std::sync::Arc;

use sea_orm::sea_query::{Expr, SelectStatement};
use sea_orm::{DbErr, QueryResult, TryGetable};

/// Something that can be read from the next columns of a result, and told to several who have asked for it.
pub(crate) trait Read: Clone + Send + Sync + 'static {
    /// Reads it.
    fn read(columns: &mut Columns<'_>) -> Result<Self, DbErr>;
}

/// Some columns of one table.
pub(crate) trait Row: Read {
    /// Their names, in reading order. The first is never null.
    const COLUMNS: &'static [&'static str];
}

/// The columns of a result row, left to right.
pub(crate) struct Columns<'a> {
    row: &'a QueryResult,
    next: usize,
}

impl<'a> Columns<'a> {
    pub(crate) fn new(row: &'a QueryResult) -> Self {
        Self { row, next: 0 }
    }

    /// The next column.
    pub(crate) fn next<T: TryGetable>(&mut self) -> Result<T, DbErr> {
        let value = self.row.try_get_by_index(self.next)?;
        self.next += 1;
        Ok(value)
    }
}

/// A single column.
#[derive(Clone)]
pub(crate) struct One<T>(pub(crate) T);

impl<T: TryGetable + Clone + Send + Sync + 'static> Read for One<T> {
    fn read(columns: &mut Columns<'_>) -> Result<Self, DbErr> {
        columns.next().map(One)
    }
}

/// Large rows, which go from hand to hand until they are shown.
impl<R: Read> Read for Arc<R> {
    fn read(columns: &mut Columns<'_>) -> Result<Self, DbErr> {
        R::read(columns).map(Self::new)
    }
}

impl<A: Read, B: Read> Read for (A, B) {
    fn read(columns: &mut Columns<'_>) -> Result<Self, DbErr> {
        Ok((A::read(columns)?, B::read(columns)?))
    }
}

/// The right side of a left join. Told by its first column, which must be an id.
impl<R: Row> Read for Option<R> {
    fn read(columns: &mut Columns<'_>) -> Result<Self, DbErr> {
        if columns.row.try_get_by_index::<Option<sea_orm::prelude::Uuid>>(columns.next)?.is_none() {
            columns.next += R::COLUMNS.len();
            return Ok(None);
        }
        R::read(columns).map(Some)
    }
}

/// Selects a row's columns from the table of this alias: as one piece of text, where an expression for each of fifty columns
/// would be made, written and dropped with every statement.
pub(crate) fn select<R: Row>(statement: &mut SelectStatement, alias: &'static str) {
    let mut columns = String::with_capacity(R::COLUMNS.len() * 24);
    for (i, column) in R::COLUMNS.iter().enumerate() {
        let separator = if i > 0 { ", " } else { "" };
        _ = write!(columns, r#"{separator}"{alias}"."{column}""#);
    }
    statement.expr(Expr::cust(columns));
}

/// Declares a struct of columns.
macro_rules! row {
    ($(#[$doc:meta])* $vis:vis struct $name:ident { $($(#[$field_doc:meta])* $field:ident $(as $column:literal)?: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $($(#[$field_doc])* $vis $field: $type),*
        }

        impl crate::db::row::Read for $name {
            fn read(columns: &mut crate::db::row::Columns<'_>) -> Result<Self, sea_orm::DbErr> {
                Ok(Self { $($field: columns.next()?),* })
            }
        }

        impl crate::db::row::Row for $name {
            const COLUMNS: &'static [&'static str] = &[$(crate::db::row::row!(@column $field $($column)?)),*];
        }
    };
    (@column $field:ident $column:literal) => { $column };
    (@column $field:ident) => { stringify!($field) };
}
pub(crate) use row;
