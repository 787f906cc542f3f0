//! The daemon: registers, takes jobs, reports on them, and ends without losing any.

mod acquire;
mod error;
mod heartbeat;
mod job;
mod outcome;
mod question;
mod recovery;
mod report;
mod running;
mod server;
mod work_dir;

use std::sync::Arc;

use tokio::task::JoinSet;

pub use self::error::DaemonError;
use self::question::Question;
use self::running::Running;
use self::server::Server;
use self::work_dir::WorkDir;
use crate::engine::{Echo, Engine, Terraform};
use crate::settings::{EngineChoice, Settings, Shutdown};

/// The daemon as a whole.
#[derive(Debug)]
pub struct Daemon {
    settings: Settings,
    engine: Engine,
    server: Server,
    work_dir: WorkDir,
    running: Running,
    shutdown: Shutdown,
}

impl Daemon {
    /// Serves until `shutdown` asks for the end. A server that is away is waited for; jobs go on meanwhile.
    ///
    /// # Errors
    /// At the start: settings that can't work, a key that is refused, no Terraform where one is required. Later:
    /// the key was disabled or deleted, after the running jobs were interrupted.
    pub async fn run(settings: Settings, shutdown: Shutdown) -> Result<(), DaemonError> {
        let engine = choose(&settings).await?;
        let work_dir = WorkDir::open(&settings.work_dir, &settings.name)?;
        // Children: what ends this daemon from inside must not end its siblings in the same process.
        let shutdown = Shutdown { drain: shutdown.drain.child_token(), abort: shutdown.abort.child_token() };
        let server = Server::new(&settings, &engine, shutdown.clone())?;
        if !server.register().await? {
            return Ok(());
        }
        let running = Running::new(shutdown.abort.clone());
        let daemon = Arc::new(Self { settings, engine, server, work_dir, running, shutdown });
        daemon.serve().await
    }

    async fn serve(self: Arc<Self>) -> Result<(), DaemonError> {
        tracing::info!(
            organization = self.settings.organization,
            name = self.settings.name,
            concurrency = self.settings.concurrency,
            "the provisioner is ready"
        );
        let heartbeat = tokio::spawn(heartbeat::run(Arc::clone(&self)));
        let mut jobs = JoinSet::new();
        let leftovers = self.work_dir.leftovers();
        let question = Question::open(self.work_dir.root(), &leftovers);
        for leftover in leftovers {
            jobs.spawn(recovery::run(Arc::clone(&self), leftover));
        }
        acquire::run(&self, &mut jobs, question).await;
        if !jobs.is_empty() {
            tracing::info!(jobs = jobs.len(), "no more jobs are taken; waiting for those that run");
        }
        while let Some(ended) = jobs.join_next().await {
            acquire::note(ended);
        }
        heartbeat.abort();
        self.server.sign_off().await;
        self.server.end()
    }
}

async fn choose(settings: &Settings) -> Result<Engine, DaemonError> {
    if settings.engine == EngineChoice::Echo {
        return Ok(Engine::Echo(Echo));
    }
    match Terraform::discover(settings.terraform.as_deref(), &settings.options).await {
        Ok(terraform) => {
            tracing::info!(program = %terraform.program().display(), version = terraform.version(), "Terraform found");
            Ok(Engine::Terraform(terraform))
        }
        // A path that somebody named is meant, also without forcing the engine.
        Err(why) if settings.engine == EngineChoice::Auto && settings.terraform.is_none() => {
            tracing::warn!(%why, "jobs are not really carried out: the engine `echo` runs nothing");
            Ok(Engine::Echo(Echo))
        }
        Err(why) => Err(why.into()),
    }
}
