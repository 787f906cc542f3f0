//! Persisted documents: requests that name a document instead of carrying it.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use quick_cache::{Weighter, sync::Cache};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Digest,
    error::{ErrorCode, GraphqlError, Phase, Refused},
};

/// What the manifest of known documents is used for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersistedMode {
    /// Any document runs; documents may be named by id.
    #[default]
    Off,
    /// Any document runs; one that is not in the manifest is logged once it has passed validation.
    Observe,
    /// Only documents of the manifest run.
    Enforce,
}

/// The known documents: those of the manifest, and those that clients have registered by Apollo's protocol.
pub struct PersistedDocuments {
    mode: PersistedMode,
    manifest: HashMap<String, Arc<str>>,
    registered: Cache<Digest, Arc<str>, ByLength>,
}

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
}

#[derive(Clone)]
struct ByLength;

impl Weighter<Digest, Arc<str>> for ByLength {
    fn weight(&self, _: &Digest, text: &Arc<str>) -> u64 {
        64 + text.len() as u64
    }
}

impl PersistedDocuments {
    /// An empty manifest; registered documents may take `bytes`.
    #[must_use]
    pub fn new(mode: PersistedMode, bytes: u64) -> Self {
        let expected = usize::try_from(bytes / 1_024).unwrap_or(1_024).max(16);
        Self { mode, manifest: HashMap::new(), registered: Cache::with_weighter(expected, bytes, ByLength) }
    }

    /// Adds the documents of a manifest file: GraphQL Code Generator's and Relay's objects of documents by id, or
    /// Apollo's list of operations. Each document is known by the id of the file and by its SHA-256.
    ///
    /// # Errors
    /// A [`ManifestError`] that names the file.
    pub fn load(&mut self, path: &Path) -> Result<usize, ManifestError> {
        let text =
            fs::read_to_string(path).map_err(|source| ManifestError::Read { path: path.into(), source })?;
        let json = serde_json::from_str(&text)
            .map_err(|source| ManifestError::Json { path: path.into(), source })?;
        let documents = documents(json).ok_or_else(|| ManifestError::Form { path: path.into() })?;
        let count = documents.len();
        for (id, document) in documents {
            let document: Arc<str> = document.into();
            self.manifest.insert(Digest::of(&document).to_string(), Arc::clone(&document));
            self.manifest.insert(id.strip_prefix("sha256:").unwrap_or(&id).to_owned(), document);
        }
        Ok(count)
    }

    /// Adds a document that is known whatever the manifests say, by its SHA-256.
    pub fn add(&mut self, text: impl Into<Arc<str>>) {
        let text = text.into();
        self.manifest.insert(Digest::of(&text).to_string(), text);
    }

    /// The document of an id.
    ///
    /// # Errors
    /// `PERSISTED_QUERY_NOT_FOUND`, with the message Apollo's clients look for.
    pub(crate) fn find(&self, id: &str) -> Result<Arc<str>, GraphqlError> {
        let id = id.strip_prefix("sha256:").unwrap_or(id);
        let registered = || match self.mode {
            PersistedMode::Enforce => None,
            PersistedMode::Off | PersistedMode::Observe => {
                Digest::parse(id).and_then(|digest| self.registered.get(&digest))
            }
        };
        self.manifest
            .get(id)
            .cloned()
            .or_else(registered)
            .ok_or_else(|| GraphqlError::new(ErrorCode::PersistedQueryNotFound, "PersistedQueryNotFound"))
    }

    /// Whether a document that came as text may run.
    ///
    /// # Errors
    /// `FORBIDDEN` when only documents of the manifest may; `document` tells it from a permission that is missing.
    pub(crate) fn allow(&self, text: &str) -> Result<(), Refused> {
        if self.mode != PersistedMode::Enforce || self.knows(text) {
            return Ok(());
        }
        let message = "Only registered documents run here: send the \"documentId\" of one.";
        let document = Digest::of(text).to_string();
        let error = GraphqlError::new(ErrorCode::Forbidden, message).with("document", document);
        Err(Refused { phase: Phase::Document(http::StatusCode::FORBIDDEN), ..error.into() })
    }

    /// Notes that a document passed validation; `register` keeps it for requests by id.
    pub(crate) fn validated(&self, digest: Digest, text: &Arc<str>, register: bool) {
        if self.mode == PersistedMode::Observe && !self.knows(text) {
            tracing::info!(document = %digest, "a document that is not in the manifest was run");
        }
        if register && self.mode != PersistedMode::Enforce {
            self.registered.insert(digest, Arc::clone(text));
        }
    }

    /// Whether a document is of the manifests, or was added.
    #[must_use]
    pub fn knows(&self, text: &str) -> bool {
        self.manifest.contains_key(&Digest::of(text).to_string())
    }
}

/// The pairs of id and text of a manifest.
fn documents(manifest: Value) -> Option<Vec<(String, String)>> {
    let Value::Object(mut members) = manifest else { return None };
    if let Some(Value::Array(operations)) = members.remove("operations") {
        let pair = |operation: Value| match operation {
            Value::Object(mut operation) => match (operation.remove("id"), operation.remove("body")) {
                (Some(Value::String(id)), Some(Value::String(body))) => Some((id, body)),
                _ => None,
            },
            _ => None,
        };
        return operations.into_iter().map(pair).collect();
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

    #[test]
    fn manifests_of_the_generators_are_read() {
        let pairs = documents(json!({"ab12": "{ a }"})).unwrap();
        assert_eq!(pairs, [("ab12".to_owned(), "{ a }".to_owned())]);
        let apollo = json!({"format": "apollo-persisted-query-manifest", "version": 1,
            "operations": [{"id": "x", "name": "A", "type": "query", "body": "query A { a }"}]});
        assert_eq!(documents(apollo).unwrap(), [("x".to_owned(), "query A { a }".to_owned())]);
        assert!(documents(json!([1])).is_none());
        assert!(documents(json!({"a": 1})).is_none());
    }

    #[test]
    fn enforcing_runs_documents_of_the_manifest_only() {
        let mut documents = PersistedDocuments::new(PersistedMode::Enforce, 1 << 20);
        documents.manifest.insert(Digest::of("{ a }").to_string(), "{ a }".into());
        assert!(documents.allow("{ a }").is_ok());
        assert_eq!(documents.allow("{ b }").unwrap_err().errors[0].code, ErrorCode::Forbidden);
        documents.validated(Digest::of("{ b }"), &"{ b }".into(), true);
        assert!(documents.find(&Digest::of("{ b }").to_string()).is_err());
        assert!(documents.find(&format!("sha256:{}", Digest::of("{ a }"))).is_ok());
    }

    #[test]
    fn registered_documents_are_found_and_bounded() {
        let documents = PersistedDocuments::new(PersistedMode::Off, 10_000);
        for number in 0..200 {
            let text: Arc<str> = format!("{{ a{number} {} }}", "x".repeat(400)).into();
            documents.validated(Digest::of(&text), &text, true);
        }
        assert!(documents.registered.weight() <= 10_000);
        let text: Arc<str> = "{ a }".into();
        documents.validated(Digest::of(&text), &text, true);
        assert_eq!(documents.find(&Digest::of(&text).to_string()).unwrap(), text);
    }
}
