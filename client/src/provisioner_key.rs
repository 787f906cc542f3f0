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
}

/// A key that was just made, with its secret.
#[derive(Debug)]
pub struct NewProvisionerKey {
    /// The key.
    pub key: ProvisionerKey,
    /// Never to be seen again.
    pub secret: SecretString,
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
}

#[derive(cynic::InputObject)]
struct DeleteProvisionerKeyInput {
    provisioner_key_id: Id,
}

#[derive(cynic::QueryVariables)]
struct ProvisionerKeysVariables {
    organization: Id,
    #[cynic(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Query", variables = "ProvisionerKeysVariables")]
struct ProvisionerKeys {
    #[arguments(by: { id: $organization })]
    organization: Option<ProvisionerKeysOfOrganization>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Organization", variables = "ProvisionerKeysVariables")]
struct ProvisionerKeysOfOrganization {
    #[arguments(first: 100, after: $after, filter: { name: $name }, orderBy: NAME_ASC)]
    provisioner_keys: Option<ProvisionerKeyConnection>,
}

connection!(ProvisionerKeyConnection, ProvisionerKey);

#[derive(cynic::QueryVariables)]
struct CreateProvisionerKeyVariables {
    input: CreateProvisionerKeyInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "CreateProvisionerKeyVariables")]
struct CreateProvisionerKey {
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
struct DeleteProvisionerKeyVariables {
    input: DeleteProvisionerKeyInput,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Mutation", variables = "DeleteProvisionerKeyVariables")]
struct DeleteProvisionerKey {
    #[arguments(input: $input)]
    delete_provisioner_key: Option<DeleteProvisionerKeyPayload>,
}

#[derive(cynic::QueryFragment)]
struct DeleteProvisionerKeyPayload {
    deleted_provisioner_key_id: Option<Id>,
    user_errors: Vec<UserError>,
}

impl Client {
    /// The keys of an organization, by name; with `name`, the one called so.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] for the organization, else as [`Client::run`].
    pub async fn provisioner_keys(
        &self,
        organization: &Id,
        name: Option<String>,
        after: Option<String>,
    ) -> Result<Page<ProvisionerKey>, ClientError> {
        let variables = ProvisionerKeysVariables { organization: organization.clone(), name, after };
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
        let made = accepted(
            data.create_provisioner_key
                .map(|payload| (payload.provisioner_key.zip(payload.secret), payload.user_errors)),
        );
        made.map(|(key, secret)| NewProvisionerKey { key, secret: secret.into() })
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
