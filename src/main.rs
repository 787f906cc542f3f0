//! The binary: the server's own commands, and the clients of its API.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use guildhall::commands::config::Config;
use guildhall::commands::doctor::Doctor;
use guildhall::config::{LogFormat, Sealing, Serving, Storage, named_file};
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
  guildhall server                       # SQLite in the data folder, on http://127.0.0.1:8080
  guildhall server --demo                # the same, with something to look at
  guildhall server --address 0.0.0.0:8080 --database-url postgres://guildhall@localhost/guildhall

Ctrl-C drains: running jobs may finish. A second Ctrl-C interrupts them.")]
    Server(Box<Serving>),
    /// Bring the database up to date and exit; the server does the same at its start
    #[command(after_help = "\
Examples:
  guildhall migrate
  guildhall migrate --database-url-file /run/secrets/database-url")]
    Migrate(Storage),
    /// Seal states and sensitive values with the newest sealing key
    #[command(after_help = "\
To change the key of a deployment:
  1. add a new line of 64 hexadecimal digits below the old one in sealing.key, and restart every server
  2. move it to the top, and restart every server
  3. run `guildhall reseal` until it finds nothing to do, then wait a day
  4. remove the old line, and restart every server
With one server the first step can be left out.

Examples:
  guildhall reseal --data-dir /var/lib/guildhall")]
    Reseal(Reseal),
    /// Look whether a server would run here, and what to do where it would not
    Doctor(Box<Doctor>),
    /// The settings of the server
    #[command(subcommand)]
    Config(Config),
    /// Print the GraphQL schema
    Schema {
        /// Print the documents of this version's command line and provisioners instead, as a manifest of persisted documents:
        /// for a server of another version that runs registered documents alone
        #[arg(long)]
        client_documents: bool,
    },
    #[command(subcommand)]
    Provisionerd(guildhall_cli::provisionerd::Provisionerd),
    #[command(flatten)]
    Client(guildhall_cli::Command),
    #[command(visible_alias = "completions")]
    Completion(guildhall_cli::completion::Completion),
    #[command(name = "man")]
    Manual(guildhall_cli::manual::Manual),
}

fn parser() -> clap::Command {
    guildhall_cli::dressed(Cli::command())
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let file = match named_file(&arguments) {
        Ok(file) => file,
        Err(message) => return checked(&arguments).unwrap_or_else(|| failed(&message, 2)),
    };
    let command = file.as_ref().map_or_else(|| Ok(parser()), |file| file.defaults(parser()));
    let command = match command {
        Ok(command) => command,
        Err(message) => return checked(&arguments).unwrap_or_else(|| failed(&message, 2)),
    };
    let matches = command.try_get_matches_from(arguments).unwrap_or_else(|error| error.exit());
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match cli.verb {
        Verb::Server(serving) => {
            let observing = &serving.observing;
            let endpoint = observing.otlp_endpoint.as_deref();
            let telemetry = match Telemetry::start(&observing.log, observing.log_format, endpoint) {
                Ok(telemetry) => telemetry,
                Err(error) => return failed(&format!("{error:#}"), 2),
            };
            let ending = match serving.settle() {
                Ok(settled) => ended(app::serve(settled).await),
                Err(message) => failed(&message, 2),
            };
            telemetry.end().await;
            ending
        }
        Verb::Migrate(storage) => match storage.database(&storage.data_dir) {
            Ok(database) => ended(migrate(&storage.data_dir, &database).await),
            Err(message) => failed(&message, 2),
        },
        Verb::Reseal(reseal) => match reseal.storage.database(&reseal.storage.data_dir) {
            Ok(database) => ended(reseal.run(&database).await),
            Err(message) => failed(&message, 2),
        },
        Verb::Doctor(doctor) => exit(doctor.run(cli.globals.output).await),
        Verb::Config(Config::Check(check)) => exit(check.run(cli.globals.output)),
        Verb::Config(Config::Show(show)) => {
            // What was parsed, below `config show`.
            let matches = matches.subcommand().and_then(|(_, matches)| matches.subcommand());
            ended(matches.map_or(Ok(()), |(_, matches)| show.run(matches, file.as_ref(), cli.globals.output)))
        }
        Verb::Schema { client_documents: false } => ended(printed(guildhall::graphql::sdl())),
        Verb::Schema { client_documents: true } => ended(printed(&client_documents())),
        Verb::Provisionerd(guildhall_cli::provisionerd::Provisionerd::Start(start)) => {
            let settings = match provisionerd::settings(&cli.globals, start) {
                Ok(settings) => settings,
                Err(message) => return failed(&message, 2),
            };
            let telemetry = match Telemetry::start("info", LogFormat::Text, None) {
                Ok(telemetry) => telemetry,
                Err(error) => return failed(&format!("{error:#}"), 2),
            };
            let result = provisionerd::run(settings).await;
            telemetry.end().await;
            ended(result)
        }
        Verb::Client(command) => guildhall_cli::run(command, cli.globals).await,
        Verb::Completion(completion) => completion.run(Cli::command()),
        Verb::Manual(manual) => manual.run(parser()),
    }
}

