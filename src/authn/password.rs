//! Passwords: argon2id, off the async threads.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use secrecy::{ExposeSecret, SecretString};

use crate::clock::Clock;
use crate::error::{Error, Refusal, Result};

/// The shortest password, in characters.
const MIN: usize = 8;
/// The longest, in bytes: hashing must not be a way to keep the server busy.
const MAX: usize = 256;

/// A hash as it is kept. Does not print.
#[derive(Clone, PartialEq, Eq, sea_orm::DeriveValueType)]
pub(super) struct StoredHash(String);

impl std::fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredHash")
    }
}

/// Checks a new password against the rules.
///
/// # Errors
/// Says which rule it breaks.
pub fn check(field: &[&str], password: &SecretString) -> Result<(), Refusal> {
    let password = password.expose_secret();
    if password.chars().count() < MIN {
        return Err(Refusal::invalid(field, "a password has at least 8 characters"));
    }
    if password.len() > MAX {
        return Err(Refusal::invalid(field, "a password has at most 256 bytes"));
    }
    Ok(())
}

/// Checks that a new password is not what everybody knows of its owner.
///
/// # Errors
/// A refusal when it is their username.
pub fn check_unlike(field: &[&str], password: &SecretString, username: &str) -> Result<(), Refusal> {
    if password.expose_secret().trim().eq_ignore_ascii_case(username.trim()) {
        return Err(Refusal::invalid(field, "a password is not the username; choose another"));
    }
    Ok(())
}

/// Hashes a password that was checked. Takes tens of milliseconds of a blocking thread.
///
/// # Errors
/// Only for faults of ours.
pub async fn hash(clock: &Clock, password: SecretString) -> Result<String> {
    let mut salt = [0; 16];
    clock.fill(&mut salt);
    let argon2 = if clock.keeps_secrets() { Argon2::default() } else { least() };
    blocking(move || {
        let hash = argon2.hash_password_with_salt(password.expose_secret().as_bytes(), &salt);
        hash.map(|hash| hash.to_string()).map_err(|error| Error::internal(error.to_string()))
    })
    .await?
}

/// As little work as argon2 knows: for tests, which hash thousands of passwords that are no secrets. How much work a hash
/// took stands in it, so that it is verified like any other.
fn least() -> Argon2<'static> {
    let params = Params::new(Params::MIN_M_COST, Params::MIN_T_COST, Params::MIN_P_COST, None)
        .expect("the least of each is allowed");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Whether the password is the one of this hash. Without a hash it takes as long and answers no, so that nobody can
/// time which accounts exist.
///
/// # Errors
/// Only for faults of ours.
pub(super) async fn verify(hash: Option<StoredHash>, password: SecretString) -> Result<bool> {
    blocking(move || {
        let known = hash.is_some();
        let hash = hash.map_or_else(|| NOBODY.to_owned(), |hash| hash.0);
        let bytes = password.expose_secret().as_bytes();
        let matches = bytes.len() <= MAX
            && PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(bytes, &hash).is_ok());
        known && matches
    })
    .await
}

/// A hash with the default parameters of a password that nobody has.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[tokio::test]
    async fn only_the_right_password_verifies() {
        let hash = hash(&Clock::system(), "correct horse".into()).await.expect("hashing works");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let hash = StoredHash(hash);
        assert!(verify(Some(hash.clone()), "correct horse".into()).await.expect("verifying works"));
        assert!(!verify(Some(hash), "correct house".into()).await.expect("verifying works"));
        assert!(!verify(None, "".into()).await.expect("verifying works"));
        assert!(PasswordHash::new(NOBODY).is_ok());
    }

    #[tokio::test]
    async fn a_hash_of_less_work_is_verified_like_any_other() {
        let (clock, _) = Clock::fixed(DateTime::UNIX_EPOCH, 1);
        let hash = StoredHash(hash(&clock, "correct horse".into()).await.expect("hashing works"));
        assert!(hash.0.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{}", hash.0);
        assert!(verify(Some(hash.clone()), "correct horse".into()).await.expect("verifying works"));
        assert!(!verify(Some(hash), "correct house".into()).await.expect("verifying works"));
    }
}
