//! The composition root: pools, clock, schema, workers, shutdown. Wires, decides nothing.

mod ending;
mod sealing;

use std::io::Write as _;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use guildhall_front::{Limits, ListenerLimits, PersistedDocuments, PersistedMode};
use guildhall_provisionerd::{Daemon, Settings as DaemonSettings, Shutdown};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::authn::job_token::JobTokens;
use crate::authn::session::SessionKeys;
use crate::authn::{self, BuiltinKey, Lookups, Watches};
use crate::clock::Clock;
use crate::config::{self, Serving, Settled};
use crate::db::{self, Db};
use crate::graphql::context::Services;
use crate::http::{GraphqlFront, Site, metrics_router, router};
use crate::live::CursorKeys;
use crate::name::DEFAULT;
use crate::{audit_log, demo, dispatch, keys, live, organization, user, workspace};
pub use sealing::reseal;

/// Lines of the log about documents that can't run.
const UNFIT_SHOWN: usize = 20;

/// A server that is up.
pub struct App {
    front: GraphqlFront,
    router: axum::Router,
    site: Site,
    db: Db,
    services: Arc<Services>,
    builtin: BuiltinKey,
    demo: bool,
    /// Stops the reader of the outbox, and who watches its readers, with the server.
    _live: DropGuard,
}

impl App {
    /// Opens the database, brings it up to date, and makes what a first start needs: keys, the default organization,
    /// the setup token and, if asked for, the demonstration data.
    ///
    /// # Errors
    /// When the data folder or the database can't be used.
    pub async fn open(
        data_dir: &Path,
        database: &db::Settings,
        clock: Clock,
        options: Options,
    ) -> anyhow::Result<Self> {
        keys::make_folder(data_dir)?;
        let db = db::connect(database, clock.clone()).await?;
        db::migrate(&db).await?;
        let signing = keys::signing(data_dir, &clock)?;
        let (session_keys, cursor_keys) = (SessionKeys::new(&signing), CursorKeys::new(&signing)?);
        let sealer = sealing::sealer(&db, data_dir, options.sealing_key_file.as_deref(), &clock).await?;
        live::begin(&db).await?;
        let (watches, live) = (Watches::default(), CancellationToken::new());
        let pump = live::run(db.clone(), live.clone());
        let watch = authn::watch::run(db.clone(), watches.clone(), live.clone());
        #[expect(
            clippy::disallowed_methods,
            reason = "they end with the server, and keep nothing in memory that matters"
        )]
        tokio::spawn(async move { tokio::join!(pump, watch) });
        let live = live.drop_guard();
        let default_organization = organization::ensure_default(&db).await?;
        let builtin = BuiltinKey::generate(&clock, default_organization);
        if options.demo {
            demo::fill(&db, &session_keys, &sealer, default_organization)
                .await
                .context("can't fill the demonstration data")?;
        }
        let (setup_token, setup_token_file) = if user::an_owner_exists(&db).await? {
            (None, None)
        } else {
            let (token, file) = keys::setup_token(data_dir, &clock)?;
            (Some(token), Some(file))
        };
        let services = Arc::new(Services {
            session_keys,
            cursor_keys,
            job_tokens: JobTokens::new(&signing),
            lookups: Lookups::default(),
            watches,
            sealer,
            default_organization,
            setup_token,
            setup_token_file,
            sign_ins_per_minute: options.sign_ins_per_minute,
            draining: CancellationToken::new(),
        });
        let site = Site::new(db.clone(), services.clone(), Some(builtin.clone()), options.slow_request);
        let (front, router) = router(site.clone(), options.limits, options.documents);
        Ok(Self { front, router, site, db, services, builtin, demo: options.demo, _live: live })
    }

    /// The router, for tests that need no socket.
    pub fn router(&self) -> axum::Router {
        self.router.clone()
    }

    /// What answers `GET /metrics`, on an address of its own.
    pub fn metrics_router(&self) -> axum::Router {
        metrics_router(self.site.clone())
    }

    /// The database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// What the first user must show, until there is one.
    pub fn setup_token(&self) -> Option<&SecretString> {
        self.services.setup_token.as_ref()
    }

    /// The key of built-in provisioners.
    pub fn builtin_key(&self) -> &BuiltinKey {
        &self.builtin
    }

    /// Looks once for jobs that nobody will end; answers how many it ended. The server does this every 15 seconds.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reap(&self) -> crate::error::Result<usize> {
        dispatch::reaper::sweep(&self.db).await
    }
}

