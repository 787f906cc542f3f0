//! Secrets that are shown once: a prefix that scanners recognise, 30 base62 characters, and a checksum that tells a typo
//! from a wrong key without a look at the database. Only their SHA-256 is kept.

use secrecy::SecretString;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::clock::Clock;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BODY: usize = 30;
const SUM: usize = 6;
/// Random bytes that a body is made of at a time: mostly more than it needs.
pub(crate) const BLOCK: usize = 64;

/// The prefix of a provisioner key's secret.
pub const PROVISIONER_KEY: &str = "ghpk_";
/// The prefix of an API token's secret.
pub const API_TOKEN: &str = "ghat_";
/// The prefix of the secret that a daemon gets for one job.
pub const JOB: &str = "ghjob_";

/// A new secret and its hash.
pub fn generate(clock: &Clock, prefix: &str) -> (SecretString, Vec<u8>) {
    let made: Result<_, std::convert::Infallible> = made_of(prefix, |bytes| {
        clock.fill(bytes);
        Ok(())
    });
    made.unwrap_or_else(|never| match never {})
}

/// The secret, and its hash, that comes of these bytes.
///
/// # Errors
/// Those of `fill`.
pub(crate) fn made_of<E>(
    prefix: &str,
    mut fill: impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<(SecretString, Vec<u8>), E> {
    let mut body = String::with_capacity(BODY);
    let mut bytes = [0; BLOCK];
    while body.len() < BODY {
        fill(&mut bytes)?;
        // 248 is the largest multiple of 62 in a byte: what is beyond would favour some characters.
        let fair =
            bytes.iter().filter(|&&byte| byte < 248).map(|byte| char::from(BASE62[usize::from(byte % 62)]));
        body.extend(fair.take(BODY - body.len()));
    }
    let secret = format!("{prefix}{body}{}", checksum(prefix, &body));
    let hash = hash(&secret);
    Ok((SecretString::from(secret), hash))
}

/// What is kept of a secret.
pub fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// Whether a text has the form of a secret with this prefix, checksum included.
pub fn is_well_formed(secret: &str, prefix: &str) -> bool {
    secret.strip_prefix(prefix).is_some_and(|rest| {
        rest.len() == BODY + SUM
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && rest[BODY..] == checksum(prefix, &rest[..BODY])
    })
}

/// Whether two hashes are the same, in constant time.
pub fn matches(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

fn checksum(prefix: &str, body: &str) -> String {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(prefix.as_bytes());
    hasher.update(body.as_bytes());
    let mut sum = hasher.finalize();
    let mut text = [0; SUM];
    for digit in text.iter_mut().rev() {
        *digit = BASE62[(sum % 62) as usize];
        sum /= 62;
    }
    text.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_secret_is_recognised_and_a_typo_is_not() {
        let (secret, kept) = generate(&Clock::system(), PROVISIONER_KEY);
        let secret = secret.expose_secret();
        assert!(is_well_formed(secret, PROVISIONER_KEY), "{secret}");
        assert!(!is_well_formed(secret, JOB));
        assert!(matches(&hash(secret), &kept));
        let mut typo = secret.to_owned();
        typo.replace_range(10..11, if &secret[10..11] == "a" { "b" } else { "a" });
        assert!(!is_well_formed(&typo, PROVISIONER_KEY));
        assert!(!is_well_formed("ghpk_é", PROVISIONER_KEY));
    }
}
