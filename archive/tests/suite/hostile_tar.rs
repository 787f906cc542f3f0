use guildhall_archive::{Error, Format, Limits, Rule};
use tar::EntryType;

use crate::{
    broken_rule,
    forge::{Tar, gzip, header},
    read, refusal, small,
};

#[test]
fn names_that_leave_the_folder() {
    let tar = Tar::new().file("main.tf", b"x").file("../x", b"x").finish();
    assert_eq!(broken_rule(&tar), ("../x".to_owned(), Rule::ParentFolder));
    let tar = Tar::new().file("/etc/passwd", b"x").finish();
    assert_eq!(broken_rule(&tar), ("/etc/passwd".to_owned(), Rule::Absolute));
    let tar = Tar::new().folder("a/../../b/").finish();
    assert_eq!(broken_rule(&tar).1, Rule::ParentFolder);
}

#[test]
fn a_pax_record_does_not_hide_a_name() {
    let tar = Tar::new().pax(EntryType::XHeader, &[("path", "../x")]).file("main.tf", b"x").finish();
    assert_eq!(broken_rule(&tar), ("../x".to_owned(), Rule::ParentFolder));
    let tar = Tar::new().pax(EntryType::XHeader, &[("path", "a\0b")]).file("main.tf", b"x").finish();
    assert_eq!(broken_rule(&tar), ("a\\0b".to_owned(), Rule::Control));
}

#[test]
fn a_long_name_record_does_not_hide_a_name() {
    let tar = Tar::new().entry(b"././@LongLink", EntryType::GNULongName, 0o644, b"../x\0");
    assert_eq!(broken_rule(&tar.file("main.tf", b"x").finish()).1, Rule::ParentFolder);
}

#[test]
fn everything_but_files_and_folders() {
    let kinds = [
        (EntryType::Symlink, "symbolic link"),
        (EntryType::Link, "hard link"),
        (EntryType::Char, "device"),
        (EntryType::Block, "device"),
        (EntryType::Fifo, "named pipe"),
        (EntryType::Continuous, "special entry"),
        (EntryType::new(b'V'), "special entry"),
    ];
    for (entry_type, kind) in kinds {
        let tar = Tar::new().link("etc", entry_type, "/etc/passwd").finish();
        assert_eq!(broken_rule(&tar), ("etc".to_owned(), Rule::NotPlain { kind }));
    }
}

