use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

use crate::UserError;

/// Why a call brought no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server's URL can't be one.
    #[error("`{url}` is not the URL of a server: {reason}")]
    InvalidUrl {
        /// The text as it was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection, a broken one, or no answer in time: nothing is known about the outcome unless
    /// `connected` is false, in which case the server never saw the call.
    #[error(
        "no answer from {url}: {reason}. Check that the server runs, that the URL is right and that nothing in between blocks it"
    )]
    Unreachable {
        /// The URL that was called.
        url: String,
        /// The innermost cause, e.g. "connection refused".
        reason: String,
        /// Whether a connection had been made.
        connected: bool,
    },
    /// The server answered with GraphQL errors; never empty.
    #[error("{}", Joined(.0))]
    GraphQl(Vec<GraphQlError>),
    /// The input was understood and refused; never empty. Nothing has changed.
    #[error("{}", Joined(.0))]
    Refused(Vec<UserError>),
    /// What was asked for is missing, or the token may not see it: the server does not tell which.
    #[error("there is no {kind} `{name}` that you can see")]
    NotFound {
        /// What it would be, e.g. "organization".
        kind: &'static str,
        /// Its name or id as it was asked for.
        name: String,
    },
    /// A mutation answered with neither a result nor a reason.
    #[error("the server left the result out of its answer: its version may not fit this client's")]
    Incomplete,
    /// Something answered, but not with what the API promises: a proxy, another program, another version.
    #[error("{url} answered {status} ({media_type}), which is no answer of this API: {detail}")]
    Unexpected {
        /// The URL that was called.
        url: String,
        /// HTTP status.
        status: u16,
        /// The answer's `content-type`, or "no content type".
        media_type: String,
        /// What was expected instead.
        detail: String,
    },
    /// A download was larger than the caller accepts.
    #[error("{url} sends more than the {limit} bytes that are accepted")]
    TooLarge {
        /// The URL that was called.
        url: String,
        /// The cap in bytes.
        limit: u64,
    },
    /// A local file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
}

impl ClientError {
    /// The code of the first GraphQL error, e.g. `UNAUTHENTICATED`; `None` for every other kind of failure.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::GraphQl(errors) => errors.first().map(|error| error.code.as_str()),
            _ => None,
        }
    }

    /// Whether the same call may well succeed a little later: the server is away, busy or overloaded.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Unexpected { status, .. } => matches!(status, 502..=504),
            Self::GraphQl(errors) => errors
                .iter()
                .any(|error| matches!(error.code.as_str(), "UNAVAILABLE" | "RATE_LIMITED" | "TIMEOUT")),
            _ => false,
        }
    }

    /// Whether the server refused the document as one that is not registered with it, whoever sends it.
    #[must_use]
    pub fn refuses_document(&self) -> bool {
        match self {
            Self::GraphQl(errors) => {
                errors.iter().any(|error| error.code == "FORBIDDEN" && error.document.is_some())
            }
            _ => false,
        }
    }

    /// Whether the server certainly never saw the call, so that repeating it can do nothing twice.
    pub(crate) fn is_unsent(&self) -> bool {
        matches!(self, Self::Unreachable { connected: false, .. })
    }

    pub(crate) fn transport(url: &reqwest::Url, error: &reqwest::Error) -> Self {
        let reason = if error.is_timeout() && !error.is_connect() {
            "it took too long".to_owned()
        } else {
            innermost(error)
        };
        Self::Unreachable { url: url.to_string(), reason, connected: !error.is_connect() }
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// One GraphQL error as the API shapes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphQlError {
    /// A code of the closed set in the API's documentation, e.g. `FORBIDDEN`; empty if the server sent none.
    pub code: String,
    /// What was wrong and what to do.
    pub message: String,
    /// Where in the answer, joined by dots, e.g. `organization.provisionerKeys`.
    pub path: Option<String>,
    /// The permission that is missing, e.g. `PROVISIONER_KEY_READ`.
    pub requires: Option<String>,
    /// The SHA-256 of the document, where that is what was refused: the server runs registered ones alone.
    pub document: Option<String>,
    /// Finds the request in the server's log.
    pub request_id: Option<String>,
}

impl fmt::Display for GraphQlError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        // The server's own words mostly name it.
        if let Some(requires) = self.requires.as_ref().filter(|requires| !self.message.contains(*requires)) {
            write!(out, " (requires {requires})")?;
        }
        match &self.request_id {
            Some(id) if self.code == "INTERNAL_SERVER_ERROR" => write!(out, " (request {id})"),
            _ => Ok(()),
        }
    }
}

struct Joined<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Joined<'_, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                out.write_str("; ")?;
            }
            error.fmt(out)?;
        }
        Ok(())
    }
}

/// `extensions` of an error on the wire; unknown entries are ignored, missing ones are fine.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Extensions {
    code: Option<String>,
    requires: Option<Requires>,
    document: Option<String>,
    request_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Requires {
    Pair { resource: String, action: String },
    Name(String),
    Names(Vec<String>),
}

impl From<cynic::GraphQlError<Extensions>> for GraphQlError {
    fn from(error: cynic::GraphQlError<Extensions>) -> Self {
        let extensions = error.extensions.unwrap_or_default();
        let path = error.path.map(|segments| {
            let segments = segments.into_iter().map(|segment| match segment {
                cynic::GraphQlErrorPathSegment::Field(name) => name,
                cynic::GraphQlErrorPathSegment::Index(index) => index.to_string(),
            });
            segments.collect::<Vec<_>>().join(".")
        });
        let requires = extensions.requires.map(|requires| match requires {
            Requires::Pair { resource, action } => format!("{resource}_{action}"),
            Requires::Name(name) => name,
            Requires::Names(names) => names.join(", "),
        });
        Self {
            code: extensions.code.unwrap_or_default(),
            message: error.message,
            path,
            requires,
            document: extensions.document,
            request_id: extensions.request_id,
        }
    }
}
