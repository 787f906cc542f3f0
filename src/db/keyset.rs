//! The order of a list, and a place in it.

use sea_orm::DbErr;
use sea_orm::sea_query::{Expr, IntoIden, Value};

use super::cursor::{self, KeyKind, KeyValue};
use super::row::Columns;

/// The order of a list: its columns, the last of which is unique, and a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keyset {
    /// Goes into every cursor, so that one of another list or order is refused.
    pub(crate) tag: &'static str,
    /// The columns.
    pub(crate) keys: &'static [Key],
    /// Largest first.
    pub(crate) descending: bool,
}

/// A column of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The alias of its table in the statement.
    pub(crate) table: &'static str,
    /// The column.
    pub(crate) column: &'static str,
    /// What it holds.
    pub(crate) kind: KeyKind,
}

impl Key {
    pub(crate) const fn text(table: &'static str, column: &'static str) -> Self {
        Self { table, column, kind: KeyKind::Text }
    }

    pub(crate) const fn time(table: &'static str, column: &'static str) -> Self {
        Self { table, column, kind: KeyKind::Time }
    }

    pub(crate) const fn int(table: &'static str, column: &'static str) -> Self {
        Self { table, column, kind: KeyKind::Int }
    }

    pub(crate) const fn id(table: &'static str, column: &'static str) -> Self {
        Self { table, column, kind: KeyKind::Id }
    }

    /// It, in a statement.
    pub(super) fn expr(&self) -> Expr {
        Expr::col((self.table.into_iden(), self.column.into_iden()))
    }
}

impl KeyValue {
    fn read(kind: KeyKind, columns: &mut Columns<'_>) -> Result<Self, DbErr> {
        Ok(match kind {
            KeyKind::Text => Self::Text(columns.next()?),
            KeyKind::Time => Self::Time(columns.next::<chrono::DateTime<chrono::Utc>>()?.timestamp_micros()),
            KeyKind::Int => Self::Int(columns.next::<i32>()?.into()),
            KeyKind::Id => Self::Id(columns.next()?),
        })
    }

    /// It, in a statement.
    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Time(micros) => chrono::DateTime::from_timestamp_micros(*micros).unwrap_or_default().into(),
            Self::Int(number) => i32::try_from(*number).unwrap_or(i32::MAX).into(),
            Self::Id(id) => (*id).into(),
        }
    }
}

/// A place in a list. Opaque outside; `cursor.rs` writes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cursor(Vec<KeyValue>);

impl Cursor {
    /// The place of a row, whose keys are the next columns.
    pub(super) fn read(keyset: Keyset, columns: &mut Columns<'_>) -> Result<Self, DbErr> {
        keyset.keys.iter().map(|key| KeyValue::read(key.kind, columns)).collect::<Result<_, _>>().map(Self)
    }

    /// The values of its keys, in their order.
    pub(super) fn values(&self) -> &[KeyValue] {
        &self.0
    }

    /// As clients see it.
    pub(crate) fn encode(&self, keyset: Keyset) -> String {
        cursor::encode(&self.0, &keyset.seed())
    }

    /// `None` for anything that this list, in this order, can't have handed out.
    pub(crate) fn decode(text: &str, keyset: Keyset) -> Option<Self> {
        cursor::decode(text, &keyset.seed(), keyset.keys.iter().map(|key| key.kind)).map(Self)
    }
}

impl Keyset {
    /// What the checksum of its cursors begins with.
    fn seed(&self) -> Vec<u8> {
        let mut seed = self.tag.as_bytes().to_vec();
        seed.extend([0, u8::from(self.descending)]);
        seed
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::prelude::Uuid;

    use super::*;

    const BY_NAME: Keyset =
        Keyset { tag: "x", keys: &[Key::text("x", "name"), Key::id("x", "id")], descending: false };

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let cursor = Cursor(vec![KeyValue::Text("a".into()), KeyValue::Id(Uuid::nil())]).encode(BY_NAME);
        assert_eq!(Cursor::decode(&cursor, Keyset { tag: "y", ..BY_NAME }), None);
        assert_eq!(Cursor::decode(&cursor, Keyset { descending: true, ..BY_NAME }), None);
        for text in ["", "!", "AAAA", "AAAAAAAA"] {
            assert_eq!(Cursor::decode(text, BY_NAME), None);
        }
    }
}
