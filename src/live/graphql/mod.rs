//! Subscriptions: each is a topic of the outbox and what is told of its records.

mod audit;
mod provisioner;
mod workspace;

pub(crate) use audit::AuditSubscription;
pub(crate) use provisioner::ProvisionerEventSubscription;
pub(crate) use workspace::WorkspaceSubscription;

use std::collections::VecDeque;
use std::sync::Arc;

use async_graphql::{Context, ID, Object};
use futures_util::Stream;
use guildhall_entity::id::{OrganizationId, TypedId};
use guildhall_front::{EventCursor, RequestMeta};

use super::{Follower, Look, Topic};
use crate::error::{Error, Result};
use crate::events::Record;
use crate::graphql::context::{Ask, Request};

/// What a subscription follows, and what it tells.
pub(crate) trait Feed: Send + Sync + 'static {
    /// What it tells.
    type Event: Send + 'static;

    /// Whether whoever asks (still) sees what is followed: the organization or the thing that was named.
    ///
    /// # Errors
    /// NOT_FOUND when they don't.
    fn require(&self, request: &Request) -> impl Future<Output = Result<()>> + Send;

    /// What is told of some records, those left out that whoever asks can't see; in their order. Batched: a statement for
    /// each type of thing, not for each record.
    fn tell(
        &self,
        request: &Request,
        records: Vec<Record>,
    ) -> impl Future<Output = Result<Vec<(Record, Self::Event)>>> + Send;
}

/// The organization of an argument, which whoever asks must see.
pub(crate) async fn require_organization(request: &Request, id: Option<OrganizationId>) -> Result<()> {
    match id {
        Some(id) if request.find(id).await?.is_none() => Err(Error::NotFound("organization")),
        _ => Ok(()),
    }
}

/// Where in what is followed an event is, for its field `cursor`.
///
/// # Errors
/// Only for faults of the library.
pub(crate) fn cursor(ctx: &Context<'_>, record: &Record) -> Result<String> {
    ctx.request().app.cursor_keys.of_event(record.sequence)
}

/// The id of what is to be followed. Who has not signed in is told so, whatever they name.
///
/// # Errors
/// UNAUTHENTICATED for nobody; NOT_FOUND for a text that is no such id.
pub(crate) fn id<I: TypedId>(ctx: &Context<'_>, id: &ID, what: &'static str) -> Result<I> {
    ctx.request().signed_in()?;
    id.parse().map_err(|_| Error::NotFound(what))
}

/// The same of an argument that may be absent.
fn named<I: TypedId>(ctx: &Context<'_>, named: Option<ID>, what: &'static str) -> Result<Option<I>> {
    named.map(|named| id(ctx, &named, what)).transpose()
}

/// Follows a topic, from a cursor or from now on. Whoever asks is recognised anew before anything is told, also while nothing
/// happens; the stream ends with an error once their token is not good any more, or they can't see what is followed. It
/// completes when that is deleted.
///
/// # Errors
/// UNAUTHENTICATED for nobody; what [`Feed::require`] says; BAD_USER_INPUT and CONFLICT for a cursor that leads nowhere.
pub(crate) async fn follow<F: Feed>(
    ctx: &Context<'_>,
    topic: Topic,
    after: Option<String>,
    feed: F,
) -> Result<impl Stream<Item = Result<F::Event>> + use<F>> {
    let request = ctx.data_unchecked::<Arc<Request>>().clone();
    request.signed_in()?;
    feed.require(&request).await?;
    let last_seen = ctx.data_opt::<Arc<RequestMeta>>().and_then(|meta| meta.last_event_id.as_deref());
    let after = after.as_deref().or(last_seen);
    let (keys, watch) = (&request.app.cursor_keys, request.app.watches.begin(&request.actor));
    let (db, now) = (request.db.clone(), request.head);
    let follower = Follower::begin(db, keys, watch, topic.clone(), after, now).await?;
    let names = ctx.data_opt::<EventCursor>().cloned();
    let stream = Telling { request, topic, follower, feed, names, ready: VecDeque::new(), over: false };
    Ok(futures_util::stream::unfold(stream, |mut stream| async move {
        let next = stream.next().await.transpose()?;
        stream.over |= next.is_err();
        Some((next, stream))
    }))
}

struct Telling<F: Feed> {
    request: Arc<Request>,
    topic: Topic,
    follower: Follower,
    feed: F,
    /// Where an event stream takes the cursor of the next event from.
    names: Option<EventCursor>,
    ready: VecDeque<(Record, F::Event)>,
    /// What is followed is gone, or an error was told: nothing comes any more.
    over: bool,
}

impl<F: Feed> Telling<F> {
    async fn next(&mut self) -> Result<Option<F::Event>> {
        loop {
            if let Some((record, event)) = self.ready.pop_front() {
                if let Some(names) = &self.names {
                    names.set(self.request.app.cursor_keys.of_event(record.sequence)?);
                }
                return Ok(Some(event));
            }
            if self.over {
                return Ok(None);
            }
            self.look().await?;
        }
    }

    async fn look(&mut self) -> Result<()> {
        let look = self.follower.next(&self.request.latest().actor).await?;
        let is_another = self.request.renew().await?;
        let request = self.request.latest();
        if let Look::Records(records) = look {
            // A job that ends may have more to say of what is gone: nobody asks for that.
            let end = records.iter().position(|record| self.topic.ends_with(record));
            let told = records.into_iter().take(end.map_or(usize::MAX, |end| end + 1));
            let told = told.filter(|record| self.topic.is_told_of(record)).collect();
            self.ready = self.feed.tell(request, told).await?.into();
            self.over = end.is_some();
            if !self.over {
                match self.feed.require(request).await {
                    // It was deleted since, and the event that says so is on its way: what is told here, they see.
                    Err(Error::NotFound(_)) if !self.ready.is_empty() => {}
                    required => required?,
                }
            }
        } else if is_another {
            self.feed.require(request).await?;
        }
        Ok(())
    }
}

/// Where events are now.
#[derive(Default)]
pub(crate) struct EventQuery;

#[Object]
impl EventQuery {
    /// The cursor after everything that has happened so far. Read it, then what you want to follow, and pass it as `after` to a
    /// subscription: what happens in between is told. It is another text each time, and tells nothing else; anybody who is signed
    /// in may ask.
    async fn event_cursor(&self, ctx: &Context<'_>) -> Result<String> {
        let request = ctx.request();
        request.signed_in()?;
        super::now(&request.db, &request.app.cursor_keys).await
    }
}
