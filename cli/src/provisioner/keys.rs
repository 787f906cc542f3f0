//! `provisioner keys`.

use clap::{Args, Subcommand, ValueEnum};
use guildhall_client::provisioner_key::{
    CreateProvisionerKeyInput, End, NewProvisionerKey, ProvisionerKey, ProvisionerKeyFilter,
    ProvisionerKeyOrder, ProvisionerKeyState, UpdateProvisionerKeyInput,
};
use guildhall_client::{Client, ClientError, DateTime, Page};
use secrecy::ExposeSecret;
use serde_json::json;

use super::tags;
use crate::change::{Expected, Once, something};
use crate::context::Context;
use crate::failure::Failure;
use crate::listing::{Listing, Order};
use crate::names::{InOrganization, Scoped};
use crate::output::{Nothing, state};
use crate::parameters::{self, Pair};
use crate::time::{exact, future};

/// The verbs of `guildhall provisioner keys`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  guildhall provisioner keys create my-cluster --org data-platform
  guildhall provisioner keys create gpu --org data-platform --tag gpu=a100 > gpu.key
  guildhall provisioner keys edit data-platform/gpu --tag gpu=h200
  guildhall provisioner keys rotate data-platform/my-cluster --overlap-minutes 120 > my-cluster.key
  guildhall provisioner keys disable data-platform/my-cluster
  guildhall provisioner keys delete data-platform/my-cluster")]
pub enum Keys {
    /// Make a key and print its secret, once
    #[command(after_help = "\
Examples:
  guildhall provisioner keys create my-cluster --org data-platform > my-cluster.key
  guildhall provisioner keys create data-platform/gpu --tag gpu=a100 --expires-at 365d")]
    Create {
        /// Slug, or ORG/SLUG
        name: Scoped,
        /// A tag that its daemons carry; with tags they run only jobs that ask for some of them; may be repeated
        #[arg(long = "tag", value_name = "NAME=VALUE")]
        tags: Vec<Pair>,
        /// When it ends by itself: a time, a day, or in how long (2027-01-31, 365d); default: never
        #[arg(long, value_name = "TIME", value_parser = future)]
        expires_at: Option<DateTime>,
        #[command(flatten)]
        organization: InOrganization,
        #[command(flatten)]
        once: Once,
    },
    /// List the keys of an organization
    #[command(
        visible_alias = "ls",
        after_help = "\
Examples:
  guildhall provisioner keys list --org data-platform
  guildhall provisioner keys list --org data-platform --state expired"
    )]
    List {
        #[command(flatten)]
        listing: Listing,
        /// Only those in this state
        #[arg(long, value_name = "STATE")]
        state: Option<State>,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Show a key with its version; never its secret
    #[command(after_help = "\
Examples:
  guildhall provisioner keys show data-platform/my-cluster")]
    Show {
        /// NAME or ORG/NAME
        name: Scoped,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Change the name, the tags or the end of a key
    #[command(
        visible_alias = "update",
        after_help = "\
Examples:
  guildhall provisioner keys edit data-platform/gpu --rename a100 --tag gpu=a100
  guildhall provisioner keys edit data-platform/gpu --no-tags --expires-at 2027-01-31 --expected-version 2"
    )]
    Edit(Edit),
    /// Give a key a new secret and print it, once; the old one stays good for a while
    #[command(after_help = "\
Examples:
  guildhall provisioner keys rotate data-platform/my-cluster --overlap-minutes 120 > my-cluster.key")]
    Rotate {
        /// NAME or ORG/NAME
        name: Scoped,
        /// How many minutes the old secret stays good; 0 ends it at once
        #[arg(
            long,
            value_name = "MINUTES",
            default_value_t = 60,
            value_parser = clap::value_parser!(i32).range(0..=10080)
        )]
        overlap_minutes: i32,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Refuse a key until it is enabled again, which ends the sessions of its daemons
    #[command(after_help = "\
Examples:
  guildhall provisioner keys disable data-platform/my-cluster")]
    Disable {
        /// NAME or ORG/NAME
        name: Scoped,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Accept a disabled key again
    #[command(after_help = "\
Examples:
  guildhall provisioner keys enable data-platform/my-cluster")]
    Enable {
        /// NAME or ORG/NAME
        name: Scoped,
        #[command(flatten)]
        organization: InOrganization,
    },
    /// Delete a key, which ends the sessions of its daemons
    #[command(
        visible_alias = "rm",
        after_help = "\
Asks for its name, or needs --yes.

Examples:
  guildhall provisioner keys delete data-platform/my-cluster"
    )]
    Delete {
        /// NAME or ORG/NAME
        name: Scoped,
        #[command(flatten)]
        organization: InOrganization,
    },
}

