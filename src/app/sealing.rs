//! The sealing keys of a deployment, and what its database holds that is sealed with them.

use std::path::Path;

use crate::clock::Clock;
use crate::db::{self, Db};
use crate::seal::Sealer;
use crate::{keys, template, workspace};

/// The sealer of a database. A key is made only while nothing is sealed: another in its place would open nothing.
///
/// # Errors
/// When the keys are not there, can't be read, or are not those that the database was used with.
pub(super) async fn sealer(
    db: &Db,
    data_dir: &Path,
    named: Option<&Path>,
    clock: &Clock,
) -> anyhow::Result<Sealer> {
    let sealed = samples(db).await?;
    let file = named.map_or_else(|| data_dir.join(keys::SEALING), Path::to_owned);
    let place = file.display();
    anyhow::ensure!(
        sealed.is_empty() || file.exists(),
        "there is no sealing key at {place}, and the database holds states or values that were sealed with one; put it back \
         from the backup"
    );
    let sealer = Sealer::new(&keys::sealing(data_dir, named, clock)?)?;
    anyhow::ensure!(
        sealed.is_empty() || sealed.iter().any(|sealed| sealer.knows(sealed)),
        "the database holds states or values that were sealed with other keys than those in {place}; put these back from the \
         backup"
    );
    Ok(sealer)
}

/// The newest of each kind of what is sealed.
async fn samples(db: &Db) -> crate::error::Result<Vec<Vec<u8>>> {
    let mut samples = workspace::reseal::samples(db).await?;
    samples.extend(template::dry_run::sealed_sample(db).await?);
    Ok(samples)
}

/// Seals with the newest key whatever is sealed with an older one; answers how much that was. Servers may run meanwhile, as
/// long as they know both keys.
///
/// # Errors
/// When the data folder, the keys or the database can't be used; nothing is made where one of them is missing.
pub async fn reseal(
    data_dir: &Path,
    database: &db::Settings,
    sealing_key_file: Option<&Path>,
    clock: Clock,
) -> anyhow::Result<u64> {
    let file = sealing_key_file.map_or_else(|| data_dir.join(keys::SEALING), Path::to_owned);
    anyhow::ensure!(file.exists(), "there is no sealing key at {}", file.display());
    if let db::Settings::Sqlite { path, .. } = database {
        anyhow::ensure!(path.exists(), "there is no database at {}", path.display());
    }
    let db = db::connect(database, clock.clone()).await?;
    let sealer = sealer(&db, data_dir, sealing_key_file, &clock).await?;
    let done = template::dry_run::reseal(&db, &sealer).await? + workspace::reseal::all(&db, &sealer).await?;
    db.close().await?;
    Ok(done)
}
