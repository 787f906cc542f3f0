//! `users`: people and service accounts of the whole deployment.

mod change;
mod sessions;

use clap::{Args, Subcommand, ValueEnum};
use guildhall_client::user::{NewUser, User, UserFilter, UserOrder, UserStatus};

use crate::change::{Expected, Once};
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::Limit;
use crate::members::{listed, names};
use crate::output::{Nothing, Value, state, yes_or_no};
use crate::session::Password;

/// The verbs of `guildhall users`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall users create ana --email ana@example.com --name 'Ana Ruiz' --org data-platform
  guildhall users create robot --service-account --org data-platform
  guildhall users list --status suspended
  guildhall users roles ana --role auditor
  guildhall users password
  guildhall users sessions --end-all")]
pub enum Users {
    /// Create a user; the password is asked for
    #[command(after_help = "\
Examples:
  guildhall users create ana --email ana@example.com --name 'Ana Ruiz' --org data-platform
  guildhall users create ben --email ben@example.com --role auditor --password-stdin < password.txt
  guildhall users create robot --service-account --org data-platform")]
    Create(Create),
    /// List the users that you can see
    #[command(
        visible_alias = "ls",
        after_help = "\
Examples:
  guildhall users list --status suspended
  guildhall users list --role owner
  guildhall users list --query an --sort last-seen --limit 20"
    )]
    List(Which),
    /// Show a user
    #[command(after_help = "\
Examples:
  guildhall users show ana")]
    Show {
        /// Their username
        username: String,
    },
    /// Change who a user is
    #[command(
        visible_alias = "update",
        after_help = "\
Examples:
  guildhall users edit ana --name 'Ana Ruiz' --icon 🦉
  guildhall users edit ana --rename ana-ruiz --expected-version 2"
    )]
    Edit {
        /// Their username
        username: String,
        #[command(flatten)]
        changes: change::Changes,
        #[command(flatten)]
        expected: Expected,
    },
    /// Replace the roles of a user in the whole deployment
    #[command(after_help = "\
Roles in one organization are given with `guildhall members roles`.

Examples:
  guildhall users roles ana --role auditor --role template-admin
  guildhall users roles ana --none")]
    Roles {
        /// Their username
        username: String,
        #[command(flatten)]
        roles: change::NewRoles,
    },
    /// Change your password, or reset somebody else's
    Password(change::NewPassword),
    /// List where you are signed in, or somebody else, and end sessions
    Sessions(sessions::Sessions),
    /// Take every permission from a user
    #[command(after_help = "\
Examples:
  guildhall users suspend ana")]
    Suspend {
        /// Their username
        username: String,
    },
    /// Let a suspended user act again
    #[command(after_help = "\
Examples:
  guildhall users activate ana")]
    Activate {
        /// Their username
        username: String,
    },
    /// Delete a user who owns no workspace
    #[command(
        visible_alias = "rm",
        after_help = "\
Asks for their username, or needs --yes.

Examples:
  guildhall users delete ana"
    )]
    Delete {
        /// Their username
        username: String,
    },
}

/// Which users, in which order.
#[derive(Debug, Args)]
pub struct Which {
    /// Only those whose username or name contains this
    #[arg(long, value_name = "TEXT")]
    query: Option<String>,
    /// Only those with this status
    #[arg(long)]
    status: Option<Status>,
    /// Only those who hold this role in the whole deployment
    #[arg(long, value_name = "ROLE", alias = "site-role")]
    role: Option<String>,
    /// Only service accounts
    #[arg(long)]
    service_accounts: bool,
    /// What comes first
    #[arg(long, default_value = "username")]
    sort: Sort,
    #[command(flatten)]
    limit: Limit,
}

/// Whether users may act.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Status {
    Active,
    Dormant,
    Suspended,
}

/// What comes first.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sort {
    /// By username, a to z
    #[value(alias = "name")]
    Username,
    /// The newest
    #[value(alias = "created")]
    Newest,
    /// The oldest
    Oldest,
    /// Who was last seen
    LastSeen,
}

