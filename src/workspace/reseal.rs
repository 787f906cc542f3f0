//! Sealing anew: when the deployment has a new key, states and sensitive values are sealed with it. The old key is of no more
//! use then.

use super::store::reseal::{STATES, VALUES};
use super::{build, state};
use crate::db::Db;
use crate::error::Result;
use crate::seal::Sealer;

/// The newest of each kind of what is sealed.
pub(crate) async fn samples(db: &Db) -> Result<Vec<Vec<u8>>> {
    let mut samples = Vec::from_iter(STATES.sample(db).await?);
    for values in VALUES {
        samples.extend(values.sample(db).await?);
    }
    Ok(samples)
}

/// Seals with the newest key whatever of workspaces is sealed with another; answers how much that was.
///
/// # Errors
/// When something does not open, or the database fails; what was sealed before that stays sealed anew.
pub(crate) async fn all(db: &Db, sealer: &Sealer) -> Result<u64> {
    let mut done = STATES.anew(db, sealer, state::purpose).await?;
    for values in VALUES {
        done += values.anew(db, sealer, build::purpose).await?;
    }
    Ok(done)
}
