#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::documents;

/// The names before each `::build(` in the files of a folder, which are those of operations.
fn built(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            built(&path, names);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let pieces: Vec<&str> = text.split("::build(").collect();
        for before in &pieces[..pieces.len() - 1] {
            let name = before.rsplit(|letter: char| !letter.is_alphanumeric()).next().unwrap();
            if !name.is_empty() {
                names.insert(name.to_owned());
            }
        }
    }
}

/// The compiler keeps methods from sending other documents; this keeps the list from naming what nobody sends, and shows
/// that its texts are of these operations.
#[test]
fn the_list_holds_the_documents_that_are_sent_and_no_others() {
    let texts = documents();
    let listed: BTreeSet<String> =
        texts.iter().map(|text| text.split([' ', '(', '{']).nth(1).unwrap().to_owned()).collect();
    assert_eq!(
        listed.len(),
        texts.len(),
        "names are unique, as logs and metrics tell operations apart by them"
    );
    let mut sent = BTreeSet::new();
    built(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut sent);
    assert_eq!(listed, sent);
}
