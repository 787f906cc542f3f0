//! Sealing anew: when the deployment has a new key, states and sensitive values are sealed with it. The old key is of no more
//! use then.

use super::store::reseal::{STATES, VALUES};
use super::{build, state};
use crate::db::Db;
use crate::error::Result;
use crate::seal::Sealer;

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
