use std::{
    collections::BTreeMap,
    fs,
    io::Cursor,
    path::Path,
    time::{Duration, SystemTime},
};

use guildhall_archive::{Format, Limits, inspect, pack, unpack};
use proptest::{collection, prelude::*};

/// Files by path; a `None` is an empty folder.
type Tree = BTreeMap<String, Option<Vec<u8>>>;

fn trees() -> impl Strategy<Value = Tree> {
    // Components differ by more than case, and no file's name is a folder's.
    let folder = "[a-zäß][a-z0-9 _.-]{0,6}d";
    let path = (collection::vec(folder, 0..4), "[a-z][a-z0-9_-]{0,90}f(\\.tf|\\.tf\\.json|)")
        .prop_map(|(folders, file)| folders.into_iter().chain([file]).collect::<Vec<_>>().join("/"));
    let content = prop_oneof![
        4 => collection::vec(any::<u8>(), 0..2_000).prop_map(Some),
        1 => Just(Some(vec![0; 70_000])),
    ];
    let files = collection::btree_map(path, content, 0..12);
    let empty = collection::btree_map("[a-z]{1,8}e", Just(None), 0..3);
    (files, empty).prop_map(|(mut files, empty)| {
        files.extend(empty);
        files
    })
}

fn grow(root: &Path, tree: &Tree) {
    for (path, content) in tree {
        let place = root.join(path);
        match content {
            None => fs::create_dir_all(place).unwrap(),
            Some(content) => {
                fs::create_dir_all(place.parent().unwrap()).unwrap();
                fs::write(place, content).unwrap();
            }
        }
    }
}

fn harvest(root: &Path) -> Tree {
    fn visit(root: &Path, folder: &Path, tree: &mut Tree) {
        let mut is_empty = true;
        for entry in fs::read_dir(folder).unwrap() {
            is_empty = false;
            let place = entry.unwrap().path();
            if place.is_dir() {
                visit(root, &place, tree);
            } else {
                tree.insert(name(root, &place), Some(fs::read(&place).unwrap()));
            }
        }
        if is_empty && folder != root {
            tree.insert(name(root, folder), None);
        }
    }
    fn name(root: &Path, place: &Path) -> String {
        place.strip_prefix(root).unwrap().to_str().unwrap().to_owned()
    }
    let mut tree = Tree::new();
    visit(root, root, &mut tree);
    tree
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_packed_is_unpacked(tree in trees()) {
        let home = tempfile::tempdir().unwrap();
        let source = home.path().join("source");
        fs::create_dir(&source).unwrap();
        grow(&source, &tree);

        let mut archive = Vec::new();
        let packed = pack(&source, &mut archive).unwrap();
        let summary = inspect(Cursor::new(&archive), &Limits::default()).unwrap();
        prop_assert_eq!(summary.format, Format::TarGz);
        prop_assert_eq!((summary.entries, summary.total_bytes), (packed.entries, packed.bytes));
        let is_module = |path: &String| !path.contains('/') && (path.ends_with(".tf") || path.ends_with(".tf.json"));
        prop_assert_eq!(summary.has_terraform, tree.keys().any(is_module));

        let copy = home.path().join("copy");
        prop_assert_eq!(&unpack(Cursor::new(&archive), &copy, &Limits::default()).unwrap(), &summary);
        prop_assert_eq!(&harvest(&copy), &tree);

        // The copy is younger; its archive is the same.
        let past = SystemTime::now() - Duration::from_secs(86_400);
        for (path, content) in &tree {
            if content.is_some() {
                fs::File::options().write(true).open(source.join(path)).unwrap().set_modified(past).unwrap();
            }
        }
        for folder in [&source, &copy] {
            let mut again = Vec::new();
            pack(folder, &mut again).unwrap();
            prop_assert!(again == archive, "packing {} gave other bytes", folder.display());
        }
    }
}
