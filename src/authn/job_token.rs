//! The tokens of jobs that daemons asked for with a key of their choosing: the same again for the same question, so that
//! nothing but a hash of them needs to be kept. They come from the deployment's signing keys, so who only knows the
//! daemon's key can't make one.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use guildhall_entity::id::ProvisionerDaemonId;
use secrecy::SecretString;

use super::secret;
use super::session::KEY_LENGTH;
use crate::error::{Error, Result};

const PURPOSE: &[u8] = b"guildhall job token";

/// Makes the tokens of jobs. Never prints.
pub(crate) struct JobTokens(Vec<Prk>);

impl std::fmt::Debug for JobTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JobTokens")
    }
}

impl JobTokens {
    /// Tokens that come from these signing keys, newest first, and from which those can't be found.
    pub(crate) fn new(signing: &[[u8; KEY_LENGTH]]) -> Self {
        let salt = Salt::new(HKDF_SHA256, PURPOSE);
        Self(signing.iter().map(|key| salt.extract(key)).collect())
    }

    /// The tokens, with their hashes, that a daemon's question with this key may have been answered with: by the newest key
    /// first, which a new answer takes.
    ///
    /// # Errors
    /// When there is no signing key, and for faults of the library.
    pub(crate) fn of(&self, daemon: ProvisionerDaemonId, key: &str) -> Result<Vec<(SecretString, Vec<u8>)>> {
        let tokens = self.0.iter().map(|secret| token(secret, daemon, key)).collect::<Result<Vec<_>>>()?;
        if tokens.is_empty() {
            return Err(Error::internal("there is no key for the tokens of jobs"));
        }
        Ok(tokens)
    }
}

fn token(secret: &Prk, daemon: ProvisionerDaemonId, key: &str) -> Result<(SecretString, Vec<u8>)> {
    let mut block = 0_u32;
    secret::made_of(secret::JOB, |bytes| {
        block += 1;
        // The daemon's id has one length: no two questions are spelled alike.
        let block = block.to_be_bytes();
        let question = [daemon.0.as_bytes().as_slice(), &block, key.as_bytes()];
        let filled = secret.expand(&question, Block).and_then(|block| block.fill(bytes));
        filled.map_err(|_| Error::internal("the token of a job could not be made"))
    })
}

/// As many bytes as a secret is made of at a time.
struct Block;

impl KeyType for Block {
    fn len(&self) -> usize {
        secret::BLOCK
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::prelude::Uuid;
    use secrecy::ExposeSecret as _;

    use super::*;

    fn first(signing: &[[u8; KEY_LENGTH]], daemon: u128, key: &str) -> String {
        let tokens = JobTokens::new(signing).of(ProvisionerDaemonId(Uuid::from_u128(daemon)), key);
        tokens.expect("tokens")[0].0.expose_secret().to_owned()
    }

    #[test]
    fn a_question_has_one_token_at_every_server() {
        let (old, new) = ([1; KEY_LENGTH], [2; KEY_LENGTH]);
        let token = first(&[old], 7, "question");
        assert!(secret::is_well_formed(&token, secret::JOB), "{token}");
        assert_eq!(token, first(&[old], 7, "question"));
        for other in [first(&[new], 7, "question"), first(&[old], 8, "question"), first(&[old], 7, "another")]
        {
            assert_ne!(token, other);
        }
        // One that was given with an older key is found again.
        let both = JobTokens::new(&[new, old]).of(ProvisionerDaemonId(Uuid::from_u128(7)), "question");
        let both = both.expect("tokens");
        assert_eq!(both[1].0.expose_secret(), token);
        assert_eq!(both[1].1, secret::hash(&token));
    }
}
