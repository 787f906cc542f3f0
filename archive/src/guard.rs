//! The rules on names: what an archive may create, decided before anything is created.

use std::collections::HashMap;

use crate::{Error, Limits, Result, Rule};

/// The longest component that common file systems store.
const MAX_COMPONENT_BYTES: usize = 255;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
}

/// Remembers every path that was let in, so that the next one can be held against them.
pub(crate) struct Guard<'limits> {
    limits: &'limits Limits,
    /// By case-folded path.
    seen: HashMap<String, Seen>,
}

struct Seen {
    path: String,
    kind: Kind,
    /// A folder may be implied by a longer path first and come as an entry later: once.
    explicit: bool,
}

impl<'limits> Guard<'limits> {
    pub(crate) fn new(limits: &'limits Limits) -> Self {
        Self { limits, seen: HashMap::new() }
    }

    /// Lets an entry in and answers its path: relative, UTF-8, separated by `/`, without `.` components.
    /// `None` is the root folder itself (`./`), which many tools write as the first entry.
    pub(crate) fn admit(&mut self, name: &[u8], kind: Kind) -> Result<Option<String>> {
        let refuse = |rule| Error::entry(name, rule);
        let components = components(name, kind, self.limits).map_err(refuse)?;
        if components.is_empty() {
            return if kind == Kind::Folder { Ok(None) } else { Err(refuse(Rule::EmptyName)) };
        }
        let path = components.join("/");
        for end in 1..components.len() {
            self.enter(&components[..end].join("/"), Kind::Folder, false)
                .map_err(|rule| self.error(name, rule))?;
        }
        self.enter(&path, kind, true).map_err(|rule| self.error(name, rule))?;
        Ok(Some(path))
    }

    fn enter(&mut self, path: &str, kind: Kind, explicit: bool) -> Result<(), Option<Rule>> {
        let folded = path.to_lowercase();
        if let Some(seen) = self.seen.get_mut(&folded) {
            if seen.kind == Kind::File && !explicit {
                return Err(Some(Rule::BelowFile { file: seen.path.clone() }));
            }
            let same_folder = seen.kind == Kind::Folder && kind == Kind::Folder && seen.path == path;
            if !same_folder || (explicit && seen.explicit) {
                return Err(Some(Rule::Duplicate { first: seen.path.clone() }));
            }
            seen.explicit |= explicit;
            return Ok(());
        }
        if self.seen.len() >= self.limits.max_entries {
            return Err(None);
        }
        self.seen.insert(folded, Seen { path: path.to_owned(), kind, explicit });
        Ok(())
    }

    /// No rule means that the entry is good but one too many.
    fn error(&self, name: &[u8], rule: Option<Rule>) -> Error {
        match rule {
            Some(rule) => Error::entry(name, rule),
            None => Error::TooManyEntries { limit: self.limits.max_entries },
        }
    }
}

