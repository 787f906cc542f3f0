//! How a place in a list is written: base64url of a checksum and the values of its keys.
//!
//! The checksum is no secret: it finds mistakes, and anybody can forge it. So what is read here may be any value, but only
//! one that both databases can compare with. A target in `fuzz/` reads this file; it refers to nothing of ours.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike as _};
use uuid::Uuid;

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

/// A value of a key column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeyValue {
    Text(String),
    Time(i64),
    Int(i64),
    Id(Uuid),
}

impl KeyValue {
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
                let text = String::from_utf8(bytes.split_off(..usize::from(length))?.to_vec()).ok()?;
                // PostgreSQL has no text with a NUL.
                if text.contains('\0') {
                    return None;
                }
                Self::Text(text)
            }
            KeyKind::Time => {
                let micros = i64::from_be_bytes(*bytes.split_off(..8)?.first_chunk()?);
                let year = DateTime::from_timestamp_micros(micros)?.year();
                // Of the years that RFC 3339 can write; PostgreSQL knows few before them.
                if !(0..=9999).contains(&year) {
                    return None;
                }
                Self::Time(micros)
            }
            KeyKind::Int => {
                let number = i64::from_be_bytes(*bytes.split_off(..8)?.first_chunk()?);
                Self::Int(i32::try_from(number).ok()?.into())
            }
            KeyKind::Id => Self::Id(Uuid::from_slice(bytes.split_off(..16)?).ok()?),
        })
    }
}

/// Writes the values of a place in the list that `seed` names.
pub(crate) fn encode(values: &[KeyValue], seed: &[u8]) -> String {
    let mut bytes = vec![0; 4];
    for value in values {
        value.write(&mut bytes);
    }
    let sum = checksum(seed, &bytes[4..]);
    bytes[..4].copy_from_slice(&sum);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads values of these kinds. `None` for anything that is no place in the list that `seed` names.
pub(crate) fn decode(text: &str, seed: &[u8], kinds: impl Iterator<Item = KeyKind>) -> Option<Vec<KeyValue>> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (sum, mut rest) = bytes.split_first_chunk::<4>()?;
    if *sum != checksum(seed, rest) {
        return None;
    }
    let values = kinds.map(|kind| KeyValue::parse(kind, &mut rest)).collect::<Option<_>>()?;
    rest.is_empty().then_some(values)
}

fn checksum(seed: &[u8], bytes: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(seed);
    hasher.update(bytes);
    hasher.finalize().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_bit_is_refused() {
        let kinds = || [KeyKind::Text, KeyKind::Id].into_iter();
        let values = vec![KeyValue::Text("naïve".into()), KeyValue::Id(Uuid::from_u128(7))];
        let text = encode(&values, b"x");
        assert_eq!(decode(&text, b"x", kinds()), Some(values));
        let bytes = URL_SAFE_NO_PAD.decode(&text).expect("our own encoding");
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&URL_SAFE_NO_PAD.encode(changed), b"x", kinds()), None, "bit {bit}");
        }
    }

    #[test]
    fn what_no_row_can_hold_is_refused_whoever_made_the_checksum() {
        let year = |year: i64| year * 31_556_952 * 1_000_000 - 62_167_219_200_000_000;
        for (value, kind, good) in [
            (KeyValue::Text("a\0b".into()), KeyKind::Text, false),
            (KeyValue::Text("ab".into()), KeyKind::Text, true),
            (KeyValue::Time(i64::MIN), KeyKind::Time, false),
            (KeyValue::Time(i64::MAX), KeyKind::Time, false),
            (KeyValue::Time(year(-4800)), KeyKind::Time, false),
            (KeyValue::Time(year(2026)), KeyKind::Time, true),
            (KeyValue::Int(1 << 40), KeyKind::Int, false),
            (KeyValue::Int(-7), KeyKind::Int, true),
        ] {
            let text = encode(std::slice::from_ref(&value), b"x");
            assert_eq!(decode(&text, b"x", std::iter::once(kind)).is_some(), good, "{value:?}");
        }
    }
}
