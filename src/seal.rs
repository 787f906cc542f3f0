//! Sealing what must not be readable in the database: Terraform states and sensitive parameter values. AES-256-GCM with a
//! random nonce; what is sealed for one row does not open for another.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

/// The first byte of what names its key in the four bytes behind it.
const FORMAT: u8 = 2;
/// The first byte of what was sealed before keys had names.
const NAMELESS: u8 = 1;

/// Bytes of a key.
pub const KEY_LENGTH: usize = 32;

/// What a key is called: the beginning of its hash.
type Name = [u8; 4];

/// Seals with the newest of the deployment's keys, and opens with all of them. Cheap to clone; never prints.
#[derive(Clone)]
pub struct Sealer(Arc<Vec<(Name, RandomizedNonceKey)>>);

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// A sealer with these keys, newest first.
    ///
    /// # Errors
    /// When there is none, and for faults of the library.
    pub fn new(keys: &[[u8; KEY_LENGTH]]) -> Result<Self> {
        let unusable = || Error::internal("the sealing key is unusable");
        let named = |key: &[u8; KEY_LENGTH]| -> Result<(Name, RandomizedNonceKey)> {
            let hash = Sha256::new().chain_update(b"guildhall sealing key").chain_update(key).finalize();
            let name = *hash.first_chunk().ok_or_else(unusable)?;
            Ok((name, RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| unusable())?))
        };
        let keys = keys.iter().map(named).collect::<Result<Vec<_>>>()?;
        if keys.is_empty() {
            return Err(unusable());
        }
        Ok(Self(Arc::new(keys)))
    }

    /// Whether it was sealed with one of these keys, as far as that can be told without opening it.
    pub(crate) fn knows(&self, sealed: &[u8]) -> bool {
        let name = sealed.get(1..5).filter(|_| sealed.first() == Some(&FORMAT));
        name.is_none_or(|name| self.0.iter().any(|(known, _)| known == name))
    }

    /// Seals `plain` for the row that `purpose` names.
    ///
    /// # Errors
    /// Only for faults of the library.
    pub(crate) fn seal(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let failed = || Error::internal("sealing failed");
        let (name, key) = self.0.first().ok_or_else(failed)?;
        let mut bytes = plain.to_vec();
        let nonce = key.seal_in_place_append_tag(Aad::from(purpose), &mut bytes).map_err(|_| failed())?;
        let mut sealed = Vec::with_capacity(1 + name.len() + NONCE_LEN + bytes.len());
        sealed.push(FORMAT);
        sealed.extend(name);
        sealed.extend(nonce.as_ref());
        sealed.extend(bytes);
        Ok(sealed)
    }

    /// Opens what was sealed for `purpose`.
    ///
    /// # Errors
    /// When it was sealed for something else, with a key that is not there, or was changed.
    pub(crate) fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let failed = || {
            Error::internal(format!("{purpose} does not open: it was sealed with another key, or changed"))
        };
        let (format, rest) = sealed.split_first().ok_or_else(failed)?;
        let (name, rest) = match *format {
            NAMELESS => (None, rest),
            FORMAT => {
                rest.split_first_chunk::<4>().map(|(name, rest)| (Some(name), rest)).ok_or_else(failed)?
            }
            _ => return Err(failed()),
        };
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(failed)?;
        for (_, key) in self.0.iter().filter(|(known, _)| name.is_none_or(|name| name == known)) {
            let mut bytes = rest.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            if let Ok(plain) = key.open_in_place(nonce, Aad::from(purpose), &mut bytes) {
                return Ok(plain.to_vec());
            }
        }
        Err(failed())
    }

    /// The same sealed with the newest key; `None` where it is.
    ///
    /// # Errors
    /// When it does not open.
    pub(crate) fn anew(&self, purpose: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>> {
        let newest = self.0.first().map(|(name, _)| name.as_slice());
        if sealed.first() == Some(&FORMAT) && sealed.get(1..5) == newest {
            return Ok(None);
        }
        self.seal(purpose, &self.open(purpose, sealed)?).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_purpose_alone() {
        let sealer = Sealer::new(&[[7; KEY_LENGTH]]).expect("a key of the right length");
        let sealed = sealer.seal("state of a", b"secret").expect("sealing works");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(sealer.open("state of a", &sealed).expect("opening works"), b"secret");
        assert!(sealer.open("state of b", &sealed).is_err());
        let mut changed = sealed.clone();
        changed[20] ^= 1;
        assert!(sealer.open("state of a", &changed).is_err());
        assert!(sealer.open("state of a", b"").is_err());
        let other = Sealer::new(&[[8; KEY_LENGTH]]).expect("a key of the right length");
        assert!(other.open("state of a", &sealed).is_err());
        assert!(sealer.knows(&sealed) && !other.knows(&sealed));
    }

    #[test]
    fn older_keys_open_and_the_newest_seals() {
        let (old, new) = ([7; KEY_LENGTH], [8; KEY_LENGTH]);
        let before = Sealer::new(&[old]).expect("a key");
        let both = Sealer::new(&[new, old]).expect("keys");
        let after = Sealer::new(&[new]).expect("a key");
        let sealed = before.seal("a", b"secret").expect("sealing works");
        assert_eq!(both.open("a", &sealed).expect("an older key opens"), b"secret");
        assert!(after.open("a", &sealed).is_err());
        let anew = both.anew("a", &sealed).expect("it opens").expect("its key is not the newest");
        assert_eq!(after.open("a", &anew).expect("it is sealed with the newest key"), b"secret");
        assert!(both.anew("a", &anew).expect("it opens").is_none());
        // What was sealed before keys had names opens, and gets one.
        let mut nameless = vec![NAMELESS];
        nameless.extend(&sealed[5..]);
        assert_eq!(both.open("a", &nameless).expect("one of the keys opens"), b"secret");
        assert!(before.anew("a", &nameless).expect("it opens").is_some());
        assert!(Sealer::new(&[]).is_err());
    }
}
