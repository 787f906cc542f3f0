//! Persisted documents: requests that name a document instead of carrying it.

mod manifest;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use quick_cache::{Weighter, sync::Cache};
use serde::{Deserialize, Serialize};

use crate::{
    Digest,
    error::{ErrorCode, GraphqlError, Phase, Refused},
};
pub use manifest::ManifestError;

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
    origins: Vec<Origin>,
    registered: Cache<Digest, Arc<str>, ByLength>,
}

/// A document of a manifest that can't run: it does not fit the schema, or passes a limit.
#[derive(Debug)]
pub struct UnfitDocument {
    /// The file.
    pub manifest: PathBuf,
    /// Its id there.
    pub id: String,
    /// Why not.
    pub reason: String,
}

/// Where a document comes from.
struct Origin {
    manifest: Arc<Path>,
    id: String,
    text: Arc<str>,
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
        let registered = Cache::with_weighter(expected, bytes, ByLength);
        Self { mode, manifest: HashMap::new(), origins: Vec::new(), registered }
    }

    /// Adds the documents of a manifest file: GraphQL Code Generator's and Relay's objects of documents by id, or
    /// Apollo's list of operations. Each document is known by the id of the file and by its SHA-256.
    ///
    /// # Errors
    /// A [`ManifestError`] that names the file, and the id of a document that can't be meant: its SHA-256 is another, or the id
    /// is that of another document already.
    pub fn load(&mut self, path: &Path) -> Result<usize, ManifestError> {
        let (documents, manifest): (_, Arc<Path>) = (manifest::read(path)?, path.into());
        let count = documents.len();
        for (id, text) in documents {
            let (text, key): (Arc<str>, _) = (text.into(), key(&id));
            if self.manifest.get(&key).is_some_and(|known| *known != text) {
                let mut origins = self.origins.iter();
                let other =
                    origins.find(|origin| self::key(&origin.id) == key).map(|origin| &origin.manifest);
                let other = other.unwrap_or(&manifest).to_path_buf();
                return Err(ManifestError::Conflict { path: path.into(), id, other });
            }
            self.manifest.insert(Digest::of(&text).to_string(), Arc::clone(&text));
            self.manifest.insert(key, Arc::clone(&text));
            self.origins.push(Origin { manifest: Arc::clone(&manifest), id, text });
        }
        Ok(count)
    }

    /// The documents of manifests that `prepare` refuses.
    pub(crate) fn unfit(&self, prepare: impl Fn(&str) -> Result<(), Refused>) -> Vec<UnfitDocument> {
        let unfit = |Origin { manifest, id, text }: &Origin| {
            let refused = prepare(text).err()?;
            let reason = refused.errors.first().map(|error| error.message.to_string()).unwrap_or_default();
            Some(UnfitDocument { manifest: manifest.to_path_buf(), id: id.clone(), reason })
        };
        self.origins.iter().filter_map(unfit).collect()
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
        let registered = || match self.mode {
            PersistedMode::Enforce => None,
            PersistedMode::Off | PersistedMode::Observe => {
                Digest::parse(id).and_then(|digest| self.registered.get(&digest))
            }
        };
        self.manifest
            .get(&key(id))
            .cloned()
            .or_else(registered)
            .ok_or_else(|| GraphqlError::new(ErrorCode::PersistedQueryNotFound, "PersistedQueryNotFound"))
    }

    /// The SHA-256 of the document that an id names, as far as that is known: of a hash it is, whether the document is or not.
    pub(crate) fn named(&self, id: &str) -> Option<Digest> {
        Digest::parse(id).or_else(|| self.manifest.get(id).map(|text| Digest::of(text)))
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

/// What a document is looked up by: a SHA-256 in small letters and without its prefix, any other id as it is.
fn key(id: &str) -> String {
    Digest::parse(id).map_or_else(|| id.to_owned(), |digest| digest.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

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
