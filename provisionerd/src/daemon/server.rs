//! The server as the daemon sees it: who it is there, whether it can be reached, and when to try again.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use guildhall_client::provisioner::{RegisterProvisionerDaemonInput, Registration};
use guildhall_client::provisioner_daemon::ProvisionerEngine;
use guildhall_client::{Client, ClientError, Id};

use super::DaemonError;
use crate::backoff::Backoff;
use crate::engine::Engine;
use crate::settings::{Settings, Shutdown};

const HEARTBEAT: Duration = Duration::from_secs(30);
/// How long a result is offered to a server that is away. It gives a silent job up after 5 minutes; its clock may
/// have stood still for as long as it was away.
const REPORTING: Duration = Duration::from_secs(20 * 60);
/// The same once the daemon is told to end at once.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// How long a daemon that has ended waits for the server to take note of it.
const FAREWELL: Duration = Duration::from_secs(3);

/// What an error means for who called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Understood and refused: asking again changes nothing.
    Refused,
    /// The key is worth nothing (any more).
    Key,
    /// The server is away or troubled: the same call may succeed later.
    Later,
}

/// Why something was never said.
#[derive(Debug)]
pub(super) enum Unsaid {
    Refused(ClientError),
    /// Nobody listened for too long.
    GaveUp(ClientError),
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) client: Client,
    introduction: RegisterProvisionerDaemonInput,
    registration: Mutex<Option<Registration>>,
    away: AtomicBool,
    refusal: Mutex<Option<DaemonError>>,
    shutdown: Shutdown,
}

impl Server {
    pub(super) fn new(settings: &Settings, engine: &Engine, shutdown: Shutdown) -> Result<Self, DaemonError> {
        let client = Client::new(&settings.url)
            .map_err(DaemonError::Server)?
            .with_token(settings.key.clone())
            .with_product("guildhall-provisionerd");
        let introduction = RegisterProvisionerDaemonInput {
            organization: settings.organization.clone(),
            name: settings.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            engines: vec![match engine {
                Engine::Terraform(_) => ProvisionerEngine::Terraform,
                Engine::Echo(_) => ProvisionerEngine::Echo,
            }],
        };
        Ok(Self {
            client,
            introduction,
            registration: Mutex::new(None),
            away: AtomicBool::new(false),
            refusal: Mutex::new(None),
            shutdown,
        })
    }

    /// Introduces the daemon, waiting for a server that is away. `false`: told to end before it came back.
    pub(super) async fn register(&self) -> Result<bool, DaemonError> {
        let mut backoff = Backoff::endless();
        loop {
            let answer = tokio::select! {
                answer = self.client.register_provisioner_daemon(self.introduction.clone()) => answer,
                () = self.shutdown.drain.cancelled() => return Ok(false),
            };
            let error = match answer {
                Ok(registration) => {
                    self.reached();
                    *lock(&self.registration) = Some(registration);
                    return Ok(true);
                }
                Err(error) => error,
            };
            match self.judge(&error) {
                Verdict::Refused => return Err(DaemonError::Refused(error)),
                Verdict::Key => return Err(DaemonError::shut_out(error)),
                // At the start, what is no answer of this API is a wrong URL. Later it is a proxy in trouble.
                Verdict::Later
                    if self.is_new()
                        && matches!(error, ClientError::Unexpected { .. })
                        && !error.is_transient() =>
                {
                    return Err(DaemonError::Server(error));
                }
                Verdict::Later => {
                    tokio::select! {
                        _ = backoff.wait() => {}
                        () = self.shutdown.drain.cancelled() => return Ok(false),
                    }
                }
            }
        }
    }

    /// Registers again with a server that has forgotten this daemon; if it won't have it back, the daemon ends.
    pub(super) async fn return_to(&self) {
        tracing::warn!("the server does not know this provisioner any more; it registers again");
        if let Err(error) = self.register().await {
            self.end_with(error);
        }
    }

    fn is_new(&self) -> bool {
        lock(&self.registration).is_none()
    }

    /// Who the daemon is there; empty before it registered.
    pub(super) fn daemon(&self) -> Id {
        lock(&self.registration).as_ref().map_or_else(|| Id::new(""), |known| known.daemon.clone())
    }

    pub(super) fn heartbeat_interval(&self) -> Duration {
        let wish = lock(&self.registration).as_ref().and_then(|known| known.heartbeat_interval_seconds);
        let seconds = wish.and_then(|seconds| u64::try_from(seconds).ok()).filter(|seconds| *seconds > 0);
        seconds.map_or(HEARTBEAT, Duration::from_secs)
    }

    /// What `error` means, said once in the daemon's log for as long as the server is away.
    pub(super) fn judge(&self, error: &ClientError) -> Verdict {
        let troubled = match error {
            ClientError::Unreachable { .. } | ClientError::Unexpected { .. } => true,
            _ => error.is_transient() || error.code() == Some("INTERNAL_SERVER_ERROR"),
        };
        match error.code() {
            Some("UNAUTHENTICATED" | "FORBIDDEN") => Verdict::Key,
            _ if !troubled => Verdict::Refused,
            _ => {
                if !self.away.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "the server can't be reached; trying again until it can");
                }
                Verdict::Later
            }
        }
    }

    pub(super) fn reached(&self) {
        if self.away.swap(false, Ordering::Relaxed) {
            tracing::info!("the server can be reached again");
        }
    }

    /// Ends the daemon at once because of `error`.
    pub(super) fn end_with(&self, error: DaemonError) {
        lock(&self.refusal).get_or_insert(error);
        self.shutdown.drain.cancel();
        self.shutdown.abort.cancel();
    }

    /// Says that the daemon has ended, so that nobody waits for it. The server notices without that, only later.
    pub(super) async fn sign_off(&self) {
        if lock(&self.refusal).is_some() {
            return;
        }
        let daemon = self.daemon();
        let saying = self.client.sign_off_provisioner_daemon(&daemon);
        if let Ok(Err(error)) = tokio::time::timeout(FAREWELL, saying).await {
            tracing::debug!(%error, "the server was not told that this provisioner has ended");
        }
    }

    /// Why the daemon ends, if not because it was told to.
    pub(super) fn end(&self) -> Result<(), DaemonError> {
        lock(&self.refusal).take().map_or(Ok(()), Err)
    }

    /// Says something that must not be lost: again and again while the server is away, for a long time but not for
    /// ever, and not for long once the daemon is told to end at once.
    pub(super) async fn insist<T, Saying>(&self, mut say: impl FnMut() -> Saying) -> Result<T, Unsaid>
    where
        Saying: Future<Output = Result<T, ClientError>>,
    {
        let mut backoff = Backoff::until(REPORTING);
        let last_words = async {
            self.shutdown.abort.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::pin!(last_words);
        loop {
            let error = match say().await {
                Ok(answer) => {
                    self.reached();
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if self.judge(&error) != Verdict::Later {
                return Err(Unsaid::Refused(error));
            }
            let again = tokio::select! {
                again = backoff.wait() => again,
                () = &mut last_words => false,
            };
            if !again {
                return Err(Unsaid::GaveUp(error));
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
