//! What happens in an organization, as it happens: an event stream that goes on from any place in it.

use cynic::SubscriptionBuilder as _;
use serde::{Deserialize, Serialize};

use crate::permission::Resource;
use crate::{Client, ClientError, DateTime, Id, schema};

/// What became of something, e.g. `UPDATED`; kept as text, because the list may grow with the server.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(transparent)]
pub struct EventKind(pub String);

impl cynic::Enum for EventKind {
    type SchemaType = schema::EventKind;
}
cynic::impl_coercions!(EventKind, schema::EventKind);

/// Something that happened in an organization.
#[derive(cynic::QueryFragment, Serialize, Debug, Clone)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationEvent {
    /// Its place: what comes after it is asked for with it.
    pub cursor: String,
    /// What became of it.
    pub kind: EventKind,
    /// To what kind of thing.
    pub resource: Resource,
    /// To what.
    pub subject_id: Id,
    /// When.
    pub time: DateTime,
}

#[derive(cynic::QueryVariables)]
pub(crate) struct EventsVariables {
    organization: Id,
    resources: Option<Vec<Resource>>,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription", variables = "EventsVariables")]
pub(crate) struct OrganizationEvents {
    #[arguments(organizationId: $organization, resources: $resources, after: $after)]
    organization_events: OrganizationEvent,
}

impl Client {
    /// Follows what happens in an organization, from a cursor or from now on, and passes each event to `told` until that
    /// answers `false`. A stream that breaks is opened again where it broke, as often as the [`Retry`](crate::Retry) in force says.
    ///
    /// # Errors
    /// What `told` answers; [`ClientError::GraphQl`] when the stream ends with an error: the organization is not visible (any
    /// more), or the cursor is too old; else as [`Client::run`].
    pub async fn organization_events<E: From<ClientError>>(
        &self,
        organization: &Id,
        resources: Vec<Resource>,
        after: Option<String>,
        mut told: impl FnMut(&OrganizationEvent) -> Result<bool, E>,
    ) -> Result<(), E> {
        let from = |after| {
            OrganizationEvents::build(EventsVariables {
                organization: organization.clone(),
                resources: Some(resources.clone()).filter(|resources| !resources.is_empty()),
                after,
            })
        };
        let told = |data: OrganizationEvents| {
            let event = data.organization_events;
            Ok(told(&event)?.then_some(event.cursor))
        };
        self.follow(after, from, told).await
    }
}
