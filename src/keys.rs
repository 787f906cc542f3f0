//! The deployment's secrets on disk: the signing key, the sealing key and the setup token, readable by their owner alone.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use secrecy::SecretString;

use crate::clock::Clock;

/// The file of the signing keys, in the data folder.
pub(crate) const SIGNING: &str = "signing.key";
/// The file of the sealing keys, in the data folder, unless another is named.
pub(crate) const SEALING: &str = "sealing.key";
/// The file of the setup token, in the data folder.
pub(crate) const SETUP_TOKEN: &str = "setup-token";

/// Makes the data folder, for its owner alone.
///
/// # Errors
/// When it can't be made.
pub fn make_folder(path: &Path) -> anyhow::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(|| {
        format!("can't make the data folder {}; choose another with --data-dir", path.display())
    })
}

/// Keys that session tokens are signed with, newest first: one in hexadecimal a line. Made at the first start.
///
/// # Errors
/// When the file can't be read or written, or holds something else.
pub fn signing(data_dir: &Path, clock: &Clock) -> anyhow::Result<Vec<[u8; 32]>> {
    all(&data_dir.join(SIGNING), clock)
}

/// The keys of a file, which is made with one where it is missing.
fn all(path: &Path, clock: &Clock) -> anyhow::Result<Vec<[u8; 32]>> {
    parse_all(&read_or_make(path, clock)?, path)
}

/// The keys that the text of a file holds.
pub(crate) fn parse_all(text: &str, path: &Path) -> anyhow::Result<Vec<[u8; 32]>> {
    let keys = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| parse(line, path))
        .collect::<Result<Vec<_>, _>>()?;
    anyhow::ensure!(!keys.is_empty(), "{} holds no key", path.display());
    Ok(keys)
}

/// Keys that states and sensitive values are sealed with, newest first: one in hexadecimal a line. Made at the first start,
/// unless a file is named, which must be there; without them what was sealed can't be read again.
///
/// # Errors
/// When the file can't be read or written, or holds something else.
pub fn sealing(data_dir: &Path, named: Option<&Path>, clock: &Clock) -> anyhow::Result<Vec<[u8; 32]>> {
    let Some(path) = named else { return all(&data_dir.join(SEALING), clock) };
    // A fresh key in place of one that is mislaid would open nothing.
    anyhow::ensure!(path.exists(), "there is no sealing key at {}", path.display());
    all(path, clock)
}

fn read_or_make(path: &Path, clock: &Clock) -> anyhow::Result<String> {
    let mut key = [0; 32];
    clock.fill(&mut key);
    let fresh = HEXLOWER.encode(&key);
    match create(path, &fresh) {
        Ok(()) => Ok(fresh),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("can't write {}", path.display())),
    }
}

/// Writes a new file as a whole or not at all: another name first, so that a crash leaves no half of a key.
fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    // Fails where the name is taken, unlike a rename.
    let linked = std::fs::hard_link(&temporary, path);
    std::fs::remove_file(&temporary)?;
    linked
}

fn parse(line: &str, path: &Path) -> anyhow::Result<[u8; 32]> {
    let bytes = HEXLOWER_PERMISSIVE.decode(line.trim().as_bytes()).ok();
    bytes.and_then(|bytes| bytes.try_into().ok()).with_context(|| {
        format!("{} holds something else than a key of 64 hexadecimal digits", path.display())
    })
}

/// The token that the first user must show; the same until there is one.
///
/// # Errors
/// When the file can't be read or written.
pub fn setup_token(data_dir: &Path, clock: &Clock) -> anyhow::Result<(SecretString, PathBuf)> {
    let path = data_dir.join(SETUP_TOKEN);
    let token = read_or_make(&path, clock)?;
    Ok((SecretString::from(token.trim().to_owned()), path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn keys_are_made_once_and_are_private() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("a/b");
        make_folder(&data).expect("a folder can be made");
        let clock = Clock::system();
        let key = sealing(&data, None, &clock).expect("a key is made");
        assert_eq!(sealing(&data, None, &clock).expect("the key is read"), key);
        let named = data.join("other.key");
        assert!(sealing(&data, Some(&named), &clock).is_err(), "a file that is named is not made");
        std::fs::write(&named, format!("{}\n{}\n", "11".repeat(32), "22".repeat(32))).expect("writable");
        let keys = sealing(&data, Some(&named), &clock).expect("two keys are read");
        assert_eq!(keys, [[0x11; 32], [0x22; 32]]);
        std::fs::remove_file(&named).expect("it is there");
        let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode(&data.join(SEALING)), 0o600);
        assert_eq!(mode(&data), 0o700);
        assert_eq!(std::fs::read_dir(&data).expect("a folder").count(), 1, "nothing else is left");
        std::fs::write(data.join(SIGNING), "zz\n").expect("writable");
        assert!(signing(&data, &clock).expect_err("no key").to_string().contains("64 hexadecimal digits"));
    }
}
