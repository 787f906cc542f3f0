//! Versions out of use and back, their source, two of them side by side, and dry runs.

use serde::Serialize;

use crate::answer::{accepted, found};
use crate::provisioner_job::JobOutcome;
use crate::template_version::{TemplateVersion, VersionRef};
use crate::workspace::ParameterInput;
use crate::{Client, ClientError, Id, MutationBuilder, QueryBuilder, UserError, schema};

/// What became of a version that was to be archived.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveTemplateVersionResult {
    /// The version.
    pub template_version_id: Id,
    /// Why it stays; empty when it is out of use.
    pub user_errors: Vec<UserError>,
}

/// What became of a file or parameter.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateChangeKind {
    /// New.
    Added,
    /// Gone.
    Removed,
    /// Not the same.
    Changed,
}

/// Two versions side by side.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
pub struct TemplateVersionComparison {
    /// Files that differ.
    pub files: Vec<TemplateFileChange>,
    /// Parameters that differ.
    pub parameters: Vec<TemplateParameterChange>,
}

/// A file that differs.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct TemplateFileChange {
    /// Its path in the module.
    pub path: String,
    /// What became of it.
    pub kind: TemplateChangeKind,
    /// Whether it is no text, or too long a one.
    pub is_binary: bool,
    /// Unified.
    pub diff: Option<String>,
}

/// A parameter that differs.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct TemplateParameterChange {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub kind: TemplateChangeKind,
    /// Whether workspaces may break.
    pub is_breaking: bool,
    /// In words.
    pub reasons: Vec<String>,
}

/// A plan of a version.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct TemplateVersionDryRun {
    /// `tdry_…`.
    pub id: Id,
    /// The job that plans it.
    pub job: JobOutcome,
    /// What would be made.
    pub resources: Vec<PlannedResource>,
    /// Credits a day, where the plan says.
    pub daily_cost: Option<i32>,
}

/// Something that would be made.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
pub struct PlannedResource {
    /// Its Terraform address.
    pub address: String,
    /// Its Terraform type.
    #[cynic(rename = "type")]
    pub r#type: String,
}

#[derive(cynic::InputObject)]
struct ArchiveTemplateVersionsInput {
    template_id: Id,
    template_version_ids: Vec<Id>,
    expected_versions: Option<Vec<Option<i32>>>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct ArchiveTemplateVersionsVariables {
    input: ArchiveTemplateVersionsInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "ArchiveTemplateVersionsVariables")]
pub(crate) struct ArchiveTemplateVersions {
    #[arguments(input: $input)]
    archive_template_versions: Option<ArchiveTemplateVersionsPayload>,
}

#[derive(cynic::QueryFragment)]
struct ArchiveTemplateVersionsPayload {
    results: Vec<ArchiveTemplateVersionResult>,
    user_errors: Vec<UserError>,
}

/// What is to change of a version; what is `None` stays.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct UpdateTemplateVersionInput {
    /// Which.
    pub template_version_id: Id,
    /// A new name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What to say of it.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Change nothing unless it still has this version.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<i32>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct UpdateTemplateVersionVariables {
    input: UpdateTemplateVersionInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UpdateTemplateVersionVariables")]
pub(crate) struct UpdateTemplateVersion {
    #[arguments(input: $input)]
    update_template_version: Option<UpdateTemplateVersionPayload>,
}

#[derive(cynic::QueryFragment)]
struct UpdateTemplateVersionPayload {
    template_version: Option<TemplateVersion>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::InputObject)]
