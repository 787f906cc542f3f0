//! The binary: the server's own commands, and the clients of its API.

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use guildhall::config::{LogFormat, Sealing, Serving, Storage, with_file};
use guildhall::telemetry::Telemetry;
use guildhall::{app, db};
use mimalloc::MiMalloc;

/// A request makes thousands of small values, on one thread, and drops some on another: the system's allocator takes
/// locks for that (docs/PERFORMANCE.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// A GraphQL control plane for developer platforms
#[derive(Parser)]
#[command(name = "guildhall", version, after_help = guildhall_cli::EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    globals: guildhall_cli::Globals,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the server
    #[command(after_help = "\
Examples:
  guildhall server                       SQLite in the data folder, on http://127.0.0.1:8080
  guildhall server --demo                the same, with something to look at
  guildhall server --address 0.0.0.0:8080 --database-url postgres://guildhall@localhost/guildhall

Ctrl-C drains: running jobs may finish. A second Ctrl-C interrupts them.")]
    Server(Box<Serving>),
    /// Bring the database up to date and exit; the server does the same at its start
    Migrate(Storage),
    /// Seal states and sensitive values with the newest sealing key
    #[command(after_help = "\
To change the key of a deployment:
  1. add a new line of 64 hexadecimal digits below the old one in sealing.key, and restart every server
  2. move it to the top, and restart every server
  3. run `guildhall reseal` until it finds nothing to do, then wait a day
  4. remove the old line, and restart every server
With one server the first step can be left out.")]
    Reseal(Reseal),
    /// Print the GraphQL schema
    Schema,
    #[command(subcommand)]
    Provisionerd(guildhall_cli::provisionerd::Provisionerd),
    #[command(flatten)]
    Client(guildhall_cli::Command),
    #[command(visible_alias = "completions")]
    Completion(guildhall_cli::completion::Completion),
    #[command(name = "man")]
    Manual(guildhall_cli::manual::Manual),
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let command = match with_file(Cli::command(), &arguments) {
        Ok(command) => command,
        Err(message) => return failed(&message, 2),
    };
    let cli =
        match command.try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches)) {
            Ok(cli) => cli,
            Err(error) => error.exit(),
        };
    match cli.verb {
        Verb::Server(serving) => {
            let observing = &serving.observing;
            let endpoint = observing.otlp_endpoint.as_deref();
            let telemetry = match Telemetry::start(&observing.log, observing.log_format, endpoint) {
                Ok(telemetry) => telemetry,
                Err(error) => return failed(&format!("{error:#}"), 2),
            };
            let result = app::serve(*serving).await;
            telemetry.end().await;
            ended(result)
        }
        Verb::Migrate(storage) => ended(migrate(storage).await),
        Verb::Reseal(reseal) => ended(reseal.run().await),
        Verb::Schema => {
            schema();
            ExitCode::SUCCESS
        }
        Verb::Provisionerd(guildhall_cli::provisionerd::Provisionerd::Start(start)) => {
            let telemetry = match Telemetry::start("info", LogFormat::Text, None) {
                Ok(telemetry) => telemetry,
                Err(error) => return failed(&format!("{error:#}"), 2),
            };
            let result = provisionerd::start(&cli.globals, start).await;
            telemetry.end().await;
            ended(result)
        }
        Verb::Client(command) => guildhall_cli::run(command, cli.globals).await,
        Verb::Completion(completion) => completion.run(Cli::command()),
        Verb::Manual(manual) => manual.run(Cli::command()),
    }
}

mod provisionerd {
    //! `guildhall provisionerd start`: from arguments to a running daemon.

    use anyhow::Context as _;
    use guildhall_cli::Globals;
    use guildhall_cli::provisionerd::{Engine, Start};
    use guildhall_provisionerd::{Daemon, EngineChoice, Settings, Shutdown};

    pub(super) async fn start(globals: &Globals, start: Start) -> anyhow::Result<()> {
        let key = start.key().map_err(anyhow::Error::msg)?;
        let url = globals.url.clone().context("no server: pass --url or set GUILDHALL_URL")?;
        let work_dir = match start.work_dir {
            Some(dir) => dir,
            None => std::env::temp_dir().join("guildhall-provisionerd"),
        };
        let mut settings = Settings::new(url.to_string(), key, start.org, work_dir);
        if let Some(name) = start.name {
            settings.name = name;
        }
        settings.concurrency =
            usize::from(start.concurrency).try_into().context("--concurrency is at least 1")?;
        settings.engine = match start.engine {
            Engine::Auto => EngineChoice::Auto,
            Engine::Terraform => EngineChoice::Terraform,
            Engine::Echo => EngineChoice::Echo,
        };
        settings.terraform = start.terraform_path;
        settings.options.memory = start.job_memory_mb.map(|mib| mib << 20);
        settings.job_timeout = start.job_timeout.map(|minutes| std::time::Duration::from_secs(minutes * 60));
        let shutdown = Shutdown::default();
        let daemon = Daemon::run(settings, shutdown.clone());
        tokio::pin!(daemon);
        let mut signals = 0;
        loop {
            tokio::select! {
                ended = &mut daemon => return Ok(ended?),
                () = guildhall::app::signal() => {
                    signals += 1;
                    if signals == 1 {
                        tracing::info!("draining: running jobs may finish; signal again to interrupt them");
                        shutdown.drain.cancel();
                    } else {
                        shutdown.abort.cancel();
                    }
                }
            }
        }
    }
}

/// The arguments of `guildhall reseal`.
#[derive(clap::Args)]
struct Reseal {
    #[command(flatten)]
    storage: Storage,
    #[command(flatten)]
    sealing: Sealing,
}

impl Reseal {
    #[expect(clippy::print_stdout, reason = "the command's result")]
    async fn run(self) -> anyhow::Result<()> {
        let folder = &self.storage.data_dir;
        let database = self.storage.database(folder).map_err(anyhow::Error::msg)?;
        let file = self.sealing.sealing_key_file.as_deref();
        let done = app::reseal(folder, &database, file, guildhall::clock::Clock::system()).await?;
        println!("Sealed {done} states and sets of values with the newest key.");
        Ok(())
    }
}

async fn migrate(storage: Storage) -> anyhow::Result<()> {
    guildhall::keys::make_folder(&storage.data_dir)?;
    let database = storage.database(&storage.data_dir).map_err(anyhow::Error::msg)?;
    let db = db::connect(&database, guildhall::clock::Clock::system()).await?;
    db::migrate(&db).await?;
    Ok(db.close().await?)
}

#[expect(clippy::print_stdout, reason = "the command's result")]
fn schema() {
    print!("{}", guildhall::graphql::sdl());
}

fn ended(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&format!("{error:#}"), 1),
    }
}

#[expect(clippy::print_stderr, reason = "the command's error")]
fn failed(message: &str, code: u8) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(code)
}
