//! `templates access`: who may use or administer a template.

use clap::{Args, Subcommand, ValueEnum};
use guildhall_client::template_access::{
    SetTemplateAccessInput, Subject, TemplateAccess, TemplateAccessInput, TemplateRole,
};
use guildhall_client::{Client, Page};

use super::find;
use crate::bulk::report;
use crate::context::Context;
use crate::failure::Failure;
use crate::names::{InOrganization, Scoped};
use crate::output::state;

/// The verbs of `guildhall templates access`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall templates access list data-platform/docker-dev
  guildhall templates access set docker-dev --org data-platform --user ana --role admin
  guildhall templates access set docker-dev --org data-platform --group analysts --role use
  guildhall templates access remove docker-dev --org data-platform --group everyone")]
pub enum Access {
    /// List who may use or administer a template
    #[command(visible_alias = "ls")]
    List {
        /// NAME or ORG/NAME
        name: Scoped,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Let members and groups of the organization use or administer a template
    Set {
        /// NAME or ORG/NAME
        name: Scoped,
        #[command(flatten)]
        subjects: Subjects,
        /// What they may do
        #[arg(long, value_enum)]
        role: Given,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Take members and groups off the list
    #[command(visible_alias = "rm")]
    Remove {
        /// NAME or ORG/NAME
        name: Scoped,
        #[command(flatten)]
        subjects: Subjects,
        #[command(flatten)]
        organization: InOrganization,
    },
}

/// Who is meant.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct Subjects {
    /// A member, by username; may be repeated
    #[arg(long = "user", value_name = "USERNAME")]
    users: Vec<String>,
    /// A group, by name; may be repeated. `everyone` is everybody in the organization
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
}

/// What can be given.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Given {
    /// See the template and create workspaces from it
    Use,
    /// Also change it, its versions and its access list
    Admin,
}

impl Access {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        match self {
            Self::List { name, organization } => list(context, &client, &name, &organization).await,
            Self::Set { name, subjects, role, organization } => {
                let role = match role {
                    Given::Use => TemplateRole::Use,
                    Given::Admin => TemplateRole::Admin,
                };
                set(context, &client, &name, &subjects, role, &organization).await
            }
            Self::Remove { name, subjects, organization } => {
                set(context, &client, &name, &subjects, TemplateRole::None, &organization).await
            }
        }
    }
}

async fn list(
    context: &Context,
    client: &Client,
    name: &Scoped,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let template = find(client, name, organization).await?;
    let page = async |after| client.template_access(&template.id, after).await;
    let entries = Page::all(usize::MAX, page).await?;
    context.output.list(
        &entries,
        &["WHO", "NAME", "ROLE", "SINCE"],
        |entry: &TemplateAccess| {
            let (who, name) = match &entry.subject {
                Some(Subject::User(user)) => ("user", user.username.as_str()),
                Some(Subject::Group(group)) => ("group", group.name.as_str()),
                Some(Subject::Unknown) | None => ("", ""),
            };
            vec![who.into(), name.into(), state(&entry.role), entry.created_at.into()]
        },
        "Nobody is on the list: those whose role allows it use it.",
    )
}

async fn set(
    context: &Context,
    client: &Client,
    name: &Scoped,
    subjects: &Subjects,
    role: TemplateRole,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let template = find(client, name, organization).await?;
    let mut names = Vec::new();
    let mut entries = Vec::new();
    for username in &subjects.users {
        let user_id = Some(client.user(username).await?.id);
        names.push(username.clone());
        entries.push(TemplateAccessInput { user_id, group_id: None, role });
    }
    for group in &subjects.groups {
        let scoped = Scoped { organization: Some(template.organization.name.clone()), name: group.clone() };
        let group_id = Some(crate::groups::find(client, &scoped, &InOrganization::default()).await?.id);
        names.push(group.clone());
        entries.push(TemplateAccessInput { user_id: None, group_id, role });
    }
    let input = SetTemplateAccessInput { template_id: template.id.clone(), entries };
    let results = client.set_template_access(input).await?;
    report(
        context,
        &names,
        &results,
        |result| &result.user_errors,
        |name, result| match result.role {
            Some(TemplateRole::Use) => format!("{name} may use {} now.", template.name),
            Some(TemplateRole::Admin) => format!("{name} may administer {} now.", template.name),
            Some(TemplateRole::None) | None => {
                format!("{name} is not on the access list of {} any more.", template.name)
            }
        },
    )
}