struct UnarchiveTemplateVersionInput {
    template_version_id: Id,
    expected_version: Option<i32>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct UnarchiveTemplateVersionVariables {
    input: UnarchiveTemplateVersionInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UnarchiveTemplateVersionVariables")]
pub(crate) struct UnarchiveTemplateVersion {
    #[arguments(input: $input)]
    unarchive_template_version: Option<UnarchiveTemplateVersionPayload>,
}

#[derive(cynic::QueryFragment)]
struct UnarchiveTemplateVersionPayload {
    template_version: Option<VersionRef>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct IdVariables {
    id: Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "IdVariables")]
pub(crate) struct TemplateVersionSource {
    #[arguments(id: $id)]
    node: Option<SourceNode>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node")]
enum SourceNode {
    TemplateVersion(SourceOfVersion),
    #[cynic(fallback)]
    Other,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "TemplateVersion")]
struct SourceOfVersion {
    file: Option<SourceFile>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "File")]
struct SourceFile {
    url: String,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct CompareVariables {
    from: Id,
    to: Id,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "CompareVariables")]
pub(crate) struct CompareTemplateVersions {
    #[arguments(from: $from, to: $to)]
    compare_template_versions: Option<TemplateVersionComparison>,
}

#[derive(cynic::InputObject)]
struct DryRunParameterInput {
    name: String,
    value: String,
}

#[derive(cynic::InputObject)]
struct CreateTemplateVersionDryRunInput {
    template_version_id: Id,
    parameters: Vec<DryRunParameterInput>,
    #[cynic(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct CreateTemplateVersionDryRunVariables {
    input: CreateTemplateVersionDryRunInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateTemplateVersionDryRunVariables")]
pub(crate) struct CreateTemplateVersionDryRun {
    #[arguments(input: $input)]
    create_template_version_dry_run: Option<CreateTemplateVersionDryRunPayload>,
}

#[derive(cynic::QueryFragment)]
struct CreateTemplateVersionDryRunPayload {
    template_version_dry_run: Option<TemplateVersionDryRun>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "IdVariables")]
pub(crate) struct DryRunById {
    #[arguments(id: $id)]
    node: Option<DryRunNode>,
}

#[derive(cynic::InlineFragments)]
#[cynic(graphql_type = "Node")]
enum DryRunNode {
    TemplateVersionDryRun(TemplateVersionDryRun),
    #[cynic(fallback)]
    Other,
}

impl Client {
    /// Puts versions of a template out of use, each only if it still has the version beside it; answers for each, in the
    /// same order.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the input as a whole can't be taken, else as [`Client::run`].
    pub async fn archive_template_versions(
        &self,
        template: &Id,
        versions: Vec<(Id, i32)>,
    ) -> Result<Vec<ArchiveTemplateVersionResult>, ClientError> {
        let (template_version_ids, expected) =
            versions.into_iter().map(|(id, expected)| (id, Some(expected))).unzip();
        let input = ArchiveTemplateVersionsInput {
            template_id: template.clone(),
            template_version_ids,
            expected_versions: Some(expected),
        };
        let variables = ArchiveTemplateVersionsVariables { input };
        let data = self.run(ArchiveTemplateVersions::build(variables)).await?;
        accepted(data.archive_template_versions.map(|payload| (Some(payload.results), payload.user_errors)))
    }

    /// Changes a version's name, or what is said of it.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn update_template_version(
        &self,
        input: UpdateTemplateVersionInput,
    ) -> Result<TemplateVersion, ClientError> {
        let data = self.run(UpdateTemplateVersion::build(UpdateTemplateVersionVariables { input })).await?;
        accepted(data.update_template_version.map(|payload| (payload.template_version, payload.user_errors)))
    }

    /// Takes a version back into use, if it still has this version.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn unarchive_template_version(
        &self,
        version: &Id,
        expected_version: i32,
    ) -> Result<VersionRef, ClientError> {
        let input = UnarchiveTemplateVersionInput {
            template_version_id: version.clone(),
            expected_version: Some(expected_version),
        };
        let variables = UnarchiveTemplateVersionVariables { input };
        let data = self.run(UnarchiveTemplateVersion::build(variables)).await?;
        accepted(
            data.unarchive_template_version.map(|payload| (payload.template_version, payload.user_errors)),
        )
    }

    /// Where the archive of a version is: a path below the server's URL, for [`Client::download`].
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when it is missing or not visible, else as [`Client::run`].
    pub async fn template_version_source(&self, version: &Id) -> Result<String, ClientError> {
        let variables = IdVariables { id: version.clone() };
        let file = match self.run_idempotent(TemplateVersionSource::build(variables)).await?.node {
            Some(SourceNode::TemplateVersion(found)) => found.file,
            Some(SourceNode::Other) | None => None,
        };
        Ok(found(file, "source of the template version", version.inner())?.url)
    }

    /// Two versions side by side, the earlier one first.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] unless both are there and visible, else as [`Client::run`].
    pub async fn compare_template_versions(
        &self,
        from: &Id,
        to: &Id,
    ) -> Result<TemplateVersionComparison, ClientError> {
        let variables = CompareVariables { from: from.clone(), to: to.clone() };
        let data = self.run_idempotent(CompareTemplateVersions::build(variables)).await?;
        found(data.compare_template_versions, "template version", to.inner())
    }

    /// Queues a plan of a version with these values; the same key within a day answers the plan of the first time.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn create_template_version_dry_run(
        &self,
        version: &Id,
        parameters: Vec<ParameterInput>,
        idempotency_key: Option<String>,
    ) -> Result<TemplateVersionDryRun, ClientError> {
        let parameter = |given: ParameterInput| DryRunParameterInput { name: given.name, value: given.value };
        let input = CreateTemplateVersionDryRunInput {
            template_version_id: version.clone(),
            parameters: parameters.into_iter().map(parameter).collect(),
            idempotency_key,
        };
        let variables = CreateTemplateVersionDryRunVariables { input };
        let data = self.run(CreateTemplateVersionDryRun::build(variables)).await?;
        accepted(
            data.create_template_version_dry_run
                .map(|payload| (payload.template_version_dry_run, payload.user_errors)),
        )
    }

    /// A dry run as it is by now.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] when it is missing or not visible, else as [`Client::run`].
    pub async fn template_version_dry_run(&self, id: &Id) -> Result<TemplateVersionDryRun, ClientError> {
        let dry_run = match self.run_idempotent(DryRunById::build(IdVariables { id: id.clone() })).await?.node
        {
            Some(DryRunNode::TemplateVersionDryRun(found)) => Some(found),
            Some(DryRunNode::Other) | None => None,
        };
        found(dry_run, "dry run", id.inner())
    }
}
