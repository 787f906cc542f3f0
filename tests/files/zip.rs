//! Zips, as an attacker writes them, and one that is fine.

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compress, Compression, Crc, FlushCompress};
use rstest::rstest;

use super::Scene;
use crate::support::Backend;

const MIB: usize = 1024 * 1024;
const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_777;

/// An entry, compressed.
#[derive(Clone)]
struct Entry {
    name: &'static str,
    mode: u32,
    data: Vec<u8>,
    crc: u32,
    size: usize,
}

impl Entry {
    fn new(name: &'static str, mode: u32, content: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        let mut crc = Crc::new();
        crc.update(content);
        Self { name, mode, data: encoder.finish().unwrap(), crc: crc.sum(), size: content.len() }
    }

    fn file(name: &'static str, content: &[u8]) -> Self {
        Self::new(name, FILE, content)
    }

    fn module() -> Self {
        Self::file("main.tf", b"variable \"size\" { default = 1 }\n")
    }

    /// As much as a file may be, of zeros: they are compressed once, and repeated.
    fn zeros(name: &'static str) -> Self {
        let zeros = vec![0; MIB];
        let mut block = Vec::with_capacity(64 * 1024);
        let mut compress = Compress::new(Compression::best(), false);
        compress.compress_vec(&zeros, &mut block, FlushCompress::Full).unwrap();
        let (mut data, mut crc) = (Vec::new(), Crc::new());
        for _ in 0..99 {
            data.extend_from_slice(&block);
            crc.update(&zeros);
        }
        // An empty last block.
        data.extend_from_slice(&[3, 0]);
        Self { name, mode: FILE, data, crc: crc.sum(), size: 99 * MIB }
    }
}

/// Local headers, the directory and the end record.
fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    let number = |value: usize| u32::try_from(value).unwrap().to_le_bytes();
    let short = |value: usize| u16::try_from(value).unwrap().to_le_bytes();
    for entry in entries {
        // Version 2.0, no flags, deflated, 1980-01-01 00:00.
        let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0];
        common.extend_from_slice(&entry.crc.to_le_bytes());
        common.extend_from_slice(&number(entry.data.len()));
        common.extend_from_slice(&number(entry.size));
        common.extend_from_slice(&short(entry.name.len()));
        common.extend_from_slice(&[0, 0]);
        // Made by Unix: the upper half of the attributes is a mode.
        directory.extend_from_slice(b"PK\x01\x02\x14\x03");
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&[0; 6]);
        directory.extend_from_slice(&(entry.mode << 16).to_le_bytes());
        directory.extend_from_slice(&number(out.len()));
        directory.extend_from_slice(entry.name.as_bytes());
        out.extend_from_slice(b"PK\x03\x04");
        out.extend_from_slice(&common);
        out.extend_from_slice(entry.name.as_bytes());
        out.extend_from_slice(&entry.data);
    }
    let start = out.len();
    out.extend_from_slice(&directory);
    out.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    out.extend_from_slice(&short(entries.len()));
    out.extend_from_slice(&short(entries.len()));
    out.extend_from_slice(&number(directory.len()));
    out.extend_from_slice(&number(start));
    out.extend_from_slice(&[0, 0]);
    out
}

#[rstest]
#[tokio::test]
async fn hostile_zips_are_refused_and_leave_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(scene) = Scene::new(backend).await else { return };
    let before = scene.app.tables().counts().await;
    let module = Entry::module;
    let fine = zip(&[module(), Entry::file("README.md", b"# Fine\n")]);
    let bomb = {
        let zeros = Entry::zeros("a");
        zip(&[module(), zeros.clone(), Entry { name: "b", ..zeros.clone() }, Entry { name: "c", ..zeros }])
    };
    assert!(bomb.len() < MIB, "{} bytes", bomb.len());
    let cases = [
        (zip(&[module(), Entry::file("../x", b"x")]), "\"..\""),
        (zip(&[module(), Entry::file("/etc/cron.d/x", b"x")]), "absolute path"),
        (zip(&[module(), Entry::file("a\\..\\x", b"x")]), "backslash"),
        (zip(&[module(), Entry::new("passwd", LINK, b"/etc/passwd")]), "only regular files"),
        (zip(&[module(), Entry::file("MAIN.tf", b"x")]), "there twice"),
        (zip(&[Entry::file("README.md", b"# No module\n")]), "no .tf file"),
        (zip(&[]), "no .tf file"),
        (zip(&[module(), Entry { size: 3, ..Entry::file("x", b"x") }]), ""),
        (fine[..fine.len() - 9].to_vec(), "damaged or cut short"),
        (bomb, "when decompressed"),
    ];
    for (archive, why) in cases {
        let message = scene.refused(archive).await;
        assert!(message.contains(why), "expected `{why}`, got `{message}`");
    }
    assert_eq!(scene.app.tables().counts().await, before);
    let (status, body) = scene.app.put_file(Some(&scene.author.token), fine).await;
    assert_eq!(status, http::StatusCode::CREATED, "{body:#}");
}
