//! Real processes of the built binary: a server, daemons, and people at terminals. Whatever is started ends with its
//! owner.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use guildhall::db::Settings;
use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::PASSWORD;
use super::database::{self, Backend};
use super::screen::Screen;
use super::tables::Tables;

/// How long anything may take that is not told otherwise: much longer than it does, because tests share machines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Looks again and again until there is something to see.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// What carries out jobs on this machine: `terraform`, or `echo` where none is installed, which is said aloud.
pub(crate) fn engine() -> &'static str {
    let folders: Vec<PathBuf> = std::env::split_paths(&path()).collect();
    let installed =
        ["terraform", "tofu"].iter().any(|name| folders.iter().any(|dir| dir.join(name).is_file()));
    if installed {
        return "terraform";
    }
    println!("neither terraform nor tofu is on the PATH: this test runs with the engine `echo`");
    "echo"
}

#[expect(clippy::disallowed_methods, reason = "a process needs the PATH of the test run")]
fn path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

fn guildhall() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_guildhall"));
    command.env_clear().env("PATH", path()).env("NO_COLOR", "1").stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// A process that runs until it is told to end. What it says goes to a file.
pub(crate) struct Program {
    child: Child,
    said: PathBuf,
}

impl Program {
    fn start(mut command: Command, said: PathBuf) -> Self {
        let file = std::fs::File::create(&said).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file);
        Self { child: command.spawn().unwrap(), said }
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.said).unwrap()).into_owned()
    }

    /// Waits until it has said something; panics when it ends before.
    pub(crate) async fn says(&mut self, text: &str) -> String {
        eventually(&format!("`{text}`"), async || {
            let said = self.said();
            if said.contains(text) {
                return Some(said);
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended ({ended:?}) before it said `{text}`:\n{said}");
            None
        })
        .await
    }

    /// Asks it to end: SIGTERM.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait())
            .await
            .unwrap_or_else(|_| panic!("it does not end:\n{}", std::fs::read_to_string(&self.said).unwrap()))
            .unwrap()
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.ended().await;
    }

    fn signal(&self, signal: Signal) {
        let id = self.child.id().expect("it has not ended yet");
        kill_process(Pid::from_raw(id.cast_signed()).unwrap(), signal).unwrap();
    }
}

/// A server on a data folder and a database of its own.
pub(crate) struct Server {
    pub(crate) program: Program,
    pub(crate) url: String,
    pub(crate) folder: Arc<tempfile::TempDir>,
    database: Settings,
    settings: Vec<(&'static str, String)>,
}

impl Server {
    /// Starts one with `provisioners` built-in provisioners on an empty machine. `None`, said aloud, where the test run
    /// has no such database.
    pub(crate) async fn start(backend: Backend, provisioners: u16) -> Option<Self> {
        Self::start_with(backend, vec![("GUILDHALL_BUILTIN_PROVISIONERS", provisioners.to_string())]).await
    }

    /// Starts one with these settings on an empty machine.
    pub(crate) async fn start_with(backend: Backend, settings: Vec<(&'static str, String)>) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let database = match database::empty(backend, folder.path()).await? {
            Settings::Sqlite { readers, .. } => {
                Settings::Sqlite { path: folder.path().join("data/guildhall.db"), readers }
            }
            postgres @ Settings::Postgres { .. } => postgres,
        };
        let (program, url) = launch(folder.path(), &database, &settings, "127.0.0.1:0").await;
        Some(Self { program, url, folder: Arc::new(folder), database, settings })
    }

    /// Starts another one over the same database and data folder.
    pub(crate) async fn beside(&self) -> Self {
        let (folder, database, settings) =
            (self.folder.clone(), self.database.clone(), self.settings.clone());
        let (program, url) = launch(folder.path(), &database, &settings, "127.0.0.1:0").await;
        Self { program, url, folder, database, settings }
    }

    /// Starts it again where it was, after its end.
    pub(crate) async fn start_again(&mut self) {
        let address = self.url.trim_start_matches("http://").to_owned();
        (self.program, _) = launch(self.folder.path(), &self.database, &self.settings, &address).await;
    }

    /// The options that name its data folder and its database.
    pub(crate) fn options(&self) -> Vec<String> {
        let mut options = vec!["--data-dir".to_owned(), self.data_dir().to_str().unwrap().to_owned()];
        if let Settings::Postgres { url, .. } = &self.database {
            options.extend(["--database-url".to_owned(), url.expose_secret().to_owned()]);
        }
        options
    }

    /// What is in its database.
    pub(crate) fn tables(&self) -> Tables {
        Tables::of(&self.database)
    }

    /// Where it keeps its data.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Somebody at a terminal of the same machine.
    pub(crate) fn terminal(&self, name: &str) -> Terminal {
        let home = self.folder.path().join(name);
        std::fs::create_dir_all(&home).unwrap();
        Terminal { url: self.url.clone(), home }
    }

