//! Bodies on their way in: of a bounded size, and not for ever.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::StatusCode;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout, timeout_at};

use super::refusal;

/// How long a client may be silent in the middle.
const STALL: Duration = Duration::from_secs(15);
/// How long it may take altogether: 100 MiB within that are a slow line.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// A body that is read piece by piece.
pub(super) struct Upload {
    body: Body,
    left: u64,
    too_large: fn() -> Response,
    until: Instant,
}

impl Upload {
    /// Of at most so many bytes; what is said of more.
    pub(super) fn new(body: Body, max: u64, too_large: fn() -> Response) -> Self {
        Self { body, left: max, too_large, until: Instant::now() + PATIENCE }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// The refusal of a body that is too large, too slow or breaks off.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Response> {
        loop {
            let silence = timeout(STALL, self.body.frame());
            let frame = match timeout_at(self.until, silence).await {
                Err(_) => return Err(too_slow("the upload took more than 15 minutes")),
                Ok(Err(_)) => return Err(too_slow("the upload stood still for 15 seconds")),
                Ok(Ok(None)) => return Ok(None),
                Ok(Ok(Some(Err(_)))) => {
                    return Err(refusal(StatusCode::BAD_REQUEST, "BAD_REQUEST", "the upload broke off"));
                }
                Ok(Ok(Some(Ok(frame)))) => frame,
            };
            // Trailers say nothing to us.
            let Ok(bytes) = frame.into_data() else { continue };
            self.left = self.left.checked_sub(bytes.len() as u64).ok_or_else(self.too_large)?;
            return Ok(Some(bytes));
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// As [`Upload::next`].
    pub(super) async fn whole(mut self) -> Result<Vec<u8>, Response> {
        let mut whole = Vec::new();
        while let Some(bytes) = self.next().await? {
            whole.extend_from_slice(&bytes);
        }
        Ok(whole)
    }
}

fn too_slow(message: &str) -> Response {
    refusal(StatusCode::REQUEST_TIMEOUT, "TIMEOUT", message)
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    fn too_large() -> Response {
        refusal(StatusCode::PAYLOAD_TOO_LARGE, "BAD_REQUEST", "too large")
    }

    fn every(seconds: u64, pieces: usize) -> Body {
        Body::from_stream(stream::unfold(0, move |sent| async move {
            if sent == pieces {
                return None;
            }
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b"x")), sent + 1))
        }))
    }

    async fn received(body: Body, max: u64) -> Result<usize, u16> {
        let whole = Upload::new(body, max, too_large).whole().await;
        whole.map(|bytes| bytes.len()).map_err(|response| response.status().as_u16())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_comes_whole_in_time_and_within_its_size_or_not_at_all() {
        assert_eq!(received(every(14, 10), 10).await, Ok(10));
        assert_eq!(received(every(0, 11), 10).await, Err(413));
        assert_eq!(received(every(16, 2), 10).await, Err(408), "it stands still");
        // A byte in ten seconds, for ever.
        let begun = Instant::now();
        assert_eq!(received(every(10, usize::MAX), 1 << 20).await, Err(408));
        assert_eq!(begun.elapsed().as_secs(), 15 * 60);
        let broken = stream::iter([Ok(Bytes::from_static(b"x")), Err(std::io::Error::other("gone"))]);
        assert_eq!(received(Body::from_stream(broken), 10).await, Err(400));
    }
}
