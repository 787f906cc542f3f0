//! How values are kept: in the open, and the sensitive ones sealed.

use guildhall_entity::json::{Parameter, Parameters};

use super::{Given, Value};
use crate::error::{Error, Result};
use crate::seal::Sealer;

/// Values to keep in the open, and the sensitive ones sealed for `purpose`.
pub(crate) fn split(
    sealer: &Sealer,
    purpose: &str,
    values: Vec<Value>,
) -> Result<(Parameters, Option<Vec<u8>>)> {
    let mut open = Vec::with_capacity(values.len());
    let mut secret = Vec::new();
    for value in values {
        if value.sensitive {
            open.push(Parameter { name: value.name.clone(), value: None });
            secret.push((value.name, value.value));
        } else {
            open.push(Parameter { name: value.name, value: Some(value.value) });
        }
    }
    if secret.is_empty() {
        return Ok((Parameters(open), None));
    }
    let plain = serde_json::to_vec(&secret).map_err(Error::internal)?;
    Ok((Parameters(open), Some(sealer.seal(purpose, &plain)?)))
}

/// All values that [`split`] took apart.
pub(crate) fn join(
    sealer: &Sealer,
    purpose: &str,
    parameters: Parameters,
    sealed: Option<&[u8]>,
) -> Result<Vec<Given>> {
    let mut secret: Vec<(String, String)> = match sealed {
        Some(sealed) => serde_json::from_slice(&sealer.open(purpose, sealed)?).map_err(Error::internal)?,
        None => Vec::new(),
    };
    let open = |parameter: Parameter| {
        let value = parameter.value.or_else(|| {
            let at = secret.iter().position(|(name, _)| *name == parameter.name)?;
            Some(secret.swap_remove(at).1)
        })?;
        Some(Given { name: parameter.name, value })
    };
    Ok(parameters.0.into_iter().filter_map(open).collect())
}
