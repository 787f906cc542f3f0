//! Sealing what must not be readable in the database: Terraform states and sensitive parameter values. AES-256-GCM with a
//! random nonce; what is sealed for one row does not open for another.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};

use crate::error::{Error, Result};

/// The first byte of everything sealed: which key and algorithm.
const FORMAT: u8 = 1;

/// Bytes of a key.
pub const KEY_LENGTH: usize = 32;

/// Seals and opens with the deployment's key. Cheap to clone; never prints.
#[derive(Clone)]
pub struct Sealer(Arc<RandomizedNonceKey>);

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// # Errors
    /// Only for faults of the library.
    pub fn new(key: &[u8; KEY_LENGTH]) -> Result<Self> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key)
            .map_err(|_| Error::internal("the sealing key is unusable"))?;
        Ok(Self(Arc::new(key)))
    }

    /// Seals `plain` for the row that `purpose` names.
    ///
    /// # Errors
    /// Only for faults of the library.
    pub(crate) fn seal(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>> {
        let mut bytes = plain.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(purpose), &mut bytes)
            .map_err(|_| Error::internal("sealing failed"))?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + bytes.len());
        sealed.push(FORMAT);
        sealed.extend(nonce.as_ref());
        sealed.extend(bytes);
        Ok(sealed)
    }

    /// Opens what was sealed for `purpose`.
    ///
    /// # Errors
    /// When it was sealed for something else, with another key, or was changed.
    pub(crate) fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let failed = || {
            Error::internal(format!("{purpose} does not open: it was sealed with another key, or changed"))
        };
        let (format, rest) = sealed.split_first().ok_or_else(failed)?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(failed)?;
        if *format != FORMAT {
            return Err(failed());
        }
        let mut bytes = rest.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.0.open_in_place(nonce, Aad::from(purpose), &mut bytes).map_err(|_| failed())?;
        Ok(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_purpose_alone() {
        let sealer = Sealer::new(&[7; KEY_LENGTH]).expect("a key of the right length");
        let sealed = sealer.seal("state of a", b"secret").expect("sealing works");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(sealer.open("state of a", &sealed).expect("opening works"), b"secret");
        assert!(sealer.open("state of b", &sealed).is_err());
        let mut changed = sealed.clone();
        changed[20] ^= 1;
        assert!(sealer.open("state of a", &changed).is_err());
        assert!(sealer.open("state of a", b"").is_err());
        let other = Sealer::new(&[8; KEY_LENGTH]).expect("a key of the right length");
        assert!(other.open("state of a", &sealed).is_err());
    }
}
