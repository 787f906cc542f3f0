//! The rules of the house that the compiler does not keep: arrows point downwards, `store` stays in its room, the
//! environment has one reader, files stay small, and every field of a tenant's data says who may see it.
//!
//! The order is that of `docs/ARCHITECTURE.md`.

mod fields;
mod lists;
mod source;

use std::path::Path;

use source::{File, read};

/// The layers of `src/`, bottom first. A file belongs to the layer with the longest prefix of its path; files of one
/// layer may refer to each other and to those below, never to those above.
const LAYERS: &[&[&str]] = &[
    &["trace.rs"],
    &["clock.rs"],
    &["authz/"],
    &["error.rs", "error/"],
    &["name.rs", "name/", "credits.rs", "seal.rs"],
    &["authn/job_token.rs", "authn/secret.rs", "authn/password.rs", "authn/session.rs"],
    &["keys.rs"],
    &["audit.rs", "events/"],
    &["db/"],
    &["config/"],
    // How things are kept. A store joins the rows of the stores before it.
    &["authn/store"],
    &["audit_log/store"],
    &["role/store"],
    &["user/store"],
    &["member/store"],
    &["group/store"],
    &["organization/store"],
    &["provisioner/store"],
    &["template/store"],
    &["workspace/store"],
    &["quota/store"],
    &["departure/store"],
    &["explain/store"],
    &["live/store"],
    // What can be done. An operation calls those of the domains before it.
    &["role/"],
    &["audit_log/"],
    &["member/"],
    // What is done to a role is done to its holders.
    &["role/custom.rs"],
    &["user/"],
    &["group/"],
    &["organization/"],
    &["provisioner/"],
    &["authn/"],
    // Follows a log for as long as its reader's token is good.
    &["provisioner/tail.rs"],
    &["account/"],
    &["template/"],
    &["workspace/"],
    &["quota/"],
    &["departure/"],
    &["explain/"],
    &["dispatch/"],
    &["live/"],
    // How it looks: first what every domain's `graphql.rs` needs, then those, which refer to each other's types.
    &[
        "graphql/context.rs",
        "graphql/connection.rs",
        "graphql/error.rs",
        "graphql/guard.rs",
        "graphql/loads.rs",
        "graphql/once.rs",
        "graphql/scalar.rs",
    ],
    &["*/graphql"],
    &["graphql/"],
    &["http/"],
    &["demo/"],
    &["telemetry.rs"],
    &["doctor/"],
    &["app.rs", "app/"],
    &["commands/"],
    &["lib.rs", "main.rs"],
];

/// The layer of a file of `src/`.
fn layer(path: &str) -> usize {
    let is_look = path.split_once('/').is_some_and(|(_, rest)| rest.starts_with("graphql"));
    let fits =
        |prefix: &str| if prefix == "*/graphql" { is_look } else { !is_look && path.starts_with(prefix) };
    let places =
        LAYERS.iter().enumerate().flat_map(|(at, prefixes)| prefixes.iter().map(move |prefix| (at, *prefix)));
    let found = places.filter(|(_, prefix)| fits(prefix)).max_by_key(|(_, prefix)| prefix.len());
    found
        .map(|(at, _)| at)
        .unwrap_or_else(|| panic!("src/{path} is in no layer: give it a place in LAYERS and on the map"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn arrows_point_downwards() {
    let sources = read(&root().join("src"));
    let mut wrong = Vec::new();
    let mut arrows = 0;
    for file in &sources {
        let from = layer(&file.path);
        for (path, target) in file.arrows(&sources) {
            arrows += 1;
            if layer(&target) > from {
                wrong.push(format!("src/{} uses `{path}` of src/{target}, which stands above it", file.path));
            }
        }
    }
    assert!(arrows > 300, "only {arrows} arrows were found: the reader of `use` lines is broken");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_store_stays_in_its_room() {
    let sources = read(&root().join("src"));
    let mut stores = 0;
    for file in &sources {
        for line in file.code.lines() {
            assert!(
                !(line.starts_with("pub") && line.ends_with("mod store;")),
                "src/{}: a domain's `store` is private",
                file.path
            );
        }
        stores += usize::from(file.code.contains("mod store;"));
        for path in file.paths() {
            let [first, domain, rest @ ..] = path.as_slice() else { continue };
            let foreign = first == "crate" && rest.first().is_some_and(|name| name == "store");
            assert!(
                !foreign || file.path.starts_with(&format!("{domain}/")),
                "src/{} uses the store of `{domain}`",
                file.path
            );
        }
    }
    assert!(stores >= 7, "only {stores} stores were found");
}

#[test]
fn the_environment_is_read_in_one_place() {
    let mut readers: Vec<String> = read(&root().join("src"))
        .into_iter()
        .filter(|file| file.code.contains("env::"))
        .map(|file| file.path)
        .collect();
    readers.sort();
    assert_eq!(readers, ["config/mod.rs", "main.rs"]);
}

/// Files past 400 lines, and why. The list only shrinks.
const LONG: &[(&str, &str)] = &[];

#[test]
fn files_stay_small() {
    const MOST: usize = 400;
    let crates = [
        "src",
        "tests",
        "archive",
        "cli",
        "client",
        "entity",
        "front",
        "fuzz",
        "ide",
        "migration",
        "provisionerd",
    ];
    let files: Vec<File> = crates
        .iter()
        .flat_map(|part| {
            read(&root().join(part))
                .into_iter()
                .map(move |file| File { path: format!("{part}/{}", file.path), ..file })
        })
        .collect();
    assert!(files.len() > 200, "only {} files were found", files.len());
    for file in &files {
        let known = LONG.iter().any(|(path, _)| *path == file.path);
        match (file.lines > MOST, known) {
            (true, false) => panic!(
                "{} has {} lines: split it by noun or verb, or give the reason in LONG",
                file.path, file.lines
            ),
            (false, true) => panic!("{} has {} lines: take it out of LONG", file.path, file.lines),
            _ => {}
        }
    }
    for (path, _) in LONG {
        assert!(files.iter().any(|file| file.path == *path), "{path} is in LONG and does not exist");
    }
}
