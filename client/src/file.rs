use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio_util::io::ReaderStream;

use crate::answered::Answered;
use crate::{Client, ClientError, Id};

/// 100 MiB at 1 Mbit/s.
const TRANSFER_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// A file that the server keeps, addressed by its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRef {
    /// `file_…`, to be named by the mutation that uses it.
    pub id: Id,
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

impl Client {
    /// Streams the file at `path` to the server (`PUT /files`) as `media_type`, e.g. `application/gzip`.
    ///
    /// # Errors
    /// [`ClientError::Io`] for the local file, else as [`Client::run`].
    pub async fn upload_file(&self, path: &Path, media_type: &str) -> Result<FileRef, ClientError> {
        let io = |source| ClientError::Io { path: path.to_owned(), source };
        let file = tokio::fs::File::open(path).await.map_err(io)?;
        let size = file.metadata().await.map_err(io)?.len();
        let url = self.url("files")?;
        let response = self
            .request(Method::PUT, url.clone(), self.token())
            .header(CONTENT_TYPE, media_type)
            .header(CONTENT_LENGTH, size)
            .timeout(TRANSFER_TIMEOUT)
            .body(reqwest::Body::wrap_stream(ReaderStream::new(file)))
            .send()
            .await
            .map_err(|error| ClientError::transport(&url, &error))?;
        let answer = Answered::read(url, response).await?;
        if answer.status().is_success() { answer.json("a file's id") } else { Err(answer.refusal()) }
    }

    /// Replaces the Terraform state of a build (`PUT /states/{build}`) by the file at `path`.
    ///
    /// # Errors
    /// [`ClientError::Io`] for the local file, else as [`Client::run`].
    pub async fn upload_state(&self, build: &Id, path: &Path) -> Result<(), ClientError> {
        let io = |source| ClientError::Io { path: path.to_owned(), source };
        let state = tokio::fs::read(path).await.map_err(io)?;
        let url = self.url(&format!("states/{}", build.inner()))?;
        let response = self
            .request(Method::PUT, url.clone(), self.token())
            .header(CONTENT_TYPE, "application/json")
            .timeout(TRANSFER_TIMEOUT)
            .body(state)
            .send()
            .await
            .map_err(|error| ClientError::transport(&url, &error))?;
        let answer = Answered::read(url, response).await?;
        if answer.status().is_success() { Ok(()) } else { Err(answer.refusal()) }
    }

    /// Streams `path` below the server's URL into `sink`; answers the number of bytes. `token` is sent instead of
    /// the client's own, e.g. the token of a job.
    ///
    /// # Errors
    /// [`ClientError::TooLarge`] as soon as more than `limit` bytes are announced or arrive, [`ClientError::Io`]
    /// when `sink` fails, else as [`Client::run`].
    pub async fn download(
        &self,
        path: &str,
        token: Option<&SecretString>,
        limit: u64,
        sink: &mut (impl AsyncWrite + Unpin),
    ) -> Result<u64, ClientError> {
        let url = self.url(path)?;
        let lost = |error: reqwest::Error| ClientError::transport(&url, &error);
        let too_large = || ClientError::TooLarge { url: url.to_string(), limit };
        let io = |source| ClientError::Io { path: path.into(), source };
        let mut response = self
            .request(Method::GET, url.clone(), token.or(self.token()))
            .timeout(TRANSFER_TIMEOUT)
            .send()
            .await
            .map_err(lost)?;
        if !response.status().is_success() {
            return Err(Answered::read(url, response).await?.refusal());
        }
        if response.content_length().is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut received = 0;
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            received += chunk.len() as u64;
            if received > limit {
                return Err(too_large());
            }
            sink.write_all(&chunk).await.map_err(io)?;
        }
        sink.flush().await.map_err(io)?;
        Ok(received)
    }
}
