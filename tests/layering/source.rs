//! Reads Rust sources far enough to see who refers to whom.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A source file.
pub(super) struct File {
    /// Its path below the folder that was read, with `/`.
    pub(super) path: String,
    /// Its text without comments and without its tests, which stand at its end.
    pub(super) code: String,
    /// How many lines it has, all included.
    pub(super) lines: usize,
}

/// The Rust files below a folder.
pub(super) fn read(folder: &Path) -> Vec<File> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        for entry in fs::read_dir(&current).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let name = entry.file_name();
            if entry.file_type().unwrap().is_dir() {
                if name != "target" && name != "node_modules" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let relative = path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
                files.push(File { path: relative, code: code(&text), lines: text.lines().count() });
            }
        }
    }
    files
}

fn code(text: &str) -> String {
    let production = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = production.lines().map(|line| line.split("//").next().unwrap_or_default().trim_end());
    lines.collect::<Vec<_>>().join("\n")
}

impl File {
    /// The module that the file is, from the crate's root.
    fn module(&self) -> Vec<String> {
        let path = self.path.trim_end_matches(".rs");
        let path = path.strip_suffix("/mod").unwrap_or(path);
        match path {
            "lib" | "main" => Vec::new(),
            path => path.split('/').map(str::to_owned).collect(),
        }
    }

    /// Every path that it names, by `use` or in its text, as far as it leads into this crate: beginning with `crate`.
    pub(super) fn paths(&self) -> BTreeSet<Vec<String>> {
        let mut paths = BTreeSet::new();
        for statement in self.code.split(';') {
            let Some(at) = statement.rfind("use ").filter(|&at| {
                let before = statement[..at].trim_end_matches(' ');
                before.is_empty() || before.ends_with(['\n', ')', '{']) || before.ends_with("pub")
            }) else {
                continue;
            };
            let used = expand(statement[at + 4..].trim());
            paths.extend(used.into_iter().filter_map(|used| self.absolute(used.path)));
        }
        for anchor in ["crate::", "super::", "self::"] {
            for (at, _) in self.code.match_indices(anchor) {
                let text = &self.code[at..];
                let end =
                    text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(text.len());
                let before = &self.code[..at];
                let goes_on = before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
                // The scope of a visibility is no use of it; a tree of `use` was read above.
                if goes_on || before.ends_with("pub(in ") || text[end..].starts_with('{') {
                    continue;
                }
                let path = text[..end].trim_end_matches(':').split("::").map(str::to_owned).collect();
                paths.extend(self.absolute(path));
            }
        }
        paths
    }

    /// From `super::x`, `self::x` or `x` of a child module to `crate::…`. `None` for other crates' paths.
    fn absolute(&self, path: Vec<String>) -> Option<Vec<String>> {
        let mut absolute = vec!["crate".to_owned()];
        match path.first()?.as_str() {
            "crate" => return Some(path),
            "self" => {
                absolute.extend(self.module());
                absolute.extend(path.into_iter().skip(1));
            }
            "super" => {
                let up = path.iter().take_while(|part| *part == "super").count();
                let module = self.module();
                absolute.extend(module.iter().take(module.len().checked_sub(up)?).cloned());
                absolute.extend(path.into_iter().skip(up));
            }
            child => {
                if !self.code.contains(&format!("mod {child};")) {
                    return None;
                }
                absolute.extend(self.module());
                absolute.extend(path);
            }
        }
        Some(absolute)
    }

    /// The files that it refers to, each with the path it names.
    pub(super) fn arrows(&self, sources: &[File]) -> Vec<(String, String)> {
        let arrow = |path: Vec<String>| {
            let target = resolve(&path[1..], sources, 0)?;
            (target != self.path).then(|| (path.join("::"), target))
        };
        self.paths().into_iter().filter_map(arrow).collect()
    }
}

/// A path that a `use` names, and the name it gets.
struct Used {
    path: Vec<String>,
    name: String,
}

/// `a::{b, c::{d, e as f}}` to its paths.
fn expand(tree: &str) -> Vec<Used> {
    let mut used = Vec::new();
    expand_below(tree, &[], &mut used);
    used
}

fn expand_below(tree: &str, prefix: &[String], used: &mut Vec<Used>) {
    let tree = tree.trim();
    let below = |path: &str| -> Vec<String> {
        let parts = path.trim().trim_end_matches("::").split("::").map(|part| part.trim().to_owned());
        prefix.iter().cloned().chain(parts).collect()
    };
    let Some((before, inner)) = tree.split_once('{') else {
        let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
        let path = below(path);
        let name =
            if alias.is_empty() { path.last().cloned().unwrap_or_default() } else { alias.trim().to_owned() };
        if !tree.is_empty() {
            used.push(Used { path, name });
        }
        return;
    };
    let prefix = below(before);
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let mut nesting = 0;
    let parts = inner.split(|character| {
        nesting += match character {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        character == ',' && nesting == 0
    });
    for part in parts {
        expand_below(part, &prefix, used);
    }
}

/// The file that a path below the crate's root leads to: that of the last module on it or, where a module only passes
/// on a name of its own child, that child's.
fn resolve(path: &[String], sources: &[File], hops: usize) -> Option<String> {
    let file_of = |module: &[String]| {
        let name = module.join("/");
        let candidates = [format!("{name}.rs"), format!("{name}/mod.rs")];
        sources.iter().find(|file| candidates.contains(&file.path))
    };
    let (length, file) = (1..=path.len()).rev().find_map(|n| Some((n, file_of(&path[..n])?)))?;
    let Some(item) = path.get(length).filter(|_| hops < 4) else { return Some(file.path.clone()) };
    let passed_on = file.code.split(';').find_map(|statement| {
        let tree =
            statement.trim().strip_prefix("pub(crate) use ").or(statement.trim().strip_prefix("pub use "))?;
        expand(tree).into_iter().find(|used| used.name == *item).map(|used| used.path)
    });
    match passed_on.and_then(|path| file.absolute(path)) {
        Some(origin) => resolve(&origin[1..], sources, hops + 1),
        None => Some(file.path.clone()),
    }
}

#[test]
fn use_trees_are_read() {
    let used = expand("crate::a::{self, b, c::{D, E as F},\n}");
    let joined: Vec<String> = used.iter().map(|used| used.path.join("::") + " " + &used.name).collect();
    assert_eq!(joined, ["crate::a::self self", "crate::a::b b", "crate::a::c::D D", "crate::a::c::E F"]);
}

#[test]
fn a_name_that_is_passed_on_leads_to_its_origin() {
    let file = |path: &str, code: &str| File { path: path.into(), code: code.into(), lines: 1 };
    let sources = [
        file("a/mod.rs", "mod store;\npub(crate) use store::{Row, Order};\npub fn act() {}"),
        file("a/store.rs", ""),
        file("b.rs", "use crate::a::{Row, act};\nfn f() { super::a::act(); }"),
    ];
    let mut arrows: Vec<String> = sources[2].arrows(&sources).into_iter().map(|(_, target)| target).collect();
    arrows.dedup();
    assert_eq!(arrows, ["a/store.rs", "a/mod.rs"]);
}
