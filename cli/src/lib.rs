//! The command line: one module per noun, each a client of the public API.
//!
//! The binary flattens [`Globals`] and [`Command`] into its own parser, next to the commands that need the server
//! itself, passes that through [`dressed`], and hands what was parsed to [`run`]. Three commands are parsed here and run there: [`provisionerd`], which
//! needs the daemon, [`completion`] and [`manual`], which need the whole parser.
//!
//! Results go to the output stream, as a table or, with `-o json`, as JSON in the shapes of the API. Questions,
//! progress and errors go to the error stream. How a command ends is told by its exit code ([`EXIT_CODES`]).

pub mod completion;
pub mod manual;
pub mod provisionerd;

mod api;
mod audit;
mod bulk;
mod can;
mod change;
mod context;
mod credentials;
mod events;
mod explain;
mod failure;
mod follow;
mod globals;
mod groups;
mod help;
mod hidden;
mod listing;
mod members;
mod names;
mod numbers;
mod object;
mod organizations;
mod output;
mod parameters;
mod prompt;
mod provisioner;
mod quota;
mod roles;
mod session;
mod spinner;
mod templates;
mod time;
mod tokens;
mod untrusted;
mod users;
mod words;
mod workspaces;

use std::process::ExitCode;

use clap::Subcommand;

pub use failure::EXIT_CODES;
pub use globals::{Format, Globals};
pub use help::dressed;

use context::Context;
use failure::{Exit, Failure};

/// Commands that talk to a server.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Sign in to a server and remember it
    Login(session::Login),
    /// End the session with the server and forget it
    Logout(session::Logout),
    /// Show who is signed in, and where
    Whoami(session::Whoami),
    /// Create and change organizations
    #[command(subcommand, visible_alias = "orgs", alias = "org", alias = "organization")]
    Organizations(organizations::Organizations),
    /// Who belongs to an organization, with which roles, and what becomes of their things when they leave
    #[command(subcommand, alias = "member")]
    Members(members::Members),
    /// Roles, the permissions that they grant, and custom ones
    #[command(subcommand, alias = "role")]
    Roles(roles::Roles),
    /// Create and change users, end their sessions
    #[command(subcommand, alias = "user")]
    Users(users::Users),
    /// API tokens: what programs carry for a user
    #[command(subcommand, alias = "token")]
    Tokens(tokens::Tokens),
    /// Explain what a user may do to something, and why
    Explain(explain::Explain),
    /// What you may do yourself: a list, or yes or no
    Can(can::Can),
    /// Groups of members, and who is in them
    #[command(subcommand, alias = "group")]
    Groups(groups::Groups),
    /// Budgets, and what workspaces use of them
    #[command(subcommand, alias = "quotas")]
    Quota(quota::QuotaCommand),
    /// Read and export the audit log
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Follow what happens in an organization
    Events(events::Events),
    /// Keys for provisioner daemons, the daemons and their jobs
    #[command(subcommand, alias = "provisioners")]
    Provisioner(provisioner::Provisioner),
    /// Push templates and look at their versions
    #[command(subcommand, alias = "template")]
    Templates(templates::Templates),
    /// Create, start, stop and delete workspaces
    #[command(subcommand, visible_alias = "ws", alias = "workspace")]
    Workspaces(workspaces::Workspaces),
    /// Call the API directly
    #[command(subcommand)]
    Api(api::Api),
}

/// Runs a command to its end. Never panics; what went wrong is on the error stream and in the exit code.
pub async fn run(command: Command, globals: Globals) -> ExitCode {
    match run_in(command, &Context::new(globals)).await {
        None => ExitCode::SUCCESS,
        Some(exit) => exit.into(),
    }
}

/// Runs a command and says what went wrong, if anything did.
async fn run_in(command: Command, context: &Context) -> Option<Exit> {
    let failure = dispatch(command, context).await.err()?;
    context.output.failure(&failure);
    Some(failure.exit)
}

async fn dispatch(command: Command, context: &Context) -> Result<(), Failure> {
    match command {
        Command::Login(login) => login.run(context).await,
        Command::Logout(logout) => logout.run(context).await,
        Command::Whoami(whoami) => whoami.run(context).await,
        Command::Organizations(organizations) => organizations.run(context).await,
        Command::Members(members) => members.run(context).await,
        Command::Roles(roles) => roles.run(context).await,
        Command::Users(users) => users.run(context).await,
        Command::Tokens(tokens) => tokens.run(context).await,
        Command::Groups(groups) => groups.run(context).await,
        Command::Explain(explain) => explain.run(context).await,
        Command::Can(can) => can.run(context).await,
        Command::Quota(quota) => quota.run(context).await,
        Command::Audit(audit) => audit.run(context).await,
        Command::Events(events) => events.run(context).await,
        Command::Provisioner(provisioner) => provisioner.run(context).await,
        Command::Templates(templates) => templates.run(context).await,
        Command::Workspaces(workspaces) => workspaces.run(context).await,
        Command::Api(api) => api.run(context).await,
    }
}

#[cfg(test)]
mod tests;
