//! Sessions: a signed JWT that names a row. The signature keeps forgeries from the database; the row decides, so that a
//! session can be revoked.

use data_encoding::HEXLOWER;
use guildhall_entity::id::SessionId;
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, crypto, encode};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// Bytes of a signing key.
pub const KEY_LENGTH: usize = 32;

/// The only algorithm that is signed with or accepted.
const ALGORITHM: Algorithm = Algorithm::HS256;

#[derive(Serialize, Deserialize)]
struct Claims {
    /// The session.
    sid: SessionIdText,
    /// When the session ends, in seconds since 1970: for clients; the row decides.
    exp: i64,
}

/// The session's public id.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct SessionIdText(String);

/// Signs tokens with the first key and accepts those of all, so that a key can be rotated.
pub struct SessionKeys {
    keys: Vec<(String, EncodingKey, DecodingKey)>,
}

impl std::fmt::Debug for SessionKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionKeys").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

impl SessionKeys {
    /// Keys, newest first.
    pub fn new(keys: &[[u8; KEY_LENGTH]]) -> Self {
        let keys = keys
            .iter()
            .map(|key| {
                let id = HEXLOWER.encode(&Sha256::digest(key)[..4]);
                (id, EncodingKey::from_secret(key), DecodingKey::from_secret(key))
            })
            .collect();
        Self { keys }
    }

    /// The token of a session.
    ///
    /// # Errors
    /// Only for faults of the library.
    pub(crate) fn sign(&self, session: SessionId, expires_at: i64) -> Result<SecretString> {
        let (id, key, _) = self.keys.first().ok_or_else(|| Error::internal("there is no signing key"))?;
        let header = Header { kid: Some(id.clone()), ..Header::new(ALGORITHM) };
        let claims = Claims { sid: SessionIdText(session.to_string()), exp: expires_at };
        encode(&header, &claims, key).map(SecretString::from).map_err(Error::internal)
    }

    /// The session of a token, if one of the keys signed it.
    pub(crate) fn verify(&self, token: &str) -> Option<SessionId> {
        // Only signatures are compared, of the one algorithm. What a header says chooses nothing, and it is signed as well: one
        // that passes is ours. `jsonwebtoken::decode` would read header and claims twice. When a session ends, its row says, by
        // the injected clock.
        let (message, signature) = token.rsplit_once('.')?;
        let signed = |key| crypto::verify(signature, message.as_bytes(), key, ALGORITHM).unwrap_or(false);
        // There are one or two keys: to try them costs less than to read first which one it says it is of.
        self.keys.iter().any(|(_, _, key)| signed(key)).then_some(())?;
        insecure_decode_claims::<Claims>(token).ok()?.sid.0.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn only_tokens_of_known_keys_verify() {
        let (old, new) = ([1; KEY_LENGTH], [2; KEY_LENGTH]);
        let session = SessionId::from(sea_orm::prelude::Uuid::from_u128(7));
        let token = SessionKeys::new(&[old]).sign(session, 0).expect("signing works");
        let token = token.expose_secret();
        assert_eq!(SessionKeys::new(&[new, old]).verify(token), Some(session));
        assert_eq!(SessionKeys::new(&[new]).verify(token), None);
        let keys = SessionKeys::new(&[old]);
        let (head, signature) = token.rsplit_once('.').expect("a token has three parts");
        assert_eq!(keys.verify(&format!("{head}.")), None);
        assert_eq!(keys.verify(&format!("{head}.{}", signature.to_uppercase())), None);
        assert_eq!(keys.verify("not.a.token"), None);
        // {"alg":"none","kid":…} with the same claims.
        let none = "eyJhbGciOiJub25lIn0";
        assert_eq!(keys.verify(&format!("{none}.{}.", head.split_once('.').expect("a head").1)), None);
    }
}
