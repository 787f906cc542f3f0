//! `roles`: permissions under a name, held in an organization or on the site.

use clap::{Args, Subcommand};
use guildhall_client::role::{CreateRoleInput, DeleteRoleInput, PermissionInfo, RoleDetail, UpdateRoleInput};
use guildhall_client::{Client, ClientError, Permission};

use crate::context::Context;
use crate::failure::Failure;
use crate::names::{InOrganization, Scoped};
use crate::output::{Value, state};

/// The verbs of `guildhall roles`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Whoever makes or gives a role must hold every permission of it.

Examples:
  guildhall roles list --org data-platform
  guildhall roles permissions
  guildhall roles create group-keeper --org data-platform --permission GROUP_CREATE --permission GROUP_UPDATE
  guildhall members roles ana --org data-platform --role group-keeper")]
pub enum Roles {
    /// List the roles that can be held in an organization, or on the site
    #[command(visible_alias = "ls")]
    List {
        /// Those of the site
        #[arg(long, conflicts_with = "org")]
        site: bool,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Show a role with its permissions
    Show {
        /// NAME or ORG/NAME
        name: Scoped,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Create a role of an organization
    Create {
        /// Slug, or ORG/SLUG; it stays as it is
        name: Scoped,
        /// A permission to grant, e.g. GROUP_CREATE; may be repeated
        #[arg(long = "permission", value_name = "PERMISSION", required = true, value_parser = permission)]
        permissions: Vec<Permission>,
        #[command(flatten)]
        texts: Texts,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Change a role of an organization, for whoever holds it
    Update {
        /// NAME or ORG/NAME
        name: Scoped,
        /// A permission to grant; may be repeated. Those that are not named are taken away
        #[arg(long = "permission", value_name = "PERMISSION", value_parser = permission)]
        permissions: Vec<Permission>,
        #[command(flatten)]
        texts: Texts,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Delete a role of an organization and take it from whoever holds it
    #[command(visible_alias = "rm")]
    Delete {
        /// NAME or ORG/NAME
        name: Scoped,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// List every permission there is
    Permissions,
}

/// What people read of a role.
#[derive(Debug, Args)]
pub struct Texts {
    /// Name for people, at most 64 characters
    #[arg(long, value_name = "TEXT")]
    display_name: Option<String>,
    /// What it is for, at most 500 characters
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// `group-create` is as good as `GROUP_CREATE`.
#[expect(clippy::unnecessary_wraps, reason = "what clap asks of a parser")]
fn permission(text: &str) -> Result<Permission, &'static str> {
    Ok(Permission(text.trim().to_uppercase().replace('-', "_")))
}

impl Roles {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        match self {
            Self::List { site, organization } => list(context, &client, site, &organization).await,
            Self::Show { name, organization } => {
                let role = find(&client, &name, &organization).await?;
                context.output.object(&role, rows(&role))
            }
            Self::Create { name, permissions, texts, organization } => {
                let organization_id = organization.resolve_for(&client, &name).await?.id;
                let Texts { display_name, description } = texts;
                let input = CreateRoleInput {
                    organization_id,
                    name: name.name,
                    display_name,
                    description,
                    permissions,
                };
                let role = client.create_role(input).await?;
                context.output.done(&role, &format!("Created the role {} ({}).", role.name, role.id.inner()))
            }
            Self::Update { name, permissions, texts, organization } => {
                let role = find(&client, &name, &organization).await?;
                let input = UpdateRoleInput {
                    role_id: role.id,
                    display_name: texts.display_name,
                    description: texts.description,
                    permissions: Some(permissions).filter(|permissions| !permissions.is_empty()),
                    expected_version: role.version,
                };
                let role = client.update_role(input).await?;
                context.output.done(&role, &format!("Changed the role {}.", role.name))
            }
            Self::Delete { name, organization } => {
                let role = find(&client, &name, &organization).await?;
                context.confirm(&format!("the role {}", role.name), &role.name)?;
                let deleted = client.delete_role(DeleteRoleInput { role_id: role.id }).await?;
                let holders = deleted.taken_from.unwrap_or_default();
                let sentence = format!("Deleted the role {}, which {holders} members held.", role.name);
                context.output.done(&deleted, &sentence)
            }
            Self::Permissions => permissions(context, &client).await,
        }
    }
}

async fn find(client: &Client, name: &Scoped, organization: &InOrganization) -> Result<RoleDetail, Failure> {
    let organization = organization.resolve_for(client, name).await?;
    let roles = client.organization_roles(&organization.id).await?;
    let found = roles.into_iter().find(|role| role.name.eq_ignore_ascii_case(&name.name));
    Ok(found.ok_or_else(|| ClientError::NotFound { kind: "role", name: name.name.clone() })?)
}

async fn list(
    context: &Context,
    client: &Client,
    site: bool,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let roles = match site {
        true => client.site_roles().await?,
        false => client.organization_roles(&organization.resolve(client).await?.id).await?,
    };
    context.output.list(
        &roles,
        &["NAME", "DISPLAY NAME", "BUILT IN", "YOU MAY GIVE IT", "PERMISSIONS"],
        |role| {
            vec![
                role.name.as_str().into(),
                role.display_name.as_str().into(),
                yes(role.built_in),
                yes(role.assignable),
                role.permissions.len().to_string().into(),
            ]
        },
        "No role.",
    )
}

fn yes(is: bool) -> Value {
    if is { "yes" } else { "" }.into()
}

fn rows(role: &RoleDetail) -> Vec<(&'static str, Value)> {
    let permissions = role.permissions.iter().map(ToString::to_string).collect::<Vec<_>>();
    vec![
        ("Name", role.name.as_str().into()),
        ("Display name", role.display_name.as_str().into()),
        ("Description", role.description.as_str().into()),
        ("Built in", yes(role.built_in)),
        ("You may give it", yes(role.assignable)),
        ("Permissions", permissions.join(", ").into()),
        ("Id", role.id.inner().into()),
    ]
}

async fn permissions(context: &Context, client: &Client) -> Result<(), Failure> {
    let permissions = client.permissions().await?;
    context.output.list(
        &permissions,
        &["PERMISSION", "HELD BY", "ALLOWS"],
        |info: &PermissionInfo| {
            vec![info.permission.0.as_str().into(), state(&info.reach), info.description.as_str().into()]
        },
        "No permission.",
    )
}
