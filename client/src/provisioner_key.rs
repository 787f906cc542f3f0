//! Keys that let provisioner daemons serve an organization.

use secrecy::SecretString;
use serde::Serialize;

use crate::answer::{accepted, connection, found};
use crate::tag::{Tag, TagInput};
use crate::user::UserRef;
use crate::{Client, ClientError, DateTime, Id, MutationBuilder, Page, QueryBuilder, UserError, schema};

/// A key; its secret is kept by nobody but its user.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct ProvisionerKey {
    /// `pkey_…`.
    pub id: Id,
    /// Slug, unique in the organization.
    pub name: String,
    /// Carried by every daemon that uses the key.
    pub tags: Vec<Tag>,
    /// Who made it.
    pub created_by: Option<UserRef>,
    /// When it was created.
    pub created_at: DateTime,
    /// When a daemon last used it.
    pub last_used_at: Option<DateTime>,
    /// When it ends by itself.
    pub expires_at: Option<DateTime>,
    /// Since when it is refused.
    pub disabled_at: Option<DateTime>,
    /// Whether it is accepted.
    pub state: ProvisionerKeyState,
    /// Until when the secret before the last rotation is accepted as well.
    pub previous_secret_expires_at: Option<DateTime>,
    /// Grows with every change.
    pub version: i32,
}

/// Whether a key is accepted.
#[derive(cynic::Enum, Debug, Clone, PartialEq, Eq)]
#[cynic(non_exhaustive)]
pub enum ProvisionerKeyState {
    /// It is.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody disabled it.
    Disabled,
    /// One that this client does not know yet.
    #[cynic(fallback)]
    Other(String),
}

/// A key that was just made, with its secret.
#[derive(Debug)]
pub struct NewProvisionerKey {
    /// The key.
    pub key: ProvisionerKey,
    /// Never to be seen again; `None` where an earlier request with the same idempotency key made it.
    pub secret: Option<SecretString>,
}

/// A new key.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct CreateProvisionerKeyInput {
    /// Where.
    pub organization_id: Id,
    /// Slug, unique in the organization.
    pub name: String,
    /// Carried by every daemon that uses the key.
    pub tags: Vec<TagInput>,
    /// When it ends by itself; default: never.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<DateTime>,
    /// The same key with the same input within a day answers what was made the first time.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// What is to change of a key; what is `None` stays.
#[derive(cynic::InputObject, Debug, Clone)]
pub struct UpdateProvisionerKeyInput {
    /// Which.
    pub provisioner_key_id: Id,
    /// A new name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// All tags that its daemons are to carry.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<TagInput>>,
    /// When it ends by itself.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<End>,
    /// Change nothing unless it still has this version.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<i32>,
}

/// When a key ends by itself; `None`: never. Absent from an input, the end stays what it is.
#[derive(Serialize, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(transparent)]
pub struct End(pub Option<DateTime>);

cynic::impl_scalar!(End, schema::DateTime);

#[derive(cynic::InputObject)]
struct RotateProvisionerKeyInput {
    provisioner_key_id: Id,
    overlap_minutes: i32,
}

#[derive(cynic::InputObject)]
struct DisableProvisionerKeyInput {
    provisioner_key_id: Id,
}

#[derive(cynic::InputObject)]
struct EnableProvisionerKeyInput {
    provisioner_key_id: Id,
}

#[derive(cynic::InputObject)]
struct DeleteProvisionerKeyInput {
    provisioner_key_id: Id,
}

/// Which keys; what is `None` does not matter.
#[derive(cynic::InputObject, Debug, Clone, Default)]
pub struct ProvisionerKeyFilter {
    /// Exactly this name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Text in the name.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// In this state.
    #[cynic(skip_serializing_if = "Option::is_none")]
    pub state: Option<ProvisionerKeyState>,
}

impl ProvisionerKeyFilter {
    /// The one called so.
    #[must_use]
    pub fn called(name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..Self::default() }
    }
}

