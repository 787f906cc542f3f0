//! `tokens`: what programs carry for a user.

use clap::{Args, Subcommand};
use guildhall_client::api_token::{ApiToken, ApiTokenFilter, ApiTokenOrder, CreateApiTokenInput};
use guildhall_client::{Client, ClientError, DateTime, Permission};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::change::Once;
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{Order, Sorted};
use crate::output::{Nothing, Value};
use crate::time::future;
use crate::words::{all_spoken, permissions};

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
    #[command(after_help = "\
Examples:
  guildhall tokens create ci --org data-platform --scope template:update --scope template:create
  guildhall tokens create laptop --expires-at 30d
  guildhall tokens create nightly --user robot > robot.token")]
    Create(Create),
    /// List tokens, never their secrets
    #[command(
        visible_alias = "ls",
        after_help = "\
Examples:
  guildhall tokens list
  guildhall tokens list --user robot --sort newest"
    )]
    List {
        /// Whose; default: your own
        #[arg(long, value_name = "USERNAME")]
        user: Option<String>,
        #[command(flatten)]
        order: Sorted,
    },
    /// Revoke a token: it is refused from the next request on
    #[command(
        visible_alias = "rm",
        visible_alias = "delete",
        after_help = "\
Asks for its name, or needs --yes.

Examples:
  guildhall tokens revoke ci
  guildhall tokens revoke nightly --user robot"
    )]
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
    #[arg(long = "scope", value_name = "PERMISSION", value_parser = permissions(), hide_possible_values = true)]
    scopes: Vec<Permission>,
    /// The only organization in which it may do anything; default: all of the user's
    #[arg(long = "org", short = 'O', value_name = "ORG")]
    organization: Option<String>,
    /// When it ends by itself, within a year: a time, a day, or in how long (2027-01-31, 30d); default: in 90 days
    #[arg(long, value_name = "TIME", value_parser = future)]
    expires_at: Option<DateTime>,
    /// A service account that it is for; default: yourself
    #[arg(long, value_name = "USERNAME")]
    user: Option<String>,
    #[command(flatten)]
    once: Once,
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
            idempotency_key: self.once.idempotency_key,
        };
        let made = client.create_api_token(input).await?;
        let secret = made.secret.as_ref().map(ExposeSecret::expose_secret);
        let object = json!({ "apiToken": made.token, "secret": secret });
        let Some(secret) = secret else {
            let (token, user) = (&made.token.name, &made.token.user.username);
            return context.output.shown_before(&object, &format!(
                "The token {token} of {user} ({}) was made before with this idempotency key, and its secret was \
                 shown that once. Where it is lost, revoke the token with `guildhall tokens revoke {token} --user {user}` \
                 and make another.",
                made.token.id.inner(),
            ));
        };
        context.output.done(&object, secret)?;
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
                scopes(token),
                token.organization.as_ref().map_or("", |organization| organization.name.as_str()).into(),
                token.created_at.into(),
                token.last_used_at.into(),
                token.expires_at.into(),
            ]
        },
        &Nothing::of("token")
            .hint("No token that you can see. Make one with `guildhall tokens create NAME`."),
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

fn scopes(token: &ApiToken) -> Value {
    token.scopes.as_deref().map_or_else(|| "all".into(), |scopes| all_spoken(scopes).into())
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