/// A key and what is to change of it.
#[derive(Debug, Args)]
pub struct Edit {
    /// NAME or ORG/NAME
    name: Scoped,
    #[command(flatten)]
    change: Change,
    #[command(flatten)]
    organization: InOrganization,
    #[command(flatten)]
    expected: Expected,
}

/// What is to change of a key.
#[derive(Debug, Args)]
pub(crate) struct Change {
    /// A new name
    #[arg(long, value_name = "SLUG")]
    rename: Option<String>,
    /// A tag that its daemons are to carry, in place of those they carry; may be repeated
    #[arg(long = "tag", value_name = "NAME=VALUE")]
    tags: Vec<Pair>,
    /// Its daemons are to carry no tags
    #[arg(long, conflicts_with = "tags")]
    no_tags: bool,
    /// When it ends by itself: a time, a day, or in how long (2027-01-31, 365d)
    #[arg(long, value_name = "TIME", value_parser = future)]
    expires_at: Option<DateTime>,
    /// It never ends by itself
    #[arg(long, conflicts_with = "expires_at")]
    never_expires: bool,
}

/// Whether a key is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// It is.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody disabled it.
    Disabled,
}

impl From<State> for ProvisionerKeyState {
    fn from(state: State) -> Self {
        match state {
            State::Active => Self::Active,
            State::Expired => Self::Expired,
            State::Disabled => Self::Disabled,
        }
    }
}

impl Keys {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client()?;
        match self {
            Self::Create { name, tags, expires_at, organization, once } => {
                let organization = organization.resolve_for(&client, &name).await?;
                let input = CreateProvisionerKeyInput {
                    organization_id: organization.id,
                    name: name.name,
                    tags: parameters::tags(tags),
                    expires_at,
                    idempotency_key: once.idempotency_key,
                };
                create(context, &client, input, &organization.name).await
            }
            Self::List { listing, state, organization } => {
                list(context, &client, listing, state, &organization).await
            }
            Self::Show { name, organization } => show(context, &client, &name, &organization).await,
            Self::Edit(edit) => edit.run(context, &client).await,
            Self::Rotate { name, overlap_minutes, organization } => {
                rotate(context, &client, (&name, &organization), overlap_minutes).await
            }
            Self::Disable { name, organization } => {
                let (key, _) = find(&client, &name, &organization).await?;
                let key = client.disable_provisioner_key(&key.id).await?;
                let sentence = format!("Disabled the key {}; its daemons end within 30 seconds.", key.name);
                context.output.done(&key, &sentence)
            }
            Self::Enable { name, organization } => {
                let (key, _) = find(&client, &name, &organization).await?;
                let key = client.enable_provisioner_key(&key.id).await?;
                context.output.done(&key, &format!("Enabled the key {}.", key.name))
            }
            Self::Delete { name, organization } => delete(context, &client, &name, &organization).await,
        }
    }
}

async fn create(
    context: &Context,
    client: &Client,
    input: CreateProvisionerKeyInput,
    organization: &str,
) -> Result<(), Failure> {
    let made = client.create_provisioner_key(input).await?;
    reveal(context, client, &made, organization)
}

/// Prints a secret, the only time that it is to be had, and says so beside it.
fn reveal(
    context: &Context,
    client: &Client,
    made: &NewProvisionerKey,
    organization: &str,
) -> Result<(), Failure> {
    let secret = made.secret.as_ref().map(ExposeSecret::expose_secret);
    let object = json!({ "provisionerKey": made.key, "secret": secret });
    let Some(secret) = secret else {
        let place = format!("{organization}/{}", made.key.name);
        return context.output.shown_before(&object, &format!(
            "The key {place} ({}) was made before with this idempotency key, and its secret was shown that \
             once. Where it is lost, `guildhall provisioner keys rotate {place}` gives the key another; or delete the \
             key and make one anew.",
            made.key.id.inner(),
        ));
    };
    context.output.done(&object, secret)?;
    context.output.note(&format!(
        "This is the secret of the key {}. It will not be shown again: keep it safe. Use it with\n  \
         GUILDHALL_URL={} GUILDHALL_PROVISIONER_DAEMON_KEY=… guildhall provisionerd start --org {organization}",
        made.key.name,
        client.base_url(),
    ));
    Ok(())
}

