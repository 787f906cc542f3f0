//! What happens in an organization, as it happens: an event stream that goes on from any place in it.

use cynic::SubscriptionBuilder as _;
use reqwest::Method;
use reqwest::header::ACCEPT;
use serde::{Deserialize, Serialize};

use crate::answered::Answered;
use crate::audit_log::Resource;
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
struct EventsVariables {
    organization: Id,
    resources: Option<Vec<Resource>>,
    after: Option<String>,
}

#[derive(cynic::QueryFragment)]
#[cynic(graphql_type = "Subscription", variables = "EventsVariables")]
struct OrganizationEvents {
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
        let (mut after, mut attempt) = (after, 1);
        loop {
            let variables = EventsVariables {
                organization: organization.clone(),
                resources: Some(resources.clone()).filter(|resources| !resources.is_empty()),
                after: after.clone(),
            };
            let mut goes_on = Ok(true);
            let read = self
                .read_events(OrganizationEvents::build(variables), |data: OrganizationEvents| {
                    attempt = 1;
                    goes_on = told(&data.organization_events);
                    after = Some(data.organization_events.cursor);
                    matches!(goes_on, Ok(true))
                })
                .await;
            if !goes_on? {
                return Ok(());
            }
            let Err(error) = read else { return Ok(()) };
            let wait = if error.is_transient() { self.retry().wait_after(attempt) } else { None };
            let Some(wait) = wait else { return Err(error.into()) };
            tracing::debug!(%error, attempt, "the event stream is opened again");
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    /// Reads an event stream until it completes, or `told` answers `false`.
    async fn read_events<Data: serde::de::DeserializeOwned>(
        &self,
        operation: impl Serialize,
        mut told: impl FnMut(Data) -> bool,
    ) -> Result<(), ClientError> {
        let url = self.url("graphql")?;
        let broken = |error: &reqwest::Error| ClientError::transport(&url, error);
        let mut answer = self
            .request(Method::POST, url.clone(), self.token())
            .header(ACCEPT, "text/event-stream")
            .json(&operation)
            .send()
            .await
            .map_err(|error| broken(&error))?;
        if !answer.status().is_success() {
            return Err(Answered::read(url, answer).await?.refusal());
        }
        let mut buffer = Vec::new();
        while let Some(more) = answer.chunk().await.map_err(|error| broken(&error))? {
            buffer.extend_from_slice(&more);
            while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = buffer.drain(..end + 2).collect();
                match Sent::read(&event) {
                    Sent::Next(data) => {
                        let data = Answered::of(url.clone(), answer.status(), data).data()?;
                        if !told(data) {
                            return Ok(());
                        }
                    }
                    Sent::Complete => return Ok(()),
                    Sent::Nothing => {}
                }
            }
        }
        let reason = "the event stream broke off".to_owned();
        Err(ClientError::Unreachable { url: url.to_string(), reason, connected: true })
    }
}

/// A part of an event stream.
#[derive(Debug, PartialEq, Eq)]
enum Sent {
    Next(Vec<u8>),
    Complete,
    /// A sign of life.
    Nothing,
}

impl Sent {
    fn read(event: &[u8]) -> Self {
        let field = |name: &[u8]| event.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(name));
        match field(b"event: ") {
            Some(b"next") => Self::Next(field(b"data: ").unwrap_or_default().to_vec()),
            Some(b"complete") => Self::Complete,
            _ => Self::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_stream() {
        assert_eq!(Sent::read(b"id: x\nevent: next\ndata: {}\n\n"), Sent::Next(b"{}".to_vec()));
        assert_eq!(Sent::read(b"event: complete\ndata:\n\n"), Sent::Complete);
        assert_eq!(Sent::read(b":\n\n"), Sent::Nothing);
    }
}
