//! The data folder: whether it can be written to, who can read it, and how much room there is.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Finding;
use crate::db::Settings;

/// Less room than this and nothing can be kept for long.
const ROOM_MIN: u64 = 256 << 20;
/// Less than this and it is time to look.
const ROOM_GOOD: u64 = 2 << 30;

/// Whether the data folder can be used.
pub(super) fn data_folder(path: &Path) -> Vec<Finding> {
    const CHECK: &str = "data folder";
    let place = path.display();
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            let message = format!("{place} can't be made: a part of the path is a file");
            return vec![
                Finding::fail(CHECK, "DATA_DIR_NO_FOLDER", message).next("choose another with --data-dir"),
            ];
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return vec![match existing(path).map(writes) {
                Some(Ok(())) => Finding::ok(CHECK, format!("{place} is made at the first start")),
                _ => Finding::fail(CHECK, "DATA_DIR_UNWRITABLE", format!("{place} can't be made"))
                    .next("choose another with --data-dir, or make it for the user of the server"),
            }];
        }
        Err(error) => {
            return vec![
                Finding::fail(CHECK, "DATA_DIR_UNREADABLE", format!("{place}: {error}"))
                    .next("run this as the user of the server"),
            ];
        }
    };
    if !metadata.is_dir() {
        let message = format!("{place} is no folder");
        return vec![
            Finding::fail(CHECK, "DATA_DIR_NO_FOLDER", message).next("choose another with --data-dir"),
        ];
    }
    if let Err(error) = writes(path) {
        let message = format!("{place} can't be written to: {error}");
        return vec![
            Finding::fail(CHECK, "DATA_DIR_UNWRITABLE", message)
                .next(format!("run this as the user of the server, or `chown` {place} to it")),
        ];
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let message = format!("{place} is open to others (mode {mode:03o})");
        return vec![Finding::warn(CHECK, "DATA_DIR_OPEN", message).next(format!("chmod 700 {place}"))];
    }
    vec![Finding::ok(CHECK, format!("{place}, for its user alone"))]
}

/// The path itself or the nearest one above it that is there.
fn existing(path: &Path) -> Option<&Path> {
    path.ancestors().find(|path| path.is_dir())
}

/// Whether something can be written to a folder; what is written is taken away again.
pub(super) fn writes(folder: &Path) -> std::io::Result<()> {
    tempfile::Builder::new().prefix(".guildhall-doctor-").tempfile_in(folder).map(drop)
}

/// How much room there is for what grows: the database, where it is a file, and the provisioners' work.
pub(super) fn space(data_dir: &Path, database: &Settings) -> Vec<Finding> {
    const CHECK: &str = "disk space";
    let mut places = vec![data_dir];
    if let Settings::Sqlite { path, .. } = database
        && let Some(folder) =
            path.parent().filter(|folder| *folder != data_dir && !folder.as_os_str().is_empty())
    {
        places.push(folder);
    }
    let found = places.into_iter().filter_map(existing).map(|place| {
        let place_name = place.display();
        let free = match rustix::fs::statvfs(place) {
            Ok(facts) => facts.f_bavail.saturating_mul(facts.f_frsize),
            Err(error) => {
                return Finding::warn(CHECK, "DISK_UNKNOWN", format!("{place_name}: {error}"));
            }
        };
        let message = format!("{} free on the disk of {place_name}", size(free));
        let next = "make room, or move the data folder with --data-dir";
        match free {
            ..ROOM_MIN => Finding::fail(CHECK, "DISK_FULL", message).next(next),
            ROOM_MIN..ROOM_GOOD => Finding::warn(CHECK, "DISK_LOW", message).next(next),
            _ => Finding::ok(CHECK, message),
        }
    });
    found.collect()
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_073_741_824 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Status;

    #[test]
    fn a_folder_is_judged_by_what_can_be_done_in_it() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let path = home.path().join("data");
        let judged = |path: &Path| {
            let found = data_folder(path).remove(0);
            (found.status, found.code)
        };
        assert_eq!(judged(&path.join("deep/inside")), (Status::Ok, "OK"), "it can be made");
        std::fs::create_dir(&path).expect("it can be made");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
        assert_eq!(judged(&path), (Status::Warn, "DATA_DIR_OPEN"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("it is ours");
        assert_eq!(judged(&path), (Status::Ok, "OK"));
        assert_eq!(std::fs::read_dir(&path).expect("a folder").count(), 0, "nothing is left behind");
        let file = home.path().join("file");
        std::fs::write(&file, "").expect("writable");
        assert_eq!(judged(&file), (Status::Fail, "DATA_DIR_NO_FOLDER"));
        assert_eq!(judged(&file.join("inside")), (Status::Fail, "DATA_DIR_NO_FOLDER"));
    }

    #[test]
    fn sizes_are_read_by_people() {
        assert_eq!((size(0), size(3 << 20), size(5 << 30)), ("0 MiB".into(), "3 MiB".into(), "5 GiB".into()));
    }
}
