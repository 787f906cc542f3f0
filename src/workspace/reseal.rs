//! Sealing anew: when the deployment has a new key, states and sensitive values are sealed with it, a few at a time and while
//! the server runs. The old key is of no more use then.

use super::store::reseal::{self as store, PROMISES, Place, STATES, VALUES};
use super::{build, state};
use crate::authz::policy::System;
use crate::authz::{Actor, Object, Origin, Permission};
use crate::db::{Db, Unaudited};
use crate::error::Result;
use crate::seal::Sealer;
use guildhall_entity::id::WorkspaceBuildId;

/// Seals with the newest key whatever is sealed with another; answers how much that was. What it says stays the same.
///
/// # Errors
/// When something does not open, or the database fails; what was sealed before that stays sealed anew.
pub(crate) async fn all(db: &Db, sealer: &Sealer) -> Result<u64> {
    Ok(place(db, sealer, STATES, state::purpose).await?
        + place(db, sealer, VALUES, build::purpose).await?
        + place(db, sealer, PROMISES, build::purpose).await?)
}

async fn place(
    db: &Db,
    sealer: &Sealer,
    place: Place,
    purpose: fn(WorkspaceBuildId) -> String,
) -> Result<u64> {
    let actor = Actor::system(System::Reseal, Origin::default());
    let mut done = 0;
    let mut after = None;
    loop {
        let batch = store::batch(db, place, after).await?;
        let Some((last, _)) = batch.last() else { return Ok(done) };
        after = Some(*last);
        for (id, sealed) in batch {
            let Some(anew) = sealer.anew(&purpose(id), &sealed)? else { continue };
            let permit = actor.authorize(Permission::DeploymentSettingsUpdate, Object::SITE)?;
            let tx = db.begin(permit).await?;
            done += u64::from(store::replace_in(&tx, place, id, (sealed, anew)).await?);
            tx.commit_unaudited(Unaudited::Reseal).await?;
        }
    }
}
