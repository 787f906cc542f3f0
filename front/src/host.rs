//! What the front asks of the application it serves.

use std::{
    borrow::Cow,
    future::Future,
    hash::{BuildHasher, Hash, RandomState},
    net::{IpAddr, SocketAddr},
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_graphql::{Request, Value, Variables};
use axum::response::Response;
use http::{HeaderMap, header};
use tracing::Span;

use crate::{Caller, Digest, ErrorCode, OperationKind, document::Operation, rate::RateStatus};

/// The application behind the front: who is asking, what goes into a request, what is written down about it.
pub trait Host: Send + Sync + 'static {
    /// Who is asking; also a value for nobody in particular.
    type Identity: Clone + Send + Sync + 'static;
    /// What [`prepare`](Self::prepare) keeps to read back in [`observe`](Self::observe), such as statement counts.
    type Work: Send + Sync + 'static;
    /// Those who may be told the same, whatever they ask.
    type Audience: Eq + Hash + Send + Sync + 'static;

    /// The identity of a token; without one, the anonymous identity.
    ///
    /// # Errors
    /// A [`Refusal`] for a token that is not, or no longer, valid.
    fn authenticate(
        &self,
        token: Option<&str>,
        peer: &Peer,
    ) -> impl Future<Output = Result<Self::Identity, Refusal>> + Send;

    /// Puts what resolvers need into a request that passed every check, when it begins to be executed.
    fn prepare(
        &self,
        request: Request,
        identity: &Self::Identity,
        meta: &Arc<RequestMeta>,
    ) -> (Request, Self::Work);

    /// Resolves when the identity stops being valid. Sockets and event streams of the identity are closed then.
    fn ended(&self, identity: &Self::Identity) -> impl Future<Output = Ended> + Send + 'static;

    /// Who pays for a request: usually the token's owner, and the address for anonymous requests. `None` for machinery
    /// of the host's own, which is not held to a budget.
    fn rate_key(&self, identity: &Self::Identity, peer: &Peer) -> Option<RateKey>;

    /// Who else may be told what this identity is told. Queries of one audience that ask the same at the same time are answered
    /// by executing one of them, so everything that a resolver may see of an identity must be the same. `None` where nobody
    /// may.
    fn audience(&self, identity: &Self::Identity) -> Option<Self::Audience>;

    /// Whether a value of a variable, or a literal in a document, is one of a scalar that the schema has of its own; what is
    /// expected, where it is none. It may be asked for many values of one request.
    ///
    /// # Errors
    /// What is wrong, without the value: it is told to the client behind the path of the value.
    fn scalar(&self, name: &str, value: &Value) -> Result<(), String> {
        let _ = (name, value);
        Ok(())
    }

    /// Told once about every operation and every refused request.
    fn observe(&self, record: &RequestRecord<'_, Self>)
    where
        Self: Sized;

    /// The token of an HTTP request: by default that of `Authorization: Bearer`.
    ///
    /// A host that reads a cookie here must check `Origin` for WebSocket upgrades, as browsers send cookies with them
    /// from every site.
    ///
    /// # Errors
    /// A [`Refusal`] for an `Authorization` header of another form.
    fn token<'a>(&self, headers: &'a HeaderMap) -> Result<Option<Cow<'a, str>>, Refusal> {
        bearer(headers)
    }

    /// Where a request comes from: by default the other end of the connection. A host behind a proxy reads its header.
    fn peer(&self, headers: &HeaderMap, connected: Option<SocketAddr>) -> Peer {
        let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Peer {
            address: connected.map(|address| address.ip()),
            user_agent: agent.chars().take(200).collect::<String>().into(),
        }
    }

    /// The span of a request: what it runs through, and [`observe`](Self::observe), happens inside of it. A socket has one
    /// for its upgrade and one for each operation.
    fn span(&self, caller: &Caller) -> Span {
        let _ = caller;
        Span::none()
    }

    /// The page for a browser that opens the endpoint; `None` answers as to any other client.
    fn page(&self) -> Option<Response> {
        None
    }
}

/// Reads `Authorization: Bearer …`.
///
/// # Errors
/// A header of another form, and more than one of them.
pub fn bearer(headers: &HeaderMap) -> Result<Option<Cow<'_, str>>, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    // Which of two counts, a proxy before us may see otherwise.
    if values.next().is_some() {
        return Err(Refusal::unauthenticated(
            "The request has more than one Authorization header; send one.",
        ));
    }
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    match token {
        Some(token) if !token.is_empty() => Ok(Some(Cow::Borrowed(token))),
        _ => Err(Refusal::unauthenticated("The Authorization header must have the form \"Bearer <token>\".")),
    }
}

/// Where a request comes from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Peer {
    /// Address of the client, where it is known.
    pub address: Option<IpAddr>,
    /// What the client calls itself, cut to 200 characters; empty where it does not say.
    pub user_agent: Arc<str>,
}

/// Why an identity was not given.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// `UNAUTHENTICATED`, `FORBIDDEN`, `RATE_LIMITED` or `UNAVAILABLE`.
    pub code: ErrorCode,
    /// Sentence for a person.
    pub message: Cow<'static, str>,
}

