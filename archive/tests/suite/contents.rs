//! Reading what the files of an archive hold.

use std::fs;
use std::io::Cursor;

use guildhall_archive::{Kept, Limits, contents, pack};

const KEPT: Kept = Kept { max_file_bytes: 100, max_total_bytes: 150 };

#[test]
fn texts_are_kept_within_bounds_and_everything_is_hashed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("a.tf", b"locals {}\n");
    write("b.bin", b"a\0b");
    write("c.txt", b"caf\xe9");
    write("d.txt", &[b'd'; 101]);
    write("e.txt", &[b'e'; 100]);
    write("f.txt", &[b'f'; 60]);
    let mut archive = Vec::new();
    pack(folder.path(), &mut archive).unwrap();
    let found = contents(Cursor::new(&archive), &Limits::default(), KEPT).unwrap();
    let texts: Vec<_> =
        found.iter().map(|(path, file)| (path.as_str(), file.size, file.text.is_some())).collect();
    assert_eq!(
        texts,
        [
            ("a.tf", 10, true),
            ("b.bin", 3, false),
            ("c.txt", 4, false),
            ("d.txt", 101, false),
            ("e.txt", 100, true),
            // No room is left for it.
            ("f.txt", 60, false),
        ]
    );
    assert_eq!(found["a.tf"].text.as_deref(), Some("locals {}\n"));
    assert_ne!(found["e.txt"].sha256, found["f.txt"].sha256);
}

#[test]
fn what_the_guard_refuses_is_refused() {
    let limits = Limits { max_entries: 1, ..Limits::default() };
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.tf"), "").unwrap();
    fs::write(folder.path().join("b.tf"), "").unwrap();
    let mut archive = Vec::new();
    pack(folder.path(), &mut archive).unwrap();
    assert!(contents(Cursor::new(archive), &limits, KEPT).is_err());
}
