//! `provisioner keys`.

use clap::Subcommand;
use guildhall_client::provisioner_key::{CreateProvisionerKeyInput, ProvisionerKey};
use guildhall_client::{Client, ClientError, DateTime, Page};
use secrecy::ExposeSecret;
use serde_json::json;

use super::tags;
use crate::context::Context;
use crate::failure::Failure;
use crate::names::{InOrganization, Scoped};
use crate::parameters::{self, Pair};

/// The verbs of `guildhall provisioner keys`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall provisioner keys create my-cluster --org data-platform
  guildhall provisioner keys create gpu --org data-platform --tag gpu=a100 > gpu.key
  guildhall provisioner keys delete data-platform/my-cluster")]
pub enum Keys {
    /// Make a key and print its secret, once
    Create {
        /// Slug, or ORG/SLUG
        name: Scoped,
        /// A tag that its daemons carry; with tags they run only jobs that ask for some of them; may be repeated
        #[arg(long = "tag", value_name = "NAME=VALUE")]
        tags: Vec<Pair>,
        /// When it ends by itself, e.g. 2027-01-31T00:00:00Z; default: never
        #[arg(long, value_name = "TIME")]
        expires_at: Option<DateTime>,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// List the keys of an organization
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Delete a key, which ends the sessions of its daemons
    #[command(visible_alias = "rm")]
    Delete {
        /// NAME or ORG/NAME
        name: Scoped,
        #[command(flatten)]
        organization: InOrganization,
    },
}

impl Keys {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        match self {
            Self::Create { name, tags, expires_at, organization } => {
                let organization = organization.resolve_for(&client, &name).await?;
                let input = CreateProvisionerKeyInput {
                    organization_id: organization.id,
                    name: name.name,
                    tags: parameters::tags(tags),
                    expires_at,
                };
                create(context, &client, input, &organization.name).await
            }
            Self::List { organization } => list(context, &client, &organization).await,
            Self::Delete { name, organization } => delete(context, &client, &name, &organization).await,
        }
    }
}

async fn create(
    context: &Context,
    client: &Client,
    input: CreateProvisionerKeyInput,
    organization: &str,
) -> Result<(), Failure> {
    let made = client.create_provisioner_key(input).await?;
    let secret = made.secret.expose_secret();
    context.output.done(&json!({ "provisionerKey": made.key, "secret": secret }), secret)?;
    context.output.note(&format!(
        "This is the secret of the key {}. It will not be shown again: keep it safe. Use it with\n  \
         GUILDHALL_URL={} GUILDHALL_PROVISIONER_DAEMON_KEY=… guildhall provisionerd start --org {organization}",
        made.key.name,
        client.base_url(),
    ));
    Ok(())
}

async fn list(context: &Context, client: &Client, organization: &InOrganization) -> Result<(), Failure> {
    let organization = organization.resolve(client).await?;
    let page = async |after| client.provisioner_keys(&organization.id, None, after).await;
    let keys = Page::all(usize::MAX, page).await?;
    context.output.list(
        &keys,
        &["NAME", "TAGS", "CREATED BY", "CREATED", "LAST USED", "EXPIRES"],
        |key| {
            vec![
                key.name.as_str().into(),
                tags(&key.tags).into(),
                key.created_by.as_ref().map_or("", |user| user.username.as_str()).into(),
                key.created_at.into(),
                key.last_used_at.into(),
                key.expires_at.into(),
            ]
        },
        &format!(
            "No key yet. Make one with `guildhall provisioner keys create NAME --org {}`.",
            organization.name
        ),
    )
}

async fn delete(
    context: &Context,
    client: &Client,
    name: &Scoped,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let organization = organization.resolve_for(client, name).await?;
    let page = client.provisioner_keys(&organization.id, Some(name.name.clone()), None).await?;
    let key = one_called(page, &name.name)?;
    context.confirm(&format!("the key {} and ends the sessions of its daemons", key.name), &key.name)?;
    let deleted = client.delete_provisioner_key(&key.id).await?;
    let sentence = format!("Deleted the key {}.", key.name);
    context.output.done(&json!({ "deletedProvisionerKeyId": deleted }), &sentence)
}

fn one_called(page: Page<ProvisionerKey>, name: &str) -> Result<ProvisionerKey, Failure> {
    let found = page.nodes.into_iter().find(|key| key.name.eq_ignore_ascii_case(name));
    Ok(found.ok_or_else(|| ClientError::NotFound { kind: "provisioner key", name: name.to_owned() })?)
}
