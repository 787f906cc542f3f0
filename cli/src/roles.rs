//! `roles`: permissions under a name, held in an organization or on the site.

use clap::{Args, Subcommand};
use guildhall_client::role::{CreateRoleInput, DeleteRoleInput, PermissionInfo, RoleDetail, UpdateRoleInput};
use guildhall_client::{Client, ClientError, Permission};

use crate::change::{Expected, Once, something};
use crate::context::Context;
use crate::failure::Failure;
use crate::names::{InOrganization, Scoped};
use crate::output::{Nothing, Value, counted, mark, state, yes_or_no};
use crate::words::{all_spoken, permissions, spoken};

/// The verbs of `guildhall roles`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Whoever makes or gives a role must hold every permission of it.

Examples:
  guildhall roles list --org data-platform
  guildhall roles permissions
  guildhall roles create group-keeper --org data-platform --permission group:create --permission group:update
  guildhall members roles ana --org data-platform --role group-keeper")]
pub enum Roles {
    /// List the roles that can be held in an organization, or on the site
    #[command(
        visible_alias = "ls",
        after_help = "\
Examples:
  guildhall roles list --org data-platform
  guildhall roles list --site"
    )]
    List {
        /// Those of the site
        #[arg(long, conflicts_with = "org")]
        site: bool,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Show a role with its permissions
    #[command(after_help = "\
Examples:
  guildhall roles show data-platform/group-keeper
  guildhall roles show organization-admin --org data-platform
  guildhall roles show auditor --site")]
    Show {
        /// NAME or ORG/NAME
        name: Scoped,
        /// One of the site
        #[arg(long, conflicts_with = "org")]
        site: bool,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Create a role of an organization
    #[command(after_help = "\
Examples:
  guildhall roles create data-platform/group-keeper --permission group:create --permission group:update
  guildhall roles create viewer --org data-platform --permission workspace:read --display-name 'Looks on'")]
    Create {
        /// Slug, or ORG/SLUG; it stays as it is
        name: Scoped,
        /// A permission to grant, e.g. group:create; may be repeated; `guildhall roles permissions` lists what there is
        #[arg(
            long = "permission",
            value_name = "PERMISSION",
            required = true,
            value_parser = permissions(),
            hide_possible_values = true
        )]
        permissions: Vec<Permission>,
        #[command(flatten)]
        texts: Texts,
        #[command(flatten)]
        organization: InOrganization,
        #[command(flatten)]
        once: Once,
    },
    /// Change a role of an organization, for whoever holds it
    #[command(
        visible_alias = "update",
        after_help = "\
Examples:
  guildhall roles edit data-platform/group-keeper --permission group:create --permission group:delete
  guildhall roles edit data-platform/group-keeper --description 'Keeps the groups' --expected-version 2"
    )]
    Edit {
        /// NAME or ORG/NAME
        name: Scoped,
        /// A permission to grant, e.g. group:create; may be repeated. Those that are not named are taken away
        #[arg(
            long = "permission",
            value_name = "PERMISSION",
            value_parser = permissions(),
            hide_possible_values = true
        )]
        permissions: Vec<Permission>,
        #[command(flatten)]
        texts: Texts,
        #[command(flatten)]
        organization: InOrganization,
        #[command(flatten)]
        expected: Expected,
    },
    /// Delete a role of an organization and take it from whoever holds it
    #[command(
        visible_alias = "rm",
        after_help = "\
Asks for its name, or needs --yes.

Examples:
  guildhall roles delete data-platform/group-keeper"
    )]
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

