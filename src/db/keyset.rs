//! The order of a list, and a place in it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::DbErr;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Expr, IntoIden, Value};

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

/// What a column of an order holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// Text, sorted by bytes.
    Text,
    /// A time, in microseconds.
    Time,
    /// An integer.
    Int,
    /// An id.
    Id,
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

/// A value of a key column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum KeyValue {
    Text(String),
    Time(i64),
    Int(i64),
    Id(Uuid),
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

    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Text(text) => {
                bytes.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
                bytes.extend(text.as_bytes());
            }
            Self::Time(number) | Self::Int(number) => bytes.extend(number.to_be_bytes()),
            Self::Id(id) => bytes.extend(id.as_bytes()),
        }
    }

    fn parse(kind: KeyKind, bytes: &mut &[u8]) -> Option<Self> {
        Some(match kind {
            KeyKind::Text => {
                let length = u16::from_be_bytes(*bytes.split_off(..2)?.first_chunk()?);
                Self::Text(String::from_utf8(bytes.split_off(..usize::from(length))?.to_vec()).ok()?)
            }
            KeyKind::Time => Self::Time(i64::from_be_bytes(*bytes.split_off(..8)?.first_chunk()?)),
            KeyKind::Int => Self::Int(i64::from_be_bytes(*bytes.split_off(..8)?.first_chunk()?)),
            KeyKind::Id => Self::Id(Uuid::from_slice(bytes.split_off(..16)?).ok()?),
        })
    }
}

/// A place in a list. Opaque outside: base64url of a checksum over the list's tag and the values of its keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cursor(Vec<KeyValue>);

impl Cursor {
    /// The place of a row, whose keys are the next columns.
    pub(super) fn read(keyset: &Keyset, columns: &mut Columns<'_>) -> Result<Self, DbErr> {
        keyset.keys.iter().map(|key| KeyValue::read(key.kind, columns)).collect::<Result<_, _>>().map(Self)
    }

    /// The values of its keys, in their order.
    pub(super) fn values(&self) -> &[KeyValue] {
        &self.0
    }

    /// As clients see it.
    pub(crate) fn encode(&self, keyset: &Keyset) -> String {
        let mut bytes = vec![0; 4];
        for value in &self.0 {
            value.write(&mut bytes);
        }
        let sum = checksum(keyset, &bytes[4..]);
        bytes[..4].copy_from_slice(&sum);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// `None` for anything that this list, in this order, did not hand out.
    pub(crate) fn decode(text: &str, keyset: &Keyset) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (sum, mut rest) = bytes.split_first_chunk::<4>()?;
        if *sum != checksum(keyset, rest) {
            return None;
        }
        let values =
            keyset.keys.iter().map(|key| KeyValue::parse(key.kind, &mut rest)).collect::<Option<_>>()?;
        rest.is_empty().then_some(Self(values))
    }
}

fn checksum(keyset: &Keyset, bytes: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(keyset.tag.as_bytes());
    hasher.update(&[0, u8::from(keyset.descending)]);
    hasher.update(bytes);
    hasher.finalize().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BY_NAME: Keyset =
        Keyset { tag: "x", keys: &[Key::text("x", "name"), Key::id("x", "id")], descending: false };

    #[test]
    fn a_cursor_round_trips_and_every_changed_bit_is_refused() {
        let cursor = Cursor(vec![KeyValue::Text("naïve".into()), KeyValue::Id(Uuid::from_u128(7))]);
        let text = cursor.encode(&BY_NAME);
        assert_eq!(Cursor::decode(&text, &BY_NAME), Some(cursor));
        let bytes = URL_SAFE_NO_PAD.decode(&text).expect("our own encoding");
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Cursor::decode(&URL_SAFE_NO_PAD.encode(changed), &BY_NAME), None, "bit {bit}");
        }
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let cursor = Cursor(vec![KeyValue::Text("a".into()), KeyValue::Id(Uuid::nil())]).encode(&BY_NAME);
        assert_eq!(Cursor::decode(&cursor, &Keyset { tag: "y", ..BY_NAME }), None);
        assert_eq!(Cursor::decode(&cursor, &Keyset { descending: true, ..BY_NAME }), None);
        for text in ["", "!", "AAAA", "AAAAAAAA"] {
            assert_eq!(Cursor::decode(text, &BY_NAME), None);
        }
    }
}