mod provisionerd {
    //! `guildhall provisionerd start`: from arguments to a running daemon.

    use anyhow::Context as _;
    use guildhall_cli::Globals;
    use guildhall_cli::provisionerd::{Engine, Start};
    use guildhall_provisionerd::{Daemon, EngineChoice, Settings, Shutdown};

    /// What the arguments mean; a sentence for people where one is missing or can't be used.
    pub(super) fn settings(globals: &Globals, start: Start) -> Result<Settings, String> {
        let key = start.key()?;
        let url = globals.url.clone().ok_or("no server: pass --url or set GUILDHALL_URL")?;
        let work_dir = match start.work_dir {
            Some(dir) => dir,
            None => std::env::temp_dir().join("guildhall-provisionerd"),
        };
        let mut settings = Settings::new(url.to_string(), key, start.org, work_dir);
        if let Some(name) = start.name {
            settings.name = name;
        }
        settings.concurrency =
            usize::from(start.concurrency).try_into().map_err(|_| "--concurrency is at least 1")?;
        settings.engine = match start.engine {
            Engine::Auto => EngineChoice::Auto,
            Engine::Terraform => EngineChoice::Terraform,
            Engine::Echo => EngineChoice::Echo,
        };
        settings.terraform = start.terraform_path;
        settings.options.memory = start.job_memory_mb.map(|mib| mib << 20);
        settings.job_timeout = start.job_timeout.map(|minutes| std::time::Duration::from_secs(minutes * 60));
        Ok(settings)
    }

    /// Runs until told to end, twice if that is meant to be at once.
    pub(super) async fn run(settings: Settings) -> anyhow::Result<()> {
        let shutdown = Shutdown::default();
        let daemon = Daemon::run(settings, shutdown.clone());
        tokio::pin!(daemon);
        let mut signals = guildhall::app::Signals::listen().context("can't listen for signals")?;
        loop {
            tokio::select! {
                ended = &mut daemon => return Ok(ended?),
                () = signals.next() => {
                    if shutdown.drain.is_cancelled() {
                        shutdown.abort.cancel();
                    } else {
                        tracing::info!("draining: running jobs may finish; signal again to interrupt them");
                        shutdown.drain.cancel();
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
    async fn run(self, database: &db::Settings) -> anyhow::Result<()> {
        let folder = &self.storage.data_dir;
        let file = self.sealing.sealing_key_file.as_deref();
        let done = app::reseal(folder, database, file, guildhall::clock::Clock::system()).await?;
        guildhall::commands::say(&format!("Sealed {done} states and sets of values with the newest key."))
    }
}

async fn migrate(data_dir: &std::path::Path, database: &db::Settings) -> anyhow::Result<()> {
    guildhall::keys::make_folder(data_dir)?;
    let db = db::connect(database, guildhall::clock::Clock::system()).await?;
    db::migrate(&db).await?;
    Ok(db.close().await?)
}

/// The documents of the client by their SHA-256, as `--persisted-manifest` reads them.
fn client_documents() -> String {
    let entry = |text: String| {
        (format!("sha256:{}", guildhall_front::Digest::of(&text)), serde_json::Value::String(text))
    };
    let documents: serde_json::Map<_, _> = guildhall_client::documents().into_iter().map(entry).collect();
    format!("{:#}\n", serde_json::Value::Object(documents))
}

fn printed(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        // Whoever reads it has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("can't write the output"),
    }
}

/// `config check` of a file that is wrong is what it is for.
fn checked(arguments: &[std::ffi::OsString]) -> Option<ExitCode> {
    match Cli::try_parse_from(arguments).ok()? {
        Cli { globals, verb: Verb::Config(Config::Check(check)) } => Some(exit(check.run(globals.output))),
        _ => None,
    }
}

fn ended(result: anyhow::Result<()>) -> ExitCode {
    exit(result.map(|()| ExitCode::SUCCESS))
}

fn exit(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| failed(&format!("{error:#}"), 1))
}

#[expect(clippy::print_stderr, reason = "the command's error")]
fn failed(message: &str, code: u8) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands of the client are looked at where they are; here it is about the server's own.
    #[test]
    fn the_commands_of_the_server_have_examples_that_are_understood() {
        parser().debug_assert();
        for path in [
            &["server"][..],
            &["migrate"],
            &["reseal"],
            &["doctor"],
            &["config", "show"],
            &["config", "check"],
            &["provisionerd", "start"],
        ] {
            let mut command = parser();
            for name in path {
                command = command.find_subcommand(name).unwrap().clone();
            }
            let after = command.get_after_help().unwrap().to_string().replace("\\\n", " ");
            let examples = after.split("\n\n").find_map(|part| part.strip_prefix("Examples:\n")).unwrap();
            for line in examples.lines() {
                let words = shlex::split(line).unwrap();
                let words = words.into_iter().skip_while(|word| word != "guildhall");
                if let Err(error) = parser().try_get_matches_from(words) {
                    panic!("{line}\n{error}");
                }
            }
        }
    }
}
