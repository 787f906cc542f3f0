//! How two versions look side by side.

use async_graphql::{Context, ID, Object, SimpleObject};
use guildhall_entity::id::TemplateVersionId;

use super::TemplateVersion;
use super::parameter::TemplateParameter;
use crate::error::Result;
use crate::graphql::context::Ask;
use crate::graphql::error::{Nullable, nullable};
use crate::template::compare::{self, ChangeKind, FileChange, ParameterChange};
use crate::template::{VersionRow, version};

/// Queries about two versions.
#[derive(Default)]
pub(crate) struct ComparisonQuery;

#[Object]
impl ComparisonQuery {
    /// Two versions side by side; null unless both are there and visible.
    async fn compare_template_versions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The earlier one.")] from: ID,
        #[graphql(desc = "The later one.")] to: ID,
    ) -> Nullable<TemplateVersionComparison> {
        nullable(async {
            let request = ctx.request();
            request.signed_in()?;
            let (Ok(from), Ok(to)) = (from.parse::<TemplateVersionId>(), to.parse::<TemplateVersionId>())
            else {
                return Ok(None);
            };
            let (from, to) = (request.find(from).await?, request.find(to).await?);
            Ok(from.zip(to).map(|(from, to)| TemplateVersionComparison { from, to }))
        })
        .await
    }
}

/// Two versions.
pub(crate) struct TemplateVersionComparison {
    from: VersionRow,
    to: VersionRow,
}

/// Two versions side by side. Visible to those who see both.
#[Object]
impl TemplateVersionComparison {
    /// The earlier one.
    async fn from(&self) -> TemplateVersion {
        self.from.clone().into()
    }

    /// The later one.
    async fn to(&self) -> TemplateVersion {
        self.to.clone().into()
    }

    /// Files that are not the same in both, by path.
    async fn files(&self, ctx: &Context<'_>) -> Result<Vec<TemplateFileChange>> {
        let changes = compare::files(&ctx.request().db, self.from.file_id, self.to.file_id).await?;
        Ok(changes.into_iter().map(Into::into).collect())
    }

    /// Parameters that are not the same in both; empty until both were imported.
    async fn parameters(&self, ctx: &Context<'_>) -> Result<Vec<TemplateParameterChange>> {
        let request = ctx.request();
        let contents = version::contents(&request.db, &request.actor, &[self.from.id, self.to.id]).await?;
        let of = |id| contents.iter().find(|content| content.id == id).map(|content| &content.variables);
        let changes = of(self.from.id).zip(of(self.to.id)).map(|(from, to)| compare::parameters(from, to));
        Ok(changes.unwrap_or_default().into_iter().map(Into::into).collect())
    }
}

/// A file that is not the same in both versions.
#[derive(SimpleObject)]
struct TemplateFileChange {
    /// Its path in the module.
    path: String,
    /// What became of it.
    kind: ChangeKind,
    /// Whether one of the two is no text, or one of more than 256 KiB.
    is_binary: bool,
    /// Its size in the earlier version, in bytes; null when it was not there.
    size_before: Option<u64>,
    /// Its size in the later version, in bytes; null when it is not there.
    size_after: Option<u64>,
    /// The unified difference, with three lines around each change; null for what is no text, and once all differences of the
    /// answer have 512 KiB.
    diff: Option<String>,
}

impl From<FileChange> for TemplateFileChange {
    fn from(change: FileChange) -> Self {
        let FileChange { path, kind, is_binary, size_before, size_after, diff } = change;
        Self { path, kind, is_binary, size_before, size_after, diff }
    }
}

/// A parameter that is not the same in both versions.
#[derive(SimpleObject)]
struct TemplateParameterChange {
    /// Its name.
    name: String,
    /// What became of it.
    kind: ChangeKind,
    /// Whether values of workspaces that are at the earlier version may not fit the later one, or get lost.
    is_breaking: bool,
    /// What changed, in words.
    reasons: Vec<String>,
    /// What it was; null when it is new.
    before: Option<TemplateParameter>,
    /// What it is; null when it is gone.
    after: Option<TemplateParameter>,
}

impl From<ParameterChange> for TemplateParameterChange {
    fn from(change: ParameterChange) -> Self {
        let ParameterChange { name, kind, is_breaking, reasons, before, after } = change;
        let (before, after) = (before.map(TemplateParameter), after.map(TemplateParameter));
        Self { name, kind, is_breaking, reasons, before, after }
    }
}
