use std::fmt;
use std::time::Duration;

use reqwest::header::{ACCEPT, USER_AGENT};
use reqwest::{Method, RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answered::{Answered, GRAPHQL_RESPONSE};
use crate::{ClientError, Operation, Registered, Retry};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longer than the server's own limit (10 s) and than the longest poll (8 s).
const OPERATION_TIMEOUT: Duration = Duration::from_secs(20);
/// A connection to one server, on behalf of one token. Cheap to clone: clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<SecretString>,
    agent: String,
    retry: Retry,
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Client").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of the server at `url`, e.g. `https://guildhall.example.com` or `localhost:8080`.
    ///
    /// Without a scheme, `http` is taken for this machine and `https` for every other. A path is kept, so that a
    /// server may live below one. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ClientError::InvalidUrl`].
    pub fn new(url: &str) -> Result<Self, ClientError> {
        let invalid = |reason: String| ClientError::InvalidUrl { url: url.to_owned(), reason };
        let base = base_url(url).map_err(invalid)?;
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(OPERATION_TIMEOUT)
            // Following one would turn a POST into a GET and might carry the token elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| invalid(error.to_string()))?;
        let agent = format!("guildhall-cli/{}", env!("CARGO_PKG_VERSION"));
        Ok(Self { http, base, token: None, agent, retry: Retry::NONE })
    }

    /// Sends `token` (a session or a provisioner key) with every operation and upload.
    #[must_use]
    pub fn with_token(mut self, token: SecretString) -> Self {
        self.token = Some(token);
        self
    }

    /// Calls itself `product/version` instead of `guildhall-cli/version`.
    #[must_use]
    pub fn with_product(mut self, product: &str) -> Self {
        self.agent = format!("{product}/{}", env!("CARGO_PKG_VERSION"));
        self
    }

    /// Repeats calls as `retry` says; the default is [`Retry::NONE`].
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The server's URL, ending in `/`.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        &self.base
    }

    /// The URL of `path` below the server's, e.g. `/graphql`.
    ///
    /// # Errors
    /// [`ClientError::InvalidUrl`] when `path` would lead away from the server, as an absolute URL does.
    pub fn url(&self, path: &str) -> Result<Url, ClientError> {
        let invalid =
            |reason: &str| ClientError::InvalidUrl { url: path.to_owned(), reason: reason.to_owned() };
        let url = self.base.join(path.trim_start_matches('/')).map_err(|_| invalid("not a path"))?;
        if url.origin() == self.base.origin() && url.path().starts_with(self.base.path()) {
            Ok(url)
        } else {
            Err(invalid("it leads away from the server"))
        }
    }

    /// Runs `operation` and answers its data. An answer with errors is an error, even when it also has data.
    ///
    /// Repeated by the [`Retry`] in force only while the server can't be connected to, so never done twice.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], [`ClientError::GraphQl`], [`ClientError::Unexpected`].
    pub async fn run<Data, Variables>(
        &self,
        operation: Operation<Data, Variables>,
    ) -> Result<Data, ClientError>
    where
        Data: DeserializeOwned + Registered<Variables>,
        Variables: Serialize,
    {
        self.repeat(&operation, ClientError::is_unsent).await
    }

    /// As [`run`](Self::run), and also repeated when the connection breaks, the answer is late or the server is
    /// busy. For queries, and for mutations that may happen twice without harm.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_idempotent<Data, Variables>(
        &self,
        operation: Operation<Data, Variables>,
    ) -> Result<Data, ClientError>
    where
        Data: DeserializeOwned + Registered<Variables>,
        Variables: Serialize,
    {
        self.repeat(&operation, ClientError::is_transient).await
    }

    /// Runs a document that is not known at compile time; answers the whole GraphQL response, errors included.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], [`ClientError::Unexpected`].
    pub async fn run_text(
        &self,
        query: &str,
        variables: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<serde_json::Value, ClientError> {
        let answer = self.post(&serde_json::json!({ "query": query, "variables": variables })).await?;
        answer.json("a GraphQL response")
    }

    async fn repeat<Data: DeserializeOwned>(
        &self,
        body: &impl Serialize,
        may_repeat: fn(&ClientError) -> bool,
    ) -> Result<Data, ClientError> {
        let mut attempt = 1;
        loop {
            let data = self.post(body).await.and_then(|answer| answer.data());
            let wait = match &data {
                Err(error) if may_repeat(error) => self.retry.wait_after(attempt),
                _ => None,
            };
            let Some(wait) = wait else { return data };
            if let Err(error) = &data {
                tracing::debug!(%error, attempt, wait_ms = wait.as_millis(), "the call is repeated");
            }
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn post(&self, body: &impl Serialize) -> Result<Answered, ClientError> {
        let url = self.url("graphql")?;
        let response = self
            .request(Method::POST, url.clone(), self.token.as_ref())
            .header(ACCEPT, GRAPHQL_RESPONSE)
            .timeout(OPERATION_TIMEOUT)
            .json(body)
            .send()
            .await
            .map_err(|error| ClientError::transport(&url, &error))?;
        Answered::read(url, response).await
    }

    /// A request that carries this client's name and `token`.
    pub(crate) fn request(&self, method: Method, url: Url, token: Option<&SecretString>) -> RequestBuilder {
        let request = self.http.request(method, url).header(USER_AGENT, &self.agent);
        match token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }

    pub(crate) fn retry(&self) -> Retry {
        self.retry
    }

    pub(crate) fn token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }
}

fn base_url(text: &str) -> Result<Url, String> {
    let text = text.trim();
    let text = match text.contains("://") {
        true => text.to_owned(),
        false => {
            let host = text.split(['/', ':']).next().unwrap_or_default();
            let here = host == "localhost" || host.starts_with("127.") || text.starts_with("[::1]");
            format!("{}://{text}", if here { "http" } else { "https" })
        }
    };
    let mut url = Url::parse(&text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("it must start with http:// or https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must not carry a user name or a password".to_owned());
    }
    url.set_query(None);
    url.set_fragment(None);
    // What a server prints when it starts is where its API is.
    let path = url.path().trim_end_matches('/');
    let path = format!("{}/", path.strip_suffix("/graphql").unwrap_or(path));
    url.set_path(&path);
    Ok(url)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://a.example", "https://a.example/")]
    #[case(" http://a.example:8080/ ", "http://a.example:8080/")]
    #[case("https://a.example/guild?x=1#y", "https://a.example/guild/")]
    #[case("http://localhost:8080/graphql", "http://localhost:8080/")]
    #[case("https://a.example/guild/graphql/", "https://a.example/guild/")]
    #[case("https://a.example/graphql-guild", "https://a.example/graphql-guild/")]
    #[case("a.example", "https://a.example/")]
    #[case("localhost:8080", "http://localhost:8080/")]
    #[case("127.0.0.1:8080", "http://127.0.0.1:8080/")]
    #[case("[::1]:8080", "http://[::1]:8080/")]
    #[case("localhost.example.com", "https://localhost.example.com/")]
    fn urls_are_completed(#[case] given: &str, #[case] url: &str) {
        assert_eq!(Client::new(given).unwrap().base_url().as_str(), url);
    }

    #[rstest]
    fn what_is_no_url_is_named(
        #[values("", "ftp://a.example", "http://", "https://ana:pw@a.example", "https://a b")] given: &str,
    ) {
        let error = Client::new(given).unwrap_err();
        assert!(matches!(&error, ClientError::InvalidUrl { url, .. } if url == given), "{error}");
    }

    #[rstest]
    #[case("/graphql", "https://a.example/guild/graphql")]
    #[case("files/file_1", "https://a.example/guild/files/file_1")]
    #[case("//b.example/files", "https://a.example/guild/b.example/files")]
    fn paths_stay_below_the_server(#[case] path: &str, #[case] url: &str) {
        assert_eq!(Client::new("https://a.example/guild").unwrap().url(path).unwrap().as_str(), url);
    }

    #[rstest]
    fn paths_that_lead_away_are_refused(#[values("https://b.example/x", "../x", "/../../x")] path: &str
    ) {
        assert!(Client::new("https://a.example/guild").unwrap().url(path).is_err());
    }
}
