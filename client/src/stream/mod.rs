//! Following what happens: subscriptions over server-sent events. A stream that breaks is opened again where it broke.

mod parser;

use cynic::StreamingOperation;
use reqwest::header::ACCEPT;
use reqwest::{Method, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answered::Answered;
use crate::{Client, ClientError, Registered};
use parser::Parser;

/// An event past this is not one of ours.
const LARGEST_EVENT: usize = 4 * 1024 * 1024;

impl Client {
    /// Follows the subscription that `from` makes of a cursor, and passes what it tells to `told`, which answers the cursor
    /// of that, or nothing when it has heard enough. Ends with the subscription.
    ///
    /// A stream that breaks, or a server that is away, is waited for as the [`Retry`](crate::Retry) in force says; its
    /// attempts are counted from the last sign of life. Nothing is told twice, and nothing left out: it goes on behind the
    /// last cursor.
    ///
    /// # Errors
    /// What `told` answers; [`ClientError::GraphQl`] when the stream ends with an error; else as [`Client::run`].
    pub(crate) async fn follow<Data, Variables, E>(
        &self,
        after: Option<String>,
        from: impl Fn(Option<String>) -> StreamingOperation<Data, Variables>,
        told: impl FnMut(Data) -> Result<Option<String>, E>,
    ) -> Result<(), E>
    where
        Data: DeserializeOwned + Registered<Variables>,
        Variables: Serialize,
        E: From<ClientError>,
    {
        self.follow_any(after, from, told).await
    }

    async fn follow_any<Data, Document, E>(
        &self,
        after: Option<String>,
        from: impl Fn(Option<String>) -> Document,
        mut told: impl FnMut(Data) -> Result<Option<String>, E>,
    ) -> Result<(), E>
    where
        Data: DeserializeOwned,
        Document: Serialize,
        E: From<ClientError>,
    {
        let (mut after, mut attempt) = (after, 1);
        loop {
            let broken = match self.open(&from(after.clone())).await {
                Err(error) => error,
                Ok(mut stream) => loop {
                    match stream.next().await {
                        Ok(Some(data)) => {
                            let Some(cursor) = told(data)? else { return Ok(()) };
                            after = Some(cursor);
                            attempt = 1;
                        }
                        Ok(None) => return Ok(()),
                        Err(error) => {
                            if stream.lived && matches!(error, ClientError::Unreachable { .. }) {
                                attempt = 1;
                            }
                            break error;
                        }
                    }
                },
            };
            let wait = if broken.is_transient() { self.retry().wait_after(attempt) } else { None };
            let Some(wait) = wait else { return Err(broken.into()) };
            tracing::debug!(error = %broken, attempt, wait_ms = wait.as_millis(), "the stream is opened again");
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn open(&self, document: &impl Serialize) -> Result<Stream, ClientError> {
        let url = self.url("graphql")?;
        let answer = self
            .request(Method::POST, url.clone(), self.token())
            .header(ACCEPT, "text/event-stream")
            .json(document)
            .send()
            .await
            .map_err(|error| ClientError::transport(&url, &error))?;
        if !answer.status().is_success() {
            return Err(Answered::read(url, answer).await?.refusal());
        }
        let (status, parser) = (answer.status(), Parser::new(LARGEST_EVENT));
        Ok(Stream { url, status, answer, parser, lived: false })
    }
}

/// An open event stream.
struct Stream {
    url: Url,
    status: StatusCode,
    answer: Response,
    parser: Parser,
    /// Something came, if only a sign of life.
    lived: bool,
}

impl Stream {
    /// What it tells next; nothing when the subscription is at its end.
    async fn next<Data: DeserializeOwned>(&mut self) -> Result<Option<Data>, ClientError> {
        loop {
            while let Some(event) = self.parser.event() {
                match event.kind.as_slice() {
                    b"next" => {
                        return Answered::of(self.url.clone(), self.status, event.data).data().map(Some);
                    }
                    b"complete" => return Ok(None),
                    // One that a later server may send.
                    _ => {}
                }
            }
            let more =
                self.answer.chunk().await.map_err(|error| ClientError::transport(&self.url, &error))?;
            let Some(more) = more else {
                let (url, reason) = (self.url.to_string(), "the event stream broke off".to_owned());
                return Err(ClientError::Unreachable { url, reason, connected: true });
            };
            self.lived = true;
            if !self.parser.read(&more) {
                return Err(ClientError::TooLarge { url: self.url.to_string(), limit: LARGEST_EVENT as u64 });
            }
        }
    }
}

#[cfg(test)]
mod tests;
