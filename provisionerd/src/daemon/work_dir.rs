//! The daemon's folder: one private folder for each job, and what is needed to clean up after a daemon that died.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use guildhall_client::Id;
use guildhall_client::provisioner::Hold;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::DaemonError;
use crate::engine::StateEndpoint;

const JOBS: &str = "jobs";
/// States that the server would not take; kept for a person to look at.
const UNSAVED: &str = "unsaved-states";
const LOCK: &str = "lock";
const RECORD: &str = "job.json";
const MODULE: &str = "module";
const ARCHIVE: &str = "archive";
const LONGEST_NAME: usize = 32;

#[derive(Debug)]
pub(super) struct WorkDir {
    root: PathBuf,
    /// Held for as long as the daemon lives; the system releases it however that ends.
    _lock: File,
}

/// The folder of one job, open to this user alone.
#[derive(Debug)]
pub(super) struct JobDir {
    pub(super) path: PathBuf,
    pub(super) record: Option<Record>,
}

/// What another life of the daemon must know to end a job well.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) hold: Hold,
    pub(super) token: SecretString,
    pub(super) state: Option<Url>,
    /// The key of the question that the job was the answer to; jobs of an older daemon have none.
    pub(super) question: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct RecordFile {
    job: String,
    attempt: i32,
    token: String,
    state: Option<String>,
    question: Option<String>,
}

impl WorkDir {
    /// Opens or creates the folder of the daemon `name` below `folder`, for this process alone.
    pub(super) fn open(folder: &Path, name: &str) -> Result<Self, DaemonError> {
        if !is_slug(name) {
            return Err(DaemonError::Name(name.to_owned()));
        }
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| DaemonError::WorkDir { path, source }
        };
        private_folder(folder).map_err(io(folder))?;
        // Absolute and without links: a program's folder is compared with what the system says of it.
        let root = fs::canonicalize(folder).map_err(io(folder))?.join(name);
        private_folder(&root.join(JOBS)).map_err(io(&root))?;
        let path = root.join(LOCK);
        let lock = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(io(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DaemonError::Taken { name: name.to_owned(), folder: root }),
            Err(TryLockError::Error(source)) => Err(DaemonError::WorkDir { path, source }),
        }
    }

    /// Where the daemon keeps what is of no single job.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The folders that an earlier life of this daemon left behind.
    pub(super) fn leftovers(&self) -> Vec<JobDir> {
        let entries = fs::read_dir(self.root.join(JOBS)).into_iter().flatten().flatten();
        entries.map(|entry| JobDir { record: Record::read(&entry.path()), path: entry.path() }).collect()
    }

    pub(super) fn create(&self, record: Record) -> std::io::Result<JobDir> {
        // The server's word is not made a path; it helps who looks into the folder.
        let id =
            record.hold.job.inner().chars().filter(char::is_ascii_alphanumeric).take(64).collect::<String>();
        let path = self.root.join(JOBS).join(format!("{id}-{:08x}", rand::random::<u32>()));
        DirBuilder::new().mode(0o700).create(&path)?;
        record.write(&path)?;
        Ok(JobDir { path, record: Some(record) })
    }

    /// Keeps a state that the server refused; answers where.
    pub(super) fn keep_state(&self, dir: &JobDir, state: &Path) -> std::io::Result<PathBuf> {
        let folder = self.root.join(UNSAVED);
        private_folder(&folder)?;
        let kept = folder.join(dir.path.file_name().unwrap_or_default()).with_extension("tfstate");
        fs::rename(state, &kept)?;
        Ok(kept)
    }
}

impl JobDir {
    /// Where the module is unpacked and Terraform runs.
    pub(super) fn module(&self) -> PathBuf {
        self.path.join(MODULE)
    }

    /// Where the archive is downloaded to.
    pub(super) fn archive(&self) -> PathBuf {
        self.path.join(ARCHIVE)
    }

