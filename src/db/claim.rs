//! Who serves a SQLite database: one process at a time.

use std::fs::{File, TryLockError};

use super::Settings;
use super::unusable::Unusable;

/// Holds a database for this process until it is dropped, or the process ends, however that comes about.
#[derive(Debug)]
#[must_use = "another server may use the database as soon as this is dropped"]
pub struct Claim {
    _lock: Option<File>,
}

/// Claims a database for a server. One in PostgreSQL may be shared by several: they hear of each other.
///
/// # Errors
/// When another server has claimed it.
pub fn claim(settings: &Settings) -> Result<Claim, Unusable> {
    let Settings::Sqlite { path, .. } = settings else { return Ok(Claim { _lock: None }) };
    // Beside the database: SQLite would lose its own locks on it with any handle that is closed. And beside the file itself:
    // a link to it is the same database.
    let itself = path.canonicalize().unwrap_or_else(|_| path.clone());
    let mut beside = itself.into_os_string();
    beside.push(".lock");
    let beside = std::path::PathBuf::from(beside);
    let failed = |reason| Unusable::Lock { path: beside.clone(), reason };
    let lock = File::options().create(true).truncate(false).write(true).open(&beside).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(Claim { _lock: Some(lock) }),
        Err(TryLockError::WouldBlock) => Err(Unusable::Served(path.clone())),
        // Some network file systems have no locks; SQLite does not belong there, but may have been put there.
        Err(TryLockError::Error(reason)) if reason.kind() == std::io::ErrorKind::Unsupported => {
            Ok(Claim { _lock: None })
        }
        Err(TryLockError::Error(reason)) => Err(failed(reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_at_a_time_serves_a_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let settings = |name: &str| Settings::Sqlite { path: folder.path().join(name), readers: 1 };
        let first = claim(&settings("one.db")).expect("nobody has it");
        let second = claim(&settings("one.db")).expect_err("the first one has it");
        assert!(second.to_string().starts_with("another server uses "), "{second}");
        std::fs::write(folder.path().join("one.db"), "").expect("it is made");
        std::os::unix::fs::symlink(folder.path().join("one.db"), folder.path().join("link.db"))
            .expect("it is linked");
        let linked = claim(&settings("link.db")).expect_err("it is the same");
        assert!(linked.to_string().starts_with("another server uses "), "{linked}");
        let _other = claim(&settings("other.db")).expect("it is another");
        drop(first);
        let _again = claim(&settings("one.db")).expect("it was given back");
    }
}
