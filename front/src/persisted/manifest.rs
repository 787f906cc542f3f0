//! Manifests of persisted documents, as the generators of clients write them.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use crate::Digest;

/// A manifest that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("cannot read the manifest {path}: {source}")]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The file is not JSON.
    #[error("the manifest {path} is not JSON: {source}")]
    Json {
        /// Path of the file.
        path: PathBuf,
        /// Cause.
        source: serde_json::Error,
    },
    /// The file is JSON of another form.
    #[error("the manifest {path} is neither an object of documents by id nor Apollo's list of operations")]
    Form {
        /// Path of the file.
        path: PathBuf,
    },
    /// An id says that it is the SHA-256 of its document, and is not.
    #[error(
        "the manifest {path} has a document whose SHA-256 is not its id, `{id}`: it was changed since it was generated"
    )]
    Hash {
        /// Path of the file.
        path: PathBuf,
        /// The id.
        id: String,
    },
    /// An id is that of two documents.
    #[error(
        "the manifest {path} has another document for the id `{id}` than {other} has: an id names one document"
    )]
    Conflict {
        /// Path of the file.
        path: PathBuf,
        /// The id.
        id: String,
        /// What had the id before: the same file, or another one.
        other: PathBuf,
    },
}

/// The ids and texts of a manifest file, in its order.
pub(super) fn read(path: &Path) -> Result<Vec<(String, String)>, ManifestError> {
    let text =
        fs::read_to_string(path).map_err(|source| ManifestError::Read { path: path.into(), source })?;
    // Some editors and shells mark the order of bytes.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let members: Members = serde_json::from_str(text).map_err(|source| {
        let path = path.into();
        if source.is_data() { ManifestError::Form { path } } else { ManifestError::Json { path, source } }
    })?;
    let documents = documents(members).ok_or_else(|| ManifestError::Form { path: path.into() })?;
    match documents.iter().find(|(id, text)| claims_another(id, text)) {
        Some((id, _)) => Err(ManifestError::Hash { path: path.into(), id: id.clone() }),
        None => Ok(documents),
    }
}

/// Whether an id says that it is a SHA-256, and is not that of the document. Other hashes, as Relay's compiler takes by
/// default, do not say what they are of.
fn claims_another(id: &str, text: &str) -> bool {
    match Digest::parse(id) {
        Some(digest) => digest != Digest::of(text),
        None => id.starts_with("sha256:"),
    }
}

/// The members of an object as they stand in the file: of two with the same name, both.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// The pairs of id and text of a manifest.
fn documents(Members(members): Members) -> Option<Vec<(String, String)>> {
    let is_list = |(name, value): &(String, Value)| name == "operations" && value.is_array();
    if members.iter().any(is_list) {
        let lists = members.into_iter().filter(is_list);
        let operations = lists.flat_map(|(_, list)| match list {
            Value::Array(operations) => operations,
            _ => Vec::new(),
        });
        let pair = |operation: Value| match operation {
            Value::Object(mut operation) => match (operation.remove("id"), operation.remove("body")) {
                (Some(Value::String(id)), Some(Value::String(body))) => Some((id, body)),
                _ => None,
            },
            _ => None,
        };
        return operations.map(pair).collect();
    }
    let pair = |(id, text)| match text {
        Value::String(text) => Some((id, text)),
        _ => None,
    };
    members.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_text(text: &str) -> Result<Vec<(String, String)>, ManifestError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifest.json");
        fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn manifests_of_the_generators_are_read() {
        let pairs = [("ab12".to_owned(), "{ a }".to_owned())];
        assert_eq!(read_text(r#"{"ab12": "{ a }"}"#).unwrap(), pairs);
        assert_eq!(
            read_text("\u{feff}{\"ab12\": \"{ a }\"}").unwrap(),
            pairs,
            "marked with the order of bytes"
        );
        let apollo = json!({"format": "apollo-persisted-query-manifest", "version": 1,
            "operations": [{"id": "x", "name": "A", "type": "query", "body": "query A { a }"}]});
        assert_eq!(read_text(&apollo.to_string()).unwrap(), [("x".to_owned(), "query A { a }".to_owned())]);
        for text in ["[1]", "1", r#"{"a": 1}"#, r#"{"operations": [{"id": "x"}]}"#] {
            assert!(matches!(read_text(text), Err(ManifestError::Form { .. })), "{text}");
        }
        for text in ["", "{", r#"{"a": "b"} c"#] {
            assert!(matches!(read_text(text), Err(ManifestError::Json { .. })), "{text}");
        }
    }

    #[test]
    fn an_id_that_says_it_is_the_sha_256_has_to_be() {
        let (text, other) = ("{ a }", Digest::of("{ b }").to_string());
        let manifest = |id: &str| json!({ id: text }).to_string();
        let right = Digest::of(text).to_string();
        // MD5 and SHA-1, as of Relay and GraphQL Code Generator, and names.
        for id in
            [&*right, &format!("sha256:{right}"), &right.to_uppercase(), &other[..32], &other[..40], "A"]
        {
            assert!(read_text(&manifest(id)).is_ok(), "{id}");
        }
        for id in [&*other, &format!("sha256:{other}"), "sha256:ab12", "sha256:"] {
            let error = read_text(&manifest(id)).unwrap_err();
            assert!(matches!(&error, ManifestError::Hash { id: named, .. } if named == id), "{error}");
            assert!(error.to_string().contains("manifest.json") && error.to_string().contains(id), "{error}");
        }
        let apollo = json!({"operations": [{"id": other, "body": text}]}).to_string();
        assert!(matches!(read_text(&apollo), Err(ManifestError::Hash { .. })));
    }
}