impl App {
    /// Looks once after what workspaces do by themselves, as the server `holder`; answers for how many something was done.
    /// The server does this every 15 seconds.
    ///
    /// # Errors
    /// When the database fails, or another server has taken over.
    pub async fn look_after_workspaces(&self, holder: sea_orm::prelude::Uuid) -> crate::error::Result<usize> {
        workspace::scheduler::sweep(&self.db, &self.services.sealer, holder).await
    }

    /// Deletes entries of the audit log that are older than so many days; answers how many. The server does this every
    /// hour where it is told to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_audit_log(&self, days: u32) -> crate::error::Result<u64> {
        audit_log::retention::sweep(&self.db, days, &CancellationToken::new()).await
    }

    /// The cursor of now, for who wants to follow everything that happens from here on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn event_cursor(&self) -> crate::error::Result<String> {
        live::now(&self.db, &self.services.cursor_keys).await
    }

    /// Forgets events that are older than so many days; answers how many. The server does this every hour.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_events(&self, days: u32) -> crate::error::Result<u64> {
        live::retention::sweep(&self.db, days, &CancellationToken::new()).await
    }
}

/// What of the server's options is no matter of sockets.
pub struct Options {
    /// Fill an empty database with something to look at.
    pub demo: bool,
    /// Limits of the API.
    pub limits: Limits,
    /// Sign-ins a minute, of an account and from an address; zero for no limit.
    pub sign_ins_per_minute: u32,
    /// Where the sealing keys are; in the data folder if nothing is named.
    pub sealing_key_file: Option<PathBuf>,
    /// Documents that may be named by id.
    pub documents: PersistedDocuments,
    /// From when on a request is logged as slow, if ever.
    pub slow_request: Option<Duration>,
}

impl Default for Options {
    /// Every limit at its default, except that nobody's spending and signing in are limited.
    fn default() -> Self {
        let limits = Limits { rate_points_per_minute: 0, ..Limits::default() };
        let documents = PersistedDocuments::new(PersistedMode::Off, limits.cache_bytes / 4);
        Self {
            demo: false,
            limits,
            sign_ins_per_minute: 0,
            sealing_key_file: None,
            documents,
            slow_request: None,
        }
    }
}

