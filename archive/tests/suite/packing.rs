use std::{fs, io::Cursor, path::Path};

use guildhall_archive::{Error, Limits, Rule, inspect, pack, unpack};

fn write(root: &Path, files: &[&str]) {
    for file in files {
        let place = root.join(file);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, file).unwrap();
    }
}

fn packed_names(root: &Path) -> Vec<String> {
    let mut archive = Vec::new();
    pack(root, &mut archive).unwrap();
    let tar = flate2::read::GzDecoder::new(Cursor::new(archive));
    let name =
        |entry: std::io::Result<tar::Entry<'_, _>>| entry.unwrap().path().unwrap().display().to_string();
    tar::Archive::new(tar).entries().unwrap().map(name).collect()
}

#[test]
fn state_and_version_control_stay_at_home() {
    let dir = tempfile::tempdir().unwrap();
    write(
        dir.path(),
        &[
            "main.tf",
            ".terraform.lock.hcl",
            ".git/config",
            ".terraform/providers/x",
            "modules/a/.terraform/x",
            "modules/a/main.tf",
            "terraform.tfstate",
            "terraform.tfstate.backup",
            "terraform.tfstate.d/prod/x",
        ],
    );
    let names = packed_names(dir.path());
    assert_eq!(names, [".terraform.lock.hcl", "main.tf", "modules/", "modules/a/", "modules/a/main.tf"]);
}

#[test]
fn the_ignore_file_is_honoured() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &["main.tf", "secret.pem", "docs/a.md", "docs/b.txt"]);
    fs::write(dir.path().join(".guildhallignore"), "*.pem\ndocs/*\n!docs/a.md\n").unwrap();
    assert_eq!(packed_names(dir.path()), [".guildhallignore", "docs/", "docs/a.md", "main.tf"]);
}

#[test]
fn other_ignore_files_are_not_ours() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &["main.tf"]);
    fs::write(dir.path().join(".gitignore"), "*").unwrap();
    fs::write(dir.path().join(".ignore"), "*").unwrap();
    assert_eq!(packed_names(dir.path()), [".gitignore", ".ignore", "main.tf"]);
}

#[test]
fn a_missing_folder_is_named() {
    let refused = pack(Path::new("/nowhere/at/all"), Vec::new()).unwrap_err();
    assert!(refused.to_string().contains("/nowhere/at/all"), "{refused}");
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(matches!(pack(file.path(), Vec::new()), Err(Error::Io { .. })));
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn link_error(target: &Path) -> (String, Rule) {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &["main.tf", "modules/main.tf", ".git/config"]);
        symlink(target, dir.path().join("modules/link")).unwrap();
        match pack(dir.path(), Vec::new()).unwrap_err() {
            Error::Entry { entry, rule } => (entry, rule),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_link_to_a_file_inside_becomes_the_file() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &["main.tf", "modules/a.tf"]);
        symlink("../main.tf", dir.path().join("modules/main.tf")).unwrap();
        let mut archive = Vec::new();
        pack(dir.path(), &mut archive).unwrap();
        let out = dir.path().join("out");
        unpack(Cursor::new(archive), &out, &Limits::default()).unwrap();
        assert_eq!(fs::read(out.join("modules/main.tf")).unwrap(), b"main.tf");
        assert!(!out.join("modules/main.tf").is_symlink());
    }

    #[test]
    fn other_links_are_refused_by_name() {
        let why = |why| ("modules/link".to_owned(), Rule::Link { why });
        assert_eq!(link_error(Path::new("/etc/passwd")), why("points outside of the folder"));
        assert_eq!(link_error(Path::new("../..")), why("points outside of the folder"));
        assert_eq!(link_error(Path::new("nothing")), why("points to nothing"));
        assert_eq!(link_error(Path::new("../modules")), why("points to a folder"));
        assert_eq!(link_error(Path::new("../.git/config")), why("points to something that is never packed"));
    }

    #[test]
    fn modes_are_two() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &["run.sh", "main.tf"]);
        fs::set_permissions(dir.path().join("run.sh"), fs::Permissions::from_mode(0o4711)).unwrap();
        fs::set_permissions(dir.path().join("main.tf"), fs::Permissions::from_mode(0o600)).unwrap();
        let mut archive = Vec::new();
        pack(dir.path(), &mut archive).unwrap();
        let tar = flate2::read::GzDecoder::new(Cursor::new(archive));
        let mode = |entry: std::io::Result<tar::Entry<'_, _>>| entry.unwrap().header().mode().unwrap();
        let modes: Vec<u32> = tar::Archive::new(tar).entries().unwrap().map(mode).collect();
        assert_eq!(modes, [0o644, 0o755]);
    }

    #[test]
    fn a_name_that_could_not_be_unpacked_is_not_packed() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &["a\\b.tf"]);
        let refused = pack(dir.path(), Vec::new()).unwrap_err();
        assert!(matches!(refused, Error::Entry { rule: Rule::Backslash, .. }), "{refused}");
    }
}

#[test]
fn an_empty_folder_packs_to_an_archive_without_terraform() {
    let dir = tempfile::tempdir().unwrap();
    let mut archive = Vec::new();
    let packed = pack(dir.path(), &mut archive).unwrap();
    assert_eq!((packed.entries, packed.bytes), (0, 0));
    let summary = inspect(Cursor::new(archive), &Limits::default()).unwrap();
    assert_eq!((summary.entries, summary.has_terraform), (0, false));
}
