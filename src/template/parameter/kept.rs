//! How values are kept: in the open, the sensitive ones sealed, and those for one build alone sealed apart, so that they can be
//! erased when it ends.

use guildhall_entity::json::{Parameter, Parameters};

use super::{Given, Keeping, Value};
use crate::error::{Error, Result};
use crate::seal::Sealer;

/// Values as they are kept.
pub(crate) struct Kept {
    /// All names in their order, with the values that are no secret.
    pub(crate) open: Parameters,
    /// The sensitive values.
    pub(crate) sealed: Option<Vec<u8>>,
    /// Those for one build alone; nothing once they are erased.
    pub(crate) ephemeral: Option<Vec<u8>>,
}

/// Values to keep, the secret ones sealed for `purpose`.
pub(crate) fn split(sealer: &Sealer, purpose: &str, values: Vec<Value>) -> Result<Kept> {
    let mut open = Vec::with_capacity(values.len());
    let (mut sensitive, mut ephemeral) = (Vec::new(), Vec::new());
    for Value { name, value, keeping } in values {
        let secrets = match keeping {
            Keeping::Open => {
                open.push(Parameter { name, value: Some(value) });
                continue;
            }
            Keeping::Sealed => &mut sensitive,
            Keeping::ForOneBuild => &mut ephemeral,
        };
        open.push(Parameter { name: name.clone(), value: None });
        secrets.push((name, value));
    }
    let seal = |secrets: Vec<(String, String)>| -> Result<Option<Vec<u8>>> {
        if secrets.is_empty() {
            return Ok(None);
        }
        let plain = serde_json::to_vec(&secrets).map_err(Error::internal)?;
        sealer.seal(purpose, &plain).map(Some)
    };
    Ok(Kept { open: Parameters(open), sealed: seal(sensitive)?, ephemeral: seal(ephemeral)? })
}

/// All values that [`split`] took apart and that are still there.
pub(crate) fn join(sealer: &Sealer, purpose: &str, kept: Kept) -> Result<Vec<Given>> {
    let mut secrets: Vec<(String, String)> = Vec::new();
    for sealed in [kept.sealed, kept.ephemeral].into_iter().flatten() {
        let opened: Vec<(String, String)> =
            serde_json::from_slice(&sealer.open(purpose, &sealed)?).map_err(Error::internal)?;
        secrets.extend(opened);
    }
    let open = |parameter: Parameter| {
        if let Some(value) = parameter.value {
            return Some(Given { name: parameter.name, value, was_sealed: false });
        }
        let at = secrets.iter().position(|(name, _)| *name == parameter.name)?;
        Some(Given { name: parameter.name, value: secrets.swap_remove(at).1, was_sealed: true })
    };
    Ok(kept.open.0.into_iter().filter_map(open).collect())
}
