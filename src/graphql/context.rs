//! The context of a request: who asks, the database with the request's counters, and the loaders that batch.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader};
use futures_util::future::BoxFuture;
use guildhall_entity::id::OrganizationId;
use sea_orm::prelude::Uuid;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::loads::Loads;
use crate::authn::job_token::JobTokens;
use crate::authn::session::SessionKeys;
use crate::authn::{self, Lookups, Watches};
use crate::authz::{Actor, Denied};
use crate::db::list::{Find, List};
use crate::db::page::{self, Page, PageArgs};
use crate::db::{Db, boxed};
use crate::error::{Error, Result};
use crate::live::CursorKeys;
use crate::seal::Sealer;

/// What resolvers need of the running server, whoever asks.
#[derive(Debug)]
pub struct Services {
    /// Signs and recognises session tokens.
    pub session_keys: SessionKeys,
    /// Makes and reads the cursors of events.
    pub(crate) cursor_keys: CursorKeys,
    /// Makes the tokens of jobs that daemons ask for.
    pub(crate) job_tokens: JobTokens,
    /// Looks up who somebody is, for all who ask at the same time.
    pub lookups: Lookups,
    /// Watches whether those who hold streams open are still who they were.
    pub watches: Watches,
    /// Seals states and sensitive values.
    pub sealer: Sealer,
    /// The organization that was made at the first start.
    pub default_organization: OrganizationId,
    /// What the first user must show; `None` where an owner existed at the start.
    pub setup_token: Option<SecretString>,
    /// Where the setup token is kept until there is an owner.
    pub setup_token_file: Option<PathBuf>,
    /// Sign-ins a minute, of an account and from an address; zero for no limit.
    pub sign_ins_per_minute: u32,
    /// Cancelled when the server shuts down: whoever waits answers now.
    pub draining: CancellationToken,
}

impl Services {
    /// The first user exists: the setup token has no more use.
    pub(crate) fn setup_done(&self) {
        let Some(file) = &self.setup_token_file else { return };
        if let Err(error) = std::fs::remove_file(file) {
            tracing::warn!(%error, file = %file.display(), "could not remove the setup token; it is of no use any more");
        }
    }
}

/// What resolvers work with. One a request.
pub struct Request {
    pub(crate) actor: Actor,
    pub(crate) db: Db,
    pub(crate) app: Arc<Services>,
    /// The last event that this server had told when the request came.
    pub(crate) head: i64,
    loads: Loads,
    loader: DataLoader<Loaders>,
    /// Who asks since what they hold has changed, while a subscription runs.
    renewed: OnceLock<Box<Self>>,
}

impl Request {
    /// A context for one request.
    pub fn new(db: Db, actor: Actor, app: Arc<Services>) -> Self {
        let head = db.hub().head();
        Self::with(db, actor, app, head, Loads::default())
    }

    fn with(db: Db, actor: Actor, app: Arc<Services>, head: i64, loads: Loads) -> Self {
        let loaders = Loaders { db: db.clone(), actor: actor.clone() };
        // The default delay of a millisecond would be a floor under every level of the query.
        let loader = DataLoader::new(loaders, loads.clone(), loads.clone()).delay(Duration::ZERO);
        Self { actor, db, app, head, loads, loader, renewed: OnceLock::new() }
    }

    /// The same request, past what it has read before.
    pub(crate) fn afresh(&self) -> Self {
        self.of(self.actor.clone())
    }

    /// The same request for another actor.
    pub(crate) fn of(&self, actor: Actor) -> Self {
        Self::with(self.db.clone(), actor, self.app.clone(), self.head, self.loads.clone())
    }

    /// Runs `work`, which resolves fields of this request, and what it loads.
    pub(super) async fn drive<T>(&self, work: impl Future<Output = T>) -> T {
        self.loads.drive(work).await
    }

    /// The request of whoever asks now.
    pub(crate) fn latest(&self) -> &Self {
        let mut latest = self;
        while let Some(renewed) = latest.renewed.get() {
            latest = renewed;
        }
        latest
    }

    /// Recognises anew who asks. From then on every resolver sees them as they are; answers whether they are another.
    ///
    /// # Errors
    /// UNAUTHENTICATED when their token is no longer good.
    pub(crate) async fn renew(&self) -> Result<bool> {
        let latest = self.latest();
        let actor = authn::refresh(&self.db, &self.app.lookups, &latest.actor).await?;
        if actor.holds_the_same(&latest.actor) {
            return Ok(false);
        }
        let renewed = self.of(actor.at(latest.actor.origin().clone()));
        // Two at once have read the same.
        let _ = latest.renewed.set(Box::new(renewed));
        Ok(true)
    }