/// Splits a name and holds it against every rule that needs no other entry.
fn components<'name>(name: &'name [u8], kind: Kind, limits: &Limits) -> Result<Vec<&'name str>, Rule> {
    // Before anything else: the rest of the checks, and the error, need not carry a megabyte around.
    if name.len() > limits.max_name_bytes {
        return Err(Rule::NameTooLong { limit: limits.max_name_bytes });
    }
    let name = std::str::from_utf8(name).map_err(|_| Rule::NotUtf8)?;
    if name.is_empty() {
        return Err(Rule::EmptyName);
    }
    if name.chars().any(char::is_control) {
        return Err(Rule::Control);
    }
    if name.contains('\\') {
        return Err(Rule::Backslash);
    }
    if name.contains(':') {
        return Err(Rule::Colon);
    }
    if name.starts_with('/') {
        return Err(Rule::Absolute);
    }
    let name = if kind == Kind::Folder { name.strip_suffix('/').unwrap_or(name) } else { name };
    let mut components = Vec::new();
    for component in name.split('/') {
        match component {
            "" => return Err(Rule::EmptyName),
            ".." => return Err(Rule::ParentFolder),
            "." => {}
            long if long.len() > MAX_COMPONENT_BYTES => {
                return Err(Rule::NameTooLong { limit: MAX_COMPONENT_BYTES });
            }
            plain => components.push(plain),
        }
    }
    if components.len() > limits.max_depth {
        return Err(Rule::TooDeep { limit: limits.max_depth });
    }
    Ok(components)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn rule(names: &[(&str, Kind)]) -> Option<Rule> {
        let limits = Limits::default();
        let mut guard = Guard::new(&limits);
        for (name, kind) in names {
            match guard.admit(name.as_bytes(), *kind) {
                Ok(_) => {}
                Err(Error::Entry { rule, .. }) => return Some(rule),
                Err(other) => panic!("{other}"),
            }
        }
        None
    }

    fn file(name: &str) -> Option<Rule> {
        rule(&[(name, Kind::File)])
    }

    #[test]
    fn hostile_names_are_refused() {
        assert_eq!(file("../x"), Some(Rule::ParentFolder));
        assert_eq!(file("a/../x"), Some(Rule::ParentFolder));
        assert_eq!(file("/etc/passwd"), Some(Rule::Absolute));
        assert_eq!(file("C:/x"), Some(Rule::Colon));
        assert_eq!(file("a\\b"), Some(Rule::Backslash));
        assert_eq!(file("a\0b"), Some(Rule::Control));
        assert_eq!(file("a\nb"), Some(Rule::Control));
        assert_eq!(file(""), Some(Rule::EmptyName));
        assert_eq!(file("."), Some(Rule::EmptyName));
        assert_eq!(file("a//b"), Some(Rule::EmptyName));
        assert_eq!(file("a/"), Some(Rule::EmptyName));
        assert_eq!(file(&"a".repeat(256)), Some(Rule::NameTooLong { limit: 255 }));
        assert_eq!(file(&"a/".repeat(600)), Some(Rule::NameTooLong { limit: 1_024 }));
        assert_eq!(file(&format!("{}x", "a/".repeat(32))), Some(Rule::TooDeep { limit: 32 }));
        assert_eq!(file(&format!("{}x", "a/".repeat(31))), None);
    }

    #[test]
    fn names_that_are_not_utf8_are_refused() {
        let limits = Limits::default();
        let refused = Guard::new(&limits).admit(b"caf\xe9.tf", Kind::File).unwrap_err();
        assert!(matches!(refused, Error::Entry { rule: Rule::NotUtf8, .. }));
    }

    #[test]
    fn one_path_is_one_thing() {
        let duplicate = |first: &str| Some(Rule::Duplicate { first: first.to_owned() });
        assert_eq!(rule(&[("a", Kind::File), ("a", Kind::File)]), duplicate("a"));
        assert_eq!(rule(&[("a", Kind::File), ("./a", Kind::File)]), duplicate("a"));
        assert_eq!(rule(&[("Main.tf", Kind::File), ("main.tf", Kind::File)]), duplicate("Main.tf"));
        assert_eq!(rule(&[("É", Kind::File), ("é", Kind::File)]), duplicate("É"));
        assert_eq!(rule(&[("A/x", Kind::File), ("a/y", Kind::File)]), duplicate("A"));
        assert_eq!(rule(&[("a", Kind::Folder), ("a/", Kind::Folder)]), duplicate("a"));
        assert_eq!(rule(&[("a/b", Kind::File), ("a", Kind::File)]), duplicate("a"));
        let below = Some(Rule::BelowFile { file: "a".to_owned() });
        assert_eq!(rule(&[("a", Kind::File), ("a/b", Kind::File)]), below);
    }

    #[test]
    fn common_shapes_pass() {
        let names =
            [("./", Kind::Folder), ("./a/b.tf", Kind::File), ("a/", Kind::Folder), ("a/c", Kind::Folder)];
        assert_eq!(rule(&names), None);
    }

    #[test]
    fn implied_folders_count() {
        let limits = Limits { max_entries: 3, ..Limits::default() };
        let mut guard = Guard::new(&limits);
        guard.admit(b"a/b/c", Kind::File).unwrap();
        let refused = guard.admit(b"d", Kind::File).unwrap_err();
        assert!(matches!(refused, Error::TooManyEntries { limit: 3 }));
    }
}