/// An order of keys.
#[derive(cynic::Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvisionerKeyOrder {
    /// By name, a to z.
    NameAsc,
    /// By name, z to a.
    NameDesc,
    /// Oldest first.
    CreatedAtAsc,
    /// Newest first.
    CreatedAtDesc,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct ProvisionerKeysVariables {
    organization: Id,
    filter: ProvisionerKeyFilter,
    order: ProvisionerKeyOrder,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ProvisionerKeysVariables")]
pub(crate) struct ProvisionerKeys {
    #[arguments(by: { id: $organization })]
    organization: Option<ProvisionerKeysOfOrganization>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization", variables = "ProvisionerKeysVariables")]
struct ProvisionerKeysOfOrganization {
    #[arguments(first: 100, after: $after, filter: $filter, orderBy: $order)]
    provisioner_keys: Option<ProvisionerKeyConnection>,
}

connection!(ProvisionerKeyConnection, ProvisionerKey);

#[derive(cynic::QueryVariables)]
pub(crate) struct CreateProvisionerKeyVariables {
    input: CreateProvisionerKeyInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateProvisionerKeyVariables")]
pub(crate) struct CreateProvisionerKey {
    #[arguments(input: $input)]
    create_provisioner_key: Option<CreateProvisionerKeyPayload>,
}

#[derive(cynic::QueryFragment)]
struct CreateProvisionerKeyPayload {
    provisioner_key: Option<ProvisionerKey>,
    secret: Option<String>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct UpdateProvisionerKeyVariables {
    input: UpdateProvisionerKeyInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "UpdateProvisionerKeyVariables")]
pub(crate) struct UpdateProvisionerKey {
    #[arguments(input: $input)]
    update_provisioner_key: Option<UpdateProvisionerKeyPayload>,
}

#[derive(cynic::QueryFragment)]
struct UpdateProvisionerKeyPayload {
    provisioner_key: Option<ProvisionerKey>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct RotateProvisionerKeyVariables {
    input: RotateProvisionerKeyInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "RotateProvisionerKeyVariables")]
pub(crate) struct RotateProvisionerKey {
    #[arguments(input: $input)]
    rotate_provisioner_key: Option<RotateProvisionerKeyPayload>,
}

#[derive(cynic::QueryFragment)]
struct RotateProvisionerKeyPayload {
    provisioner_key: Option<ProvisionerKey>,
    secret: Option<String>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct DisableProvisionerKeyVariables {
    input: DisableProvisionerKeyInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "DisableProvisionerKeyVariables")]
pub(crate) struct DisableProvisionerKey {
    #[arguments(input: $input)]
    disable_provisioner_key: Option<DisableProvisionerKeyPayload>,
}

#[derive(cynic::QueryFragment)]
struct DisableProvisionerKeyPayload {
    provisioner_key: Option<ProvisionerKey>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct EnableProvisionerKeyVariables {
    input: EnableProvisionerKeyInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "EnableProvisionerKeyVariables")]
pub(crate) struct EnableProvisionerKey {
    #[arguments(input: $input)]
    enable_provisioner_key: Option<EnableProvisionerKeyPayload>,
}

#[derive(cynic::QueryFragment)]
struct EnableProvisionerKeyPayload {
    provisioner_key: Option<ProvisionerKey>,
    user_errors: Vec<UserError>,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct DeleteProvisionerKeyVariables {
    input: DeleteProvisionerKeyInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "DeleteProvisionerKeyVariables")]
pub(crate) struct DeleteProvisionerKey {
    #[arguments(input: $input)]
    delete_provisioner_key: Option<DeleteProvisionerKeyPayload>,
}

#[derive(cynic::QueryFragment)]
struct DeleteProvisionerKeyPayload {
    deleted_provisioner_key_id: Option<Id>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The keys of an organization.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the organization, else as [`Client::run`].
    pub async fn provisioner_keys(
        &self,
        organization: &Id,
        filter: &ProvisionerKeyFilter,
        order: ProvisionerKeyOrder,
        after: Option<String>,
    ) -> Result<Page<ProvisionerKey>, ClientError> {
        let variables = ProvisionerKeysVariables {
            organization: organization.clone(),
            filter: filter.clone(),
            order,
            after,
        };
        let data = self.run_idempotent(ProvisionerKeys::build(variables)).await?;
        let organization = found(data.organization, "organization", organization.inner())?;
        // Null only together with an error, which has been returned above.
        found(organization.provisioner_keys, "list", "provisionerKeys").map(Page::from)
    }

    /// Makes a key.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn create_provisioner_key(
        &self,
        input: CreateProvisionerKeyInput,
    ) -> Result<NewProvisionerKey, ClientError> {
        let data = self.run(CreateProvisionerKey::build(CreateProvisionerKeyVariables { input })).await?;
        accepted(data.create_provisioner_key.map(|payload| {
            let secret = payload.secret.map(SecretString::from);
            (payload.provisioner_key.map(|key| NewProvisionerKey { key, secret }), payload.user_errors)
        }))
    }

    /// Changes a key's name, tags or end.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn update_provisioner_key(
        &self,
        input: UpdateProvisionerKeyInput,
    ) -> Result<ProvisionerKey, ClientError> {
        let data = self.run(UpdateProvisionerKey::build(UpdateProvisionerKeyVariables { input })).await?;
        accepted(data.update_provisioner_key.map(|payload| (payload.provisioner_key, payload.user_errors)))
    }

    /// Gives a key a new secret; the one before stays accepted for so many minutes.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn rotate_provisioner_key(
        &self,
        key: &Id,
        overlap_minutes: i32,
    ) -> Result<NewProvisionerKey, ClientError> {
        let input = RotateProvisionerKeyInput { provisioner_key_id: key.clone(), overlap_minutes };
        let data = self.run(RotateProvisionerKey::build(RotateProvisionerKeyVariables { input })).await?;
        let rotated = accepted(
            data.rotate_provisioner_key
                .map(|payload| (payload.provisioner_key.zip(payload.secret), payload.user_errors)),
        );
        rotated.map(|(key, secret)| NewProvisionerKey { key, secret: Some(secret.into()) })
    }

    /// Disables a key, which ends the sessions of its daemons until it is enabled again.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn disable_provisioner_key(&self, key: &Id) -> Result<ProvisionerKey, ClientError> {
        let input = DisableProvisionerKeyInput { provisioner_key_id: key.clone() };
        let data = self.run(DisableProvisionerKey::build(DisableProvisionerKeyVariables { input })).await?;
        accepted(data.disable_provisioner_key.map(|payload| (payload.provisioner_key, payload.user_errors)))
    }

    /// Accepts a disabled key again.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn enable_provisioner_key(&self, key: &Id) -> Result<ProvisionerKey, ClientError> {
        let input = EnableProvisionerKeyInput { provisioner_key_id: key.clone() };
        let data = self.run(EnableProvisionerKey::build(EnableProvisionerKeyVariables { input })).await?;
        accepted(data.enable_provisioner_key.map(|payload| (payload.provisioner_key, payload.user_errors)))
    }

    /// Deletes a key, which ends the sessions of its daemons; answers which.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with what to change, else as [`Client::run`].
    pub async fn delete_provisioner_key(&self, key: &Id) -> Result<Id, ClientError> {
        let input = DeleteProvisionerKeyInput { provisioner_key_id: key.clone() };
        let data = self.run(DeleteProvisionerKey::build(DeleteProvisionerKeyVariables { input })).await?;
        accepted(
            data.delete_provisioner_key
                .map(|payload| (payload.deleted_provisioner_key_id, payload.user_errors)),
        )
    }
}
