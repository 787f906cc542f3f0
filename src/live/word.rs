//! What one server says to the others: that there is something new in the outbox, or which jobs have logged. Never what it
//! is: that stands in the tables.

use std::collections::HashSet;

use guildhall_entity::id::ProvisionerJobId;
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};

/// Jobs in one word: PostgreSQL takes less than 8,000 bytes.
const JOBS: usize = 150;

/// A word.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Word {
    /// Who says it, so that nobody listens to themselves.
    pub(super) from: Uuid,
    /// The outbox has new records.
    pub(super) events: bool,
    /// These jobs have logged.
    pub(super) logged: Vec<Uuid>,
}

/// What there is to say, as words.
pub(super) fn words(from: Uuid, events: bool, logged: &HashSet<ProvisionerJobId>) -> Vec<String> {
    let jobs: Vec<Uuid> = logged.iter().map(|job| job.0).collect();
    let mut parts: Vec<&[Uuid]> = jobs.chunks(JOBS).collect();
    if parts.is_empty() && events {
        parts.push(&[]);
    }
    let word = |part: &[Uuid]| {
        let word = Word { from, events, logged: part.to_vec() };
        serde_json::to_string(&word).unwrap_or_default()
    };
    parts.into_iter().map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_fit() {
        let from = Uuid::from_u128(u128::MAX);
        assert!(words(from, false, &HashSet::new()).is_empty());
        assert_eq!(words(from, true, &HashSet::new()).len(), 1);
        let many: HashSet<_> = (0..400).map(|n| ProvisionerJobId(Uuid::from_u128(u128::MAX - n))).collect();
        let said = words(from, true, &many);
        assert!(said.iter().all(|word| word.len() < 8000), "{:?}", said.iter().map(String::len).max());
        let heard: HashSet<Uuid> = said
            .iter()
            .flat_map(|word| serde_json::from_str::<Word>(word).expect("our own word").logged)
            .collect();
        assert_eq!(heard.len(), 400);
    }
}
