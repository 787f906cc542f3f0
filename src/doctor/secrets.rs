//! The keys on disk.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Finding;
use crate::keys;

const CHECK: &str = "keys";

/// Whether the keys are there and for their user alone. `used`: the database has been used with some.
pub(super) fn keys(data_dir: &Path, sealing_key_file: Option<&Path>, used: bool) -> Vec<Finding> {
    let sealing = sealing_key_file.map_or_else(|| data_dir.join(keys::SEALING), Path::to_owned);
    let missing_sealing = if sealing_key_file.is_some() || used {
        let message = format!("there is no sealing key at {}", sealing.display());
        let next = "put it back from the backup: without it states and sensitive values can't be read";
        Finding::fail(CHECK, "SEALING_KEY_MISSING", message).next(next)
    } else {
        made_at_start(&sealing)
    };
    let signing = data_dir.join(keys::SIGNING);
    let missing_signing = if used {
        let message = format!("there is no signing key at {}", signing.display());
        let next = "put it back from the backup, or everybody has to sign in again after the start";
        Finding::warn(CHECK, "SIGNING_KEY_MISSING", message).next(next)
    } else {
        made_at_start(&signing)
    };
    let mut found = vec![judge(&sealing, missing_sealing, true), judge(&signing, missing_signing, true)];
    let token = data_dir.join(keys::SETUP_TOKEN);
    if token.exists() {
        found.push(judge(&token, made_at_start(&token), false));
    }
    found
}

fn made_at_start(path: &Path) -> Finding {
    Finding::ok(CHECK, format!("{} is made at the first start", path.display()))
}

fn judge(path: &Path, missing: Finding, holds_keys: bool) -> Finding {
    let place = path.display();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return missing;
        }
        Err(error) => {
            return Finding::fail(CHECK, "KEY_UNREADABLE", format!("{place} can't be read: {error}"))
                .next("run this as the user of the server");
        }
    };
    let count = if holds_keys {
        match keys::parse_all(&text, path) {
            Ok(keys) => format!(", {} of them", keys.len()),
            Err(error) => {
                return Finding::fail(CHECK, "KEY_INVALID", format!("{error:#}"))
                    .next("put it back from the backup");
            }
        }
    } else {
        String::new()
    };
    let mode = path.metadata().map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    if mode & 0o077 != 0 {
        let message = format!("{place} can be read by others (mode {mode:03o})");
        return Finding::warn(CHECK, "KEY_OPEN", message).next(format!("chmod 600 {place}"));
    }
    Finding::ok(CHECK, format!("{place}{count}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::doctor::Status;

    #[test]
    fn keys_are_there_private_and_whole() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        let judged = |named: Option<&Path>, used: bool| {
            let found = keys(path, named, used);
            found.into_iter().map(|finding| (finding.status, finding.code)).collect::<Vec<_>>()
        };
        assert_eq!(judged(None, false), [(Status::Ok, "OK"), (Status::Ok, "OK")]);
        let lost = [(Status::Fail, "SEALING_KEY_MISSING"), (Status::Warn, "SIGNING_KEY_MISSING")];
        assert_eq!(judged(None, true), lost);
        assert_eq!(judged(Some(&path.join("other")), false)[0], (Status::Fail, "SEALING_KEY_MISSING"));

        let clock = Clock::system();
        keys::sealing(path, None, &clock).expect("it is made");
        keys::signing(path, &clock).expect("it is made");
        keys::setup_token(path, &clock).expect("it is made");
        assert_eq!(judged(None, true), [(Status::Ok, "OK"); 3]);
        let sealing = path.join(keys::SEALING);
        std::fs::set_permissions(&sealing, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
        assert_eq!(judged(None, true)[0], (Status::Warn, "KEY_OPEN"));
        std::fs::write(&sealing, "no key\n").expect("writable");
        assert_eq!(judged(None, true)[0], (Status::Fail, "KEY_INVALID"));
    }
}
