//! A small application behind the front: what the tests talk to, and what the example serves.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "shared by binaries that use different parts"
)]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_graphql::{
    Context, Enum, Error, ErrorExtensions as _, ID, InputObject, Interface, Json, MaybeUndefined, Object,
    OneofObject, Request, Schema, SimpleObject, Subscription, Union, ValidationMode,
};
use axum::response::{Html, IntoResponse as _, Response};
use futures_util::{Stream, StreamExt as _, stream};
use guildhall_front::{
    Ended, EventCursor, Front, Host, Limits, Peer, RateKey, Refusal, RequestMeta, RequestRecord,
};
use tokio::sync::watch;

pub type TestSchema = Schema<Query, Mutation, Subscriptions>;
pub type TestFront = Front<TestHost, TestSchema>;

pub fn schema() -> TestSchema {
    Schema::build(Query, Mutation, Subscriptions).validation_mode(ValidationMode::Fast).finish()
}

pub fn front(limits: Limits) -> TestFront {
    let schema = schema();
    let sdl = schema.sdl();
    Front::new(TestHost::default(), schema, &sdl, limits).expect("the schema of the tests is valid")
}

/// Limits without rate limits, for tests that send much.
pub fn free() -> Limits {
    Limits { rate_points_per_minute: 0, ..Limits::default() }
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Who {
    Nobody,
    User,
}

pub struct TestHost {
    pub ended: watch::Sender<Option<Ended>>,
    /// Whether the token `fading` is no good any more.
    pub faded: AtomicBool,
    pub prepared: AtomicUsize,
    pub records: Arc<Mutex<Vec<String>>>,
}

impl Default for TestHost {
    fn default() -> Self {
        Self {
            ended: watch::Sender::new(None),
            faded: AtomicBool::new(false),
            prepared: AtomicUsize::new(0),
            records: Arc::default(),
        }
    }
}

impl Host for TestHost {
    type Identity = Who;
    type Work = Arc<AtomicUsize>;
    type Audience = Who;

    async fn authenticate(&self, token: Option<&str>, _: &Peer) -> Result<Who, Refusal> {
        match token {
            None => Ok(Who::Nobody),
            Some("good") => Ok(Who::User),
            Some("fading") if !self.faded.load(Ordering::Relaxed) => Ok(Who::User),
            Some("panic") => panic!("the host of the tests panics on purpose"),
            Some(_) => Err(Refusal::unauthenticated("The token is not valid; sign in again.")),
        }
    }

    fn prepare(&self, request: Request, identity: &Who, _: &Arc<RequestMeta>) -> (Request, Self::Work) {
        self.prepared.fetch_add(1, Ordering::Relaxed);
        let statements = Arc::new(AtomicUsize::new(0));
        (request.data(identity.clone()).data(Arc::clone(&statements)), statements)
    }

    fn ended(&self, _: &Who) -> impl Future<Output = Ended> + Send + 'static {
        let mut ended = self.ended.subscribe();
        async move {
            loop {
                if let Some(why) = *ended.borrow_and_update() {
                    return why;
                }
                if ended.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    fn rate_key(&self, identity: &Who, peer: &Peer) -> Option<RateKey> {
        Some(match identity {
            Who::Nobody => RateKey::of(&peer.address),
            Who::User => RateKey::of(&"user"),
        })
    }

    fn audience(&self, identity: &Who) -> Option<Who> {
        (*identity == Who::User).then_some(Who::User)
    }

    fn observe(&self, record: &RequestRecord<'_, Self>) {
        let name = record.operation.and_then(|operation| operation.operation_name.as_deref()).unwrap_or("-");
        let statements = record.work.map_or(0, |work| work.load(Ordering::Relaxed));
        let codes: Vec<_> = record.codes.iter().map(|code| code.as_str()).collect();
        let mut line =
            format!("{} {name} {} {statements} {codes:?}", record.transport.as_str(), record.status);
        if let Some(other) = record.answered_by {
            line += &format!(" answered by {other}");
        }
        let mut records = self.records.lock().expect("no test panics while it holds the records");
        if records.len() < 1_000 {
            records.push(line);
        }
    }

    fn page(&self) -> Option<Response> {
        Some(Html("<!doctype html><title>page</title>").into_response())
    }
}

#[derive(Enum, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    Red,
    Green,
}

#[derive(SimpleObject, Clone)]
pub struct Dog {
    pub id: ID,
    pub name: String,
    pub barks: bool,
}

#[derive(SimpleObject, Clone)]
pub struct Cat {
    pub id: ID,
    pub name: String,
    pub lives: i32,
}

#[derive(Interface, Clone)]
#[graphql(field(name = "id", ty = "&ID"), field(name = "name", ty = "&String"))]
pub enum Pet {
    Dog(Dog),
    Cat(Cat),
}

#[derive(Union, Clone)]
pub enum DogOrCat {
    Dog(Dog),
    Cat(Cat),
}

#[derive(InputObject)]
pub struct Patch {
    pub name: String,
    pub note: MaybeUndefined<String>,
    #[graphql(default = 3)]
    pub size: i32,
    pub colour: Option<Colour>,
    pub tags: Option<Vec<String>>,
    pub inner: Option<Box<Patch>>,
}

#[derive(OneofObject)]
pub enum By {
    Id(ID),
    Name(String),
}

pub struct Person(pub i32);

#[Object]
impl Person {
    async fn id(&self) -> ID {
        ID(self.0.to_string())
    }
    async fn name(&self) -> String {
        format!("person {}", self.0)
    }
    async fn friends(&self, first: Option<i32>, last: Option<i32>) -> People {
        People(first.or(last).unwrap_or(25).clamp(0, 100))
    }
    async fn friend(&self) -> Person {
        Person(self.0 + 1)
    }
    async fn nickname(&self, style: Option<String>) -> Option<String> {
        style
    }
}

pub struct People(i32);

#[Object]
impl People {
    async fn nodes(&self) -> Vec<Person> {
        (0..self.0).map(Person).collect()
    }
    async fn edges(&self) -> Vec<Edge> {
        (0..self.0).map(|n| Edge { cursor: n.to_string(), node: Person(n) }).collect()
    }
    async fn total_count(&self) -> i32 {
        self.0
    }
}

#[derive(SimpleObject)]
pub struct Edge {
    cursor: String,
    node: Person,
}

static TURNS: AtomicUsize = AtomicUsize::new(0);

pub struct Query;

#[Object]
impl Query {
    async fn hello(&self) -> &'static str {
        "world"
    }
    async fn echo(&self, text: String) -> String {
        text
    }
    async fn sum(&self, numbers: Vec<i32>) -> i32 {
        numbers.iter().sum()
    }
    async fn json(&self, value: Json<serde_json::Value>) -> Json<serde_json::Value> {
        value
    }
    async fn flag(&self, on: bool, #[graphql(default = 25)] first: i32) -> String {
        format!("{on} {first}")
    }
    async fn colour(&self, colour: Option<Colour>) -> Option<Colour> {
        colour
    }
    async fn describe(&self, patch: Patch) -> String {
        let note = match patch.note {
            MaybeUndefined::Undefined => "absent".to_owned(),
            MaybeUndefined::Null => "null".to_owned(),
            MaybeUndefined::Value(note) => note,
        };
        format!("{} {note} {}", patch.name, patch.size)
    }
    async fn find(&self, by: By) -> String {
        match by {
            By::Id(id) => format!("id {}", id.0),
            By::Name(name) => format!("name {name}"),
        }
    }
    async fn person(&self) -> Person {
        Person(1)
    }
    async fn people(&self, first: Option<i32>, last: Option<i32>) -> People {
        People(first.or(last).unwrap_or(25).clamp(0, 100))
    }
    async fn pets(&self) -> Vec<Pet> {
        vec![
            Pet::Dog(Dog { id: "1".into(), name: "Rex".into(), barks: true }),
            Pet::Cat(Cat { id: "2".into(), name: "Tom".into(), lives: 9 }),
        ]
    }
    async fn animals(&self) -> Vec<DogOrCat> {
        vec![
            DogOrCat::Dog(Dog { id: "1".into(), name: "Rex".into(), barks: true }),
            DogOrCat::Cat(Cat { id: "2".into(), name: "Tom".into(), lives: 9 }),
        ]
    }
    async fn statements(&self, ctx: &Context<'_>) -> i32 {
        ctx.data_unchecked::<Arc<AtomicUsize>>().fetch_add(3, Ordering::Relaxed);
        3
    }
    async fn secret(&self, ctx: &Context<'_>) -> Result<String, Error> {
        match ctx.data::<Who>()? {
            Who::User => Ok("42".to_owned()),
            Who::Nobody => {
                Err(Error::new("Sign in first.").extend_with(|_, e| e.set("code", "UNAUTHENTICATED")))
            }
        }
    }
    async fn broken(&self) -> Result<i32, Error> {
        Err(Error::new("connection to 10.0.0.1 refused: password=hunter2"))
    }
    async fn maybe_broken(&self) -> Option<Result<i32, Error>> {
        Some(Err(Error::new("hunter2")))
    }
    async fn panics(&self, #[graphql(default = 0)] divisor: i32) -> i32 {
        // A division by zero is the panic.
        1 / divisor
    }
    async fn slow(&self, ms: u64) -> bool {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        true
    }
    /// How many have asked before, unless it ends otherwise; after others had their turn, several times.
    async fn turn(&self, #[graphql(default)] end: String) -> Result<usize, Error> {
        let before = TURNS.fetch_add(1, Ordering::Relaxed);
        for _ in 0..16 {
            tokio::task::yield_now().await;
        }
        match end.as_str() {
            "fault" => Err(Error::new("hunter2")),
            "panic" => panic!("the resolver panics on purpose"),
            _ => Ok(before),
        }
    }
    async fn big(&self, bytes: i32) -> String {
        "x".repeat(usize::try_from(bytes).unwrap_or(0))
    }
    async fn rate_limit(
        &self,
        ctx: &Context<'_>,
        #[graphql(default)] dry_run: bool,
    ) -> Result<String, Error> {
        let meta = ctx.data::<Arc<RequestMeta>>()?;
        let remaining = meta.rate.map_or(0, |rate| rate.remaining);
        Ok(format!("cost {} remaining {remaining} dry {dry_run}", meta.cost))
    }
    async fn meta(&self, ctx: &Context<'_>) -> Result<String, Error> {
        let meta = ctx.data::<Arc<RequestMeta>>()?;
        Ok(format!("{} {} {}", meta.kind.as_str(), meta.operation_name.as_deref().unwrap_or("-"), meta.cost))
    }
}

pub struct Mutation;

pub static WRITES: AtomicUsize = AtomicUsize::new(0);

#[Object]
impl Mutation {
    async fn write(&self) -> Person {
        WRITES.fetch_add(1, Ordering::Relaxed);
        Person(7)
    }
}

pub struct Subscriptions;

#[Subscription]
impl Subscriptions {
    /// `count` numbers, from 1 or from after the last event the client has seen.
    async fn ticks(
        &self,
        ctx: &Context<'_>,
        count: i32,
        #[graphql(default = 0)] interval_ms: u64,
    ) -> impl Stream<Item = i32> {
        let cursor = ctx.data::<EventCursor>().cloned().unwrap_or_default();
        let seen =
            ctx.data::<Arc<RequestMeta>>().ok().and_then(|meta| meta.last_event_id.as_deref()?.parse().ok());
        stream::iter(seen.unwrap_or(0)..count).then(move |n| {
            let cursor = cursor.clone();
            async move {
                if interval_ms > 0 {
                    tokio::time::sleep(Duration::from_millis(interval_ms)).await;
                }
                cursor.set((n + 1).to_string());
                n + 1
            }
        })
    }

    async fn idle(&self) -> impl Stream<Item = i32> {
        stream::pending()
    }

    /// As much as can be written.
    async fn flood(&self, bytes: usize) -> impl Stream<Item = String> {
        stream::repeat_with(move || "x".repeat(bytes))
    }

    async fn panicking(&self) -> impl Stream<Item = i32> {
        stream::iter(0..3).inspect(|n| assert!(*n < 1, "a subscription of the tests panics on purpose"))
    }
}
