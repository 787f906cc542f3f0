//! An HTTP answer, and what it means.

use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::ClientError;
use crate::error::Extensions;

/// The media type of answers since GraphQL over HTTP has one of its own.
pub(crate) const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";
/// An answer past this is not one of ours: pages are bounded.
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;

/// An answer, read whole.
pub(crate) struct Answered {
    url: Url,
    status: StatusCode,
    media_type: String,
    body: Vec<u8>,
}

/// A GraphQL response. The data are looked at last: where there are errors they may have holes.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    errors: Option<Vec<cynic::GraphQlError<Extensions>>>,
}

impl Answered {
    pub(crate) async fn read(url: Url, mut response: Response) -> Result<Self, ClientError> {
        let status = response.status();
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or("no content type").to_owned();
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| ClientError::transport(&url, &error))?
        {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(ClientError::TooLarge { url: url.into(), limit: LARGEST_ANSWER as u64 });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self { url, status, media_type, body })
    }

    /// An answer that came as a part of an event stream.
    pub(crate) fn of(url: Url, status: StatusCode, body: Vec<u8>) -> Self {
        Self { url, status, media_type: GRAPHQL_RESPONSE.to_owned(), body }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The body as JSON; `expected` names it in the error.
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self, expected: &str) -> Result<T, ClientError> {
        let essence = self.media_type.split(';').next().unwrap_or_default().trim();
        if !matches!(essence, GRAPHQL_RESPONSE | "application/json") {
            return Err(self.unexpected(format!("expected {expected}")));
        }
        self.parse(&self.body, expected)
    }

    /// The data of a GraphQL response without errors.
    pub(crate) fn data<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        let Envelope { data, errors } = self.json("a GraphQL response")?;
        if let Some(errors) = errors.filter(|errors| !errors.is_empty()) {
            return Err(ClientError::GraphQl(errors.into_iter().map(Into::into).collect()));
        }
        let data = data.ok_or_else(|| self.unexpected("expected data or errors".to_owned()))?;
        self.parse(data.get().as_bytes(), "data of the operation")
    }

    /// The GraphQL errors of a refusal, which every route of the API answers with, or what came instead.
    pub(crate) fn refusal(&self) -> ClientError {
        match self.data::<serde::de::IgnoredAny>() {
            Ok(_) => self.unexpected("a refusal without errors".to_owned()),
            Err(error) => error,
        }
    }

    fn parse<'a, T: Deserialize<'a>>(&self, text: &'a [u8], expected: &str) -> Result<T, ClientError> {
        serde_json::from_slice(text)
            .map_err(|error| self.unexpected(format!("expected {expected}, but {error}")))
    }

    fn unexpected(&self, detail: String) -> ClientError {
        ClientError::Unexpected {
            url: self.url.to_string(),
            status: self.status.as_u16(),
            media_type: self.media_type.clone(),
            detail,
        }
    }
}