impl Refusal {
    /// The token is wrong, expired or revoked.
    pub fn unauthenticated(message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: ErrorCode::Unauthenticated, message: message.into() }
    }

    /// Identities cannot be looked up at the moment.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: ErrorCode::Unavailable, message: message.into() }
    }
}

/// Why an identity stopped being valid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// The token or the session has expired.
    Expired,
    /// The token was revoked, or its owner signed out.
    Revoked,
    /// The account was suspended or deleted.
    Suspended,
}

impl Ended {
    /// A sentence for the client.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Expired => "The token has expired; sign in again.",
            Self::Revoked => "The token was revoked; sign in again.",
            Self::Suspended => "The account was suspended.",
        }
    }
}

/// Who pays for a request.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct RateKey(u64);

impl RateKey {
    /// The key of anything that can be hashed. The same value gives the same key in this process only.
    pub fn of(value: &impl Hash) -> Self {
        static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Self(STATE.hash_one(value))
    }
}

/// How a request came.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Transport {
    /// One HTTP request, one answer.
    Http,
    /// An event stream.
    EventStream,
    /// A WebSocket.
    WebSocket,
    /// A call inside the process.
    Direct,
}

impl Transport {
    /// A word for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::EventStream => "sse",
            Self::WebSocket => "websocket",
            Self::Direct => "direct",
        }
    }
}

/// What is known about an operation before it runs. Resolvers find it with `ctx.data::<Arc<RequestMeta>>()`.
#[derive(Debug)]
pub struct RequestMeta {
    /// Id of the request, also in the answer and in every error.
    pub request_id: Arc<str>,
    /// How the request came.
    pub transport: Transport,
    /// Where the request came from.
    pub peer: Peer,
    /// Name of the operation, where it has one.
    pub operation_name: Option<Arc<str>>,
    /// Kind of the operation.
    pub kind: OperationKind,
    /// SHA-256 of the document.
    pub document: Digest,
    /// Points the operation may cost at most.
    pub cost: u64,
    /// What the key may still spend, after this operation; absent where rate limits are off.
    pub rate: Option<RateStatus>,
    /// The last event the client has seen: a subscription resumes after it.
    pub last_event_id: Option<Arc<str>>,
    /// When the operation was admitted.
    pub started: Instant,
    /// What the price was made of, where the operation asks for it.
    pub(crate) priced: Option<(Arc<Operation>, Variables)>,
}

impl RequestMeta {
    /// Points the operation may cost by response path, such as `organizations.nodes`: each with all that is below it.
    /// Empty unless the operation selects `rateLimit`.
    #[must_use]
    pub fn cost_by_path(&self) -> Vec<(String, u64)> {
        let by_path = self.priced.as_ref().map(|(operation, variables)| operation.cost.by_path(variables));
        by_path.unwrap_or_default()
    }
}

/// What happened to one operation or refused request.
pub struct RequestRecord<'a, H: Host> {
    /// Id of the request.
    pub request_id: &'a str,
    /// How the request came.
    pub transport: Transport,
    /// Who asked, where the request got that far.
    pub identity: Option<&'a H::Identity>,
    /// The operation, where the request got that far.
    pub operation: Option<&'a RequestMeta>,
    /// What [`Host::prepare`] kept for this request, where it was executed itself.
    pub work: Option<&'a H::Work>,
    /// HTTP status, or what it would have been.
    pub status: u16,
    /// Codes of the errors in the answer.
    pub codes: &'a [ErrorCode],
    /// The request whose execution answered this one, where that is another.
    pub answered_by: Option<&'a str>,
    /// Points the operation did cost.
    pub cost: u64,
    /// Bytes of the answer before compression.
    pub bytes: usize,
    /// Time from the arrival of the request to its answer, or to the end of its stream.
    pub duration: Duration,
}

/// Where a subscription writes the cursor of the event it is about to yield; an event stream sends it as the event's
/// `id`, which comes back as `Last-Event-ID`. Found with `ctx.data::<EventCursor>()`.
#[derive(Clone, Debug, Default)]
pub struct EventCursor(Arc<Mutex<Option<String>>>);

impl EventCursor {
    /// Names the event that is yielded next.
    pub fn set(&self, cursor: impl Into<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(cursor.into());
    }

    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bearer_tokens() {
        let read = |value: &'static str| {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
            bearer(&headers).map(|token| token.map(Cow::into_owned)).ok()
        };
        assert_eq!(read("Bearer abc"), Some(Some("abc".to_owned())));
        assert_eq!(read("bearer abc"), Some(Some("abc".to_owned())));
        assert_eq!(read("Basic abc"), None);
        assert_eq!(read("Bearer "), None);
        assert_eq!(bearer(&HeaderMap::new()).unwrap(), None);
        let mut twice = HeaderMap::new();
        twice.append(header::AUTHORIZATION, "Bearer abc".parse().unwrap());
        twice.append(header::AUTHORIZATION, "Bearer abc".parse().unwrap());
        assert!(bearer(&twice).unwrap_err().message.contains("more than one"));
    }
}