async fn rotate(
    context: &Context,
    client: &Client,
    (name, organization): (&Scoped, &InOrganization),
    overlap_minutes: i32,
) -> Result<(), Failure> {
    let (key, organization) = find(client, name, organization).await?;
    let rotated = client.rotate_provisioner_key(&key.id, overlap_minutes).await?;
    reveal(context, client, &rotated, &organization)?;
    context.output.note(&match rotated.key.previous_secret_expires_at {
        Some(at) => format!("The secret before it is accepted until {}.", exact(at)),
        None => "The secret before it is not accepted any more.".to_owned(),
    });
    Ok(())
}

impl Edit {
    async fn run(self, context: &Context, client: &Client) -> Result<(), Failure> {
        let Change { rename, tags, no_tags, expires_at, never_expires } = self.change;
        let any = rename.is_some() || !tags.is_empty() || no_tags || expires_at.is_some() || never_expires;
        something(any, "provisioner keys edit")?;
        let (key, _) = find(client, &self.name, &self.organization).await?;
        let tags = (no_tags || !tags.is_empty()).then(|| parameters::tags(tags));
        let expires_at = if never_expires { Some(End(None)) } else { expires_at.map(|at| End(Some(at))) };
        let input = UpdateProvisionerKeyInput {
            provisioner_key_id: key.id,
            name: rename,
            tags,
            expires_at,
            expected_version: Some(self.expected.or(key.version)),
        };
        let key = client.update_provisioner_key(input).await?;
        context.output.done(&key, &format!("Changed the key {}.", key.name))
    }
}

async fn show(
    context: &Context,
    client: &Client,
    name: &Scoped,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let (key, organization) = find(client, name, organization).await?;
    let by = key.created_by.as_ref().map_or("", |user| user.username.as_str());
    let rows = vec![
        ("Name", key.name.as_str().into()),
        ("Organization", organization.into()),
        ("State", state(&key.state)),
        ("Tags", tags(&key.tags).into()),
        ("Version", key.version.to_string().into()),
        ("Id", key.id.inner().into()),
        ("Created by", by.into()),
        ("Created", key.created_at.into()),
        ("Last used", key.last_used_at.into()),
        ("Expires", key.expires_at.into()),
        ("Old secret until", key.previous_secret_expires_at.into()),
    ];
    context.output.object(&key, rows)
}

/// The key of a name, and the name of its organization.
async fn find(
    client: &Client,
    name: &Scoped,
    organization: &InOrganization,
) -> Result<(ProvisionerKey, String), Failure> {
    let organization = organization.resolve_for(client, name).await?;
    let filter = ProvisionerKeyFilter::called(&name.name);
    let page = client.provisioner_keys(&organization.id, &filter, ProvisionerKeyOrder::NameAsc, None).await?;
    Ok((one_called(page, &name.name)?, organization.name))
}

async fn list(
    context: &Context,
    client: &Client,
    listing: Listing,
    only: Option<State>,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let organization = organization.resolve(client).await?;
    let only = only.map(ProvisionerKeyState::from);
    let narrowed = listing.query.is_some() || only.is_some();
    let filter = ProvisionerKeyFilter { name: None, query: listing.query, state: only };
    let order = Order::of(listing.order.sort);
    let page = async |after| client.provisioner_keys(&organization.id, &filter, order, after).await;
    let keys = listing.order.limit.read(page).await?;
    context.output.list(
        &keys,
        &["NAME", "STATE", "TAGS", "CREATED BY", "CREATED", "LAST USED", "EXPIRES"],
        |key| {
            vec![
                key.name.as_str().into(),
                state(&key.state),
                tags(&key.tags).into(),
                key.created_by.as_ref().map_or("", |user| user.username.as_str()).into(),
                key.created_at.into(),
                key.last_used_at.into(),
                key.expires_at.into(),
            ]
        },
        &Nothing::of("key").narrowed(narrowed).hint(format!(
            "No key found. Make one with `guildhall provisioner keys create NAME --org {}`.",
            organization.name
        )),
    )
}

async fn delete(
    context: &Context,
    client: &Client,
    name: &Scoped,
    organization: &InOrganization,
) -> Result<(), Failure> {
    let (key, _) = find(client, name, organization).await?;
    context.confirm(&format!("the key {} and ends the sessions of its daemons", key.name), &key.name)?;
    let deleted = client.delete_provisioner_key(&key.id).await?;
    let sentence = format!("Deleted the key {}.", key.name);
    context.output.done(&json!({ "deletedProvisionerKeyId": deleted }), &sentence)
}

fn one_called(page: Page<ProvisionerKey>, name: &str) -> Result<ProvisionerKey, Failure> {
    let found = page.nodes.into_iter().find(|key| key.name.eq_ignore_ascii_case(name));
    Ok(found.ok_or_else(|| ClientError::NotFound { kind: "provisioner key", name: name.to_owned() })?)
}
