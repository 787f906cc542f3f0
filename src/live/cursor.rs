//! A place in the outbox as clients see it: base64url of the name of a key and one block that the key has sealed.
//!
//! The number of an event counts what happens in the whole deployment, which is nobody's to know who sees a part of it. A
//! block cipher on one block is a permutation that can't be followed without its key: an event has the same cursor at every
//! server and whenever it is told, and two cursors say nothing of each other but whether they are the same. Nobody can
//! make one either, so nobody finds out how far the numbers go by trying.
//!
//! A cursor is bound to nothing else, neither to its reader nor to what they follow: it is a place, and what is told from
//! there on is decided by what they may see. A client may so go on in one subscription from where it was in another.

use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::authn::session::KEY_LENGTH;
use crate::clock::Clock;
use crate::error::{Error, Result};

/// Bytes of a sealed block: the number, four of any value, and four that are zero.
const BLOCK: usize = 16;

/// What a key is called.
type Name = [u8; 4];

/// Makes cursors with the newest of the deployment's signing keys and reads those of all: so they last as long as sessions,
/// and several servers understand each other's. Never prints.
pub(crate) struct CursorKeys(Vec<CursorKey>);

struct CursorKey {
    name: Name,
    seal: EncryptingKey,
    open: DecryptingKey,
}

/// Why a text is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// No server of this deployment made it.
    Foreign,
    /// It looks like a cursor of a key that is not there (any more).
    KeyGone,
}

impl std::fmt::Debug for CursorKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKeys")
    }
}

impl CursorKeys {
    /// Keys that come from these signing keys, newest first, and from which those can't be found.
    ///
    /// # Errors
    /// When there is none, and for faults of the library.
    pub(crate) fn new(signing: &[[u8; KEY_LENGTH]]) -> Result<Self> {
        let keys = signing.iter().map(CursorKey::of).collect::<Result<Vec<_>, _>>();
        let keys = keys.ok().filter(|keys| !keys.is_empty());
        Ok(Self(keys.ok_or_else(|| Error::internal("there is no key for cursors"))?))
    }

    /// The cursor of an event: always the same.
    ///
    /// # Errors
    /// Only for faults of the library.
    pub(crate) fn of_event(&self, sequence: i64) -> Result<String> {
        self.seal(sequence, [0; 4])
    }

    /// The cursor of now, after the last event: another each time. Asked for again and again, it does not tell how often
    /// something has happened meanwhile.
    ///
    /// # Errors
    /// Only for faults of the library.
    pub(crate) fn of_now(&self, last: i64, clock: &Clock) -> Result<String> {
        let mut any = [0; 4];
        clock.fill(&mut any);
        self.seal(last, any)
    }

    fn seal(&self, sequence: i64, any: [u8; 4]) -> Result<String> {
        let failed = || Error::internal("a cursor could not be sealed");
        let key = self.0.first().ok_or_else(failed)?;
        let mut block = [0; BLOCK];
        block[..8].copy_from_slice(&sequence.to_be_bytes());
        block[8..12].copy_from_slice(&any);
        key.seal.encrypt(&mut block).map_err(|_| failed())?;
        Ok(URL_SAFE_NO_PAD.encode([&key.name[..], &block].concat()))
    }

    /// The number of the event that a cursor stands after.
    pub(crate) fn read(&self, text: &str) -> Result<i64, Unreadable> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Unreadable::Foreign)?;
        let (name, block) = bytes.split_first_chunk::<4>().ok_or(Unreadable::Foreign)?;
        let mut block: [u8; BLOCK] = block.try_into().map_err(|_| Unreadable::Foreign)?;
        let key = self.0.iter().find(|key| key.name == *name).ok_or(Unreadable::KeyGone)?;
        let opened = key.open.decrypt(&mut block, DecryptionContext::None);
        let (number, rest) =
            opened.ok().and_then(|opened| opened.split_first_chunk()).ok_or(Unreadable::Foreign)?;
        let sequence = i64::from_be_bytes(*number);
        if sequence < 0 || rest[4..] != [0; 4] {
            return Err(Unreadable::Foreign);
        }
        Ok(sequence)
    }
}

