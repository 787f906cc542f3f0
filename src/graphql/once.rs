//! `idempotencyKey`: a create that is sent again within 24 hours answers what the first one made.

use async_graphql::InputType;

use super::context::Request;
use crate::authn::secret;
use crate::authz::{Object, Permission};
use crate::db::list::Find;
use crate::db::{Db, Once};
use crate::error::{Error, Refusal, Result};

/// What became of a create.
pub(crate) enum Made<T> {
    /// It was made now.
    Now(T),
    /// It was made by an earlier request with the same key and input: the ids of what that made.
    Earlier(Vec<String>),
}

impl Request {
    /// The one thing that was made, as it is now.
    ///
    /// # Errors
    /// As [`Request::made_earlier`].
    pub(crate) async fn made<I: Find + std::fmt::Display + std::str::FromStr>(
        &self,
        made: Made<I>,
    ) -> Result<I::Row> {
        match made {
            Made::Now(id) => self.get(id).await,
            Made::Earlier(subjects) => self.made_earlier::<I>(&subjects, 0).await,
        }
    }

    /// One of the things that an earlier request made, as it is now.
    ///
    /// # Errors
    /// CONFLICT when it is gone: only another key makes something.
    pub(crate) async fn made_earlier<I: Find + std::fmt::Display + std::str::FromStr>(
        &self,
        subjects: &[String],
        at: usize,
    ) -> Result<I::Row> {
        let id = subjects.get(at).and_then(|id| id.parse::<I>().ok());
        let id = id.ok_or_else(|| Error::internal("an idempotency key leads to another kind of thing"))?;
        match self.get(id).await {
            Err(Error::Conflict(_)) => {
                let message = "what this key made is gone, or can't be seen by you any more; take a new key";
                Err(Refusal::conflict(&["idempotencyKey"], message).into())
            }
            found => found,
        }
    }
}

/// What a key may be.
///
/// # Errors
/// A refusal.
pub(crate) fn check_key(key: &str) -> Result<()> {
    if (1..=100).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let message = "a key is 1–100 printable ASCII characters without spaces, e.g. a UUID";
    Err(Refusal::invalid(&["idempotencyKey"], message).into())
}

impl Request {
    /// Makes something once for a key. `make` gets the database to make it with; whoever is answered what it made earlier
    /// still needs the permission to make it.
    ///
    /// # Errors
    /// FORBIDDEN without the permission; CONFLICT for a key that was used with another input or mutation; whatever `make` answers.
    pub(crate) async fn once<T>(
        &self,
        key: Option<&str>,
        operation: &'static str,
        input: &impl InputType,
        (permission, object): (Permission, Object),
        make: impl AsyncFnOnce(Db) -> Result<T>,
    ) -> Result<Made<T>> {
        let (Some(key), Some(actor)) = (key, self.actor.user_id()) else {
            return make(self.db.clone()).await.map(Made::Now);
        };
        check_key(key)?;
        // A hash of a password is as good as the password to who may guess: sealed, it is not.
        let input = secret::hash(&input.to_value().to_string());
        let purpose = format!("idempotency key of {actor}");
        let earlier = async || -> Result<Option<Vec<String>>> {
            let Some(earlier) = self.db.earlier(actor, key).await? else { return Ok(None) };
            let same = earlier.operation == operation
                && self.app.sealer.open(&purpose, &earlier.sealed_input)? == input;
            if same {
                self.require(permission, object)?;
                return Ok(Some(earlier.subjects));
            }
            let message = "this key was used for another request in the last 24 hours; take a new one";
            Err(Refusal::conflict(&["idempotencyKey"], message).into())
        };
        if let Some(subjects) = earlier().await? {
            return Ok(Made::Earlier(subjects));
        }
        let sealed_input = self.app.sealer.seal(&purpose, &input)?;
        let once = Once { actor, key: key.to_owned(), operation, sealed_input };
        match make(self.db.once(once)).await {
            Ok(made) => Ok(Made::Now(made)),
            // The same request may have been faster: then its answer is the answer.
            Err(error @ Error::Refused(_)) => match earlier().await? {
                Some(subjects) => Ok(Made::Earlier(subjects)),
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }
}
