//! Changes to users: who they are, what they may, whether they are there at all.

use clap::Args;
use guildhall_client::account::UpdateUserInput;
use secrecy::SecretString;
use serde_json::json;

use super::rows;
use crate::change::{Expected, something};
use crate::context::Context;
use crate::failure::Failure;
use crate::globals::{secret, secret_or_file};
use crate::members::names;
use crate::session::Password;

/// What to change about a user.
#[derive(Debug, Args)]
pub struct Changes {
    /// A new username: the old one is free then
    #[arg(long = "rename", value_name = "USERNAME")]
    new_username: Option<String>,
    /// A new email address
    #[arg(long, value_name = "EMAIL")]
    email: Option<String>,
    /// A new full name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// An emoji, `https:` URL or site path
    #[arg(long, value_name = "ICON", alias = "avatar-url")]
    icon: Option<String>,
}

/// Roles that a user shall have in the whole deployment.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct NewRoles {
    /// A role; may be repeated
    #[arg(long = "role", value_name = "ROLE", alias = "site-role")]
    site_roles: Vec<String>,
    /// No role
    #[arg(long)]
    none: bool,
}

/// Whose password, and what it shall be.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  guildhall users password
  guildhall users password ana --password-file new-password.txt")]
pub struct NewPassword {
    /// Somebody else, whose password is to be reset; default: your own, with the current one
    username: Option<String>,
    /// A file that holds your current password; asked for when absent
    #[arg(long, value_name = "FILE", conflicts_with = "username")]
    current_password_file: Option<std::path::PathBuf>,
    /// From the environment alone: an option would show it to everybody on the machine
    #[arg(
        long,
        env = "GUILDHALL_CURRENT_PASSWORD",
        hide = true,
        hide_env_values = true,
        value_parser = secret
    )]
    current_password: Option<SecretString>,
    #[command(flatten)]
    password: Password,
}

pub(super) async fn edit(
    context: &Context,
    username: &str,
    changes: Changes,
    expected: Expected,
) -> Result<(), Failure> {
    let Changes { new_username, email, name, icon } = changes;
    let any = [&new_username, &email, &name, &icon].into_iter().any(Option::is_some);
    something(any, "users edit")?;
    let client = context.client()?;
    let current = client.user(username).await?;
    let input = UpdateUserInput {
        user_id: current.id,
        username: new_username,
        email,
        name,
        avatar_url: icon,
        expected_version: Some(expected.or(current.version)),
    };
    let user = client.update_user(input).await?;
    context.output.object(&user, rows(&user))
}

pub(super) async fn set_roles(context: &Context, username: &str, roles: NewRoles) -> Result<(), Failure> {
    let client = context.client()?;
    let user = client.user(username).await?;
    let user = client.set_user_site_roles(&user.id, roles.site_roles).await?;
    let sentence = match names(user.site_roles.as_deref().unwrap_or_default()) {
        none if none.is_empty() => format!("{} has no role in the whole deployment any more.", user.username),
        roles => format!("{} has these roles in the whole deployment: {roles}.", user.username),
    };
    context.output.done(&user, &sentence)
}

pub(super) async fn suspend(context: &Context, username: &str) -> Result<(), Failure> {
    let client = context.client()?;
    let user = client.suspend_user(&client.user(username).await?.id).await?;
    let sentence =
        format!("Suspended {}: their sessions have ended, their tokens are refused.", user.username);
    context.output.done(&user, &sentence)
}

pub(super) async fn activate(context: &Context, username: &str) -> Result<(), Failure> {
    let client = context.client()?;
    let user = client.activate_user(&client.user(username).await?.id).await?;
    context.output.done(&user, &format!("{} may act again.", user.username))
}

pub(super) async fn delete(context: &Context, username: &str) -> Result<(), Failure> {
    let client = context.client()?;
    let user = client.user(username).await?;
    context.confirm(&format!("the user {}", user.username), &user.username)?;
    let deleted = client.delete_user(&user.id).await?;
    let sentence = format!("Deleted the user {}.", user.username);
    context.output.done(&json!({ "deletedUserId": deleted }), &sentence)
}

impl NewPassword {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        let Some(username) = &self.username else {
            let given =
                secret_or_file(self.current_password.as_ref(), self.current_password_file.as_deref())?;
            let current = match given {
                Some(password) => password,
                None => {
                    let instead = "set GUILDHALL_CURRENT_PASSWORD or pass --current-password-file";
                    context.person.secret("Current password", instead)?
                }
            };
            let new = self.password.new_one(context.person)?;
            let user = client.change_password(&current, &new).await?;
            return context.output.done(&user, "Changed your password; your other sessions have ended.");
        };
        let user = client.user(username).await?;
        let new = self.password.new_one(context.person)?;
        let user = client.reset_password(&user.id, &new).await?;
        let sentence = format!("Reset the password of {}; their sessions have ended.", user.username);
        context.output.done(&user, &sentence)
    }
}