/// A new user.
#[derive(Debug, Args)]
pub struct Create {
    /// Slug: a-z, 0-9 and single hyphens, at most 32 characters
    username: String,
    /// Email address; only a service account may be without
    #[arg(long, value_name = "EMAIL", required_unless_present = "service_account")]
    email: Option<String>,
    /// An account for programs, which carry API tokens; it has no password
    #[arg(long, conflicts_with_all = ["password_stdin", "password_file"])]
    service_account: bool,
    /// Full name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A role in the whole deployment; may be repeated
    #[arg(long = "role", value_name = "ROLE", alias = "site-role")]
    site_roles: Vec<String>,
    /// An organization to join at once; may be repeated
    #[arg(long = "org", short = 'O', value_name = "ORG")]
    organizations: Vec<String>,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    once: Once,
}

impl Users {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::List(which) => list(context, which).await,
            Self::Edit { username, changes, expected } => {
                change::edit(context, &username, changes, expected).await
            }
            Self::Roles { username, roles } => change::set_roles(context, &username, roles).await,
            Self::Password(password) => password.run(context).await,
            Self::Sessions(sessions) => sessions.run(context).await,
            Self::Suspend { username } => change::suspend(context, &username).await,
            Self::Activate { username } => change::activate(context, &username).await,
            Self::Delete { username } => change::delete(context, &username).await,
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
        let password = if self.service_account { None } else { Some(self.password.new_one(context.person)?) };
        let Self { username, email, service_account, name, site_roles, once, .. } = self;
        let new = NewUser {
            username,
            email,
            name,
            password,
            service_account,
            site_roles,
            organizations,
            idempotency_key: once.idempotency_key,
        };
        let user = client.create_user(&new).await?;
        let next = match self.organizations.first() {
            _ if service_account => {
                format!(" Make a token for it with `guildhall tokens create NAME --user {}`.", user.username)
            }
            Some(_) => String::new(),
            None => format!(" Add them to an organization with `guildhall members add {}`.", user.username),
        };
        context
            .output
            .done(&user, &format!("Created the user {} ({}).{next}", user.username, user.id.inner()))
    }
}

async fn list(context: &Context, which: Which) -> Result<(), Failure> {
    let client = context.client()?;
    let filter = UserFilter {
        query: which.query,
        is_service_account: which.service_accounts.then_some(true),
        status: which.status.map(|status| match status {
            Status::Active => UserStatus::Active,
            Status::Dormant => UserStatus::Dormant,
            Status::Suspended => UserStatus::Suspended,
        }),
        site_role: which.role,
        usernames: None,
    };
    let narrowed = filter.query.is_some()
        || filter.status.is_some()
        || filter.site_role.is_some()
        || filter.is_service_account.is_some();
    let order = match which.sort {
        Sort::Username => UserOrder::UsernameAsc,
        Sort::Newest => UserOrder::CreatedAtDesc,
        Sort::Oldest => UserOrder::CreatedAtAsc,
        Sort::LastSeen => UserOrder::LastSeenAtDesc,
    };
    let users = which.limit.read(async |after| client.users(&filter, order, after).await).await?;
    context.output.list(
        &users,
        &["USERNAME", "NAME", "EMAIL", "STATUS", "ROLES", "LAST SEEN"],
        |user| {
            vec![
                user.username.as_str().into(),
                user.name.as_str().into(),
                user.email.clone().unwrap_or_default().into(),
                status(user),
                user.site_roles.as_deref().map(names).unwrap_or_default().into(),
                user.last_seen_at.into(),
            ]
        },
        &Nothing::of("user").narrowed(narrowed).hint(
            "No user that you can see. Create one with `guildhall users create USERNAME --email EMAIL`.",
        ),
    )
}

fn rows(user: &User) -> Vec<(&'static str, Value)> {
    vec![
        ("Username", user.username.as_str().into()),
        ("Name", user.name.as_str().into()),
        ("Email", user.email.clone().unwrap_or_default().into()),
        ("Status", status(user)),
        ("Roles", listed(user.site_roles.as_deref())),
        ("Service account", yes_or_no(user.is_service_account)),
        ("Id", user.id.inner().into()),
        ("Version", user.version.to_string().into()),
        ("Last seen", user.last_seen_at.into()),
        ("Created", user.created_at.into()),
    ]
}

fn status(user: &User) -> Value {
    user.status.as_ref().map_or_else(|| "".into(), state)
}
