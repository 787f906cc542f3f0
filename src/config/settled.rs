//! Settings that go together: what one option alone can't tell.

use std::path::PathBuf;

use guildhall_front::{Limits, PersistedDocuments};

use super::Serving;
use crate::db;

/// Settings that go together, with what the files say that they name.
pub struct Settled {
    /// Each by itself.
    pub serving: Serving,
    /// The data folder, from the root on.
    pub data_dir: PathBuf,
    /// The database.
    pub database: db::Settings,
    /// The limits of the API.
    pub limits: Limits,
    /// The documents of the manifests.
    pub documents: PersistedDocuments,
}

impl Serving {
    /// Puts the settings together.
    ///
    /// # Errors
    /// A sentence for people where two don't go together, or one can't be used.
    pub fn settle(self) -> Result<Settled, String> {
        let address = self.address;
        if self.demo && !address.ip().is_loopback() {
            return Err(format!(
                "--demo makes an owner with a known password, and {address} is no loopback address: leave --demo out, or \
                 listen on 127.0.0.1"
            ));
        }
        if self.observing.metrics_address.is_some_and(|other| other == address && other.port() != 0) {
            return Err(format!(
                "--metrics-address and --address are both {address}: metrics need a port of their own"
            ));
        }
        let data_dir = self.data_dir();
        let database = self.storage.database(&data_dir)?;
        let limits = self.limits()?;
        let documents = self.documents(&limits).map_err(|error| error.to_string())?;
        Ok(Settled { serving: self, data_dir, database, limits, documents })
    }
}