impl Roles {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List { site, organization } => list(context, site, &organization).await,
            Self::Show { name, site, organization } => {
                let client = context.client()?;
                let role = match site {
                    true => find_of_site(&client, &name).await?,
                    false => find(&client, &name, &organization).await?,
                };
                context.output.object(&role, rows(&role))
            }
            Self::Create { name, permissions, texts, organization, once } => {
                let client = context.client()?;
                let input = CreateRoleInput {
                    organization_id: organization.resolve_for(&client, &name).await?.id,
                    name: name.name,
                    display_name: texts.display_name,
                    description: texts.description,
                    permissions,
                    idempotency_key: once.idempotency_key,
                };
                let role = client.create_role(input).await?;
                context.output.done(&role, &format!("Created the role {} ({}).", role.name, role.id.inner()))
            }
            Self::Edit { name, permissions, texts, organization, expected } => {
                let Texts { display_name, description } = texts;
                let any = display_name.is_some() || description.is_some() || !permissions.is_empty();
                something(any, "roles edit")?;
                let client = context.client()?;
                let role = find(&client, &name, &organization).await?;
                let input = UpdateRoleInput {
                    role_id: role.id,
                    display_name,
                    description,
                    permissions: Some(permissions).filter(|permissions| !permissions.is_empty()),
                    expected_version: expected.given().or(role.version),
                };
                let role = client.update_role(input).await?;
                context.output.object(&role, rows(&role))
            }
            Self::Delete { name, organization } => {
                let client = context.client()?;
                let role = find(&client, &name, &organization).await?;
                context.confirm(&format!("the role {}", role.name), &role.name)?;
                let deleted = client.delete_role(DeleteRoleInput { role_id: role.id }).await?;
                let held = match deleted.taken_from.unwrap_or_default() {
                    0 => "nobody held".to_owned(),
                    some => format!("{} held", counted(some, "member")),
                };
                context.output.done(&deleted, &format!("Deleted the role {}, which {held}.", role.name))
            }
            Self::Permissions => list_permissions(context).await,
        }
    }
}

async fn find(client: &Client, name: &Scoped, organization: &InOrganization) -> Result<RoleDetail, Failure> {
    let organization = organization.resolve_for(client, name).await?;
    called(client.organization_roles(&organization.id).await?, &name.name)
}

async fn find_of_site(client: &Client, name: &Scoped) -> Result<RoleDetail, Failure> {
    if let Some(organization) = InOrganization::default().named(name)? {
        let message = format!(
            "--site is for roles of the site, but `{organization}/{}` is one of {organization}",
            name.name
        );
        return Err(Failure::usage(message));
    }
    called(client.site_roles().await?, &name.name)
}

fn called(roles: Vec<RoleDetail>, name: &str) -> Result<RoleDetail, Failure> {
    let found = roles.into_iter().find(|role| role.name.eq_ignore_ascii_case(name));
    Ok(found.ok_or_else(|| ClientError::NotFound { kind: "role", name: name.to_owned() })?)
}

async fn list(context: &Context, site: bool, organization: &InOrganization) -> Result<(), Failure> {
    let client = context.client()?;
    let roles = match site {
        true => client.site_roles().await?,
        false => client.organization_roles(&organization.resolve(&client).await?.id).await?,
    };
    context.output.list(
        &roles,
        &["NAME", "DISPLAY NAME", "BUILT IN", "YOU MAY GIVE IT", "PERMISSIONS"],
        |role| {
            vec![
                role.name.as_str().into(),
                role.display_name.as_str().into(),
                mark(role.built_in),
                mark(role.assignable),
                role.permissions.len().to_string().into(),
            ]
        },
        &Nothing::of("role"),
    )
}

fn rows(role: &RoleDetail) -> Vec<(&'static str, Value)> {
    let version = role.version.map(|version| version.to_string()).unwrap_or_default();
    vec![
        ("Name", role.name.as_str().into()),
        ("Display name", role.display_name.as_str().into()),
        ("Description", role.description.as_str().into()),
        ("Built in", yes_or_no(role.built_in)),
        ("You may give it", yes_or_no(role.assignable)),
        ("Permissions", all_spoken(&role.permissions).into()),
        ("Id", role.id.inner().into()),
        ("Version", version.into()),
    ]
}

async fn list_permissions(context: &Context) -> Result<(), Failure> {
    let permissions = context.client()?.permissions().await?;
    context.output.list(
        &permissions,
        &["PERMISSION", "HELD BY", "ALLOWS"],
        |info: &PermissionInfo| {
            vec![spoken(&info.permission).into(), state(&info.reach), info.description.as_str().into()]
        },
        &Nothing::of("permission"),
    )
}