#[test]
fn sparse_files_of_both_dialects() {
    let mut sparse = header(b"big", EntryType::GNUSparse, 0o644, 0);
    sparse.as_gnu_mut().unwrap().set_real_size(0);
    sparse.set_cksum();
    let tar = Tar::new().raw(&sparse, b"").finish();
    assert_eq!(broken_rule(&tar).1, Rule::NotPlain { kind: "sparse file" });

    let records = [("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "1099511627776")];
    let tar = Tar::new().pax(EntryType::XHeader, &records).file("big", b"x").finish();
    assert_eq!(broken_rule(&tar).1, Rule::NotPlain { kind: "sparse file" });
}

#[test]
fn one_path_twice() {
    let duplicate = |first: &str| Rule::Duplicate { first: first.to_owned() };
    let tar = Tar::new().file("main.tf", b"a").file("./main.tf", b"b").finish();
    assert_eq!(broken_rule(&tar), ("./main.tf".to_owned(), duplicate("main.tf")));
    let tar = Tar::new().file("Main.tf", b"a").file("main.tf", b"b").finish();
    assert_eq!(broken_rule(&tar), ("main.tf".to_owned(), duplicate("Main.tf")));
    let tar = Tar::new().file("a", b"a").file("a/b", b"b").finish();
    assert_eq!(broken_rule(&tar), ("a/b".to_owned(), Rule::BelowFile { file: "a".to_owned() }));
}

#[test]
fn a_folder_with_content() {
    let tar = Tar::new().entry(b"a/", EntryType::Directory, 0o755, b"hidden").finish();
    assert_eq!(broken_rule(&tar).1, Rule::FolderWithContent);
}

#[test]
fn a_bomb_is_counted_as_it_decompresses() {
    let limits = small(|limits| limits.max_total_bytes = 1 << 20);
    let bomb = gzip(&Tar::new().file("zeros", &vec![0; 8 << 20]).finish());
    assert!(bomb.len() < 16 << 10);
    assert!(matches!(read(&bomb, &limits), Err(Error::TotalTooLarge { limit: 1_048_576 })));
}

#[test]
fn a_bomb_behind_the_end_of_the_tar_is_counted_too() {
    let limits = small(|limits| limits.max_total_bytes = 1 << 20);
    let mut tar = Tar::new().file("main.tf", b"x").finish();
    tar.resize(8 << 20, 0);
    assert!(matches!(read(&gzip(&tar), &limits), Err(Error::TotalTooLarge { .. })));
}

#[test]
fn every_member_of_a_gzip_counts() {
    let mut archive = gzip(&Tar::new().file("main.tf", b"x").finish());
    archive.extend(gzip(&[0; 4096]));
    assert!(read(&archive, &Limits::default()).is_ok());
    archive.extend(gzip(&Tar::new().file("../x", b"x").finish()));
    assert!(matches!(refusal(&archive), Error::Damaged { format: Format::TarGz, .. }));

    let limits = small(|limits| limits.max_total_bytes = 1 << 20);
    let mut bomb = gzip(&Tar::new().file("main.tf", b"x").finish());
    (0..20).for_each(|_| bomb.extend(gzip(&vec![0; 1 << 17])));
    assert!(matches!(read(&bomb, &limits), Err(Error::TotalTooLarge { .. })));
}

#[test]
fn long_names_are_not_collected_in_memory() {
    let name = vec![b'a'; 1 << 20];
    let tar = Tar::new().entry(b"././@LongLink", EntryType::GNULongName, 0o644, &name);
    let refused = refusal(&tar.file("main.tf", b"x").finish());
    assert!(matches!(&refused, Error::Damaged { detail, .. } if detail.contains("headers")), "{refused}");
}

#[test]
fn a_comment_is_passed_over_but_not_without_end() {
    let comment = |length: usize| {
        let comment = "c".repeat(length);
        let tar = Tar::new().pax(EntryType::XGlobalHeader, &[("comment", &comment)]);
        read(&tar.file("main.tf", b"x").finish(), &Limits::default())
    };
    assert_eq!(comment(40).unwrap().entries, 1);
    assert!(matches!(comment(1 << 17), Err(Error::Damaged { .. })));
}

#[test]
fn sizes_beyond_the_limits() {
    let limits = small(|limits| limits.max_file_bytes = 10);
    let tar = Tar::new().file("a", &[1; 10]).file("b", &[1; 11]).finish();
    let refused = read(&tar, &limits).unwrap_err();
    assert_eq!(refused.to_string(), "entry \"b\" is larger than 10 bytes");

    let limits = small(|limits| limits.max_archive_bytes = tar.len() as u64 - 1);
    assert!(matches!(read(&tar, &limits), Err(Error::ArchiveTooLarge { .. })));

    // A size that only pretends.
    let tar = Tar::new().raw(&header(b"a", EntryType::Regular, 0o644, 1 << 32), b"").finish();
    assert!(matches!(broken_rule(&tar).1, Rule::FileTooLarge { .. }));
    let tar = Tar::new().pax(EntryType::XHeader, &[("size", "18446744073709551615")]).file("a", b"").finish();
    assert!(matches!(refusal(&tar), Error::Damaged { .. } | Error::Entry { .. }));
}

#[test]
fn too_many_entries() {
    let limits = small(|limits| limits.max_entries = 10);
    let tar = |count: usize| (0..count).fold(Tar::new(), |tar, n| tar.file(&n.to_string(), b"")).finish();
    assert_eq!(read(&tar(10), &limits).unwrap().entries, 10);
    assert!(matches!(read(&tar(11), &limits), Err(Error::TooManyEntries { limit: 10 })));

    let comments = (0..50).fold(Tar::new(), |tar, _| tar.pax(EntryType::XGlobalHeader, &[("comment", "x")]));
    assert!(matches!(read(&comments.finish(), &limits), Err(Error::TooManyEntries { limit: 10 })));
}

#[test]
fn an_archive_cut_anywhere_is_refused() {
    let tar = Tar::new().folder("a/").file("a/main.tf", &[0; 700]).file("b.tf", b"").finish();
    for length in (0..tar.len()).step_by(64) {
        assert!(read(&tar[..length], &Limits::default()).is_err(), "cut to {length} bytes");
    }
    let gzip = gzip(&tar);
    for length in 0..gzip.len() {
        assert!(read(&gzip[..length], &Limits::default()).is_err(), "cut to {length} bytes");
    }
    assert!(matches!(refusal(b""), Error::Empty));
    let unfinished = Tar::new().file("main.tf", b"x").unfinished();
    assert!(matches!(refusal(&unfinished), Error::Damaged { format: Format::Tar, .. }));
}

#[test]
fn something_after_the_end_is_refused() {
    let mut tar = Tar::new().file("main.tf", b"x").finish();
    tar.extend(Tar::new().file("../x", b"x").finish());
    assert!(matches!(refusal(&tar), Error::Damaged { .. }));
}

#[test]
fn gzip_around_something_else() {
    assert!(matches!(refusal(&gzip(b"resource {}")), Error::Damaged { format: Format::TarGz, .. }));
    assert!(matches!(refusal(&gzip(b"")), Error::Damaged { format: Format::TarGz, .. }));
}

#[test]
fn a_wrong_checksum_is_refused() {
    let mut tar = Tar::new().file("main.tf", b"x").finish();
    tar[0] = b'n';
    assert!(matches!(refusal(&tar), Error::Damaged { .. }));
    let mut archive = gzip(&Tar::new().file("main.tf", b"x").finish());
    let crc = archive.len() - 8;
    archive[crc] ^= 1;
    assert!(matches!(refusal(&archive), Error::Damaged { .. }));
}

#[test]
fn hostile_names_are_escaped_in_errors() {
    let tar = Tar::new().entry(b"\x1b[31m/../x", EntryType::Regular, 0o644, b"").finish();
    assert_eq!(broken_rule(&tar), ("\\u{1b}[31m/../x".to_owned(), Rule::Control));
    let long = "é".repeat(5_000);
    let tar = Tar::new().pax(EntryType::XHeader, &[("path", &long)]).file("x", b"").finish();
    assert!(broken_rule(&tar).0.chars().count() <= 161);
}
