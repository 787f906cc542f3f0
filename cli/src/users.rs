//! `users`: people and service accounts of the whole deployment.

use clap::{Args, Subcommand};
use guildhall_client::Page;
use guildhall_client::user::{NewUser, User};

use crate::context::Context;
use crate::failure::Failure;
use crate::members::names;
use crate::output::{Value, state};
use crate::session::Password;

/// The verbs of `guildhall users`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall users create ana --email ana@example.com --name 'Ana Ruiz' --org data-platform
  guildhall users list
  guildhall users show ana")]
pub enum Users {
    /// Create a user; the password is asked for
    Create(Create),
    /// List the users that you can see
    #[command(visible_alias = "ls")]
    List,
    /// Show a user
    Show {
        /// Their username
        username: String,
    },
}

/// A new user.
#[derive(Debug, Args)]
pub struct Create {
    /// Slug: a-z, 0-9 and single hyphens, at most 32 characters
    username: String,
    /// Email address
    #[arg(long, value_name = "EMAIL")]
    email: String,
    /// Full name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A role in the whole deployment; may be repeated
    #[arg(long = "site-role", value_name = "ROLE")]
    site_roles: Vec<String>,
    /// An organization to join at once; may be repeated
    #[arg(long = "org", short = 'O', value_name = "ORG")]
    organizations: Vec<String>,
    #[command(flatten)]
    password: Password,
}

impl Users {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::List => list(context).await,
            Self::Show { username } => {
                let user = context.client()?.user(&username).await?;
                context.output.object(&user, rows(&user))
            }
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let mut organizations = Vec::new();
        for name in &self.organizations {
            organizations.push(client.organization(name).await?.id);
        }
        let password = Some(self.password.new_one(context.person)?);
        let Self { username, email, name, site_roles, .. } = self;
        let user = client
            .create_user(&NewUser { username, email, name, password, site_roles, organizations })
            .await?;
        let next = match self.organizations.first() {
            Some(_) => String::new(),
            None => format!(" Add them to an organization with `guildhall members add {}`.", user.username),
        };
        context
            .output
            .done(&user, &format!("Created the user {} ({}).{next}", user.username, user.id.inner()))
    }
}

async fn list(context: &Context) -> Result<(), Failure> {
    let client = context.client()?;
    let users = Page::all(usize::MAX, async |after| client.users(after).await).await?;
    context.output.list(
        &users,
        &["USERNAME", "NAME", "EMAIL", "STATUS", "ROLES", "LAST SEEN"],
        |user| {
            vec![
                user.username.as_str().into(),
                user.name.as_str().into(),
                user.email.clone().unwrap_or_default().into(),
                status(user),
                roles(user).into(),
                user.last_seen_at.into(),
            ]
        },
        "You can see no user. Create one with `guildhall users create USERNAME --email EMAIL`.",
    )
}

fn rows(user: &User) -> Vec<(&'static str, Value)> {
    vec![
        ("Username", user.username.as_str().into()),
        ("Name", user.name.as_str().into()),
        ("Email", user.email.clone().unwrap_or_default().into()),
        ("Status", status(user)),
        ("Roles", roles(user).into()),
        ("Service account", if user.is_service_account { "yes" } else { "no" }.into()),
        ("Id", user.id.inner().into()),
        ("Last seen", user.last_seen_at.into()),
        ("Created", user.created_at.into()),
    ]
}

fn status(user: &User) -> Value {
    user.status.as_ref().map_or_else(|| "".into(), state)
}

fn roles(user: &User) -> String {
    user.site_roles.as_deref().map(names).unwrap_or_default()
}
