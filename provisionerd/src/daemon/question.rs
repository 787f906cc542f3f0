//! The question for work that was not answered yet. Its key is on disk: an answer may get lost on its way, and the daemon
//! may die before it has begun what it was given. Whoever asks with the same key again, in this life or the next, is
//! given the same job.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::work_dir::JobDir;

const FILE: &str = "question";
/// Hexadecimal digits of a key.
const LENGTH: usize = 32;

#[derive(Debug)]
pub(super) struct Question {
    path: PathBuf,
    key: String,
}

impl Question {
    /// The question in a daemon's folder: the one whose answer an earlier life did not hear, unless one of the folders that
    /// it left is of the job that was the answer. That one has begun, and must not begin again.
    pub(super) fn open(root: &Path, leftovers: &[JobDir]) -> Self {
        let path = root.join(FILE);
        let has_begun = |key: &str| {
            let mut records = leftovers.iter().filter_map(|dir| dir.record.as_ref());
            records.any(|record| record.question.as_deref() == Some(key))
        };
        let earlier = std::fs::read_to_string(&path).ok();
        if let Some(key) = earlier.filter(|text| is_key(text)).filter(|key| !has_begun(key)) {
            return Self { path, key };
        }
        let mut question = Self { path, key: String::new() };
        question.renew();
        question
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// The next question is another one.
    pub(super) fn renew(&mut self) {
        self.key = format!("{:032x}", rand::random::<u128>());
        // A daemon that can't keep it works all the same; only its death in the wrong moment costs time then.
        if let Err(error) = self.write() {
            tracing::warn!(path = %self.path.display(), %error, "what was asked last can't be kept");
        }
    }

    fn write(&self) -> std::io::Result<()> {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&self.path)?;
        file.write_all(self.key.as_bytes())
    }
}

/// What a daemon that died while it wrote left behind is none.
fn is_key(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed test may panic")]

    use guildhall_client::Id;
    use guildhall_client::provisioner::Hold;

    use super::*;
    use crate::daemon::work_dir::Record;

    fn begun(question: &str) -> JobDir {
        let record = Record {
            hold: Hold { job: Id::new("job_1"), attempt: 1 },
            token: "secret".into(),
            state: None,
            question: Some(question.to_owned()),
        };
        JobDir { path: PathBuf::from("nowhere"), record: Some(record) }
    }

    #[test]
    fn a_question_outlives_its_daemon_until_it_is_answered() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = Question::open(folder.path(), &[]);
        let key = first.key().to_owned();
        assert!(is_key(&key), "{key}");
        assert_eq!(Question::open(folder.path(), &[]).key(), key);
        assert_eq!(Question::open(folder.path(), &[begun("another")]).key(), key);
        first.renew();
        assert_ne!(first.key(), key);
        assert_eq!(Question::open(folder.path(), &[]).key(), first.key());
    }

    #[test]
    fn a_job_that_has_begun_is_not_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let key = Question::open(folder.path(), &[]).key().to_owned();
        assert_ne!(Question::open(folder.path(), &[begun(&key)]).key(), key);
    }

    #[test]
    fn half_a_key_is_none() {
        let folder = tempfile::tempdir().unwrap();
        for left in ["", "0123", &"z".repeat(LENGTH)] {
            std::fs::write(folder.path().join(FILE), left).unwrap();
            assert!(is_key(Question::open(folder.path(), &[]).key()), "{left}");
        }
    }
}
