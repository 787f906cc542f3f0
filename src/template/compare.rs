//! Two versions side by side: their files, and their parameters with what of that breaks workspaces that are there.

mod parameter;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use guildhall_archive::{Content, Kept, Limits};
use guildhall_entity::id::FileId;
use similar::TextDiff;
use tokio::sync::Semaphore;

pub(crate) use parameter::{ParameterChange, parameters};

use super::file;
use crate::db::Db;
use crate::error::{Error, Result};

/// Bytes of a text that is compared line by line; longer ones are told apart only.
const TEXT_MAX: usize = 256 * 1024;
/// Bytes of all texts of a version that are compared.
const TEXTS_MAX: usize = 8 * 1024 * 1024;
/// Bytes of all differences in one answer; those after that are left out.
const DIFFS_MAX: usize = 512 * 1024;
/// The longest work on one difference; one that takes longer is less good, not wrong.
const PATIENCE: Duration = Duration::from_millis(500);
/// How many comparisons run at once: each may read two archives of 100 MiB.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// What became of a file or parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
#[graphql(name = "TemplateChangeKind")]
pub(crate) enum ChangeKind {
    /// The later version alone has it.
    Added,
    /// The earlier version alone has it.
    Removed,
    /// Both have it, not the same.
    Changed,
}

/// A file that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileChange {
    pub(crate) path: String,
    pub(crate) kind: ChangeKind,
    /// Whether one of them is no text, or too long a one.
    pub(crate) is_binary: bool,
    pub(crate) size_before: Option<u64>,
    pub(crate) size_after: Option<u64>,
    /// Unified, with three lines around; `None` for what is no text, and where the answer would be too long.
    pub(crate) diff: Option<String>,
}

/// The files of two archives that differ, by path.
///
/// # Errors
/// Only for faults of ours: the archives were checked when they were uploaded.
pub(crate) async fn files(db: &Db, from: FileId, to: FileId) -> Result<Vec<FileChange>> {
    if from == to {
        return Ok(Vec::new());
    }
    let _turn = AT_ONCE.acquire().await.map_err(Error::internal)?;
    let (from, to) = (fetch(db, from).await?, fetch(db, to).await?);
    let compared = tokio::task::spawn_blocking(move || Ok(changes(&read(from)?, &read(to)?)));
    compared.await.map_err(Error::internal)?
}

/// An archive in a temporary file that has no name.
async fn fetch(db: &Db, id: FileId) -> Result<File> {
    let row = file::referred(db, id).await?.ok_or_else(|| Error::internal(format!("{id} is not there")))?;
    let mut file = tempfile::tempfile().map_err(Error::internal)?;
    let mut chunks = std::pin::pin!(file::stream(db.clone(), row));
    while let Some(bytes) = chunks.try_next().await? {
        file.write_all(&bytes).map_err(Error::internal)?;
    }
    Ok(file)
}

fn read(archive: File) -> Result<BTreeMap<String, Content>> {
    let kept = Kept { max_file_bytes: TEXT_MAX, max_total_bytes: TEXTS_MAX };
    guildhall_archive::contents(archive, &Limits::default(), kept).map_err(Error::internal)
}

fn changes(from: &BTreeMap<String, Content>, to: &BTreeMap<String, Content>) -> Vec<FileChange> {
    let mut left = DIFFS_MAX;
    let paths: std::collections::BTreeSet<&String> = from.keys().chain(to.keys()).collect();
    let mut changes = Vec::new();
    for path in paths {
        let (before, after) = (from.get(path), to.get(path));
        let kind = match (before, after) {
            (None, _) => ChangeKind::Added,
            (_, None) => ChangeKind::Removed,
            (Some(before), Some(after)) if before.sha256 == after.sha256 => continue,
            _ => ChangeKind::Changed,
        };
        let text = |side: Option<&Content>| side.map_or(Some(String::new()), |content| content.text.clone());
        let texts = text(before).zip(text(after));
        let diff = texts.as_ref().map(|(before, after)| unified(path, kind, before, after));
        let diff = diff.filter(|diff| diff.len() <= left);
        left -= diff.as_ref().map_or(0, String::len);
        changes.push(FileChange {
            path: path.clone(),
            kind,
            is_binary: texts.is_none(),
            size_before: before.map(|content| content.size),
            size_after: after.map(|content| content.size),
            diff,
        });
    }
    changes
}

fn unified(path: &str, kind: ChangeKind, before: &str, after: &str) -> String {
    let (a, b) = (format!("a/{path}"), format!("b/{path}"));
    let (a, b) = match kind {
        ChangeKind::Added => ("/dev/null", b.as_str()),
        ChangeKind::Removed => (a.as_str(), "/dev/null"),
        ChangeKind::Changed => (a.as_str(), b.as_str()),
    };
    TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(before, after)
        .unified_diff()
        .context_radius(3)
        .header(a, b)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(texts: &[(&str, Option<&str>)]) -> BTreeMap<String, Content> {
        let content = |text: Option<&str>| Content {
            size: text.map_or(9, str::len) as u64,
            sha256: [text.map_or(9, |text| text.len() as u8); 32],
            text: text.map(str::to_owned),
        };
        texts.iter().map(|(path, text)| ((*path).to_owned(), content(*text))).collect()
    }

    #[test]
    fn differences_are_told_and_what_is_the_same_is_not() {
        let from = files(&[("a", Some("1\n2\n")), ("b", Some("x")), ("gone", Some("z\n")), ("same", None)]);
        let to = files(&[("a", Some("1\n2\n3\n")), ("b", None), ("new", Some("")), ("same", None)]);
        let found = changes(&from, &to);
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.path.as_str(), one.kind, one.is_binary, one.diff.is_some()))
            .collect();
        assert_eq!(
            told,
            [
                ("a", ChangeKind::Changed, false, true),
                ("b", ChangeKind::Changed, true, false),
                ("gone", ChangeKind::Removed, false, true),
                ("new", ChangeKind::Added, false, true),
            ]
        );
        assert_eq!(found[0].diff.as_deref(), Some("--- a/a\n+++ b/a\n@@ -1,2 +1,3 @@\n 1\n 2\n+3\n"));
        assert_eq!((found[2].size_before, found[2].size_after), (Some(2), None));
    }

    #[test]
    fn an_answer_has_an_end() {
        let long = "x\n".repeat(TEXT_MAX / 2);
        let to: Vec<_> = ["a", "b", "c", "d"].map(|path| (path, Some(long.as_str()))).into();
        let found = changes(&BTreeMap::new(), &files(&to));
        let kept = found.iter().filter(|one| one.diff.is_some()).count();
        assert!((1..4).contains(&kept), "{kept}");
        assert!(found.iter().all(|one| !one.is_binary));
    }
}
