use guildhall_archive::Limits;
use proptest::{collection, prelude::*, sample::Index};

use crate::{
    forge::{Tar, ZipEntry, gzip, zip},
    read,
};

fn originals() -> [Vec<u8>; 3] {
    let tar = Tar::new().folder("modules/").file("modules/a.tf", &[b'a'; 600]).file("main.tf", b"b").finish();
    let entries = [ZipEntry::file("main.tf", b"b"), ZipEntry::file("modules/a.tf", &[b'a'; 600])];
    [gzip(&tar), tar, zip(&entries)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the damage: no panic, and inspecting and unpacking agree about it (`read` asserts that, and that a
    /// refusal leaves nothing behind).
    #[test]
    fn damage_is_survived(
        which in 0..3_usize,
        changes in collection::vec((any::<Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<Index>()),
    ) {
        let mut archive = originals()[which].clone();
        for (place, byte) in changes {
            *place.get_mut(&mut archive) = byte;
        }
        if let Some(cut) = cut {
            archive.truncate(cut.index(archive.len()));
        }
        let _verdict = read(&archive, &Limits::default());
    }
}