    /// The owner, signed in as the first user.
    pub(crate) async fn owner(&self) -> Terminal {
        let olga = self.terminal("olga");
        let data_dir = self.data_dir();
        olga.ok(&[
            "login",
            "--first-user",
            "--username",
            "olga",
            "--email",
            "olga@example.com",
            "--data-dir",
            data_dir.to_str().unwrap(),
        ])
        .await;
        olga
    }

    /// A daemon of an organization, in a work folder that it keeps over its lives.
    pub(crate) fn daemon(&self, key: &str, org: &str, name: &str) -> Program {
        let mut command = guildhall();
        command
            .args(["provisionerd", "start", "--org", org, "--name", name, "--engine", engine()])
            .env("GUILDHALL_URL", &self.url)
            .env("GUILDHALL_PROVISIONER_DAEMON_KEY", key)
            .env("GUILDHALL_PROVISIONER_DAEMON_WORK_DIR", self.folder.path().join("daemons"));
        let life = std::fs::read_dir(self.folder.path()).unwrap().count();
        Program::start(command, self.folder.path().join(format!("{name}-{life}.log")))
    }
}

async fn launch(
    folder: &Path,
    database: &Settings,
    settings: &[(&str, String)],
    address: &str,
) -> (Program, String) {
    let mut command = guildhall();
    command.args(["server", "--address", address]).env("GUILDHALL_DATA_DIR", folder.join("data"));
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    if let Settings::Postgres { url, .. } = database {
        command.env("GUILDHALL_DATABASE_URL", url.expose_secret());
    }
    let life = std::fs::read_dir(folder).unwrap().count();
    let mut program = Program::start(command, folder.join(format!("server-{life}.log")));
    let said = program.says("data folder").await;
    let (_, rest) = said.split_once("API and IDE").expect("it prints its URL");
    let url = rest.trim_start().split_once("/graphql").expect("it prints its URL").0.to_owned();
    eventually("the server to be ready", async || {
        let answer = reqwest::get(format!("{url}/readyz")).await.ok()?;
        answer.status().is_success().then_some(())
    })
    .await;
    (program, url)
}

/// Somebody at a terminal, with a home folder of their own.
#[derive(Clone)]
pub(crate) struct Terminal {
    pub(crate) url: String,
    home: PathBuf,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Terminal {
    /// Somebody whose home is this folder, and whose server is there.
    pub(crate) fn at(home: &Path, url: &str) -> Self {
        Self { url: url.to_owned(), home: home.to_owned() }
    }

    /// Runs a command to its end, with [`PASSWORD`] in the environment.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Said {
        let mut command = guildhall();
        command.env("GUILDHALL_PASSWORD", PASSWORD);
        self.run_as(command, arguments).await
    }

    /// The same without a password.
    pub(crate) async fn run_without_password(&self, arguments: &[&str]) -> Said {
        self.run_as(guildhall(), arguments).await
    }

    /// Begins a command that takes its time.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Program {
        let mut command = guildhall();
        self.prepare(&mut command, arguments);
        let number = std::fs::read_dir(&self.home).unwrap().count();
        Program::start(command, self.home.join(format!("begun-{number}.log")))
    }

    /// Begins a command before a screen; its colours are as it likes unless `plain`.
    pub(crate) fn watch(&self, arguments: &[&str], plain: bool) -> Screen {
        let mut command = guildhall();
        self.prepare(&mut command, arguments);
        command.env("TERM", "xterm-256color").env("GUILDHALL_PASSWORD", PASSWORD);
        if !plain {
            command.env_remove("NO_COLOR");
        }
        Screen::start(command)
    }

    /// Starts a command, what it says in pipes.
    pub(crate) fn piped(&self, arguments: &[&str]) -> Child {
        let mut command = guildhall();
        self.prepare(&mut command, arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn prepare(&self, command: &mut Command, arguments: &[&str]) {
        command
            .args(arguments)
            .env("HOME", &self.home)
            .env("GUILDHALL_URL", &self.url)
            .env("GUILDHALL_CONFIG_DIR", self.home.join("config"));
    }

    async fn run_as(&self, mut command: Command, arguments: &[&str]) -> Said {
        self.prepare(&mut command, arguments);
        let output = timeout(PATIENCE, command.output())
            .await
            .unwrap_or_else(|_| panic!("`guildhall {}` does not end", arguments.join(" ")))
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Runs a command that must succeed.
    pub(crate) async fn ok(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments).await;
        assert_eq!(said.code, 0, "guildhall {}\n{}{}", arguments.join(" "), said.out, said.err);
        said
    }

    /// Runs a command that must succeed with `-o json`; answers what it printed.
    pub(crate) async fn json(&self, arguments: &[&str]) -> Value {
        let said = self.ok(&[arguments, &["-o", "json"]].concat()).await;
        serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {}", said.out))
    }

    /// Runs a command that must end with this exit code; answers its complaint.
    pub(crate) async fn refused(&self, code: i32, arguments: &[&str]) -> String {
        let said = self.run(arguments).await;
        assert_eq!(said.code, code, "guildhall {}\n{}{}", arguments.join(" "), said.out, said.err);
        assert!(!said.err.trim().is_empty(), "guildhall {} said nothing", arguments.join(" "));
        said.err
    }
}
