//! `tokens`: what programs carry for a user.

use clap::{Args, Subcommand};
use guildhall_client::api_token::{ApiToken, ApiTokenFilter, ApiTokenOrder, CreateApiTokenInput};
use guildhall_client::{Client, ClientError, DateTime, Permission};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{Order, Sorted};

/// The verbs of `guildhall tokens`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall tokens create ci --org data-platform --scope template:update --scope template:create
  guildhall tokens create nightly --user robot > robot.token
  guildhall tokens list
  guildhall tokens revoke ci

A program uses a token as GUILDHALL_TOKEN, or as the header `Authorization: Bearer …`.")]
pub enum Tokens {
    /// Make a token and print its secret, once
    Create(Create),
    /// List tokens, never their secrets
    #[command(visible_alias = "ls")]
    List {
        /// Whose; default: your own
        #[arg(long, value_name = "USERNAME")]
        user: Option<String>,
        #[command(flatten)]
        order: Sorted,
    },
    /// Revoke a token: it is refused from the next request on
    #[command(visible_alias = "rm")]
    Revoke {
        /// Its name
        name: String,
        /// Whose; default: your own
        #[arg(long, value_name = "USERNAME")]
        user: Option<String>,
    },
}

/// A new token.
#[derive(Debug, Args)]
pub struct Create {
    /// Slug: a-z, 0-9 and single hyphens, at most 32 characters
    name: String,
    /// The only permission that it leaves, e.g. workspace:start; may be repeated; default: all of the user's
    #[arg(long = "scope", value_name = "RESOURCE:ACTION", value_parser = scope)]
    scopes: Vec<Permission>,
    /// The only organization in which it may do anything; default: all of the user's
    #[arg(long = "org", short = 'O', value_name = "ORG")]
    organization: Option<String>,
    /// When it ends by itself, within a year, e.g. 2027-01-31T00:00:00Z; default: in 90 days
    #[arg(long, value_name = "TIME")]
    expires_at: Option<DateTime>,
    /// A service account that it is for; default: yourself
    #[arg(long, value_name = "USERNAME")]
    user: Option<String>,
}

/// `workspace:start` or `WORKSPACE_START`.
fn scope(text: &str) -> Result<Permission, String> {
    let name = text.trim().to_uppercase().replace([':', '-'], "_");
    if name.contains('_') && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
        Ok(Permission(name))
    } else {
        Err("expected RESOURCE:ACTION, e.g. workspace:start".to_owned())
    }
}

impl Tokens {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        match self {
            Self::Create(create) => create.run(context, &client).await,
            Self::List { user, order } => list(context, &client, user, &order).await,
            Self::Revoke { name, user } => revoke(context, &client, &name, user).await,
        }
    }
}

impl Create {
    async fn run(self, context: &Context, client: &Client) -> Result<(), Failure> {
        let user_id = match &self.user {
            Some(username) => Some(client.user(username).await?.id),
            None => None,
        };
        let organization_id = match &self.organization {
            Some(name) => Some(client.organization(name).await?.id),
            None => None,
        };
        let input = CreateApiTokenInput {
            user_id,
            name: self.name,
            scopes: Some(self.scopes).filter(|scopes| !scopes.is_empty()),
            organization_id,
            expires_at: self.expires_at,
        };
        let made = client.create_api_token(input).await?;
        let secret = made.secret.expose_secret();
        context.output.done(&json!({ "apiToken": made.token, "secret": secret }), secret)?;
        context.output.note(&format!(
            "This is the secret of the token {}, for {}. It will not be shown again: keep it safe. Use it with\n  \
             GUILDHALL_URL={} GUILDHALL_TOKEN=… guildhall whoami",
            made.token.name,
            made.token.user.username,
            client.base_url(),
        ));
        Ok(())
    }
}

async fn list(
    context: &Context,
    client: &Client,
    user: Option<String>,
    sorted: &Sorted,
) -> Result<(), Failure> {
    let user = whose(client, user).await?;
    let (filter, order) = (ApiTokenFilter::default(), Order::of(sorted.sort));
    let page = async |after| client.api_tokens(&user, &filter, order, after).await;
    let tokens = sorted.limit.read(page).await?;
    context.output.list(
        &tokens,
        &["NAME", "SCOPES", "ORGANIZATION", "CREATED", "LAST USED", "EXPIRES"],
        |token| {
            vec![
                token.name.as_str().into(),
                scopes(token).into(),
                token.organization.as_ref().map_or("", |organization| organization.name.as_str()).into(),
                token.created_at.into(),
                token.last_used_at.into(),
                token.expires_at.into(),
            ]
        },
        "No token that you can see. Make one with `guildhall tokens create NAME`.",
    )
}

async fn revoke(context: &Context, client: &Client, name: &str, user: Option<String>) -> Result<(), Failure> {
    let user = whose(client, user).await?;
    let page = client.api_tokens(&user, &ApiTokenFilter::called(name), ApiTokenOrder::NameAsc, None).await?;
    let found = page.nodes.into_iter().next();
    let token = found.ok_or_else(|| ClientError::NotFound { kind: "token", name: name.to_owned() })?;
    context.confirm(&format!("the token {} of {user}", token.name), &token.name)?;
    let revoked = client.revoke_api_token(&token.id).await?;
    let sentence = format!("Revoked the token {} of {user}.", token.name);
    context.output.done(&json!({ "revokedApiTokenId": revoked }), &sentence)
}

fn scopes(token: &ApiToken) -> String {
    let Some(scopes) = &token.scopes else { return "all".to_owned() };
    scopes.iter().map(|scope| scope.0.to_lowercase()).collect::<Vec<_>>().join(", ")
}

/// The user that is meant: the one named, or the signed-in one.
pub(crate) async fn whose(client: &Client, named: Option<String>) -> Result<String, Failure> {
    if let Some(username) = named {
        return Ok(username);
    }
    let viewer = client.viewer().await?;
    let viewer = viewer.ok_or_else(|| Failure::usage("the token in use belongs to no user: name one"))?;
    Ok(viewer.username)
}
