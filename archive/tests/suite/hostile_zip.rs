use guildhall_archive::{Error, Limits, Rule};

use crate::{
    broken_rule,
    forge::{ZipEntry, zip, zip_with_count},
    read, refusal, small,
};

fn main_tf() -> ZipEntry {
    ZipEntry::file("main.tf", b"resource {}")
}

#[test]
fn a_plain_zip_is_read() {
    let folder = ZipEntry { mode: 0o040_755, method: 0, ..ZipEntry::file("modules/", b"") };
    let summary = read(&zip(&[main_tf(), folder]), &Limits::default()).unwrap();
    assert_eq!((summary.entries, summary.total_bytes, summary.has_terraform), (2, 11, true));
    assert_eq!(read(&zip(&[]), &Limits::default()).unwrap().entries, 0);
}

#[test]
fn names_that_leave_the_folder() {
    let rule = |name: &str| broken_rule(&zip(&[main_tf(), ZipEntry::file(name, b"x")])).1;
    assert_eq!(rule("../x"), Rule::ParentFolder);
    assert_eq!(rule("/etc/passwd"), Rule::Absolute);
    assert_eq!(rule("C:\\x"), Rule::Backslash);
    assert_eq!(rule("..\\x"), Rule::Backslash);
    assert_eq!(rule("a\0.tf"), Rule::Control);
    assert_eq!(rule("MAIN.TF"), Rule::Duplicate { first: "main.tf".to_owned() });
    assert_eq!(rule("main.tf/x"), Rule::BelowFile { file: "main.tf".to_owned() });
}

#[test]
fn one_name_twice() {
    assert!(matches!(refusal(&zip(&[main_tf(), main_tf()])), Error::Damaged { .. }));
}

#[test]
fn everything_but_files_and_folders() {
    let kind = |mode, name| match broken_rule(&zip(&[ZipEntry { mode, ..ZipEntry::file(name, b"") }])).1 {
        Rule::NotPlain { kind } => kind,
        other => panic!("{other}"),
    };
    assert_eq!(kind(0o120_777, "link"), "symbolic link");
    assert_eq!(kind(0o120_777, "link/"), "symbolic link");
    assert_eq!(kind(0o020_666, "null"), "device, pipe or socket");
    assert_eq!(kind(0o040_755, "folder"), "folder with the name of a file");
    assert_eq!(kind(0o100_644, "file/"), "file with the name of a folder");
    let folder = ZipEntry { mode: 0o040_755, ..ZipEntry::file("a/", b"hidden") };
    assert_eq!(broken_rule(&zip(&[folder])).1, Rule::FolderWithContent);
}

#[test]
fn sizes_that_lie() {
    let zeros = vec![0; 1 << 20];
    let limits = small(|limits| limits.max_file_bytes = 1_000);
    let understated = ZipEntry { declared_size: Some(10), ..ZipEntry::file("a", &zeros) };
    assert!(matches!(
        read(&zip(&[understated]), &limits).unwrap_err(),
        Error::Entry { rule: Rule::FileTooLarge { .. }, .. } | Error::Damaged { .. }
    ));
    for declared in [10, 2 << 20] {
        let lying = ZipEntry { declared_size: Some(declared), ..ZipEntry::file("a", &zeros) };
        assert!(matches!(
            refusal(&zip(&[lying])),
            Error::Entry { rule: Rule::SizeMismatch { .. }, .. } | Error::Damaged { .. }
        ));
    }
}

#[test]
fn a_bomb_is_counted_as_it_decompresses() {
    let limits = small(|limits| limits.max_total_bytes = 1 << 20);
    let zeros = vec![0; 300 << 10];
    let bomb: Vec<_> = (0..4).map(|n| ZipEntry::file(&n.to_string(), &zeros)).collect();
    assert!(matches!(read(&zip(&bomb), &limits), Err(Error::TotalTooLarge { .. })));
}

#[test]
fn the_two_stories_must_agree() {
    let two_names = ZipEntry { other_name: Some(b"other.tf".to_vec()), ..main_tf() };
    assert!(matches!(refusal(&zip(&[two_names])), Error::Damaged { .. }));
    // An entry that a streaming reader sees and the directory does not list.
    assert!(matches!(
        refusal(&zip_with_count(&[main_tf(), ZipEntry::file("b", b"")], 1)),
        Error::Damaged { .. }
    ));
}

#[test]
fn encrypted_and_exotic_entries() {
    assert_eq!(broken_rule(&zip(&[ZipEntry { flags: 1, ..main_tf() }])).1, Rule::Encrypted);
    let refused = refusal(&zip(&[ZipEntry { method: 12, ..main_tf() }]));
    assert!(refused.to_string().contains("not supported"), "{refused}");
}

#[test]
fn a_wrong_checksum_is_refused() {
    assert!(matches!(refusal(&zip(&[ZipEntry { crc: Some(1), ..main_tf() }])), Error::Damaged { .. }));
}

#[test]
fn too_many_entries() {
    let limits = small(|limits| limits.max_entries = 10);
    let archive =
        |count: u16| zip(&(0..count).map(|n| ZipEntry::file(&n.to_string(), b"")).collect::<Vec<_>>());
    assert_eq!(read(&archive(10), &limits).unwrap().entries, 10);
    assert!(matches!(read(&archive(11), &limits), Err(Error::TooManyEntries { limit: 10 })));
    // More than the reader may even load.
    assert!(matches!(
        read(&archive(20_000), &limits),
        Err(Error::Damaged { .. } | Error::TooManyEntries { .. })
    ));
}

#[test]
fn an_archive_cut_anywhere_is_refused() {
    let archive = zip(&[main_tf(), ZipEntry::file("b", b"bb")]);
    for length in 0..archive.len() {
        assert!(read(&archive[..length], &Limits::default()).is_err(), "cut to {length} bytes");
    }
}