    /// Removes everything but what the next life must know of the job to end it.
    pub(super) fn clear(&self) {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_name() == RECORD {
                continue;
            }
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let removed = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            if let Err(error) = removed {
                tracing::error!(path = %path.display(), %error, "a part of a job's folder could not be removed");
            }
        }
    }

    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::error!(path = %self.path.display(), %error, "the folder of a job could not be removed");
        }
    }
}

impl Record {
    pub(super) fn endpoint(&self) -> Option<StateEndpoint> {
        Some(StateEndpoint { url: self.state.clone()?, token: self.token.clone() })
    }

    fn read(dir: &Path) -> Option<Self> {
        let text = fs::read(dir.join(RECORD)).ok()?;
        let file: RecordFile = serde_json::from_slice(&text).ok()?;
        let state = file.state.map(|url| url.parse()).transpose().ok()?;
        let hold = Hold { job: Id::new(file.job), attempt: file.attempt };
        Some(Self { hold, token: file.token.into(), state, question: file.question })
    }

    fn write(&self, dir: &Path) -> std::io::Result<()> {
        let file = RecordFile {
            job: self.hold.job.inner().to_owned(),
            attempt: self.hold.attempt,
            token: self.token.expose_secret().to_owned(),
            state: self.state.as_ref().map(Url::to_string),
            question: self.question.clone(),
        };
        let text = serde_json::to_vec(&file)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(dir.join(RECORD))?;
        file.write_all(&text)?;
        // It is for the case that things end badly.
        file.sync_all()
    }
}

fn private_folder(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn is_slug(name: &str) -> bool {
    let run = |run: &str| {
        !run.is_empty() && run.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    name.len() <= LONGEST_NAME && name.split('-').all(run)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed test may panic")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn hold(job: &str) -> Hold {
        Hold { job: Id::new(job), attempt: 2 }
    }

    fn record() -> Record {
        let state = Some("http://localhost/state/1".parse().unwrap());
        let question = Some("question".to_owned());
        Record { hold: hold("job_01"), token: SecretString::from("secret"), state, question }
    }

    #[test]
    fn one_daemon_of_a_name_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = WorkDir::open(folder.path(), "one").unwrap();
        assert!(matches!(WorkDir::open(folder.path(), "one"), Err(DaemonError::Taken { .. })));
        WorkDir::open(folder.path(), "two").unwrap();
        drop(first);
        WorkDir::open(folder.path(), "one").unwrap();
    }

    #[test]
    fn refuses_a_name_that_is_a_path() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", "..", "a/b", "A", "-a", "a--b", &"a".repeat(33)] {
            assert!(matches!(WorkDir::open(folder.path(), name), Err(DaemonError::Name(_))), "{name}");
        }
    }

    #[test]
    fn a_job_is_private_and_survives_the_daemon() {
        let folder = tempfile::tempdir().unwrap();
        let dir = WorkDir::open(folder.path(), "one").unwrap().create(record()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&dir.path), mode(&dir.path.join(RECORD))), (0o700, 0o600));
        let again = WorkDir::open(folder.path(), "one").unwrap();
        let [left] = &again.leftovers()[..] else { panic!("one leftover") };
        let found = left.record.as_ref().unwrap();
        assert_eq!((found.hold.job.inner(), found.hold.attempt), ("job_01", 2));
        assert_eq!(found.token.expose_secret(), "secret");
        assert_eq!(found.endpoint().unwrap().url.path(), "/state/1");
        assert_eq!(found.question.as_deref(), Some("question"));
        fs::create_dir(left.module()).unwrap();
        fs::write(left.module().join("main.tf"), "").unwrap();
        fs::write(left.archive(), "").unwrap();
        left.clear();
        let kept: Vec<_> =
            fs::read_dir(&left.path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(kept, [RECORD]);
        left.remove();
        assert!(again.leftovers().is_empty());
    }

    #[test]
    fn an_id_from_outside_stays_inside() {
        let folder = tempfile::tempdir().unwrap();
        let work_dir = WorkDir::open(folder.path(), "one").unwrap();
        let dir = work_dir.create(Record { hold: hold("../../evil"), ..record() }).unwrap();
        assert_eq!(dir.path.parent(), Some(work_dir.root.join(JOBS).as_path()));
    }
}