/// Serves until a signal comes, then drains: no new connections, requests under way end, provisioners finish their jobs
/// (a second signal interrupts those).
///
/// # Errors
/// When the server can't start.
pub async fn serve(settled: Settled) -> anyhow::Result<()> {
    let Settled { serving, data_dir, database, limits, documents } = settled;
    // Before the database is touched: a second server on the same port is the commonest mistake.
    let listener = TcpListener::bind(serving.address)
        .await
        .with_context(|| format!("can't listen on {}; choose another with --address", serving.address))?;
    let address = listener.local_addr()?;
    let metrics =
        match serving.observing.metrics_address {
            Some(address) => Some(TcpListener::bind(address).await.with_context(|| {
                format!("can't listen on {address}; choose another with --metrics-address")
            })?),
            None => None,
        };
    keys::make_folder(&data_dir)?;
    let _claim = db::claim(&database)?;
    let options = Options {
        demo: serving.demo,
        limits,
        sign_ins_per_minute: serving.sign_ins_per_minute,
        sealing_key_file: serving.sealing.sealing_key_file.clone(),
        documents,
        slow_request: serving.observing.slow_request(),
    };
    let app = App::open(&data_dir, &database, Clock::system(), options).await?;
    warn_of_unfit(&app.front);
    let url = serving.access_url.clone().unwrap_or_else(|| format!("http://{address}"));
    greet(&app, &url, &data_dir, &database);
    let stop = Shutdown::default();
    let workers = TaskTracker::new();
    let (db, sealer, drain) = (&app.db, app.services.sealer.clone(), &stop.drain);
    workers.spawn(ending::until(drain, dispatch::reaper::run(db.clone(), drain.clone())));
    workers.spawn(ending::until(drain, workspace::scheduler::run(db.clone(), sealer, drain.clone())));
    if serving.audit_retention_days > 0 {
        let days = serving.audit_retention_days;
        workers.spawn(ending::until(drain, audit_log::retention::run(db.clone(), days, drain.clone())));
    }
    if serving.event_retention_days > 0 {
        let days = serving.event_retention_days;
        workers.spawn(ending::until(drain, live::retention::run(db.clone(), days, drain.clone())));
    }
    start_provisioners(&app, &serving, address, &data_dir, &stop, &workers);
    let closing = CancellationToken::new();
    let measuring = {
        let (router, closing) = (app.metrics_router(), closing.clone());
        async move {
            let Some(listener) = metrics else { return };
            guildhall_front::serve(listener, router, ListenerLimits::default(), closing).await;
        }
    };
    let serving = {
        let (router, closing) = (app.router.clone(), closing.clone());
        async move { guildhall_front::serve(listener, router, ListenerLimits::default(), closing).await }
    };
    let mut signals = Signals::listen().context("can't listen for signals")?;
    let shutdown = async {
        signals.next().await;
        tracing::info!("shutting down: running jobs may finish; signal again to interrupt them");
        app.services.draining.cancel();
        stop.drain.cancel();
        workers.close();
        tokio::select! {
            () = workers.wait() => {}
            () = signals.next() => {
                tracing::info!("interrupting running jobs");
                stop.abort.cancel();
                ending::interrupted(&workers).await;
            }
        }
        app.front.close_streams();
        closing.cancel();
    };
    tokio::join!(serving, measuring, shutdown);
    let App { db, _live: live, .. } = app;
    drop(live);
    ending::close(&db).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Says which documents of manifests can't run, so that who enforces them knows before a client does.
fn warn_of_unfit(front: &GraphqlFront) {
    let unfit = front.unfit_documents();
    for guildhall_front::UnfitDocument { manifest, id, reason } in unfit.iter().take(UNFIT_SHOWN) {
        tracing::warn!(manifest = %manifest.display(), id, reason, "a persisted document can't run here");
    }
    if let Some(more) = unfit.len().checked_sub(UNFIT_SHOWN).filter(|more| *more > 0) {
        tracing::warn!(more, "further persisted documents can't run here");
    }
}

/// Built-in provisioners are daemons like any other, over the loopback, for the default organization alone.
fn start_provisioners(
    app: &App,
    serving: &Serving,
    address: SocketAddr,
    data_dir: &Path,
    stop: &Shutdown,
    workers: &TaskTracker,
) {
    let host = config::local(address);
    for number in 1..=serving.builtin_provisioners {
        let mut settings = DaemonSettings::new(
            format!("http://{host}"),
            app.builtin.secret().clone(),
            DEFAULT.to_owned(),
            data_dir.join("provisioners"),
        );
        settings.name = format!("built-in-{number}");
        settings.concurrency = NonZeroUsize::MIN;
        settings.terraform.clone_from(&serving.terraform_path);
        let stop = stop.clone();
        let db = app.db.clone();
        workers.spawn(async move {
            // The default organization may have been renamed since it was made.
            match organization::default_name(&db).await {
                Ok(name) => settings.organization = name,
                Err(error) => return tracing::error!(%error, "a built-in provisioner could not start"),
            }
            if let Err(error) = Daemon::run(settings, stop).await {
                tracing::error!(%error, number, "a built-in provisioner stopped");
            }
        });
    }
}

/// What somebody needs to know who has just started it. Whether anybody reads it is no matter of the server's.
fn greet(app: &App, url: &str, data_dir: &Path, database: &db::Settings) {
    let kind = match database {
        db::Settings::Sqlite { path, .. } => format!("SQLite, {}", path.display()),
        db::Settings::Postgres { .. } => "PostgreSQL".to_owned(),
    };
    let version = env!("CARGO_PKG_VERSION");
    let folder = data_dir.display();
    let mut text = format!(
        "Guildhall {version} is up\n  API and IDE   {url}/graphql\n  data folder   {folder}\n  database      {kind}\n"
    );
    if let Some(token) = app.setup_token() {
        let token = token.expose_secret();
        text += &format!(
            "\nCreate the first user, who becomes the owner:\n  guildhall login {url} --first-user --setup-token {token}\n"
        );
    }
    if app.demo {
        let (username, password) = (demo::USERNAME, demo::PASSWORD);
        text += &format!(
            "\nDemonstration data: sign in as `{username}` with the password `{password}`\n  guildhall login {url} \
             --username {username}\n"
        );
    }
    _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Ctrl-C and SIGTERM, heard from here on: between two waits none is lost.
pub struct Signals(Signal, Signal);

impl Signals {
    /// Begins to listen; fails when the system refuses.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self(signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?))
    }

    /// Waits for the next.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}
