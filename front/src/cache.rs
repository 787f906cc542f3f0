//! Validated documents by their text: a hit costs one hash and one comparison, and skips every check.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};

use crate::document::Document;

/// The cache, bounded by the estimated size of what it holds.
pub(crate) struct DocumentCache(Cache<Arc<str>, Arc<Document>, ByWeight>);

#[derive(Clone)]
struct ByWeight;

impl Weighter<Arc<str>, Arc<Document>> for ByWeight {
    fn weight(&self, _: &Arc<str>, document: &Arc<Document>) -> u64 {
        document.weight
    }
}

impl DocumentCache {
    pub(crate) fn new(bytes: u64) -> Self {
        let expected = usize::try_from(bytes / 16_384).unwrap_or(1_024).max(16);
        Self(Cache::with_weighter(expected, bytes, ByWeight))
    }

    pub(crate) fn get(&self, text: &str) -> Option<Arc<Document>> {
        self.0.get(text)
    }

    pub(crate) fn insert(&self, document: Arc<Document>) {
        self.0.insert(Arc::clone(&document.text), document);
    }
}
