use std::{fs, io::Cursor};

use guildhall_archive::{Error, Limits, unpack};
use tar::EntryType;

use crate::forge::Tar;

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let archive = Tar::new().file("main.tf", b"new").finish();
    fs::create_dir(&out).unwrap();
    unpack(Cursor::new(&archive), &out, &Limits::default()).unwrap();

    let refused = unpack(Cursor::new(&archive), &out, &Limits::default()).unwrap_err();
    assert!(matches!(refused, Error::DestinationTaken { .. }), "{refused}");
    let file = home.path().join("file");
    fs::write(&file, "kept").unwrap();
    let refused = unpack(Cursor::new(&archive), &file, &Limits::default()).unwrap_err();
    assert!(matches!(refused, Error::DestinationTaken { .. }), "{refused}");
    assert_eq!(fs::read(&file).unwrap(), b"kept");
}

#[test]
fn a_refused_archive_leaves_an_empty_folder_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let archive = Tar::new().file("main.tf", b"x").file("../x", b"x").finish();
    unpack(Cursor::new(&archive), home.path(), &Limits::default()).unwrap_err();
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn the_format_is_told_by_content() {
    let home = tempfile::tempdir().unwrap();
    let refused = unpack(Cursor::new(b"#!/bin/sh"), &home.path().join("x"), &Limits::default()).unwrap_err();
    assert!(matches!(refused, Error::UnknownFormat));
}

#[cfg(unix)]
#[test]
fn modes_are_masked() {
    use std::os::unix::fs::PermissionsExt;

    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let archive = Tar::new()
        .entry(b"bin/", EntryType::Directory, 0o7777, b"")
        .entry(b"bin/setuid", EntryType::Regular, 0o6777, b"")
        .entry(b"open", EntryType::Regular, 0o0666, b"")
        .entry(b"closed", EntryType::Regular, 0o0000, b"")
        .finish();
    unpack(Cursor::new(archive), &out, &Limits::default()).unwrap();
    let mode = |path: &str| fs::metadata(out.join(path)).unwrap().permissions().mode() & 0o7777;
    for (path, expected) in
        [("", 0o700), ("bin", 0o755), ("bin/setuid", 0o755), ("open", 0o644), ("closed", 0o644)]
    {
        assert_eq!(mode(path) & !0o022, expected, "{path}");
        assert_eq!(mode(path) & 0o022, 0, "{path} is open to others");
    }
}
