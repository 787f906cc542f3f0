//! How ids are written: a prefix, `_`, and a UUID in Crockford base32. A target in `fuzz/` reads this file; it refers to
//! nothing of ours.

use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX_LENGTH: usize = 26;

/// The prefix of a public id, whatever its type: the part before the last `_`.
pub fn prefix(id: &str) -> Option<&str> {
    id.rsplit_once('_').map(|(prefix, _)| prefix)
}

/// The row's id in a public id of any type; `None` for anything that is no id.
pub fn any(id: &str) -> Option<Uuid> {
    let (prefix, suffix) = id.rsplit_once('_')?;
    let known = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_lowercase());
    if known { decode_suffix(suffix) } else { None }
}

/// The public id of a row whose type is known by its prefix alone.
pub fn public(prefix: &str, uuid: Uuid) -> String {
    let bits = uuid.as_u128();
    let mut text = String::with_capacity(prefix.len() + 1 + SUFFIX_LENGTH);
    text.push_str(prefix);
    text.push('_');
    for position in (0..SUFFIX_LENGTH).rev() {
        text.push(char::from(ALPHABET[(bits >> (5 * position) & 31) as usize]));
    }
    text
}

/// The row's id in a public id with this prefix.
pub(crate) fn decode(text: &str, prefix: &str) -> Option<Uuid> {
    let suffix = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_'));
    suffix.and_then(decode_suffix)
}

fn decode_suffix(suffix: &str) -> Option<Uuid> {
    if suffix.len() != SUFFIX_LENGTH {
        return None;
    }
    let mut bits: u128 = 0;
    for (position, byte) in suffix.bytes().enumerate() {
        let digit = ALPHABET.iter().position(|&letter| letter == byte)?;
        // 26 × 5 = 130 bits: the first character carries three.
        if position == 0 && digit > 7 {
            return None;
        }
        bits = bits << 5 | digit as u128;
    }
    Some(Uuid::from_u128(bits))
}
