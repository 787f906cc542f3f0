//! A place in the outbox as clients see it: base64url of a checksum and the number.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Goes into every checksum, so that a cursor of another list is refused.
const TAG: &[u8] = b"event";

/// As clients see it.
pub(crate) fn encode(sequence: i64) -> String {
    let number = sequence.to_be_bytes();
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&checksum(&number));
    bytes[4..].copy_from_slice(&number);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `None` for anything that no event had.
pub(crate) fn decode(text: &str) -> Option<i64> {
    let bytes: [u8; 12] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let (sum, number) = bytes.split_first_chunk::<4>()?;
    let sequence = i64::from_be_bytes(number.try_into().ok()?);
    (*sum == checksum(number) && sequence >= 0).then_some(sequence)
}

fn checksum(number: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(TAG);
    hasher.update(number);
    hasher.finalize().to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_round_trips_and_every_changed_bit_is_refused() {
        for sequence in [0, 1, 7_000_000_000, i64::MAX] {
            let text = encode(sequence);
            assert_eq!(decode(&text), Some(sequence));
            let bytes = URL_SAFE_NO_PAD.decode(&text).expect("our own encoding");
            for bit in 0..bytes.len() * 8 {
                let mut changed = bytes.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(decode(&URL_SAFE_NO_PAD.encode(changed)), None, "bit {bit} of {sequence}");
            }
        }
        for text in ["", "!", "AAAA", "AAAAAAAAAAAAAAAA", &encode(-1)] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