    /// Finds one thing, batched with its neighbours. `None` when it is missing or the actor can't see it.
    pub(crate) fn find<I: Find>(&self, id: I) -> BoxFuture<'_, Result<Option<I::Row>>> {
        boxed(self.loader.load_one(ById(id)))
    }

    /// Finds a thing that is visible wherever the thing that refers to it is, except for a token that leaves it out.
    pub(crate) fn get<I: Find + std::fmt::Display>(&self, id: I) -> BoxFuture<'_, Result<I::Row>> {
        boxed(async move {
            match self.loader.load_one(ById(id)).await? {
                Some(row) => Ok(row),
                None if self.actor.limits().is_some() => Err(Denied::BeyondToken.into()),
                // Between two statements it was deleted, or the actor's place in its organization was.
                None => Err(Error::Conflict(format!(
                    "{id} was deleted meanwhile, or can't be seen by you any more; ask again"
                ))),
            }
        })
    }

    /// A page of a parent's list, batched with its neighbours.
    pub(crate) fn page<L: List>(
        &self,
        parent: Uuid,
        list: &L,
        args: PageArgs,
    ) -> BoxFuture<'_, Result<Page<L::Row>>> {
        let key = PageOf { parent, list: list.clone(), args };
        boxed(
            async move { self.loader.load_one(key).await?.map(Arc::unwrap_or_clone).ok_or_else(unanswered) },
        )
    }

    /// How many rows a parent's list has, batched with its neighbours.
    pub(crate) fn count<L: List>(&self, parent: Uuid, list: &L) -> BoxFuture<'_, Result<i64>> {
        let key = CountOf { parent, list: list.clone() };
        boxed(async move { self.loader.load_one(key).await?.ok_or_else(unanswered) })
    }

    /// A value of a domain's own loader.
    pub(crate) fn load<K>(&self, key: K) -> BoxFuture<'_, Result<Option<<Loaders as Loader<K>>::Value>>>
    where
        K: Clone + Eq + std::hash::Hash + Send + Sync + 'static,
        Loaders: Loader<K, Error = Error>,
    {
        boxed(self.loader.load_one(key))
    }
}

fn unanswered() -> Error {
    Error::internal("a loader did not answer one of its keys")
}

/// The request of a resolver.
pub(crate) trait Ask {
    /// The request's context.
    fn request(&self) -> &Request;
}

impl Ask for Context<'_> {
    fn request(&self) -> &Request {
        self.data_unchecked::<Arc<Request>>().latest()
    }
}

/// Loads for one actor. Domains implement [`Loader`] for keys of their own.
pub(crate) struct Loaders {
    pub(crate) db: Db,
    pub(crate) actor: Actor,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct ById<I>(I);

#[derive(Clone, PartialEq, Eq, Hash)]
struct PageOf<L> {
    parent: Uuid,
    list: L,
    args: PageArgs,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct CountOf<L> {
    parent: Uuid,
    list: L,
}

#[async_trait::async_trait]
impl<I: Find> Loader<ById<I>> for Loaders {
    type Value = I::Row;
    type Error = Error;

    async fn load(&self, keys: &[ById<I>]) -> Result<HashMap<ById<I>, I::Row>> {
        let ids: HashSet<Uuid> = keys.iter().map(|key| key.0.into()).collect();
        let rows = self.db.rows_of(I::select(&self.actor), I::ID, ids).await?;
        Ok(rows.into_iter().map(|(row, id)| (ById(I::from(id)), row)).collect())
    }
}

#[async_trait::async_trait]
impl<L: List> Loader<PageOf<L>> for Loaders {
    type Value = Arc<Page<L::Row>>;
    type Error = Error;

    async fn load(&self, keys: &[PageOf<L>]) -> Result<HashMap<PageOf<L>, Self::Value>> {
        let mut by_shape: HashMap<(&L, &PageArgs), Vec<Uuid>> = HashMap::new();
        for key in keys {
            by_shape.entry((&key.list, &key.args)).or_default().push(key.parent);
        }
        let mut answers = HashMap::with_capacity(keys.len());
        for ((list, args), parents) in by_shape {
            let mut select = list.source(&self.actor);
            list.columns(&self.actor, &mut select);
            let (parent, keyset) = (list.parent(), list.keyset());
            let pages = page::pages(&self.db, &parents, parent, select, keyset, L::COMPLETION, args).await?;
            answers.extend(pages.into_iter().map(|(parent, page)| {
                (PageOf { parent, list: list.clone(), args: args.clone() }, Arc::new(page))
            }));
        }
        Ok(answers)
    }
}

#[async_trait::async_trait]
impl<L: List> Loader<CountOf<L>> for Loaders {
    type Value = i64;
    type Error = Error;

    async fn load(&self, keys: &[CountOf<L>]) -> Result<HashMap<CountOf<L>, i64>> {
        let mut by_list: HashMap<&L, Vec<Uuid>> = HashMap::new();
        for key in keys {
            by_list.entry(&key.list).or_default().push(key.parent);
        }
        let mut answers = HashMap::with_capacity(keys.len());
        for (list, parents) in by_list {
            let counts = page::counts(&self.db, &parents, list.parent(), list.source(&self.actor)).await?;
            answers.extend(counts.into_iter().map(|(parent, n)| (CountOf { parent, list: list.clone() }, n)));
        }
        Ok(answers)
    }
}