impl CursorKey {
    fn of(signing: &[u8; KEY_LENGTH]) -> Result<Self, Unspecified> {
        let secret = Salt::new(HKDF_SHA256, &[]).extract(signing);
        let key: [u8; 32] = derived(&secret, b"guildhall event cursor")?;
        let name: [u8; 32] = derived(&secret, b"guildhall event cursor: the key's name")?;
        Ok(Self {
            name: *name.first_chunk().ok_or(Unspecified)?,
            // What is dangerous about this mode is that equal blocks look equal. There is one, and that is what it is for.
            seal: EncryptingKey::ecb(UnboundCipherKey::new(&AES_256, &key)?)?,
            open: DecryptingKey::ecb(UnboundCipherKey::new(&AES_256, &key)?)?,
        })
    }
}

fn derived(secret: &Prk, purpose: &[u8]) -> Result<[u8; 32], Unspecified> {
    let mut bytes = [0; 32];
    secret.expand(&[purpose], HKDF_SHA256)?.fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn keys(signing: &[[u8; KEY_LENGTH]]) -> CursorKeys {
        CursorKeys::new(signing).expect("keys of the right length")
    }

    fn bytes(cursor: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(cursor).expect("our own encoding")
    }

    proptest! {
        #[test]
        fn a_cursor_round_trips_at_every_server(sequence in 0..=i64::MAX, key in any::<[u8; KEY_LENGTH]>()) {
            let (here, there) = (keys(&[key]), keys(&[key]));
            let cursor = here.of_event(sequence).expect("sealing works");
            prop_assert_eq!(&cursor, &there.of_event(sequence).expect("sealing works"));
            prop_assert_eq!(there.read(&cursor), Ok(sequence));
            let now = here.of_now(sequence, &Clock::system()).expect("sealing works");
            prop_assert_eq!(there.read(&now), Ok(sequence));
            prop_assert_eq!(now.len(), cursor.len());
        }

        #[test]
        fn every_changed_bit_is_refused(sequence in 0..=i64::MAX, bit in 0..(4 + BLOCK) * 8) {
            let keys = keys(&[[7; KEY_LENGTH]]);
            let mut changed = bytes(&keys.of_event(sequence).expect("sealing works"));
            changed[bit / 8] ^= 1 << (bit % 8);
            let why = if bit < 32 { Unreadable::KeyGone } else { Unreadable::Foreign };
            prop_assert_eq!(keys.read(&URL_SAFE_NO_PAD.encode(changed)), Err(why));
        }

        /// Half of all bits differ between neighbours as between strangers: a distance can't be read off.
        #[test]
        fn neighbours_look_like_strangers(sequence in 0..i64::MAX - 1000, distance in 1..1000_i64) {
            let keys = keys(&[[7; KEY_LENGTH]]);
            let block = |sequence| bytes(&keys.of_event(sequence).expect("sealing works")).split_off(4);
            let differ: u32 = std::iter::zip(block(sequence), block(sequence + distance))
                .map(|(one, other)| (one ^ other).count_ones())
                .sum();
            prop_assert!((24..=104).contains(&differ), "{} of 128 bits", differ);
        }

        #[test]
        fn anything_else_is_refused(text in ".{0,40}") {
            prop_assert!(keys(&[[7; KEY_LENGTH]]).read(&text).is_err());
        }
    }

    #[test]
    fn the_number_stands_nowhere_in_it() {
        let keys = keys(&[[7; KEY_LENGTH]]);
        for sequence in [1, 7_000, 7_000_000_000] {
            let cursor = bytes(&keys.of_event(sequence).expect("sealing works"));
            let number = sequence.to_be_bytes();
            assert!(!cursor.windows(8).any(|window| window == number));
        }
    }

    #[test]
    fn now_is_another_each_time_and_an_event_is_not() {
        let (keys, clock) = (keys(&[[7; KEY_LENGTH]]), Clock::system());
        let now = || keys.of_now(3, &clock).expect("sealing works");
        assert_eq!((0..100).map(|_| now()).collect::<HashSet<_>>().len(), 100);
        let event = || keys.of_event(3).expect("sealing works");
        assert_eq!((0..100).map(|_| event()).collect::<HashSet<_>>().len(), 1);
    }

    #[test]
    fn older_keys_read_and_the_newest_makes() {
        let (old, new) = ([7; KEY_LENGTH], [8; KEY_LENGTH]);
        let (before, both, after) = (keys(&[old]), keys(&[new, old]), keys(&[new]));
        let cursor = before.of_event(5).expect("sealing works");
        assert_eq!(both.read(&cursor), Ok(5));
        assert_eq!(after.read(&cursor), Err(Unreadable::KeyGone));
        assert_eq!(both.of_event(5).expect("sealing works"), after.of_event(5).expect("sealing works"));
        assert!(CursorKeys::new(&[]).is_err());
    }
}
