//! `templates access`: who may use or administer a template.

use std::fmt;

use clap::{Args, Subcommand, ValueEnum};
use guildhall_client::explain::AccessExplanation;
use guildhall_client::template_access::{
    SetTemplateAccessInput, Subject, TemplateAccess, TemplateAccessCandidate, TemplateAccessCandidateFilter,
    TemplateAccessInput, TemplateRole,
};
use guildhall_client::{Client, Page};

use super::find;
use crate::bulk;
use crate::context::Context;
use crate::explain::why;
use crate::failure::Failure;
use crate::listing::Limit;
use crate::names::{InOrganization, Scoped};
use crate::output::{Nothing, state, yes_or_no};
use crate::words::spoken;

/// The verbs of `guildhall templates access`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall templates access list data-platform/docker-dev
  guildhall templates access set docker-dev --org data-platform --user ana --role admin
  guildhall templates access set docker-dev --org data-platform --group analysts --role use
  guildhall templates access remove docker-dev --org data-platform --group everyone
  guildhall templates access candidates docker-dev --org data-platform --query an
  guildhall templates access explain docker-dev ana --org data-platform")]
pub enum Access {
    /// List who may use or administer a template
    #[command(
        visible_alias = "ls",
        after_help = "\
Examples:
  guildhall templates access list data-platform/docker-dev"
    )]
    List {
        /// NAME or ORG/NAME
        name: Scoped,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// List the members and groups that could be put on the list
    #[command(after_help = "\
Examples:
  guildhall templates access candidates data-platform/docker-dev
  guildhall templates access candidates data-platform/docker-dev --query an --limit 20")]
    Candidates {
        /// NAME or ORG/NAME
        name: Scoped,
        /// Only those with this text in their names
        #[arg(long, value_name = "TEXT")]
        query: Option<String>,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Show what a user may do to a template, and why
    #[command(after_help = "\
Examples:
  guildhall templates access explain data-platform/docker-dev
  guildhall templates access explain data-platform/docker-dev ana")]
    Explain {
        /// NAME or ORG/NAME
        name: Scoped,
        /// Whose access; default: your own
        username: Option<String>,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Let members and groups of the organization use or administer a template
    #[command(after_help = "\
Each of them is answered for itself; the exit code is 6 when some could not be set.

Examples:
  guildhall templates access set data-platform/docker-dev --user ana --user ben --role admin
  guildhall templates access set data-platform/docker-dev --group analysts --role use")]
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
    #[command(
        visible_alias = "rm",
        after_help = "\
Examples:
  guildhall templates access remove data-platform/docker-dev --user ana --group everyone"
    )]
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

/// One of them.
enum Who<'a> {
    User(&'a str),
    Group(&'a str),
}

impl<'a> Who<'a> {
    fn user(&self) -> Option<&'a str> {
        if let Self::User(name) = self { Some(name) } else { None }
    }

    fn group(&self) -> Option<&'a str> {
        if let Self::Group(name) = self { Some(name) } else { None }
    }
}

impl fmt::Display for Who<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::User(name) | Self::Group(name)) = self;
        out.write_str(name)
    }
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
            Self::Candidates { name, query, limit, organization } => {
                candidates(context, &client, &name, query, limit, &organization).await
            }
            Self::Explain { name, username, organization } => {
                explain(context, &client, &name, username.as_deref(), &organization).await
            }
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
            let [who, name] = subject(entry.subject.as_ref());
            vec![who.into(), name.into(), state(&entry.role), entry.created_at.into()]
        },
        &Nothing::of("entry").hint("Nobody is on the list: those whose role allows it use it."),
    )
}

/// What somebody is, and their name.
fn subject(subject: Option<&Subject>) -> [&str; 2] {
    match subject {
        Some(Subject::User(user)) => ["user", &user.username],
        Some(Subject::Group(group)) => ["group", &group.name],
        Some(Subject::Unknown) | None => ["", ""],
    }
}

async fn candidates(
    context: &Context,
    client: &Client,
    name: &Scoped,
    query: Option<String>,
    limit: Limit,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let template = find(client, name, organization).await?;
    let narrowed = query.is_some();
    let filter = TemplateAccessCandidateFilter { query };
    let page = async |after| client.template_access_candidates(&template.id, &filter, after).await;
    let found = limit.read(page).await?;
    context.output.list(
        &found,
        &["WHO", "NAME"],
        |candidate: &TemplateAccessCandidate| subject(candidate.subject.as_ref()).map(Into::into).into(),
        &Nothing::of("candidate").narrowed(narrowed).hint("Everybody of the organization is on the list."),
    )
}

async fn explain(
    context: &Context,
    client: &Client,
    name: &Scoped,
    username: Option<&str>,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let template = find(client, name, organization).await?;
    let user = match username {
        Some(username) => Some(client.user(username).await?.id),
        None => None,
    };
    let answers = client.template_access_of(&template.id, user).await?;
    context.output.list(
        &answers,
        &["PERMISSION", "ALLOWED", "WHY"],
        |answer: &AccessExplanation| {
            vec![spoken(&answer.permission).into(), yes_or_no(answer.allowed), why(answer).join(" ").into()]
        },
        &Nothing::of("permission"),
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
    let users = subjects.users.iter().map(|name| Who::User(name));
    let all = users.chain(subjects.groups.iter().map(|name| Who::Group(name))).collect::<Vec<_>>();
    bulk::each(
        context,
        &all,
        async |some| {
            // The users stand before the groups.
            let users: Vec<&str> = some.iter().filter_map(Who::user).collect();
            let groups: Vec<&str> = some.iter().filter_map(Who::group).collect();
            let of_user = |id| TemplateAccessInput { user_id: Some(id), group_id: None, role };
            let mut found = bulk::users(client, &users, of_user).await?;
            let of_group = |id| TemplateAccessInput { user_id: None, group_id: Some(id), role };
            found.extend(bulk::groups(client, &template.organization.id, &groups, of_group).await?);
            Ok(found)
        },
        async |entries| {
            let template_id = template.id.clone();
            client.set_template_access(SetTemplateAccessInput { template_id, entries }).await
        },
        |result| &result.user_errors,
        |name, result| match result.role {
            Some(TemplateRole::Use) => format!("{name} may use {} now.", template.name),
            Some(TemplateRole::Admin) => format!("{name} may administer {} now.", template.name),
            Some(TemplateRole::None) | None => {
                format!("{name} is not on the access list of {} any more.", template.name)
            }
        },
    )
    .await
}
