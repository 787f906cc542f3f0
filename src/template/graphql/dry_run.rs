//! How dry runs look.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use guildhall_entity::id::TemplateDryRunId;

use super::TemplateVersion;
use super::version_change::resolve_version;
use crate::authz::Permission;
use crate::error::{Refusal, Result};
use crate::graphql::context::{Ask, Request};
use crate::graphql::error::{Nullable, UserError, nullable, outcome};
use crate::graphql::scalar::DateTime;
use crate::provisioner::graphql::ProvisionerJob;
use crate::template::parameter::Given;
use crate::template::{DryRunRow, access, dry_run, version};
use crate::user::graphql::User;

/// A dry run.
#[derive(Clone)]
pub(crate) struct TemplateVersionDryRun(DryRunRow);

impl From<DryRunRow> for TemplateVersionDryRun {
    fn from(row: DryRunRow) -> Self {
        Self(row)
    }
}

/// A plan of a template version with given values: what a workspace would be made of and cost. Nothing is made, and no state
/// is kept. Visible with its job.
#[Object]
impl TemplateVersionDryRun {
    /// `tdry_…`
    pub(crate) async fn id(&self) -> ID {
        self.0.id.to_string().into()
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// Who asked for it; null when the viewer can't see them.
    async fn created_by(&self, ctx: &Context<'_>) -> Nullable<User> {
        nullable(async { Ok(ctx.request().find(self.0.created_by).await?.map(User::from)) }).await
    }

    /// The version; null when the viewer can't see it (any more).
    async fn template_version(&self, ctx: &Context<'_>) -> Nullable<TemplateVersion> {
        nullable(async {
            Ok(ctx.request().find(self.0.template_version_id).await?.map(TemplateVersion::from))
        })
        .await
    }

    /// The job that plans it.
    async fn job(&self, ctx: &Context<'_>) -> Result<ProvisionerJob> {
        Ok(ctx.request().get(self.0.provisioner_job_id).await?.into())
    }

    /// What a new workspace would be made of, by address; empty until the job has succeeded.
    async fn resources(&self) -> Vec<PlannedResource> {
        let planned = self.0.resources.0.iter();
        planned
            .map(|resource| PlannedResource {
                address: resource.address.clone(),
                kind: resource.r#type.clone(),
                name: resource.name.clone(),
            })
            .collect()
    }

    /// What it would cost, in credits a day; null until the job has succeeded, and where only an apply tells.
    async fn daily_cost(&self) -> Option<i32> {
        self.0.daily_cost
    }
}

/// A resource that a workspace would have.
#[derive(Clone, SimpleObject)]
struct PlannedResource {
    /// Its Terraform address.
    address: String,
    /// Its Terraform type.
    #[graphql(name = "type")]
    kind: String,
    /// Its name in the module.
    name: String,
}

/// A value for a parameter of the version.
#[derive(Clone, InputObject)]
struct DryRunParameterInput {
    /// The parameter.
    name: String,
    /// Its value as text: numbers and booleans as such, lists and objects as JSON.
    value: String,
}

/// A version to plan.
#[derive(InputObject)]
struct CreateTemplateVersionDryRunInput {
    /// The version; its import must have succeeded.
    template_version_id: ID,
    /// Values for its parameters; defaults where absent.
    parameters: Option<Vec<DryRunParameterInput>>,
    /// Sent again within 24 hours with the same input, the answer is that of the first time; with another input, CONFLICT.
    idempotency_key: Option<String>,
}

/// What `createTemplateVersionDryRun` answers.
#[derive(SimpleObject)]
struct CreateTemplateVersionDryRunPayload {
    /// The dry run, its job queued; null when there are user errors.
    template_version_dry_run: Option<TemplateVersionDryRun>,
    /// What a person can fix.
    user_errors: Vec<UserError>,
}

/// Trying versions.
#[derive(Default)]
pub(crate) struct DryRunMutation;

#[Object]
impl DryRunMutation {
    /// Queues a plan of a template version with given values. Nothing is made. Needs `TEMPLATE_UPDATE`.
    async fn create_template_version_dry_run(
        &self,
        ctx: &Context<'_>,
        input: CreateTemplateVersionDryRunInput,
    ) -> Nullable<CreateTemplateVersionDryRunPayload> {
        nullable(async {
            let (template_version_dry_run, user_errors) = outcome(create(ctx.request(), input).await)?;
            Ok(Some(CreateTemplateVersionDryRunPayload { template_version_dry_run, user_errors }))
        })
        .await
    }
}

async fn create(request: &Request, input: CreateTemplateVersionDryRunInput) -> Result<TemplateVersionDryRun> {
    let (template, version) = resolve_version(request, &input.template_version_id).await?;
    let found = version::referred(&request.db, version.id).await?;
    let (version, content) =
        found.ok_or_else(|| Refusal::not_found(&["templateVersionId"], "template version"))?;
    let given = |input: &DryRunParameterInput| Given::now(input.name.clone(), input.value.clone());
    let given: Vec<_> = input.parameters.iter().flatten().map(given).collect();
    let object = access::object(&request.db, &request.actor, &template).await?;
    let needed = (Permission::TemplateUpdate, object);
    let made = request
        .once(input.idempotency_key.as_deref(), "createTemplateVersionDryRun", &input, needed, async |db| {
            let (sealer, actor) = (&request.app.sealer, &request.actor);
            dry_run::create(&db, sealer, actor, &template, (&version, &content), given).await
        })
        .await?;
    Ok(request.made::<TemplateDryRunId>(made).await?.into())
}
